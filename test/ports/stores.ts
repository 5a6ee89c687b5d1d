// The implementations of what provisioners share behind one door: a case opens them as often as a platform would start,
// and runs in the time that they live in.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FactValues } from '../../scenarios/facts.ts';
import { Stores as VirtualStores } from '../../simulator/stores.ts';
import type { ProvisioningStores } from '../../src/ports.ts';
import type { MongoStores } from '../../src/runtime/mongoStores.ts';
import { openStores } from '../../src/runtime/stores.ts';
import { inDatabase, missing } from './mongo.ts';
import { inVirtualTime } from './virtualTime.ts';

export type Opened = ProvisioningStores & { readonly close: () => void };
export type StoresCase = (open: () => Opened) => Promise<void>;

export const STORES: readonly [
  name: string,
  run: (each: StoresCase) => Promise<void>,
  /** Why no case can run in it. */
  missing?: string | undefined,
][] = [
  [
    'virtual time',
    each =>
      inVirtualTime(({ kernel }) => {
        const stores = new VirtualStores(kernel, new FactValues('mid', {}), 7);
        return each(() => {
          const generation = { alive: true };
          return {
            ...stores.all(generation),
            close: () => void (generation.alive = false),
          };
        });
      }),
  ],
  [
    'SQLite',
    each =>
      inFolder(async folder => {
        const open = new Set<Opened>();
        try {
          await each(() => {
            const stores = openStores(join(folder, 'journal.sqlite'));
            const close = () => void (open.delete(opened) && stores.close());
            const opened = { ...stores, close };
            open.add(opened);
            return opened;
          });
        } finally {
          for (const { close } of open) close();
        }
      }),
  ],
  ['MongoDB', each => inDatabase(({ open }) => each(() => lazily(open()))), missing],
];

/** A connection is awaited by the first call, since a case does not wait for its stores to open. */
function lazily(opening: Promise<MongoStores>): Opened {
  const port = <Name extends keyof ProvisioningStores>(name: Name, calls: readonly string[]) => {
    const call =
      (method: string) =>
      async (...args: unknown[]) => {
        const stores = (await opening)[name] as unknown as Record<string, (...args: unknown[]) => unknown>;
        return await stores[method](...args);
      };
    return Object.fromEntries(calls.map(method => [method, call(method)])) as unknown as Opened[Name];
  };
  return {
    journal: port('journal', ['append', 'read', 'changedSince']),
    leases: port('leases', ['take', 'extend', 'end']),
    slots: port('slots', ['take', 'hold']),
    registry: port('registry', ['put', 'get', 'delete', 'list']),
    close: () => void opening.then(({ close }) => close()),
  };
}

export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sandtable stores '));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
