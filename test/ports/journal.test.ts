// What a rollout may rely on in its journal, whichever one it was given.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { SandtableError } from '../../src/errors.ts';
import type { JournalEntry, LimitCount } from '../../src/ports.ts';
import { holderOf, openStores } from '../../src/runtime/stores.ts';
import { inFolder, STORES, type StoresCase } from './stores.ts';

const entry = (n: number, more: Partial<JournalEntry> = {}): JournalEntry => ({
  company: n,
  step: `step:${n}`,
  event: 'intent',
  atMs: 1_767_225_600_000 + n,
  ...more,
});

const WAITS = { limiter: 0, quota: 0, retry: 0, poll: 0, lost: 0 };
const COUNT: LimitCount = {
  name: "it's a limit",
  kind: 'limiter',
  calls: 2,
  waitMs: 0.125,
  refusals: 0,
  admissionBlockedMs: 1e9,
};

const CASES: readonly [behaviour: string, each: StoresCase][] = [
  ['is empty at first', async open => expect(await open().journal.read()).toEqual([])],
  [
    'gives back exactly what was appended, field by field',
    async open => {
      const { journal } = open();
      const entries = [
        entry(-1, { step: '', event: 'opened' }),
        entry(0),
        entry(1, { deadlineAtMs: 1_767_225_600_000.25, atMs: 0.125 }),
        entry(2, { event: 'done', id: "projects/p/secrets/it's — ünïcode\n" }),
        entry(3, { event: 'undone', reason: '' }),
        entry(4, { event: 'done', time: { beganAtMs: 0.1 + 0.2, waitMs: { ...WAITS, poll: 1 / 3 } } }),
        entry(5, { counts: { process: 0, limits: [] } }),
        entry(6, { counts: { process: 1, limits: [COUNT, { ...COUNT, kind: 'quota' }] } }),
      ];
      await journal.append(entries);
      // Strict: a field that was absent must not come back as undefined or null.
      expect(await journal.read()).toStrictEqual(entries);
    },
  ],
  [
    'keeps the order of appends and of the entries in each',
    async open => {
      const { journal } = open();
      const entries = Array.from({ length: 40 }, (_, n) => entry(n % 3, { step: String(n) }));
      for (let n = 0; n < entries.length; n += 4) await journal.append(entries.slice(n, n + 4));
      expect(await journal.read()).toEqual(entries);
    },
  ],
  [
    'keeps the entries of one append together, whatever is appended beside them',
    async open => {
      const { journal } = open();
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      await Promise.all(numbers.map(n => journal.append([0, 1, 2].map(part => entry(n, { atMs: part })))));
      const read = await journal.read();
      expect(read).toHaveLength(60);
      for (let n = 0; n < read.length; n += 3) {
        expect(read.slice(n, n + 3).map(({ atMs }) => atMs)).toEqual([0, 1, 2]);
        expect(new Set(read.slice(n, n + 3).map(({ company }) => company)).size).toBe(1);
      }
    },
  ],
  [
    'gives what was appended together for one company and for all to whoever asks for one of them',
    async open => {
      const { journal, leases } = open();
      const lease = await leases.take('companies 0 to 9', 'one', 0, 1000);
      const ofAll = entry(-1, { step: 'databaseRole', event: 'full', id: 'Atlas project x', reason: 'MANY' });
      expect(await journal.append([entry(3, { event: 'undoing' }), entry(3), ofAll], lease)).toBe(true);
      expect(await journal.read({ from: -1, to: 0 })).toEqual([ofAll]);
      expect(await journal.read({ from: 3, to: 4 })).toHaveLength(2);
    },
  ],
  [
    'takes an append of nothing',
    async open => {
      const { journal } = open();
      await journal.append([]);
      await journal.append([entry(1)]);
      expect(await journal.read()).toEqual([entry(1)]);
    },
  ],
  [
    'has everything that was appended before its process ended, and goes on from there',
    async open => {
      const first = open();
      await first.journal.append([entry(0), entry(1)]);
      first.close();
      const second = open();
      await second.journal.append([entry(2)]);
      second.close();
      expect(await open().journal.read()).toEqual([entry(0), entry(1), entry(2)]);
    },
  ],
  [
    'tells of the companies that it is asked for, and of the rollout itself',
    async open => {
      const { journal } = open();
      const opened = entry(-1, { step: '', event: 'opened' });
      await journal.append([opened, entry(0), entry(1), entry(2), entry(1)]);
      expect(await journal.read({ from: 1, to: 2 })).toEqual([entry(1), entry(1)]);
      expect(await journal.read({ from: -1, to: 0 })).toEqual([opened]);
      expect(await journal.read({ from: 3, to: 9 })).toEqual([]);
    },
  ],
  [
    'names the companies of which something was written since a mark, whoever wrote it, and none before',
    async open => {
      const [reader, writer] = [open(), open()];
      const before = [entry(-1, { step: '', event: 'opened' }), entry(0), entry(1)] as const;
      await reader.journal.append(before);
      const begun = await reader.journal.changedSince();
      expect(begun.companies).toEqual([]);
      await writer.journal.append([entry(4), entry(2), entry(4), entry(-1, { step: '', event: 'opened' })]);
      const { companies, mark } = await reader.journal.changedSince(begun.mark);
      // One that was named before may be named again.
      expect(companies).toEqual(expect.arrayContaining([2, 4]));
      expect(companies).not.toContain(-1);
      expect(new Set(companies).size).toBe(companies.length);
      await writer.journal.append([entry(3)]);
      expect((await reader.journal.changedSince(mark)).companies).toContain(3);
    },
  ],
  [
    'gives a reader what was there, not what comes later',
    async open => {
      const { journal } = open();
      await journal.append([entry(0)]);
      const read = await journal.read();
      await journal.append([entry(1)]);
      expect(read).toHaveLength(1);
    },
  ],
];

