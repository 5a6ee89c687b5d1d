// MongoDB Atlas Administration API v2: custom database roles, database users and rolling indexes of a project. The API
// has no way to ask for an index nor to drop one; an index goes with its database. A user's password is not kept.
// Projects and clusters are in `atlasProjects.ts`, access tokens in `atlasTokens.ts`.

import { failure, invalidIndex, invalidRole, invalidUser, pageReply, type RoleRef } from './atlasChecks.ts';
import { createProjects } from './atlasProjects.ts';
import { createTokens } from './atlasTokens.ts';
import type { Effect } from './ledger.ts';
import type { QuotaRefusal } from './quota.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

type Action = {
  readonly action: string;
  readonly resources: readonly { db?: unknown; collection?: unknown; cluster?: unknown }[];
};
type Role = { readonly roleName: string; readonly actions: readonly Action[]; readonly users: Set<string> };
type User = {
  readonly username: string;
  readonly roles: readonly RoleRef[];
  readonly labels: readonly { key: string; value: string }[];
};

const GROUPS = '/api/atlas/v2/groups';
const GROUP = `${GROUPS}/:group`;
const CLUSTERS = `${GROUP}/clusters`;
const USERS = `${GROUP}/databaseUsers`;
const ROLES = `${GROUP}/customDBRoles/roles`;

/** The first of the dated versions has all that the fake covers. */
const ACCEPT = /^application\/vnd\.atlas\.(?:2023-(?:0[1-9]|1[0-2])|202[4-9]-(?:0[1-9]|1[0-2]))-\d\d\+json$/;
/** MongoDB's own limit for a collection. */
const INDEXES_MAX = 64;
/** What a creation is refused with when its name is taken. */
const TAKEN_CODES: Readonly<Record<string, string>> = {
  'atlas.databaseUsers.create': 'USER_ALREADY_EXISTS',
  'atlas.customDbRoles.create': 'ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS',
  'atlas.indexes.create': 'INDEX_ALREADY_EXISTS',
};
const BUILT_IN_ROLES = ['atlasAdmin', 'readWriteAnyDatabase', 'readAnyDatabase', 'clusterMonitor'];

