// What the replications say about each KPI of the scenario: value, interval, verdict and, without one, the reason.

import { mean, sum } from 'simple-statistics';
import type { KpiName, Scenario, ScenarioKpi } from '../scenarios/scenario.ts';
import type { Replication, RolloutMeasurement } from './measurement.ts';
import type { Interval, KpiReport, Label } from './report.ts';
import {
  allEqual,
  binomialOneSidedHigh,
  binomialOneSidedLow,
  meanInterval,
  quantile,
  quantileBounds,
  sorted,
} from './statistics.ts';
import { meets, type Target, verdictOfInterval } from './verdict.ts';

export const CONFIDENCE = 0.95;
const SHARE_WITHIN_MS = 60_000;

/** 0.99^299 < 5 %: with fewer companies even the slowest may lie below the true P99. */
export const P99_COMPANIES_MIN = 299;

/** The same seed with all facts low, and with all facts high. */
export type InputRuns = { readonly low: Replication; readonly high: Replication };

/** What would narrow an interval: in real time there is one replication. */
type Advice = { readonly narrows: string; readonly narrowsOne: string; readonly wouldProve: string };

const VIRTUAL: Advice = {
  narrows: 'more replications narrow it',
  narrowsOne: 'use --replications 5',
  wouldProve: 'a larger batch or more replications would',
};
const REAL: Advice = {
  narrows: 'a larger batch narrows it',
  narrowsOne: 'a larger batch narrows it',
  wouldProve: 'a larger batch would',
};

type Assessment = Pick<KpiReport, 'value' | 'sampling' | 'verdict' | 'reason'>;
type Measure = {
  readonly unit: KpiReport['unit'];
  /** Of one replication. */
  readonly value: (replication: Replication) => number;
  /** Companies that one rollout needs to say anything. */
  readonly companiesMin: number;
  readonly assess: (
    replications: readonly Replication[],
    values: readonly number[],
    target: Target,
    advice: Advice,
  ) => Assessment;
};

const MEASURES: Readonly<Record<KpiName, Measure>> = {
  provisioningMsP99: {
    unit: 'ms',
    value: ({ rollout }) => quantile(sorted(provisioningMs(rollout)), 0.99),
    companiesMin: P99_COMPANIES_MIN,
    assess: assessP99,
  },
  provisioningShareUnder60s: {
    unit: 'share',
    value: ({ rollout }) => withinLimit(rollout) / rollout.company.length,
    companiesMin: 1,
    assess: assessShare,
  },
};

/** Admission to healthy by company; infinite for one that is undone, blocked, unfinished or was never admitted. */
export function provisioningMs(rollout: RolloutMeasurement): number[] {
  return rollout.outcome.map((outcome, i) =>
    outcome === 'ready' ? rollout.finishedAtMs[i] - rollout.admittedAtMs[i] : Infinity,
  );
}

export function assessKpis(
  scenario: Scenario,
  replications: readonly Replication[],
  inputs: InputRuns | null,
  label: Label,
): KpiReport[] {
  return scenario.kpis.map(kpi => assessKpi(kpi, replications, inputs, label));
}

/** The KPIs of one replication that has the companies for them, by name. */
export function kpisOfReplication(
  scenario: Scenario,
  replication: Replication,
): Record<string, number | 'infinite'> {
  const known = scenario.kpis.filter(
    ({ name }) => replication.rollout.company.length >= MEASURES[name].companiesMin,
  );
  return Object.fromEntries(known.map(({ name }) => [name, finiteOr(MEASURES[name].value(replication))]));
}

