// What provisioners that share a rollout may rely on: a lease has one newest holder, and what another one writes under
// it is refused; a slot of a rate is given once.

import { describe, expect, it } from 'vitest';
import type { JournalEntry, Lease } from '../../src/ports.ts';
import { STORES, type StoresCase } from './stores.ts';

const entry = (company: number): JournalEntry => ({ company, step: 's', event: 'intent', atMs: company });

const CASES: readonly [behaviour: string, each: StoresCase][] = [
  [
    'gives a lease to one holder until it ends',
    async open => {
      const { leases } = open();
      const lease = await leases.take('batch 0', 'a', 1000, 2000);
      expect(lease).toEqual({ name: 'batch 0', holder: 'a', epoch: 1, untilMs: 2000 });
      expect(await leases.take('batch 0', 'b', 1999, 9000)).toBeUndefined();
      expect(await leases.take('batch 1', 'b', 1999, 9000)).toMatchObject({ epoch: 1 });
      expect(await leases.take('batch 0', 'b', 2000, 9000)).toMatchObject({ holder: 'b', epoch: 2 });
    },
  ],
  [
    'gives a holder its own lease again, in a new epoch',
    async open => {
      const first = open();
      const old = (await first.leases.take('batch 0', 'a', 0, 2000))!;
      first.close();
      const { leases, journal } = open();
      expect(await leases.take('batch 0', 'a', 1, 2000)).toMatchObject({ epoch: 2 });
      expect(await journal.append([entry(0)], old)).toBe(false);
    },
  ],
  [
    'extends a lease until another has taken it',
    async open => {
      const { leases } = open();
      const lease = (await leases.take('batch 0', 'a', 0, 1000))!;
      expect(await leases.extend(lease, 3000)).toEqual({ ...lease, untilMs: 3000 });
      expect(await leases.take('batch 0', 'b', 2999, 9000)).toBeUndefined();
      // Late, but nobody has taken it meanwhile.
      expect(await leases.extend(lease, 5000)).toMatchObject({ untilMs: 5000 });
      expect(await leases.take('batch 0', 'b', 5000, 9000)).toMatchObject({ epoch: 2 });
      expect(await leases.extend(lease, 99_000)).toBeUndefined();
      expect(await leases.take('batch 0', 'c', 8999, 9000)).toBeUndefined();
    },
  ],
  [
    'lets a holder end its lease, and not that of the next one',
    async open => {
      const { leases } = open();
      const lease = (await leases.take('batch 0', 'a', 0, 1000))!;
      await leases.end(lease);
      expect(await leases.take('batch 0', 'b', 1, 1000)).toMatchObject({ epoch: 2 });
      await leases.end(lease);
      expect(await leases.take('batch 0', 'c', 2, 1000)).toBeUndefined();
    },
  ],
  [
    'writes nothing for a holder whose lease another has taken',
    async open => {
      const { leases, journal } = open();
      const old = (await leases.take('batch 0', 'a', 0, 1000))!;
      expect(await journal.append([entry(0)], old)).toBe(true);
      const taken = (await leases.take('batch 0', 'b', 1000, 2000))!;
      expect(await journal.append([entry(1), entry(2)], old)).toBe(false);
      expect(await journal.append([entry(3)], taken)).toBe(true);
      expect(await journal.read()).toEqual([entry(0), entry(3)]);
    },
  ],
  [
    'gives a lease to one of many that ask at once',
    async open => {
      const { leases } = open();
      const names = Array.from({ length: 12 }, (_, n) => `holder ${n}`);
      const taken = await Promise.all(names.map(name => leases.take('batch 0', name, 0, 1000)));
      expect(taken.filter(lease => lease !== undefined)).toHaveLength(1);
    },
  ],
  [
    'never writes for two epochs in turns',
    async open => {
      const { leases, journal } = open();
      let lease: Lease = (await leases.take('batch 0', 'a', 0, 1))!;
      const old = lease;
      const writes = Array.from({ length: 10 }, (_, n) => journal.append([entry(n)], old));
      lease = (await leases.take('batch 0', 'b', 1, 1000))!;
      const later = await Promise.all([
        journal.append([entry(100)], lease),
        ...Array.from({ length: 10 }, (_, n) => journal.append([entry(n + 10)], old)),
      ]);
      await Promise.all(writes);
      expect(later).toEqual([true, ...Array(10).fill(false)]);
      const companies = (await journal.read()).map(({ company }) => company);
      expect(companies.at(-1)).toBe(100);
    },
  ],
  [
    'gives each slot of a rate once, one interval apart',
    async open => {
      const { slots } = open();
      const taken = await Promise.all(Array.from({ length: 20 }, () => slots.take('deploys', 5000, 100)));
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => 5000 + n * 100));
      expect(await slots.take('other', 5000, 100)).toBe(5000);
    },
  ],
  [
    'does not save up slots that nobody took',
    async open => {
      const { slots } = open();
      expect(await slots.take('deploys', 0, 100)).toBe(0);
      expect(await slots.take('deploys', 10_000, 100)).toBe(10_000);
      expect(await slots.take('deploys', 10_000, 100)).toBe(10_100);
    },
  ],
  [
    'holds back the slots of all until the moment that a vendor named',
    async open => {
      const { slots } = open();
      await slots.take('deploys', 0, 100);
      await slots.hold('deploys', 7000);
      await slots.hold('deploys', 3000);
      expect(await slots.take('deploys', 200, 100)).toBe(7000);
      expect(await slots.take('deploys', 200, 100)).toBe(7100);
    },
  ],
];

describe.each(STORES)('the leases and slots in %s', (_name, run, missing) => {
  it.skipIf(missing !== undefined).each(CASES)('%s', (_behaviour, each) => run(each));
});
