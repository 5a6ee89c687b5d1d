// The journal and the leases that fence it, in MongoDB. Both are links of one chain for each lease: an append takes the
// next place in it just as whoever takes the lease does, so none can stand behind the lease of another.

import type { Collection } from 'mongodb';
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

export async function createJournalIndexes(links: Collection<Link<Written>>): Promise<void> {
  await links.createIndex({ stamp: 1 });
  await links.createIndex({ 'state.entries.company': 1 });
}

export function journalOf(links: Collection<Link<Written>>, chains: Chains<Written>): Journal {
  return {
    append: async (entries, lease) => {
      const added = await chains.add(lease?.name ?? ROLLOUT, (newest = NOBODY) =>
        lease === undefined || isOf(lease, newest) ? { ...newest, entries } : undefined,
      );
      return added !== undefined;
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
