// The heap against a list that is searched from end to end.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../simulator/eventQueue.ts';

type Pending = { readonly timeMs: number; readonly sequence: number; readonly slot: number };

/** A queue beside its model; every operation is checked as it is done. */
function createPair() {
  const queue = new EventQueue();
  const pending: Pending[] = [];
  let sequence = 0;
  const isBefore = (a: Pending, b: Pending) =>
    a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
  return {
    queue,
    pending,
    push(timeMs: number) {
      const slot = queue.push(timeMs, sequence % 7, sequence);
      if (pending.some(event => event.slot === slot)) throw new Error(`slot ${slot} names two events`);
      pending.push({ timeMs, sequence: sequence++, slot });
    },
    pop() {
      if (pending.length === 0) return;
      const next = pending.reduce((least, event) => (isBefore(event, least) ? event : least));
      pending.splice(pending.indexOf(next), 1);
      const timeMs = queue.nextTimeMs();
      const slot = queue.pop();
      expect([timeMs, slot]).toEqual([next.timeMs, next.slot]);
      expect([queue.handlerOf[slot], queue.argumentOf[slot]]).toEqual([next.sequence % 7, next.sequence]);
    },
    cancel(index: number) {
      if (pending.length === 0) return;
      const [cancelled] = pending.splice(index % pending.length, 1);
      queue.cancel(cancelled.slot);
    },
  };
}

type Pair = ReturnType<typeof createPair>;

// Few different times make many ties.
const time = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ min: 0, max: 10, noNaN: true }));
const operation = fc.oneof(
  { weight: 5, arbitrary: time.map(timeMs => (pair: Pair) => pair.push(timeMs)) },
  { weight: 3, arbitrary: fc.constant((pair: Pair) => pair.pop()) },
  { weight: 2, arbitrary: fc.nat().map(index => (pair: Pair) => pair.cancel(index)) },
);

describe('the event queue', () => {
  it('gives what a sorted list would, whatever is pushed, popped and cancelled', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), operations => {
        const pair = createPair();
        for (const operate of operations) {
          operate(pair);
          expect(pair.queue.size).toBe(pair.pending.length);
        }
        while (pair.pending.length > 0) pair.pop();
        expect(pair.queue.size).toBe(0);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('keeps ties in order when cancelled events leave holes everywhere', () => {
    const few = fc.array(fc.tuple(fc.nat(2), fc.nat()), { minLength: 60, maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(few, fc.nat(40), (events, popped) => {
        const pair = createPair();
        for (const [timeMs] of events) pair.push(timeMs);
        for (let i = 0; i < popped; i++) pair.pop();
        for (const [, index] of events.slice(60)) pair.cancel(index);
        while (pair.pending.length > 0) pair.pop();
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('grows past its capacity without losing an event', () => {
    const pair = createPair();
    for (let i = 0; i < 2500; i++) {
      pair.push((i * 7919) % 101);
      if (i % 5 === 0) pair.cancel(i * 31);
      if (i % 7 === 0) pair.pop();
    }
    expect(pair.queue.size).toBeGreaterThan(1024);
    while (pair.pending.length > 0) pair.pop();
    for (let i = 0; i < 2500; i++) pair.push((i * 7919) % 103);
    while (pair.pending.length > 0) pair.pop();
  });

  it('gives events of one time in the order of pushing, also when others went in between', () => {
    const queue = new EventQueue();
    for (let i = 0; i < 50; i++) {
      queue.push(5, 0, i);
      queue.push(1, 0, -1);
      queue.pop();
    }
    expect(Array.from({ length: 50 }, () => queue.argumentOf[queue.pop()])).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  it('reuses the slots of events that have fired or were cancelled', () => {
    const queue = new EventQueue();
    const slots = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      slots.add(queue.push(i, 0, i));
      const doomed = queue.push(i + 0.5, 0, i);
      slots.add(doomed);
      queue.cancel(doomed);
      queue.pop();
    }
    expect(slots.size).toBeLessThanOrEqual(2);
  });

  it.each([
    ['the first', 0],
    ['one in the middle', 5],
    ['the last', 9],
  ])('goes on when %s is cancelled right after a pop', (_, index) => {
    const queue = new EventQueue();
    queue.push(-1, 0, -1);
    const slots = Array.from({ length: 10 }, (_, i) => queue.push(i, 0, i));
    queue.pop();
    queue.cancel(slots[index]);
    const rest = Array.from({ length: queue.size }, () => queue.argumentOf[queue.pop()]);
    expect(rest).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(i => i !== index));
  });
});
