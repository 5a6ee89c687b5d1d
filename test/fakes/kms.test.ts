// Versions of a key: looked at, disabled and enabled, destroyed and brought back; what they encrypt. Keys themselves are in
// `google.test.ts`.

import { describe, expect, it, test } from 'vitest';
import { kms } from '../../fakes/kms.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { callFake, createWorld } from './harness.ts';

const RING = 'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
const DAY_MS = 86_400_000;

function setUp() {
  const world = createWorld();
  const service = kms(world);
  const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
    callFake(service, method, `${RING}${path}`, body, { nowMs });
  call('POST', '?cryptoKeyId=c1', { purpose: 'ENCRYPT_DECRYPT', labels: { company: 'c1' } });
  const versions = '/c1/cryptoKeyVersions';
  return {
    world,
    call,
    get: (n = 1, nowMs = 0) => call('GET', `${versions}/${n}`, undefined, nowMs),
    set: (state: string, n = 1) => call('PATCH', `${versions}/${n}?updateMask=state`, { state }),
    destroy: (n = 1) => call('POST', `${versions}/${n}:destroy`, {}),
    restore: (n = 1, nowMs = 0) => call('POST', `${versions}/${n}:restore`, {}, nowMs),
    list: (filter: string) => call('GET', `${versions}?filter=${encodeURIComponent(filter)}`),
    effects: () => world.ledger.entries.map(({ effect, detail }) => `${effect} ${detail}`),
  };
}

describe('a version', () => {
  it('is disabled and enabled again, and the key with its primary', () => {
    const { call, get, set, effects, world } = setUp();
    expect(set('DISABLED').body).toMatchObject({ state: 'DISABLED' });
    expect(get().body.state).toBe('DISABLED');
    expect(call('GET', '/c1').body.primary.state).toBe('DISABLED');
    expect(liveResources(world.ledger.entries)).toHaveLength(1);
    expect(set('DISABLED').status).toBe(200);
    expect(set('ENABLED').body.state).toBe('ENABLED');
    expect(effects()).toEqual([
      'created primary 1 ENABLED',
      'changed primary 1 DISABLED',
      'changed primary 1 ENABLED',
    ]);
  });

  it('that is disabled is destroyed as well', () => {
    const { set, destroy, get, world } = setUp();
    set('DISABLED');
    expect(destroy().body.state).toBe('DESTROY_SCHEDULED');
    expect(get(1, 31 * DAY_MS).body.state).toBe('DESTROYED');
    expect(liveResources(world.ledger.entries)).toEqual([]);
  });

  it('comes back disabled while its material is there, and not after', () => {
    const { destroy, restore, get, world } = setUp();
    destroy();
    expect(restore(1, 29 * DAY_MS).body.state).toBe('DISABLED');
    expect(get(1, 31 * DAY_MS).body.state).toBe('DISABLED');
    expect(liveResources(world.ledger.entries)).toHaveLength(1);
    destroy();
    expect(restore(1, 31 * DAY_MS).body.error.status).toBe('FAILED_PRECONDITION');
    expect(liveResources(world.ledger.entries)).toEqual([]);
  });

  it('that is not the primary leaves no trace in the ledger', () => {
    const { call, set, destroy, restore, effects } = setUp();
    call('POST', '/c1/cryptoKeyVersions', {});
    for (const change of [() => set('DISABLED', 2), () => destroy(2), () => restore(2)])
      expect(change().status).toBe(200);
    expect(effects()).toHaveLength(1);
  });

  it('is made enabled unless it is to be disabled, and in no other state', () => {
    const { call, get } = setUp();
    const make = (body: object) => call('POST', '/c1/cryptoKeyVersions', body);
    expect(make({ state: 'DISABLED' }).body.state).toBe('DISABLED');
    expect(get(2).body.state).toBe('DISABLED');
    expect([make({}).body.state, make({ state: 'ENABLED' }).body.state]).toEqual(['ENABLED', 'ENABLED']);
    for (const state of ['DESTROYED', 'DESTROY_SCHEDULED', 7, null])
      expect([state, make({ state }).status]).toEqual([state, 400]);
    expect(get(5).status).toBe(404);
  });

  it.each(['1.0', '01', '1e0', '0x1', '%201', '+1', '0', '-1'])('has no other name such as %s', id => {
    const { call } = setUp();
    expect(call('GET', `/c1/cryptoKeyVersions/${id}`).status).toBe(404);
    expect(call('POST', `/c1/cryptoKeyVersions/${id}:destroy`, {}).status).toBe(404);
  });

  it('is listed by its state, or by one of several', () => {
    const { call, set, destroy, list } = setUp();
    for (let i = 0; i < 2; i++) call('POST', '/c1/cryptoKeyVersions', {});
    set('DISABLED', 2);
    destroy(3);
    const numbers = (filter: string) =>
      (list(filter).body.cryptoKeyVersions ?? []).map(({ name }: { name: string }) => Number(name.at(-1)));
    expect(numbers('state=ENABLED')).toEqual([1]);
    expect(numbers('state=ENABLED OR state=DISABLED')).toEqual([1, 2]);
    expect(numbers('')).toEqual([1, 2, 3]);
    expect(numbers('state=DESTROYED')).toEqual([]);
    const page = call('GET', '/c1/cryptoKeyVersions?pageSize=2').body;
    expect(page).toMatchObject({ totalSize: 3, nextPageToken: 'after-2' });
    const rest = call('GET', `/c1/cryptoKeyVersions?pageSize=2&pageToken=${page.nextPageToken}`).body;
    expect(rest.cryptoKeyVersions).toHaveLength(1);
    expect(rest.nextPageToken).toBeUndefined();
  });
});

