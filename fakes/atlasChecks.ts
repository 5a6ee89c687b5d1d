// What Atlas refuses: the checks of the bodies of roles, users and indexes, and the error envelope.

import { addressOf, type FakeReply, type RouteContext } from './service.ts';

export type RoleRef = { readonly databaseName: string; readonly roleName: string };

export const GROUP_ID = /^[0-9a-f]{24}$/;
const CLUSTER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$/;
const ROLE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const DATABASE_NAME = /^[^/\\. "$*<>:|?]{1,63}$/;
const COLLECTION_NAME = /^(?!system\.)[^$]{1,255}$/;
const USER_FIELDS = ['databaseName', 'username', 'password', 'roles', 'groupId', 'labels'];
const PASSWORD_LENGTH_MIN = 8;
const LABEL_LENGTH_MAX = 255;
const ACTIONS = [
  ...[
    'FIND',
    'INSERT',
    'REMOVE',
    'UPDATE',
    'CREATE_COLLECTION',
    'CREATE_INDEX',
    'DROP_COLLECTION',
    'DROP_INDEX',
  ],
  ...['COLL_STATS', 'DB_STATS', 'LIST_COLLECTIONS', 'LIST_INDEXES', 'BYPASS_DOCUMENT_VALIDATION'],
];
const INDEX_KINDS: readonly unknown[] = ['1', '-1', '2dsphere', 'text', 'hashed'];

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function invalidRole(body: any): FakeReply | undefined {
  const { roleName, actions, inheritedRoles = [] } = body;
  if (roleName === undefined) return missingAttribute('roleName');
  const unknown = unknownAttribute(body, ['roleName', 'actions', 'inheritedRoles']);
  if (unknown !== undefined) return unknown;
  if (typeof roleName !== 'string' || !ROLE_NAME.test(roleName))
    return failure(400, 'ATLAS_CUSTOM_ROLE_INVALID_NAME', `The role name, "${roleName}", is invalid.`, [
      roleName,
    ]);
  if (roleName.startsWith('xgen-'))
    return failure(
      400,
      'ATLAS_RESERVED_CUSTOM_ROLE_RESTRICTED',
      `Cannot create custom role ${roleName} because the prefix "xgen-" is reserved for built-in roles.`,
      [roleName],
    );
  if (!Array.isArray(inheritedRoles) || inheritedRoles.length > 0)
    return failure(400, 'ATLAS_INVALID_CUSTOM_ROLE_INHERITANCE', 'The fake does not cover inherited roles.');
  if (!Array.isArray(actions) || actions.length === 0)
    return failure(
      400,
      'ATLAS_CUSTOM_ROLE_HAS_NO_PERMISSIONS',
      'Custom roles must have one or more user privilege actions or inherited roles.',
    );
  const other = actions.find(item => !ACTIONS.includes(item?.action));
  if (other !== undefined) return invalidEnum(other?.action);
  if (new Set(actions.map(item => item.action)).size < actions.length)
    return failure(400, 'ATLAS_DUPLICATE_CUSTOM_ROLE_ACTION', 'A custom role cannot have duplicate actions.');
  const extra = actions
    .flatMap(({ resources, ...rest }) => [
      unknownAttribute(rest, ['action']),
      ...(Array.isArray(resources) ? resources : []).map(each =>
        unknownAttribute(each, ['db', 'collection']),
      ),
    ])
    .find(each => each !== undefined);
  if (extra !== undefined) return extra;
  const onDatabase = (resource: { db?: unknown; collection?: unknown } | null) =>
    isName(DATABASE_NAME, resource?.db) && typeof resource?.collection === 'string';
  if (
    actions.some(
      ({ resources }) => !Array.isArray(resources) || resources.length === 0 || !resources.every(onDatabase),
    )
  )
    return failure(
      400,
      'ATLAS_INVALID_RESOURCE',
      'One or more of the selected actions was applied to an incorrect resource.',
    );
  return undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function invalidUser(body: any, group: string): FakeReply | undefined {
  const { databaseName, username, password, roles, groupId = group, labels = [] } = body;
  const absent = ['databaseName', 'username', 'password', 'roles'].find(name => body[name] === undefined);
  if (absent !== undefined) return missingAttribute(absent);
  const unknown = unknownAttribute(body, USER_FIELDS);
  if (unknown !== undefined) return unknown;
  if (databaseName !== 'admin')
    return failure(400, 'INVALID_DATABASE_NAME', `Invalid database name specified: ${databaseName}.`, [
      databaseName,
    ]);
  if (groupId !== group)
    return failure(400, 'GROUP_MISMATCH', `The specified group ID ${groupId} does not match the URL.`, [
      groupId,
    ]);
  if (typeof username !== 'string' || !/^[\w.@-]{1,1024}$/.test(username))
    return failure(
      400,
      'ATLAS_INVALID_USERNAME',
      `The specified username ${username} is not valid for an Atlas database user.`,
      [username],
    );
  if (typeof password !== 'string' || password.length < PASSWORD_LENGTH_MIN)
    return invalidAttribute('password');
  const isRole = (role: Partial<RoleRef> | null) =>
    hasOnly(role, ['databaseName', 'roleName']) &&
    typeof role.databaseName === 'string' &&
    typeof role.roleName === 'string';
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every(isRole)) return invalidAttribute('roles');
  if (new Set(roles.map(role => role.roleName)).size < roles.length)
    return failure(
      400,
      'DUPLICATE_DATABASE_ROLES',
      `Duplicate database roles specified for user ${username}.`,
      [username],
    );
  const isText = (text: unknown) =>
    typeof text === 'string' && text.length >= 1 && text.length <= LABEL_LENGTH_MAX;
  const isLabel = (label: { key?: unknown; value?: unknown } | null) =>
    hasOnly(label, ['key', 'value']) && isText(label.key) && isText(label.value);
  return Array.isArray(labels) && labels.every(isLabel) ? undefined : invalidAttribute('labels');
}

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function invalidIndex(body: any, cluster: string): FakeReply | undefined {
  const { db, collection, keys, options = {} } = body;
  const unknown = unknownAttribute(body, ['db', 'collection', 'keys', 'options']);
  if (unknown !== undefined) return unknown;
  if (!CLUSTER_NAME.test(cluster))
    return failure(404, 'CLUSTER_NOT_FOUND', `No cluster named ${cluster} exists.`, [cluster]);
  if (!isName(DATABASE_NAME, db))
    return failure(400, 'INVALID_DATABASE_NAME', `Invalid database name specified: ${db}.`, [db]);
  if (!isName(COLLECTION_NAME, collection))
    return failure(400, 'INVALID_COLLECTION_NAME', `Invalid collection names specified: ${collection}.`, [
      collection,
    ]);
  const isKey = (key: unknown) => {
    const entries = typeof key === 'object' && key !== null ? Object.entries(key) : [];
    return entries.length === 1 && entries[0][0] !== '' && INDEX_KINDS.includes(entries[0][1]);
  };
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) return invalidAttribute('keys');
  return typeof options !== 'object' || options?.unique === true ? invalidAttribute('options') : undefined;
}

