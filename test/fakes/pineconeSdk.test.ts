// Pinecone as its own client sees it, over HTTP on loopback: the client is given the address of the control plane and
// finds each index by the host that the control plane names.

import { Pinecone } from '@pinecone-database/pinecone';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { type OverHttp, serveCloud } from './overHttp.ts';

const spec = { serverless: { cloud: 'gcp', region: 'us-central1' } } as const;
/** The speed limit of the fakes: an index is ready in a few milliseconds. */
const FAST = 10_000;

let server: OverHttp;
let client: Pinecone;
const clientOf = (apiKey: string) =>
  new Pinecone({ apiKey, controllerHostUrl: server.urls.pinecone, maxRetries: 0 });
let n = 0;
let name: string;
type Metric = 'cosine' | 'dotproduct' | 'euclidean';

beforeAll(async () => {
  server = await serveCloud(FAST);
  client = clientOf(TOKEN);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.setSpeed(FAST);
  name = `companies-${++n}`;
});

async function createIndex(metric: Metric = 'cosine') {
  await client.createIndex({ name, dimension: 2, metric, spec });
  while (!(await client.describeIndex(name)).status.ready);
  return client.index({ name });
}

/** What the client rejects with: the vendor's status and code, out of its message. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    const { message, name: kind } = error as Error;
    return `${kind}: ${message}`;
  }
}

describe('an index', () => {
  test('is created, becomes ready, is described, listed and deleted', async () => {
    await server.setSpeed(1);
    const made = await client.createIndex({ name, dimension: 2, spec, tags: { team: 'a' } });
    expect(made).toMatchObject({
      name,
      dimension: 2,
      metric: 'cosine',
      tags: { team: 'a' },
      status: { ready: false, state: 'Initializing' },
    });
    expect(await raw('POST', `${made!.host}/describe_index_stats`, {})).toEqual([503, 14]);
    await server.setSpeed(FAST);
    while (!(await client.describeIndex(name)).status.ready);
    expect(await client.describeIndex(name)).toMatchObject({
      deletionProtection: 'disabled',
      vectorType: 'dense',
      spec: { serverless: { cloud: 'gcp', region: 'us-central1' } },
      status: { ready: true, state: 'Ready' },
    });
    expect((await client.listIndexes()).indexes?.map(index => index.name)).toEqual([name]);
    const index = client.index({ name });
    await index.upsert({ namespace: 'c1', records: [{ id: 'a', values: [1, 0] }] });
    await client.deleteIndex(name);
    expect((await client.listIndexes()).indexes).toEqual([]);
    expect(await refusal(client.describeIndex(name))).toMatch(/PineconeNotFoundError.*404/);
    expect(await refusal(index.describeIndexStats())).toMatch(/404/);
    expect(server.cloud.ledger.entries.slice(-2).map(({ kind, effect }) => `${effect} ${kind}`)).toEqual([
      'deleted namespace',
      'deleted index',
    ]);
  });

  test('is protected and marked, and both are taken back', async () => {
    await client.createIndex({ name, dimension: 2, spec, tags: { tier: 'gold', old: 'yes' } });
    await client.configureIndex({ name, deletionProtection: 'enabled', tags: { tier: 'blue', old: '' } });
    const configured = await client.describeIndex(name);
    expect(configured).toMatchObject({ deletionProtection: 'enabled', tags: { tier: 'blue' } });
    expect(configured.tags).not.toHaveProperty('old');
    expect(await refusal(client.deleteIndex(name))).toMatch(/Deletion protection is enabled/);
    await client.configureIndex({ name, deletionProtection: 'disabled' });
    expect((await client.describeIndex(name)).tags).toEqual({ tier: 'blue' });
    await client.deleteIndex(name);
    expect(await refusal(client.configureIndex({ name, tags: { a: 'b' } }))).toMatch(/404/);
    const path = `${server.urls.pinecone}/indexes/${name}`;
    await client.createIndex({ name, dimension: 2, spec });
    for (const [body, expected] of [
      [{ deletion_protection: 'maybe' }, [422, 'INVALID_ARGUMENT']],
      [{ tags: { 'a b': 'c' } }, [400, 'INVALID_ARGUMENT']],
      [{ metric: 'cosine' }, [422, 'INVALID_ARGUMENT']],
      [{ spec: {} }, [501, 'UNIMPLEMENTED']],
    ] as const)
      expect(await raw('PATCH', path, body)).toEqual(expected);
  });

  test('that is protected is not deleted', async () => {
    await client.createIndex({ name, dimension: 2, spec, deletionProtection: 'enabled' });
    expect(await refusal(client.deleteIndex(name))).toMatch(/Deletion protection is enabled/);
  });
});

describe('a namespace', () => {
  test('has its own records: upserted, fetched, listed, counted and deleted', async () => {
    const index = await createIndex();
    const [one, two] = ['c1', 'c2'].map(namespace => index.namespace(namespace));
    await one.upsert({
      records: [
        { id: 'a1', values: [1, 0], metadata: { kind: 'x' } },
        { id: 'a2', values: [0, 1] },
        { id: 'b1', values: [1, 1] },
      ],
    });
    await two.upsert({ records: [{ id: 'a1', values: [0.5, 0.1] }] });
    const fetched = await one.fetch({ ids: ['a1', 'absent'] });
    expect(fetched).toMatchObject({ namespace: 'c1', records: { a1: { id: 'a1', values: [1, 0] } } });
    expect(Object.keys(fetched.records)).toEqual(['a1']);
    // Values are floats of 32 bits.
    expect((await two.fetch({ ids: ['a1'] })).records.a1.values).toEqual([0.5, Math.fround(0.1)]);
    const page = await one.listPaginated({ prefix: 'a', limit: 1 });
    expect(page).toMatchObject({ vectors: [{ id: 'a1' }], pagination: { next: 'a1' } });
    const rest = await one.listPaginated({ prefix: 'a', limit: 1, paginationToken: page.pagination!.next! });
    expect(rest.vectors).toEqual([{ id: 'a2' }]);
    expect(await index.describeIndexStats()).toMatchObject({
      dimension: 2,
      totalRecordCount: 4,
      namespaces: { c1: { recordCount: 3 }, c2: { recordCount: 1 } },
    });
    await one.deleteOne({ id: 'a1' });
    await one.deleteMany({ ids: ['a2', 'absent'] });
    expect(await index.describeNamespace('c1')).toMatchObject({ name: 'c1', recordCount: 1 });
    expect((await two.fetch({ ids: ['a1'] })).records).toHaveProperty('a1');
    await one.deleteAll();
    const { namespaces } = await index.listNamespaces();
    expect(namespaces?.map(each => [each.name, each.recordCount])).toEqual([
      ['__default__', 0],
      ['c1', 0],
      ['c2', 1],
    ]);
    await index.deleteNamespace('c2');
    expect((await two.query({ vector: [1, 0], topK: 1 })).matches).toEqual([]);
    expect(await refusal(two.deleteAll())).toMatch(/404/);
  });

  test('has single records updated, their values as a whole and their metadata in part', async () => {
    const index = (await createIndex()).namespace('c1');
    await index.upsert({ records: [{ id: 'a', values: [1, 0], metadata: { kind: 'x', size: 1 } }] });
    await index.update({ id: 'a', metadata: { size: 2, new: true } });
    await index.update({ id: 'a', values: [0, 1] });
    await index.update({ id: 'absent', values: [0, 1] });
    expect((await index.fetch({ ids: ['a', 'absent'] })).records).toEqual({
      a: { id: 'a', values: [0, 1], metadata: { kind: 'x', size: 2, new: true } },
    });
    const changes = server.cloud.ledger.entries.filter(entry => entry.name.includes(`${name}-`));
    expect(changes.filter(({ kind, effect }) => kind === 'namespace' && effect === 'changed')).toHaveLength(
      3,
    );
  });

  test('of one index is none of another of the same name', async () => {
    const first = await createIndex();
    name = `${name}-b`;
    const second = await createIndex();
    await first.upsert({ namespace: 'c1', records: [{ id: 'a', values: [1, 0] }] });
    expect((await second.describeIndexStats()).totalRecordCount).toBe(0);
  });
});

describe('a query', () => {
  const records = [
    { id: 'long', values: [4, 0], metadata: { kind: 'x', size: 4, tags: ['p', 'q'] } },
    { id: 'near', values: [1, 1], metadata: { kind: 'x', size: 1, tags: ['q'] } },
    { id: 'back', values: [-1, 0], metadata: { kind: 'y', size: 2, big: true } },
  ];
  test.each<[Metric, [string, number][]]>([
    [
      'cosine',
      [
        ['long', 1],
        ['near', Math.SQRT1_2],
        ['back', -1],
      ],
    ],
    [
      'dotproduct',
      [
        ['long', 4],
        ['near', 1],
        ['back', -1],
      ],
    ],
    // The square of the distance, least first.
    [
      'euclidean',
      [
        ['near', 1],
        ['back', 4],
        ['long', 9],
      ],
    ],
  ])('by %s has exact scores, the best first', async (metric, expected) => {
    const index = await createIndex(metric);
    await index.upsert({ records });
    const { matches } = await index.query({ vector: [1, 0], topK: 3, includeValues: true });
    expect(matches.map(({ id, score }) => [id, score])).toEqual(
      expected.map(([id, score]) => [id, Math.fround(score)]),
    );
    expect(matches[0].values).toEqual(records.find(({ id }) => id === expected[0][0])!.values);
    expect((await index.query({ vector: [1, 0], topK: 1 })).matches).toHaveLength(1);
    const byId = await index.query({ id: 'back', topK: 1, includeMetadata: true });
    expect(byId.matches).toMatchObject([{ id: 'back', metadata: { kind: 'y' } }]);
    expect((await index.query({ id: 'absent', topK: 1 })).matches).toEqual([]);
  });

  test.each<[object, string[]]>([
    [{ kind: 'x' }, ['long', 'near']],
    [{ kind: { $ne: 'x' } }, ['back']],
    [{ tags: 'p' }, ['long']],
    [{ tags: { $in: ['p', 'q'] } }, ['long', 'near']],
    [{ kind: { $nin: ['y'] } }, ['long', 'near']],
    [{ size: { $gt: 1, $lte: 2 } }, ['back']],
    [{ size: { $gte: 2, $lt: 4 } }, ['back']],
    [{ big: true }, ['back']],
    [{ big: { $exists: true } }, ['back']],
    [{ big: { $exists: false } }, ['long', 'near']],
    [{ $or: [{ kind: 'y' }, { size: 4 }] }, ['back', 'long']],
    [{ $and: [{ kind: 'x' }, { size: 4 }] }, ['long']],
  ])('filtered by %j finds %j', async (filter, ids) => {
    const index = await createIndex();
    await index.upsert({ records });
    const { matches } = await index.query({ vector: [1, 0], topK: 3, filter });
    expect(matches.map(({ id }) => id).sort()).toEqual(ids);
    await index.deleteMany({ filter });
    expect((await index.describeIndexStats()).totalRecordCount).toBe(3 - ids.length);
  });
});

const raw = async (method: string, url: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(url, {
    method,
    headers: { 'api-key': TOKEN, 'x-pinecone-api-version': '2026-04', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = JSON.parse(await response.text());
  return [response.status, answer.error?.code ?? answer.code ?? answer];
};

const INDEX = { name: 'fresh', dimension: 2, metric: 'cosine', spec };
test.each<[string, object, unknown[]]>([
  ['no name', { name: undefined }, [422, 'INVALID_ARGUMENT']],
  ['a name in upper case', { name: 'Fresh' }, [400, 'INVALID_ARGUMENT']],
  ['a name of 46 characters', { name: 'x'.repeat(46) }, [400, 'INVALID_ARGUMENT']],
  ['no dimension', { dimension: undefined }, [400, 'INVALID_ARGUMENT']],
  ['20,001 dimensions', { dimension: 20_001 }, [400, 'INVALID_ARGUMENT']],
  ['another metric', { metric: 'manhattan' }, [422, 'INVALID_ARGUMENT']],
  ['no spec', { spec: undefined }, [422, 'INVALID_ARGUMENT']],
  [
    'another cloud',
    { spec: { serverless: { cloud: 'own', region: 'us-central1' } } },
    [422, 'INVALID_ARGUMENT'],
  ],
  ['no region', { spec: { serverless: { cloud: 'gcp' } } }, [422, 'INVALID_ARGUMENT']],
  ['a region that is none', { spec: { serverless: { cloud: 'gcp', region: 'moon' } } }, [404, 'NOT_FOUND']],
  ['an unknown field', { shards: 1 }, [422, 'INVALID_ARGUMENT']],
  ['tags that are numbers', { tags: { team: 1 } }, [400, 'INVALID_ARGUMENT']],
  ['another protection', { deletion_protection: 'perhaps' }, [422, 'INVALID_ARGUMENT']],
  ['pods, which it does not cover', { spec: { pod: {} } }, [501, 'UNIMPLEMENTED']],
])('an index with %s is refused', async (_what, change, expected) => {
  const before = server.cloud.ledger.entries.length;
  expect(await raw('POST', `${server.urls.pinecone}/indexes`, { ...INDEX, ...change })).toEqual(expected);
  expect(server.cloud.ledger.entries).toHaveLength(before);
});

const VECTOR = { id: 'a', values: [1, 0] };
const QUERY = { vector: [1, 0], topK: 1 };
const upsert = (change: object) => ['/vectors/upsert', { vectors: [{ ...VECTOR, ...change }] }] as const;
test.each<[string, readonly [string, object], unknown[]]>([
  ['no vectors', ['/vectors/upsert', { vectors: [] }], [400, 3]],
  ['1001 vectors', ['/vectors/upsert', { vectors: Array(1001).fill(VECTOR) }], [400, 3]],
  [
    'more than 2 MiB',
    ['/vectors/upsert', { vectors: Array(70).fill({ ...VECTOR, metadata: { a: 'x'.repeat(30_000) } }) }],
    [400, 3],
  ],
  ['a namespace that is a number', ['/vectors/upsert', { vectors: [VECTOR], namespace: 1 }], [400, 3]],
  ['an unknown field', ['/vectors/upsert', { vectors: [VECTOR], upsert: true }], [400, 3]],
  ['a record without an id', upsert({ id: undefined }), [400, 3]],
  ['an id of 513 characters', upsert({ id: 'x'.repeat(513) }), [400, 3]],
  ['another dimension', upsert({ values: [1] }), [400, 3]],
  ['values that are texts', upsert({ values: ['1', '0'] }), [400, 3]],
  ['a value beyond 32 bits', upsert({ values: [1e39, 0] }), [400, 3]],
  ['nothing but zeros', upsert({ values: [0, 0] }), [400, 3]],
  ['metadata in metadata', upsert({ metadata: { a: { b: 1 } } }), [400, 3]],
  ['metadata under the name of an operator', upsert({ metadata: { $and: 'a' } }), [400, 3]],
  ['a question for existence in words', ['/query', { ...QUERY, filter: { a: { $exists: 'x' } } }], [400, 3]],
  ['metadata that is null', upsert({ metadata: { a: null } }), [400, 3]],
  ['a list of numbers in metadata', upsert({ metadata: { a: [1] } }), [400, 3]],
  ['metadata of 21,000 letters of two bytes', upsert({ metadata: { a: 'é'.repeat(21_000) } }), [400, 3]],
  ['metadata of 41 kB', upsert({ metadata: { a: 'x'.repeat(41_000) } }), [400, 3]],
  ['sparse values', upsert({ sparseValues: { indices: [1], values: [1] } }), [501, 12]],
  ['no topK', ['/query', { vector: [1, 0] }], [400, 3]],
  ['a topK of 10,001', ['/query', { ...QUERY, topK: 10_001 }], [400, 3]],
  ['both a vector and an id', ['/query', { ...QUERY, id: 'a' }], [400, 3]],
  ['neither a vector nor an id', ['/query', { topK: 1 }], [400, 3]],
  ['a query of another dimension', ['/query', { ...QUERY, vector: [1] }], [400, 3]],
  ['an unknown operator', ['/query', { ...QUERY, filter: { a: { $like: 'x' } } }], [400, 3]],
  ['a comparison with a text', ['/query', { ...QUERY, filter: { a: { $gt: 'x' } } }], [400, 3]],
  ['an empty filter', ['/query', { ...QUERY, filter: {} }], [400, 3]],
  ['an unknown field of a query', ['/query', { ...QUERY, topk: 1 }], [400, 3]],
  ['an update of nothing', ['/vectors/update', { id: 'a' }], [400, 3]],
  ['an update without an id', ['/vectors/update', { values: [1, 0] }], [400, 3]],
  ['an update of another dimension', ['/vectors/update', { id: 'a', values: [1] }], [400, 3]],
  ['an update with null for metadata', ['/vectors/update', { id: 'a', setMetadata: { a: null } }], [400, 3]],
  ['an unknown field of an update', ['/vectors/update', { id: 'a', values: [1, 0], x: 1 }], [400, 3]],
  ['an update by a filter', ['/vectors/update', { filter: { a: 1 }, setMetadata: { a: 2 } }], [501, 12]],
  ['a deletion of nothing', ['/vectors/delete', {}], [400, 3]],
  ['a deletion of two kinds', ['/vectors/delete', { ids: ['a'], deleteAll: true }], [400, 3]],
  ['ids that are numbers', ['/vectors/delete', { ids: [1] }], [400, 3]],
  ['a deletion in no namespace', ['/vectors/delete', { ids: ['a'], namespace: 'none' }], [404, 5]],
  ['filtered counts', ['/describe_index_stats', { filter: { a: 1 } }], [400, 3]],
])('%s: refused, and nothing changes', async (_what, [path, body], expected) => {
  const index = await createIndex();
  await index.upsert({ records: [VECTOR] });
  const { host } = await client.describeIndex(name);
  const before = server.cloud.ledger.entries.length;
  expect(await raw('POST', `${host}${path}`, body)).toEqual(expected);
  expect(server.cloud.ledger.entries).toHaveLength(before);
});

test('a wrong key, a version of before and the wrong plane are refused', async () => {
  const other = clientOf('other');
  expect(await refusal(other.listIndexes())).toMatch(/PineconeAuthorizationError|401/);
  await createIndex();
  const { host } = await client.describeIndex(name);
  expect(await raw('POST', `${host}/query`, QUERY, { 'api-key': 'other' })).toEqual([401, 'Unauthorized']);
  expect(await raw('GET', `${host}/indexes`)).toEqual([404, 5]);
  const old = { 'x-pinecone-api-version': '2024-07' };
  expect(await raw('POST', `${host}/query`, QUERY, old)).toEqual([400, 3]);
  expect(await refusal(client.createIndex({ name, dimension: 2, spec }))).toMatch(/PineconeConflictError/);
  expect(await raw('POST', `${host}/bulk/imports`, {})).toEqual([
    501,
    { error: expect.stringContaining('the fake pinecone does not cover POST /bulk/imports') },
  ]);
});
