// `waterfall.csv`: every step of every company of the worst replication, 170,000 rows of a large rollout, which would
// only weigh `report.json` down. Plain columns, times in milliseconds since the companies were queued.

import type { Replication } from './measurement.ts';
import type { Report } from './report.ts';
import { PARTS, partsOf } from './timelineRows.ts';

const HEAD = [
  ...['company', 'outcome', 'step', 'kind', 'ending', 'beganAtMs', 'endedAtMs'],
  ...PARTS.map(part => `${part}Ms`),
  'label',
];

/** Null where no rollout was run. */
export function waterfallCsv(report: Report, replications: readonly Replication[]): string | null {
  if (report.rollout === null) return null;
  const rollouts = replications.map(({ rollout }) => rollout).filter(each => each !== null);
  const { company, outcome, timeline } = rollouts[report.rollout.worstReplication];
  const lines = Array.from(timeline.company, (index, row) => {
    const { id, kind } = timeline.steps[timeline.step[row]];
    const parts = partsOf(timeline, row);
    const times = [timeline.beganAtMs[row], timeline.endedAtMs[row], ...PARTS.map(part => parts[part])];
    const ending = timeline.endings[timeline.ending[row]];
    return [company[index], outcome[index], id, kind, ending, ...times.map(rounded), report.label].join(',');
  });
  return `${HEAD.join(',')}\n${lines.join('\n')}\n`;
}

/** Microseconds: more digits would be rounding errors. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
