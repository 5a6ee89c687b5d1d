// Waiting before a call: the rate that we know, the quota that we learn of, admission before both, and retries.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKOFF_CAP_MS, RETRY_BUDGET_BURST } from '../../src/limits.ts';
import { Gate, Limiter } from '../../src/provisioning/limiter.ts';
import { RetryBudget } from '../../src/provisioning/retry.ts';
import { inVirtualTime, type VirtualTime } from '../ports/virtualTime.ts';
import { memorySlots } from './slots.ts';

/** Turns in a row without a refusal after which a gate opens. */
const CALM_TURNS = 5;

/** What sums of a thousand intervals may be off by. */
const ROUNDING_MS = 1e-5;

describe('a limiter', () => {
  const rate = fc.integer({ min: 1, max: 6000 });
  /** Milliseconds between one asking and the next. */
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5000, noNaN: true })), {
    minLength: 1,
    maxLength: 200,
  });

  it('gives slots at least an interval apart, in the order of asking, and none before its time', async () => {
    await fc.assert(
      fc.asyncProperty(rate, gaps, async (perMinute, gaps) => {
        const limiter = new Limiter('deploys', perMinute, memorySlots());
        let nowMs = 0;
        let lastMs = -limiter.intervalMs;
        let waitMs = 0;
        for (const gapMs of gaps) {
          nowMs += gapMs;
          const atMs = await limiter.reserve(nowMs);
          expect(atMs - lastMs).toBeGreaterThanOrEqual(limiter.intervalMs - ROUNDING_MS);
          expect(atMs).toBeGreaterThanOrEqual(nowMs);
          // And no later than it must be.
          expect(atMs).toBeLessThanOrEqual(Math.max(nowMs, lastMs + limiter.intervalMs) + ROUNDING_MS);
          waitMs += atMs - nowMs;
          lastMs = atMs;
        }
        expect(limiter.calls).toBe(gaps.length);
        expect(limiter.waitMs).toBeCloseTo(waitMs, 5);
      }),
    );
  });

  it('lets a burst leave at once, and later as many as its rate allows', async () => {
    await fc.assert(
      fc.asyncProperty(rate, fc.integer({ min: 1, max: 20 }), gaps, async (perMinute, burst, gaps) => {
        const limiter = new Limiter('deploys', perMinute, memorySlots(), '', burst);
        let nowMs = 0;
        const leftMs: number[] = [];
        for (const gapMs of gaps) {
          nowMs += gapMs;
          leftMs.push(await limiter.reserve(nowMs));
          expect(leftMs.at(-1)).toBeGreaterThanOrEqual(nowMs);
          // So many calls later it is an interval later at least.
          const before = leftMs.at(-1 - burst);
          if (before !== undefined)
            expect(leftMs.at(-1)! - before).toBeGreaterThanOrEqual(limiter.intervalMs - ROUNDING_MS);
        }
        const together = new Limiter('deploys', perMinute, memorySlots(), '', burst);
        for (let i = 0; i < burst; i++) expect(await together.reserve(0)).toBeCloseTo(0, 5);
        expect(await together.reserve(0)).toBeCloseTo(together.intervalMs, 5);
        // The last slot of a burst is free after one interval, and its backlog is what is over.
        expect(together.backlogMs(0)).toBeCloseTo(2 * together.intervalMs, 5);
      }),
    );
  });

  it('has no backlog while a burst has room for all that is promised', async () => {
    const limiter = new Limiter('certificates', 60, memorySlots(), '', 5);
    limiter.promised = 4;
    expect(limiter.backlogMs(0)).toBe(0);
    limiter.promised = 7;
    expect(limiter.backlogMs(0)).toBe(3000);
  });

  it('has in its backlog what was asked for and what was promised', async () => {
    await fc.assert(
      fc.asyncProperty(rate, fc.nat(100), fc.nat(100), async (perMinute, asked, promised) => {
        const limiter = new Limiter('deploys', perMinute, memorySlots());
        for (let i = 0; i < asked; i++) await limiter.reserve(0);
        limiter.promised = promised;
        const { intervalMs } = limiter;
        expect(limiter.backlogMs(0)).toBeCloseTo((asked + promised) * intervalMs, 5);
        expect(limiter.backlogMs(asked * intervalMs * 2)).toBeCloseTo(promised * intervalMs, 5);
      }),
    );
  });

  it('keeps its backlog when a promise becomes a call', async () => {
    const limiter = new Limiter('deploys', 60, memorySlots());
    limiter.promised = 5;
    await limiter.reserve(0);
    limiter.promised--;
    expect(limiter.backlogMs(0)).toBe(5000);
  });

  it('gives no slot before the moment that a refusal named', async () => {
    const limiter = new Limiter('deploys', 60, memorySlots());
    await limiter.refused(1000);
    expect(limiter.backlogMs(0)).toBe(1000);
    const taken = [await limiter.reserve(0), await limiter.reserve(0), await limiter.reserve(10_000)];
    expect(taken).toEqual([1000, 2000, 10_000]);
    expect(limiter.waitMs).toBe(3000);
  });

  it('counts each scope of a limit by itself', async () => {
    const slots = memorySlots();
    const [west, east] = ['west', 'east'].map(scope => new Limiter('writes', 60, slots, scope));
    expect([await west.reserve(0), await east.reserve(0), await west.reserve(0)]).toEqual([0, 0, 1000]);
  });
});

