// From the measurements of a run to its report. Pure: the same input gives the same bytes.

import { mean } from 'simple-statistics';
import type { Scenario } from '../scenarios/scenario.ts';
import { commandOf, whatIfOf } from './command.ts';
import { assumptionsOf, biggestGuessOf, type FactInput, usedFacts } from './guesses.ts';
import { assessKpis, CONFIDENCE, type InputRuns, kpisOfReplication, provisioningMs } from './kpis.ts';
import { bindingLimitOf, limitReports } from './limits.ts';
import type { CompanyOutcome, OperationMeasurement, Replication, StepMeasurement } from './measurement.ts';
import type { Asked, Label, ObservedReport, Report, RolloutReport } from './report.ts';
import { meanInterval, predictionInterval, quantile, sorted, summary } from './statistics.ts';
import { verdictOf } from './verdict.ts';

export type ReportInput = FactInput & {
  readonly scenario: Scenario;
  readonly asked: Asked;
  readonly scenarioHash: string;
  readonly seed: number;
  readonly commit: string;
  readonly clock: Report['clock'];
  /** 1, or so many times faster than real as the fakes' clock ran. */
  readonly speed: number;
  readonly label: Label;
  /** Interrupted: `replications` are those that had finished. */
  readonly partial: boolean;
  /** At least one. */
  readonly replications: readonly Replication[];
  readonly inputs: InputRuns | null;
  readonly environment: Report['environment'];
};

const LINES_MAX = 100;
const COMPLETION_POINTS_MAX = 200;
const OBSERVED_DEVIATION_MAX = 0.05;

export function buildReport(input: ReportInput): Report {
  const { scenario, replications, label, asked, clock } = input;
  if (replications.length === 0) throw new Error('a report needs a finished replication');
  const kpis = assessKpis(scenario, replications, input.inputs, label);
  const limits = limitReports(scenario, replications);
  const rollout = rolloutOf(replications, bindingLimitOf(limits));
  const facts = usedFacts(replications, input);
  return {
    schemaVersion: 1,
    scenario: scenario.name,
    description: scenario.description,
    changes: asked.flags,
    command: commandOf(asked, clock),
    scenarioHash: input.scenarioHash,
    calibrationHash: null,
    seed: input.seed,
    commit: input.commit,
    clock,
    speed: input.speed,
    label,
    verdict: rollout.violationCount > 0 ? 'FAIL' : verdictOf(kpis),
    partial: input.partial,
    kpis,
    replications: replications.map(replication => ({
      seed: replication.seed,
      hash: replication.hash,
      events: replication.events,
      kpis: kpisOfReplication(scenario, replication),
      durationMs: replication.rollout.durationMs,
      meanProvisioningMs: summary(completedMs(replication)).mean,
    })),
    rollout,
    limits,
    observed: observedOf(scenario, replications, input.speed),
    biggestGuess: biggestGuessOf(replications, facts, rollout.provisioningMs.mean),
    assumptions: assumptionsOf(scenario, facts, rollout.operations),
    facts,
    regions: scenario.population.regions,
    whatIf: whatIfOf(asked, { clock, rollout, limits }),
    crosscheck: null,
    traffic: null,
    fleet: null,
    cost: null,
    environment: input.environment,
  };
}

const completedMs = ({ rollout }: Replication): number[] => provisioningMs(rollout).filter(Number.isFinite);

/** Every company is queued when the rollout begins. */
const queuedMs = ({ rollout }: Replication): number[] => rollout.admittedAtMs.filter(atMs => atMs >= 0);

