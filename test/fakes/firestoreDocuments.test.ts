// Documents of Firestore's fake, where they go against what a client that was written by trying it out would expect.

import { describe, expect, it, test } from 'vitest';
import { firestore } from '../../fakes/firestore.ts';
import { callFake, createWorld } from './harness.ts';

const ROOT = 'projects/p/databases/(default)/documents';
const API = `https://firestore.googleapis.com/v1/${ROOT}`;

function setUp(limits?: Readonly<Record<string, number>>) {
  const world = createWorld(limits, limits !== undefined);
  const service = firestore(world);
  const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
    callFake(service, method, `${API}${path}`, body, { nowMs });
  const put = (id: string) => call('POST', `/docs?documentId=${id}`, { fields: {} });
  return { world, call, put };
}

test('a list without a size has twenty documents a page, and more are asked for', () => {
  const { call, put } = setUp();
  for (let i = 0; i < 45; i++) expect(put(`d${i}`).status).toBe(200);
  const sizes: number[] = [];
  let pageToken = '';
  do {
    const page = call('GET', `/docs?pageToken=${pageToken}`).body;
    sizes.push(page.documents.length);
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  expect(sizes).toEqual([20, 20, 5]);
  expect(call('GET', '/docs?pageSize=45').body.documents).toHaveLength(45);
});

describe('a document is given out as the vendor writes it, whatever way it was written in', () => {
  const through = (value: object) => {
    const { call } = setUp();
    const made = call('POST', '/docs?documentId=d', { fields: { a: value } }).body;
    expect(call('GET', '/docs/d').body).toEqual(made);
    return made.fields.a;
  };

  it.each<[string, object, object]>([
    ['an empty list', { arrayValue: { values: [] } }, { arrayValue: {} }],
    ['a list that is null', { arrayValue: { values: null } }, { arrayValue: {} }],
    ['an empty map', { mapValue: { fields: {} } }, { mapValue: {} }],
    [
      'an empty list in a map in a list',
      { arrayValue: { values: [{ mapValue: { fields: { b: { arrayValue: { values: [] } } } } }] } },
      { arrayValue: { values: [{ mapValue: { fields: { b: { arrayValue: {} } } } }] } },
    ],
    ['a null by its name', { nullValue: 'NULL_VALUE' }, { nullValue: null }],
    ['an integer with zeros in front', { integerValue: '-007' }, { integerValue: '-7' }],
    [
      'an integer of 64 bits',
      { integerValue: '9223372036854775807' },
      { integerValue: '9223372036854775807' },
    ],
    [
      'a point on a meridian',
      { geoPointValue: { latitude: 1, longitude: 0 } },
      { geoPointValue: { latitude: 1 } },
    ],
    ['a boolean', { booleanValue: false }, { booleanValue: false }],
    ['an empty text', { stringValue: '' }, { stringValue: '' }],
    [
      'a time of another zone',
      { timestampValue: '2026-01-01T01:30:00+01:30' },
      { timestampValue: '2026-01-01T00:00:00Z' },
    ],
    [
      'a time in nanoseconds',
      { timestampValue: '2026-01-01T00:00:00.123456789Z' },
      { timestampValue: '2026-01-01T00:00:00.123456Z' },
    ],
    [
      'a time in milliseconds',
      { timestampValue: '2026-01-01T00:00:00.5Z' },
      { timestampValue: '2026-01-01T00:00:00.500Z' },
    ],
  ])('%s', (_, given, kept) => {
    expect(through(given)).toEqual(kept);
  });

  it('without fields where it has none', () => {
    const { call, put } = setUp();
    expect(put('empty').body).not.toHaveProperty('fields');
    expect(call('GET', '/docs/empty').body).not.toHaveProperty('fields');
    expect(call('GET', '/docs').body.documents).toEqual([call('GET', '/docs/empty').body]);
  });
});

describe('the name of a document', () => {
  it.each([
    ['of 1,500 bytes', 'é'.repeat(750), 200],
    ['of more', `${'é'.repeat(750)}a`, 400],
    ["that is the vendor's own", '__a__', 400],
  ])('%s', (_, id, status) => {
    expect(setUp().put(encodeURIComponent(id)).status).toBe(status);
  });
});

it.each(['__proto__', 'a.__b__', '__name__'])(
  'no write reaches the field %s, which is not a client’s',
  path => {
    const { call, world } = setUp();
    const write = (more: object) =>
      call('POST', ':commit', { writes: [{ update: { name: `${ROOT}/docs/d`, fields: {} }, ...more }] });
    const transform = { fieldPath: path, setToServerValue: 'REQUEST_TIME' };
    expect(write({ updateTransforms: [transform] }).status).toBe(400);
    expect(write({ updateMask: { fieldPaths: [path] } }).status).toBe(400);
    expect(world.ledger.entries).toEqual([]);
  },
);

it('counts nothing of a commit that is refused, in whichever of its collections', () => {
  const { call, put } = setUp({
    'quota.firestore.request': 2000,
    'quota.firestore.document': 1000,
    'quota.firestore.ramp-start': 2,
    'quota.firestore.ramp-growth': 1.5,
    'quota.firestore.ramp-period': 300_000,
  });
  const write = (name: string) => ({ update: { name: `${ROOT}/${name}`, fields: {} } });
  const commit = (more: object, ...names: string[]) =>
    call('POST', ':commit', { writes: names.map(write), ...more }).status;
  for (const id of ['a', 'b']) expect(put(id).status).toBe(200);
  expect(commit({}, 'others/a', 'docs/c')).toBe(409);
  expect(commit({ transaction: btoa('none') }, 'others/a', 'others/b')).toBe(400);
  expect(commit({}, 'others/a', 'others/b')).toBe(200);
  expect(commit({}, 'others/c')).toBe(409);
});

it('counts a deletion towards how fast a collection may change, whichever call it comes by', () => {
  const { call, put, world } = setUp({
    'quota.firestore.request': 2000,
    'quota.firestore.document': 1000,
    'quota.firestore.ramp-start': 2,
    'quota.firestore.ramp-growth': 1.5,
    'quota.firestore.ramp-period': 300_000,
  });
  for (const id of ['a', 'b']) expect(put(id).status).toBe(200);
  expect(call('DELETE', '/docs/a')).toMatchObject({ status: 409, body: { error: { status: 'ABORTED' } } });
  expect(call('GET', '/docs/a').status).toBe(200);
  expect(call('DELETE', '/docs/a', undefined, 500).status).toBe(200);
  expect(world.ledger.entries.map(({ effect }) => effect)).toEqual(['created', 'created', 'deleted']);
});