describe('a gate', () => {
  /** One that a quota has just refused, without a moment before which none may go. */
  function closed({ clock }: VirtualTime): Gate {
    const gate = new Gate(clock);
    gate.refused('quota', 0);
    return gate;
  }

  /** Sends `count` calls through a gate at once; each is inside for 100 ms. */
  async function passages(gate: Gate, { clock, elapsedMs }: VirtualTime, count: number) {
    const passed: { readonly call: number; readonly inMs: number; readonly outMs: number }[] = [];
    const pass = async (call: number) => {
      const hasTurn = await gate.enter();
      const inMs = elapsedMs();
      await clock.sleep(100);
      if (hasTurn) gate.leave();
      passed.push({ call, inMs, outMs: elapsedMs() });
    };
    await Promise.all(Array.from({ length: count }, (_, call) => pass(call)));
    return passed;
  }

  it('is open to all until a quota refuses a call', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      expect(await gate.enter()).toBe(false);
      expect((await passages(gate, time, 20)).map(({ inMs }) => inMs)).toEqual(Array(20).fill(0));
      expect([gate.backlogMs(time.clock.nowMs(), 100), gate.quotas.size]).toEqual([0, 0]);
    }));

  it('lets calls through one at a time, in the order of asking, once it is closed', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      expect(await passages(gate, time, 4)).toEqual([
        { call: 0, inMs: 0, outMs: 100 },
        { call: 1, inMs: 100, outMs: 200 },
        { call: 2, inMs: 200, outMs: 300 },
        { call: 3, inMs: 300, outMs: 400 },
      ]);
      expect([...gate.quotas]).toEqual([['quota', { calls: 4, waitMs: 600, refusals: 1, blockedMs: 0 }]]);
    }));

  it('hands the turn on to the first in the queue, whoever asks at that moment', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      expect(await gate.enter()).toBe(true);
      const queued = passages(gate, time, 1);
      gate.leave();
      const newcomer = passages(gate, time, 1);
      expect([(await queued)[0].inMs, (await newcomer)[0].inMs]).toEqual([0, 100]);
    }));

  it('is free again after the last call', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      await passages(gate, time, 2);
      await time.clock.sleep(50);
      expect((await passages(gate, time, 1))[0].inMs).toBe(250);
    }));

  it('lets none through before the moment that a refusal named', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      gate.refused('quota', 5000);
      expect((await passages(gate, time, 2)).map(({ inMs }) => inMs)).toEqual([5000, 5100]);
      expect(gate.quotas.get('quota')).toEqual({ calls: 2, waitMs: 5000 + 5100, refusals: 1, blockedMs: 0 });
    }));

  it('keeps to the latest of several refusals', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      gate.refused('quota', 5000);
      gate.refused('quota', 1000);
      expect((await passages(gate, time, 1))[0].inMs).toBe(5000);
    }));

  it('holds those that queue when the one inside is refused', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      expect(await gate.enter()).toBe(true);
      const queued = passages(gate, time, 1);
      gate.refused('quota', 3000);
      gate.leave();
      expect((await queued)[0].inMs).toBe(3000);
    }));

  it('holds the one that waits inside when a call that went before the gate stood is refused late', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      gate.refused('quota', 1000);
      const waiting = passages(gate, time, 1);
      await time.clock.sleep(500);
      gate.refused('quota', 5000);
      expect((await waiting)[0].inMs).toBe(5500);
    }));

  it('has in its backlog the wait that is left and as many passages as are ahead', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      const { nowMs } = time.clock;
      expect(gate.backlogMs(nowMs(), 10)).toBe(0);
      gate.refused('quota', 400);
      expect(gate.backlogMs(nowMs(), 10)).toBe(400);
      await passages(gate, time, 1);
      // One passage took 500 ms: 400 of waiting, 100 inside.
      expect(gate.backlogMs(nowMs(), 10)).toBe(5000);
      await passages(gate, time, 1);
      expect(gate.backlogMs(nowMs(), 10)).toBeCloseTo(10 * (500 + 0.3 * (100 - 500)), 9);
      await passages(gate, time, CALM_TURNS - 2);
      expect(gate.backlogMs(nowMs(), 10)).toBe(0);
    }));

  it('opens after so many calm turns and lets all who wait go at once', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      const passed = await passages(gate, time, CALM_TURNS + 4);
      expect(passed.map(({ call }) => call)).toEqual(Array.from({ length: CALM_TURNS + 4 }, (_, i) => i));
      const openMs = CALM_TURNS * 100;
      expect(passed.map(({ inMs }) => inMs)).toEqual([0, 100, 200, 300, 400, ...Array(4).fill(openMs)]);
      // Those that were let go waited, but took no turn.
      expect(gate.quotas.get('quota')).toEqual({
        calls: CALM_TURNS,
        waitMs: 100 + 200 + 300 + 400 + 4 * openMs,
        refusals: 1,
        blockedMs: 0,
      });
      expect((await passages(gate, time, 3)).map(({ inMs }) => inMs)).toEqual(Array(3).fill(openMs + 100));
    }));

  it.each(['while it waits inside', 'while it is under way', 'of a call from before'] as const)(
    'counts its calm turns from the start after a refusal: %s',
    when =>
      inVirtualTime(async time => {
        const gate = closed(time);
        await passages(gate, time, CALM_TURNS - 1);
        if (when === 'while it waits inside') {
          gate.refused('quota', 1000);
          const waiting = passages(gate, time, 1);
          await time.clock.sleep(500);
          gate.refused('quota', 1000);
          await waiting;
        } else {
          expect(await gate.enter()).toBe(true);
          gate.refused('quota', 0);
          if (when === 'while it is under way') await gate.reopened();
          gate.leave();
        }
        // A turn within which a quota refused is none of the calm ones.
        const beganMs = time.elapsedMs();
        const starts = (await passages(gate, time, CALM_TURNS + 2)).map(({ inMs }) => inMs - beganMs);
        expect(starts).toEqual([0, 100, 200, 300, 400, 500, 500]);
      }),
  );

  it('closes again when a quota refuses after it has opened', () =>
    inVirtualTime(async time => {
      const gate = closed(time);
      await passages(gate, time, CALM_TURNS);
      expect(await gate.enter()).toBe(false);
      gate.refused('quota', 1000);
      expect((await passages(gate, time, 3)).map(({ inMs }) => inMs)).toEqual([1500, 1600, 1700]);
    }));

  it('sums up waits and refusals by the quota that refused last', () =>
    inVirtualTime(async time => {
      const gate = new Gate(time.clock);
      gate.refused('a minute', 1000);
      await passages(gate, time, 2);
      gate.refused('an hour', 7000);
      await passages(gate, time, 1);
      gate.refused('a minute', 300);
      await passages(gate, time, 1);
      expect(Object.fromEntries(gate.quotas)).toEqual({
        'a minute': { calls: 3, waitMs: 1000 + 1100 + 300, refusals: 2, blockedMs: 0 },
        'an hour': { calls: 1, waitMs: 7000, refusals: 1, blockedMs: 0 },
      });
    }));
});

