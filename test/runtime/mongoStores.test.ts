// What only the stores in MongoDB must prove: that processes which race for one place in a chain agree on who was first,
// what becomes of an append whose answer is lost, and which databases are refused.

import { spawnSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { CompanyRecord, JournalEntry } from '../../src/ports.ts';
import { type MongoStores, openMongoStores } from '../../src/runtime/mongoStores.ts';
import { inDatabase, missing } from '../ports/mongo.ts';

const entry = (company: number, step = ''): JournalEntry => ({ company, step, event: 'intent', atMs: 1 });
const company: CompanyRecord = {
  id: 'c00001',
  region: 'us-west1',
  level: 'OPAL',
  industry: 'retail',
  hostname: 'c00001.agents.example',
  serviceUri: 'https://c00001.a.run.app',
  registeredAtMs: 1,
};

describe.skipIf(missing !== undefined)('processes that share a MongoDB', () => {
  it('never write behind the lease of another, and are told the truth about each append', () =>
    inDatabase(async ({ open }) => {
      let [writer, taker] = [await open(), await open()];
      const told = { written: [] as string[], refused: [] as string[] };
      // It ends at once, so that the other one may take it at any moment.
      let lease = (await writer.leases.take('batch 0', 'holder 0', 0, 0))!;
      for (let round = 1; round <= 20; round++) {
        const append = async (n: number) => {
          const step = `${round}:${n}`;
          const entries = [entry(lease.epoch, step), entry(lease.epoch)];
          (await writer.journal.append(entries, lease)) ? told.written.push(step) : told.refused.push(step);
        };
        const write = () => Promise.all([append(0), append(1), append(2)]);
        const take = () => taker.leases.take('batch 0', `holder ${round}`, 1, 0);
        // Each of them is ahead now and then: the writer by all its appends, the taker by up to three trips.
        const tripsAhead = round % 5 === 4 ? undefined : round % 5;
        if (tripsAhead === undefined) await write();
        const taking = take();
        for (let trip = 0; trip < (tripsAhead ?? 0); trip++) await writer.label('');
        if (tripsAhead !== undefined) await write();
        const taken = await taking;
        await append(3);
        expect(taken).toMatchObject({ epoch: round + 1 });
        [writer, taker, lease] = [taker, writer, taken!];
      }
      const journal = await writer.journal.read();
      const epochs = journal.map(({ company }) => company);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
      expect(journal.map(({ step }) => step).filter(Boolean)).toEqual(told.written);
      expect(told.written.length).toBeGreaterThanOrEqual(4 * 3);
      expect(told.refused.filter(step => step.endsWith(':3'))).toHaveLength(20);
    }));

  it('each get another epoch of a lease, and another slot of a rate', () =>
    inDatabase(async ({ open }) => {
      const all = await Promise.all(Array.from({ length: 4 }, () => open()));
      const ofAll = <T>(ask: (stores: MongoStores, n: number) => Promise<T>) =>
        Promise.all(Array.from({ length: 24 }, (_, n) => ask(all[n % 4], n)));
      const taken = await ofAll(({ leases }, n) => leases.take('batch 0', `holder ${n}`, 1, 0));
      const epochs = taken.map(lease => lease!.epoch).sort((a, b) => a - b);
      expect(epochs).toEqual(Array.from({ length: 24 }, (_, n) => n + 1));
      const held = await ofAll(({ leases }, n) => leases.take('batch 1', `holder ${n}`, 0, 1000));
      expect(held.filter(lease => lease !== undefined)).toHaveLength(1);
      const slots = await ofAll(({ slots }) => slots.take('deploys', 1000, 100));
      expect(slots.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => 1000 + n * 100));
    }));

  it('learn that a lease which another held has ended', () =>
    inDatabase(async ({ open }) => {
      const [a, b] = [await open(), await open()];
      const held = (await b.leases.take('batch 0', 'b', 0, 9000))!;
      expect(await a.leases.take('batch 0', 'a', 1, 9000)).toBeUndefined();
      await b.leases.end(held);
      expect(await a.leases.take('batch 0', 'a', 2, 9000)).toMatchObject({ epoch: 2 });
      expect(await b.journal.append([entry(0)], held)).toBe(false);
    }));

  it('see what one of them wrote after the other in that order, whatever the leases are', () =>
    inDatabase(async ({ open }) => {
      const [a, b] = [await open(), await open()];
      const [leaseA, leaseB] = [
        await a.leases.take('batch 0', 'a', 0, 9000),
        await b.leases.take('batch 1', 'b', 0, 9000),
      ];
      for (let n = 0; n < 10; n += 2) {
        await a.journal.append([entry(n)], leaseA);
        await b.journal.append([entry(n + 1)], leaseB);
      }
      expect((await a.journal.read()).map(({ company }) => company)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }));

  it('open it at the same moment', () =>
    inDatabase(async ({ open }) => {
      const all = await Promise.all(Array.from({ length: 5 }, () => open()));
      await Promise.all(all.map(({ registry }) => registry.put(company)));
      expect(await all[0].registry.list()).toEqual([company]);
    }));

  it('find what one of them appended that was killed', () =>
    inDatabase(async ({ url, open }) => {
      const stores = new URL('../../src/runtime/mongoStores.ts', import.meta.url).href;
      const program = `import { openMongoStores } from ${JSON.stringify(stores)};
        const { journal } = await openMongoStores(${JSON.stringify(url)});
        await journal.append(${JSON.stringify([entry(0), entry(1)])});
        process.kill(process.pid, 'SIGKILL');`;
      const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
      expect(signal).toBe('SIGKILL');
      expect(await (await open()).journal.read()).toEqual([entry(0), entry(1)]);
    }));
});

describe.skipIf(missing !== undefined)('an append to MongoDB', () => {
  it('whose answer is lost rejects, may have been written, and stands before the next', () =>
    inDatabase(async ({ url, open }) => {
      const proxy = await startProxy(url);
      const stores = await openMongoStores(proxy.url);
      try {
        const lease = await stores.leases.take('batch 0', 'a', 0, 9000);
        proxy.loseAnswerTo('insert');
        await expect(stores.journal.append([entry(0)], lease)).rejects.toMatchObject({ code: 'JOURNAL' });
        expect(await stores.journal.append([entry(1)], lease)).toBe(true);
        expect(await (await open()).journal.read()).toEqual([entry(0), entry(1)]);
      } finally {
        await stores.close();
        proxy.close();
      }
    }));

  it('that waits for another goes with all that wait, in their order, and a limited number of them', () =>
    inDatabase(async ({ url, open }) => {
      const { journal } = await open();
      await journal.append([entry(0)]);
      const numbers = Array.from({ length: 2500 }, (_, n) => n + 1);
      await Promise.all(numbers.map(n => journal.append([entry(n)])));
      expect((await journal.read()).map(({ company }) => company)).toEqual([0, ...numbers]);
      const links = await ask(url, db => db.collection('journal').find().toArray());
      expect(links.map(({ state }) => state.entries.length).sort((a, b) => a - b)).toEqual([
        1, 500, 1000, 1000,
      ]);
    }));

  it('that comes while another is on its way is written too', () =>
    inDatabase(async ({ open }) => {
      const { journal } = await open();
      await journal.append([entry(0)]);
      const numbers = Array.from({ length: 100 }, (_, n) => n + 1);
      const appends: Promise<boolean>[] = [];
      for (const n of numbers) {
        appends.push(journal.append([entry(n)]));
        await setImmediate();
      }
      expect(new Set(await Promise.all(appends))).toEqual(new Set([true]));
      expect((await journal.read()).map(({ company }) => company)).toEqual([0, ...numbers]);
    }));

  it('that cannot be stored leaves nothing, and the next one is taken', () =>
    inDatabase(async ({ open }) => {
      const { journal } = await open();
      const tooLong = { ...entry(2), id: 'x'.repeat(17 * 1024 * 1024) };
      await expect(journal.append([entry(1), tooLong])).rejects.toMatchObject({ code: 'JOURNAL' });
      expect(await journal.append([entry(3)])).toBe(true);
      expect(await journal.read()).toEqual([entry(3)]);
    }));

  it('rejects, and does not lie, once the stores are closed', () =>
    inDatabase(async ({ open }) => {
      const { journal, close } = await open();
      await close();
      await expect(journal.append([entry(0)])).rejects.toMatchObject({ code: 'JOURNAL' });
      await expect(journal.read()).rejects.toMatchObject({ code: 'JOURNAL' });
    }));
});

describe.skipIf(missing !== undefined)('a MongoDB with companies', () => {
  it("has the plan's index of them", () =>
    inDatabase(async ({ url, open }) => {
      await open();
      await open();
      const indexes = await ask(url, database => database.collection('companies').indexes());
      expect(indexes.map(({ key }) => key)).toContainEqual({ status: 1, region: 1, lastAccessed: -1 });
    }));

  it('keeps what others noted of a company whose record is written again', () =>
    inDatabase(async ({ url, open }) => {
      const { registry } = await open();
      await registry.put(company);
      const byId = { _id: company.id } as object;
      await ask(url, db => db.collection('companies').updateOne(byId, { $set: { status: 'active' } }));
      await registry.put({ ...company, level: 'ONYX' });
      expect(await registry.get(company.id)).toStrictEqual({ ...company, level: 'ONYX' });
      const found = await ask(url, db => db.collection('companies').findOne(byId));
      expect(found).toMatchObject({ status: 'active', level: 'ONYX' });
    }));

  it('keeps its labels', () =>
    inDatabase(async ({ open }) => {
      const before = await open();
      expect(await before.label('fakes')).toBeUndefined();
      await before.setLabel('fakes', 'a');
      await before.setLabel('fakes', 'b');
      expect(await (await open()).label('fakes')).toBe('b');
    }));

  it('forgets all that was written to it when it is opened fresh', () =>
    inDatabase(async ({ open }) => {
      const before = await open();
      await before.journal.append([entry(0)]);
      await before.slots.take('deploys', 1000, 100);
      await before.registry.put(company);
      await before.setLabel('fakes', 'a');
      const after = await open(true);
      expect(await after.journal.read()).toEqual([]);
      expect(await after.slots.take('deploys', 0, 100)).toBe(0);
      expect(await after.registry.list()).toEqual([]);
      expect(await after.label('fakes')).toBeUndefined();
    }));

  it('is not forgotten while somebody works on it', () =>
    inDatabase(async ({ open }) => {
      const { leases, journal } = await open();
      const lease = (await leases.take('batch 0', 'process 7', 0, 9000))!;
      await journal.append([entry(0)], lease);
      await expect(open(true)).rejects.toMatchObject({
        code: 'JOURNAL',
        message: expect.stringMatching(/process 7 has written under "batch 0".*works on it/),
      });
      expect(await journal.read()).toEqual([entry(0)]);
      await leases.end(lease);
      expect(await (await open(true)).journal.read()).toEqual([]);
    }));

  it('keeps the companies that no rollout registered when it is opened fresh', () =>
    inDatabase(async ({ url, open }) => {
      await ask(url, db => db.collection('companies').insertOne({ _id: 'theirs' } as object));
      await (await open()).registry.put(company);
      await open(true);
      const left = await ask(url, db => db.collection('companies').find().toArray());
      expect(left).toEqual([{ _id: 'theirs' }]);
    }));

  it.each(['1', '99'])('is refused when it is of another version: %s', version =>
    inDatabase(async ({ url, open }) => {
      const labels = { _id: 'schemaVersion', value: version } as object;
      await ask(url, db => db.collection('labels').insertOne(labels));
      await expect(open()).rejects.toMatchObject({
        code: 'JOURNAL',
        message: expect.stringContaining(`schema version ${version}, not 2`),
      });
    }),
  );
});

describe('the address of a MongoDB', () => {
  it.each(['mongo://127.0.0.1/', 'mongodb://', 'nonsense', 'mongodb://user:hunter2@/x?w=1'])(
    'is refused when it is %s, and no password is told',
    async url => {
      const error = await openMongoStores(url).catch(refusal => refusal);
      expect(error).toMatchObject({ code: 'JOURNAL' });
      expect(error.message).not.toContain('hunter2');
    },
  );
});

async function ask<T>(
  url: string,
  work: (database: ReturnType<MongoClient['db']>) => Promise<T>,
): Promise<T> {
  const client = new MongoClient(url);
  try {
    return await work(client.db());
  } finally {
    await client.close();
  }
}

type Proxy = {
  readonly url: string;
  readonly loseAnswerTo: (command: string) => void;
  readonly close: () => void;
};

/** Stands before a server and cuts the connection after a command has arrived, and before its answer does. */
async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let command: string | undefined;
  const server: Server = createServer(near => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    let isLost = false;
    near.on('data', data => {
      if (command !== undefined && data.includes(command)) [isLost, command] = [true, undefined];
      far.write(data);
    });
    far.on('data', data => (isLost ? near.destroy() : near.write(data)));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.port = String((server.address() as { port: number }).port);
  return {
    url: through.href,
    loseAnswerTo: name => void (command = name),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