it('lists the keys of one key ring', () => {
  const { call } = setUp();
  call('POST', '?cryptoKeyId=c2', { purpose: 'ENCRYPT_DECRYPT' });
  const { cryptoKeys, totalSize } = call('GET', '').body;
  expect(cryptoKeys.map(({ name }: { name: string }) => name.split('/').at(-1))).toEqual(['c1', 'c2']);
  expect(totalSize).toBe(2);
});

it('names enumerations unless it is asked for numbers, and takes both', () => {
  const { call } = setUp();
  expect(call('GET', '/c1').body).toMatchObject({
    purpose: 'ENCRYPT_DECRYPT',
    primary: { state: 'ENABLED' },
  });
  const numbers = call('GET', '/c1?$alt=json%3Benum-encoding=int').body;
  expect(numbers).toMatchObject({ purpose: 1, primary: { state: 1, algorithm: 1, protectionLevel: 1 } });
  expect(call('POST', '?cryptoKeyId=c2', { purpose: 1 }).body.purpose).toBe('ENCRYPT_DECRYPT');
  expect(call('POST', '?cryptoKeyId=c3', { purpose: 9 }).status).toBe(400);
});

it('gives a key to the company that its new labels name, and says so in the ledger', () => {
  const { call, world } = setUp();
  const labels = { company: 'c2' };
  expect(call('PATCH', '/c1?updateMask=labels', { labels }).body.labels).toEqual(labels);
  expect(liveResources(world.ledger.entries)).toMatchObject([{ kind: 'cryptoKey', company: 'c2' }]);
});

describe('what a key encrypts', () => {
  const plaintext = btoa('123456789');

  it('is opened until the version is gone, and leaves no trace in the ledger', () => {
    const { call, destroy, restore, set, world } = setUp();
    const { ciphertext } = call('POST', '/c1:encrypt', { plaintext }).body;
    const open = (nowMs = 0) => call('POST', '/c1:decrypt', { ciphertext }, nowMs);
    expect(open().body).toEqual({
      plaintext,
      // The check value of CRC-32C.
      plaintextCrc32c: String(0xe3069283),
      usedPrimary: true,
      protectionLevel: 'SOFTWARE',
    });
    expect(world.ledger.entries).toHaveLength(1);
    destroy();
    expect(open().body.error.message).toMatch(/is: DESTROY_SCHEDULED/);
    restore(1, 29 * DAY_MS);
    expect(open(29 * DAY_MS).body.error.message).toMatch(/is: DISABLED/);
    set('ENABLED');
    expect(open(29 * DAY_MS).body.plaintext).toBe(plaintext);
    destroy();
    expect(open(31 * DAY_MS).body.error.message).toMatch(/is: DESTROYED/);
  });

  it.each([
    ['a wrong alphabet', ':encrypt', { plaintext: '!!!!' }, 400],
    ['bytes that are no text', ':encrypt', { plaintext: 5 }, 400],
    ['a checksum that is none', ':encrypt', { plaintext, plaintextCrc32c: 'x' }, 400],
    ['a checksum of other bytes', ':encrypt', { plaintext, plaintextCrc32c: '1' }, 400],
    ['no ciphertext', ':decrypt', {}, 400],
    ['a ciphertext of nobody', ':decrypt', { ciphertext: btoa('0'.repeat(40)) }, 400],
    ['a version to decrypt with', '/cryptoKeyVersions/1:decrypt', { ciphertext: btoa('0') }, 501],
    ['a version that is absent', '/cryptoKeyVersions/2:encrypt', { plaintext }, 404],
  ])('is not had with %s', (_what, path, body, status) => {
    const { call } = setUp();
    expect(call('POST', `/c1${path}`, body).status).toBe(status);
  });
});

