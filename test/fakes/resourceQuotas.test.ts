// The vendors' limits on how many resources there may be and on single resources: each is refused with the vendor's own
// code, names the quota, has no effect, and is not checked where the world does not ask for it.

import { describe, expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { firestore } from '../../fakes/firestore.ts';
import { pinecone } from '../../fakes/pinecone.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Service, World } from '../../fakes/service.ts';
import { FACTS } from '../../scenarios/facts.ts';
import { callerOf, createWorld, type FakeCall, NOW_MS, TOKEN } from './fakeCall.ts';

const HEADERS = {
  authorization: `Bearer ${TOKEN}`,
  accept: 'application/vnd.atlas.2025-03-12+json',
  'api-key': TOKEN,
  'x-pinecone-api-version': '2026-04',
};
const GROUPS = '/api/atlas/v2/groups';
const GROUP = `${GROUPS}/65f1c0a4b7d2e3f40a1b2c01`;
const ORG = '5f0000000000000000000001';
const HOST = 'companies-x.svc.w1.pinecone.io';
const SECRETS = '/v1/projects/p/secrets';
const ROOT = 'projects/p/databases/(default)/documents';

const post = (path: string, body: object, more: Partial<FakeCall> = {}): FakeCall => ({
  method: 'POST',
  path,
  body,
  ...more,
});
const user = (n: number) =>
  post(`${GROUP}/databaseUsers`, {
    databaseName: 'admin',
    username: `c${n}`,
    password: 'correct horse',
    roles: [{ databaseName: 'admin', roleName: 'readAnyDatabase' }],
  });
const role = (n: number) =>
  post(`${GROUP}/customDBRoles/roles`, {
    roleName: `r${n}`,
    actions: [{ action: 'FIND', resources: [{ db: 'c1', collection: '' }] }],
  });
const cluster = (n: number, electableSpecs: object = { instanceSize: 'M30' }) =>
  post(`${GROUP}/clusters`, {
    name: `cluster${n}`,
    clusterType: 'REPLICASET',
    replicationSpecs: [
      { regionConfigs: [{ providerName: 'GCP', regionName: 'US_CENTRAL', priority: 7, electableSpecs }] },
    ],
  });
const namespace = (n: number) => post('/namespaces', { name: `c${n}` }, { host: HOST });
const upsert = (n: number) =>
  post('/vectors/upsert', { vectors: [{ id: 'a', values: [1, 0] }], namespace: `c${n}` }, { host: HOST });
const index = (n: number, serverless: object = { cloud: 'gcp', region: 'us-central1' }) =>
  post('/indexes', { name: `i${n}`, dimension: 2, spec: { serverless } }, { host: 'api.pinecone.io' });
const secret = (n: number) => post(`${SECRETS}?secretId=s${n}`, { replication: { automatic: {} } });
const database = (n: number) =>
  post(`/v1/projects/p/databases?databaseId=data-${n}`, { type: 'FIRESTORE_NATIVE', locationId: 'us-west1' });
const composite = (n: number) =>
  post('/v1/projects/p/databases/(default)/collectionGroups/docs/indexes', {
    queryScope: 'COLLECTION',
    fields: [
      { fieldPath: 'a', order: 'ASCENDING' },
      { fieldPath: `b${n}`, order: 'ASCENDING' },
    ],
  });

type Case = {
  readonly quota: string;
  readonly make: (world: World) => Service;
  readonly limits: Readonly<Record<string, number>>;
  readonly create: (n: number) => FakeCall;
  /** How many there are room for. */
  readonly room: number;
  readonly refusal: object;
};
const atlasRefusal = (errorCode: string, parameters: readonly unknown[]) => ({
  status: 403,
  body: { error: 403, errorCode, parameters, reason: 'Forbidden' },
});
const googleRefusal = (quota_limit: string, limit: number) => ({
  status: 429,
  body: {
    error: {
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          reason: 'RESOURCE_QUOTA_EXCEEDED',
          metadata: { quota_limit, quota_limit_value: String(limit) },
        },
      ],
    },
  },
});

