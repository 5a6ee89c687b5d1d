// Firestore as Google's own client sees it, over HTTP on loopback.

import { auth, firestore, type firestore_v1 } from '@googleapis/firestore';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { googleRefusal, type OverHttp, serveCloud } from './overHttp.ts';

type Value = firestore_v1.Schema$Value;

const database = 'projects/p/databases/(default)';
const root = `${database}/documents`;
/** The speed limit of the fakes: an index is built in some tens of milliseconds. */
const FAST = 10_000;

let server: OverHttp;
const clientOf = (access_token: string) => {
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token });
  const options = { version: 'v1', auth: credential, rootUrl: `${server.urls.firestore}/` } as const;
  return firestore({ ...options, retry: false }).projects.databases;
};
let databases: ReturnType<typeof clientOf>;

beforeAll(async () => {
  server = await serveCloud();
  databases = clientOf(TOKEN);
});
afterAll(() => server.close());

const documents = () => databases.documents;
const indexes = () => databases.collectionGroups.indexes;
const put = (name: string, fields: Record<string, Value>, currentDocument?: object) => ({
  update: { name: `${root}/${name}`, fields },
  ...(currentDocument && { currentDocument }),
});
const commit = (...writes: object[]) => documents().commit({ database, requestBody: { writes } });
const get = async (name: string) => (await documents().get({ name: `${root}/${name}` })).data;

describe('documents', () => {
  test('are committed, got one by one and together, and deleted', async () => {
    const text = (stringValue: string) => ({ company: { stringValue } });
    const { data } = await commit(put('docs/a', text('a'), { exists: false }), put('docs/b', text('b')));
    expect(data.writeResults).toHaveLength(2);
    expect(await get('docs/a')).toMatchObject({ name: `${root}/docs/a`, fields: text('a') });
    const names = ['docs/b', 'docs/absent', 'docs/a', 'docs/b'].map(name => `${root}/${name}`);
    // The client types the stream of answers as one of them.
    const { data: batch } = await documents().batchGet({ database, requestBody: { documents: names } });
    expect(batch).toMatchObject([
      { found: { fields: text('b') }, readTime: expect.any(String) },
      { missing: `${root}/docs/absent` },
      { found: { fields: text('a') } },
    ]);
    await documents().delete({ name: `${root}/docs/a`, 'currentDocument.exists': true });
    expect(await googleRefusal(get('docs/a'))).toBe('404 NOT_FOUND');
  });

  test('are changed and deleted only as they were seen', async () => {
    await commit(put('seen/a', {}));
    const { updateTime } = await get('seen/a');
    await commit(put('seen/a', { n: { integerValue: '1' } }, { updateTime }));
    const stale = { updateTime };
    expect(await googleRefusal(commit(put('seen/a', {}, stale)))).toBe('400 FAILED_PRECONDITION');
    expect(await googleRefusal(commit(put('seen/absent', {}, stale)))).toBe('404 NOT_FOUND');
    const name = `${root}/seen/a`;
    const remove = (time: string) => documents().delete({ name, 'currentDocument.updateTime': time });
    expect(await googleRefusal(remove(updateTime!))).toBe('400 FAILED_PRECONDITION');
    expect(await googleRefusal(remove('yesterday'))).toBe('400 INVALID_ARGUMENT');
    await remove((await get('seen/a')).updateTime!);
    expect(await googleRefusal(get('seen/a'))).toBe('404 NOT_FOUND');
  });

  test('are in the database that the platform has made, and in those made since', async () => {
    expect((await databases.get({ name: database })).data).toMatchObject({
      name: database,
      type: 'FIRESTORE_NATIVE',
    });
    expect((await databases.list({ parent: 'projects/p' })).data.databases).toHaveLength(1);
    const other = 'projects/p/databases/other';
    expect(await googleRefusal(databases.get({ name: other }))).toBe('404 NOT_FOUND');
    const requestBody = { type: 'FIRESTORE_NATIVE', locationId: 'us-west1' };
    const create = (databaseId: string, change: object = {}) =>
      databases.create({ parent: 'projects/p', databaseId, requestBody: { ...requestBody, ...change } });
    expect((await create('other')).data).toMatchObject({ done: true, response: { name: other } });
    expect(await googleRefusal(create('other'))).toBe('409 ALREADY_EXISTS');
    expect((await databases.get({ name: other })).data).toMatchObject(requestBody);
    const page = (await databases.list({ parent: 'projects/p' })).data.databases!;
    expect(page.map(({ name }) => name)).toEqual([database, other]);
    // A document of the one is none of the other.
    const name = `${other}/documents/docs/mine`;
    const writes = [{ update: { name, fields: {} } }];
    await documents().commit({ database: other, requestBody: { writes } });
    expect((await documents().get({ name })).data.name).toBe(name);
    expect(await googleRefusal(get('docs/mine'))).toBe('404 NOT_FOUND');
    expect(await googleRefusal(documents().commit({ database, requestBody: { writes } }))).toBe(
      '400 INVALID_ARGUMENT',
    );
    await databases.delete({ name: other });
    expect(await googleRefusal(documents().get({ name }))).toBe('404 NOT_FOUND');
    expect(server.cloud.ledger.entries.slice(-2).map(({ kind, effect }) => `${effect} ${kind}`)).toEqual([
      'deleted document',
      'deleted database',
    ]);
    for (const refused of [
      create('ab'),
      create('Upper-case'),
      create('third', { type: 'OTHER' }),
      create('third', { locationId: 'moon' }),
      create('third', { locationId: undefined }),
      create('third', { place: 'us-west1' }),
    ])
      expect(await googleRefusal(refused)).toBe('400 INVALID_ARGUMENT');
    expect(await googleRefusal(databases.delete({ name: other }))).toBe('404 NOT_FOUND');
  });
});

