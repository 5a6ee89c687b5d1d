// What the gateway may rely on in its view of the companies' records, whichever one it was given.

import { describe, expect, it } from 'vitest';
import type { CompanyRecords } from '../../src/ports.ts';
import { CONFIGS, GATEWAY_STORES } from './gatewayStores.ts';

const key = (n: number) => [n, -2, 0, 0, n, 2];

type RecordsCase = (stores: { readonly records: CompanyRecords }) => Promise<void>;

const CASES: readonly [behaviour: string, each: RecordsCase][] = [
  [
    'find each company by its id',
    async ({ records }) => {
      for (const [n, config] of CONFIGS.entries())
        expect(await records.find(config.id, key(n))).toEqual(config);
    },
  ],
  [
    'know no company that is not in them, nor one by the name of something else',
    async ({ records }) => {
      for (const [n, id] of ['c00009', '', 'C00001', 'c00001 ', 'constructor'].entries())
        expect(await records.find(id, key(n))).toBeUndefined();
    },
  ],
  [
    'answer all who ask at the same time',
    async ({ records }) => {
      const found = await Promise.all([1, 0, 1, 0].map((i, n) => records.find(CONFIGS[i].id, key(n))));
      expect(found.map(config => config?.id)).toEqual([1, 0, 1, 0].map(i => CONFIGS[i].id));
    },
  ],
];

describe.each(GATEWAY_STORES)("the companies' records in %s", (_name, run) => {
  it.each(CASES)('%s', (_behaviour, each) => run(each));
});