export function atlas(world: World): Service {
  const roles = new Map<string, Role>();
  const users = new Map<string, User>();
  const indexes = new Map<string, Set<string>>();
  const projects = createProjects(world);
  const tokens = createTokens(world.token, world.issued);

  const note = (kind: string, name: string, company: string, effect: Effect, atMs: number, detail: string) =>
    world.ledger.write({ atMs, service: 'atlas', kind, name, company, effect, detail });
  const roleNameOf = (group: string, role: string) => `groups/${group}/customDBRoles/roles/${role}`;
  const userNameOf = (group: string, user: string) => `groups/${group}/databaseUsers/admin/${user}`;

  const createRole = ({ params, body, nowMs }: RouteContext): FakeReply => {
    const refusal = invalidRole(body);
    if (refusal !== undefined) return refusal;
    const { roleName, actions } = body;
    const name = roleNameOf(params.group, roleName);
    if (roles.has(name))
      return failure(
        409,
        'ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS',
        `A custom role with the name ${roleName} already exists.`,
        [roleName],
      );
    const role: Role = { roleName, actions, users: new Set() };
    roles.set(name, role);
    note('databaseRole', name, companyOfRole(roleName), 'created', nowMs, actionNames(role));
    return { status: 200, body: roleResource(role) };
  };

  const withRole =
    (handle: (name: string, role: Role, nowMs: number) => FakeReply) =>
    ({ params, nowMs }: RouteContext) => {
      const name = roleNameOf(params.group, params.role);
      const role = roles.get(name);
      return role === undefined
        ? failure(
            404,
            'ATLAS_CUSTOM_ROLE_NOT_FOUND',
            `The specified custom db role ${params.role} does not exist.`,
            [params.role],
          )
        : handle(name, role, nowMs);
    };

  const getRole = withRole((_name, role) => ({ status: 200, body: roleResource(role) }));

  const deleteRole = withRole((name, role, nowMs) => {
    if (role.users.size > 0) {
      const names = [...role.users].join(', ');
      return failure(
        409,
        'ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS',
        `Deleting specified custom role would leave the following users without a role: ${names}.`,
        [names],
      );
    }
    roles.delete(name);
    note('databaseRole', name, companyOfRole(role.roleName), 'deleted', nowMs, actionNames(role));
    return { status: 204, body: undefined };
  });

  const createUser = ({ params, body, nowMs }: RouteContext): FakeReply => {
    const { group } = params;
    const refusal = invalidUser(body, group);
    if (refusal !== undefined) return refusal;
    const { username, labels = [] } = body;
    const refs: readonly RoleRef[] = body.roles;
    const exists = ({ roleName }: RoleRef) =>
      BUILT_IN_ROLES.includes(roleName) || roles.has(roleNameOf(group, roleName));
    const missing = refs.find(ref => ref.databaseName !== 'admin' || !exists(ref));
    if (missing !== undefined) {
      const { roleName, databaseName } = missing;
      return failure(
        400,
        'ATLAS_INVALID_ROLE',
        `The specified role ${roleName}@${databaseName} does not exist.`,
        [roleName, databaseName],
      );
    }
    const name = userNameOf(group, username);
    if (users.has(name))
      return failure(409, 'USER_ALREADY_EXISTS', `A user with username ${username} already exists.`, [
        username,
      ]);
    const user: User = { username, roles: refs, labels };
    users.set(name, user);
    for (const { roleName } of refs) roles.get(roleNameOf(group, roleName))?.users.add(username);
    note('databaseUser', name, companyOfUser(user), 'created', nowMs, roleNames(user));
    return { status: 201, body: userResource(user, group) };
  };

  const withUser =
    (handle: (name: string, user: User, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { group, username } = context.params;
      const name = userNameOf(group, username);
      const user = users.get(name);
      return user === undefined
        ? failure(404, 'USERNAME_NOT_FOUND', `No user with username ${username} exists.`, [username])
        : handle(name, user, context);
    };

  const getUser = withUser((_name, user, { params }) => ({
    status: 200,
    body: userResource(user, params.group),
  }));

  const deleteUser = withUser((name, user, { params, nowMs }) => {
    users.delete(name);
    for (const { roleName } of user.roles)
      roles.get(roleNameOf(params.group, roleName))?.users.delete(user.username);
    note('databaseUser', name, companyOfUser(user), 'deleted', nowMs, roleNames(user));
    return { status: 204, body: undefined };
  });

  /** Of this project, by their names. */
  const under = <T>(all: ReadonlyMap<string, T>, group: string) =>
    [...all].filter(([name]) => name.startsWith(`groups/${group}/`)).map(([, each]) => each);

  const listUsers = ({ params: { group }, query }: RouteContext) =>
    pageReply(
      under(users, group).map(user => userResource(user, group)),
      query,
    );

  /** As in reality a plain list, in no envelope. */
  const listRoles = ({ params: { group } }: RouteContext): FakeReply => ({
    status: 200,
    body: under(roles, group).map(roleResource),
  });

  const createIndex = ({ params, body, nowMs }: RouteContext): FakeReply => {
    const refusal =
      invalidIndex(body, params.cluster) ?? projects.clusterMissing(params.group, params.cluster, nowMs);
    if (refusal !== undefined) return refusal;
    const collection = `groups/${params.group}/clusters/${params.cluster}/${body.db}.${body.collection}`;
    // The name that MongoDB gives: `agentId_1_state_-1`.
    const index = (body.keys as Record<string, string>[])
      .flatMap(key => Object.entries(key).flat())
      .join('_');
    const present = indexes.get(collection) ?? new Set();
    // Assumed: the vendor documents no code for a duplicate.
    if (present.has(index))
      return failure(409, 'INDEX_ALREADY_EXISTS', `An index ${index} already exists.`, [index]);
    if (present.size >= INDEXES_MAX)
      return failure(
        400,
        'ATLAS_GENERAL_ERROR',
        `Reason: add index fails, too many indexes for ${collection}.`,
      );
    indexes.set(collection, present.add(index));
    note('databaseIndex', `${collection}/${index}`, body.db, 'created', nowMs, index);
    return { status: 204, body: undefined };
  };

  const route = (
    method: string,
    path: string,
    operation: string,
    latency: string,
    handle: (context: RouteContext) => FakeReply,
  ) => ({
    method,
    path,
    operation: `atlas.${operation}`,
    latency: `lat.atlas.${latency}`,
    scope: ({ params }: RouteContext) => params.group ?? '',
    handle: versioned(handle),
  });
  const inGroup: typeof route = (method, path, operation, latency, handle) =>
    route(method, path, operation, latency, context => projects.missing(context) ?? handle(context));
  return {
    name: 'atlas',
    hosts: ['cloud.mongodb.com'],
    authorise: (headers, nowMs) => authorise(headers, tokens.isGood(headers.authorization, nowMs)),
    throttled,
    malformed: reason =>
      failure(400, 'INVALID_JSON', `Received JSON does not match expected format: ${reason}.`),
    unavailable: status => failure(status, 'UNEXPECTED_ERROR', 'Unexpected error.'),
    taken: operation => failure(409, TAKEN_CODES[operation] ?? 'DUPLICATE', 'The name already exists.'),
    routes: [
      tokens.route,
      route('POST', GROUPS, 'projects.create', 'project', projects.create),
      route('GET', GROUPS, 'projects.list', 'read', projects.list),
      inGroup('GET', GROUP, 'projects.get', 'read', projects.get),
      inGroup('DELETE', GROUP, 'projects.delete', 'project', context => {
        const { group } = context.params;
        return projects.remove(context, under(users, group).length + under(roles, group).length);
      }),
      inGroup('POST', CLUSTERS, 'clusters.create', 'project', projects.createCluster),
      inGroup('GET', CLUSTERS, 'clusters.list', 'read', projects.listClusters),
      inGroup('GET', `${CLUSTERS}/:cluster`, 'clusters.get', 'read', projects.getCluster),
      inGroup('DELETE', `${CLUSTERS}/:cluster`, 'clusters.delete', 'project', projects.removeCluster),
      inGroup('POST', USERS, 'databaseUsers.create', 'user', createUser),
      inGroup('GET', USERS, 'databaseUsers.list', 'read', listUsers),
      inGroup('GET', `${USERS}/admin/:username`, 'databaseUsers.get', 'read', getUser),
      inGroup('DELETE', `${USERS}/admin/:username`, 'databaseUsers.delete', 'user', deleteUser),
      inGroup('POST', ROLES, 'customDbRoles.create', 'role', createRole),
      inGroup('GET', ROLES, 'customDbRoles.list', 'read', listRoles),
      inGroup('GET', `${ROLES}/:role`, 'customDbRoles.get', 'read', getRole),
      inGroup('DELETE', `${ROLES}/:role`, 'customDbRoles.delete', 'role', deleteRole),
      inGroup('POST', `${CLUSTERS}/:cluster/index`, 'indexes.create', 'index', createIndex),
    ],
  };
}

/** An answer with a body is of the version that was asked for. */
const versioned =
  (handle: (context: RouteContext) => FakeReply) =>
  (context: RouteContext): FakeReply => {
    const reply = handle(context);
    if (reply.body === undefined || reply.status >= 400) return reply;
    return { ...reply, headers: { 'content-type': `${context.headers.accept};charset=utf-8` } };
  };

function authorise(headers: Readonly<Record<string, string>>, isGood: boolean): FakeReply | undefined {
  if (!isGood) return failure(401, 'USER_UNAUTHORIZED', 'You are not authorized for this resource.');
  return ACCEPT.test(headers.accept ?? '')
    ? undefined
    : failure(406, 'INVALID_VERSION_DATE', 'Invalid accept header or version date.');
}

/** The vendor's first parameter is the set of endpoints that the limit counts: here the quota's name. */
function throttled({ quota, retryAfterMs }: QuotaRefusal): FakeReply {
  const seconds = Math.ceil(retryAfterMs / 1000);
  const detail = `Rate limit exceeded for ${quota}. Please retry after ${seconds} seconds.`;
  return {
    ...failure(429, 'RATE_LIMITED_TOKEN_BUCKET', detail, [quota, seconds]),
    headers: { 'retry-after': String(seconds) },
  };
}

/** A role has no labels: its name is the company's mark, and so is an index's database. */
const companyOfRole = (roleName: string) => /^company-(.+)$/.exec(roleName)?.[1] ?? '';
const companyOfUser = ({ labels }: User) => labels.find(label => label.key === 'company')?.value ?? '';
const actionNames = (role: Role) => role.actions.map(({ action }) => action).join(' ');
const roleNames = (user: User) => user.roles.map(({ roleName }) => roleName).join(' ');

const roleResource = ({ roleName, actions }: Role) => ({ roleName, actions, inheritedRoles: [] });

function userResource({ username, roles, labels }: User, groupId: string): object {
  const types = { awsIAMType: 'NONE', ldapAuthType: 'NONE', oidcAuthType: 'NONE', x509Type: 'NONE' };
  return { username, databaseName: 'admin', groupId, roles, labels, scopes: [], links: [], ...types };
}
