// Traffic in virtual time, through the real gateway code: every request is counted alike at every place that it passes, each
// level gets its quota, and a gateway that keeps less than the plan is seen to.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import type { TrafficMeasurement } from '../../reports/measurement.ts';
import calibration from '../../scenarios/calibration.json' with { type: 'json' };
import type { gatewayOptionsOf } from '../../scenarios/gatewayOptions.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { type RunSpec, runReplication } from '../../simulator/run.ts';
import type { createGateway } from '../../src/gateway/gateway.ts';
import {
  expectCountedAlike,
  expectTripWasted,
  QUOTAS,
  quantileMs,
  quotaScenario,
  scaledLevels,
  servedByLevel,
  sessionsScenario,
} from '../traffic.ts';
import { wastefully } from '../wastedTrip.ts';

type Options = ReturnType<typeof gatewayOptionsOf>;
/** What is planted in the gateway's options. */
let plant: (options: Options) => Options;
vi.mock('../../scenarios/gatewayOptions.ts', async original => {
  const real = await original<{ gatewayOptionsOf: typeof gatewayOptionsOf }>();
  return { ...real, gatewayOptionsOf: (scenario: Scenario) => plant(real.gatewayOptionsOf(scenario)) };
});
/** What stands in for the gateway's code. */
let plantCode: (create: typeof createGateway) => typeof createGateway;
vi.mock('../../src/gateway/gateway.ts', async original => {
  const real = await original<{ createGateway: typeof createGateway }>();
  const create: typeof createGateway = (...args) => plantCode(real.createGateway)(...args);
  return { ...real, createGateway: create };
});
beforeEach(() => {
  plant = options => options;
  plantCode = create => create;
});

const small = loadScenario('crosscheck-light', ['traffic.duration=5s']);

async function trafficOf(scenario: Scenario, spec: Partial<RunSpec> = {}) {
  const replication = await runReplication(
    {
      scenario,
      index: 0,
      seed: 7,
      factLevel: 'mid',
      factOverrides: {},
      everyEventEntering: false,
      calibration,
      asRig: true,
      ...spec,
    },
    {},
  );
  return { ...replication!, traffic: replication!.traffic! };
}

function meanMs({ cells }: TrafficMeasurement, kind: string): number {
  const all = cells.filter(cell => cell.kind === kind).flatMap(({ responseMs }) => responseMs);
  const sum = all.reduce((ms, [value, answers]) => ms + value * answers, 0);
  return sum / all.reduce((count, [, answers]) => count + answers, 0);
}

function overheadOf(edge: number, gateway: number, service: number) {
  const figureOf = (ms: number) => ({ ms, low: ms, high: ms });
  return { edge: figureOf(edge), gateway: figureOf(gateway), service: figureOf(service) };
}

