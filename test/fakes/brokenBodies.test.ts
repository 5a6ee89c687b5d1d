// Every value of a good body is broken in turn, by another type, by nothing and by an unknown name beside it: a fake
// answers as its vendor does, and never breaks itself.

import { expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { firestore } from '../../fakes/firestore.ts';
import { kms } from '../../fakes/kms.ts';
import { pinecone } from '../../fakes/pinecone.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Service, World } from '../../fakes/service.ts';
import { callerOf, createWorld, DOMAIN, TOKEN, ZONE_ID } from './fakeCall.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type More = {
  readonly method?: string;
  /** What must be there first, by POST. */
  readonly before?: readonly (readonly [path: string, body: Json])[];
  /** Facts that the call asks for. */
  readonly limits?: Readonly<Record<string, number>>;
};
type Good = readonly [make: (world: World) => Service, path: string, body: Json, more?: More];

const ROOT = 'projects/p/databases/(default)/documents';
const GROUP = '/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01';
const filter = { fieldFilter: { field: { fieldPath: 'a' }, op: 'EQUAL', value: { stringValue: 'x' } } };
const fields = [
  { fieldPath: 'a', order: 'ASCENDING' },
  { fieldPath: 'b', arrayConfig: 'CONTAINS' },
];
const electableSpecs = { instanceSize: 'M10', nodeCount: 3 };
const regionConfigs = [{ providerName: 'GCP', regionName: 'US_CENTRAL', priority: 7, electableSpecs }];
const actions = [{ action: 'FIND', resources: [{ db: 'c1', collection: '' }] }];
const vectors = [{ id: 'a', values: [1, 0], metadata: { a: 'x', b: ['y'] } }];
const SERVICES = '/v2/projects/p/locations/us-west1/services';
const container = {
  name: 'c1',
  image: 'us-docker.pkg.dev/p/images/health:1',
  env: [{ name: 'COMPANY_ID', value: 'c1' }],
  ports: [{ name: 'h2c', containerPort: 8080 }],
  resources: { limits: { cpu: '2', memory: '4Gi' }, cpuIdle: true, startupCpuBoost: true },
};
const template = {
  revision: 's-green',
  labels: { company: 'c1' },
  annotations: { 'a.b/c': 'd' },
  containers: [container],
  scaling: { minInstanceCount: 1, maxInstanceCount: 5 },
  maxInstanceRequestConcurrency: 1000,
  timeout: '300s',
};
const ZONE = `/client/v4/zones/${ZONE_ID}`;
const zones = (world: World) => cloudflare(world).service;
const alias = {
  type: 'CNAME',
  name: `c1.${DOMAIN}`,
  content: 'a.run.app',
  ttl: 1,
  proxied: true,
  comment: 'a',
};
const ssl = { method: 'http', type: 'dv', certificate_authority: 'google', settings: { http2: 'on' } };
const permission = { effect: 'allow', permission_groups: [{ id: 'a' }], resources: { all: '*' } };
const serverless = { cloud: 'gcp', region: 'us-central1', read_capacity: { mode: 'OnDemand' } };

const secret = { replication: { automatic: {} }, labels: { company: 'c1' } };
const KEYS = '/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
const key = {
  purpose: 'ENCRYPT_DECRYPT',
  labels: { company: 'c1' },
  versionTemplate: { algorithm: 'GOOGLE_SYMMETRIC_ENCRYPTION', protectionLevel: 'SOFTWARE' },
  destroyScheduledDuration: '86400s',
};
const user = {
  databaseName: 'admin',
  username: 'c1',
  password: 'correct horse',
  roles: [{ databaseName: 'admin', roleName: 'readAnyDatabase' }],
  labels: [{ key: 'company', value: 'c1' }],
};