const CASES: readonly Case[] = [
  {
    quota: 'database users of a project',
    make: atlas,
    limits: { 'quota.atlas.users': 2 },
    create: user,
    room: 2,
    refusal: atlasRefusal('GROUP_USERS_LIMIT_EXCEEDED', [2]),
  },
  {
    quota: 'custom roles of a project',
    make: atlas,
    limits: { 'quota.atlas.roles': 2 },
    create: role,
    room: 2,
    refusal: atlasRefusal('CUSTOM_ROLES_LIMIT_EXCEEDED', []),
  },
  {
    quota: 'clusters of a project',
    make: atlas,
    limits: { 'quota.atlas.clusters': 2, 'quota.atlas.billing': 50, 'price.atlas.m30': 0.54 },
    create: n => cluster(n),
    room: 2,
    refusal: atlasRefusal('MAX_CLUSTERS_PER_GROUP_EXCEEDED', [2]),
  },
  {
    quota: 'what the clusters of an organisation cost',
    make: atlas,
    limits: { 'quota.atlas.clusters': 25, 'quota.atlas.billing': 2, 'price.atlas.m30': 0.54 },
    create: n => cluster(n),
    room: 3,
    refusal: atlasRefusal('HOURLY_BILLING_LIMIT_EXCEEDED', []),
  },
  {
    quota: 'projects of an organisation',
    make: atlas,
    limits: { 'quota.atlas.projects': 2 },
    create: n => post(GROUPS, { name: `project${n}`, orgId: ORG }),
    room: 2,
    refusal: atlasRefusal('MAX_GROUPS_PER_ORG_EXCEEDED', [2]),
  },
  {
    quota: 'namespaces of an index',
    make: pinecone,
    limits: { 'quota.pinecone.namespaces': 3 },
    create: namespace,
    // The default one counts.
    room: 2,
    refusal: {
      status: 403,
      body: { code: 8, message: expect.stringMatching(/max namespaces allowed in .*companies-x \(3\)/) },
    },
  },
  {
    quota: 'namespaces of an index that come with their first record',
    make: pinecone,
    limits: { 'quota.pinecone.namespaces': 3, 'quota.pinecone.requests': 100 },
    create: upsert,
    room: 2,
    refusal: { status: 403, body: { code: 8 } },
  },
  {
    quota: 'indexes of a project',
    make: pinecone,
    limits: { 'quota.pinecone.indexes': 2 },
    create: n => index(n),
    room: 2,
    refusal: { status: 403, body: { status: 403, error: { code: 'QUOTA_EXCEEDED' } } },
  },
  {
    quota: 'databases of a project',
    make: firestore,
    limits: { 'quota.firestore.databases': 3 },
    create: database,
    room: 2,
    refusal: googleRefusal('DatabasesPerProject', 3),
  },
  {
    quota: 'composite indexes of a database',
    make: firestore,
    limits: { 'quota.firestore.composite-indexes': 2 },
    create: composite,
    room: 2,
    refusal: googleRefusal('CompositeIndexesPerDatabase', 2),
  },
];

describe.each(CASES)('the quota of $quota', ({ make, limits, create, room, refusal }) => {
  const open = (checked: boolean) => {
    const world = createWorld({ resourceQuotas: checked }, limits);
    return { world, call: callerOf(make(world), HEADERS) };
  };

  test('refuses one more than there is room for, and what is there stays as it is', () => {
    const { world, call } = open(true);
    for (let n = 0; n < room; n++) expect(call(create(n)).status).toBeLessThan(300);
    const before = world.ledger.entries.length;
    for (let i = 0; i < 2; i++) expect(call(create(room))).toMatchObject(refusal);
    expect(call(create(room)).quota).not.toBeUndefined();
    expect(world.ledger.entries).toHaveLength(before);
  });

  test('is not checked where nobody asks for it', () => {
    const { call } = open(false);
    for (let n = 0; n <= room; n++) expect(call(create(n)).status).toBeLessThan(300);
  });
});

