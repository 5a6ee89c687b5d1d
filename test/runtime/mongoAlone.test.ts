// A process that wants the stores in MongoDB alone: whom it waits for, who is refused, and that a process which was held
// up for too long writes nothing more.

import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/ports.ts';
import { alone } from '../../src/runtime/mongoAlone.ts';
import { inDatabase, missing } from '../ports/mongo.ts';

const HOUR_MS = 3_600_000;
const entry = (company: number): JournalEntry => ({ company, step: '', event: 'admitted', atMs: 1 });

describe.skipIf(missing !== undefined)('alone with the stores in MongoDB', () => {
  it('a process appends and reads, and the next one comes at once when it closes', () =>
    inDatabase(async ({ open }) => {
      const first = await alone(await open(), 'a', HOUR_MS);
      expect(await first.journal.append([entry(0)])).toBe(true);
      await first.close();
      const second = await alone(await open(), 'b', HOUR_MS);
      expect(await second.journal.append([entry(1)])).toBe(true);
      expect(await second.journal.read()).toEqual([entry(0), entry(1)]);
      await second.close();
    }));

  it('waits for the lease of one that is gone', () =>
    inDatabase(async ({ open }) => {
      const { leases } = await open();
      const untilMs = Date.now() + 300;
      await leases.take('alone', 'gone', Date.now(), untilMs);
      const { close } = await alone(await open(), 'b', HOUR_MS);
      expect(Date.now()).toBeGreaterThanOrEqual(untilMs);
      await close();
    }));

  it('is refused while another is at work', () =>
    inDatabase(async ({ open }) => {
      const first = await alone(await open(), 'a', HOUR_MS);
      await expect(alone(await open(), 'b', 1)).rejects.toMatchObject({
        code: 'JOURNAL',
        message: 'another process holds the journal in MongoDB, and is at work',
      });
      expect(await first.journal.append([entry(0)])).toBe(true);
      await first.close();
    }));

  it('writes nothing more once another has taken over', () =>
    inDatabase(async ({ open }) => {
      const [held, other] = [await alone(await open(), 'a', HOUR_MS), await open()];
      await held.journal.append([entry(0)]);
      const later = Date.now() + 2 * HOUR_MS;
      expect(await other.leases.take('alone', 'b', later, later + HOUR_MS)).toMatchObject({ epoch: 2 });
      await expect(held.journal.append([entry(1)])).rejects.toMatchObject({
        code: 'JOURNAL',
        message: expect.stringContaining('has taken over'),
      });
      // A lease of its own is judged by itself.
      const part = await held.leases.take('batch 0', 'a', 0, 1);
      expect(await held.journal.append([entry(2)], part)).toBe(true);
      await held.close();
      // Its end does not end the lease of the other.
      expect(await other.leases.take('alone', 'c', later, later + 1)).toBeUndefined();
      expect(await other.journal.read()).toEqual([entry(0), entry(2)]);
    }));
});
