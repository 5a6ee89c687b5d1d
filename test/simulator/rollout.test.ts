// The real rollout in virtual time against what arithmetic says of it: how long, which limit, who waits where.

import { mean } from 'simple-statistics';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LimitMeasurement, Replication } from '../../reports/measurement.ts';
import { predictionInterval, quantile, sorted } from '../../reports/statistics.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { rolloutOf, scenarioOf, simulate } from './harness.ts';

const PROVISIONING_MAX_MS = 60_000;

const timesOf = ({ rollout: { admittedAtMs, finishedAtMs } }: Replication): number[] =>
  finishedAtMs.map((atMs, i) => atMs - admittedAtMs[i]);

const p99Of = (replication: Replication): number => quantile(sorted(timesOf(replication)), 0.99);

const bindingOf = ({ rollout }: Replication): LimitMeasurement =>
  rollout.limits.reduce((most, limit) => (limit.waitMs > most.waitMs ? limit : most));

function expectAllReady({ rollout }: Replication): void {
  expect(rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
  expect(rollout.violations).toEqual([]);
  expect(rollout.reasons).toEqual({});
}

describe('today', () => {
  let means: number[];

  beforeAll(async () => {
    const today = scenarioOf({}, 'today');
    means = [];
    for (let seed = 1; seed <= 24; seed++) {
      const replication = await simulate(today, { seed });
      expectAllReady(replication);
      means.push(mean(timesOf(replication)));
    }
  });

  it('is expected to take what production shows, within 5 %', () => {
    expect(Math.abs(mean(means) / 21_746 - 1)).toBeLessThan(0.05);
  });

  it('has what production showed inside the prediction interval of 17 companies', () => {
    const { low, high } = predictionInterval(means, 0.95)!;
    expect(low).toBeLessThan(21_746);
    expect(high).toBeGreaterThan(21_746);
  });
});

type Expected = {
  readonly name: string;
  readonly scenario: () => Scenario;
  /** One interval of the binding limit for each call but the first. */
  readonly boundMs: number;
  readonly durationMaxMs: number;
  readonly binding: string;
};

const ROLLOUTS: readonly Expected[] = [
  {
    name: 'the pilot of 100 companies',
    scenario: () => scenarioOf({}),
    boundMs: 99 * 1000,
    // One company's own time is the tail of a small rollout.
    durationMaxMs: 99 * 1000 * 1.03 + 45_000,
    binding: 'cloudRunDeploys',
  },
  {
    name: 'a rollout of 600 companies',
    scenario: () => rolloutOf(600),
    boundMs: 599 * 1000,
    durationMaxMs: 599 * 1000 + 60_000,
    binding: 'cloudRunDeploys',
  },
  {
    name: 'a rollout of 600 companies with three indexes each',
    scenario: () => rolloutOf(600, { 'provisioning.databaseOperationsPerCompany': 6 }),
    boundMs: (600 * 6 - 1) * 300,
    durationMaxMs: (600 * 6 - 1) * 300 + 60_000,
    binding: 'databaseOperations',
  },
];

describe.each(ROLLOUTS)('$name', ({ scenario, boundMs, durationMaxMs, binding }) => {
  let replication: Replication;

  beforeAll(async () => {
    replication = await simulate(scenario());
  });

  it('leaves every company ready and nothing else', () => expectAllReady(replication));

  it('takes as long as its binding limit, and little more', () => {
    expect(bindingOf(replication).name).toBe(binding);
    expect(replication.rollout.durationMs).toBeGreaterThanOrEqual(boundMs);
    expect(replication.rollout.durationMs).toBeLessThanOrEqual(durationMaxMs);
  });

  it('waits before admission, so that provisioning stays below a minute', () => {
    expect(p99Of(replication)).toBeLessThan(PROVISIONING_MAX_MS);
    expect(bindingOf(replication).admissionBlockedMs).toBeGreaterThan(boundMs / 2);
  });

  it('is refused by no quota, since its limiters keep the same rates', () => {
    const refused = replication.rollout.operations.filter(({ refusedByQuota }) => refusedByQuota > 0);
    expect(refused).toEqual([]);
  });
});

describe('a quota that only the cloud knows', () => {
  const COMPANIES = 200;
  const quota = {
    name: 'pinecone-namespace-writes',
    operations: ['pinecone.namespaces.create'],
    perMinute: 30,
  };
  const boundMs = (COMPANIES - 1) * 2000;
  let replication: Replication;

  beforeAll(async () => {
    replication = await simulate(rolloutOf(COMPANIES, { 'faults.quotas': [quota] }));
  });

  it('fails no company', () => expectAllReady(replication));

  it('is found to be the binding limit', () => {
    expect(bindingOf(replication)).toMatchObject({ name: quota.name, kind: 'quota' });
  });

  it('is not hammered', () => {
    const { operations } = replication.rollout;
    const { calls } = operations.find(({ operation }) => operation === quota.operations[0])!;
    expect(calls).toBeLessThan(3 * COMPANIES);
  });

  it('sets the pace of the rollout', () => {
    expect(replication.rollout.durationMs).toBeGreaterThanOrEqual(boundMs - 2000);
    expect(replication.rollout.durationMs).toBeLessThan(boundMs * 1.25);
  });

  it('makes companies wait before admission, not on their way', () => {
    expect(p99Of(replication)).toBeLessThan(PROVISIONING_MAX_MS);
  });
});

describe('a limiter that is 20 % faster than the cloud allows', () => {
  it('is refused, names the quota and still brings every company through', async () => {
    const sets = { 'provisioning.quotas': 'none', 'provisioning.limits.cloudRunDeploysPerMinute': 72 };
    const scenario = rolloutOf(100, sets);
    const quota = { name: 'cloudRunDeploys', operations: ['cloudRun.services.create'], perMinute: 60 };
    const replication = await simulate({ ...scenario, faults: { quotas: [quota], rules: [] } });
    expectAllReady(replication);
    const refusing = replication.rollout.limits.filter(({ refusals }) => refusals > 0);
    expect(refusing.map(({ name, kind }) => [name, kind])).toEqual([['cloudRunDeploys', 'quota']]);
    expect(p99Of(replication)).toBeLessThan(PROVISIONING_MAX_MS);
  });
});

describe('a replication', () => {
  const scenario = rolloutOf(30, {
    'faults.rules': [{ operation: 'kms.*', verdict: 'refuse', status: 503, share: 0.3 }],
  });

  it('is the same each time that it runs', async () => {
    expect(await simulate(scenario)).toEqual(await simulate(scenario));
  });

  it('is the same when every event is drained', async () => {
    expect(await simulate(scenario, { everyEventEntering: true })).toEqual(await simulate(scenario));
  });

  it('differs with its seed, but not in what becomes of the companies', async () => {
    const [one, other] = [await simulate(scenario, { seed: 1 }), await simulate(scenario, { seed: 2 })];
    expect(other.hash).not.toBe(one.hash);
    expect(other.rollout.durationMs).not.toBe(one.rollout.durationMs);
    expect(other.rollout.outcome).toEqual(one.rollout.outcome);
  });

  it('differs with a fact, and lists it', async () => {
    const slower = await simulate(scenario, { factOverrides: { 'lat.kms.write': 5000 } });
    const usual = await simulate(scenario);
    const stepMs = ({ rollout }: Replication) =>
      rollout.steps.find(({ kind }) => kind === 'cryptoKey')!.meanMs;
    expect(stepMs(slower)).toBeGreaterThan(stepMs(usual) + 3000);
    expect(slower.facts).toContain('lat.kms.write');
  });

  it('is stopped by its poll', async () => {
    await expect(simulate(scenario, { hooks: { poll: () => true } })).rejects.toThrow('stopped');
  });

  it('that cannot end by its deadline names the companies that are unfinished', async () => {
    const { rollout } = await simulate(rolloutOf(100, { 'run.deadline': '60s' }));
    expect(new Set(rollout.outcome)).toEqual(new Set(['ready', 'unfinished']));
    const unfinished = rollout.outcome.flatMap((outcome, i) => (outcome === 'unfinished' ? [i] : []));
    expect(unfinished.every(i => rollout.finishedAtMs[i] === -1)).toBe(true);
    expect(rollout.admittedAtMs[99]).toBe(-1);
    expect(rollout.violations).toEqual([]);
  });
});
