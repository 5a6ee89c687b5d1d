// So many at once and no more: the order of turns, the bound of the queue, and that each waiter has one outcome.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pool } from '../../src/gateway/pool.ts';
import { ManualClock, START_MS, settled } from './harness.ts';

describe('a pool', () => {
  it('gives a turn at once while there is a place, and then to who waits longest', async () => {
    const clock = new ManualClock();
    const pool = new Pool('small', { size: 1, queueMax: 9 }, clock);
    const turns: string[] = [];
    expect([pool.enter(), pool.enter()]).toEqual([true, false]);
    for (const name of ['first', 'second', 'third'])
      void pool.queue(START_MS + 1000)?.then(hasTurn => turns.push(`${name} ${hasTurn}`));
    for (let n = 0; n < 3; n++) {
      await clock.pass(10);
      pool.leave();
    }
    await settled();
    expect(turns).toEqual(['first true', 'second true', 'third true']);
    expect(pool.figures()).toEqual({ name: 'small', calls: 4, waitMs: 60, refusals: 0 });
    expect(clock.timersLeft).toBe(0);
  });

  it('keeps its places when a waiter gives up', async () => {
    const clock = new ManualClock();
    const pool = new Pool('small', { size: 1, queueMax: 1 }, clock);
    pool.enter();
    const waiter = pool.queue(START_MS + 500);
    expect(pool.queue(START_MS + 500)).toBeUndefined();
    await clock.pass(500);
    expect(await waiter).toBe(false);
    // The queue has room again, and the place that is left is free.
    pool.leave();
    expect(pool.enter()).toBe(true);
    expect(pool.figures()).toEqual({ name: 'small', calls: 2, waitMs: 500, refusals: 2 });
  });

  it('without a queue turns away whoever finds no place', () => {
    const pool = new Pool('small', { size: 1, queueMax: 0 }, new ManualClock());
    expect([pool.enter(), pool.enter(), pool.queue(START_MS + 1)]).toEqual([true, false, undefined]);
  });

  const plans = fc.record({
    size: fc.integer({ min: 1, max: 4 }),
    queueMax: fc.integer({ min: 0, max: 5 }),
    visits: fc.array(
      fc.record({
        gapMs: fc.integer({ min: 0, max: 20 }),
        holdMs: fc.integer({ min: 0, max: 60 }),
        patienceMs: fc.integer({ min: 0, max: 50 }),
      }),
      { minLength: 1, maxLength: 60 },
    ),
  });

  it('never has more at once than its size, serves in order, and ends every wait once, by its deadline', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ size, queueMax, visits }) => {
        const clock = new ManualClock();
        const pool = new Pool('any', { size, queueMax }, clock);
        const turns: number[] = [];
        const outcomes = visits.map(() => [] as string[]);
        let inside = 0;
        let insideMax = 0;
        let waitMs = 0;
        const visit = async (n: number, holdMs: number, patienceMs: number) => {
          const askedAtMs = clock.nowMs();
          if (!pool.enter()) {
            // Nobody waits while a place is free.
            expect(inside).toBe(size);
            const hasTurn = await pool.queue(askedAtMs + patienceMs);
            const waitedMs = clock.nowMs() - askedAtMs;
            waitMs += waitedMs;
            if (hasTurn !== true) {
              expect(waitedMs).toBe(hasTurn === undefined ? 0 : patienceMs);
              outcomes[n].push(hasTurn === undefined ? 'full' : 'late');
              return;
            }
            expect(waitedMs).toBeLessThanOrEqual(patienceMs);
          }
          outcomes[n].push('turn');
          turns.push(n);
          insideMax = Math.max(insideMax, ++inside);
          await clock.sleep(holdMs);
          inside--;
          pool.leave();
        };
        const all: Promise<void>[] = [];
        for (const [n, { gapMs, holdMs, patienceMs }] of visits.entries()) {
          await clock.pass(gapMs);
          all.push(visit(n, holdMs, patienceMs));
        }
        await clock.pass(visits.length * 60);
        await Promise.all(all);

        expect(insideMax).toBeLessThanOrEqual(size);
        expect(turns).toEqual([...turns].sort((a, b) => a - b));
        expect(outcomes.every(({ length }) => length === 1)).toBe(true);
        const refusals = outcomes.filter(([outcome]) => outcome !== 'turn').length;
        expect(pool.figures()).toEqual({ name: 'any', calls: turns.length, waitMs, refusals });
        expect([inside, clock.timersLeft]).toEqual([0, 0]);
        // All places are free again, and no more of them.
        for (let n = 0; n < size; n++) expect(pool.enter()).toBe(true);
        expect(pool.enter()).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
