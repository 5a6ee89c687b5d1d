// A secret has one enabled version, whatever a proxy, a second caller or a lost answer made of adding it.

import { describe, expect, it } from 'vitest';
import { googleError } from '../../fakes/google.ts';
import { createProjects } from '../../fakes/googleProjects.ts';
import { Quotas } from '../../fakes/quota.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import { createRouter, serve } from '../../fakes/service.ts';
import type { Call, Outcome, Transport } from '../../src/ports.ts';
import { createSend } from '../../src/providers/call.ts';
import { secretVersionVerbs } from '../../src/providers/secretManager.ts';
import { answered, callFake, createWorld, TOKEN } from '../fakes/harness.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const ATTEMPT = { key: [1, 2, 0, 0], deadlineAtMs: 15_000 };
const SECRETS = 'https://secretmanager.googleapis.com/v1/projects/p/secrets';
const SECRET = `${SECRETS}/c00001-api-key`;
const chance = { uniform: () => 0, secret: () => 'open sesame' };
const nameOf = (n: number) => createProjects().numbered(`projects/p/secrets/c00001-api-key/versions/${n}`);

/** The fake with the company's secret; `times`: how often each call of that verb is executed, the first answer counting. */
function setUp({ times = {}, owner = 'c00001' }: { times?: Record<string, number>; owner?: string } = {}) {
  const service = secretManager(createWorld());
  const router = createRouter(service.routes);
  callFake(service, 'POST', `${SECRETS}?secretId=c00001-api-key`, {
    replication: { automatic: {} },
    labels: { company: owner },
  });
  const calls: Call[] = [];
  const transport: Transport = {
    send: async call => {
      calls.push(call);
      const { host, pathname: path, searchParams: query } = new URL(call.url);
      const verb = path.split(':')[1] ?? call.method;
      const match = router(call.method, path);
      const request = { ...call, body: call.body, host, path, query };
      const replies = Array.from({ length: times[verb] ?? 1 }, () =>
        serve(service, match, request, 0, new Quotas([])),
      );
      return answered(replies[0].reply);
    },
  };
  const verbsBy = (wire: Transport) =>
    secretVersionVerbs(createSend(wire, fixedCredentials(TOKEN)), company, platform, 'api-key', chance);
  return {
    calls,
    transport,
    verbsBy,
    ...(verbsBy(transport) as Required<ReturnType<typeof verbsBy>>),
    add: () =>
      callFake(service, 'POST', `${SECRET}:addVersion`, { payload: { data: btoa('x') } }).body.name as string,
    change: (n: number, verb: string) => callFake(service, 'POST', `${SECRET}/versions/${n}:${verb}`, {}),
    states: () =>
      (callFake(service, 'GET', `${SECRET}/versions`).body.versions as { state: string }[])
        .map(({ state }) => state)
        .reverse(),
  };
}

const verbsOf = (calls: readonly Call[]) =>
  calls.map(({ method, url }) => /:(\w+)$/.exec(new URL(url).pathname)?.[1] ?? method);

describe('adding a version', () => {
  it('costs one look more when nothing is to settle', async () => {
    const { create, find, calls } = setUp();
    expect(await create(ATTEMPT)).toEqual({ kind: 'done', id: nameOf(1) });
    expect(verbsOf(calls)).toEqual(['addVersion', 'GET']);
    calls.length = 0;
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(1) });
    expect(verbsOf(calls)).toEqual(['GET']);
  });

  it.each([2, 3])('that was executed %i times leaves the newest alone', async times => {
    const { create, states, calls, find } = setUp({ times: { addVersion: times } });
    expect(await create(ATTEMPT)).toEqual({ kind: 'done', id: nameOf(times) });
    expect(states()).toEqual([...Array(times - 1).fill('DESTROYED'), 'ENABLED']);
    expect(verbsOf(calls)).toEqual(['addVersion', 'GET', 'GET', ...Array(times - 1).fill('destroy')]);
    const keys = calls.map(({ key }) => key.join());
    expect(new Set(keys).size).toBe(keys.length);
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(times) });
  });

  it('waits for a secret that cannot be seen yet, since the vendor shows it only in time', async () => {
    const { transport, verbsBy, states } = setUp();
    let isSeen = false;
    const late: Transport = {
      send: async call =>
        isSeen || call.method === 'GET'
          ? transport.send(call)
          : answered(googleError(404, 'Secret [projects/1/secrets/c00001-api-key] not found.')),
    };
    const create = verbsBy(late).create!;
    expect((await create(ATTEMPT)).kind).toBe('transient');
    isSeen = true;
    expect((await create(ATTEMPT)).kind).toBe('done');
    expect(states()).toEqual(['ENABLED']);
  });

  it('settles also what is destroyed twice', async () => {
    const { create, states } = setUp({ times: { addVersion: 2, destroy: 2 } });
    expect(await create(ATTEMPT)).toEqual({ kind: 'done', id: nameOf(2) });
    expect(states()).toEqual(['DESTROYED', 'ENABLED']);
  });

  it('takes no version for its own that was there before it', async () => {
    const { create, states, add } = setUp();
    add();
    expect(await create(ATTEMPT)).toEqual({ kind: 'done', id: nameOf(2) });
    expect(states()).toEqual(['DESTROYED', 'ENABLED']);
  });

  it.each<[string, Outcome]>([
    ['is lost', { kind: 'unknown', reason: 'no answer' }],
    ['is refused', { kind: 'refused', reason: 'ECONNREFUSED' }],
    ['is throttled', answered({ status: 429, body: undefined })],
    ['fails', answered({ status: 503, body: undefined })],
    ['is none', answered({ status: 200, body: '' })],
  ])('is not done again when the look after it %s: the next look settles it', async (_, outcome) => {
    const { verbsBy, transport, find, states } = setUp({ times: { addVersion: 2 } });
    const blind: Transport = {
      send: async call => (call.method === 'GET' ? outcome : transport.send(call)),
    };
    expect(await verbsBy(blind).create!(ATTEMPT)).toEqual({ kind: 'pending', id: nameOf(1) });
    expect(states()).toEqual(['ENABLED', 'ENABLED']);
    expect(await find(ATTEMPT, nameOf(1))).toEqual({ kind: 'done', id: nameOf(2) });
    expect(states()).toEqual(['DESTROYED', 'ENABLED']);
  });

  it('counts its own version though a list does not show it yet', async () => {
    const { verbsBy, transport, states } = setUp();
    const stale: Transport = {
      send: async call =>
        call.url.includes('/versions?')
          ? answered({ status: 200, body: { totalSize: 0 } })
          : transport.send(call),
    };
    expect(await verbsBy(stale).create!(ATTEMPT)).toEqual({ kind: 'done', id: nameOf(1) });
    expect(states()).toEqual(['ENABLED']);
  });
});

