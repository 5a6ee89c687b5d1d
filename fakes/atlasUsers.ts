// Atlas's database users and custom roles of a project. A user's password is not kept. Changing a user's roles is how one
// is cut off without being deleted: the API has no user without a role.

import { failure, invalidRole, invalidUser, pageReply, type RoleRef } from './atlasChecks.ts';
import { ROLES_LIMIT, USERS_LIMIT } from './atlasLimits.ts';
import type { Reached } from './atlasProjects.ts';
import type { Effect } from './ledger.ts';
import type { FakeReply, RouteContext, World } from './service.ts';

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
type Handler = (context: RouteContext) => FakeReply;
type Verb =
  | 'createRole'
  | 'listRoles'
  | 'getRole'
  | 'deleteRole'
  | 'createUser'
  | 'listUsers'
  | 'getUser'
  | 'updateUser'
  | 'deleteUser';
export type Users = Readonly<Record<Verb, Handler>> &
  Readonly<Record<'userCount' | 'roleCount', (group: string) => number>>;

/** Of the whole project. */
const BUILT_IN_ROLES = ['atlasAdmin', 'readWriteAnyDatabase', 'readAnyDatabase', 'clusterMonitor'];
/** Of the one database that they are given for. */
const DATABASE_ROLES = ['read', 'readWrite', 'dbAdmin'];

