// The plain state behind the gateways' stores: maps that end somewhere, and records that count their reads.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../fakes/bounded.ts';
import { CompanyRecordsFake } from '../../fakes/companyRecords.ts';

describe('a bounded map', () => {
  it('holds the keys that were written last, and never more than it may', () => {
    const writes = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat()), { maxLength: 60 });
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 6 }), (pairs, entriesMax) => {
        const map = new BoundedMap<number>(entriesMax);
        for (const [key, value] of pairs) map.set(String(key), value);
        const newestFirst = [...new Map(pairs.toReversed().map(([key]) => [key, true])).keys()];
        const kept = newestFirst.slice(0, entriesMax);
        for (let key = 0; key < 10; key++) {
          const last = pairs.findLast(([written]) => written === key)?.[1];
          expect(map.get(String(key))).toBe(kept.includes(key) ? last : undefined);
        }
        expect(map.size).toBe(kept.length);
      }),
    );
  });
});

describe("the companies' records", () => {
  it('count every read, of unknown companies too', () => {
    const config = { id: 'c00001', level: 'OPAL', serviceUri: 'https://c00001.a.run.app' };
    const records = new CompanyRecordsFake([config]);
    expect([records.find('c00001'), records.find('c00002')]).toEqual([config, undefined]);
    expect(records.finds).toBe(2);
  });
});
