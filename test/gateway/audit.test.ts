// The audit trail: one record for each verified request and none for strangers, appended in batches, in order, once.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AuditBuffer } from '../../src/gateway/audit.ts';
import type { AuditRecord, LogLine } from '../../src/ports.ts';
import {
  answered,
  claimsOf,
  codeOf,
  DOMAIN,
  held,
  ManualClock,
  OUR_SESSION,
  OURS,
  rpc,
  START_MS,
  settled,
  signed,
  THEIR_SESSION,
  THEIRS,
  worldOf,
} from './harness.ts';

const recordOf = (n: number): AuditRecord => ({
  atMs: START_MS + n,
  company: OURS,
  requestId: `r${n}`,
  kind: 'tools/call',
  status: 200,
  durationMs: 1,
});

function bufferOf(append: (records: readonly AuditRecord[]) => Promise<void>) {
  const clock = new ManualClock();
  const logs: LogLine[] = [];
  const buffer = new AuditBuffer(clock, { append }, line => logs.push(line));
  const add = (from: number, to: number) => {
    for (let n = from; n < to; n++) buffer.add(recordOf(n));
  };
  return { clock, buffer, logs, add };
}
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `r${from + n}`);
const idsOf = (records: readonly AuditRecord[]) => records.map(({ requestId }) => requestId);

describe('a request of a verified caller', () => {
  it('has one record, whatever came of it', async () => {
    const world = worldOf();
    const tools = { body: rpc('tools/call'), headers: { 'mcp-session-id': OUR_SESSION } };
    world.redis.putSession(THEIR_SESSION, THEIRS, 60_000, START_MS);
    const statuses = [];
    for (const asked of [
      {},
      tools,
      { method: 'GET', path: '/config' },
      { method: 'GET', path: '/assets/app.js' },
      { body: rpc('resources/list') },
      { ...tools, headers: { 'mcp-session-id': THEIR_SESSION } },
    ])
      statuses.push((await world.ask(asked)).status);
    for (const answer of [
      () => answered(503),
      () => Promise.reject(new Error('broken')),
      () => ({ kind: 'refused', reason: 'connection refused' }) as const,
    ]) {
      world.answer = answer;
      statuses.push((await world.ask()).status);
    }
    const records = await world.audited();
    expect(statuses).toEqual([200, 200, 200, 200, 400, 404, 503, 500, 502]);
    expect(records.map(({ status }) => status)).toEqual(statuses);
    expect(records.map(({ kind }) => kind)).toEqual([
      ...['initialize', 'tools/call', 'config', 'asset', 'other', 'tools/call'],
      ...['initialize', 'initialize', 'initialize'],
    ]);
    expect(new Set(idsOf(records)).size).toBe(records.length);
    expect(records.every(({ company }) => company === OURS)).toBe(true);
  });

  it('has its end and how long it took in it', async () => {
    const world = worldOf();
    world.answer = async () => {
      await world.clock.sleep(250);
      return answered(200);
    };
    const reply = world.ask({ key: [1, -2, 0, 4, 2] });
    await world.clock.pass(250);
    await reply;
    expect(await world.audited()).toEqual([
      {
        atMs: START_MS + 250,
        company: OURS,
        requestId: '1--2-0-4-2',
        kind: 'initialize',
        status: 200,
        durationMs: 250,
      },
    ]);
  });

  it('that is over the quota, of an unknown company or kept from a failing service has one too', async () => {
    const world = worldOf({}, { levels: { OPAL: { requestsPerMinute: 6, verificationPool: 'large' } } });
    const stranger = { host: `c09999.${DOMAIN}`, headers: { authorization: signed(claimsOf('c09999')) } };
    world.answer = () => answered(500);
    const replies = [];
    for (let n = 0; n < 7; n++) replies.push(await world.ask());
    replies.push(await world.ask(stranger));
    expect(replies.slice(5).map(codeOf)).toEqual(['CIRCUIT_OPEN', 'QUOTA_EXCEEDED', 'COMPANY_UNKNOWN']);
    expect((await world.audited()).map(({ status }) => status)).toEqual(replies.map(({ status }) => status));
  });
});

describe('a stranger', () => {
  it('leaves no record, only a line in the log', async () => {
    const world = worldOf({ verifier: { isSigned: async () => false } });
    const asked = [
      {},
      { headers: { authorization: 'Bearer x' } },
      { host: `${THEIRS}.${DOMAIN}` },
      { path: '/admin' },
      { host: 'elsewhere.com' },
    ];
    for (const each of asked) expect((await world.ask(each)).status).toBeGreaterThanOrEqual(400);
    await world.ask({ method: 'GET', path: '/health' });
    expect(await world.audited()).toEqual([]);
    expect(world.logs.map(({ event }) => event)).toEqual(Array(5).fill('refused'));
  });

  it('leaves none by a verification that breaks or that does not begin', async () => {
    const world = worldOf(
      { verifier: { isSigned: () => Promise.reject(new Error('broken')) } },
      { verificationPools: { small: { size: 0, queueMax: 0 }, large: { size: 1, queueMax: 0 } } },
    );
    const small = { headers: { authorization: signed({ ...claimsOf(OURS), level: 'SANDBOX' }) } };
    expect([codeOf(await world.ask()), codeOf(await world.ask(small))]).toEqual([
      ...['INTERNAL', 'VERIFICATION_BUSY'],
    ]);
    expect(await world.audited()).toEqual([]);
  });
});

