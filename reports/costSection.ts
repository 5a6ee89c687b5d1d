// The HTML report's section on what a company costs.

import { usd } from './format.ts';
import { definitions, type Html, html, NOTHING, table } from './page.ts';
import type { CostLine, Report } from './report.ts';
import { costText } from './trafficSentences.ts';

const KINDS: Readonly<Record<CostLine['kind'], string>> = {
  fixed: 'fixed',
  shared: 'shared',
  perCompany: 'per company',
};

export function costSection(report: Report): Html {
  const { cost, companies } = report;
  if (cost === null) return NOTHING;
  const rows = cost.lines.map(({ item, usdPerMonth, kind, splitBy, usage, fact, label }) => [
    item,
    usd(usdPerMonth),
    usd(usdPerMonth / companies),
    KINDS[kind],
    splitBy,
    usage,
    html`<code>${fact}</code>`,
    label,
  ]);
  const head = ['item', 'a month', 'a company', 'kind', 'split by', 'usage', 'price', 'label'];
  return html`<h2>Cost</h2>
${definitions([
  ['A company and month', costText(report) ?? ''],
  ['From a run to a month', cost.extrapolation],
  ['Without a price', cost.unpriced.length === 0 ? 'nothing' : cost.unpriced.join('; ')],
])}
${table('Bill of a month, of the mean replication', head, rows, [1, 2])}
${levelsTable(cost.byLevel)}`;
}

function levelsTable(byLevel: Readonly<Record<string, number>> | undefined): Html {
  if (byLevel === undefined) return NOTHING;
  const rows = Object.entries(byLevel).map(([level, usdPerMonth]) => [level, usd(usdPerMonth), 'modelled']);
  return table('One company of each level', ['level', 'a month', 'label'], rows, [1]);
}