it('takes an empty text for an empty body where Google’s clients write one, and nowhere else', () => {
  const { call } = setUp();
  expect(call('POST', '/c1/cryptoKeyVersions', '""').status).toBe(200);
  expect(call('POST', '/c1/cryptoKeyVersions/1:destroy', '""').body.error.status).toBe('INVALID_ARGUMENT');
  expect(call('POST', '/c1/cryptoKeyVersions', '"x"').body.error.status).toBe('INVALID_ARGUMENT');
});

const VERSION = '/c1/cryptoKeyVersions/1';
test.each<[string, string, string, unknown, number, string]>([
  ['changes nothing', 'PATCH', `${VERSION}?updateMask=state`, {}, 400, 'INVALID_ARGUMENT'],
  ['has no mask', 'PATCH', VERSION, { state: 'DISABLED' }, 400, 'INVALID_ARGUMENT'],
  ['has another mask', 'PATCH', `${VERSION}?updateMask=name`, { state: 'DISABLED' }, 400, 'INVALID_ARGUMENT'],
  [
    'sets a state that only time gives',
    'PATCH',
    `${VERSION}?updateMask=state`,
    { state: 'DESTROYED' },
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'sets an unknown field',
    'PATCH',
    `${VERSION}?updateMask=state`,
    { state: 'DISABLED', etag: 'x' },
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'changes an absent version',
    'PATCH',
    '/c1/cryptoKeyVersions/2?updateMask=state',
    { state: 'DISABLED' },
    404,
    'NOT_FOUND',
  ],
  ['gets an absent version', 'GET', '/c1/cryptoKeyVersions/2', undefined, 404, 'NOT_FOUND'],
  ['gets a version that is no number', 'GET', '/c1/cryptoKeyVersions/x', undefined, 404, 'NOT_FOUND'],
  ['restores what is not destroyed', 'POST', `${VERSION}:restore`, {}, 400, 'FAILED_PRECONDITION'],
  ['restores with an unknown field', 'POST', `${VERSION}:restore`, { x: 1 }, 400, 'INVALID_ARGUMENT'],
  ['destroys with an unknown field', 'POST', `${VERSION}:destroy`, { x: 1 }, 400, 'INVALID_ARGUMENT'],
  [
    'filters by another field',
    'GET',
    '/c1/cryptoKeyVersions?filter=name%3Dx',
    undefined,
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'filters by half a term',
    'GET',
    '/c1/cryptoKeyVersions?filter=state%3DENABLED%20OR%20',
    undefined,
    400,
    'INVALID_ARGUMENT',
  ],
  ['asks for a page of its own', 'GET', '?pageToken=x', undefined, 400, 'INVALID_ARGUMENT'],
])('a call that %s is refused and changes nothing', (_what, method, path, body, code, status) => {
  const { call, get, effects } = setUp();
  const { error } = call(method, path, body).body;
  expect([error.code, error.status]).toEqual([code, status]);
  expect(get().body.state).toBe('ENABLED');
  expect(effects()).toHaveLength(1);
});

test.each(['PATCH', 'destroy', 'restore'])('%s has no effect on a version that is gone', verb => {
  const { call, destroy, set, restore, get } = setUp();
  destroy();
  const LATE = 31 * DAY_MS;
  const again = {
    PATCH: () => set('ENABLED'),
    destroy,
    restore: () => restore(1, LATE),
  }[verb]!;
  expect(again().body.error.status).toBe('FAILED_PRECONDITION');
  expect(get(1, LATE).body.state).toBe('DESTROYED');
  expect(call('GET', '/c1', undefined, LATE).body.primary.state).toBe('DESTROYED');
});