function rolloutOf(replications: readonly Replication[], bindingLimit: string | null): RolloutReport {
  const durations = replications.map(({ rollout }) => rollout.durationMs);
  const provisioning = replications.flatMap(completedMs);
  const queued = replications.flatMap(queuedMs);
  const violations = [...new Set(replications.flatMap(({ rollout }) => rollout.violations))];
  const worstReplication = worstOf(replications);
  const worst = replications[worstReplication];
  return {
    companies: worst.rollout.company.length,
    worstReplication,
    completed: countOf(worst, 'ready'),
    undone: countOf(worst, 'undone'),
    blocked: countOf(worst, 'blocked'),
    unfinished: countOf(worst, 'unfinished'),
    durationMs: mean(durations),
    durationMsSampling: meanInterval(durations, CONFIDENCE),
    bindingLimit,
    isResumed: replications.some(({ rollout }) => rollout.isResumed),
    provisioningMs: summary(provisioning),
    queuedMs: summary(queued),
    notReady: notReadyOf(worst),
    steps: meanSteps(replications),
    operations: meanOperations(replications),
    violationCount: violations.length,
    violations: violations.slice(0, LINES_MAX),
    provisioningMsQuantiles: percentiles(provisioning),
    queuedMsQuantiles: percentiles(queued),
    completions: completionsOf(worst),
  };
}

const countOf = ({ rollout }: Replication, outcome: CompanyOutcome): number =>
  rollout.outcome.filter(each => each === outcome).length;

/** Index of the replication with the fewest completed; the first of those that tie. */
function worstOf(replications: readonly Replication[]): number {
  const completed = replications.map(replication => countOf(replication, 'ready'));
  return completed.indexOf(Math.min(...completed));
}

function notReadyOf({ rollout }: Replication): RolloutReport['notReady'] {
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
function completionsOf({ rollout }: Replication): RolloutReport['completions'] {
  const finished = sorted(rollout.finishedAtMs.filter((_, i) => rollout.outcome[i] === 'ready'));
  const points = Math.min(finished.length, COMPLETION_POINTS_MAX);
  return Array.from({ length: points }, (_, i) => {
    const companies = Math.ceil(((i + 1) * finished.length) / points);
    return { atMs: finished[companies - 1], companies };
  });
}

function meanSteps(replications: readonly Replication[]): StepMeasurement[] {
  const all = groupBy(
    replications.flatMap(({ rollout }) => rollout.steps),
    step => step.kind,
  );
  return all.map(([kind, steps]) => {
    const count = sum(steps, step => step.count);
    const totalMs = sum(steps, step => step.count * step.meanMs);
    return { kind, count: count / replications.length, meanMs: count === 0 ? 0 : totalMs / count };
  });
}

function meanOperations(replications: readonly Replication[]): OperationMeasurement[] {
  const all = groupBy(
    replications.flatMap(({ rollout }) => rollout.operations),
    each => `${each.operation} ${each.fact}`,
  );
  return all.map(([, each]) => ({
    operation: each[0].operation,
    calls: sum(each, ({ calls }) => calls) / replications.length,
    refusedByQuota: sum(each, ({ refusedByQuota }) => refusedByQuota) / replications.length,
    latencyMs: sum(each, ({ latencyMs }) => latencyMs) / replications.length,
    fact: each[0].fact,
  }));
}

/** A prediction for one batch needs replications that are such batches: as many companies as were observed. */
function observedOf(
  { observed }: Scenario,
  replications: readonly Replication[],
  speed: number,
): ObservedReport | null {
  if (observed === undefined) return null;
  const means = replications
    .map(replication => completedMs(replication))
    .filter(ms => ms.length > 0)
    .map(ms => mean(ms));
  if (means.length === 0) return null;
  const seen = observed.provisioningMsMean;
  const expectation = mean(means);
  const deviation = expectation / seen - 1;
  const sameSize = replications.every(({ rollout }) => rollout.company.length === observed.companies);
  const prediction = sameSize ? predictionInterval(means, CONFIDENCE) : null;
  return {
    provisioningMsMean: seen,
    label: 'measured',
    source: observed.source,
    companies: observed.companies,
    expectation,
    expectationSampling: meanInterval(means, CONFIDENCE),
    deviation,
    prediction,
    withinFivePercent: speed > 1 ? null : Math.abs(deviation) <= OBSERVED_DEVIATION_MAX,
    withinPrediction: prediction && prediction.low <= seen && seen <= prediction.high,
  };
}

/** In the order of first appearance. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  return [...Map.groupBy(items, keyOf)];
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
