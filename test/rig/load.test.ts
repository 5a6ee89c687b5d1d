// Traffic over HTTP with real gateways and k6: counted alike at every place, and with the same quota for each level as in
// virtual time, to the request. A gateway that keeps less than the plan shows here as it does there.

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { type K6, resolveK6 } from '../../rig/k6Binary.ts';
import { type LoadOptions, type LoadResult, runLoad } from '../../rig/load.ts';
import { gatewayOptionsOf } from '../../scenarios/gatewayOptions.ts';
import {
  expectCountedAlike,
  expectTripWasted,
  QUOTAS,
  quotaScenario,
  scaledLevels,
  servedByLevel,
  sessionsScenario,
} from '../traffic.ts';

/** Changes the code of each gateway process that is started under it. */
const PLANT = `--import ${new URL('./plantWastedTrip.ts', import.meta.url).href}`;
/** Building k6 takes some minutes on a machine that has none. */
const K6_MS_MAX = 900_000;
let k6: K6;
beforeAll(async () => {
  k6 = await resolveK6({ log: ({ message }) => console.error(message) });
}, K6_MS_MAX);
afterEach(() => {
  vi.unstubAllEnvs();
});

type Options = Partial<LoadOptions> & Pick<LoadOptions, 'scenario'>;
const loadOf = (options: Options) => runLoad({ seed: 7, factOverrides: {}, delays: true, k6, ...options });
const trafficOf = async (options: Options) => (await loadOf(options)).replication.traffic!;

/** What the platform took for the request to which a busy machine has added least. */
function quickestMs({ run: { records, schedule } }: LoadResult): number {
  const took = Array.from(
    { length: schedule.requests },
    (_, i) => records.responseMs[i] - records.latenessMs[i],
  );
  return Math.min(...took.filter(ms => !Number.isNaN(ms)));
}

describe('a load over HTTP', () => {
  it('is counted alike wherever it passes', async () => {
    const traffic = await trafficOf({ scenario: loadScenario('crosscheck-light', ['traffic.duration=4s']) });
    expectCountedAlike(traffic, 100);
  });

  it('grants each level its quota, to the request', async () => {
    const traffic = await trafficOf({ scenario: quotaScenario() });
    const unsent = traffic.counts.due - traffic.counts.sent;
    for (const [level, quota] of Object.entries(QUOTAS)) {
      expect(servedByLevel(traffic, level), level).toBeLessThanOrEqual(quota);
      // A request that a busy machine never sent may be missing from any of them.
      expect(servedByLevel(traffic, level), level).toBeGreaterThanOrEqual(quota - unsent);
    }
    expect(traffic.servedWithinQuota).toBe(traffic.withinQuota);
  });

  it('shows a gateway that keeps 20 % less', async () => {
    const scenario = quotaScenario();
    const levels = scaledLevels(gatewayOptionsOf(scenario).levels, 0.8);
    const traffic = await trafficOf({ scenario, gatewayOptions: { levels } });
    expect(traffic.servedWithinQuota / traffic.withinQuota).toBeLessThan(0.9);
  });

  it('shows a gateway that wastes a trip to the cache', async () => {
    const honest = await loadOf({ scenario: sessionsScenario() });
    vi.stubEnv('NODE_OPTIONS', PLANT);
    const planted = await loadOf({ scenario: sessionsScenario() });
    const shiftMs = quickestMs(planted) - quickestMs(honest);
    expectTripWasted(honest.replication.traffic!, planted.replication.traffic!, shiftMs);
  });
});
