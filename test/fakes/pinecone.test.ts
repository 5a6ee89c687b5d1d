import { describe, expect, test } from 'vitest';
import { pinecone } from '../../fakes/pinecone.ts';
import { callerOf, createWorld, effectsOf, type FakeCall, TOKEN } from './fakeCall.ts';

const HOST = 'companies-x1y2z3.svc.gcp-us-central1-4a9f.pinecone.io';
const HEADERS = { 'api-key': TOKEN, 'x-pinecone-api-version': '2026-04' };
const create: FakeCall = { method: 'POST', path: '/namespaces', body: { name: 'c00042' }, host: HOST };

function open() {
  const world = createWorld();
  return { world, call: callerOf(pinecone(world), HEADERS) };
}

describe('a namespace', () => {
  test('is created, described and deleted, and then gone', () => {
    const { world, call } = open();
    expect(call(create)).toMatchObject({ status: 200, body: { name: 'c00042', record_count: 0 } });
    expect(call({ method: 'GET', path: '/namespaces/c00042', host: HOST })).toMatchObject({
      status: 200,
      body: { name: 'c00042' },
    });
    expect(call({ method: 'DELETE', path: '/namespaces/c00042', host: HOST })).toMatchObject({
      status: 200,
      body: {},
    });
    expect(call({ method: 'DELETE', path: '/namespaces/c00042', host: HOST })).toMatchObject({
      status: 404,
      body: { code: 5 },
    });
    expect(effectsOf(world)).toEqual([
      `created namespace ${HOST}/c00042 c00042`,
      `deleted namespace ${HOST}/c00042 c00042`,
    ]);
  });

  test('belongs to one index', () => {
    const { call } = open();
    call(create);
    expect(call({ method: 'GET', path: '/namespaces/c00042', host: `other-${HOST}` }).status).toBe(404);
    expect(call({ ...create, host: `other-${HOST}` }).status).toBe(200);
  });

  test.each<[string, Partial<FakeCall>, number, unknown]>([
    ['no key', { headers: { 'x-pinecone-api-version': '2026-04' } }, 401, 'Unauthorized'],
    ['another key', { headers: { ...HEADERS, 'api-key': 'other' } }, 401, 'Unauthorized'],
    ['no version', { headers: { 'api-key': TOKEN } }, 400, { code: 3 }],
    [
      'a version without namespaces',
      { headers: { ...HEADERS, 'x-pinecone-api-version': '2025-04' } },
      400,
      { code: 3 },
    ],
    [
      'a version that is no date',
      { headers: { ...HEADERS, 'x-pinecone-api-version': 'unstable' } },
      400,
      { code: 3 },
    ],
    ['no name', { body: {} }, 400, { code: 3 }],
    ['an empty name', { body: { name: '' } }, 400, { code: 3 }],
    ['a number for a name', { body: { name: 42 } }, 400, { code: 3 }],
    ['a name of 513 characters', { body: { name: 'x'.repeat(513) } }, 400, { code: 3 }],
    [
      'a schema, which it does not cover',
      { body: { name: 'c00042', schema: { fields: {} } } },
      501,
      { code: 12 },
    ],
    ['a body that is no JSON', { body: '{' }, 400, { code: 3 }],
    ['the control plane, which has no namespaces', { host: 'api.pinecone.io' }, 404, { code: 5 }],
    ['the default namespace, which is there', { body: { name: '__default__' } }, 409, { code: 6 }],
  ])('is refused: %s', (_what, change, status, body) => {
    const { world, call } = open();
    const reply = call({ ...create, ...change });
    expect(reply.status).toBe(status);
    if (typeof body === 'string') expect(reply.body).toBe(body);
    else expect(reply.body).toMatchObject(body as object);
    expect(world.ledger.entries).toEqual([]);
  });

  test('exists once', () => {
    const { call } = open();
    call(create);
    expect(call(create)).toMatchObject({ status: 409, body: { code: 6, details: [] } });
  });

  test('is listed in pages, in order', () => {
    const { call } = open();
    for (const name of ['c3', 'c1', 'c2']) call({ ...create, body: { name } });
    const list = (query: string) => call({ method: 'GET', path: `/namespaces?${query}`, host: HOST });
    const first = list('limit=2&prefix=c');
    expect(first.body).toMatchObject({
      namespaces: [{ name: 'c1' }, { name: 'c2' }],
      pagination: { next: 'c2' },
      total_count: 3,
    });
    const second = list(`limit=2&prefix=c&paginationToken=${first.body.pagination.next}`);
    expect(second.body.namespaces).toMatchObject([{ name: 'c3' }]);
    expect(second.body.pagination).toBeUndefined();
    expect(list('limit=101').status).toBe(400);
  });

  test('names the quota of a refusal', () => {
    const rule = {
      name: 'namespaceWrites',
      operations: ['pinecone.namespaces.create'],
      perMinute: 1,
      scope: 'vendor',
    } as const;
    const call = callerOf(pinecone(createWorld()), HEADERS, [rule]);
    const replies = ['a', 'b', 'c'].map(name => call({ ...create, body: { name } }));
    expect(replies.map(reply => reply.status)).toEqual([200, 200, 429]);
    expect(replies[2]).toMatchObject({
      body: { code: 8, message: expect.stringMatching(/: namespaceWrites$/) },
      headers: { 'retry-after': '60' },
    });
  });
});

test('an answer to a query has 4 MiB at most, and is had without what makes it large', () => {
  const { call } = open();
  const post = (path: string, body: object) => call({ method: 'POST', path, body, host: HOST });
  const metadata = { a: 'x'.repeat(40_000) };
  for (const part of [0, 1, 2])
    post('/vectors/upsert', {
      vectors: Array.from({ length: 40 }, (_, n) => ({ id: `${part}-${n}`, values: [1, n], metadata })),
    });
  const query = { topK: 110, vector: [1, 1] };
  expect(post('/query', { ...query, includeMetadata: true })).toMatchObject({
    status: 400,
    body: { code: 3 },
  });
  expect(post('/query', query).body.matches).toHaveLength(110);
  expect(post('/query', { ...query, topK: 100, includeMetadata: true }).body.matches).toHaveLength(100);
});