describe('records', () => {
  it('are appended when there are a hundred', async () => {
    const world = worldOf();
    for (let n = 0; n < 99; n++) await world.ask();
    expect(world.appends).toEqual([]);
    await world.ask();
    await settled();
    expect(world.appends.map(({ length }) => length)).toEqual([100]);
    expect(world.clock.timersLeft).toBe(0);
    expect(world.gateway.counts().auditTrail).toEqual({
      ...{ taken: 100, pending: 0, lost: 0, failedAppends: 0 },
    });
  });

  it('are appended a second after the first of them', async () => {
    const world = worldOf();
    await world.ask();
    await world.clock.pass(600);
    await world.ask();
    await world.clock.pass(399);
    expect(world.appends).toEqual([]);
    await world.clock.pass(1);
    expect(world.appends.map(({ length }) => length)).toEqual([2]);
    await world.clock.pass(10_000);
    expect(world.appends).toHaveLength(1);
  });

  it('are appended at once by a flush, which waits until they are durable', async () => {
    const gate = held<void>();
    const world = worldOf({ audit: { append: () => gate.promise } });
    await world.ask();
    let isFlushed = false;
    const flush = world.gateway.flush().then(() => (isFlushed = true));
    await settled();
    expect([world.appends.length, isFlushed]).toEqual([1, false]);
    gate.release();
    await flush;
    expect([world.gateway.counts().auditTrail.pending, world.clock.timersLeft]).toEqual([0, 0]);
    await world.gateway.flush();
    expect(world.appends).toHaveLength(1);
  });

  it('that come during an append go in the next one', async () => {
    const gate = held<void>();
    const appends: string[][] = [];
    const { clock, buffer, add } = bufferOf(records => {
      appends.push(idsOf(records));
      return gate.promise;
    });
    add(0, 250);
    await clock.pass(5000);
    expect(appends).toEqual([ids(0, 100)]);
    gate.release();
    await settled();
    expect(appends).toEqual([ids(0, 100), ids(100, 250)]);
    expect(buffer.counts()).toMatchObject({ taken: 250, pending: 0 });
  });

  it('whose append failed are told of and appended a second later, with those that came since', async () => {
    let isDown = true;
    const appends: string[][] = [];
    const { clock, buffer, logs, add } = bufferOf(async records => {
      if (isDown) throw new Error('down');
      appends.push(idsOf(records));
    });
    add(0, 100);
    await settled();
    add(100, 300);
    await clock.pass(999);
    expect([appends, logs]).toEqual([[], [{ event: 'audit append failed', records: 100, lost: 0 }]]);
    isDown = false;
    await clock.pass(1);
    expect(appends).toEqual([ids(0, 300)]);
    expect(buffer.counts()).toEqual({ taken: 300, pending: 0, lost: 0, failedAppends: 1 });
  });

  it('beyond ten thousand are counted as lost while nothing can be appended, and the others are kept', async () => {
    let isDown = true;
    const appends: string[][] = [];
    const { clock, buffer, logs, add } = bufferOf(async records => {
      if (isDown) throw new Error('down');
      appends.push(idsOf(records));
    });
    add(0, 10_007);
    await clock.pass(1000);
    expect(buffer.counts()).toMatchObject({ taken: 10_007, pending: 10_000, lost: 7 });
    expect(logs.at(-1)).toEqual({ event: 'audit append failed', records: 10_000, lost: 7 });
    isDown = false;
    await buffer.flush();
    expect(appends.flat()).toEqual(ids(0, 10_000));
  });

  it('that cannot be appended do not keep a shutdown from ending', async () => {
    const { buffer, add } = bufferOf(() => Promise.reject(new Error('down')));
    add(0, 150);
    await buffer.flush();
    expect(buffer.counts()).toMatchObject({ pending: 150, lost: 0 });
  });

  const steps = fc.array(
    fc.record({
      records: fc.integer({ min: 0, max: 150 }),
      passMs: fc.integer({ min: 0, max: 1200 }),
      isDown: fc.boolean(),
      flushes: fc.boolean(),
    }),
    { maxLength: 25 },
  );

  it('are each appended once and in order, one append at a time, none older than it must be', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 0, max: 900 }), async (steps, appendMs) => {
        let isDown = false;
        let underWay = 0;
        let added = 0;
        const appended: string[] = [];
        const { clock, buffer, add } = bufferOf(async records => {
          const ofThisCall = idsOf(records);
          expect(++underWay).toBe(1);
          await clock.sleep(appendMs);
          underWay--;
          if (isDown) throw new Error('down');
          appended.push(...ofThisCall);
        });
        for (const { records, passMs, flushes, ...step } of steps) {
          isDown = step.isDown;
          add(added, (added += records));
          if (flushes) void buffer.flush();
          await clock.pass(passMs);
          expect(appended).toEqual(ids(0, appended.length));
          expect(buffer.counts()).toMatchObject({ taken: added, pending: added - appended.length });
        }
        isDown = false;
        // The append under way may still fail; the next one is due a second later, and the rest a second after that.
        await clock.pass(2 * (appendMs + 1000) + appendMs * (1 + added / 1000));
        expect(appended).toEqual(ids(0, added));
        expect(clock.timersLeft).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