describe('the retry budget', () => {
  const half = { uniform: () => 0.5, secret: () => '' };

  it.each([
    [1, 500],
    [2, 1000],
    [3, 2000],
    [4, 4000],
    [5, 8000],
    [6, 10_000],
    [30, 10_000],
  ])('waits half of the back-off before retry %d at the middle draw: %d ms', (retry, ms) => {
    expect(new RetryBudget().backoffMs(half, [], retry)).toBe(ms);
  });

  it('draws each wait with the key that it is given', () => {
    const keys: unknown[] = [];
    const chance = { uniform: (key: readonly number[]) => keys.push(key) * 0, secret: () => '' };
    expect(new RetryBudget().backoffMs(chance, [4, 2], 1)).toBe(0);
    expect(keys).toEqual([[4, 2]]);
  });

  it('lets a burst through, then makes every retry wait the longest, until first tries have earned more', () => {
    const budget = new RetryBudget();
    const waits = (count: number) => Array.from({ length: count }, () => budget.backoffMs(half, [], 1));
    expect(waits(RETRY_BUDGET_BURST + 2)).toEqual([
      ...Array(RETRY_BUDGET_BURST).fill(500),
      BACKOFF_CAP_MS,
      BACKOFF_CAP_MS,
    ]);
    for (let i = 0; i < 4; i++) budget.earn();
    expect(waits(1)).toEqual([BACKOFF_CAP_MS]);
    budget.earn();
    expect(waits(2)).toEqual([500, BACKOFF_CAP_MS]);
  });

  it('saves up no more than the burst', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 1000; i++) budget.earn();
    for (let i = 0; i < RETRY_BUDGET_BURST; i++) expect(budget.backoffMs(half, [], 1)).toBe(500);
    expect(budget.backoffMs(half, [], 1)).toBe(BACKOFF_CAP_MS);
  });
});
