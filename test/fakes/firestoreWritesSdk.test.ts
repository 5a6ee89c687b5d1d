// Firestore's masks, transforms, transactions and lists as Google's own client uses them, over HTTP on loopback.

import { auth, firestore, type firestore_v1 } from '@googleapis/firestore';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { googleRefusal, type OverHttp, serveCloud } from './overHttp.ts';

type Value = firestore_v1.Schema$Value;
type Write = firestore_v1.Schema$Write;
type Transform = firestore_v1.Schema$FieldTransform;

const database = 'projects/p/databases/(default)';
const root = `${database}/documents`;

let server: OverHttp;
let documents: firestore_v1.Resource$Projects$Databases$Documents;
let n = 0;
/** A document of its own for each test. */
let name: string;

beforeAll(async () => {
  server = await serveCloud();
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token: TOKEN });
  const options = { version: 'v1', auth: credential, rootUrl: `${server.urls.firestore}/` } as const;
  documents = firestore({ ...options, retry: false }).projects.databases.documents;
});
afterAll(() => server.close());
beforeEach(() => {
  name = `${root}/docs/d${++n}`;
});

const integer = (value: number): Value => ({ integerValue: String(value) });
const text = (stringValue: string): Value => ({ stringValue });
const list = (...values: Value[]): Value => ({ arrayValue: { values } });
const map = (fields: Record<string, Value>): Value => ({ mapValue: { fields } });
const commit = async (writes: Write[], transaction?: string) =>
  (await documents.commit({ database, requestBody: { writes, ...(transaction && { transaction }) } })).data;
const put = (fields: Record<string, Value>, more: Write = {}): Write => ({
  update: { name, fields },
  ...more,
});
const fieldsOf = async (of = name) => (await documents.get({ name: of })).data.fields ?? {};

describe('a mask', () => {
  test('leaves what it does not name, and takes away what it names and nobody gives', async () => {
    await commit([put({ a: integer(1), b: integer(2), m: map({ x: integer(1), y: integer(2) }) })]);
    const fields = { a: integer(9), c: integer(3), m: map({ x: integer(8) }) };
    await commit([put(fields, { updateMask: { fieldPaths: ['a', 'b', 'm.x', 'deep.er'] } })]);
    expect(await fieldsOf()).toEqual({ a: integer(9), m: map({ x: integer(8), y: integer(2) }) });
    await commit([put({ a: map({ b: map({ c: integer(1) }) }) }, { updateMask: { fieldPaths: ['a.b.c'] } })]);
    expect((await fieldsOf()).a).toEqual(map({ b: map({ c: integer(1) }) }));
  });

  test('makes the document when there is none', async () => {
    await commit([put({ a: integer(1), b: integer(2) }, { updateMask: { fieldPaths: ['a'] } })]);
    expect(await fieldsOf()).toEqual({ a: integer(1) });
  });

  test('comes with a patch as well, which answers with the document', async () => {
    const patch = async (fields: Record<string, Value>, more: object = {}) =>
      (await documents.patch({ name, requestBody: { fields }, ...more })).data;
    expect(await patch({ a: integer(1), b: integer(2) })).toMatchObject({ name, fields: { a: integer(1) } });
    const masked = await patch({ a: integer(3) }, { 'updateMask.fieldPaths': ['a', 'b'] });
    expect(masked.fields).toEqual({ a: integer(3) });
    expect(await patch({ z: integer(1) })).toMatchObject({ fields: { z: integer(1) } });
    const { updateTime } = await patch({});
    await patch({}, { 'currentDocument.updateTime': updateTime });
    expect(await googleRefusal(patch({}, { 'currentDocument.updateTime': updateTime }))).toBe(
      '400 FAILED_PRECONDITION',
    );
    expect(await googleRefusal(patch({}, { 'currentDocument.exists': false }))).toBe('409 ALREADY_EXISTS');
  });
});

