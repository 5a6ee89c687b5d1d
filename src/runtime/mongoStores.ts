// What provisioners share, in a MongoDB that processes of many machines reach: journal, leases, slots and registry. Every
// write is on the disks of a majority once it resolves. Unlike in SQLite, a lease of a dead process must run out.

import type { Db, MongoClientOptions } from 'mongodb';
import type { ProvisioningStores } from '../ports.ts';
import { Chains, type Link, Stamps } from './mongoChain.ts';
import { connectionTo, guarded } from './mongoClient.ts';
import { find, put } from './mongoDocument.ts';
import { createJournalIndexes, journalOf, leasesOf, type Written } from './mongoJournal.ts';
import { type CompanyDocument, createCompanyIndexes, registryOf } from './mongoRegistry.ts';
import { type Slot, slotsOf } from './mongoSlots.ts';

export type MongoStores = ProvisioningStores & {
  /** A value that belongs to the whole database, such as the scenario's hash. */
  readonly label: (name: string) => Promise<string | undefined>;
  readonly setLabel: (name: string, value: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Raises it when a document changes its meaning; an older database is then refused, not misread. */
const SCHEMA_VERSION = '2';

const OPTIONS: MongoClientOptions = {
  // A `true` of the journal must survive the loss of any one machine.
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 30_000 },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  ignoreUndefined: true,
  // Of one provisioner; its appends under one lease wait for each other anyway.
  maxPoolSize: 20,
};

/** Who has written this lately under a lease that has not ended may be at work; by the machines' clocks. */
const LATELY_MS = 15_000;

type Label = { readonly _id: string; readonly value: string };

/**
 * Opens the database that the address names; `fresh` forgets what it holds. Throws JOURNAL when it cannot be reached,
 * is of another version, or is worked on while it should be forgotten.
 */
export async function openMongoStores(url: string, fresh = false): Promise<MongoStores> {
  const { database, guard, close } = connectionTo(url, OPTIONS);
  const stamps = new Stamps();
  const links = database.collection<Link<Written>>('journal');
  const written = new Chains(links, stamps);
  const given = new Chains(database.collection<Link<Slot>>('slots'), stamps);
  const companies = database.collection<CompanyDocument>('companies');
  const labels = database.collection<Label>('labels');
  const label = async (name: string) => (await find(labels, name))?.value;
  const setLabel = (name: string, value: string) => put(labels, name, { value });
  try {
    await guard(async () => {
      const before = await label('schemaVersion');
      if (fresh) await forget(database);
      const version = fresh ? undefined : before;
      if (version !== undefined && version !== SCHEMA_VERSION)
        throw new Error(`it has schema version ${version}, not ${SCHEMA_VERSION}`);
      if (version === undefined) await setLabel('schemaVersion', SCHEMA_VERSION);
      await written.createIndexes();
      await given.createIndexes();
      await createJournalIndexes(links);
      await createCompanyIndexes(companies);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    journal: guarded(guard, journalOf(links, written)),
    leases: guarded(guard, leasesOf(written)),
    slots: guarded(guard, slotsOf(given)),
    registry: guarded(guard, registryOf(companies)),
    label: name => guard(() => label(name)),
    setLabel: (name, value) => guard(() => setLabel(name, value)),
    close,
  };
}

/** Throws when another process may be at work on it: what it wrote must not go from under its hands. */
async function forget(database: Db): Promise<void> {
  const since = Stamps.now() - LATELY_MS * 1000;
  const lately = await database
    .collection<Link<Written>>('journal')
    .find({ stamp: { $gt: since } })
    .sort({ stamp: 1 })
    .toArray();
  const leases = new Map(lately.map(({ chain, state }) => [chain, state]));
  for (const [name, { holder, untilMs }] of leases)
    if (untilMs > 0)
      throw new Error(
        `${holder} has written under "${name}" in the last ${LATELY_MS / 1000} s: it works on it, or did until now`,
      );
  // There may be companies that no rollout registered: they are somebody else's.
  await database.collection('companies').deleteMany({ registeredAtMs: { $exists: true } });
  for (const name of ['journal', 'slots', 'labels']) await database.collection(name).deleteMany({});
}
