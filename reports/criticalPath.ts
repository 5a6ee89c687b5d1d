// Which steps the time of a company hangs on: its longest chain of steps, summed over the companies that were completed,
// and for those in the middle and at the slow end by themselves.

import type { RolloutMeasurement } from './measurement.ts';
import { provisioningMs } from './rolloutKpis.ts';
import { quantile, sorted } from './statistics.ts';
import { durationOf, longestChain, rowsByCompany } from './timelineRows.ts';

export type CriticalPathReport = {
  /** On the path of any company, in the order of the plan: means a company, over all of them and over each group. */
  readonly steps: readonly {
    readonly kind: string;
    readonly meanMs: number;
    readonly medianMs: number;
    readonly p99Ms: number;
  }[];
  readonly all: PathGroup;
  /** The tenth of the companies around the median of their time. */
  readonly median: PathGroup;
  /** Those at and beyond the P99. */
  readonly p99: PathGroup;
};

export type PathGroup = {
  readonly companies: number;
  /** Mean of the whole path. */
  readonly meanMs: number;
  /** The kind of step with the largest part in it, and that part. */
  readonly dominant: string;
  readonly share: number;
};

/** One company would be chance: the middle is a tenth of them. */
const MEDIAN_FROM = 0.45;
const MEDIAN_UNTIL = 0.55;

/** Null when no company was completed. */
export function criticalPathOf(rollouts: readonly RolloutMeasurement[]): CriticalPathReport | null {
  const ascending = sorted(rollouts.flatMap(provisioningMs).filter(Number.isFinite));
  if (ascending.length === 0) return null;
  const [fromMs, untilMs, p99Ms] = [MEDIAN_FROM, MEDIAN_UNTIL, 0.99].map(p => quantile(ascending, p));
  const all = noSums();
  const median = noSums();
  const p99 = noSums();
  for (const rollout of rollouts) {
    const times = provisioningMs(rollout);
    const rows = rowsByCompany(rollout.timeline, rollout.company.length);
    times.forEach((ms, company) => {
      if (!Number.isFinite(ms)) return;
      const groups = [all, ...(ms >= fromMs && ms <= untilMs ? [median] : []), ...(ms >= p99Ms ? [p99] : [])];
      addPath(groups, rollout, rows[company]);
    });
  }
  const mean = (sums: Sums, kind: string) => (sums.kinds.get(kind) ?? 0) / sums.companies;
  return {
    steps: [...all.kinds.keys()].map(kind => ({
      kind,
      meanMs: mean(all, kind),
      medianMs: mean(median, kind),
      p99Ms: mean(p99, kind),
    })),
    all: groupReport(all),
    median: groupReport(median),
    p99: groupReport(p99),
  };
}

/** Summed over its companies: the time of each kind of step on their paths. */
type Sums = { companies: number; readonly kinds: Map<string, number> };

const noSums = (): Sums => ({ companies: 0, kinds: new Map() });

function addPath(groups: readonly Sums[], { timeline }: RolloutMeasurement, rows: Uint32Array): void {
  for (const group of groups) group.companies++;
  for (const row of longestChain(timeline, rows)) {
    const { kind } = timeline.steps[timeline.step[row]];
    for (const { kinds } of groups) kinds.set(kind, (kinds.get(kind) ?? 0) + durationOf(timeline, row));
  }
}

function groupReport({ companies, kinds }: Sums): PathGroup {
  let dominant = '';
  let mostMs = 0;
  let totalMs = 0;
  for (const [kind, ms] of kinds) {
    totalMs += ms;
    if (ms > mostMs) [dominant, mostMs] = [kind, ms];
  }
  return { companies, meanMs: totalMs / companies, dominant, share: totalMs === 0 ? 0 : mostMs / totalMs };
}