const run = async (structuredQuery: object): Promise<(string | undefined)[]> => {
  const { data } = await documents().runQuery({ parent: root, requestBody: { structuredQuery } });
  const answers = data as unknown as { document?: { name: string }; readTime: string }[];
  expect(answers.every(({ readTime }) => readTime !== undefined)).toBe(true);
  return answers.map(({ document }) => document?.name.split('/').at(-1));
};
const equal = (fieldPath: string, value: Value) => ({
  fieldFilter: { field: { fieldPath }, op: 'EQUAL', value },
});
const by = (fieldPath: string, direction = 'ASCENDING') => ({ field: { fieldPath }, direction });
const text = (stringValue: string): Value => ({ stringValue });
const number = (n: number): Value => ({ integerValue: String(n) });

describe('a query', () => {
  const from = [{ collectionId: 'agents' }];
  beforeAll(async () => {
    const agent = (id: string, state: string, size: Value, place: string) =>
      put(`agents/${id}`, {
        state: text(state),
        size,
        at: { mapValue: { fields: { place: text(place) } } },
      });
    await commit(
      agent('a', 'on', number(3), 'x'),
      agent('b', 'off', { doubleValue: 1.5 }, 'x'),
      agent('c', 'on', number(10), 'y'),
      agent('d', 'on', text('10'), 'x'),
      put('agents/e', { state: text('on') }),
      put('others/a', { state: text('on') }),
    );
  });

  test.each<[string, object, (string | undefined)[]]>([
    ['of everything', {}, ['a', 'b', 'c', 'd', 'e']],
    ['by one field', { where: equal('state', text('on')) }, ['a', 'c', 'd', 'e']],
    ['by a field of a map', { where: equal('at.place', text('y')) }, ['c']],
    ['by a number of another type', { where: equal('size', { doubleValue: 3 }) }, ['a']],
    [
      'by two fields',
      {
        where: {
          compositeFilter: {
            op: 'AND',
            filters: [equal('state', text('on')), equal('at.place', text('x'))],
          },
        },
      },
      ['a', 'd'],
    ],
    ['with an order, numbers before texts', { orderBy: [by('size')] }, ['b', 'a', 'c', 'd']],
    ['with an order downwards', { orderBy: [by('size', 'DESCENDING')] }, ['d', 'c', 'a', 'b']],
    ['by name downwards', { orderBy: [by('__name__', 'DESCENDING')], limit: 2 }, ['e', 'd']],
    ['with a limit', { orderBy: [by('size')], limit: 2 }, ['b', 'a']],
    ['ordered by what it filters by', { where: equal('size', number(3)), orderBy: [by('size')] }, ['a']],
    ['that finds nothing', { where: equal('state', text('gone')) }, [undefined]],
  ])('%s', async (_what, query, expected) => {
    expect(await run({ from, ...query })).toEqual(expected);
  });

  test('that filters and orders by different fields needs an index, once it is built', async () => {
    const filtered = { from, where: equal('state', text('on')) };
    const query = { ...filtered, orderBy: [by('size', 'DESCENDING')] };
    expect(await googleRefusal(run(query))).toBe('400 FAILED_PRECONDITION');
    const made = await createIndex('agents', [by('state'), by('size')]);
    expect(await googleRefusal(run(query))).toBe('400 FAILED_PRECONDITION');
    await built(made.name!);
    expect(await run(query)).toEqual(['d', 'c', 'a']);
    const both = { compositeFilter: { op: 'AND', filters: [filtered.where, equal('at.place', text('x'))] } };
    expect(await googleRefusal(run({ ...query, where: both }))).toBe('400 FAILED_PRECONDITION');
    // A second index of the same order is merged with the first.
    await built((await createIndex('agents', [by('at.place'), by('size')])).name!);
    expect(await run({ ...query, where: both })).toEqual(['d', 'a']);
    const orderBy = [by('state'), by('size', 'DESCENDING')];
    expect(await googleRefusal(run({ from, orderBy }))).toBe('400 FAILED_PRECONDITION');
    expect(await run({ from, orderBy: [by('state', 'DESCENDING'), by('size', 'DESCENDING')] })).toEqual([
      'd',
      'c',
      'a',
      'b',
    ]);
  });

  test.each<[string, object, string]>([
    ['no collection', { from: [] }, '400 INVALID_ARGUMENT'],
    ['two collections', { from: [...from, ...from] }, '400 INVALID_ARGUMENT'],
    ['a negative limit', { limit: -1 }, '400 INVALID_ARGUMENT'],
    ['an unknown field', { limits: 1 }, '400 INVALID_ARGUMENT'],
    ['an unknown direction', { orderBy: [by('size', 'UP')] }, '400 INVALID_ARGUMENT'],
    ['an order twice', { orderBy: [by('size'), by('size')] }, '400 INVALID_ARGUMENT'],
    ['a path that is none', { orderBy: [by('a..b')] }, '400 INVALID_ARGUMENT'],
    ['a filter without a field', { where: { fieldFilter: { op: 'EQUAL' } } }, '400 INVALID_ARGUMENT'],
    ['a value of two types', { where: equal('a', { ...text(''), ...number(1) }) }, '400 INVALID_ARGUMENT'],
    ['no filters to combine', { where: { compositeFilter: { op: 'AND' } } }, '400 INVALID_ARGUMENT'],
    [
      'an unknown operator',
      { where: { fieldFilter: { field: { fieldPath: 'a' }, op: 'LIKE', value: text('') } } },
      '400 INVALID_ARGUMENT',
    ],
    [
      'an operator that the fake does not cover',
      { where: { fieldFilter: { field: { fieldPath: 'a' }, op: 'IN', value: text('') } } },
      '501 UNIMPLEMENTED',
    ],
    ['a projection, which it does not cover', { select: { fields: [] } }, '501 UNIMPLEMENTED'],
    ['an offset, which it does not cover', { offset: 1 }, '501 UNIMPLEMENTED'],
  ])('with %s is refused', async (_what, query, refusal) => {
    expect(await googleRefusal(run({ from, ...query }))).toBe(refusal);
  });
});

