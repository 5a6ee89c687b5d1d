// The report's waterfall: where the time of each step goes, which steps a company's time hangs on, and who was slowest.
// Pure; over all replications, but for the companies that are named: those are of the worst one, as in `waterfall.csv`.

import { type CriticalPathReport, criticalPathOf } from './criticalPath.ts';
import type { CompanyOutcome, RolloutMeasurement, StepEnding, TimelineMeasurement } from './measurement.ts';
import type { LimitReport } from './report.ts';
import { quantile, sorted } from './statistics.ts';
import {
  durationOf,
  longestChain,
  PARTS,
  type Part,
  type Parts,
  partsOf,
  rowsByCompany,
} from './timelineRows.ts';

export type WaterfallReport = {
  /** In the order of the plan, those that were made first. */
  readonly steps: readonly StepTimeReport[];
  /** Mean of each part a company that was admitted, removals included. */
  readonly parts: PartReports;
  /** Null when no company was completed. */
  readonly criticalPath: CriticalPathReport | null;
  /** Means a replication. */
  readonly queued: readonly QueuedReport[];
  /** Companies of the worst replication that were completed: at P50, P95 and P99 of their time, and the slowest. */
  readonly ranked: readonly (CompanyWaterfall & { readonly ranks: readonly string[] })[];
  /** Companies of the worst replication that ended, whatever became of them; the 10 that took longest. */
  readonly slowest: readonly CompanyWaterfall[];
};

/** Share of the time of all steps: provisioning time, but for what the journal takes between them. */
export type PartReports = Readonly<Record<Part, { readonly meanMs: number; readonly share: number }>>;

export type StepTimeReport = {
  readonly kind: string;
  readonly ending: StepEnding;
  /** A replication. */
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the time of all steps, as those of `parts`. */
  readonly share: number;
  readonly parts: PartReports;
};

/** What one limit kept waiting. */
export type QueuedReport = {
  readonly name: string;
  readonly kind: 'limiter' | 'quota';
  /** How long it held back the next company. */
  readonly beforeAdmissionMs: number;
  /** Summed over the calls of the companies under way. */
  readonly insideMs: number;
};

export type CompanyWaterfall = {
  readonly company: string;
  readonly outcome: CompanyOutcome;
  /** Admission until it ended. */
  readonly durationMs: number;
  /** In the order in which they ended; times are milliseconds since the company's admission. */
  readonly steps: readonly {
    readonly step: string;
    readonly ending: StepEnding;
    readonly beganMs: number;
    readonly endedMs: number;
    readonly parts: Parts;
    readonly isCritical: boolean;
  }[];
};

const SLOWEST_SHOWN = 10;

export function waterfallReportOf(
  rollouts: readonly RolloutMeasurement[],
  worst: RolloutMeasurement,
  limits: readonly LimitReport[],
): WaterfallReport {
  const groups = groupSteps(rollouts.map(({ timeline }) => timeline));
  const totalMs = groups.reduce((sum, group) => sum + sumOf(group.times), 0);
  const admitted = rollouts.reduce(
    (sum, { admittedAtMs }) => sum + admittedAtMs.filter(ms => ms >= 0).length,
    0,
  );
  const partTotals = totalParts(groups.map(({ parts }) => parts));
  return {
    steps: groups.map(group => stepReport(group, rollouts.length, totalMs)),
    parts: partReports(partTotals, admitted, totalMs),
    criticalPath: criticalPathOf(rollouts),
    queued: limits.map(queuedReport),
    ...namedCompanies(worst),
  };
}

type Group = {
  readonly kind: string;
  readonly ending: StepEnding;
  readonly times: number[];
  readonly parts: Record<Part, number>;
};

const noParts = (): Record<Part, number> => ({ lost: 0, quota: 0, limiter: 0, calls: 0, poll: 0, retry: 0 });

/** Steps of one kind that ended alike. */
function groupSteps(timelines: readonly TimelineMeasurement[]): Group[] {
  const groups = new Map<string, Group>();
  for (const timeline of timelines) {
    /** By step and ending: no text is put together for each of 170,000 rows. */
    const known: Group[] = [];
    for (let row = 0; row < timeline.company.length; row++) {
      const place = timeline.step[row] * timeline.endings.length + timeline.ending[row];
      known[place] ??= groupOf(groups, timeline, row);
      const { times, parts } = known[place];
      times.push(durationOf(timeline, row));
      const rowParts = partsOf(timeline, row);
      for (const part of PARTS) parts[part] += rowParts[part];
    }
  }
  const isMade = ({ ending }: Group) => ending === 'made';
  const all = [...groups.values()];
  return [...all.filter(isMade), ...all.filter(group => !isMade(group))];
}