describe('the limits of an Atlas project', () => {
  const limits = {
    'quota.atlas.users': 1,
    'quota.atlas.users-max': 3,
    'quota.atlas.roles': 1,
    'quota.atlas.roles-max': 2,
    'quota.atlas.clusters': 1,
    'quota.atlas.clusters-max': 2,
    'quota.atlas.billing': 50,
    'price.atlas.m30': 0.54,
  };
  const USERS = 'atlas.project.security.databaseAccess.users';
  const open = () => callerOf(atlas(createWorld({ resourceQuotas: true }, limits)), HEADERS);
  const set = (body: object, name = USERS): FakeCall => ({
    method: 'PATCH',
    path: `${GROUP}/limits/${name}`,
    body,
  });

  test('are told, raised as far as the vendor lets them be, and reset', () => {
    const call = open();
    call(user(1));
    const told = call({ method: 'GET', path: `${GROUP}/limits/${USERS}` });
    expect(told.body).toEqual({ name: USERS, value: 1, currentUsage: 1, defaultLimit: 1, maximumLimit: 3 });
    expect(call(user(2)).status).toBe(403);
    expect(call(set({ value: 2 })).body).toMatchObject({ value: 2, defaultLimit: 1 });
    expect(call(user(2)).status).toBe(201);
    expect(call(user(3))).toMatchObject({ status: 403, body: { parameters: [2] } });
    expect(call({ method: 'DELETE', path: `${GROUP}/limits/${USERS}` }).status).toBe(204);
    const all = call({ method: 'GET', path: `${GROUP}/limits` }).body as { name: string }[];
    expect(all.map(({ name }) => name.split('.').at(-1))).toEqual(['users', 'customRoles', 'clusters']);
    expect(all[0]).toMatchObject({ value: 1, currentUsage: 2 });
    // A limit that is below what there is takes nothing away.
    expect(call({ method: 'GET', path: `${GROUP}/databaseUsers` }).body.totalCount).toBe(2);
  });

  test('of one project are not those of another', () => {
    const call = open();
    call(set({ value: 2 }));
    const other = `${GROUPS}/65f1c0a4b7d2e3f40a1b2c02/limits/${USERS}`;
    expect(call({ method: 'GET', path: other }).body).toMatchObject({ value: 1, currentUsage: 0 });
  });

  test.each<[string, FakeCall, number, string]>([
    ['more than the vendor lets it be', set({ value: 4 }), 400, 'INVALID_ATTRIBUTE'],
    ['nothing', set({}), 400, 'INVALID_ATTRIBUTE'],
    ['none', set({ value: 0 }), 400, 'INVALID_ATTRIBUTE'],
    ['half a user', set({ value: 1.5 }), 400, 'INVALID_ATTRIBUTE'],
    ['a text', set({ value: '2' }), 400, 'INVALID_ATTRIBUTE'],
    ['the value of another limit', set({ value: 2, name: 'other' }), 400, 'INVALID_ATTRIBUTE'],
    ['an unknown attribute', set({ value: 2, max: 3 }), 400, 'INVALID_ATTRIBUTE'],
    ['a limit that is none', set({ value: 2 }, 'atlas.project.users'), 404, 'RESOURCE_NOT_FOUND'],
  ])('are not set to %s', (_what, request, status, errorCode) => {
    const call = open();
    expect(call(request)).toMatchObject({ status, body: { errorCode } });
    call(user(1));
    expect(call(user(2)).status).toBe(403);
  });

  test('leave room again for what is deleted', () => {
    const call = open();
    call(user(1));
    call({ method: 'DELETE', path: `${GROUP}/databaseUsers/admin/c1` });
    expect(call(user(2)).status).toBe(201);
    call(role(1));
    call({ method: 'DELETE', path: `${GROUP}/customDBRoles/roles/r1` });
    expect(call(role(2)).status).toBe(200);
  });
});

test('an Atlas cluster of more nodes, and of a larger tier, costs more of what an organisation may spend', () => {
  const prices = { 'price.atlas.m30': 0.54, 'price.atlas.m300': 21.85 };
  const limits = { 'quota.atlas.clusters': 25, 'quota.atlas.billing': 23, ...prices };
  const open = () => callerOf(atlas(createWorld({ resourceQuotas: true }, limits)), HEADERS);
  const large = { instanceSize: 'M300' };
  expect(open()(cluster(1, { ...large, nodeCount: 5 })).status).toBe(403);
  const call = open();
  expect([call(cluster(1, large)).status, call(cluster(2, large)).status]).toEqual([201, 403]);
  expect(call(cluster(2)).status).toBe(201);
});

