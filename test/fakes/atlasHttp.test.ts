// The Atlas Administration API over HTTP on loopback. The vendor has no client for TypeScript, so this is a client made
// after its documentation: a service account's token, the versioned media type, one envelope for every error.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { type OverHttp, serveCloud } from './overHttp.ts';

const MEDIA_TYPE = 'application/vnd.atlas.2025-03-12+json';
const CLIENT = `mdb_sa_id_${'a1'.repeat(12)}`;
const ORG = '5f0000000000000000000001';
/** The speed limit of the fakes: a cluster is made in some tens of milliseconds. */
const FAST = 10_000;
const HOUR_MS = 3_600_000;

let server: OverHttp;
let token: string;

// biome-ignore lint/suspicious/noExplicitAny: tests read into it
type Answer = { readonly status: number; readonly type: string | null; readonly body: any };

async function send(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(`${server.urls.atlas}${path}`, init);
  const text = await response.text();
  const type = response.headers.get('content-type');
  return { status: response.status, type, body: text === '' ? undefined : JSON.parse(text) };
}

const call = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  send(`/api/atlas/v2${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: MEDIA_TYPE,
      ...(body && { 'content-type': MEDIA_TYPE }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });

const basic = (client: string, secret: string) => `Basic ${btoa(`${client}:${secret}`)}`;
const GRANT = { grant_type: 'client_credentials' };
const askToken = (form: Record<string, string> = GRANT, authorization = basic(CLIENT, TOKEN)) =>
  send('/api/oauth/token', { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) });

/** As the documentation has every error: the code, and its status as a number beside it. */
async function refusal(answer: Answer | Promise<Answer>): Promise<string> {
  const { status, body } = await answer;
  if (status < 400) return 'done';
  expect(Object.keys(body).sort()).toEqual(['detail', 'error', 'errorCode', 'parameters', 'reason']);
  expect(body.error).toBe(status);
  return `${status} ${body.errorCode}`;
}

beforeAll(async () => {
  server = await serveCloud();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.setSpeed(1);
  token = (await askToken()).body.access_token;
});

/** Until the fakes' clock has gone on by so much, and on a busy machine by more: a token may have run out by then. */
async function pass(ms: number) {
  await server.setSpeed(FAST);
  await new Promise(resolve => setTimeout(resolve, (1.1 * ms) / FAST));
  await server.setSpeed(1);
}

describe('an access token', () => {
  test('is bought with a service account, is good for an hour and refused after', async () => {
    const { status, body } = await askToken();
    expect(status).toBe(200);
    expect(body).toEqual({ access_token: expect.any(String), expires_in: 3600, token_type: 'Bearer' });
    token = body.access_token;
    expect((await call('GET', '/groups')).status).toBe(200);
    await pass(HOUR_MS);
    expect(await refusal(call('GET', '/groups'))).toBe('401 USER_UNAUTHORIZED');
    token = (await askToken()).body.access_token;
    expect((await call('GET', '/groups')).status).toBe(200);
  });

  test.each<[string, Record<string, string>, string, number, string]>([
    ['another secret', GRANT, basic(CLIENT, 'other'), 401, 'invalid_client'],
    ['an id that is none', GRANT, basic('me', TOKEN), 401, 'invalid_client'],
    ['a bearer token', GRANT, `Bearer ${TOKEN}`, 401, 'invalid_client'],
    ['what is not base64', GRANT, 'Basic ?', 401, 'invalid_client'],
    ['no grant', {}, basic(CLIENT, TOKEN), 400, 'invalid_request'],
    ['another grant', { grant_type: 'password' }, basic(CLIENT, TOKEN), 400, 'unsupported_grant_type'],
    ['a scope', { ...GRANT, scope: 'all' }, basic(CLIENT, TOKEN), 400, 'invalid_request'],
  ])('is not given for %s', async (_what, form, authorization, status, error) => {
    expect(await askToken(form, authorization)).toMatchObject({ status, body: { error } });
  });

  test('is not given for JSON', async () => {
    const headers = { authorization: basic(CLIENT, TOKEN), 'content-type': 'application/json' };
    const answer = send('/api/oauth/token', { method: 'POST', headers, body: JSON.stringify(GRANT) });
    expect((await answer).status).toBe(400);
  });
});

let n = 0;
async function createProject(): Promise<string> {
  const { status, body } = await call('POST', '/groups', {
    name: `project-${++n}`,
    orgId: ORG,
  });
  expect(status).toBe(201);
  return body.id;
}

describe('a project', () => {
  test('is created, got, listed and deleted', async () => {
    const id = await createProject();
    const { type, body } = await call('GET', `/groups/${id}`);
    expect(type).toBe(`${MEDIA_TYPE};charset=utf-8`);
    expect(body).toMatchObject({ id, name: `project-${n}`, orgId: ORG, clusterCount: 0 });
    const other = await createProject();
    const page = (number: number) => call('GET', `/groups?itemsPerPage=1&pageNum=${number}`);
    expect((await page(1)).body).toMatchObject({ results: [{ id }], totalCount: 2 });
    expect((await page(2)).body.results).toMatchObject([{ id: other }]);
    const first = (await call('GET', '/groups?itemsPerPage=1&includeCount=false')).body;
    expect(first).not.toHaveProperty('totalCount');
    expect(first.links.map(({ rel }: { rel: string }) => rel)).toEqual(['self', 'next']);
    const next = await fetch(first.links[1].href, {
      headers: { authorization: `Bearer ${token}`, accept: MEDIA_TYPE },
    });
    expect(await next.json()).toMatchObject({
      results: [{ id: other }],
      links: [{ rel: 'previous' }, { rel: 'self', href: first.links[1].href }],
    });
    for (const each of [id, other]) expect((await call('DELETE', `/groups/${each}`)).status).toBe(204);
    expect(await refusal(call('GET', `/groups/${id}`))).toBe('404 GROUP_NOT_FOUND');
    expect(await refusal(call('GET', `/groups/${id}/databaseUsers`))).toBe('404 GROUP_NOT_FOUND');
    expect(server.cloud.ledger.entries.slice(-2).map(({ kind, effect }) => `${effect} ${kind}`)).toEqual([
      'deleted project',
      'deleted project',
    ]);
  });

  const PROJECT = { name: 'fresh', orgId: ORG };
  test.each<[string, object, string]>([
    ['without a name', { name: undefined }, '400 MISSING_ATTRIBUTE'],
    ['without an organization', { orgId: undefined }, '400 MISSING_ATTRIBUTE'],
    ['with a name of 65 characters', { name: 'x'.repeat(65) }, '400 INVALID_ATTRIBUTE'],
    ['with a slash in its name', { name: 'a/b' }, '400 INVALID_ATTRIBUTE'],
    ['of an organization that is none', { orgId: 'mine' }, '404 INVALID_ORG_ID'],
    ['with an unknown attribute', { owner: 'me' }, '400 INVALID_ATTRIBUTE'],
  ])('%s is refused', async (_what, change, expected) => {
    const before = server.cloud.ledger.entries.length;
    expect(await refusal(call('POST', '/groups', { ...PROJECT, ...change }))).toBe(expected);
    expect(server.cloud.ledger.entries).toHaveLength(before);
  });

  test('has its name once in an organization', async () => {
    await createProject();
    const again = call('POST', '/groups', { name: `project-${n}`, orgId: ORG });
    expect(await refusal(again)).toBe('409 GROUP_ALREADY_EXISTS');
    const elsewhere = call('POST', '/groups', { name: `project-${n}`, orgId: ORG.replace('5f', '6f') });
    expect((await elsewhere).status).toBe(201);
  });
});

const region = { providerName: 'GCP', regionName: 'US_CENTRAL', priority: 7 };
const regionConfigs = [{ ...region, electableSpecs: { instanceSize: 'M10', nodeCount: 3 } }];
const CLUSTER = { name: 'companies', clusterType: 'REPLICASET', replicationSpecs: [{ regionConfigs }] };

describe('a cluster', () => {
  test('takes its time to be there and to be gone, and its project stays that long', async () => {
    const clusters = `/groups/${await createProject()}/clusters`;
    const made = await call('POST', clusters, CLUSTER);
    expect(made).toMatchObject({ status: 201, body: { ...CLUSTER, stateName: 'CREATING' } });
    expect(await refusal(call('POST', clusters, CLUSTER))).toBe('400 DUPLICATE_CLUSTER_NAME');
    const get = () => call('GET', `${clusters}/companies`);
    expect((await get()).body.connectionStrings).toEqual({});
    await pass(HOUR_MS / 2);
    token = (await askToken()).body.access_token;
    expect((await get()).body).toMatchObject({
      stateName: 'IDLE',
      connectionStrings: { standardSrv: expect.stringMatching(/^mongodb\+srv:/) },
    });
    expect((await call('GET', clusters)).body).toMatchObject({
      totalCount: 1,
      results: [{ name: 'companies' }],
    });
    const project = clusters.replace('/clusters', '');
    expect(await refusal(call('DELETE', project))).toBe('409 CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS');
    expect((await call('DELETE', `${clusters}/companies`)).status).toBe(202);
    expect((await get()).body.stateName).toBe('DELETING');
    const again = call('DELETE', `${clusters}/companies`);
    expect(await refusal(again)).toBe('400 CLUSTER_ALREADY_REQUESTED_DELETION');
    expect(await refusal(call('DELETE', project))).toBe('409 CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS');
    await pass(HOUR_MS / 2);
    token = (await askToken()).body.access_token;
    expect(await refusal(get())).toBe('404 CLUSTER_NOT_FOUND');
    expect((await call('DELETE', project)).status).toBe(204);
  });

  test('that is protected stays', async () => {
    const clusters = `/groups/${await createProject()}/clusters`;
    await call('POST', clusters, { ...CLUSTER, terminationProtectionEnabled: true });
    expect(await refusal(call('DELETE', `${clusters}/companies`))).toBe(
      '400 CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED',
    );
  });

  const inRegion = (change: object) => ({
    replicationSpecs: [{ regionConfigs: [{ ...regionConfigs[0], ...change }] }],
  });
  test.each<[string, object, string]>([
    ['no name', { name: undefined }, '400 MISSING_ATTRIBUTE'],
    ['a name with a space', { name: 'a b' }, '400 INVALID_ATTRIBUTE'],
    ['no type', { clusterType: undefined }, '400 MISSING_ATTRIBUTE'],
    ['another type', { clusterType: 'RING' }, '400 INVALID_ENUM_VALUE'],
    ['shards, which the fake does not cover', { clusterType: 'SHARDED' }, '501 UNSUPPORTED'],
    ['no region', { replicationSpecs: [{}] }, '400 INVALID_ATTRIBUTE'],
    ['another provider', inRegion({ providerName: 'OWN' }), '400 INVALID_ENUM_VALUE'],
    [
      "a region in the provider's own spelling",
      inRegion({ regionName: 'us-central1' }),
      '400 INVALID_ATTRIBUTE',
    ],
    ['a priority below the highest', inRegion({ priority: 6 }), '400 INVALID_ATTRIBUTE'],
    ['no size', inRegion({ electableSpecs: { nodeCount: 3 } }), '400 INVALID_ENUM_VALUE'],
    [
      'two nodes',
      inRegion({ electableSpecs: { instanceSize: 'M10', nodeCount: 2 } }),
      '400 INVALID_ATTRIBUTE',
    ],
    ['protection in words', { terminationProtectionEnabled: 'yes' }, '400 INVALID_ATTRIBUTE'],
    ['an unknown attribute', { stateName: 'IDLE' }, '400 INVALID_ATTRIBUTE'],
  ])('with %s is refused', async (_what, change, expected) => {
    const clusters = `/groups/${await createProject()}/clusters`;
    const before = server.cloud.ledger.entries.length;
    expect(await refusal(call('POST', clusters, { ...CLUSTER, ...change }))).toBe(expected);
    expect(server.cloud.ledger.entries).toHaveLength(before);
  });
});

test('roles, users and indexes are made in a project, listed and taken away', async () => {
  const project = await createProject();
  const group = `/groups/${project}`;
  const actions = [{ action: 'FIND', resources: [{ db: 'c1', collection: '' }] }];
  const role = { roleName: 'company-c1', actions };
  const roles = `${group}/customDBRoles/roles`;
  expect((await call('POST', roles, role)).status).toBe(200);
  expect((await call('GET', roles)).body).toMatchObject([role]);
  expect((await call('GET', `${roles}/company-c1`)).body).toMatchObject(role);
  const user = {
    databaseName: 'admin',
    username: 'c1',
    roles: [{ databaseName: 'admin', roleName: 'company-c1' }],
  };
  const users = `${group}/databaseUsers`;
  expect((await call('POST', users, { ...user, password: 'correct horse' })).status).toBe(201);
  expect((await call('GET', users)).body).toMatchObject({ totalCount: 1, results: [user] });
  expect((await call('GET', `${users}/admin/c1`)).body).toMatchObject({ ...user, groupId: project });
  const other = await createProject();
  expect((await call('GET', `/groups/${other}/databaseUsers`)).body.totalCount).toBe(0);
  expect(await refusal(call('DELETE', group))).toBe('501 UNSUPPORTED');

  const index = { db: 'c1', collection: 'agents', keys: [{ state: '1' }] };
  const indexes = `${group}/clusters/companies/index`;
  expect(await refusal(call('POST', indexes, index))).toBe('404 CLUSTER_NOT_FOUND');
  await call('POST', `${group}/clusters`, CLUSTER);
  expect((await call('POST', indexes, index)).status).toBe(202);
  expect(await refusal(call('POST', indexes, index))).toBe('409 INDEX_ALREADY_EXISTS');

  expect(await refusal(call('DELETE', `${roles}/company-c1`))).toBe('409 ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS');
  expect((await call('DELETE', `${users}/admin/c1`)).status).toBe(204);
  expect((await call('DELETE', `${roles}/company-c1`)).status).toBe(204);
  expect(await refusal(call('GET', `${users}/admin/c1`))).toBe('404 USERNAME_NOT_FOUND');
});

describe('a user', () => {
  const actions = [{ action: 'FIND', resources: [{ db: 'c1', collection: '' }] }];
  const roles = [{ databaseName: 'admin', roleName: 'company-c1' }];
  const labels = [{ key: 'company', value: 'c1' }];
  const USER = { databaseName: 'admin', username: 'c1', password: 'correct horse', roles, labels };
  const open = async () => {
    const group = `/groups/${await createProject()}`;
    await call('POST', `${group}/customDBRoles/roles`, { roleName: 'company-c1', actions });
    await call('POST', `${group}/databaseUsers`, USER);
    return { group, user: `${group}/databaseUsers/admin/c1` };
  };

  test('is changed in what is given, and its old roles are free', async () => {
    const { group, user } = await open();
    const none = [{ databaseName: 'suspended', roleName: 'read' }];
    const changed = await call('PATCH', user, { roles: none });
    expect(changed).toMatchObject({ status: 200, body: { username: 'c1', roles: none, labels } });
    expect((await call('GET', user)).body).toEqual(changed.body);
    expect(server.cloud.ledger.entries.at(-1)).toMatchObject({
      effect: 'changed',
      company: 'c1',
      detail: 'read',
    });
    const role = `${group}/customDBRoles/roles/company-c1`;
    expect((await call('PATCH', user, { roles })).body.roles).toEqual(roles);
    expect(await refusal(call('DELETE', role))).toBe('409 ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS');
    expect((await call('PATCH', user, { password: 'another horse' })).body).toMatchObject({ roles, labels });
    await call('PATCH', user, { roles: none });
    expect((await call('DELETE', role)).status).toBe(204);
  });

  test.each<[string, object, string]>([
    ['no role', { roles: [] }, '400 INVALID_ATTRIBUTE'],
    [
      'a role that is not there',
      { roles: [{ databaseName: 'admin', roleName: 'x' }] },
      '400 ATLAS_INVALID_ROLE',
    ],
    [
      'a custom role of a database',
      { roles: [{ databaseName: 'c1', roleName: 'company-c1' }] },
      '400 ATLAS_INVALID_ROLE',
    ],
    ['a short password', { password: 'short' }, '400 INVALID_ATTRIBUTE'],
    ['another name', { username: 'c2' }, '409 DATABASE_USERNAME_CANNOT_BE_CHANGED'],
    ['another database', { databaseName: 'c1' }, '409 DATABASE_NAME_CANNOT_BE_CHANGED'],
    ['an unknown attribute', { enabled: false }, '400 INVALID_ATTRIBUTE'],
  ])('is not given %s', async (_what, change, expected) => {
    const { user } = await open();
    const before = (await call('GET', user)).body;
    expect(await refusal(call('PATCH', user, change))).toBe(expected);
    expect((await call('GET', user)).body).toEqual(before);
  });

  test('that has another role besides is no reason to keep the first, and only loses it', async () => {
    const { group, user } = await open();
    const role = `${group}/customDBRoles/roles/company-c1`;
    const read = { databaseName: 'c1', roleName: 'read' };
    await call('PATCH', user, { roles: [...roles, read] });
    expect((await call('DELETE', role)).status).toBe(204);
    expect((await call('GET', user)).body).toMatchObject({ roles: [read], labels });
    expect(server.cloud.ledger.entries.slice(-2)).toMatchObject([
      { kind: 'databaseUser', effect: 'changed', company: 'c1', detail: 'read' },
      { kind: 'databaseRole', effect: 'deleted' },
    ]);
  });

  test('that is not there is not changed', async () => {
    const { group } = await open();
    const absent = call('PATCH', `${group}/databaseUsers/admin/c2`, { roles });
    expect(await refusal(absent)).toBe('404 USERNAME_NOT_FOUND');
  });
});

test('the limits of a project are told by name', async () => {
  const limits = `/groups/${await createProject()}/limits`;
  const name = 'atlas.project.security.databaseAccess.users';
  const told = { name, value: 100, currentUsage: 0, defaultLimit: 100, maximumLimit: 900 };
  expect((await call('GET', `${limits}/${name}`)).body).toEqual(told);
  expect((await call('PATCH', `${limits}/${name}`, { value: 900 })).body).toEqual({ ...told, value: 900 });
  expect(await refusal(call('PATCH', `${limits}/${name}`, { value: 901 }))).toBe('400 INVALID_ATTRIBUTE');
  expect((await call('DELETE', `${limits}/${name}`)).status).toBe(204);
  expect((await call('GET', limits)).body[0]).toEqual(told);
});

test.each<[string, string, Record<string, string>, string]>([
  ['another token', '/groups', { authorization: 'Bearer other' }, '401 USER_UNAUTHORIZED'],
  ['plain JSON', '/groups', { accept: 'application/json' }, '406 INVALID_VERSION_DATE'],
  [
    'a version before the first',
    '/groups',
    { accept: 'application/vnd.atlas.2022-01-01+json' },
    '406 INVALID_VERSION_DATE',
  ],
  ['an id that is none', '/groups/mine', {}, '404 INVALID_GROUP_ID'],
  ['a count in words', '/groups?includeCount=perhaps', {}, '400 INVALID_QUERY_PARAMETER'],
  ['a page 0', '/groups?pageNum=0', {}, '400 INVALID_QUERY_PARAMETER'],
  ['a page of 501', '/groups?itemsPerPage=501', {}, '400 INVALID_QUERY_PARAMETER'],
])('%s is refused', async (_what, path, headers, expected) => {
  expect(await refusal(call('GET', path, undefined, headers))).toBe(expected);
});

test('a call that the fake does not cover is answered with 501', async () => {
  expect(await call('GET', '/orgs')).toMatchObject({
    status: 501,
    body: { error: expect.stringContaining('the fake atlas does not cover GET /api/atlas/v2/orgs') },
  });
});
