// The real rollout in virtual time against what arithmetic says of it: how long, which limit, who waits where.

import { mean } from 'simple-statistics';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LimitMeasurement } from '../../reports/measurement.ts';
import { predictionInterval, quantile, sorted } from '../../reports/statistics.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { READY_MAX_MS } from '../../src/limits.ts';
import { type RolledOut, rolloutOf, scenarioOf, simulate } from './harness.ts';

const PROVISIONING_MAX_MS = 60_000;

const timesOf = ({ rollout: { admittedAtMs, finishedAtMs } }: RolledOut): number[] =>
  finishedAtMs.map((atMs, i) => atMs - admittedAtMs[i]);

const p99Of = (replication: RolledOut): number => quantile(sorted(timesOf(replication)), 0.99);

const bindingOf = ({ rollout }: RolledOut): LimitMeasurement =>
  rollout.limits.reduce((most, limit) => (limit.waitMs > most.waitMs ? limit : most));

function expectAllReady({ rollout }: RolledOut): void {
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
  let replication: RolledOut;

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
  let replication: RolledOut;

  beforeAll(async () => {
    replication = await simulate(rolloutOf(COMPANIES, { 'faults.quotas': [quota] }));
  });

  it('fails no company', () => expectAllReady(replication));

  it('is found to be the binding limit', () => {
    expect(bindingOf(replication)).toMatchObject({ name: quota.name, kind: 'quota' });
  });

  it('is not hammered', () => {
    const { operations } = replication.rollout;
    const counts = operations.filter(({ operation }) => operation === quota.operations[0]);
    expect(counts.map(({ fact }) => fact).sort()).toEqual(['lat.pinecone.write', 'lat.refusal']);
    expect(counts.reduce((sum, { calls }) => sum + calls, 0)).toBeLessThan(3 * COMPANIES);
    expect(counts.find(({ fact }) => fact === 'lat.pinecone.write')).toMatchObject({
      calls: COMPANIES,
      refusedByQuota: 0,
    });
  });

  it('sets the pace of the rollout', () => {
    expect(replication.rollout.durationMs).toBeGreaterThanOrEqual(boundMs - 2000);
    expect(replication.rollout.durationMs).toBeLessThan(boundMs * 1.25);
  });

  it('makes companies wait before admission, not on their way', () => {
    expect(p99Of(replication)).toBeLessThan(PROVISIONING_MAX_MS);
  });
});

describe('a quota so small that a company waits for it longer than a resource may take to get ready', () => {
  it('undoes nobody', async () => {
    const operation = 'cloudflare.customHostnames.create';
    const quota = { name: 'few-hostnames', operations: [operation], perMinute: 2 };
    const replication = await simulate(rolloutOf(40, { 'faults.quotas': [quota] }));
    expectAllReady(replication);
    expect(bindingOf(replication)).toMatchObject({ name: quota.name, kind: 'quota' });
    expect(Math.max(...timesOf(replication))).toBeGreaterThan(READY_MAX_MS);
    expect(replication.rollout.durationMs).toBeGreaterThan(38 * 30_000);
    expect(replication.rollout.durationMs).toBeLessThan(40 * 30_000 * 1.25);
  });
});

describe('two quotas on one operation', () => {
  it('are each named, with the waits that each caused', async () => {
    const operations = ['pinecone.namespaces.create'];
    const quotas = [
      { name: 'first', operations, perMinute: 40 },
      { name: 'second', operations, perMinute: 30 },
    ];
    const waitsWith = async (planted: readonly object[]) => {
      const replication = await simulate(rolloutOf(60, { 'faults.quotas': planted }));
      expectAllReady(replication);
      const { limits } = replication.rollout;
      return limits.filter(({ kind }) => kind === 'quota').toSorted((a, b) => (a.name < b.name ? -1 : 1));
    };
    const both = await waitsWith(quotas);
    expect(both.map(({ name }) => name)).toEqual(['first', 'second']);
    for (const { waitMs, refusals, calls } of both) {
      expect(refusals).toBeGreaterThan(0);
      expect(calls).toBeGreaterThan(0);
      expect(waitMs).toBeGreaterThan(0);
    }
    // The slower one binds, and what the two waits come to is what it alone would make them wait.
    expect(both[1].waitMs).toBeGreaterThan(both[0].waitMs);
    const [alone] = await waitsWith([quotas[1]]);
    expect((both[0].waitMs + both[1].waitMs) / alone.waitMs).toBeGreaterThan(0.8);
    expect((both[0].waitMs + both[1].waitMs) / alone.waitMs).toBeLessThan(1.25);
  });
});

