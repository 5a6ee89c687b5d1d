// Small scenarios whose figures follow from the plan alone, in either clock, and what must be seen of them. The time of one
// in which every company asks for more than its quota lies inside one minute of the clock.

import { expect } from 'vitest';
import { loadScenario } from '../cli/input.ts';
import { Histogram } from '../reports/histogram.ts';
import type { TrafficMeasurement } from '../reports/measurement.ts';
import type { Scenario } from '../scenarios/scenario.ts';

/** Requests a minute; one company a level. */
export const QUOTAS = { DIAMOND: 100, EMERALD: 80, SAPPHIRE: 60, OPAL: 50, ONYX: 40 } as const;

/** About 30 requests a second for ten seconds, all of kinds that count: 60 a company, with the smaller quotas below. */
export function quotaScenario(): Scenario {
  const levels = Object.keys(QUOTAS) as (keyof typeof QUOTAS)[];
  return loadScenario('crosscheck-light', [
    'population.companies=5',
    'population.regions={"us-central1":5}',
    'population.advanced=0',
    `population.levels=${JSON.stringify(Object.fromEntries(levels.map(level => [level, 0.2])))}`,
    'population.agents=5000',
    'population.agentsSpread=0',
    'traffic.duration=10s',
    'traffic.requestsPerAgentHour=60',
    'traffic.kinds={"initialize":0,"tools/list":0.2,"tools/call":0.8,"asset":0,"config":0,"health":0}',
    ...levels.map(level => `platform.security.levels.${level}.requestsPerMinute=${QUOTAS[level]}`),
  ]);
}

/** One trip of the cache: long enough to be seen over HTTP on a busy machine. */
export const TRIP_MS = 400;

/**
 * About 50 requests a second for four seconds, each of which begins a session: so one write of the cache for each. Few
 * companies, whose records have been read long before the end.
 */
export function sessionsScenario(): Scenario {
  return loadScenario('crosscheck-light', [
    'population.companies=10',
    'population.regions={"us-central1":10}',
    'population.advanced=0',
    'traffic.duration=4s',
    'traffic.kinds={"initialize":1,"tools/list":0,"tools/call":0,"asset":0,"config":0,"health":0}',
    `facts={"lat.redis.trip":${TRIP_MS}}`,
  ]);
}

/**
 * The planted gateway's requests wait for two trips each where the honest one's wait for one, and take so much longer, which
 * is `shiftMs`; all else is the same.
 */
export function expectTripWasted(
  honest: TrafficMeasurement,
  planted: TrafficMeasurement,
  shiftMs: number,
): void {
  const { due } = honest.counts;
  for (const [traffic, trips] of [
    [honest, 1],
    [planted, 2],
  ] as const) {
    const { counts, usage, waitsPerRequest } = traffic;
    const { sent } = counts;
    expectCountedAlike(traffic, 100);
    expect([counts.due, counts.forwarded, traffic.servedWithinQuota]).toEqual([due, sent, sent]);
    // Beside the trips, signature and service; the reads of records depend on which requests meet.
    expect(waitsPerRequest * sent - usage.recordReads).toBeCloseTo((trips + 2) * sent, 6);
    // Without the writes: a config for each record read, a session for each answer. In virtual time usage ends with the
    // last arrival, while some are under way: hence the rounding.
    const awaited = usage.cacheTrips - usage.recordReads - usage.serviceRequests;
    expect(Math.round(awaited / usage.gatewayRequests)).toBe(trips);
  }
  // A trip is drawn, and of the quickest requests it may be a quick one.
  expect(shiftMs).toBeGreaterThan(TRIP_MS / 4);
}

export function quantileMs({ cells }: TrafficMeasurement, p: number): number {
  const all = new Histogram();
  for (const { responseMs } of cells) all.merge(Histogram.of(responseMs));
  return all.quantile(p);
}

/** A gateway's levels with so many times their quota. */
export function scaledLevels<Level extends { readonly requestsPerMinute: number }>(
  levels: Readonly<Record<string, Level>>,
  factor: number,
): Record<string, Level> {
  const scaled = Object.entries(levels).map(([name, level]) => [
    name,
    { ...level, requestsPerMinute: level.requestsPerMinute * factor },
  ]);
  return Object.fromEntries(scaled);
}

/**
 * More than `dueMin` requests, each counted once at every place that it passes, and none that went wrong but those that the
 * generator of a busy machine did not get to, which the load says. Nothing of that kind is known in virtual time.
 */
export function expectCountedAlike(traffic: TrafficMeasurement, dueMin: number): void {
  const { due, sent, edgeHits, handled, answered, forwarded, ledger, audited } = traffic.counts;
  expect(due).toBeGreaterThan(dueMin);
  if (sent !== due) expect(traffic.violations).toContain(`k6 sent ${sent} of ${due} requests that were due`);
  expect(edgeHits + handled).toBe(sent);
  expect(answered).toBe(handled);
  expect(ledger).toBe(forwarded);
  const health = traffic.cells.filter(({ kind }) => kind === 'health');
  expect(audited).toBe(handled - health.reduce((sum, { requests, errors }) => sum + requests - errors, 0));
  const wrong = traffic.cells.map(({ errors, refused }) => errors + refused);
  expect(wrong.reduce((sum, each) => sum + each, 0)).toBe(due - sent);
}

/** Requests of the level that were answered with what they asked for. */
export function servedByLevel({ cells }: TrafficMeasurement, level: string): number {
  return cells
    .filter(cell => cell.level === level)
    .reduce((sum, { requests, errors, refused }) => sum + requests - errors - refused, 0);
}
