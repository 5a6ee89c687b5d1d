// Where a pilot keeps its journal and its registry: a file beside its report, or the MongoDB that `--stores` names.

import { hostname } from 'node:os';
import { join } from 'node:path';
import { SandtableError } from '../src/errors.ts';
import { type MongoStores, openMongoStores } from '../src/runtime/mongoStores.ts';
import { holderOf, openStores, type Stores } from '../src/runtime/stores.ts';

export type PilotStores = {
  readonly stores: Stores | MongoStores;
  /** For messages: a password in the address is not told. */
  readonly where: string;
  /** Names this process among all that share them. */
  readonly holder: string;
};

/** Throws INPUT for an address that a pilot must not write to, JOURNAL when the stores cannot be used. */
export async function openPilotStores(
  address: string | undefined,
  folder: string,
  fresh: boolean | undefined,
): Promise<PilotStores> {
  const holder = holderOf(process.pid);
  if (address === undefined) {
    const path = join(folder, 'journal.sqlite');
    return { stores: openStores(path, fresh), where: path, holder };
  }
  expectOwn(address);
  // Another machine's processes have the same numbers.
  const stores = await openMongoStores(address, fresh);
  return { stores, where: 'in MongoDB', holder: `${holder} on ${hostname()}` };
}

const HOSTS = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/;

/** A pilot registers companies that it invented: never by a slip of the hand among those of a real platform. */
export function expectOwn(address: string): void {
  const hosts = HOSTS.exec(address)?.[1];
  const isHere = hosts?.split(',').every(host => LOOPBACK.test(host)) ?? false;
  const isNamed = hosts !== undefined && hosts === HOSTS.exec(process.env.MONGODB_URL ?? '')?.[1];
  if (!isHere && !isNamed)
    throw new SandtableError(
      'INPUT',
      '--stores takes the address of a MongoDB on this machine, such as mongodb://127.0.0.1:27017/pilot, or the one ' +
        'that MONGODB_URL names',
    );
}
