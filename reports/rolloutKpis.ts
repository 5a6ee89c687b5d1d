// The KPIs of a rollout: how long 99 % of the companies take, and how many are ready within a minute.

import { mean } from 'simple-statistics';
import { adviceOf, assessMean, assessShare, CONFIDENCE, decided, type Measure } from './measure.ts';
import type { CompanyOutcome, Replication, RolloutMeasurement } from './measurement.ts';
import { quantile, quantileBounds, samplesMinFor, sorted } from './statistics.ts';

const SHARE_WITHIN_MS = 60_000;

/** 0.99^299 < 5 %: with fewer companies even the slowest may lie below the true P99. */
export const P99_COMPANIES_MIN = samplesMinFor(0.99);

const NO_ROLLOUT = 'this run has no rollout: sandtable run rollout-10000';
const LARGER = 'a larger batch';

/** What was done to a company later says nothing of how it was provisioned. */
const WAS_READY: readonly CompanyOutcome[] = ['ready', 'suspended', 'leaving', 'decommissioned'];

/** Admission to healthy by company; infinite for one that is undone, blocked, unfinished, or that there was no room for. */
export function provisioningMs(rollout: RolloutMeasurement): number[] {
  return rollout.outcome.map((outcome, i) =>
    WAS_READY.includes(outcome) ? rollout.finishedAtMs[i] - rollout.admittedAtMs[i] : Infinity,
  );
}

/**
 * The mean of the replications' values decides, by its t interval. One replication decides by order statistics of its
 * companies, as if they were independent. They are not, since they share its limits: that interval is too narrow, and
 * more replications are better.
 */
export const PROVISIONING_P99: Measure = {
  isTraffic: false,
  lack: replications => lackOf(replications, P99_COMPANIES_MIN),
  value: replication => quantile(sorted(provisioningMs(rolloutOf(replication))), 0.99),
  assess(values, input, target) {
    const advice = adviceOf(input, LARGER);
    if (!values.every(Number.isFinite))
      return { value: 'infinite', sampling: null, verdict: 'FAIL', reason: '' };
    const assessed = assessMean(values, target, advice);
    if (assessed !== null) return assessed;
    const times = sorted(provisioningMs(rolloutOf(input.replications[0])));
    const bounds = quantileBounds(times, 0.99, CONFIDENCE);
    const open = `the interval over the companies of one rollout, which are not independent, straddles the target; ${advice.narrowsOne}`;
    return decided(mean(values as number[]), bounds, target, open);
  },
};

export const PROVISIONED_SHARE: Measure = {
  isTraffic: false,
  lack: replications => lackOf(replications, 1),
  value: replication => partOf(replication).hits / partOf(replication).of,
  assess: (_, input, target) =>
    assessShare(
      input.replications.map(partOf),
      target,
      adviceOf(input, LARGER),
      (hits, of) => `${hits} of ${of} ${of === 1 ? 'company proves' : 'companies prove'}`,
    ),
};

function lackOf(replications: readonly Replication[], companiesMin: number): string {
  if (replications.some(({ rollout }) => rollout === null)) return NO_ROLLOUT;
  const companies = Math.min(...replications.map(replication => rolloutOf(replication).company.length));
  if (companies >= companiesMin) return '';
  const prove = companies === 1 ? '1 company proves' : `${companies} companies prove`;
  return `${prove} no P99: it needs ${P99_COMPANIES_MIN} (0.99^${P99_COMPANIES_MIN} < 5 %) in one rollout`;
}

function partOf(replication: Replication) {
  const rollout = rolloutOf(replication);
  const hits = provisioningMs(rollout).filter(ms => ms < SHARE_WITHIN_MS).length;
  return { hits, of: rollout.company.length };
}

/** Of a replication that has one. */
const rolloutOf = ({ rollout }: Replication): RolloutMeasurement => rollout!;
