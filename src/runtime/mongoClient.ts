// A connection to MongoDB, as each store opens its own: the database that an address names, and errors that say which
// server failed without telling a password.

import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { SandtableError } from '../errors.ts';

export type Connection = {
  readonly database: Db;
  /** What the work throws becomes JOURNAL. */
  readonly guard: Guard;
  readonly close: () => Promise<void>;
};

export type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** The database of an address that names none. */
const DATABASE = 'sandtable';
const NAMES_DATABASE = /^mongodb(\+srv)?:\/\/[^/]+\/[^?]/;

/** Longer than any of these takes where a server is well; nobody waits for one that is not. */
const LIMITS: MongoClientOptions = {
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 10_000,
  socketTimeoutMS: 60_000,
  waitQueueTimeoutMS: 60_000,
};

/** Does not connect yet: the first call does. Throws JOURNAL when the address is none. */
export function connectionTo(url: string, options: MongoClientOptions): Connection {
  let client: MongoClient;
  try {
    client = new MongoClient(url, { ...LIMITS, ...options });
  } catch (cause) {
    throw new SandtableError('JOURNAL', `that is no address of a MongoDB: ${reasonOf(cause)}`);
  }
  // Not the address as it was written: it may hold a password.
  const hosts = client.options.srvHost ?? client.options.hosts.join(',');
  return {
    database: client.db(NAMES_DATABASE.test(url) ? client.options.dbName : DATABASE),
    guard: async work => {
      try {
        return await work();
      } catch (cause) {
        throw new SandtableError('JOURNAL', `MongoDB at ${hosts} cannot be used: ${reasonOf(cause)}`);
      }
    },
    close: () => client.close(),
  };
}

/** The same port, with every call of it guarded. */
export function guarded<Port extends object>(guard: Guard, port: Port): Port {
  const calls = Object.entries(port).map(([name, call]) => [
    name,
    (...args: unknown[]) => guard(() => call(...args)),
  ]);
  return Object.fromEntries(calls);
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