describe('a transform', () => {
  const transform = async (own: Value | undefined, change: Transform): Promise<[Value?, Value?]> => {
    await commit([put(own === undefined ? {} : { f: own })]);
    const write = put({}, { updateMask: {}, updateTransforms: [{ fieldPath: 'f', ...change }] });
    const { writeResults } = await commit([write]);
    return [(await fieldsOf()).f, writeResults![0].transformResults![0]];
  };
  const double = (doubleValue: number): Value => ({ doubleValue });
  const MAX = '9223372036854775807';

  test.each<[string, Value | undefined, Transform, Value]>([
    ['adds integers', integer(40), { increment: integer(2) }, integer(42)],
    ['adds a double', integer(1), { increment: double(0.5) }, double(1.5)],
    ['starts at nothing', undefined, { increment: integer(2) }, integer(2)],
    ['replaces what is no number', text('x'), { increment: integer(2) }, integer(2)],
    ['stops at what 64 bits hold', { integerValue: MAX }, { increment: integer(1) }, { integerValue: MAX }],
    ['takes the larger', integer(3), { maximum: integer(7) }, integer(7)],
    ['keeps the larger', integer(9), { maximum: double(7.5) }, integer(9)],
    ['takes the smaller', double(3.5), { minimum: integer(3) }, integer(3)],
    ['keeps the smaller', integer(2), { minimum: integer(3) }, integer(2)],
  ])('%s, and says what came of it', async (_what, own, change, expected) => {
    expect(await transform(own, change)).toEqual([expected, expected]);
  });

  test('adds to a list what is missing, and removes from one, and says nothing of it', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map(text);
    const nothing = { nullValue: null };
    const append = { appendMissingElements: { values: [b, c, c] } };
    expect(await transform(list(a, b), append)).toEqual([list(a, b, c), nothing]);
    expect(await transform(undefined, append)).toEqual([list(b, c), nothing]);
    const remove = { removeAllFromArray: { values: [b, integer(1)] } };
    expect(await transform(list(a, b, b, { doubleValue: 1 }), remove)).toEqual([list(a), nothing]);
    expect(await transform(text('x'), remove)).toEqual([{ arrayValue: {} }, nothing]);
  });

  test('sets the time of the commit, also within a map, after the update of the same write', async () => {
    const updateTransforms = [
      { fieldPath: 'm.at', setToServerValue: 'REQUEST_TIME' },
      { fieldPath: 'n', increment: integer(1) },
      { fieldPath: 'n', increment: integer(1) },
    ];
    const { writeResults, commitTime } = await commit([put({ n: integer(5) }, { updateTransforms })]);
    const time = { timestampValue: commitTime! };
    expect(writeResults![0].transformResults).toEqual([time, integer(6), integer(7)]);
    expect(await fieldsOf()).toEqual({ n: integer(7), m: map({ at: time }) });
  });

  test.each<[string, Transform[] | object]>([
    ['of no field', [{ increment: integer(1) }]],
    ['of a path that is none', [{ fieldPath: 'a..b', increment: integer(1) }]],
    ['of no kind', [{ fieldPath: 'a' }]],
    ['of two kinds', [{ fieldPath: 'a', increment: integer(1), maximum: integer(1) }]],
    ['by a text', [{ fieldPath: 'a', increment: text('1') }]],
    ['by another server value', [{ fieldPath: 'a', setToServerValue: 'RANDOM' }]],
    ['with an unknown field', [{ fieldPath: 'a', decrement: integer(1) } as object]],
    ['of a list that is none', [{ fieldPath: 'a', appendMissingElements: 'x' } as object]],
    ['that is no list of transforms', { fieldPath: 'a' }],
  ])('%s is refused, and its commit with it', async (_what, updateTransforms) => {
    const write = put({}, { updateTransforms: updateTransforms as Transform[] });
    expect(await googleRefusal(commit([write]))).toBe('400 INVALID_ARGUMENT');
    expect(await googleRefusal(fieldsOf())).toBe('404 NOT_FOUND');
  });

  test.each<[string, Write]>([
    ['a mask that is a list', { updateMask: ['a'] as object }],
    ['a mask with a path that is none', { updateMask: { fieldPaths: ['a-b'] } }],
    ['a mask with an unknown field', { updateMask: { paths: ['a'] } as object }],
  ])('%s is refused', async (_what, more) => {
    expect(await googleRefusal(commit([put({}, more)]))).toBe('400 INVALID_ARGUMENT');
  });

  test('has no place in a deletion', async () => {
    const write: Write = { delete: name, updateTransforms: [{ fieldPath: 'a', increment: integer(1) }] };
    expect(await googleRefusal(commit([write]))).toBe('400 INVALID_ARGUMENT');
  });
});