function groupOf(groups: Map<string, Group>, timeline: TimelineMeasurement, row: number): Group {
  const { kind } = timeline.steps[timeline.step[row]];
  const ending = timeline.endings[timeline.ending[row]];
  const key = `${ending} ${kind}`;
  let group = groups.get(key);
  if (group === undefined) groups.set(key, (group = { kind, ending, times: [], parts: noParts() }));
  return group;
}

function stepReport(
  { kind, ending, times, parts }: Group,
  replications: number,
  totalMs: number,
): StepTimeReport {
  const ascending = sorted(times);
  const at = (p: number) => quantile(ascending, p);
  const sumMs = sumOf(times);
  return {
    kind,
    ending,
    count: times.length / replications,
    meanMs: sumMs / times.length,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
    share: shareOf(sumMs, totalMs),
    parts: partReports(parts, times.length, totalMs),
  };
}

function partReports(parts: Parts, of: number, totalMs: number): PartReports {
  const report = (part: Part) => ({
    meanMs: of === 0 ? 0 : parts[part] / of,
    share: shareOf(parts[part], totalMs),
  });
  return Object.fromEntries(PARTS.map(part => [part, report(part)])) as PartReports;
}

function totalParts(all: readonly Parts[]): Parts {
  const total = noParts();
  for (const parts of all) for (const part of PARTS) total[part] += parts[part];
  return total;
}

function queuedReport({ name, kind, waitMs, admissionBlockedMs }: LimitReport): QueuedReport {
  // What waits for the concurrency are companies before their admission, and never a call.
  const insideMs = name === 'concurrency' ? 0 : waitMs;
  return { name, kind, beforeAdmissionMs: admissionBlockedMs, insideMs };
}

const RANKS = [
  ['P50', 0.5],
  ['P95', 0.95],
  ['P99', 0.99],
  ['slowest', 1],
] as const;

function namedCompanies(worst: RolloutMeasurement): Pick<WaterfallReport, 'ranked' | 'slowest'> {
  const { timeline } = worst;
  const rows = rowsByCompany(timeline, worst.company.length);
  const durationMs = (index: number) => worst.finishedAtMs[index] - worst.admittedAtMs[index];
  const worked = (outcome: CompanyOutcome) => outcome !== 'unfinished' && outcome !== 'noRoom';
  const ended = [...worst.company.keys()].filter(index => worked(worst.outcome[index]));
  const ascending = ended.sort((a, b) => durationMs(a) - durationMs(b) || a - b);
  const completed = ascending.filter(index => worst.outcome[index] === 'ready');
  const waterfall = (index: number) => companyWaterfall(worst, rows[index], index);
  /** One company may stand for several ranks, in a small rollout. */
  const ranked = completed.length === 0 ? [] : Map.groupBy(RANKS, ([, p]) => quantile(completed, p));
  return {
    ranked: [...ranked].map(([index, ranks]) => ({
      ranks: ranks.map(([name]) => name),
      ...waterfall(index),
    })),
    slowest: ascending.slice(-SLOWEST_SHOWN).reverse().map(waterfall),
  };
}

function companyWaterfall(rollout: RolloutMeasurement, rows: Uint32Array, index: number): CompanyWaterfall {
  const { timeline } = rollout;
  const admittedAtMs = rollout.admittedAtMs[index];
  const critical = new Set(longestChain(timeline, rows));
  return {
    company: rollout.company[index],
    outcome: rollout.outcome[index],
    durationMs: rollout.finishedAtMs[index] - admittedAtMs,
    steps: Array.from(rows, row => ({
      step: timeline.steps[timeline.step[row]].id,
      ending: timeline.endings[timeline.ending[row]],
      beganMs: timeline.beganAtMs[row] - admittedAtMs,
      endedMs: timeline.endedAtMs[row] - admittedAtMs,
      parts: partsOf(timeline, row),
      isCritical: critical.has(row),
    })),
  };
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const shareOf = (ms: number, totalMs: number): number => (totalMs === 0 ? 0 : ms / totalMs);
