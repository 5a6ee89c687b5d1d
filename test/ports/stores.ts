// The implementations of Journal and Registry behind one door: a case opens them as often as a platform would start,
// and runs in the time that they live in.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FactValues } from '../../scenarios/facts.ts';
import { Stores as VirtualStores } from '../../simulator/stores.ts';
import type { ProvisioningStores } from '../../src/ports.ts';
import { openStores } from '../../src/runtime/stores.ts';
import { inVirtualTime } from './virtualTime.ts';

export type Opened = ProvisioningStores & { readonly close: () => void };
export type StoresCase = (open: () => Opened) => Promise<void>;

export const STORES: readonly [name: string, run: (each: StoresCase) => Promise<void>][] = [
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
];

export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sandtable stores '));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
