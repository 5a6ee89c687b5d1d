// What processes count at their limits is in the journal often enough, and never twice in the sum.

import { describe, expect, it } from 'vitest';
import type { JournalEntry, LimitCount } from '../../src/ports.ts';
import { CountLog, limitsOf } from '../../src/provisioning/counts.ts';

const count = (name: string, calls: number, more: Partial<LimitCount> = {}): LimitCount => ({
  ...{ name, kind: 'limiter', calls, waitMs: 10 * calls, refusals: 0, admissionBlockedMs: calls },
  ...more,
});

const entry = (event: JournalEntry['event']): JournalEntry => ({ company: 3, step: '', event, atMs: 0 });

const counted = (process: number, ...limits: LimitCount[]): JournalEntry => ({
  ...entry('done'),
  counts: { process, limits },
});

describe('the counts of a process', () => {
  it('go into the journal with the last entry that it writes, every few seconds and whenever a company ends', () => {
    let nowMs = 0;
    let calls = 0;
    const log = new CountLog({ nowMs: () => nowMs }, 2, () => [count('deploys', calls)]);
    const at = (ms: number, event: JournalEntry['event']) => {
      nowMs = ms;
      calls++;
      const [first, { counts, ...last }] = log.with([entry('done'), entry(event)]);
      expect([first, last]).toStrictEqual([entry('done'), entry(event)]);
      return counts;
    };
    const now = () => ({ process: 2, limits: [count('deploys', calls)] });
    expect(at(0, 'intent')).toEqual(now());
    expect(at(4999, 'intent')).toBeUndefined();
    expect(at(5000, 'intent')).toEqual(now());
    for (const event of ['ready', 'undone', 'blocked'] as const) expect(at(5001, event)).toEqual(now());
    expect(at(10_000, 'done')).toBeUndefined();
    expect(at(10_001, 'done')).toEqual(now());
  });

  it('are summed over the processes, of each the latest', () => {
    const entries = [
      counted(0, count('deploys', 1)),
      counted(1, count('deploys', 10), count('deploys', 5, { kind: 'quota', refusals: 3 })),
      entry('ready'),
      counted(0, count('deploys', 2), count('records', 7)),
    ];
    expect(limitsOf(entries, new Map())).toEqual([
      count('deploys', 12),
      count('records', 7),
      count('deploys', 5, { kind: 'quota', refusals: 3 }),
    ]);
  });

  it('are the latest by the time at which they were counted, wherever they stand', () => {
    const entries = [
      { ...counted(0, count('deploys', 2)), atMs: 20 },
      { ...counted(0, count('deploys', 1)), atMs: 10 },
    ];
    expect(limitsOf(entries, new Map())).toEqual([count('deploys', 2)]);
  });

  it('are better known to a process itself than to its journal', () => {
    const entries = [counted(0, count('deploys', 1)), counted(1, count('deploys', 10))];
    expect(limitsOf(entries, new Map([[1, () => [count('deploys', 11)]]]))).toEqual([count('deploys', 12)]);
    expect(limitsOf([], new Map([[0, () => [count('deploys', 1)]]]))).toEqual([count('deploys', 1)]);
  });
});