describe('a bucket of tokens of Atlas', () => {
  const limits = {
    'quota.atlas.tokens.groups': 2,
    'quota.atlas.refill.groups': 1,
    'quota.atlas.tokens.clusters': 1,
    'quota.atlas.refill.clusters': 1,
    'quota.atlas.tokens.users': 2,
    'quota.atlas.refill.users': 1,
  };
  const open = () => callerOf(atlas(createWorld({ resourceQuotas: true }, limits)), HEADERS);
  const list = (atMs: number): FakeCall => ({ method: 'GET', path: GROUPS, atMs: NOW_MS + atMs });

  test('gives as many calls as it has tokens, and as many more a minute as it is refilled by', () => {
    const call = open();
    const statuses = [0, 1, 2, 59_999, 60_000, 60_001, 600_000, 600_001, 600_002].map(
      atMs => call(list(atMs)).status,
    );
    expect(statuses).toEqual([200, 200, 429, 429, 200, 429, 200, 200, 429]);
  });

  test('says in the vendor’s words which endpoints, when, how many and how fast', () => {
    const call = open();
    call(list(0));
    call(list(0));
    expect(call(list(5000))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '55' },
      body: {
        errorCode: 'RATE_LIMITED_TOKEN_BUCKET',
        parameters: ['api/atlas/v2/groups', 55, 2, 1, 60],
      },
    });
  });

  test('is one for each project where the vendor counts by project', () => {
    const call = open();
    const clusters = (group: string) => call({ method: 'GET', path: `${group}/clusters` }).status;
    const other = `${GROUPS}/65f1c0a4b7d2e3f40a1b2c02`;
    expect([clusters(GROUP), clusters(GROUP), clusters(other)]).toEqual([200, 429, 200]);
  });

  test('is one for all calls for the users of a project', () => {
    const call = open();
    const users = (path: string, group = GROUP) =>
      call({ method: 'GET', path: `${group}/databaseUsers${path}` }).status;
    const other = `${GROUPS}/65f1c0a4b7d2e3f40a1b2c02`;
    expect([users(''), users('/admin/c00001'), users(''), users('', other)]).toEqual([200, 404, 429, 200]);
  });
});

test.each([
  ['gcp', 'us-west1', 404],
  ['gcp', 'europe-west1', 404],
  ['aws', 'us-central1', 404],
  ['gcp', 'us-central1', 201],
  ['gcp', 'europe-west4', 201],
  ['azure', 'eastus2', 201],
])('Pinecone makes an index in %s %s: %i', (cloud, region, status) => {
  const world = createWorld({ resourceQuotas: true }, { 'quota.pinecone.indexes': 20 });
  const reply = callerOf(pinecone(world), HEADERS)(index(1, { cloud, region }));
  expect(reply.status).toBe(status);
  if (status === 404) expect(reply.body.error.message).toContain(`cloud: ${cloud} region: ${region}`);
});

describe('a namespace of Pinecone', () => {
  const limits = { 'quota.pinecone.requests': 2, 'quota.pinecone.namespaces': 100 };
  const KINDS: readonly (readonly [kind: string, path: string, body: object])[] = [
    ['Query', '/query', { vector: [1, 0], topK: 1 }],
    ['Upsert', '/vectors/upsert', { vectors: [{ id: 'a', values: [1, 0] }] }],
    ['Update', '/vectors/update', { id: 'a', values: [1, 0] }],
    ['Delete', '/vectors/delete', { ids: ['a'] }],
  ];

  test.each(KINDS)(
    'takes so many requests a second of the kind %s, and of the others as many',
    (kind, path, body) => {
      const call = callerOf(pinecone(createWorld({ resourceQuotas: true }, limits)), HEADERS);
      const start = Math.ceil(NOW_MS / 1000) * 1000;
      for (const namespace of ['c1', 'c2'])
        call(post('/namespaces', { name: namespace }, { host: HOST, atMs: start }));
      const send = (atMs: number, namespace = 'c1', to = path, content = body) =>
        call(post(to, { ...content, namespace }, { host: HOST, atMs: start + atMs }));
      expect([0, 500, 600, 999, 1000].map(atMs => send(atMs).status)).toEqual([200, 200, 429, 429, 200]);
      expect(send(1000, 'c2').status).toBe(200);
      send(1000);
      expect(send(1300)).toMatchObject({
        status: 429,
        headers: { 'retry-after': '1' },
        body: {
          code: 8,
          message: expect.stringMatching(new RegExp(`: ${kind}RequestsPerSecondPerNamespace$`)),
        },
      });
      for (const [other, to, content] of KINDS)
        expect([other, send(1300, 'c1', to, content).status]).toEqual([other, other === kind ? 429 : 200]);
    },
  );
});

test('every limit that is checked is in the catalogue', () => {
  const known = new Set(FACTS.map(({ id }) => id));
  const asked = CASES.flatMap(({ limits }) => Object.keys(limits));
  expect(asked.filter(id => !known.has(id))).toEqual([]);
  expect(asked.length).toBeGreaterThan(9);
});

