// MongoDB Atlas Administration API v2: a company's database role, user and indexes. The vendor has no SDK for
// TypeScript, so the types are written from its public description, version 2025-03-12. It drops no database: what is left
// of a company that has gone is for a client of the cluster to drop, and its indexes go with it.

import type { Answer } from '../ports.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import {
  type CallSpec,
  heldByAnother,
  jsonOf,
  objectsOf,
  quotaUsedUp,
  readFailure,
  type Send,
  unreadable,
} from './call.ts';
import { accessSecret } from './secretManager.ts';

type ApiError = { detail?: string; errorCode?: string; parameters?: unknown[] };
type CustomDbRole = {
  readonly roleName: string;
  readonly actions: readonly {
    readonly action: string;
    readonly resources: readonly { readonly db?: string; readonly collection?: string }[];
  }[];
  readonly inheritedRoles?: readonly { readonly db: string; readonly role: string }[];
};
type DatabaseUser = {
  readonly databaseName: 'admin';
  readonly username: string;
  readonly password?: string;
  readonly roles: readonly { readonly databaseName: string; readonly roleName: string }[];
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
};
type RollingIndex = {
  readonly db: string;
  readonly collection: string;
  readonly keys: readonly Readonly<Record<string, '1' | '-1'>>[];
};

/** What a tenant's own services do with its documents; nothing of the server or of another database. */
const TENANT_ACTIONS = ['FIND', 'INSERT', 'UPDATE', 'REMOVE'];
const INDEXED_COLLECTION = 'agents';
/** The API has no user without a role, and none that is switched off: a suspended one may read what is in no cluster. */
const NO_ROLES: DatabaseUser['roles'] = [{ databaseName: 'suspended', roleName: 'read' }];

const roleOf = (company: Company) => `company-${company.id}`;
const rolesOf = (company: Company): DatabaseUser['roles'] => [
  { databaseName: 'admin', roleName: roleOf(company) },
];
const groupUrl = (company: Company, platform: Platform) =>
  `https://cloud.mongodb.com/api/atlas/v2/groups/${placeOf(company, platform).atlasProject}`;
const ATLAS = { vendor: 'atlas', headers: { accept: 'application/vnd.atlas.2025-03-12+json' } } as const;

/** A role for the company's own database. It has no labels: its name and its database are the mark. */
export function databaseRoleVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const url = `${groupUrl(company, platform)}/customDBRoles/roles`;
  const roleName = roleOf(company);
  const resources = [{ db: company.id, collection: '' }];
  const body: CustomDbRole = { roleName, actions: TENANT_ACTIONS.map(action => ({ action, resources })) };
  const isOurs = (role: Partial<CustomDbRole>) => {
    const on = objectsOf(role.actions).flatMap(action => objectsOf(action.resources));
    return on.length > 0 && on.every(({ db }) => db === company.id);
  };
  const own: Own<CustomDbRole> = { id: roleName, url: `${url}/${roleName}`, isOurs };
  return {
    create: attempt => create(send, { method: 'POST', url, ...ATLAS, body }, attempt, roleName),
    find: attempt => find(send, own, attempt),
    remove: attempt => remove(send, own, attempt),
  };
}

function ownUser(company: Company, platform: Platform): Own<DatabaseUser> {
  return {
    id: company.id,
    url: `${groupUrl(company, platform)}/databaseUsers/admin/${company.id}`,
    isOurs: user =>
      objectsOf(user.labels).some(({ key, value }) => key === 'company' && value === company.id),
  };
}

/** The user that the company's service logs in as, with the password that lies in its secret. */
export function databaseUserVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const own = ownUser(company, platform);
  const { id: username } = own;
  const url = `${groupUrl(company, platform)}/databaseUsers`;
  return {
    create: async attempt => {
      const secret = await accessSecret(send, company, platform, 'database-password', attempt);
      if (secret.kind !== 'value') return secret;
      const body: DatabaseUser = {
        databaseName: 'admin',
        username,
        password: secret.value,
        roles: rolesOf(company),
        labels: [{ key: 'company', value: company.id }],
      };
      return create(send, { method: 'POST', url, ...ATLAS, body }, attempt, username);
    },
    find: attempt => find(send, own, attempt),
    remove: attempt => remove(send, own, attempt),
  };
}

/** Suspends a company's user, who keeps password and labels. */
export function disableDatabaseUser(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  return giveRoles(send, company, platform, attempt, NO_ROLES);
}

export function enableDatabaseUser(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  return giveRoles(send, company, platform, attempt, rolesOf(company));
}

