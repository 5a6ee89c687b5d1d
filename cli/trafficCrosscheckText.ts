// A crosscheck as a table on the terminal, and where a figure is out of tolerance, what to look for the cause by.

import { count, duration, grouped, share, signedShare } from '../reports/format.ts';
import type { CrosscheckReport } from '../reports/report.ts';
import { compareCounts, compareKinds } from '../rig/crosscheck.ts';
import type { Side } from './crosscheck.ts';

type Row = readonly string[];

/** The request-by-request differences are not there: virtual time keeps distributions, no record of each request. */
export function crosscheckText(report: CrosscheckReport, side: Side): string {
  const { scenario, withDelays, verdict, rows } = report;
  const delays = withDelays ? 'with the drawn delays' : 'without delays';
  const { due } = side.emulated.counts;
  return [
    `${scenario}, the same ${grouped(due)} requests ${delays}: ${verdict}`,
    '',
    ...table([
      ['figure', 'simulated', 'emulated', 'deviation', 'allowed', ''],
      ...rows.map(row => [
        row.figure,
        figureText(row.simulated, row.unit),
        figureText(row.emulated, row.unit),
        signedShare(row.deviation),
        row.tolerance === null ? '' : share(row.tolerance),
        row.tolerance === null ? 'shown, not judged' : row.within ? 'within' : 'OUT',
      ]),
    ]),
    ...(verdict === 'PASS' ? [] : causesText(side)),
    '',
    'Whole distributions are compared; virtual time keeps no record of each request to compare one by one.',
  ].join('\n');
}

function causesText({ simulated, emulated }: Side): string[] {
  return [
    '',
    ...table([
      ['kind', 'simulated', 'emulated', 'answers', 'answers'],
      ...compareKinds(simulated, emulated).map(({ kind, ...sides }) => [
        `P50 ${kind}`,
        duration(sides.simulated.p50Ms),
        duration(sides.emulated.p50Ms),
        grouped(sides.simulated.answers),
        grouped(sides.emulated.answers),
      ]),
    ]),
    '',
    ...table([
      ['counted', 'simulated', 'emulated'],
      ...compareCounts(simulated, emulated).map(each => [
        each.count,
        grouped(each.simulated),
        grouped(each.emulated),
      ]),
    ]),
  ];
}

function figureText(value: number, unit: CrosscheckReport['rows'][number]['unit']): string {
  if (unit === 'ms') return duration(value);
  if (unit === 'share') return share(value);
  return unit === 'perSecond' ? `${count(value)}/s` : count(value);
}

/** The first column to the left, the others to the right. */
function table(rows: readonly Row[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  return rows.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('   ')
      .trimEnd(),
  );
}