describe.each(STORES)('the journal in %s', (_name, run, missing) => {
  it.skipIf(missing !== undefined).each(CASES)('%s', (_behaviour, each) => run(each));
});

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SandtableError);
    expect((error as SandtableError).code).toBe('JOURNAL');
    return (error as SandtableError).message;
  }
  return 'it was not refused';
}

describe('the journal on disk', () => {
  const broken = { ...entry(2), company: 'nonsense' as unknown as number };

  it.each([
    ['first', [broken, entry(1)]],
    ['in the middle', [entry(1), broken, entry(3)]],
    ['last', [entry(1), broken]],
  ])('stores none of an append whose entry %s cannot be stored, and takes the next', (_where, entries) =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const { journal, close } = openStores(path);
      await journal.append([entry(0)]);
      await expect(journal.append(entries)).rejects.toMatchObject({ code: 'JOURNAL' });
      expect(await journal.read()).toEqual([entry(0)]);
      await journal.append([entry(4)]);
      close();
      const again = openStores(path);
      expect(await again.journal.read()).toEqual([entry(0), entry(4)]);
      again.close();
    }),
  );

  it('is shared by all that open it', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const [first, second] = [openStores(path), openStores(path)];
      await first.journal.append([entry(0)]);
      await second.journal.append([entry(1)]);
      expect(await first.journal.read()).toEqual([entry(0), entry(1)]);
      expect(await first.slots.take('deploys', 1000, 100)).toBe(1000);
      expect(await second.slots.take('deploys', 1000, 100)).toBe(1100);
      first.close();
      second.close();
    }));

  it('waits for a process that is held still in the middle of a write', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const { journal, leases, slots, registry, setLabel, close } = openStores(path);
      const heldStill = new DatabaseSync(path);
      heldStill.exec('BEGIN IMMEDIATE');
      const writes = [
        ...[journal.append([entry(0)]), leases.take('a', 'one', 0, 1), slots.take('a', 0, 1)],
        ...[registry.delete('c00000'), setLabel('a', 'b')],
      ];
      let landed = 0;
      for (const write of writes) write.then(() => landed++);
      expect(await journal.read()).toEqual([]);
      expect(landed).toBe(0);
      heldStill.exec('COMMIT');
      heldStill.close();
      await Promise.all(writes);
      expect(await journal.read()).toEqual([entry(0)]);
      close();
    }));

  it('is not forgotten while a living process works on it', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const { leases, journal, close } = openStores(path);
      const lease = (await leases.take('batch 0', holderOf(process.pid), 0, 30_000))!;
      await journal.append([entry(0)], lease);
      expect(refusalOf(() => openStores(path, true))).toContain(`process ${process.pid} works on it`);
      expect(await journal.read()).toEqual([entry(0)]);
      await leases.end(lease);
      close();
      const fresh = openStores(path, true);
      expect(await fresh.journal.read()).toEqual([]);
      fresh.close();
    }));

  it('gives away at once what a process held that is gone', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const { pid } = spawnSync(process.execPath, ['-e', '']);
      const { leases, close } = openStores(path);
      await leases.take('batch 0', holderOf(pid), 0, 30_000);
      expect(await leases.take('batch 0', holderOf(process.pid), 1, 30_000)).toMatchObject({ epoch: 2 });
      expect(await leases.take('batch 0', holderOf(1), 2, 30_000)).toBeUndefined();
      close();
    }));

  it('has what a process appended that never closed it', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const stores = new URL('../../src/runtime/stores.ts', import.meta.url).href;
      const program = `import { openStores } from ${JSON.stringify(stores)};
        const { journal } = openStores(${JSON.stringify(path)});
        await journal.append(${JSON.stringify([entry(0), entry(1)])});
        process.kill(process.pid, 'SIGKILL');`;
      const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
      expect(signal).toBe('SIGKILL');
      const { journal, close } = openStores(path);
      expect(await journal.read()).toEqual([entry(0), entry(1)]);
      close();
    }));

  it('forgets everything when it is opened fresh', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const before = openStores(path);
      await before.journal.append([entry(0)]);
      await before.setLabel('fakes', 'a');
      before.close();
      const after = openStores(path, true);
      expect(await after.journal.read()).toEqual([]);
      expect(await after.label('fakes')).toBeUndefined();
      await after.journal.append([entry(1)]);
      after.close();
    }));

  it('keeps its labels', () =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      const before = openStores(path);
      expect(await before.label('fakes')).toBeUndefined();
      await before.setLabel('fakes', 'a');
      await before.setLabel('fakes', 'b');
      before.close();
      const after = openStores(path);
      expect(await after.label('fakes')).toBe('b');
      after.close();
    }));

  it.each<[string, (path: string) => void]>([
    ['is a text', path => writeFileSync(path, 'a diary, no journal: '.repeat(100))],
    ['is a folder', path => mkdirSync(path)],
    [
      'has another schema',
      path => new DatabaseSync(path).exec('PRAGMA user_version = 99; CREATE TABLE a (b)'),
    ],
    [
      'is of the version before, whose steps have no times',
      path => {
        openStores(path).close();
        new DatabaseSync(path).exec('PRAGMA user_version = 2');
      },
    ],
    [
      'is damaged',
      path => {
        openStores(path).close();
        writeFileSync(path, Buffer.from(readFileSync(path)).fill(0x55, 100));
      },
    ],
  ])('is refused when the file %s', (_what, prepare) =>
    inFolder(async folder => {
      const path = join(folder, 'journal.sqlite');
      prepare(path);
      expect(refusalOf(() => openStores(path))).toContain(path);
    }),
  );

  it('is refused where no file can be', () =>
    inFolder(async folder => {
      const path = join(folder, 'nowhere', 'journal.sqlite');
      expect(refusalOf(() => openStores(path))).toContain(path);
    }));

  it('rejects, and does not lie, once it is closed', () =>
    inFolder(async folder => {
      const { journal, close } = openStores(join(folder, 'journal.sqlite'));
      close();
      await expect(journal.append([entry(0)])).rejects.toMatchObject({ code: 'JOURNAL' });
      await expect(journal.read()).rejects.toMatchObject({ code: 'JOURNAL' });
    }));
});