function assessKpi(
  { name, target, required }: ScenarioKpi,
  replications: readonly Replication[],
  inputs: InputRuns | null,
  label: Label,
): KpiReport {
  const { unit, value, companiesMin, assess } = MEASURES[name];
  const fixed = { name, unit, target, required, label };
  const companies = Math.min(...replications.map(({ rollout }) => rollout.company.length));
  if (replications.length === 0 || companies < companiesMin) {
    const reason = replications.length === 0 ? 'no replication has finished' : tooFew(companies);
    return {
      ...fixed,
      value: null,
      sampling: null,
      inputs: null,
      survivesInputs: null,
      verdict: 'NO_DATA',
      reason,
    };
  }
  const advice = label === 'emulated' ? REAL : VIRTUAL;
  const assessed = assess(replications, replications.map(value), target, advice);
  const ends = inputs && [value(inputs.low), value(inputs.high)];
  const side = meets(asNumber(assessed.value!), target);
  return {
    ...fixed,
    ...assessed,
    inputs: ends && { low: finiteOr(Math.min(...ends)), high: finiteOr(Math.max(...ends)) },
    survivesInputs: ends === null ? null : ends.every(end => meets(end, target) === side),
  };
}

/**
 * The mean of the replications' values decides, by its t interval. One replication decides by order statistics of its
 * companies, as if they were independent. They are not, since they share its limits: that interval is too narrow, and
 * more replications are better.
 */
function assessP99(
  replications: readonly Replication[],
  values: readonly number[],
  target: Target,
  { narrows, narrowsOne }: Advice,
): Assessment {
  const value = mean(values as number[]);
  if (!values.every(Number.isFinite))
    return { value: 'infinite', sampling: null, verdict: 'FAIL', reason: '' };
  const interval = meanInterval(values, CONFIDENCE);
  if (interval !== null)
    return decided(value, interval, target, `the interval straddles the target; ${narrows}`);
  const bounds = quantileBounds(sorted(provisioningMs(replications[0].rollout)), 0.99, CONFIDENCE);
  const open = `the interval over the companies of one rollout, which are not independent, straddles the target; ${narrowsOne}`;
  return decided(value, bounds, target, open);
}

/**
 * Companies of one replication share its limits, so they are no independent trials: replications that differ decide by
 * the t interval of their shares. Where all agree there is nothing to see of that dependence, and all companies of all
 * replications are taken as trials, by exact bounds, each one-sided.
 */
function assessShare(
  replications: readonly Replication[],
  shares: readonly number[],
  target: Target,
  { narrows, wouldProve }: Advice,
): Assessment {
  const companies = replications.map(({ rollout }) => rollout.company.length);
  const within = replications.map(({ rollout }) => withinLimit(rollout));
  const value = sum(within) / sum(companies);
  if (!allEqual(shares)) {
    const interval = clampShare(meanInterval(shares, CONFIDENCE)!);
    return decided(value, interval, target, `the interval straddles the target; ${narrows}`);
  }
  const low = binomialOneSidedLow(sum(within), sum(companies), CONFIDENCE);
  const high = binomialOneSidedHigh(sum(within), sum(companies), CONFIDENCE);
  const prove = sum(companies) === 1 ? 'company proves' : 'companies prove';
  const few = `${sum(within)} of ${sum(companies)} ${prove} no more; ${wouldProve}`;
  return decided(value, { low, high }, target, few);
}

function decided(value: number, interval: Interval, target: Target, open: string): Assessment {
  const verdict = verdictOfInterval(interval, target);
  const reason = verdict === 'INCONCLUSIVE' ? open : '';
  const [low, high] = [finiteOr(interval.low), finiteOr(interval.high)];
  return { value, sampling: { low, high, confidence: CONFIDENCE }, verdict, reason };
}

function tooFew(companies: number): string {
  const prove = companies === 1 ? '1 company proves' : `${companies} companies prove`;
  return `${prove} no P99: it needs ${P99_COMPANIES_MIN} (0.99^${P99_COMPANIES_MIN} < 5 %) in one rollout`;
}

const withinLimit = (rollout: RolloutMeasurement) =>
  provisioningMs(rollout).filter(ms => ms < SHARE_WITHIN_MS).length;
const clampShare = ({ low, high }: Interval): Interval => ({
  low: Math.max(low, 0),
  high: Math.min(high, 1),
});
const finiteOr = (value: number): number | 'infinite' => (Number.isFinite(value) ? value : 'infinite');
const asNumber = (value: number | 'infinite'): number => (value === 'infinite' ? Infinity : value);
