// What every wait of the platform relies on, in the time of a simulation and in that of the machine.

import { describe, expect, it, vi } from 'vitest';
import { virtualClock } from '../../simulator/clock.ts';
import { Kernel } from '../../simulator/kernel.ts';
import type { Clock } from '../../src/ports.ts';
import { fastClock, systemClock } from '../../src/runtime/clock.ts';
import { inVirtualTime } from './virtualTime.ts';

const inSimulation = (each: (clock: Clock) => Promise<void>): Promise<void> =>
  inVirtualTime(({ clock }) => each(clock));

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

describe.each(CLOCKS)('what is to run later on a clock that %s', (_name, run) => {
  /** Long after all that was set before for less, even where a thousandth of a second is many of the clock's. */
  const LATER_MS = 200;
  /** Runs `note` after so many milliseconds, and resolves then. */
  const noted = (clock: Clock, ms: number, note: () => void) =>
    new Promise<void>(resolve => {
      clock.after(ms, () => {
        note();
        resolve();
      });
    });

  it.each([-5, 0, 0.25, 7, 19.9, 40])('never runs early, and once: after %d ms', ms =>
    run(async clock => {
      const beganAtMs = clock.nowMs();
      const ranAtMs: number[] = [];
      const ran = noted(clock, ms, () => ranAtMs.push(clock.nowMs()));
      // Whoever sets it has not heard yet what cancels it.
      expect(ranAtMs).toEqual([]);
      await ran;
      await clock.sleep(5);
      expect(ranAtMs).toHaveLength(1);
      expect(ranAtMs[0] - beganAtMs).toBeGreaterThanOrEqual(ms - 5e-4);
    }),
  );

  it('runs in the order of its moments', () =>
    run(async clock => {
      const ran: number[] = [];
      await Promise.all([300, 100, 400, 200].map(ms => noted(clock, ms, () => ran.push(ms))));
      expect(ran).toEqual([100, 200, 300, 400]);
    }));

  it('does not run once it is cancelled, however often', () =>
    run(async clock => {
      const ran: string[] = [];
      const cancel = clock.after(5, () => ran.push('cancelled'));
      const kept = noted(clock, LATER_MS, () => ran.push('kept'));
      cancel();
      cancel();
      await kept;
      cancel();
      expect(ran).toEqual(['kept']);
    }));

  it('can be cancelled by what runs before it', () =>
    run(async clock => {
      const ran: string[] = [];
      let cancel = () => {};
      const first = noted(clock, 5, () => {
        ran.push('first');
        cancel();
      });
      cancel = clock.after(5 + LATER_MS / 2, () => ran.push('second'));
      await Promise.all([first, clock.sleep(5 + LATER_MS)]);
      expect(ran).toEqual(['first']);
    }));

  it('takes nothing else with it when it is cancelled too late', () =>
    run(async clock => {
      let ran = 0;
      const cancels: (() => void)[] = [];
      await Promise.all(
        Array.from({ length: 20 }, () => new Promise<void>(ran => cancels.push(clock.after(1, ran)))),
      );
      // These may stand where the first ones stood.
      const others = Array.from({ length: 20 }, () => noted(clock, 1, () => ran++));
      const asleep = clock.sleep(1);
      for (const cancel of cancels) cancel();
      await Promise.all([...others, asleep]);
      expect(ran).toBe(20);
    }));
});

describe('virtual time', () => {
  it('runs nothing of a dead process, neither a sleeper nor what was set for later', () =>
    inVirtualTime(async ({ kernel, clock }) => {
      const generation = { alive: true };
      const mortal = virtualClock(kernel, generation);
      const ran: string[] = [];
      mortal.after(10, () => ran.push('after'));
      void mortal.sleep(10).then(() => ran.push('sleep'));
      generation.alive = false;
      await clock.sleep(20);
      expect(ran).toEqual([]);
    }));

  it('has no event left of what was cancelled', async () => {
    const kernel = new Kernel({ startMs: 1000, deadlineMs: 1e9, everyEventEntering: false });
    const clock = virtualClock(kernel, { alive: true });
    for (let i = 0; i < 5000; i++) clock.after(1e6 + i, () => {})();
    clock.after(1, () => {});
    // Without work of its own a run goes on until no event is left.
    await kernel.run();
    expect([kernel.nowMs, kernel.events]).toEqual([1001, 1]);
  });

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

describe.each(CLOCKS.slice(1))('a clock that %s', (_name, run) => {
  it('is not early where the timers are', () =>
    run(async clock => {
      const timer = setTimeout;
      vi.stubGlobal('setTimeout', (ring: () => void, ms: number) => timer(ring, ms / 2));
      try {
        const beganAtMs = clock.nowMs();
        await Promise.all([clock.sleep(400), new Promise<void>(resolve => clock.after(400, resolve))]);
        expect(clock.nowMs() - beganAtMs).toBeGreaterThanOrEqual(400 - 5e-4);
      } finally {
        vi.unstubAllGlobals();
      }
    }));
});

describe('a fast clock', () => {
  it('starts at its moment and gains on the machine by its speed', async () => {
    const clock = fastClock(5000, 100);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(5000);
    // Each reading of the fast one between two of the machine's: what comes between them is no matter of the clock.
    const read = () => ({ from: performance.now(), fast: clock.nowMs(), to: performance.now() });
    const before = read();
    await clock.sleep(1000);
    const after = read();
    const gained = after.fast - before.fast;
    // What the doubles can be off by.
    expect(gained).toBeGreaterThanOrEqual(100 * (after.from - before.to) - 1e-3);
    expect(gained).toBeLessThanOrEqual(100 * (after.to - before.from) + 1e-3);
  });
});
