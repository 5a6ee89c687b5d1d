// A small scenario in which every company asks for more than its quota: what each level is served is then its quota, in
// either clock. Its time lies inside one minute of the clock.

import { expect } from 'vitest';
import { loadScenario } from '../cli/input.ts';
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

/** More than `dueMin` requests, each counted once at every place that it passes, and none that went wrong. */
export function expectCountedAlike(traffic: TrafficMeasurement, dueMin: number): void {
  const { due, sent, edgeHits, handled, answered, forwarded, ledger, audited } = traffic.counts;
  expect(due).toBeGreaterThan(dueMin);
  expect(sent).toBe(due);
  expect(edgeHits + handled).toBe(sent);
  expect(answered).toBe(handled);
  expect(ledger).toBe(forwarded);
  const health = traffic.cells.filter(({ kind }) => kind === 'health');
  expect(audited).toBe(handled - health.reduce((sum, { requests }) => sum + requests, 0));
  expect(traffic.cells.every(({ errors, refused }) => errors === 0 && refused === 0)).toBe(true);
}

/** Requests of the level that were answered with what they asked for. */
export function servedByLevel({ cells }: TrafficMeasurement, level: string): number {
  return cells
    .filter(cell => cell.level === level)
    .reduce((sum, { requests, errors, refused }) => sum + requests - errors - refused, 0);
}