describe('a transaction', () => {
  const begin = async (options: object = { readWrite: {} }) =>
    (await documents.beginTransaction({ database, requestBody: { options } })).data.transaction!;
  const read = async (transaction: string) =>
    (await documents.batchGet({ database, requestBody: { documents: [name], transaction } })).data;

  test('commits what it has read and nobody has changed', async () => {
    await commit([put({ n: integer(1) })]);
    const transaction = await begin();
    expect((await read(transaction)) as unknown).toMatchObject([{ found: { fields: { n: integer(1) } } }]);
    await commit([put({ n: integer(2) })], transaction);
    expect(await fieldsOf()).toEqual({ n: integer(2) });
    expect(await googleRefusal(commit([put({})], transaction))).toBe('400 INVALID_ARGUMENT');
  });

  test.each(['changed', 'made', 'deleted'])('is aborted when what it has read was %s', async how => {
    if (how !== 'made') await commit([put({ n: integer(1) })]);
    const transaction = await begin();
    if (how === 'made') await read(transaction);
    else await documents.get({ name, transaction });
    await commit([how === 'deleted' ? { delete: name } : put({ n: integer(5) })]);
    const other = `${root}/docs/other${n}`;
    const write: Write = { update: { name: other, fields: {} } };
    expect(await googleRefusal(commit([write], transaction))).toBe('409 ABORTED');
    expect(await googleRefusal(fieldsOf(other))).toBe('404 NOT_FOUND');
    expect(await googleRefusal(commit([write], transaction))).toBe('400 INVALID_ARGUMENT');
  });

  test('that is rolled back, or never began, commits nothing', async () => {
    const transaction = await begin();
    await documents.rollback({ database, requestBody: { transaction } });
    for (const id of [transaction, 'bm9uZQ==']) {
      expect(await googleRefusal(commit([put({})], id))).toBe('400 INVALID_ARGUMENT');
      expect(await googleRefusal(read(id))).toBe('400 INVALID_ARGUMENT');
      const rollback = documents.rollback({ database, requestBody: { transaction: id } });
      expect(await googleRefusal(rollback)).toBe('400 INVALID_ARGUMENT');
    }
    expect(await googleRefusal(fieldsOf())).toBe('404 NOT_FOUND');
  });

  test('that only reads writes nothing', async () => {
    await commit([put({ n: integer(1) })]);
    const transaction = await begin({ readOnly: {} });
    await read(transaction);
    expect(await googleRefusal(commit([put({})], transaction))).toBe('400 INVALID_ARGUMENT');
    await commit([], transaction);
    expect(await fieldsOf()).toEqual({ n: integer(1) });
  });

  test.each([
    ['both modes', { readOnly: {}, readWrite: {} }, '400 INVALID_ARGUMENT'],
    ['an unknown mode', { readNothing: {} }, '400 INVALID_ARGUMENT'],
    ['a mode that is a word', { readOnly: 'yes' }, '400 INVALID_ARGUMENT'],
    [
      'a time to read at, which the fake does not cover',
      { readOnly: { readTime: 'x' } },
      '501 UNIMPLEMENTED',
    ],
  ])('with %s is refused', async (_what, options, expected) => {
    expect(await googleRefusal(begin(options))).toBe(expected);
  });
});

describe('a collection', () => {
  test('is filled with and without names, and listed by pages in the order of the names', async () => {
    const collectionId = `c${n}`;
    const create = async (named: { documentId?: string } = {}) =>
      (await documents.createDocument({ parent: root, collectionId, requestBody: { fields: {} }, ...named }))
        .data.name!;
    const made = [await create({ documentId: 'b' }), await create({ documentId: 'a' }), await create()];
    expect(new Set(made).size).toBe(3);
    expect(await googleRefusal(create({ documentId: 'a' }))).toBe('409 ALREADY_EXISTS');
    const page = async (more: { pageSize?: number; pageToken?: string; orderBy?: string }) =>
      (await documents.list({ parent: root, collectionId, ...more })).data;
    const names: string[] = [];
    let pageToken = '';
    do {
      const { documents: some, nextPageToken } = await page({ pageSize: 2, pageToken });
      names.push(...some!.map(document => document.name!));
      pageToken = nextPageToken ?? '';
    } while (pageToken !== '');
    expect(names).toEqual([...made].sort());
    expect((await documents.list({ parent: root, collectionId: 'nothing' })).data).toEqual({});
    expect(await googleRefusal(page({ pageToken: 'x' }))).toBe('400 INVALID_ARGUMENT');
    expect(await googleRefusal(page({ orderBy: 'a' }))).toBe('501 UNIMPLEMENTED');
  });
});