describe('a quota whose refusals name no time', () => {
  it('undoes nobody, and is named as the binding limit', async () => {
    const quota = { name: 'few-keys', operations: ['kms.cryptoKeys.create'], perMinute: 30 };
    const replication = await simulate(rolloutOf(60, { 'faults.quotas': [quota] }));
    expectAllReady(replication);
    expect(bindingOf(replication)).toMatchObject({ name: quota.name, kind: 'quota' });
    expect(replication.rollout.durationMs).toBeGreaterThan(58 * 2000);
  });
});

describe('a quota on deletions', () => {
  it('holds back no admission, however long those wait that are undone', async () => {
    const COMPANIES = 60;
    const undone = Array.from({ length: 20 }, (_, i) => i);
    const rule = {
      operation: 'cloudflare.customHostnames.create',
      verdict: 'refuse',
      status: 400,
      share: 1,
      companies: undone,
    };
    const quota = { name: 'few-deletions', operations: ['kms.cryptoKeyVersions.destroy'], perMinute: 2 };
    const sets = { 'faults.rules': [rule] };
    const free = await simulate(rolloutOf(COMPANIES, sets));
    const { rollout } = await simulate(rolloutOf(COMPANIES, { ...sets, 'faults.quotas': [quota] }));
    expect(rollout.outcome).toEqual(free.rollout.outcome);
    expect(rollout.outcome.flatMap((outcome, i) => (outcome === 'undone' ? [i] : []))).toEqual(undone);
    expect(rollout.violations).toEqual([]);
    const [limit] = rollout.limits.filter(({ kind }) => kind === 'quota');
    expect(limit).toMatchObject({ name: quota.name, admissionBlockedMs: 0 });
    expect(limit.refusals).toBeGreaterThan(10);
    expect(limit.waitMs).toBeGreaterThan(60_000);
    expect(rollout.admittedAtMs).toEqual(free.rollout.admittedAtMs);
  });
});

describe('a rollout of which only a few may be under way at once', () => {
  it('names the concurrency as the limit that it waits for most', async () => {
    const replication = await simulate(rolloutOf(60, { 'provisioning.concurrencyMax': 5 }));
    expectAllReady(replication);
    const { rollout } = replication;
    const concurrency = bindingOf(replication);
    expect(concurrency).toMatchObject({ name: 'concurrency', kind: 'limiter', calls: 0, refusals: 0 });
    expect(concurrency.admissionBlockedMs).toBe(concurrency.waitMs);
    // All that the last company waits for before its admission.
    expect(concurrency.waitMs / rollout.admittedAtMs[59]).toBeGreaterThan(0.95);
    expect(concurrency.waitMs).toBeLessThanOrEqual(rollout.admittedAtMs[59]);
  });

  it('does not name it where it held back none', async () => {
    const { rollout } = await simulate(rolloutOf(60));
    expect(rollout.limits.map(({ name }) => name)).not.toContain('concurrency');
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
    const stepMs = ({ rollout }: RolledOut) => rollout.steps.find(({ kind }) => kind === 'cryptoKey')!.meanMs;
    expect(stepMs(slower)).toBeGreaterThan(stepMs(usual) + 3000);
    expect(slower.facts).toContain('lat.kms.write');
  });

  it('is stopped by its poll', async () => {
    await expect(simulate(scenario, { hooks: { poll: () => true } })).rejects.toThrow('stopped');
  });

  it('says that a crash parted it', async () => {
    const whole = await simulate(scenario);
    const parted = await simulate(scenario, { hooks: { crashAtEvents: [Math.floor(whole.events / 2)] } });
    expect(whole.rollout.isResumed).toBe(false);
    expect(parted.rollout).toMatchObject({ isResumed: true, violations: [] });
    expect(parted.rollout.steps.map(({ count }) => count)).toEqual(
      whole.rollout.steps.map(({ count }) => count),
    );
    expect(parted.rollout.outcome).toEqual(whole.rollout.outcome);
    expect(parted.rollout.durationMs).toBeGreaterThan(0);
  });

  it('that cannot end by its deadline names the companies that are unfinished', async () => {
    const { rollout } = await simulate(rolloutOf(100, { 'run.deadline': '60s' }));
    expect(new Set(rollout.outcome)).toEqual(new Set(['ready', 'unfinished']));
    const unfinished = rollout.outcome.flatMap((outcome, i) => (outcome === 'unfinished' ? [i] : []));
    expect(unfinished.every(i => rollout.finishedAtMs[i] === -1)).toBe(true);
    expect(rollout.admittedAtMs[99]).toBe(-1);
    // Until the deadline, but for the first write into the journal, after which the companies are queued.
    const untilMs = rollout.admittedAtMs[0] + rollout.durationMs;
    expect(untilMs).toBeLessThanOrEqual(60_000);
    expect(untilMs).toBeGreaterThan(60_000 - 50);
    expect(rollout.violations).toEqual([]);
  });
});
