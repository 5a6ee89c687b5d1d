import { describe, expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { callerOf, createWorld, effectsOf, type FakeCall, TOKEN } from './fakeCall.ts';

const GROUP = '/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01';
const ROLES = `${GROUP}/customDBRoles/roles`;
const USERS = `${GROUP}/databaseUsers`;
const INDEX = `${GROUP}/clusters/companies-us-west1/index`;
const HEADERS = { authorization: `Bearer ${TOKEN}`, accept: 'application/vnd.atlas.2025-03-12+json' };
const ROLE = {
  roleName: 'company-c00042',
  actions: [{ action: 'FIND', resources: [{ db: 'c00042', collection: '' }] }],
};
const USER = {
  databaseName: 'admin',
  username: 'c00042',
  password: 'correct horse',
  roles: [{ databaseName: 'admin', roleName: 'company-c00042' }],
  labels: [{ key: 'company', value: 'c00042' }],
};
const KEYS = { db: 'c00042', collection: 'agents', keys: [{ state: '1' }, { at: '-1' }] };
const createRole: FakeCall = { method: 'POST', path: ROLES, body: ROLE };
const createUser: FakeCall = { method: 'POST', path: USERS, body: USER };
const createIndex: FakeCall = { method: 'POST', path: INDEX, body: KEYS };

function open() {
  const world = createWorld();
  return { world, call: callerOf(atlas(world), HEADERS) };
}

const LEDGER_GROUP = 'groups/65f1c0a4b7d2e3f40a1b2c01';

test('a role and its user are made, read and taken away, and the password is never told', () => {
  const { world, call } = open();
  expect(call(createRole)).toMatchObject({ status: 200, body: ROLE });
  const created = call(createUser);
  const { password, ...visible } = USER;
  expect(created).toMatchObject({ status: 201, body: visible });
  const read = call({ method: 'GET', path: `${USERS}/admin/c00042` });
  expect(read.body).toEqual(created.body);
  expect(JSON.stringify([created, read, world.ledger.entries])).not.toContain(password);
  expect(call({ method: 'GET', path: `${ROLES}/company-c00042` })).toMatchObject({ status: 200, body: ROLE });
  expect(call({ method: 'DELETE', path: `${USERS}/admin/c00042` })).toEqual({ status: 204, body: undefined });
  expect(call({ method: 'DELETE', path: `${ROLES}/company-c00042` })).toEqual({
    status: 204,
    body: undefined,
  });
  expect(effectsOf(world)).toEqual([
    `created databaseRole ${LEDGER_GROUP}/customDBRoles/roles/company-c00042 c00042`,
    `created databaseUser ${LEDGER_GROUP}/databaseUsers/admin/c00042 c00042`,
    `deleted databaseUser ${LEDGER_GROUP}/databaseUsers/admin/c00042 c00042`,
    `deleted databaseRole ${LEDGER_GROUP}/customDBRoles/roles/company-c00042 c00042`,
  ]);
});

test('a role in use cannot be deleted', () => {
  const { call } = open();
  call(createRole);
  call(createUser);
  const remove: FakeCall = { method: 'DELETE', path: `${ROLES}/company-c00042` };
  expect(call(remove)).toMatchObject({
    status: 409,
    body: { errorCode: 'ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS' },
  });
  call({ method: 'DELETE', path: `${USERS}/admin/c00042` });
  expect(call(remove).status).toBe(204);
});

test('an index is made once, under the name that its keys give', () => {
  const { world, call } = open();
  expect(call(createIndex)).toEqual({ status: 202, body: undefined });
  expect(call(createIndex)).toMatchObject({ status: 409, body: { errorCode: 'INDEX_ALREADY_EXISTS' } });
  expect(call({ ...createIndex, body: { ...KEYS, keys: [{ state: '-1' }] } }).status).toBe(202);
  const prefix = `created databaseIndex ${LEDGER_GROUP}/clusters/companies-us-west1/c00042.agents`;
  expect(effectsOf(world)).toEqual([`${prefix}/state_1_at_-1 c00042`, `${prefix}/state_-1 c00042`]);
});

test('an index belongs to the company of its database, whatever its collection is called', () => {
  const { world, call } = open();
  expect(call({ ...createIndex, body: { ...KEYS, collection: 'a/b.c' } }).status).toBe(202);
  expect(world.ledger.entries.at(-1)).toMatchObject({ kind: 'databaseIndex', company: 'c00042' });
});

test('a collection has 64 indexes at most', () => {
  const { call } = open();
  const replies = Array.from({ length: 65 }, (_, n) =>
    call({ ...createIndex, body: { ...KEYS, keys: [{ [`f${n}`]: '1' }] } }),
  );
  expect(replies.map(reply => reply.status)).toEqual([...Array(64).fill(202), 400]);
});

const resource = { db: 'c00042', collection: '' };

test.each<[string, FakeCall, object, number, string]>([
  ['a role without a name', createRole, { roleName: undefined }, 400, 'MISSING_ATTRIBUTE'],
  ['a role with a dot in its name', createRole, { roleName: 'a.b' }, 400, 'ATLAS_CUSTOM_ROLE_INVALID_NAME'],
  [
    'a role with a reserved name',
    createRole,
    { roleName: 'xgen-a' },
    400,
    'ATLAS_RESERVED_CUSTOM_ROLE_RESTRICTED',
  ],
  ['a role without actions', createRole, { actions: [] }, 400, 'ATLAS_CUSTOM_ROLE_HAS_NO_PERMISSIONS'],
  [
    'a role with an unknown action',
    createRole,
    { actions: [{ action: 'find', resources: [resource] }] },
    400,
    'INVALID_ENUM_VALUE',
  ],
  ['a role with nothing for an action', createRole, { actions: [null] }, 400, 'INVALID_ENUM_VALUE'],
  [
    'a role with an action twice',
    createRole,
    { actions: [...ROLE.actions, ...ROLE.actions] },
    400,
    'ATLAS_DUPLICATE_CUSTOM_ROLE_ACTION',
  ],
  [
    'a role without a resource',
    createRole,
    { actions: [{ action: 'FIND', resources: [] }] },
    400,
    'ATLAS_INVALID_RESOURCE',
  ],
  [
    'a role without a database',
    createRole,
    { actions: [{ action: 'FIND', resources: [{ collection: '' }] }] },
    400,
    'ATLAS_INVALID_RESOURCE',
  ],
  [
    'a role that inherits',
    createRole,
    { inheritedRoles: [{ db: 'admin', role: 'read' }] },
    400,
    'ATLAS_INVALID_CUSTOM_ROLE_INHERITANCE',
  ],
  ['a role with an unknown attribute', createRole, { role: 'a' }, 400, 'INVALID_ATTRIBUTE'],
  ['a user with an unknown attribute', createUser, { user: 'a' }, 400, 'INVALID_ATTRIBUTE'],
  ['an index with an unknown attribute', createIndex, { key: [] }, 400, 'INVALID_ATTRIBUTE'],
  ['the same role again', createRole, {}, 409, 'ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS'],
  ['a user without a database', createUser, { databaseName: undefined }, 400, 'MISSING_ATTRIBUTE'],
  ['a user of another database', createUser, { databaseName: 'c00042' }, 400, 'INVALID_DATABASE_NAME'],
  ['a user without a name', createUser, { username: undefined }, 400, 'MISSING_ATTRIBUTE'],
  ['a user with a space in the name', createUser, { username: 'c 42' }, 400, 'ATLAS_INVALID_USERNAME'],
  ['a user without a password', createUser, { password: undefined }, 400, 'MISSING_ATTRIBUTE'],
  ['a user with a password of 7 characters', createUser, { password: 'seven77' }, 400, 'INVALID_ATTRIBUTE'],
  ['a user without roles', createUser, { roles: undefined }, 400, 'MISSING_ATTRIBUTE'],
  ['a user with no role', createUser, { roles: [] }, 400, 'INVALID_ATTRIBUTE'],
  ['a user with a role that is none', createUser, { roles: ['company-c00042'] }, 400, 'INVALID_ATTRIBUTE'],
  [
    'a user with one role twice',
    createUser,
    { roles: [...USER.roles, ...USER.roles] },
    400,
    'DUPLICATE_DATABASE_ROLES',
  ],
  [
    'a user with a role that is not there',
    createUser,
    { roles: [{ databaseName: 'admin', roleName: 'company-c00043' }] },
    400,
    'ATLAS_INVALID_ROLE',
  ],
  [
    'a user with a role of another database',
    createUser,
    { roles: [{ databaseName: 'c00042', roleName: 'company-c00042' }] },
    400,
    'ATLAS_INVALID_ROLE',
  ],
  ['a user of another group', createUser, { groupId: '0'.repeat(24) }, 400, 'GROUP_MISMATCH'],
  [
    'a user with a label without a value',
    createUser,
    { labels: [{ key: 'company' }] },
    400,
    'INVALID_ATTRIBUTE',
  ],
  ['an index without a database', createIndex, { db: undefined }, 400, 'INVALID_DATABASE_NAME'],
  ['an index without a collection', createIndex, { collection: undefined }, 400, 'INVALID_COLLECTION_NAME'],
  [
    "an index on the server's own collection",
    createIndex,
    { collection: 'system.users' },
    400,
    'INVALID_COLLECTION_NAME',
  ],
  ['an index without keys', createIndex, { keys: [] }, 400, 'INVALID_ATTRIBUTE'],
  ['an index with a number for a direction', createIndex, { keys: [{ state: 1 }] }, 400, 'INVALID_ATTRIBUTE'],
  [
    'an index with two fields in one key',
    createIndex,
    { keys: [{ a: '1', b: '1' }] },
    400,
    'INVALID_ATTRIBUTE',
  ],
  ['a unique index, which cannot roll', createIndex, { options: { unique: true } }, 400, 'INVALID_ATTRIBUTE'],
])('%s is refused and leaves no trace', (_what, call, change, status, errorCode) => {
  const { world, call: send } = open();
  send(createRole);
  const before = effectsOf(world);
  const reply = send({ ...call, body: { ...(call.body as object), ...change } });
  expect(reply).toMatchObject({ status, body: { error: status, errorCode } });
  expect(Object.keys(reply.body).sort()).toEqual(['detail', 'error', 'errorCode', 'parameters', 'reason']);
  expect(effectsOf(world)).toEqual(before);
});

test('the same user again is refused', () => {
  const { call } = open();
  call(createRole);
  call(createUser);
  expect(call(createUser)).toMatchObject({
    status: 409,
    body: { errorCode: 'USER_ALREADY_EXISTS', parameters: ['c00042'] },
  });
});

describe('the door', () => {
  test.each<[string, Partial<FakeCall>, number, string]>([
    ['no token', { headers: { accept: HEADERS.accept } }, 401, 'USER_UNAUTHORIZED'],
    ['another token', { headers: { ...HEADERS, authorization: 'Bearer other' } }, 401, 'USER_UNAUTHORIZED'],
    ['no version', { headers: { authorization: HEADERS.authorization } }, 406, 'INVALID_VERSION_DATE'],
    ['plain JSON', { headers: { ...HEADERS, accept: 'application/json' } }, 406, 'INVALID_VERSION_DATE'],
    [
      'a version that is no date',
      { headers: { ...HEADERS, accept: 'application/vnd.atlas.2025-13-12+json' } },
      406,
      'INVALID_VERSION_DATE',
    ],
    [
      'a group that is no id',
      { path: '/api/atlas/v2/groups/mine/customDBRoles/roles' },
      404,
      'INVALID_GROUP_ID',
    ],
    ['a body that is no JSON', { body: '{' }, 400, 'INVALID_JSON'],
    [
      'a user that is not there',
      { method: 'GET', path: `${USERS}/admin/c00042`, body: undefined },
      404,
      'USERNAME_NOT_FOUND',
    ],
    [
      'a role that is not there',
      { method: 'DELETE', path: `${ROLES}/company-c00042`, body: undefined },
      404,
      'ATLAS_CUSTOM_ROLE_NOT_FOUND',
    ],
    [
      'a cluster that cannot be one',
      { path: `${GROUP}/clusters/-a/index`, body: KEYS },
      404,
      'CLUSTER_NOT_FOUND',
    ],
  ])('refuses %s', (_what, change, status, errorCode) => {
    const { world, call } = open();
    expect(call({ ...createRole, ...change })).toMatchObject({ status, body: { errorCode } });
    expect(world.ledger.entries).toEqual([]);
  });

  test('names the quota of a refusal and when to come back', () => {
    const rule = {
      name: 'databaseOperations',
      operations: ['atlas.customDbRoles.create'],
      perMinute: 60,
      scope: 'vendor',
    } as const;
    const call = callerOf(atlas(createWorld()), HEADERS, [rule]);
    const replies = ['a', 'b', 'c'].map(roleName => call({ ...createRole, body: { ...ROLE, roleName } }));
    expect(replies.map(reply => reply.status)).toEqual([200, 200, 429]);
    expect(replies[2]).toMatchObject({
      headers: { 'retry-after': '1' },
      body: { errorCode: 'RATE_LIMITED_TOKEN_BUCKET', parameters: ['databaseOperations', 1] },
    });
  });
});