const createIndex = async (collection: string, fields: object[]) => {
  await server.setSpeed(1);
  const parent = `${database}/collectionGroups/${collection}`;
  const requestBody = {
    queryScope: 'COLLECTION',
    fields: fields.map(order => {
      const { field, direction } = order as ReturnType<typeof by>;
      return { fieldPath: field.fieldPath, order: direction };
    }),
  };
  return (await indexes().create({ parent, requestBody })).data;
};

/** Asks for the operation until it is done, a fast clock meanwhile. */
async function built(name: string) {
  await server.setSpeed(FAST);
  let operation = (await databases.operations.get({ name })).data;
  while (!operation.done) operation = (await databases.operations.get({ name })).data;
  await server.setSpeed(1);
  return operation;
}

describe('an index', () => {
  test('is created by an operation, got, listed and deleted', async () => {
    const operation = await createIndex('made', [by('state'), by('size', 'DESCENDING')]);
    const name = (operation.metadata as { index: string }).index;
    expect(operation).toMatchObject({
      name: expect.stringMatching(/^projects\/p\/databases\/\(default\)\/operations\/\w+$/),
      metadata: { state: 'PROCESSING' },
    });
    expect(operation.done).toBeUndefined();
    const fields = [
      { fieldPath: 'state', order: 'ASCENDING' },
      { fieldPath: 'size', order: 'DESCENDING' },
      { fieldPath: '__name__', order: 'DESCENDING' },
    ];
    expect((await indexes().get({ name })).data).toMatchObject({ name, fields, state: 'CREATING' });
    expect(await googleRefusal(indexes().delete({ name }))).toBe('400 FAILED_PRECONDITION');
    expect(await built(operation.name!)).toMatchObject({
      done: true,
      metadata: { state: 'SUCCESSFUL' },
      response: { '@type': 'type.googleapis.com/google.firestore.admin.v1.Index', name, state: 'READY' },
    });
    const parent = `${database}/collectionGroups/made`;
    expect((await indexes().list({ parent })).data.indexes).toMatchObject([{ name, state: 'READY' }]);
    const again = createIndex('made', [by('state'), by('size', 'DESCENDING')]);
    expect(await googleRefusal(again)).toBe('409 ALREADY_EXISTS');
    await indexes().delete({ name });
    expect((await indexes().list({ parent })).data).toEqual({});
    expect(await googleRefusal(indexes().get({ name }))).toBe('404 NOT_FOUND');
    const { operations } = (await databases.operations.list({ name: database })).data;
    expect(operations!.map(each => each.name)).toContain(operation.name);
  });

  const fields = [
    { fieldPath: 'a', order: 'ASCENDING' },
    { fieldPath: 'b', arrayConfig: 'CONTAINS' },
  ];
  test.each<[string, object]>([
    ['no scope', { queryScope: undefined }],
    ['another scope', { queryScope: 'EVERYTHING' }],
    ['no fields', { fields: undefined }],
    ['one field, which has its index already', { fields: fields.slice(0, 1) }],
    ['one field twice', { fields: [fields[0], fields[0]] }],
    ['a field without an order', { fields: [fields[0], { fieldPath: 'b' }] }],
    ['a field of both kinds', { fields: [fields[0], { ...fields[1], order: 'ASCENDING' }] }],
    ['an unknown order', { fields: [fields[0], { fieldPath: 'b', order: 'UP' }] }],
    ['an unknown array configuration', { fields: [fields[0], { fieldPath: 'b', arrayConfig: 'HAS' }] }],
    ['a path that is none', { fields: [fields[0], { fieldPath: '1', order: 'ASCENDING' }] }],
    ['the name first', { fields: [{ fieldPath: '__name__', order: 'ASCENDING' }, ...fields] }],
    ['an unknown field', { state: 'READY' }],
  ])('with %s is refused', async (_what, change) => {
    const before = server.cloud.ledger.entries.length;
    const requestBody = { queryScope: 'COLLECTION', fields, ...change } as object;
    const parent = `${database}/collectionGroups/refused`;
    expect(await googleRefusal(indexes().create({ parent, requestBody }))).toBe('400 INVALID_ARGUMENT');
    expect(server.cloud.ledger.entries).toHaveLength(before);
  });

  test('is refused to another token, and an absent operation is not found', async () => {
    const parent = `${database}/collectionGroups/refused`;
    const stranger = clientOf('other').collectionGroups.indexes;
    expect(await googleRefusal(stranger.list({ parent }))).toBe('401 UNAUTHENTICATED');
    const absent = databases.operations.get({ name: `${database}/operations/none` });
    expect(await googleRefusal(absent)).toBe('404 NOT_FOUND');
  });
});

test.each<[string, () => Promise<unknown>]>([
  [
    'names that are no list',
    () => documents().batchGet({ database, requestBody: { documents: 'a' } as object }),
  ],
  ['a name elsewhere', () => documents().batchGet({ database, requestBody: { documents: ['docs/a'] } })],
  ['an unknown field', () => documents().batchGet({ database, requestBody: { names: [] } as object })],
  [
    'two preconditions',
    () => commit(put('docs/x', {}, { exists: true, updateTime: '2026-01-01T00:00:00Z' })),
  ],
  ['a precondition that is no time', () => commit(put('docs/x', {}, { updateTime: 'yesterday' }))],
])('%s is refused', async (_what, call) => {
  expect(await googleRefusal(call())).toBe('400 INVALID_ARGUMENT');
});

test('a call that the fake does not cover is answered with 501', async () => {
  const call = documents().partitionQuery({ parent: root, requestBody: {} });
  await expect(call).rejects.toMatchObject({ status: 501 });
});
