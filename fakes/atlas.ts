// MongoDB Atlas Administration API v2: the service, and rolling indexes of a project's clusters. The API has no way to ask
// for an index nor to drop one, nor to drop a database: an index goes with its database, and that is dropped by a client
// of the cluster, or with it. Projects are in `atlasProjects.ts`, clusters in `atlasClusters.ts`, users and roles in
// `atlasUsers.ts`, limits in `atlasLimits.ts`, access tokens in `atlasTokens.ts`.

import { failure, invalidIndex } from './atlasChecks.ts';
import { createBucket, createLimits, ROLES_LIMIT, USERS_LIMIT } from './atlasLimits.ts';
import { createProjects } from './atlasProjects.ts';
import { createTokens } from './atlasTokens.ts';
import { createUsers } from './atlasUsers.ts';
import type { Effect } from './ledger.ts';
import type { QuotaRefusal } from './quota.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

const GROUPS = '/api/atlas/v2/groups';
const GROUP = `${GROUPS}/:group`;
const CLUSTERS = `${GROUP}/clusters`;
const USERS = `${GROUP}/databaseUsers`;
const ROLES = `${GROUP}/customDBRoles/roles`;
const LIMITS = `${GROUP}/limits`;

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

export function atlas(world: World): Service {
  const indexes = new Map<string, Set<string>>();
  const usage = (group: string, name: string, nowMs: number) =>
    name === USERS_LIMIT
      ? users.userCount(group)
      : name === ROLES_LIMIT
        ? users.roleCount(group)
        : projects.clusters.count(group, nowMs);
  const limits = createLimits(world, usage);
  const users = createUsers(world, limits.reached);
  const projects = createProjects(world, limits.reached);
  const tokens = createTokens(world.token, world.issued);

  /** A company's database has its name, which is the mark; a collection's name may have slashes and dots. */
  const noteIndex = (collection: string, index: string, effect: Effect, atMs: number) => {
    const [, , , , namespace] = collection.split('/');
    const [database] = namespace.split('.');
    const entry = { atMs, service: 'atlas', kind: 'databaseIndex', name: `${collection}/${index}` };
    world.ledger.write({ ...entry, company: database, effect, detail: index });
  };

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
    noteIndex(collection, index, 'created', nowMs);
    // It is built later, one node after another; the API never tells how that ends.
    return { status: 202, body: undefined };
  };

  /** Indexes go with their cluster, so that one made again under its name has none. */
  const removeCluster = (context: RouteContext): FakeReply => {
    const reply = projects.clusters.remove(context);
    if (reply.status !== 202) return reply;
    const { group, cluster } = context.params;
    for (const [collection, present] of indexes) {
      if (!collection.startsWith(`groups/${group}/clusters/${cluster}/`)) continue;
      for (const index of present) noteIndex(collection, index, 'deleted', context.nowMs);
      indexes.delete(collection);
    }
    return reply;
  };

  // Counted by the caller, which here is one; and by the project.
  const ofCaller = createBucket(world, 'groups', 'api/atlas/v2/groups', () => '');
  const inProject = ({ params }: RouteContext) => params.group;
  const ofClusters = createBucket(world, 'clusters', 'api/atlas/v2/groups/{groupId}/clusters', inProject);
  // Assumed: one for all calls for users.
  const ofUsers = createBucket(world, 'users', 'api/atlas/v2/groups/{groupId}/databaseUsers', inProject);

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
    // The users and roles of a project are one configuration, which one change at a time is published to.
    contended: () =>
      failure(
        409,
        'AUTOMATION_CONFIG_CONCURRENT_MODIFICATION',
        'Another session or user has already published changes.',
      ),
    routes: [
      tokens.route,
      route('POST', GROUPS, 'projects.create', 'project', projects.create),
      route('GET', GROUPS, 'projects.list', 'read', ofCaller(projects.list)),
      inGroup('GET', GROUP, 'projects.get', 'read', projects.get),
      inGroup('DELETE', GROUP, 'projects.delete', 'project', context => {
        const { group } = context.params;
        return projects.remove(context, users.userCount(group) + users.roleCount(group));
      }),
      inGroup('POST', CLUSTERS, 'clusters.create', 'project', projects.clusters.create),
      inGroup('GET', CLUSTERS, 'clusters.list', 'read', ofClusters(projects.clusters.list)),
      inGroup('GET', `${CLUSTERS}/:cluster`, 'clusters.get', 'read', projects.clusters.get),
      inGroup('PATCH', `${CLUSTERS}/:cluster`, 'clusters.update', 'project', projects.clusters.update),
      inGroup('DELETE', `${CLUSTERS}/:cluster`, 'clusters.delete', 'project', removeCluster),
      inGroup('POST', USERS, 'databaseUsers.create', 'user', ofUsers(users.createUser)),
      inGroup('GET', USERS, 'databaseUsers.list', 'read', ofUsers(users.listUsers)),
      inGroup('GET', `${USERS}/admin/:username`, 'databaseUsers.get', 'read', ofUsers(users.getUser)),
      inGroup('PATCH', `${USERS}/admin/:username`, 'databaseUsers.update', 'user', ofUsers(users.updateUser)),
      inGroup(
        'DELETE',
        `${USERS}/admin/:username`,
        'databaseUsers.delete',
        'user',
        ofUsers(users.deleteUser),
      ),
      inGroup('POST', ROLES, 'customDbRoles.create', 'role', users.createRole),
      inGroup('GET', ROLES, 'customDbRoles.list', 'read', users.listRoles),
      inGroup('GET', `${ROLES}/:role`, 'customDbRoles.get', 'read', users.getRole),
      inGroup('DELETE', `${ROLES}/:role`, 'customDbRoles.delete', 'role', users.deleteRole),
      inGroup('GET', LIMITS, 'limits.list', 'read', limits.list),
      inGroup('GET', `${LIMITS}/:limit`, 'limits.get', 'read', limits.get),
      inGroup('PATCH', `${LIMITS}/:limit`, 'limits.set', 'project', limits.set),
      inGroup('DELETE', `${LIMITS}/:limit`, 'limits.delete', 'project', limits.reset),
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
