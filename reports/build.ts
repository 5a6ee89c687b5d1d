// From the measurements of a run to its report. Pure: the same input gives the same bytes.

import { mean } from 'simple-statistics';
import type { Scenario } from '../scenarios/scenario.ts';
import { billedNeeds } from './capacity.ts';
import { commandOf, whatIfOf } from './command.ts';
import { costOf } from './cost.ts';
import { assumptionsOf, biggestGuessOf, usedFacts } from './guesses.ts';
import { assessKpis, kpisOfReplication } from './kpis.ts';
import { limitReports } from './limits.ts';
import { meanTraffic, sum } from './meanTraffic.ts';
import { CONFIDENCE, type KpiInput } from './measure.ts';
import type { Replication, RolloutMeasurement, TrafficMeasurement } from './measurement.ts';
import type { Asked, ObservedReport, Report } from './report.ts';
import { completedMs, rolloutReportOf } from './rolloutReport.ts';
import { meanInterval, predictionInterval, summary } from './statistics.ts';
import { fleetReportOf, trafficReportOf } from './trafficReport.ts';
import { verdictOf } from './verdict.ts';

/** `replications`: at least one; of an interrupted run those that had finished. */
export type ReportInput = KpiInput & {
  readonly asked: Asked;
  readonly scenarioHash: string;
  /** Of the calibration that simulated traffic was charged by; absent or null where there was none. */
  readonly calibrationHash?: string | null;
  readonly seed: number;
  readonly commit: string;
  /** 1, or so many times faster than real as the fakes' clock ran. */
  readonly speed: number;
  /** Interrupted. */
  readonly partial: boolean;
  /** The same traffic in virtual time, to stand beside that of an emulated run. */
  readonly simulatedTraffic?: TrafficMeasurement;
  /** The same rollout. */
  readonly simulatedRollout?: RolloutMeasurement;
  readonly environment: Report['environment'];
};

const OBSERVED_DEVIATION_MAX = 0.05;

export function buildReport(input: ReportInput): Report {
  const { scenario, replications, asked, clock } = input;
  if (replications.length === 0) throw new Error('a report needs a finished replication');
  const rollouts = replications.map(({ rollout }) => rollout).filter(each => each !== null);
  const traffics = replications.map(({ traffic }) => traffic).filter(each => each !== null);
  const kpis = assessKpis(input);
  const limits = limitReports(scenario, rollouts);
  const planned = rolloutReportOf(rollouts, limits, {
    enforcesNeeds: scenario.provisioning.quotas === 'vendor',
    simulated: input.simulatedRollout,
  });
  const traffic = trafficReportOf(traffics, input.simulatedTraffic, clock);
  const { cost, priceIds } = costReportOf(input, traffics);
  const rollout = planned && { ...planned, needs: billedNeeds(planned.needs, cost) };
  const facts = usedFacts([...replications.flatMap(({ facts }) => facts), ...priceIds], input);
  const isWrong = (rollout?.violationCount ?? 0) + (traffic?.countViolations.length ?? 0) > 0;
  return {
    schemaVersion: 1,
    scenario: scenario.name,
    description: scenario.description,
    changes: asked.flags,
    command: commandOf(asked, clock),
    scenarioHash: input.scenarioHash,
    calibrationHash: traffic === null ? null : (input.calibrationHash ?? null),
    seed: input.seed,
    commit: input.commit,
    clock,
    speed: input.speed,
    label: input.label,
    verdict: isWrong ? 'FAIL' : verdictOf(kpis),
    partial: input.partial,
    kpis,
    replications: replications.map(replication => replicationReport(input, replication)),
    rollout,
    traffic,
    fleet: fleetReportOf(traffics),
    cost,
    crosscheck: input.crosscheck ?? null,
    rolloutCrosscheck: input.rolloutCrosscheck ?? null,
    limits,
    observed: observedOf(scenario, rollouts, input.speed),
    biggestGuess: rollout && biggestGuessOf(rollouts, facts, rollout.provisioningMs.mean),
    assumptions: assumptionsOf(scenario, facts, rollout, traffic),
    facts,
    companies: rollout?.companies ?? scenario.population.companies,
    agents: scenario.population.agents,
    regions: scenario.population.regions,
    whatIf: rollout && whatIfOf(asked, { clock, rollout, limits }),
    environment: input.environment,
  };
}

function replicationReport(input: ReportInput, replication: Replication): Report['replications'][number] {
  const { seed, hash, events, rollout, traffic } = replication;
  return {
    seed,
    hash,
    events,
    kpis: kpisOfReplication(input, replication),
    durationMs: rollout?.durationMs ?? null,
    meanProvisioningMs: rollout && summary(completedMs(rollout)).mean,
    requests: traffic && sum(traffic.cells, ({ requests }) => requests),
  };
}

/** The cost of the mean replication, with the ids of the prices that it asked for. */
function costReportOf({ scenario, factValue }: ReportInput, traffics: readonly TrafficMeasurement[]) {
  const priceIds = new Set<string>();
  if (!traffics.some(({ measuredMs }) => measuredMs > 0)) return { cost: null, priceIds };
  const cost = costOf(scenario, meanTraffic(traffics), id => {
    priceIds.add(id);
    return factValue(id);
  });
  return { cost, priceIds };
}

/** A prediction for one batch needs replications that are such batches: as many companies as were observed. */
function observedOf(
  { observed }: Scenario,
  rollouts: readonly RolloutMeasurement[],
  speed: number,
): ObservedReport | null {
  if (observed === undefined) return null;
  const means = rollouts
    .map(completedMs)
    .filter(ms => ms.length > 0)
    .map(ms => mean(ms));
  if (means.length === 0) return null;
  const seen = observed.provisioningMsMean;
  const expectation = mean(means);
  const deviation = expectation / seen - 1;
  const sameSize = rollouts.every(({ company }) => company.length === observed.companies);
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