/** `done` while the user may do what a company's user may, `absent` when it may not, or there is none. */
export async function findDatabaseAccess(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  const own = ownUser(company, platform);
  const hasRole = ({ roles }: Partial<DatabaseUser>) =>
    objectsOf(roles).some(({ roleName }) => roleName === roleOf(company));
  const isOurs = (user: Partial<DatabaseUser>) => own.isOurs(user) && hasRole(user);
  const found = await look(send, { ...own, isOurs }, attempt);
  return found.kind === 'foreign' ? { kind: 'absent' } : found;
}

async function giveRoles(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
  roles: DatabaseUser['roles'],
): Promise<CloudResult> {
  const own = ownUser(company, platform);
  const found = await look(send, own, attempt);
  if (found.kind === 'foreign') return heldByAnother(own.id);
  if (found.kind !== 'done') return found;
  const body: Partial<DatabaseUser> = { roles };
  const answer = await send({ method: 'PATCH', url: own.url, ...ATLAS, body }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  return answer.status === 200 ? { kind: 'done', id: own.id } : atlasFailure(answer);
}

/**
 * Index number `part` of the company's database, whose name is the mark. The API tells of no index;
 * making one again is refused and harmless. Nor does it drop one: an index goes with its database.
 */
export function databaseIndexVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const { atlasCluster } = placeOf(company, platform);
  const url = `${groupUrl(company, platform)}/clusters/${atlasCluster}/index`;
  const body: RollingIndex = {
    db: company.id,
    collection: INDEXED_COLLECTION,
    keys: [{ [`field${part}`]: '1' }],
  };
  const spec: CallSpec = { method: 'POST', url, ...ATLAS, body };
  const id = `${company.id}.${INDEXED_COLLECTION}/${part}`;
  return {
    create: async attempt => {
      const result = await create(send, spec, attempt, id);
      return result.kind === 'exists' ? { kind: 'done', id } : result;
    },
    // There is no call to ask with, and making it twice is harmless: absent until `create` says otherwise.
    find: async () => ({ kind: 'absent' }),
  };
}

async function create(send: Send, spec: CallSpec, attempt: Attempt, id: string): Promise<CloudResult> {
  const answer = await send(spec, attempt);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 409 && /ALREADY_EXISTS$/.test(errorOf(answer).errorCode ?? ''))
    return { kind: 'exists' };
  return answer.status >= 200 && answer.status < 300 ? { kind: 'done', id } : atlasFailure(answer);
}

/** A resource by its address, and how to tell ours from one of the same name. */
type Own<T> = {
  readonly id: string;
  readonly url: string;
  readonly isOurs: (resource: Partial<T>) => boolean;
};

async function look<T>(
  send: Send,
  { id, url, isOurs }: Own<T>,
  attempt: Attempt,
): Promise<CloudResult | { readonly kind: 'foreign' }> {
  const answer = await send({ method: 'GET', url, ...ATLAS }, attempt);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status !== 200) return atlasFailure(answer);
  const resource = jsonOf(answer) as Partial<T> | null | undefined;
  if (typeof resource !== 'object' || resource === null) return unreadable(answer);
  return isOurs(resource) ? { kind: 'done', id } : { kind: 'foreign' };
}

async function find<T>(send: Send, own: Own<T>, attempt: Attempt): Promise<CloudResult> {
  const found = await look(send, own, attempt);
  return found.kind === 'foreign' ? heldByAnother(own.id) : found;
}

/** One of another owner stays, and is none of ours to remove. */
async function remove<T>(send: Send, own: Own<T>, attempt: Attempt): Promise<CloudResult> {
  const found = await look(send, own, attempt);
  if (found.kind === 'foreign') return { kind: 'absent' };
  if (found.kind !== 'done') return found;
  const answer = await send({ method: 'DELETE', url: own.url, ...ATLAS }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  return answer.status >= 200 && answer.status < 300 ? { kind: 'done', id: '' } : atlasFailure(answer);
}

/** Another change of the same project was published first, so that this one was not: it may be sent again. */
const OVERTAKEN = 'AUTOMATION_CONFIG_CONCURRENT_MODIFICATION';

const errorOf = (answer: Answer) => (jsonOf(answer) as ApiError | null | undefined) ?? {};

/** A rate's refusal names what it counts in its first parameter; one for a limit on resources by its code alone. */
function atlasFailure(answer: Answer): CloudResult {
  const { errorCode = '', detail = '', parameters = [] } = errorOf(answer);
  if (answer.status === 409 && errorCode === OVERTAKEN)
    return { kind: 'transient', reason: `409 ${errorCode}` };
  // A rate comes with 429, whatever its code.
  const isOfResources = answer.status < 500 && answer.status !== 429;
  if (isOfResources && /_EXCEEDED$/.test(errorCode)) return quotaUsedUp(errorCode, detail);
  const quota = typeof parameters?.[0] === 'string' ? parameters[0] : 'atlas';
  return readFailure(answer, quota, `${errorCode} ${detail}`);
}
