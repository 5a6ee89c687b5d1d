// How a KPI is measured and judged, in the terms that all KPIs share: a value of each replication, an interval over
// them, and the words for what it leaves open. `rolloutKpis.ts` and `trafficKpis.ts` hold the KPIs themselves.

import { mean, sum } from 'simple-statistics';
import type { Scenario } from '../scenarios/scenario.ts';
import type { CrosscheckReport } from './crosscheckReport.ts';
import type { FactInput } from './guesses.ts';
import type { Replication } from './measurement.ts';
import type { Interval, KpiReport, Label, Report } from './report.ts';
import { allEqual, binomialOneSidedHigh, binomialOneSidedLow, meanInterval } from './statistics.ts';
import { type Target, verdictOfInterval } from './verdict.ts';

export const CONFIDENCE = 0.95;

/** The same seed with all facts low, and with all facts high. */
export type InputRuns = { readonly low: Replication; readonly high: Replication };

export type KpiInput = FactInput & {
  readonly scenario: Scenario;
  readonly replications: readonly Replication[];
  readonly inputs: InputRuns | null;
  readonly label: Label;
  readonly clock: Report['clock'];
  /** The last ones of this scenario, of its traffic and of its rollout; absent or null when there is none. */
  readonly crosscheck?: CrosscheckReport | null;
  readonly rolloutCrosscheck?: CrosscheckReport | null;
};

/** What a value may rest on besides its replication. */
export type World = Pick<KpiInput, 'scenario' | 'factValue'>;

export type Assessment = Pick<KpiReport, 'value' | 'sampling' | 'verdict' | 'reason'>;

export type Measure = {
  /** Of its figures, where it is not the run's. */
  readonly label?: Label;
  /** Of the traffic, or of the rollout: a crosscheck of that out of tolerance makes it void where it was simulated. */
  readonly isTraffic: boolean;
  /** Why these replications cannot say, and what could; empty when they can. */
  readonly lack: (replications: readonly Replication[], input: KpiInput) => string;
  /** Of one replication that lacks nothing. */
  readonly value: (replication: Replication, world: World) => number;
  readonly assess: (values: readonly number[], input: KpiInput, target: Target) => Assessment;
};

/** What would narrow an interval: in real time there is one replication. */
export type Advice = { readonly narrows: string; readonly narrowsOne: string; readonly wouldProve: string };

/** `larger`: what else than replications gives more to see, such as `a larger batch`. */
export function adviceOf({ label }: Pick<KpiInput, 'label'>, larger: string): Advice {
  if (label === 'emulated')
    return {
      narrows: `${larger} narrows it`,
      narrowsOne: `${larger} narrows it`,
      wouldProve: `${larger} would`,
    };
  return {
    narrows: 'more replications narrow it',
    narrowsOne: 'use --replications 5',
    wouldProve: `${larger} or more replications would`,
  };
}

/**
 * By the t interval of the replications' mean. Null of a single one, which says nothing of its spread. `accuracy`: of
 * each value, relative; no interval is narrower.
 */
export function assessMean(
  values: readonly number[],
  target: Target,
  { narrows }: Advice,
  accuracy = 0,
): Assessment | null {
  const interval = meanInterval(values, CONFIDENCE);
  if (interval === null) return null;
  const open = `the interval straddles the target; ${narrows}`;
  return decided(mean(values as number[]), widened(interval, accuracy), target, open);
}

export const widened = ({ low, high }: Interval, accuracy: number): Interval => ({
  low: low * (1 - accuracy),
  high: high * (1 + accuracy),
});

/** So many of so many, in each replication. */
export type Part = { readonly hits: number; readonly of: number };

/**
 * What happens in one replication shares its limits and queues, so companies and requests are no independent trials:
 * replications that differ decide by the t interval of their shares. Where all agree there is nothing to see of that
 * dependence, and all trials of all replications count, by exact bounds, each one-sided.
 */
export function assessShare(
  parts: readonly Part[],
  target: Target,
  { narrows, wouldProve }: Advice,
  prove: (hits: number, of: number) => string,
): Assessment {
  const shares = parts.map(({ hits, of }) => hits / of);
  const hits = sum(parts.map(part => part.hits));
  const of = sum(parts.map(part => part.of));
  if (!allEqual(shares)) {
    const interval = clampShare(meanInterval(shares, CONFIDENCE)!);
    return decided(hits / of, interval, target, `the interval straddles the target; ${narrows}`);
  }
  const low = binomialOneSidedLow(hits, of, CONFIDENCE);
  const high = binomialOneSidedHigh(hits, of, CONFIDENCE);
  return decided(hits / of, { low, high }, target, `${prove(hits, of)} no more; ${wouldProve}`);
}

export function decided(value: number, interval: Interval, target: Target, open: string): Assessment {
  const verdict = verdictOfInterval(interval, target);
  const reason = verdict === 'INCONCLUSIVE' ? open : '';
  const [low, high] = [finiteOr(interval.low), finiteOr(interval.high)];
  return { value, sampling: { low, high, confidence: CONFIDENCE }, verdict, reason };
}

const clampShare = ({ low, high }: Interval): Interval => ({
  low: Math.max(low, 0),
  high: Math.min(high, 1),
});

export const finiteOr = (value: number): number | 'infinite' => (Number.isFinite(value) ? value : 'infinite');