export function createUsers(world: World, reached: Reached): Users {
  const roles = new Map<string, Role>();
  const users = new Map<string, User>();
  /** By project: limits ask at each creation. */
  const userCounts = new Map<string, number>();
  const roleCounts = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string, by: 1 | -1) => {
    const [, group] = name.split('/');
    counts.set(group, (counts.get(group) ?? 0) + by);
  };
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
    const full = reached(params.group, ROLES_LIMIT, () => roleCounts.get(params.group) ?? 0);
    if (full !== undefined) return full;
    const role: Role = { roleName, actions, users: new Set() };
    roles.set(name, role);
    count(roleCounts, name, 1);
    note('databaseRole', name, companyOfRole(roleName), 'created', nowMs, actionNames(role));
    return { status: 200, body: roleResource(role) };
  };

  const withRole =
    (handle: (name: string, role: Role, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { params } = context;
      const name = roleNameOf(params.group, params.role);
      const role = roles.get(name);
      return role === undefined
        ? failure(
            404,
            'ATLAS_CUSTOM_ROLE_NOT_FOUND',
            `The specified custom db role ${params.role} does not exist.`,
            [params.role],
          )
        : handle(name, role, context);
    };

  const getRole = withRole((_name, role) => ({ status: 200, body: roleResource(role) }));

  /** Who has another role besides only loses this one. */
  const deleteRole = withRole((name, role, { params: { group }, nowMs }) => {
    const having = [...role.users].map(username => users.get(userNameOf(group, username))!);
    const left = having.filter(user => user.roles.every(({ roleName }) => roleName === role.roleName));
    if (left.length > 0) {
      const names = left.map(({ username }) => username).join(', ');
      return failure(
        409,
        'ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS',
        `Deleting specified custom role would leave the following users without a role: ${names}.`,
        [names],
      );
    }
    for (const user of having) {
      const next = { ...user, roles: user.roles.filter(({ roleName }) => roleName !== role.roleName) };
      const userName = userNameOf(group, user.username);
      users.set(userName, next);
      note('databaseUser', userName, companyOfUser(next), 'changed', nowMs, roleNames(next));
    }
    roles.delete(name);
    count(roleCounts, name, -1);
    note('databaseRole', name, companyOfRole(role.roleName), 'deleted', nowMs, actionNames(role));
    return { status: 204, body: undefined };
  });

  const roleMissing = (group: string, refs: readonly RoleRef[]): FakeReply | undefined => {
    const exists = ({ roleName, databaseName }: RoleRef) =>
      DATABASE_ROLES.includes(roleName) ||
      (databaseName === 'admin' &&
        (BUILT_IN_ROLES.includes(roleName) || roles.has(roleNameOf(group, roleName))));
    const missing = refs.find(ref => !exists(ref));
    if (missing === undefined) return undefined;
    const { roleName, databaseName } = missing;
    const detail = `The specified role ${roleName}@${databaseName} does not exist.`;
    return failure(400, 'ATLAS_INVALID_ROLE', detail, [roleName, databaseName]);
  };

  /** Custom roles know who has them, since one that somebody has is not deleted. */
  const take = (group: string, user: User) => {
    for (const { roleName } of user.roles) roles.get(roleNameOf(group, roleName))?.users.add(user.username);
  };
  const leave = (group: string, user: User) => {
    for (const { roleName } of user.roles)
      roles.get(roleNameOf(group, roleName))?.users.delete(user.username);
  };

  const createUser = ({ params, body, nowMs }: RouteContext): FakeReply => {
    const { group } = params;
    const refusal = invalidUser(body, group);
    if (refusal !== undefined) return refusal;
    const { username, labels = [] } = body;
    const refs: readonly RoleRef[] = body.roles;
    const missing = roleMissing(group, refs);
    if (missing !== undefined) return missing;
    const name = userNameOf(group, username);
    if (users.has(name))
      return failure(409, 'USER_ALREADY_EXISTS', `A user with username ${username} already exists.`, [
        username,
      ]);
    const full = reached(group, USERS_LIMIT, () => userCounts.get(group) ?? 0);
    if (full !== undefined) return full;
    const user: User = { username, roles: refs, labels };
    users.set(name, user);
    count(userCounts, name, 1);
    take(group, user);
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

  /** What the body does not name stays; roles and labels are replaced as a whole. */
  const updateUser = withUser((name, user, { params: { group }, body, nowMs }) => {
    const changed = { databaseName: 'admin', password: 'it stays', ...user, ...body };
    if (changed.databaseName !== 'admin')
      return unchangeable('DATABASE_NAME_CANNOT_BE_CHANGED', 'authentication database');
    if (changed.username !== user.username)
      return unchangeable('DATABASE_USERNAME_CANNOT_BE_CHANGED', 'username');
    const refusal = invalidUser(changed, group);
    if (refusal !== undefined) return refusal;
    const missing = roleMissing(group, changed.roles);
    if (missing !== undefined) return missing;
    const next: User = { username: user.username, roles: changed.roles, labels: changed.labels };
    leave(group, user);
    users.set(name, next);
    take(group, next);
    note('databaseUser', name, companyOfUser(next), 'changed', nowMs, roleNames(next));
    return { status: 200, body: userResource(next, group) };
  });

  const deleteUser = withUser((name, user, { params, nowMs }) => {
    users.delete(name);
    count(userCounts, name, -1);
    leave(params.group, user);
    note('databaseUser', name, companyOfUser(user), 'deleted', nowMs, roleNames(user));
    return { status: 204, body: undefined };
  });

  /** Of this project, by their names. */
  const under = <T>(all: ReadonlyMap<string, T>, group: string) =>
    [...all].filter(([name]) => name.startsWith(`groups/${group}/`)).map(([, each]) => each);

  const listUsers = (context: RouteContext) => {
    const { group } = context.params;
    const found = under(users, group).map(user => userResource(user, group));
    return pageReply(found, `groups/${group}/databaseUsers`, context);
  };

  /** As in reality a plain list, in no envelope. */
  const listRoles = ({ params: { group } }: RouteContext): FakeReply => ({
    status: 200,
    body: under(roles, group).map(roleResource),
  });

  return {
    createRole,
    listRoles,
    getRole,
    deleteRole,
    createUser,
    listUsers,
    getUser,
    updateUser,
    deleteUser,
    userCount: group => userCounts.get(group) ?? 0,
    roleCount: group => roleCounts.get(group) ?? 0,
  };
}

const unchangeable = (errorCode: string, what: string) =>
  failure(409, errorCode, `Cannot modify the ${what} of an existing database user.`);

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