describe('traffic in virtual time', () => {
  it('counts each request alike wherever it passes', async () => {
    const { traffic } = await trafficOf(small);
    expectCountedAlike(traffic, 150);
    expect(traffic.cells.reduce((sum, { requests }) => sum + requests, 0)).toBe(traffic.counts.due);
    expect(traffic.servedWithinQuota).toBe(traffic.withinQuota);
  });

  it('is the same to the bit again, and with every event entering', async () => {
    const once = await trafficOf(small);
    expect(await trafficOf(small)).toEqual(once);
    const entering = await trafficOf(small, { everyEventEntering: true });
    expect({ ...entering, events: 0 }).toEqual({ ...once, events: 0 });
    expect((await trafficOf(small, { seed: 8 })).hash).not.toBe(once.hash);
  });

  it('waits for three ports a request, and a little more while the caches are cold', async () => {
    const { traffic } = await trafficOf(loadScenario('crosscheck-light', ['traffic.duration=20s']));
    expect(traffic.waitsPerRequest).toBeGreaterThan(2.8);
    expect(traffic.waitsPerRequest).toBeLessThan(3.2);
  });

  it('queues in the verification pool where that is the bottleneck, as M/G/c does', async () => {
    const pool = loadScenario('crosscheck-pool', ['traffic.duration=60s']);
    const wide = loadScenario('crosscheck-pool', [
      'traffic.duration=60s',
      'platform.security.verificationPools.standard.size=500',
    ]);
    const [queued, free] = [await trafficOf(pool), await trafficOf(wide)];
    const waitMs = ({ traffic }: typeof queued) =>
      traffic.waits.find(({ name }) => name.endsWith('standard'))!.waitMs;
    expect(waitMs(free)).toBe(0);
    expect(waitMs(queued)).toBeGreaterThan(1000);
    expect(quantileMs(queued.traffic, 0.95)).toBeGreaterThan(quantileMs(free.traffic, 0.95));
  });

  it('adds what the rig takes to each request where it plays the rig, and nowhere else', async () => {
    const quick = { ...calibration, rigOverheadMs: overheadOf(0, 0, 0) };
    const slow = { ...calibration, rigOverheadMs: overheadOf(1000, 2000, 3000) };
    const [before, after] = [
      await trafficOf(small, { calibration: quick }),
      await trafficOf(small, { calibration: slow }),
    ];
    expect(after.traffic.counts).toEqual(before.traffic.counts);
    const addedMs = (kind: string) => meanMs(after.traffic, kind) - meanMs(before.traffic, kind);
    expect(addedMs('health')).toBeCloseTo(2000, -2);
    expect(addedMs('tools/call')).toBeCloseTo(3000, -2);
    expect(addedMs('config')).toBeGreaterThan(1000);
    expect(addedMs('config')).toBeLessThan(2000);
    const plain = { asRig: false };
    expect(await trafficOf(small, { ...plain, calibration: slow })).toEqual(
      await trafficOf(small, { ...plain, calibration: quick }),
    );
  });

  it('begins windows as steady traffic leaves them: few cold caches, no cold starts', async () => {
    const sampled = loadScenario('peak-hour', [
      'population.agents=200000',
      'traffic.sample={"windows":2,"leadIn":"1s","measured":"1s"}',
    ]);
    const { traffic } = await trafficOf(sampled, { asRig: false });
    expect(traffic.measuredMs).toBe(2000);
    expect(traffic.sampledShare).toBeCloseTo(2 / 3600, 9);
    expect(traffic.counts.edgeHits / traffic.counts.due).toBeGreaterThan(0.1);
    expect(quantileMs(traffic, 0.99)).toBeLessThan(1500);
  });
});

describe('the quota of each level', () => {
  it('is granted to the request', async () => {
    const { traffic } = await trafficOf(quotaScenario());
    for (const [level, quota] of Object.entries(QUOTAS))
      expect(servedByLevel(traffic, level), level).toBe(quota);
    expect(traffic.servedWithinQuota).toBe(traffic.withinQuota);
  });

  it('shows when the gateway keeps 20 % less', async () => {
    plant = options => ({ ...options, levels: scaledLevels(options.levels, 0.8) });
    const { traffic } = await trafficOf(quotaScenario());
    expect(traffic.servedWithinQuota / traffic.withinQuota).toBeLessThan(0.9);
  });

  it('shows in the share of 429 when the gateway grants 20 % more', async () => {
    const honest = await trafficOf(quotaScenario());
    plant = options => ({ ...options, levels: scaledLevels(options.levels, 1.2) });
    const { traffic } = await trafficOf(quotaScenario());
    const refused = ({ cells }: TrafficMeasurement) => cells.reduce((sum, cell) => sum + cell.refused, 0);
    expect(refused(traffic)).toBeLessThan(refused(honest.traffic) * 0.95);
  });
});

describe('a trip to the cache that is wasted', () => {
  it('shows in the trips of each request and in its response time', async () => {
    const honest = await trafficOf(sessionsScenario());
    plantCode = wastefully;
    const planted = await trafficOf(sessionsScenario());
    const shiftMs = quantileMs(planted.traffic, 0.5) - quantileMs(honest.traffic, 0.5);
    expectTripWasted(honest.traffic, planted.traffic, shiftMs);
  });
});
