// The journal and the leases that fence it, in MongoDB. Both are links of one chain for each lease: an append takes the
// next place in it just as whoever takes the lease does, so none can stand behind the lease of another.

import type { Collection } from 'mongodb';
import { LEASE_MS } from '../limits.ts';
import type { Journal, JournalEntry, Lease, Leases } from '../ports.ts';
import type { Chains, Link } from './mongoChain.ts';

/** The lease as it is from this link on, and what was written with it. */
export type Written = {
  readonly epoch: number;
  readonly holder: string;
  readonly untilMs: number;
  readonly entries?: readonly JournalEntry[];
};

/** The chain of what is appended without a lease: no lease has an empty name. */
const ROLLOUT = '';
const NOBODY: Written = { epoch: 0, holder: '', untilMs: 0 };

/**
 * Appends that wait for one under way go into one link together: else each of a hundred companies would pay for the
 * trips of all others.
 */
type Group = { readonly entries: JournalEntry[]; written: Promise<boolean> };

/** Of one link. An entry has some hundred bytes, and a document no more than 16 MB. */
const ENTRIES_MAX = 1000;

/**
 * In microseconds, as stamps are: what another process wrote later may have an earlier one, by as much as the machines'
 * clocks may differ and a write may take; a lease bears no more of either.
 */
const LATE_STAMPS = 2 * LEASE_MS * 1000;

export async function createJournalIndexes(links: Collection<Link<Written>>): Promise<void> {
  await links.createIndex({ stamp: 1 });
  await links.createIndex({ 'state.entries.company': 1 });
}

export function journalOf(links: Collection<Link<Written>>, chains: Chains<Written>): Journal {
  /** By their lease, appends whose turn has not come. */
  const waiting = new Map<string, Group>();
  const write = (group: Group, name: string, lease: Lease | undefined) => {
    const close = () => void (waiting.get(name) === group && waiting.delete(name));
    const added = chains.add(lease?.name ?? ROLLOUT, (newest = NOBODY) => {
      close();
      return lease === undefined || isOf(lease, newest) ? { ...newest, entries: group.entries } : undefined;
    });
    return added.then(link => link !== undefined).finally(close);
  };
  return {
    append: (entries, lease) => {
      const name = lease === undefined ? ROLLOUT : `${lease.name}/${lease.epoch}`;
      const before = waiting.get(name);
      if (before !== undefined && before.entries.length + entries.length <= ENTRIES_MAX) {
        before.entries.push(...entries);
        return before.written;
      }
      const group: Group = { entries: [...entries], written: Promise.resolve(false) };
      waiting.set(name, group);
      group.written = write(group, name, lease);
      return group.written;
    },
    read: async range => {
      const some = range && { 'state.entries.company': { $gte: range.from, $lt: range.to } };
      // Backwards: of a chain that grows meanwhile, whoever has seen a link then comes to all that stand before it.
      const found = await links
        .find(some as object)
        .sort({ stamp: -1 })
        .toArray();
      return found
        .reverse()
        .flatMap(({ state }) => state.entries ?? [])
        .filter(({ company }) => range === undefined || (company >= range.from && company < range.to));
    },
    changedSince: async mark => {
      if (mark === undefined) {
        const [newest] = await links.find().sort({ stamp: -1 }).limit(1).toArray();
        return { companies: [], mark: newest?.stamp ?? 0 };
      }
      const newer = await links
        .find({ stamp: { $gt: mark - LATE_STAMPS } } as object)
        .sort({ stamp: 1 })
        .project<Link<Written>>({ stamp: 1, 'state.entries.company': 1 })
        .toArray();
      const changed = newer.flatMap(({ state }) => state.entries?.map(({ company }) => company) ?? []);
      const companies = [...new Set(changed)].filter(company => company >= 0);
      return { companies, mark: newer.at(-1)?.stamp ?? mark };
    },
  };
}

export function leasesOf(chains: Chains<Written>): Leases {
  return {
    take: async (name, holder, nowMs, untilMs) => {
      const taken = await chains.add(name, (held = NOBODY) =>
        held.untilMs > nowMs && held.holder !== holder
          ? undefined
          : { epoch: held.epoch + 1, holder, untilMs },
      );
      return taken && { name, holder, epoch: taken.epoch, untilMs };
    },
    extend: async (lease, untilMs) => {
      const extended = await chains.add(lease.name, held => moved(lease, held, untilMs));
      return extended && { ...lease, untilMs };
    },
    end: async lease => void (await chains.add(lease.name, held => moved(lease, held, 0))),
  };
}

const isOf = (lease: Lease, { epoch }: Written): boolean => epoch === lease.epoch;

function moved(lease: Lease, held: Written = NOBODY, untilMs: number): Written | undefined {
  return isOf(lease, held) ? { epoch: held.epoch, holder: held.holder, untilMs } : undefined;
}