describe('one secret', () => {
  const limits = { 'quota.secret-manager.version-writes': 120, 'quota.secret-manager.state-writes': 60 };
  const add = (n: number, atMs = 0) =>
    post(`${SECRETS}/s${n}:addVersion`, { payload: { data: btoa('x') } }, { atMs: NOW_MS + atMs });
  const disable = (version: number, atMs = 0) =>
    post(`${SECRETS}/s1/versions/${version}:disable`, {}, { atMs: NOW_MS + atMs });

  test('takes two versions at once and then one each half a second, without regard to other secrets', () => {
    const call = callerOf(secretManager(createWorld({ resourceQuotas: true }, limits)), HEADERS);
    for (const n of [1, 2]) call(secret(n));
    const statuses = [add(1), add(1), add(1), add(2), add(1, 499), add(1, 500), add(1, 501)].map(
      each => call(each).status,
    );
    expect(statuses).toEqual([200, 200, 429, 200, 429, 200, 429]);
    expect(call(add(1, 501))).toMatchObject({
      body: {
        error: {
          details: [
            { reason: 'RATE_LIMIT_EXCEEDED', metadata: { quota_limit: 'SecretWritesPerMinutePerSecret' } },
            { '@type': 'type.googleapis.com/google.rpc.Help' },
          ],
        },
      },
    });
  });

  test('changes the state of a version once a second, one early', () => {
    const call = callerOf(secretManager(createWorld({ resourceQuotas: true }, limits)), HEADERS);
    call(secret(1));
    for (let i = 0; i < 2; i++) call(add(1));
    const statuses = [disable(1), disable(1), disable(1), disable(2), disable(1, 1000)].map(
      each => call(each).status,
    );
    expect(statuses).toEqual([200, 200, 429, 200, 200]);
  });
});

describe('a commit to Firestore', () => {
  const limits = {
    'quota.firestore.request': 2000,
    'quota.firestore.document': 1000,
    'quota.firestore.ramp-start': 4,
    'quota.firestore.ramp-growth': 1.5,
    'quota.firestore.ramp-period': 300_000,
  };
  const write = (document: string, text = '') => ({
    update: { name: `${ROOT}/docs/${document}`, fields: { text: { stringValue: text } } },
  });
  const commit = (writes: readonly object[], atMs = 0) =>
    post(`/v1/${ROOT}:commit`, { writes }, { atMs: NOW_MS + atMs });
  const open = () => {
    const world = createWorld({ resourceQuotas: true }, limits);
    return { world, call: callerOf(firestore(world), HEADERS) };
  };

  // 16 + "docs" 5 + "d" 2, "text" 5, 1 for the text's end, 32: the vendor's own sum.
  test('of a document is refused from the byte on that is one too many', () => {
    const { world, call } = open();
    const overhead = 16 + 5 + 2 + 5 + 1 + 32;
    expect(call(commit([write('d', 'x'.repeat(1000 - overhead))])).status).toBe(200);
    expect(call(commit([write('d', 'x'.repeat(1001 - overhead))]))).toMatchObject({
      status: 400,
      body: { error: { status: 'INVALID_ARGUMENT' } },
    });
    // Two bytes each in UTF-8.
    expect(call(commit([write('d', 'é'.repeat(500 - overhead / 2 + 1))])).status).toBe(400);
    expect(world.ledger.entries).toHaveLength(1);
  });

  test('is refused as a whole when the request is too large', () => {
    const { world, call } = open();
    const writes = ['a', 'b', 'c'].map(document => write(document, 'x'.repeat(700)));
    expect(call(commit(writes)).status).toBe(400);
    expect(world.ledger.entries).toEqual([]);
  });

  test('is aborted when a collection grows faster than 500/50/5, and only there', () => {
    const { world, call } = open();
    const four = ['a', 'b', 'c', 'd'].map(document => write(document));
    expect(call(commit(four)).status).toBe(200);
    expect(call(commit([write('e')]))).toMatchObject({
      status: 409,
      body: { error: { status: 'ABORTED' } },
    });
    const other = { update: { name: `${ROOT}/other/a`, fields: {} } };
    expect(call(commit([other])).status).toBe(200);
    expect(call(commit([write('e')], 249)).status).toBe(409);
    expect(call(commit([write('e')], 250)).status).toBe(200);
    // Five minutes later it takes six a second, and five minutes after that nine.
    const many = (n: number) => Array.from({ length: n }, (_, i) => write(`m${i}`));
    expect(call(commit(many(7), 300_000)).status).toBe(409);
    expect(call(commit(many(6), 300_000)).status).toBe(200);
    expect(call(commit(many(9), 600_000)).status).toBe(200);
    expect(world.ledger.entries.filter(({ name }) => name.endsWith('/docs/e'))).toHaveLength(1);
  });
});
