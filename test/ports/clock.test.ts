// What every wait of the platform relies on, in the time of a simulation and in that of the machine.

import { describe, expect, it, vi } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { runReplication } from '../../simulator/run.ts';
import type { Clock } from '../../src/ports.ts';
import type { RolloutPorts } from '../../src/provisioning/rollout.ts';
import { fastClock, systemClock } from '../../src/runtime/clock.ts';

/** What runs in the place of the rollout, with the ports that a simulation gives to one. */
let program: (ports: RolloutPorts) => Promise<void>;
vi.mock('../../src/provisioning/rollout.ts', async original => ({
  ...(await original<object>()),
  rollOut: (ports: RolloutPorts) => program(ports),
}));

async function inSimulation(each: (clock: Clock) => Promise<void>): Promise<void> {
  let hasRun = false;
  program = async ({ clock }) => {
    await each(clock);
    hasRun = true;
  };
  const spec = { index: 0, seed: 1, factLevel: 'mid', factOverrides: {}, everyEventEntering: false } as const;
  await runReplication({ ...spec, scenario: loadScenario('today') }, {});
  expect(hasRun).toBe(true);
}

const CLOCKS: readonly [name: string, run: (each: (clock: Clock) => Promise<void>) => Promise<void>][] = [
  ['in a simulation', inSimulation],
  ["is the machine's", each => each(systemClock)],
  ["runs faster than the machine's", each => each(fastClock(1_767_225_600_000, 20))],
];

describe.each(CLOCKS)('a clock that %s', (_name, run) => {
  it.each([0, 0.25, 1, 7, 19.9, 40])('never wakes a sleeper of %d ms early', ms =>
    run(async clock => {
      const beganAtMs = clock.nowMs();
      await clock.sleep(ms);
      // Half a microsecond is what a double of this size can be off by.
      expect(clock.nowMs() - beganAtMs).toBeGreaterThanOrEqual(ms - 5e-4);
    }),
  );

  it('wakes sleepers in the order of their moments', () =>
    run(async clock => {
      const woken: number[] = [];
      const sleeper = async (ms: number) => {
        await clock.sleep(ms);
        woken.push(ms);
      };
      await Promise.all([300, 100, 400, 0, 200].map(sleeper));
      expect(woken).toEqual([0, 100, 200, 300, 400]);
    }));

  it('takes a moment that has passed for now', () =>
    run(async clock => {
      await clock.sleep(-5);
      await clock.sleep(0);
    }));

  it('goes on while it is slept by, and never back', () =>
    run(async clock => {
      const seen: number[] = [];
      for (let i = 0; i < 5; i++) {
        seen.push(clock.nowMs());
        await clock.sleep(5);
      }
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen[4] - seen[0]).toBeGreaterThanOrEqual(20 - 5e-4);
    }));
});

describe('virtual time', () => {
  it('jumps to the moment of the next sleeper, to the bit', () =>
    inSimulation(async clock => {
      const beganAtMs = clock.nowMs();
      await clock.sleep(1_234_567.25);
      expect(clock.nowMs()).toBe(beganAtMs + 1_234_567.25);
    }));

  it('wakes sleepers of one moment in the order of their asking', () =>
    inSimulation(async clock => {
      const woken: string[] = [];
      const sleeper = async (name: string, ms: number) => {
        await clock.sleep(ms);
        woken.push(name);
      };
      await Promise.all([sleeper('a', 5), sleeper('b', 5), sleeper('c', 0), sleeper('d', 5)]);
      expect(woken).toEqual(['c', 'a', 'b', 'd']);
    }));
});

describe('a fast clock', () => {
  it('starts at its moment and gains on the machine by its speed', async () => {
    const clock = fastClock(5000, 100);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(5000);
    const before = { real: performance.now(), fast: clock.nowMs() };
    await clock.sleep(1000);
    const after = { real: performance.now(), fast: clock.nowMs() };
    expect((after.fast - before.fast) / (after.real - before.real)).toBeCloseTo(100, 0);
  });
});
