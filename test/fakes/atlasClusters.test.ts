// A cluster of Atlas is changed: its size, its protection, and whether it runs at all.

import { expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { callerOf, createWorld, DURATION_MS, effectsOf, type FakeCall, NOW_MS, TOKEN } from './fakeCall.ts';

const CLUSTERS = '/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01/clusters';
const HEADERS = { authorization: `Bearer ${TOKEN}`, accept: 'application/vnd.atlas.2025-03-12+json' };
const specs = (instanceSize: string) => [
  {
    regionConfigs: [
      { providerName: 'GCP', regionName: 'US_CENTRAL', priority: 7, electableSpecs: { instanceSize } },
    ],
  },
];
const CLUSTER = { name: 'companies', clusterType: 'REPLICASET', replicationSpecs: specs('M10') };

function open(limits?: Record<string, number>) {
  const world = createWorld(limits === undefined ? {} : { resourceQuotas: true }, limits);
  const call = callerOf(atlas(world), HEADERS);
  const send = (method: string, path: string, body?: object, afterMs = 0) => {
    const request: FakeCall = { method, path: `${CLUSTERS}${path}`, body, atMs: NOW_MS + afterMs };
    return call(request);
  };
  send('POST', '', CLUSTER);
  return {
    world,
    send,
    make: (name: string, size: string) =>
      send('POST', '', { ...CLUSTER, name, replicationSpecs: specs(size) }),
    change: (body: object, afterMs = DURATION_MS, name = 'companies') =>
      send('PATCH', `/${name}`, body, afterMs),
    state: (afterMs: number) => send('GET', '/companies', undefined, afterMs).body.stateName as string,
    get: () => send('GET', '/companies', undefined, 10 * DURATION_MS).body,
    remove: (afterMs: number) => send('DELETE', '/companies', undefined, afterMs),
  };
}

test('a new size takes its time, and the cluster stays reachable', () => {
  const { change, state, get, world } = open();
  expect([state(0), state(DURATION_MS)]).toEqual(['CREATING', 'IDLE']);
  const changed = change({ replicationSpecs: specs('M30') });
  expect(changed).toMatchObject({
    status: 200,
    body: {
      stateName: 'UPDATING',
      replicationSpecs: specs('M30'),
      connectionStrings: { standardSrv: expect.any(String) },
    },
  });
  expect([state(2 * DURATION_MS - 1), state(2 * DURATION_MS)]).toEqual(['UPDATING', 'IDLE']);
  expect(get()).toMatchObject({ ...CLUSTER, replicationSpecs: specs('M30'), paused: false });
  expect(effectsOf(world).map(effect => effect.split(' ')[0])).toEqual(['created', 'changed']);
});

test('protection is on and off at once, and decides about deletion', () => {
  const { change, state, remove } = open();
  expect(change({ terminationProtectionEnabled: true }).body.stateName).toBe('IDLE');
  expect(remove(DURATION_MS).status).toBe(400);
  change({ terminationProtectionEnabled: false });
  expect(remove(DURATION_MS).status).toBe(202);
  expect(state(DURATION_MS)).toBe('DELETING');
  const late = change({ terminationProtectionEnabled: true });
  expect(late).toMatchObject({ status: 400, body: { errorCode: 'CLUSTER_ALREADY_REQUESTED_DELETION' } });
});

test('a paused cluster takes no change but to run again', () => {
  const { change } = open();
  expect(change({ paused: true })).toMatchObject({ status: 200, body: { paused: true } });
  expect(change({ paused: true }, 2 * DURATION_MS)).toMatchObject({
    status: 409,
    body: { errorCode: 'CLUSTER_ALREADY_PAUSED' },
  });
  for (const body of [
    { replicationSpecs: specs('M30') },
    { paused: false, terminationProtectionEnabled: true },
  ])
    expect(change(body, 2 * DURATION_MS)).toMatchObject({
      status: 409,
      body: { errorCode: 'CANNOT_UPDATE_PAUSED_CLUSTER', parameters: ['companies'] },
    });
  expect(change({ paused: false }, 2 * DURATION_MS).body).toMatchObject({
    paused: false,
    stateName: 'UPDATING',
  });
  expect(change({ replicationSpecs: specs('M30') }, 3 * DURATION_MS).status).toBe(200);
});

test('a cluster is not changed and paused at once', () => {
  const { change, get } = open();
  const before = get();
  expect(change({ paused: true, replicationSpecs: specs('M30') })).toMatchObject({
    status: 409,
    body: { errorCode: 'CANNOT_UPDATE_AND_PAUSE_CLUSTER', parameters: ['companies'] },
  });
  expect(get()).toEqual(before);
});

test('the indexes of a deleted cluster are gone, and one made again under its name has none', () => {
  const { world, send, make, remove } = open();
  const index = (db: string, cluster = 'companies') =>
    send('POST', `/${cluster}/index`, { db, collection: 'agents', keys: [{ state: '1' }] }).status;
  make('other', 'M10');
  expect([index('c1'), index('c2'), index('c1', 'other'), index('c1')]).toEqual([202, 202, 202, 409]);
  expect(remove(DURATION_MS).status).toBe(202);
  const gone = effectsOf(world).filter(effect => effect.startsWith('deleted databaseIndex'));
  expect(gone.map(effect => effect.split(' ').at(-1))).toEqual(['c1', 'c2']);
  const again = 2 * DURATION_MS;
  expect(send('POST', '', CLUSTER, again).status).toBe(201);
  expect(index('c1')).toBe(202);
  expect(index('c1', 'other')).toBe(409);
});

test('an organisation pays for what runs: a larger size and a resumed cluster need room', () => {
  const { change, make } = open({
    'quota.atlas.clusters': 25,
    'quota.atlas.billing': 1,
    'price.atlas.m10': 0.1,
    'price.atlas.m30': 0.6,
    'price.atlas.m40': 1.1,
  });
  const tooMuch = { status: 403, body: { errorCode: 'HOURLY_BILLING_LIMIT_EXCEEDED' } };
  expect(change({ replicationSpecs: specs('M40') })).toMatchObject(tooMuch);
  expect(change({ replicationSpecs: specs('M30') }).status).toBe(200);
  expect(make('second', 'M30')).toMatchObject(tooMuch);
  expect(change({ paused: true }).status).toBe(200);
  expect(make('second', 'M30').status).toBe(201);
  expect(change({ paused: false })).toMatchObject(tooMuch);
});

test.each<[string, object, number, string]>([
  ['another name', { name: 'others' }, 400, 'INVALID_ATTRIBUTE'],
  ['another type', { clusterType: 'SHARDED' }, 501, 'UNSUPPORTED'],
  ['a size that is none', { replicationSpecs: specs('M11') }, 400, 'INVALID_ENUM_VALUE'],
  ['no specification', { replicationSpecs: [] }, 400, 'INVALID_ATTRIBUTE'],
  ['a pause in words', { paused: 'yes' }, 400, 'INVALID_ATTRIBUTE'],
  ['protection in words', { terminationProtectionEnabled: 'yes' }, 400, 'INVALID_ATTRIBUTE'],
  ['an unknown attribute', { stateName: 'IDLE' }, 400, 'INVALID_ATTRIBUTE'],
])('%s is refused, and nothing changes', (_what, body, status, errorCode) => {
  const { change, get, world } = open();
  const before = get();
  expect(change(body)).toMatchObject({ status, body: { errorCode } });
  expect(get()).toEqual(before);
  expect(world.ledger.entries).toHaveLength(1);
});

test('a cluster that is not there is not changed', () => {
  expect(open().change({ paused: true }, 0, 'others')).toMatchObject({
    status: 404,
    body: { errorCode: 'CLUSTER_NOT_FOUND' },
  });
});
