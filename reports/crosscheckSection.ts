// The HTML report's section on how far the simulation may be trusted.

import type { CrosscheckReport } from './crosscheckReport.ts';
import { crosscheckText, rowFigure } from './crosscheckSentences.ts';
import { share, signedShare } from './format.ts';
import { definitions, type Html, html, NOTHING, table } from './page.ts';
import type { Report } from './report.ts';

export function crosscheckSection(report: Report): Html {
  const { rolloutCrosscheck, crosscheck } = report;
  const [first] = [rolloutCrosscheck, crosscheck].filter(each => each !== null);
  if (first === undefined) return NOTHING;
  return html`<h2>Crosscheck</h2>
${definitions([
  ['Scenario', first.scenario],
  ['Outcome', crosscheckText(report)],
])}
${rowsTable('The same rollout in virtual time and over HTTP', rolloutCrosscheck)}
${rowsTable('The same requests in virtual time and over HTTP', crosscheck)}`;
}

function rowsTable(caption: string, crosscheck: CrosscheckReport | null): Html {
  if (crosscheck === null) return NOTHING;
  const rows = crosscheck.rows.map(row => [
    row.figure,
    rowFigure(row.simulated, row.unit),
    rowFigure(row.emulated, row.unit),
    signedShare(row.deviation),
    row.tolerance === null ? '' : share(row.tolerance),
    row.tolerance === null ? 'shown, not judged' : row.within ? 'yes' : 'no',
  ]);
  const head = ['figure', 'simulated', 'emulated', 'deviation', 'allowed', 'within'];
  return table(caption, head, rows, [1, 2, 3, 4]);
}
