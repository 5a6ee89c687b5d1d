// Stores in MongoDB for one process at a time, as SQLite's are for a process that wants them alone: under a lease that it
// renews, and that fences whatever it appends. A process that is killed leaves it for whoever waits until it runs out.

import { setTimeout as delay } from 'node:timers/promises';
import { SandtableError } from '../errors.ts';
import type { Journal, Lease } from '../ports.ts';
import type { MongoStores } from './mongoStores.ts';

const NAME = 'alone';
/** By the machines' clocks, which must agree to a few seconds. */
const LEASE_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** Waits for the lease of a process that may be gone. Throws JOURNAL when that one renews it, and so is at work. */
export async function alone(stores: MongoStores, holder: string, leaseMs = LEASE_MS): Promise<MongoStores> {
  let lease = await taken(stores, holder, leaseMs);
  const renew = async () => {
    lease = (await stores.leases.extend(lease, Date.now() + leaseMs)) ?? lease;
  };
  // What fails is tried again; when it is too late, the next append is refused.
  const timer = setInterval(() => void renew().catch(() => {}), leaseMs / 3);
  const append: Journal['append'] = async (entries, other) => {
    if (await stores.journal.append(entries, other ?? lease)) return true;
    if (other !== undefined) return false;
    throw new SandtableError('JOURNAL', 'another process has taken over the journal in MongoDB');
  };
  return {
    ...stores,
    journal: { ...stores.journal, append },
    close: async () => {
      clearInterval(timer);
      await stores.leases.end(lease).catch(() => {});
      await stores.close();
    },
  };
}

async function taken({ leases }: MongoStores, holder: string, leaseMs: number): Promise<Lease> {
  const beganAtMs = Date.now();
  for (;;) {
    const nowMs = Date.now();
    const lease = await leases.take(NAME, holder, nowMs, nowMs + leaseMs);
    if (lease !== undefined) return lease;
    if (nowMs > beganAtMs + leaseMs)
      throw new SandtableError('JOURNAL', 'another process holds the journal in MongoDB, and is at work');
    await delay(LOOK_EVERY_MS);
  }
}