const GOOD: Readonly<Record<string, Good>> = {
  'a secret': [
    secretManager,
    '/v1/projects/p/secrets?secretId=s',
    {
      replication: { userManaged: { replicas: [{ location: 'us-west1' }] } },
      labels: { company: 'c1' },
      annotations: { a: 'b' },
    },
  ],
  'a commit': [
    firestore,
    `/v1/${ROOT}:commit`,
    {
      writes: [
        {
          update: {
            name: `${ROOT}/a/b`,
            fields: { list: { arrayValue: { values: [{ integerValue: '1' }] } } },
          },
          currentDocument: { exists: false },
        },
      ],
    },
  ],
  'a commit with a mask and transforms': [
    firestore,
    `/v1/${ROOT}:commit`,
    {
      writes: [
        {
          update: { name: `${ROOT}/a/b`, fields: { a: { integerValue: '1' } } },
          updateMask: { fieldPaths: ['a'] },
          updateTransforms: [
            { fieldPath: 'b', increment: { integerValue: '1' } },
            { fieldPath: 'c', appendMissingElements: { values: [{ stringValue: 'x' }] } },
            { fieldPath: 'd', setToServerValue: 'REQUEST_TIME' },
          ],
        },
      ],
    },
  ],
  'the beginning of a transaction': [
    firestore,
    `/v1/${ROOT}:beginTransaction`,
    { options: { readWrite: {} } },
  ],
  'a batch of documents': [firestore, `/v1/${ROOT}:batchGet`, { documents: [`${ROOT}/a/b`] }],
  'a query': [
    firestore,
    `/v1/${ROOT}:runQuery`,
    {
      structuredQuery: {
        from: [{ collectionId: 'docs' }],
        where: { compositeFilter: { op: 'AND', filters: [filter] } },
        orderBy: [{ field: { fieldPath: 'a' }, direction: 'DESCENDING' }],
        limit: 5,
      },
    },
  ],
  'a service': [
    world => cloudRun(world).service,
    `${SERVICES}?serviceId=s`,
    {
      description: 'of a company',
      labels: { company: 'c1' },
      annotations: { a: 'b' },
      ingress: 'INGRESS_TRAFFIC_ALL',
      invokerIamDisabled: true,
      launchStage: 'GA',
      scaling: { scalingMode: 'MANUAL', manualInstanceCount: 3, minInstanceCount: 1, maxInstanceCount: 9 },
      template,
      traffic: [
        { type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION', revision: 's-green', percent: 60 },
        { type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST', percent: 40 },
      ],
      etag: '"0"',
      generation: '1',
      reconciling: false,
      urls: ['https://s'],
    },
  ],
  'a change of a service': [
    world => cloudRun(world).service,
    `${SERVICES}/s?updateMask=labels,scaling,template,traffic`,
    {
      labels: { company: 'c1' },
      scaling: { scalingMode: 'MANUAL', manualInstanceCount: 3 },
      template: { labels: { company: 'c2' }, containers: [container], timeout: '60s' },
      traffic: [{ type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST', percent: 100 }],
    },
    { method: 'PATCH', before: [[`${SERVICES}?serviceId=s`, { template: { containers: [container] } }]] },
  ],
  'a policy of a service': [
    world => cloudRun(world).service,
    `${SERVICES}/s:setIamPolicy`,
    { policy: { version: 1, bindings: [{ role: 'roles/run.invoker', members: ['allUsers'] }] } },
    { before: [[`${SERVICES}?serviceId=s`, { template: { containers: [container] } }]] },
  ],
  'a wait for an operation': [
    world => cloudRun(world).service,
    '/v2/projects/p/locations/us-west1/operations/00000001:wait',
    { timeout: '5s' },
    { before: [[`${SERVICES}?serviceId=s`, { template: { containers: [container] } }]] },
  ],
  'a composite index': [
    firestore,
    '/v1/projects/p/databases/(default)/collectionGroups/a/indexes',
    { queryScope: 'COLLECTION', fields },
  ],
  'an index of vectors': [
    pinecone,
    '/indexes',
    { name: 'a', dimension: 2, metric: 'cosine', spec: { serverless }, deletion_protection: 'enabled' },
  ],
  'a namespace': [pinecone, '/namespaces', { name: 'c1' }],
  'an upsert': [pinecone, '/vectors/upsert', { vectors, namespace: 'c1' }],
  'an update of a record': [
    pinecone,
    '/vectors/update',
    { id: 'a', values: [1, 0], setMetadata: { a: 'x' }, namespace: 'c1' },
  ],
  'a change of an index': [
    pinecone,
    '/indexes/a',
    { deletion_protection: 'enabled', tags: { tier: 'gold' } },
    {
      method: 'PATCH',
      before: [['/indexes', { name: 'a', dimension: 2, metric: 'cosine', spec: { serverless } }]],
    },
  ],
  'a search': [
    pinecone,
    '/query',
    {
      vector: [1, 0],
      topK: 1,
      namespace: 'c1',
      includeValues: true,
      filter: { $or: [{ a: { $in: ['x'] } }, { b: 'y' }] },
    },
  ],
  'a project': [atlas, '/api/atlas/v2/groups', { name: 'a', orgId: '5f0000000000000000000001' }],
  'a cluster': [
    atlas,
    `${GROUP}/clusters`,
    { name: 'a', clusterType: 'REPLICASET', replicationSpecs: [{ regionConfigs }] },
  ],
  'a change of a cluster': [
    atlas,
    `${GROUP}/clusters/a`,
    { terminationProtectionEnabled: true, replicationSpecs: [{ regionConfigs }] },
    {
      method: 'PATCH',
      before: [
        [
          `${GROUP}/clusters`,
          { name: 'a', clusterType: 'REPLICASET', replicationSpecs: [{ regionConfigs }] },
        ],
      ],
    },
  ],
  'a role': [atlas, `${GROUP}/customDBRoles/roles`, { roleName: 'r', actions }],
  'a user': [atlas, `${GROUP}/databaseUsers`, user],
  'a change of a user': [
    atlas,
    `${GROUP}/databaseUsers/admin/c1`,
    { roles: [{ databaseName: 'suspended', roleName: 'read' }], labels: user.labels },
    { method: 'PATCH', before: [[`${GROUP}/databaseUsers`, user]] },
  ],
  'a limit of a project': [
    atlas,
    `${GROUP}/limits/atlas.project.security.databaseAccess.users`,
    { name: 'atlas.project.security.databaseAccess.users', value: 7 },
    { method: 'PATCH', limits: { 'quota.atlas.users': 1, 'quota.atlas.users-max': 9 } },
  ],
  'a change of a secret': [
    secretManager,
    '/v1/projects/p/secrets/s?updateMask=labels,annotations',
    { labels: { company: 'c1' }, annotations: { a: 'b' } },
    { method: 'PATCH', before: [['/v1/projects/p/secrets?secretId=s', secret]] },
  ],
  'a payload': [
    secretManager,
    '/v1/projects/p/secrets/s:addVersion',
    { payload: { data: 'MTIzNDU2Nzg5', dataCrc32c: '3808858755' } },
    { before: [['/v1/projects/p/secrets?secretId=s', secret]] },
  ],
  'a key': [kms, `${KEYS}?cryptoKeyId=c1`, key],
  'a state of a version': [
    kms,
    `${KEYS}/c1/cryptoKeyVersions/1?updateMask=state`,
    { state: 'DISABLED' },
    { method: 'PATCH', before: [[`${KEYS}?cryptoKeyId=c1`, key]] },
  ],
  'a primary version': [
    kms,
    `${KEYS}/c1:updatePrimaryVersion`,
    { cryptoKeyVersionId: '2' },
    {
      before: [
        [`${KEYS}?cryptoKeyId=c1`, key],
        [`${KEYS}/c1/cryptoKeyVersions`, {}],
      ],
    },
  ],
  'labels of a key': [
    kms,
    `${KEYS}/c1?updateMask=labels`,
    { labels: { company: 'c1', tier: 'gold' } },
    { method: 'PATCH', before: [[`${KEYS}?cryptoKeyId=c1`, key]] },
  ],
  'a text to encrypt': [
    kms,
    `${KEYS}/c1:encrypt`,
    {
      plaintext: 'MTIzNDU2Nzg5',
      plaintextCrc32c: '3808858755',
      additionalAuthenticatedData: 'MTIzNDU2Nzg5',
      additionalAuthenticatedDataCrc32c: '3808858755',
    },
    { before: [[`${KEYS}?cryptoKeyId=c1`, key]] },
  ],
  'a database': [
    firestore,
    '/v1/projects/p/databases?databaseId=other',
    {
      type: 'FIRESTORE_NATIVE',
      locationId: 'us-west1',
      concurrencyMode: 'PESSIMISTIC',
      databaseEdition: 'STANDARD',
      deleteProtectionState: 'DELETE_PROTECTION_DISABLED',
    },
  ],
  'a rolling index': [
    atlas,
    `${GROUP}/clusters/a/index`,
    { db: 'c1', collection: 'agents', keys: [{ state: '1' }] },
  ],
  'a DNS record': [zones, `${ZONE}/dns_records`, alias],
  'a batch of DNS records': [zones, `${ZONE}/dns_records/batch`, { deletes: [], posts: [alias] }],
  'a custom hostname': [
    zones,
    `${ZONE}/custom_hostnames`,
    { hostname: `c1.${DOMAIN}`, ssl, custom_metadata: { company: 'c1' } },
  ],
  'a certificate pack': [
    zones,
    `${ZONE}/ssl/certificate_packs/order`,
    {
      ...{ type: 'advanced', hosts: [DOMAIN], validation_method: 'txt', validity_days: 90 },
      ...{ certificate_authority: 'google', cloudflare_branding: false },
    },
  ],
  'an API token': [
    zones,
    '/client/v4/user/tokens',
    { name: 'a', policies: [permission], expires_on: '2099-01-01T00:00:00Z' },
  ],
};

const HEADERS = {
  authorization: `Bearer ${TOKEN}`,
  accept: 'application/vnd.atlas.2025-03-12+json',
  'api-key': TOKEN,
  'x-pinecone-api-version': '2026-04',
};
const hostOf = (path: string) =>
  path.startsWith('/indexes')
    ? 'api.pinecone.io'
    : path.startsWith('/v1') || path.startsWith('/api') || path.startsWith('/client')
      ? undefined
      : 'a.b.pinecone.io';

/** What stands in for a value: every type that JSON has. */
const OTHERS: readonly Json[] = [true, 0, -1.5, '', '?', [], [null], {}, { x: 1 }];
/** Their content is the caller's own, of more than one type. */
const FREE =
  /^body\.(?:labels|annotations|tags|filter|setMetadata|custom_metadata|vectors\[0\]\.metadata|policies\[0\]\.resources)|\.fields has/;

type Broken = {
  readonly where: string;
  readonly body: Json;
  /** Missing, it may have been optional; as another value of its type, it may be as good. */
  readonly how: 'missing' | 'another value' | 'another type' | 'a name too many';
};

const typeOf = (value: Json) => (Array.isArray(value) ? 'array' : typeof value);

/** The body with one value after another broken. */
function* brokenIn(value: Json, at: string): Generator<Broken> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value))
    yield { where: `${at} has a name too many`, body: { ...value, unknownName: 1 }, how: 'a name too many' };
  for (const [name, item] of Object.entries(value)) {
    const where = Array.isArray(value) ? `${at}[${name}]` : `${at}.${name}`;
    const others = OTHERS.filter(other => JSON.stringify(other) !== JSON.stringify(item));
    const changes: Broken[] = [
      { where: `${where} = null`, body: null, how: 'missing' },
      ...others.map(
        (body): Broken => ({
          where: `${where} = ${JSON.stringify(body)}`,
          body,
          how: typeOf(body) === typeOf(item) ? 'another value' : 'another type',
        }),
      ),
      ...brokenIn(item, where),
    ];
    for (const change of changes) yield { ...change, body: withOne(value, name, change.body) };
    if (Array.isArray(value)) continue;
    const { [name]: _, ...rest } = value;
    yield { where: `no ${where}`, body: rest, how: 'missing' };
  }
}

function withOne(value: Json[] | { [name: string]: Json }, name: string, body: Json): Json {
  return Array.isArray(value)
    ? value.map((each, i) => (i === Number(name) ? body : each))
    : { ...value, [name]: body };
}

test.each(Object.entries(GOOD))('%s', (_what, [make, path, good, more = {}]) => {
  const send = (body: Json) => {
    const world = createWorld(more.limits === undefined ? {} : { resourceQuotas: true }, more.limits);
    const caller = callerOf(make(world), HEADERS);
    const call = (method: string, to: string, content: Json) => {
      const host = hostOf(to);
      return caller({ method, path: to, body: content, ...(host !== undefined && { host }) });
    };
    for (const [first, content] of more.before ?? []) call('POST', first, content);
    const before = world.ledger.entries.length;
    const { status } = call(more.method ?? 'POST', path, body);
    return { status, effects: world.ledger.entries.length - before };
  };
  expect(send(good).status).toBeLessThan(300);
  const all = [...brokenIn(good, 'body')];
  expect(all.length).toBeGreaterThan(5);
  for (const { where, body, how } of all) {
    const { status, effects } = send(body);
    expect([200, 201, 202, 204, 400, 404, 409, 422, 501], where).toContain(status);
    if (status >= 300) expect(effects, where).toBe(0);
    else if (!FREE.test(where)) expect(how, where).toMatch(/missing|another value/);
  }
});

test.each(Object.entries(GOOD))('%s is refused to another token', (_what, [make, path, body, more = {}]) => {
  const world = createWorld(more.limits === undefined ? {} : { resourceQuotas: true }, more.limits);
  const stranger = Object.fromEntries(
    Object.entries(HEADERS).map(([name, value]) => [name, value.replace(TOKEN, 'other')]),
  );
  const host = hostOf(path);
  const call = { method: more.method ?? 'POST', path, body, ...(host !== undefined && { host }) };
  // Cloudflare knows no 401.
  const status = path.startsWith('/client/v4') ? 403 : 401;
  expect(callerOf(make(world), stranger)(call).status).toBe(status);
  expect(world.ledger.entries).toEqual([]);
});

test.each(Object.entries(GOOD))(
  '%s is refused as bytes that are none, and as a JSON without end',
  (_what, entry) => {
    const [make, path, , more = {}] = entry;
    const host = hostOf(path);
    const levels = 50_000;
    for (const body of [
      new Uint8Array([0xff, 0xfe]),
      `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`,
      `{"a":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`,
      '[]',
      'null',
    ]) {
      const world = createWorld(more.limits === undefined ? {} : { resourceQuotas: true }, more.limits);
      const call = { method: more.method ?? 'POST', path, body, ...(host !== undefined && { host }) };
      expect(callerOf(make(world), HEADERS)(call).status).toBe(400);
      expect(world.ledger.entries).toEqual([]);
    }
  },
);

test('a text within a body may have any number of brackets', () => {
  const values = Array(1000).fill(1);
  const body = { vectors: [{ id: 'a', values, metadata: { a: `${'[{'.repeat(200)}\\"` } }] };
  const caller = callerOf(pinecone(createWorld()), HEADERS);
  expect(JSON.stringify(body).length).toBeGreaterThan(2048);
  expect(caller({ method: 'POST', path: '/vectors/upsert', body, host: 'a.b.pinecone.io' }).status).toBe(200);
});
