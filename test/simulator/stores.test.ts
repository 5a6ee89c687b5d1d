// The stores in virtual time outlive the process that writes, and tell a dead one nothing.

import { describe, expect, it } from 'vitest';
import { FactValues } from '../../scenarios/facts.ts';
import { Kernel } from '../../simulator/kernel.ts';
import { Stores } from '../../simulator/stores.ts';
import type { CompanyRecord, JournalEntry } from '../../src/ports.ts';

const entry = (company: number): JournalEntry => ({ company, step: '', event: 'admitted', atMs: 0 });
const record = (id: string): CompanyRecord => ({
  id,
  region: 'us-west1',
  level: 'ONYX',
  industry: 'retail',
  hostname: `${id}.example.net`,
  serviceUri: `https://${id}.run.app`,
  registeredAtMs: 0,
});

function setUp() {
  const kernel = new Kernel({ startMs: 0, deadlineMs: 1e6, everyEventEntering: false });
  const stores = new Stores(kernel, new FactValues('mid', {}), 1);
  return { kernel, stores };
}

describe('the stores', () => {
  it('keep what was written, after a latency', async () => {
    const { kernel, stores } = setUp();
    await kernel.run(async () => {
      const generation = { alive: true };
      const { journal, registry } = stores.all(generation);
      await journal.append([entry(0), entry(1)]);
      expect(kernel.nowMs).toBeGreaterThan(0);
      await Promise.all(['c00002', 'c00001'].map(id => registry.put(record(id))));
      await registry.put({ ...record('c00001'), level: 'OPAL' });
      expect((await journal.read()).map(({ company }) => company)).toEqual([0, 1]);
      expect((await registry.list()).map(({ id, level }) => [id, level])).toEqual([
        ['c00001', 'OPAL'],
        ['c00002', 'ONYX'],
      ]);
      await registry.delete('c00001');
      expect(await registry.get('c00001')).toBeUndefined();
    });
  });

  it('write what a process asked for before it died, and never tell it', async () => {
    const { kernel, stores } = setUp();
    const generation = { alive: true };
    let told = false;
    await kernel.run(async () => {
      void stores
        .all(generation)
        .journal.append([entry(7)])
        .then(() => (told = true));
      void stores
        .all(generation)
        .registry.put(record('c00007'))
        .then(() => (told = true));
      generation.alive = false;
      await new Promise<void>(resolve => kernel.resumeAt(1000, resolve));
    });
    expect([stores.entries, [...stores.records.keys()], told]).toEqual([[entry(7)], ['c00007'], false]);
  });
});
