// The report's section on a rollout: its time, its companies, its steps and calls, over all replications.

import { mean } from 'simple-statistics';
import { bindingLimitOf } from './limits.ts';
import { CONFIDENCE } from './measure.ts';
import type {
  CompanyOutcome,
  OperationMeasurement,
  RolloutMeasurement,
  StepMeasurement,
  WaveMeasurement,
} from './measurement.ts';
import type { LimitReport, RolloutReport, SimulatedRolloutReport } from './report.ts';
import { provisioningMs } from './rolloutKpis.ts';
import { meanInterval, quantile, sorted, summary } from './statistics.ts';
import { waterfallReportOf } from './waterfall.ts';

const LINES_MAX = 100;
const COMPLETION_POINTS_MAX = 200;

/** JSON has no infinity: null is a wave of which a company did not become ready. */
export type WaveReport = Omit<WaveMeasurement, 'reading'> & {
  readonly reading: {
    readonly readyShare: number;
    readonly provisioningMsP99: number | null;
    readonly healthyShare: number;
  } | null;
};

type Beside = {
  readonly enforcesNeeds: boolean;
  /** The same rollout in virtual time, beside an emulated one. */
  readonly simulated: RolloutMeasurement | undefined;
};

/** Null where no rollout was run. */
export function rolloutReportOf(
  rollouts: readonly RolloutMeasurement[],
  limits: readonly LimitReport[],
  { enforcesNeeds, simulated }: Beside,
): RolloutReport | null {
  if (rollouts.length === 0) return null;
  const durations = rollouts.map(({ durationMs }) => durationMs);
  const provisioning = rollouts.flatMap(completedMs);
  const queued = rollouts.flatMap(queuedMs);
  const violations = [...new Set(rollouts.flatMap(rollout => rollout.violations))];
  const worstReplication = worstOf(rollouts);
  const worst = rollouts[worstReplication];
  return {
    companies: worst.company.length,
    worstReplication,
    completed: countOf(worst, 'ready'),
    undone: countOf(worst, 'undone'),
    blocked: countOf(worst, 'blocked'),
    noRoom: countOf(worst, 'noRoom'),
    suspended: countOf(worst, 'suspended'),
    leaving: countOf(worst, 'leaving'),
    decommissioned: countOf(worst, 'decommissioned'),
    unfinished: countOf(worst, 'unfinished'),
    durationMs: mean(durations),
    durationMsSampling: meanInterval(durations, CONFIDENCE),
    dwellMs: mean(rollouts.map(dwellMs)),
    needs: worst.needs,
    enforcesNeeds,
    full: worst.full.toSorted((a, b) => b.undone + b.notBegun - (a.undone + a.notBegun)),
    waves: worst.waves.map(waveReport),
    bindingLimit: bindingLimitOf(limits),
    isResumed: rollouts.some(rollout => rollout.isResumed),
    provisioningMs: summary(provisioning),
    queuedMs: summary(queued),
    simulated: simulated === undefined ? null : simulatedReport(simulated),
    notReady: notReadyOf(worst),
    steps: meanSteps(rollouts),
    waterfall: waterfallReportOf(rollouts, worst, limits),
    operations: meanOperations(rollouts),
    violationCount: violations.length,
    violations: violations.slice(0, LINES_MAX),
    provisioningMsQuantiles: percentiles(provisioning),
    queuedMsQuantiles: percentiles(queued),
    completions: completionsOf(worst),
  };
}

const simulatedReport = (rollout: RolloutMeasurement): SimulatedRolloutReport => ({
  completed: countOf(rollout, 'ready'),
  durationMs: rollout.durationMs,
  provisioningMs: summary(completedMs(rollout)),
  queuedMs: summary(queuedMs(rollout)),
});

/** From the end of each wave until the next one began. */
const dwellMs = ({ waves }: RolloutMeasurement): number =>
  waves.slice(1).reduce((total, { openedAtMs }, i) => total + openedAtMs - waves[i].endedAtMs, 0);

function waveReport({ reading, ...wave }: WaveMeasurement): WaveReport {
  if (reading === null) return { ...wave, reading };
  const { provisioningMsP99: p99 } = reading;
  return { ...wave, reading: { ...reading, provisioningMsP99: Number.isFinite(p99) ? p99 : null } };
}

/** Provisioning times of the companies that were completed. */
export const completedMs = (rollout: RolloutMeasurement): number[] =>
  provisioningMs(rollout).filter(Number.isFinite);

/** Every company is queued when the rollout begins. */
const queuedMs = ({ admittedAtMs }: RolloutMeasurement): number[] => admittedAtMs.filter(atMs => atMs >= 0);

const countOf = (rollout: RolloutMeasurement, outcome: CompanyOutcome): number =>
  rollout.outcome.filter(each => each === outcome).length;

/** Index of the replication with the fewest completed; the first of those that tie. */
function worstOf(rollouts: readonly RolloutMeasurement[]): number {
  const completed = rollouts.map(rollout => countOf(rollout, 'ready'));
  return completed.indexOf(Math.min(...completed));
}

function notReadyOf(rollout: RolloutMeasurement): RolloutReport['notReady'] {
  return rollout.company
    .filter((_, i) => rollout.outcome[i] !== 'ready')
    .slice(0, LINES_MAX)
    .map(company => ({ company, reason: rollout.reasons[company] ?? 'not finished by the deadline' }));
}

function percentiles(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const ascending = sorted(values);
  return Array.from({ length: 101 }, (_, percent) => quantile(ascending, percent / 100));
}

/** Evenly thinned; the last point is the last healthy company. */
function completionsOf(rollout: RolloutMeasurement): RolloutReport['completions'] {
  const finished = sorted(rollout.finishedAtMs.filter((_, i) => rollout.outcome[i] === 'ready'));
  const points = Math.min(finished.length, COMPLETION_POINTS_MAX);
  return Array.from({ length: points }, (_, i) => {
    const companies = Math.ceil(((i + 1) * finished.length) / points);
    return { atMs: finished[companies - 1], companies };
  });
}

function meanSteps(rollouts: readonly RolloutMeasurement[]): StepMeasurement[] {
  const all = groupBy(
    rollouts.flatMap(({ steps }) => steps),
    step => step.kind,
  );
  return all.map(([kind, steps]) => {
    const count = sum(steps, step => step.count);
    const totalMs = sum(steps, step => step.count * step.meanMs);
    return { kind, count: count / rollouts.length, meanMs: count === 0 ? 0 : totalMs / count };
  });
}

function meanOperations(rollouts: readonly RolloutMeasurement[]): OperationMeasurement[] {
  const all = groupBy(
    rollouts.flatMap(({ operations }) => operations),
    each => `${each.operation} ${each.fact}`,
  );
  return all.map(([, each]) => ({
    operation: each[0].operation,
    calls: sum(each, ({ calls }) => calls) / rollouts.length,
    refusedByQuota: sum(each, ({ refusedByQuota }) => refusedByQuota) / rollouts.length,
    latencyMs: sum(each, ({ latencyMs }) => latencyMs) / rollouts.length,
    fact: each[0].fact,
  }));
}

/** In the order of first appearance. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  return [...Map.groupBy(items, keyOf)];
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
