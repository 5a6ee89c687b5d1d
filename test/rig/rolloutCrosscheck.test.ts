// A rollout in both clocks: that they agree, and that a wrong which is planted in one of them is seen. The real one is tiny
// and on a machine that may be busy, so its times are judged generously, and what it did exactly.

import { beforeAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { rolloutReportOf } from '../../cli/rolloutCrosscheck.ts';
import type { Comparison, RolloutMeasurement } from '../../reports/measurement.ts';
import { compareRollouts, compareSteps } from '../../rig/rolloutCrosscheck.ts';
import { type RolloutRun, runRollout } from '../../rig/rolloutRun.ts';
import { replicationSeed } from '../../scenarios/draw.ts';
import { Network } from '../../simulator/network.ts';
import { Stores } from '../../simulator/stores.ts';
import { timelineOf } from '../reports/timelineFixture.ts';
import { simulate } from '../simulator/harness.ts';

/**
 * Each company but the first waits for the one before it: there is a deployment every 20 s. No quota is enforced, since on a
 * busy machine two calls may come closer together than they left.
 */
const scenario = loadScenario('crosscheck-rollout', [
  'population.companies=6',
  'population.regions={"us-west1":2,"us-central1":2,"europe-west1":2}',
  'population.advanced=1',
  'provisioning.limits.cloudRunDeploysPerMinute=3',
  'provisioning.quotas=none',
]);
const SEED = 42;
/** What a busy machine adds is multiplied by it. */
const SPEED = 5;
/** Of a time. What the machine was late by comes on top: at both ends of a call, and a company makes less than thirty. */
const GENEROUS = 0.15;
const LATE_TIMES = 2 * 30;

const simulated = async (): Promise<RolloutMeasurement> =>
  (await simulate(scenario, { seed: replicationSeed(SEED, 0), asRig: true })).rollout;

/** Each slot of a limiter takes a quarter longer: 20 % fewer calls a minute. */
async function withSlowLimiters<T>(work: () => Promise<T>): Promise<T> {
  const { all } = Stores.prototype;
  Stores.prototype.all = function (generation) {
    const stores = all.call(this, generation);
    const { take } = stores.slots;
    const slower: typeof take = (limit, nowMs, intervalMs) => take(limit, nowMs, intervalMs * 1.25);
    return { ...stores, slots: { ...stores.slots, take: slower } };
  };
  try {
    return await work();
  } finally {
    Stores.prototype.all = all;
  }
}

/** Each look at a cloud is made twice, the second time under a key of its own. */
async function withOneLookMore<T>(work: () => Promise<T>): Promise<T> {
  const { transport } = Network.prototype;
  Network.prototype.transport = function (generation) {
    const { send } = transport.call(this, generation);
    return {
      send: async call => {
        if (call.method === 'GET') await send({ ...call, key: [...call.key, 9] });
        return await send(call);
      },
    };
  };
  try {
    return await work();
  } finally {
    Network.prototype.transport = transport;
  }
}

const outOf = (rows: readonly Comparison[]): string[] =>
  rows.filter(({ within }) => !within).map(({ figure }) => figure);

const rowOf = (rows: readonly Comparison[], figure: string): Comparison => {
  const row = rows.find(each => each.figure === figure);
  if (row === undefined) throw new Error(`there is no row ${figure}`);
  return row;
};

describe('a rollout of six companies, simulated and emulated', () => {
  let virtual: RolloutMeasurement;
  let real: RolloutRun;
  let rows: Comparison[];

  beforeAll(async () => {
    virtual = await simulated();
    real = await runRollout({ scenario, seed: SEED, speed: SPEED, onProgress: () => {} });
    rows = compareRollouts(virtual, real.rollout);
  });

  it('ends alike, having made the same calls', () => {
    const exact = rows.filter(({ unit, tolerance }) => unit === 'count' && tolerance === 0);
    expect(exact.map(({ figure }) => figure)).toEqual(
      expect.arrayContaining(['companies that ended alike', 'calls of cloudRun.services.create']),
    );
    expect(outOf(exact)).toEqual([]);
    expect(rowOf(rows, 'companies that ended alike').emulated).toBe(6);
  });

  it('takes as long, and waits for the same limits', () => {
    const lateMs = LATE_TIMES * real.lateMs * SPEED;
    for (const figure of ['provisioning P50', 'provisioning P95', 'whole rollout']) {
      const { simulated, emulated } = rowOf(rows, figure);
      expect(Math.abs(emulated - simulated), figure).toBeLessThan(GENEROUS * simulated + lateMs);
    }
    expect(real.rollout.limits.map(({ name }) => name)).toEqual(virtual.limits.map(({ name }) => name));
  });

  it('does not when each look is made twice in one clock', async () => {
    const wasteful = await withOneLookMore(simulated);
    const planted = compareRollouts(wasteful, real.rollout);
    expect(outOf(planted)).toEqual(
      expect.arrayContaining(['calls of cloudRun.operations.get', 'calls of dnsResolver.query']),
    );
    expect(wasteful.outcome).toEqual(virtual.outcome);
  });

  it('does not when the limiters of one clock give 20 % less', async () => {
    const slow = await withSlowLimiters(simulated);
    expect(outOf(compareRollouts(slow, real.rollout))).toContain('whole rollout');
    expect(slow.operations).toEqual(virtual.operations);
  });
});

describe('two rollouts', () => {
  let whole: RolloutMeasurement;
  beforeAll(async () => {
    whole = (await simulate(loadScenario('crosscheck-rollout'), { seed: 7 })).rollout;
  });

  const changed = (changes: Partial<RolloutMeasurement>): RolloutMeasurement => ({ ...whole, ...changes });
  const slower = (factor: number, moreMs = 0): RolloutMeasurement =>
    changed({
      finishedAtMs: whole.finishedAtMs.map(
        (atMs, i) => whole.admittedAtMs[i] + (atMs - whole.admittedAtMs[i]) * factor + moreMs,
      ),
    });
  const callsOf = (operation: string, more: number): RolloutMeasurement =>
    changed({
      operations: whole.operations.map(each =>
        each.operation === operation ? { ...each, calls: each.calls + more } : each,
      ),
    });

  it('that are the same agree in every figure', () => {
    const rows = compareRollouts(whole, whole);
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.every(({ within, deviation }) => within && deviation === 0)).toBe(true);
    expect(rows.every(({ tolerance }) => tolerance !== null && Number.isFinite(tolerance))).toBe(true);
  });

  it('differ when a company takes 10 % longer, and not by 2 %', () => {
    const times = ['provisioning P50', 'provisioning P95', 'deviation of one company, P50'];
    expect(outOf(compareRollouts(whole, slower(1.02)))).toEqual([]);
    for (const [one, other] of [
      [whole, slower(1.1)],
      [slower(1.1), whole],
    ])
      expect(outOf(compareRollouts(one, other))).toEqual(expect.arrayContaining(times));
  });

  it('fail when they differ, unless the machine was late, and pass when they do not, however late it was', () => {
    const verdict = (other: RolloutMeasurement, lateMs: number) =>
      rolloutReportOf(scenario, whole, other, lateMs).verdict;
    expect([verdict(slower(1.1), 5), verdict(slower(1.1), 50)]).toEqual(['FAIL', 'INCONCLUSIVE']);
    expect([verdict(whole, 5), verdict(whole, 50)]).toEqual(['PASS', 'PASS']);
  });

  it('differ when every company looks once more at something', () => {
    const rows = compareRollouts(whole, slower(1, 2100));
    expect(outOf(rows)).toEqual(['provisioning P50', 'deviation of one company, P50']);
  });

  it('differ when one company is far off, though the others are where they were', () => {
    const finishedAtMs = whole.finishedAtMs.map((atMs, i) => (i === 3 ? atMs + 60_000 : atMs));
    expect(outOf(compareRollouts(whole, changed({ finishedAtMs })))).toContain(
      'deviation of one company, largest',
    );
  });

  it('differ when one company ends otherwise, whatever the rest does', () => {
    const outcome = whole.outcome.map((each, i) => (i === 5 ? 'undone' : each));
    expect(outOf(compareRollouts(whole, changed({ outcome })))).toContain('companies that ended alike');
    const violations = ['c00001 has two records'];
    expect(outOf(compareRollouts(whole, changed({ violations })))).toEqual(['violations in the ledger']);
  });

  it('differ by one creation more, and by a look only when there are many', () => {
    expect(outOf(compareRollouts(whole, callsOf('kms.cryptoKeys.create', 1)))).toEqual([
      'calls of kms.cryptoKeys.create',
    ]);
    expect(outOf(compareRollouts(whole, callsOf('cloudRun.operations.get', 2)))).toEqual([]);
    expect(outOf(compareRollouts(whole, callsOf('cloudRun.operations.get', 60)))).toEqual([
      'calls of cloudRun.operations.get',
    ]);
    expect(outOf(compareRollouts(changed({ operations: [] }), whole))).toContain(
      'calls of cloudRun.operations.get',
    );
  });

  it('may differ a little in what they call where something was tried again', () => {
    const operations = whole.operations.map((each, i) => (i === 0 ? { ...each, refusedByQuota: 1 } : each));
    const disturbed = changed({ operations });
    expect(outOf(compareRollouts(disturbed, callsOf('kms.cryptoKeys.create', 2)))).toEqual([]);
    expect(outOf(compareRollouts(disturbed, callsOf('kms.cryptoKeys.create', 20)))).toEqual([
      'calls of kms.cryptoKeys.create',
    ]);
  });

  it('differ when one waits for a limiter that the other does not know', () => {
    const limits = [...whole.limits, { ...whole.limits[0], name: 'concurrency', waitMs: 500 }];
    expect(outOf(compareRollouts(whole, changed({ limits })))).toEqual(['waits for concurrency']);
  });

  it('that left no company ready still have figures that are numbers', () => {
    const outcome = whole.outcome.map(() => 'blocked' as const);
    for (const row of compareRollouts(changed({ outcome }), whole)) {
      expect(row.deviation, row.figure).not.toBeNaN();
      expect(row.tolerance, row.figure).toSatisfy(Number.isFinite);
    }
  });

  it('stand side by side, step by step', () => {
    const steps = compareSteps(whole, changed({ timeline: timelineOf([]) }));
    const service = steps.find(({ kind }) => kind === 'service')!;
    expect(service.simulated.meanMs).toBeGreaterThan(service.simulated.limiterMs + service.simulated.pollMs);
    expect(service.simulated.limiterMs).toBeGreaterThan(1000);
    expect(service.emulated).toEqual({ meanMs: 0, limiterMs: 0, pollMs: 0 });
  });
});
