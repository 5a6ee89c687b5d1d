// What the platform may rely on in its registry, whichever one it was given.

import { describe, expect, it } from 'vitest';
import type { CompanyRecord } from '../../src/ports.ts';
import { STORES, type StoresCase } from './stores.ts';

const record = (n: number, more: Partial<CompanyRecord> = {}): CompanyRecord => {
  const id = `c${String(n).padStart(5, '0')}`;
  return {
    id,
    region: 'us-west1',
    level: 'OPAL',
    industry: 'retail',
    hostname: `${id}.agents.example`,
    serviceUri: `https://${id}-é.a.run.app`,
    registeredAtMs: 1_767_225_600_000.5 + n,
    ...more,
  };
};

const CASES: readonly [behaviour: string, each: StoresCase][] = [
  ['is empty at first', async open => expect(await open().registry.list()).toEqual([])],
  [
    'does not know a company that was never put',
    async open => {
      const { registry } = open();
      await registry.put(record(1));
      expect(await registry.get('c00002')).toBeUndefined();
    },
  ],
  [
    'gives back exactly what was put',
    async open => {
      const { registry } = open();
      await registry.put(record(1));
      expect(await registry.get('c00001')).toStrictEqual(record(1));
    },
  ],
  [
    'replaces the record of an id, and no other',
    async open => {
      const { registry } = open();
      await registry.put(record(1));
      await registry.put(record(2));
      await registry.put(record(1, { region: 'europe-west1' }));
      expect(await registry.list()).toEqual([record(1, { region: 'europe-west1' }), record(2)]);
    },
  ],
  [
    'keeps that a company is suspended, and forgets it when it no longer is',
    async open => {
      const { registry } = open();
      await registry.put(record(1, { isSuspended: true }));
      expect(await registry.get('c00001')).toStrictEqual(record(1, { isSuspended: true }));
      await registry.put(record(1));
      expect(await registry.get('c00001')).toStrictEqual(record(1));
    },
  ],
  [
    'deletes the record of an id, and no other',
    async open => {
      const { registry } = open();
      await registry.put(record(1));
      await registry.put(record(2));
      await registry.delete('c00001');
      expect(await registry.get('c00001')).toBeUndefined();
      expect(await registry.list()).toEqual([record(2)]);
    },
  ],
  [
    'takes the deletion of a company that it does not know',
    async open => {
      const { registry } = open();
      await registry.put(record(1));
      await registry.delete('c00009');
      await registry.delete('c00009');
      expect(await registry.list()).toEqual([record(1)]);
    },
  ],
  [
    'lists by id, whatever the order of writing',
    async open => {
      const { registry } = open();
      for (const n of [10_000, 3, 99, 1, 2500]) await registry.put(record(n));
      expect((await registry.list()).map(({ id }) => id)).toEqual([
        'c00001',
        'c00003',
        'c00099',
        'c02500',
        'c10000',
      ]);
    },
  ],
  [
    'has everything that was put before its process ended',
    async open => {
      const first = open();
      await first.registry.put(record(1));
      await first.registry.put(record(2));
      await first.registry.delete('c00002');
      first.close();
      expect(await open().registry.list()).toEqual([record(1)]);
    },
  ],
  [
    'keeps apart from the journal',
    async open => {
      const { registry, journal } = open();
      await registry.put(record(1));
      expect(await journal.read()).toEqual([]);
    },
  ],
];

describe.each(STORES)('the registry in %s', (_name, run, missing) => {
  it.skipIf(missing !== undefined).each(CASES)('%s', (_behaviour, each) => run(each));
});
