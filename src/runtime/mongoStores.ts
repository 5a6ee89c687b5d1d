// What provisioners share, in a MongoDB that processes of many machines reach: journal, leases, slots and registry. Every
// write is on the disks of a majority once it resolves. Unlike in SQLite, a lease of a dead process must run out.

import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { SandtableError } from '../errors.ts';
import type { CompanyRecords, ProvisioningStores } from '../ports.ts';
import { Chains, type Link, Stamps } from './mongoChain.ts';
import { find, put } from './mongoDocument.ts';
import { createJournalIndexes, journalOf, leasesOf, type Written } from './mongoJournal.ts';
import { type CompanyDocument, companyRecordsOf, createCompanyIndexes, registryOf } from './mongoRegistry.ts';
import { type Slot, slotsOf } from './mongoSlots.ts';

export type MongoStores = ProvisioningStores & {
  /** The registry as the gateways read it. */
  readonly records: CompanyRecords;
  /** A value that belongs to the whole database, such as the scenario's hash. */
  readonly label: (name: string) => Promise<string | undefined>;
  readonly setLabel: (name: string, value: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Raises it when a document changes its meaning; an older database is then refused, not misread. */
const SCHEMA_VERSION = '1';

/** The database of an address that names none. */
const DATABASE = 'sandtable';
const NAMES_DATABASE = /^mongodb(\+srv)?:\/\/[^/]+\/[^?]/;

const OPTIONS: MongoClientOptions = {
  // A `true` of the journal must survive the loss of any one machine.
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 30_000 },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  ignoreUndefined: true,
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 10_000,
  socketTimeoutMS: 60_000,
  waitQueueTimeoutMS: 60_000,
  // Of one provisioner; its appends under one lease wait for each other anyway.
  maxPoolSize: 20,
};

/** Who has written this lately under a lease that has not ended may be at work; by the machines' clocks. */
const LATELY_MS = 30_000;

type Label = { readonly _id: string; readonly value: string };

/**
 * Opens the database that the address names; `fresh` forgets what it holds. Throws JOURNAL when it cannot be reached,
 * is of another version, or is worked on while it should be forgotten.
 */
export async function openMongoStores(url: string, fresh = false): Promise<MongoStores> {
  const { client, guard } = clientOf(url);
  const database = client.db(NAMES_DATABASE.test(url) ? client.options.dbName : DATABASE);
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
    await client.close();
    throw error;
  }
  return {
    journal: guarded(journalOf(links, written), guard),
    leases: guarded(leasesOf(written), guard),
    slots: guarded(slotsOf(given), guard),
    registry: guarded(registryOf(companies), guard),
    records: guarded(companyRecordsOf(companies), guard),
    label: name => guard(() => label(name)),
    setLabel: (name, value) => guard(() => setLabel(name, value)),
    close: () => client.close(),
  };
}

type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** Does not connect yet. No message names the address as it is written: it may hold a password. */
function clientOf(url: string): { readonly client: MongoClient; readonly guard: Guard } {
  let client: MongoClient;
  try {
    client = new MongoClient(url, OPTIONS);
  } catch (cause) {
    throw new SandtableError('JOURNAL', `that is no address of a MongoDB: ${reasonOf(cause)}`);
  }
  const hosts = client.options.hosts.join(',') || client.options.srvHost;
  const guard: Guard = async work => {
    try {
      return await work();
    } catch (cause) {
      throw new SandtableError('JOURNAL', `the journal at ${hosts} cannot be used: ${reasonOf(cause)}`);
    }
  };
  return { client, guard };
}

/** The port with every call of it guarded. */
function guarded<Port extends object>(port: Port, guard: Guard): Port {
  const calls = Object.entries(port).map(([name, call]) => [
    name,
    (...args: unknown[]) => guard(() => call(...args)),
  ]);
  return Object.fromEntries(calls);
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
        `${holder} has written under "${name}" in the last ${LATELY_MS / 1000} s: it works on it`,
      );
  // There may be companies that no rollout registered: they are somebody else's.
  await database.collection('companies').deleteMany({ registeredAtMs: { $exists: true } });
  for (const name of ['journal', 'slots', 'labels']) await database.collection(name).deleteMany({});
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
