// The MongoDB that a test file has for itself: the one of MONGODB_URL or a wire of its own, and a database for each case.
// Where there is none, the tests that need one are skipped, and say why.

import { MongoClient } from 'mongodb';
import { afterAll } from 'vitest';
import { type MongoServer, startMongo } from '../../rig/mongoServer.ts';
import { SandtableError } from '../../src/errors.ts';
import { type MongoStores, openMongoStores } from '../../src/runtime/mongoStores.ts';

/** Why there is none; undefined when there is one. */
export let missing: string | undefined;
let server: MongoServer | undefined;
try {
  server = await startMongo({ log: line => console.error(line.message) });
} catch (error) {
  if (!(error instanceof SandtableError)) throw error;
  missing = error.message;
  console.error(`SKIPPED, all tests of the stores in MongoDB: ${missing}`);
}
afterAll(() => server?.stop());

let databases = 0;

export type Database = { readonly url: string; readonly open: (fresh?: boolean) => Promise<MongoStores> };

/** A database of its own, that nobody else writes to; dropped afterwards, with all that was opened on it closed. */
export async function inDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const url = addressOf(`sandtable-test-${process.pid}-${++databases}`);
  const opened: MongoStores[] = [];
  const open = async (fresh = false) => {
    const stores = await openMongoStores(url, fresh);
    opened.push(stores);
    return stores;
  };
  try {
    await work({ url, open });
  } finally {
    await Promise.all(opened.map(stores => stores.close()));
    await drop(url);
  }
}

/** Whoever has a password for the server has it from its own database, not from that of a test. */
function addressOf(database: string): string {
  const [, address, query] = /^([^/]+\/\/[^/?]+)[^?]*(\?.*)?$/.exec(server!.url)!;
  return `${address}/${database}${query ?? (address.includes('@') ? '?authSource=admin' : '')}`;
}

async function drop(url: string): Promise<void> {
  const client = new MongoClient(url);
  await client.db().dropDatabase();
  await client.close();
}