describe('looking for a version', () => {
  it('finds the newest of several and destroys the others', async () => {
    const { find, add, states } = setUp();
    // From the tenth on, the order of the names is not that of the numbers.
    for (let n = 1; n <= 11; n++) add();
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(11) });
    expect(states()).toEqual([...Array(10).fill('DESTROYED'), 'ENABLED']);
  });

  it('leaves disabled versions as they are', async () => {
    const { find, add, change, states } = setUp();
    for (let n = 1; n <= 2; n++) add();
    change(2, 'disable');
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(1) });
    expect(states()).toEqual(['ENABLED', 'DISABLED']);
  });

  it('touches nothing of a secret that is not the company’s', async () => {
    const { find, add, states } = setUp({ owner: 'c09999' });
    for (let n = 1; n <= 2; n++) add();
    expect(await find(ATTEMPT, undefined)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('another'),
    });
    expect(states()).toEqual(['ENABLED', 'ENABLED']);
  });

  it('does not destroy a version that somebody has changed since it was listed', async () => {
    const { verbsBy, transport, add, change, states } = setUp();
    for (let n = 1; n <= 2; n++) add();
    const late: Transport = {
      send: async call => {
        if (call.url.endsWith(':destroy')) change(1, 'disable');
        return transport.send(call);
      },
    };
    expect(await verbsBy(late).find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(2) });
    expect(states()).toEqual(['DISABLED', 'ENABLED']);
  });

  it.each<[string, Outcome, string]>([
    ['is lost', { kind: 'unknown', reason: 'no answer' }, 'unknown'],
    ['is refused', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
    ['fails', answered({ status: 503, body: undefined }), 'unknown'],
    ['is not allowed yet', answered({ status: 403, body: undefined }), 'transient'],
  ])('is not done while a destruction %s', async (_, outcome, kind) => {
    const { verbsBy, transport, add } = setUp();
    for (let n = 1; n <= 2; n++) add();
    const lossy: Transport = {
      send: async call => (call.url.endsWith(':destroy') ? outcome : transport.send(call)),
    };
    expect((await verbsBy(lossy).find(ATTEMPT, undefined)).kind).toBe(kind);
  });
});

/** Both callers' calls, in every order in which one of each may come next. */
const ORDERS = Array.from({ length: 2 ** 8 }, (_, bits) =>
  Array.from({ length: 8 }, (_, i) => (bits >> i) & 1),
);

it('two callers at a time leave one version, in whatever order their calls come', async () => {
  for (const order of ORDERS) {
    const { verbsBy, transport, states, find } = setUp();
    const waiting: (() => void)[][] = [[], []];
    const gated = (caller: number): Transport => ({
      send: async call => {
        await new Promise<void>(resolve => waiting[caller].push(resolve));
        return transport.send(call);
      },
    });
    const callers = [0, 1].map(caller => verbsBy(gated(caller)).create!({ ...ATTEMPT, key: [caller] }));
    for (const caller of order) {
      waiting[caller].shift()?.();
      await settled();
    }
    while (waiting.some(calls => calls.length > 0)) {
      for (const calls of waiting) calls.shift()?.();
      await settled();
    }
    const results = await Promise.all(callers);
    expect(results.map(({ kind }) => kind)).toEqual(['done', 'done']);
    expect(states().filter(state => state === 'ENABLED')).toHaveLength(1);
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: nameOf(2) });
  }
});

/** Every promise that waits for no gate has gone on. */
const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