const PROJECT_NAME = /^[\p{L}\p{N}\-_.(),:&@+']{1,64}$/u;

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function invalidProject(body: any): FakeReply | undefined {
  const { name, orgId } = body;
  const absent = ['name', 'orgId'].find(attribute => body[attribute] === undefined);
  if (absent !== undefined) return missingAttribute(absent);
  const unknown = unknownAttribute(body, ['name', 'orgId']);
  if (unknown !== undefined) return unknown;
  if (!isName(PROJECT_NAME, name)) return invalidAttribute('name');
  return isName(GROUP_ID, orgId)
    ? undefined
    : failure(404, 'INVALID_ORG_ID', `An invalid organization ID ${orgId} was specified.`, [orgId]);
}

const CLUSTER_FIELDS = ['name', 'clusterType', 'replicationSpecs', 'terminationProtectionEnabled'];
const PROVIDERS: readonly unknown[] = ['AWS', 'GCP', 'AZURE'];
const INSTANCE_SIZE = /^M(?:10|20|30|40|50|60|80|140|200|300)$/;
const NODE_COUNTS: readonly unknown[] = [3, 5, 7];
const PRIORITY_MAX = 7;

/** One replica set in one region: what the fake covers of the shapes that a cluster may have. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function invalidCluster(body: any): FakeReply | undefined {
  const { name, clusterType, replicationSpecs, terminationProtectionEnabled = false } = body;
  const absent = ['name', 'clusterType', 'replicationSpecs'].find(each => body[each] === undefined);
  if (absent !== undefined) return missingAttribute(absent);
  const unknown = unknownAttribute(body, CLUSTER_FIELDS);
  if (unknown !== undefined) return unknown;
  if (!isName(CLUSTER_NAME, name)) return invalidAttribute('name');
  if (!['REPLICASET', 'SHARDED', 'GEOSHARDED'].includes(clusterType)) return invalidEnum(clusterType);
  if (clusterType !== 'REPLICASET') return notCovered('sharded clusters');
  if (typeof terminationProtectionEnabled !== 'boolean')
    return invalidAttribute('terminationProtectionEnabled');
  if (!Array.isArray(replicationSpecs) || replicationSpecs.length !== 1)
    return invalidAttribute('replicationSpecs');
  const { regionConfigs: regions, ...others } = replicationSpecs[0] ?? {};
  const other = unknownAttribute(others, []);
  if (other !== undefined) return other;
  if (!Array.isArray(regions) || regions.length === 0) return invalidAttribute('regionConfigs');
  return regions.length > 1 ? notCovered('clusters of several regions') : invalidRegion(regions[0] ?? {});
}

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
function invalidRegion(region: any): FakeReply | undefined {
  const { providerName, regionName, priority, electableSpecs } = region;
  const unknown =
    unknownAttribute(region, ['providerName', 'regionName', 'priority', 'electableSpecs']) ??
    unknownAttribute(electableSpecs, ['instanceSize', 'nodeCount']);
  if (unknown !== undefined) return unknown;
  if (!PROVIDERS.includes(providerName)) return invalidEnum(providerName);
  if (!isName(/^[A-Z][A-Z0-9_]+$/, regionName)) return invalidAttribute('regionName');
  if (priority !== PRIORITY_MAX) return invalidAttribute('priority');
  const { instanceSize, nodeCount = 3 } = electableSpecs ?? {};
  if (!isName(INSTANCE_SIZE, instanceSize)) return invalidEnum(instanceSize);
  return NODE_COUNTS.includes(nodeCount) ? undefined : invalidAttribute('nodeCount');
}

function hasOnly<T>(value: T | null | undefined, names: readonly string[]): value is T {
  return typeof value === 'object' && value !== null && unknownAttribute(value, names) === undefined;
}

export function unknownAttribute(body: unknown, names: readonly string[]): FakeReply | undefined {
  const unknown = Object.keys(body ?? {}).find(name => !names.includes(name));
  return unknown === undefined ? undefined : invalidAttribute(unknown);
}

const invalidEnum = (value: unknown) =>
  failure(400, 'INVALID_ENUM_VALUE', `An invalid enumeration value ${value} was specified.`, [String(value)]);
const notCovered = (what: string) => failure(501, 'UNSUPPORTED', `The fake does not cover ${what}.`);

const PAGE_SIZE_MAX = 500;
const PAGE_SIZE_DEFAULT = 100;

/** A page of a list in the vendor's envelope, with links to the pages beside it. `path`: of the list, below the API's. */
export function pageReply(all: readonly object[], path: string, context: RouteContext): FakeReply {
  const { query } = context;
  const number = Number(query.get('pageNum') ?? 1);
  const size = Number(query.get('itemsPerPage') ?? PAGE_SIZE_DEFAULT);
  const includeCount = query.get('includeCount') ?? 'true';
  if (!Number.isInteger(number) || number < 1) return invalidQuery('pageNum');
  if (!Number.isInteger(size) || size < 1 || size > PAGE_SIZE_MAX) return invalidQuery('itemsPerPage');
  if (!['true', 'false'].includes(includeCount)) return invalidQuery('includeCount');
  const address = addressOf('cloud.mongodb.com', context);
  const origin = address.includes('://') ? address : `https://${address}`;
  const linkTo = (rel: string, page: number) => ({
    href: `${origin}/api/atlas/v2/${path}?includeCount=${includeCount}&pageNum=${page}&itemsPerPage=${size}`,
    rel,
  });
  const links = [
    ...(number > 1 ? [linkTo('previous', number - 1)] : []),
    linkTo('self', number),
    ...(number * size < all.length ? [linkTo('next', number + 1)] : []),
  ];
  const results = all.slice((number - 1) * size, number * size);
  return {
    status: 200,
    body: { links, results, ...(includeCount === 'true' && { totalCount: all.length }) },
  };
}

const invalidQuery = (name: string) =>
  failure(400, 'INVALID_QUERY_PARAMETER', `The query parameter ${name} has an invalid value.`, [name]);

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  406: 'Not Acceptable',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

export function failure(
  error: number,
  errorCode: string,
  detail: string,
  parameters: readonly unknown[] = [],
): FakeReply {
  return { status: error, body: { detail, error, errorCode, parameters, reason: REASONS[error] ?? 'Error' } };
}

const missingAttribute = (name: string) =>
  failure(400, 'MISSING_ATTRIBUTE', `The required attribute ${name} was not specified.`, [name]);
export const invalidAttribute = (name: string) =>
  failure(400, 'INVALID_ATTRIBUTE', `Invalid attribute ${name} specified.`, [name]);
const isName = (pattern: RegExp, value: unknown): value is string =>
  typeof value === 'string' && pattern.test(value);
