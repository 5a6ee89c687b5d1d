// A crosscheck of traffic on the terminal, and where a figure is out of tolerance, what to look for the cause by.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import { duration, grouped } from '../reports/format.ts';
import { compareCounts, compareKinds } from '../rig/crosscheck.ts';
import { figureTable, table } from './crosscheckTable.ts';
import type { Side } from './trafficCrosscheck.ts';

/** The request-by-request differences are not there: virtual time keeps distributions, no record of each request. */
export function trafficCrosscheckText(report: CrosscheckReport, side: Side): string {
  const { scenario, withDelays, verdict } = report;
  const delays = withDelays ? 'with the drawn delays' : 'without delays';
  const { due } = side.emulated.counts;
  return [
    `${scenario}, the same ${grouped(due)} requests ${delays}: ${verdict}`,
    '',
    ...figureTable(report),
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
