// Firestore's databases of a project: `(default)`, which the platform's set-up has made, and those that a client makes.
// Each is made and deleted by a long-running operation, which here is done when it is answered.

import { googleError, googleExhausted, pageOf, unknownName } from './google.ts';
import { limitReached } from './resourceLimit.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

export const DEFAULT_DATABASE = '(default)';
const DATABASE_ID = /^[a-z][a-z0-9-]{2,61}[a-z0-9]$/;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const LOCATION_ID = /^(?:[a-z]+-[a-z]+\d+|nam5|nam7|eur3)$/;
const FIELDS = ['name', 'type', 'locationId', 'concurrencyMode', 'deleteProtectionState', 'databaseEdition'];
const PAGE_SIZE_MAX = 300;
const TYPES = 'type.googleapis.com/google.firestore.admin.v1';

type Database = { readonly locationId: string | undefined; readonly createdAtMs: number };
type Handler = (context: RouteContext) => FakeReply;
export type Databases = Readonly<Record<'create' | 'list' | 'get' | 'remove', Handler>> & {
  readonly exists: (project: string, database: string) => boolean;
};

/** `emptied`: called with the root of a database whose documents go with it. */
export function createDatabases(world: World, emptied: (root: string, nowMs: number) => void): Databases {
  /** Those that were made, by project, then by id. */
  const made = new Map<string, Map<string, Database>>();
  const platform: Database = { locationId: undefined, createdAtMs: 0 };
  const ofProject = (project: string) =>
    new Map([[DEFAULT_DATABASE, platform], ...(made.get(project) ?? [])]);
  const note = (name: string, effect: 'created' | 'deleted', atMs: number) =>
    world.ledger.write({
      atMs,
      service: 'firestore',
      kind: 'database',
      name,
      company: '',
      effect,
      detail: 'FIRESTORE_NATIVE',
    });

  const create: Handler = ({ params: { project }, query, body, nowMs }) => {
    const id = query.get('databaseId') ?? '';
    const problem =
      DATABASE_ID.test(id) && !UUID.test(id)
        ? databaseProblem(body)
        : `Invalid databaseId '${id}': 4 to 63 lower case letters, digits and hyphens, no UUID.`;
    if (problem !== undefined) return googleError(400, problem);
    const all = ofProject(project);
    if (all.has(id)) return googleError(409, 'Database already exists. Please use another database_id');
    const limit = limitReached(world, 'quota.firestore.databases', all.size);
    if (limit !== undefined) return googleExhausted('firestore.googleapis.com', 'DatabasesPerProject', limit);
    const database: Database = { locationId: body.locationId, createdAtMs: nowMs };
    made.set(project, (made.get(project) ?? new Map()).set(id, database));
    note(nameOf(project, id), 'created', nowMs);
    return { status: 200, body: operation(project, id, 'Create', databaseResource(project, id, database)) };
  };

  const list: Handler = ({ params: { project }, query }) => {
    const page = pageOf([...ofProject(project)], query, PAGE_SIZE_MAX);
    if (typeof page === 'string') return googleError(400, page);
    const databases = page.items.map(([id, database]) => databaseResource(project, id, database));
    return { status: 200, body: { databases, nextPageToken: page.nextPageToken } };
  };

  const get: Handler = ({ params: { project, database: id } }) => {
    const database = ofProject(project).get(id);
    return database === undefined
      ? databaseMissing(project, id)
      : { status: 200, body: databaseResource(project, id, database) };
  };

  const remove: Handler = ({ params: { project, database: id }, nowMs }) => {
    if (id === DEFAULT_DATABASE)
      return googleError(501, 'The fake does not cover the deletion of the default database.');
    const database = made.get(project)?.get(id);
    if (database === undefined) return databaseMissing(project, id);
    made.get(project)!.delete(id);
    emptied(`${nameOf(project, id)}/documents`, nowMs);
    note(nameOf(project, id), 'deleted', nowMs);
    return { status: 200, body: operation(project, id, 'Delete', databaseResource(project, id, database)) };
  };

  const exists: Databases['exists'] = (project, database) =>
    database === DEFAULT_DATABASE || made.get(project)?.has(database) === true;

  return { create, list, get, remove, exists };
}

export const databaseMissing = (project: string, database: string) =>
  googleError(404, `The database ${database} does not exist for project ${project}.`);

const nameOf = (project: string, id: string) => `projects/${project}/databases/${id}`;

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
function databaseProblem(body: any): string | undefined {
  const unknown = unknownName(body, FIELDS, 'database');
  if (unknown !== undefined) return unknown;
  if (body.type !== 'FIRESTORE_NATIVE') return `Invalid value at 'database.type': ${body.type}`;
  if (typeof body.locationId !== 'string' || !LOCATION_ID.test(body.locationId))
    return `Invalid value at 'database.location_id': ${body.locationId}`;
  const fixed = { concurrencyMode: 'PESSIMISTIC', databaseEdition: 'STANDARD' } as const;
  for (const [field, value] of Object.entries(fixed))
    if (body[field] !== undefined && body[field] !== value) return `The fake covers ${field} ${value} alone.`;
  return (body.deleteProtectionState ?? 'DELETE_PROTECTION_DISABLED') === 'DELETE_PROTECTION_DISABLED'
    ? undefined
    : 'The fake does not cover databases that are protected.';
}

function databaseResource(project: string, id: string, { locationId, createdAtMs }: Database): object {
  return {
    name: nameOf(project, id),
    type: 'FIRESTORE_NATIVE',
    databaseEdition: 'STANDARD',
    concurrencyMode: 'PESSIMISTIC',
    ...(locationId !== undefined && { locationId, createTime: isoTime(createdAtMs) }),
  };
}

function operation(project: string, id: string, verb: 'Create' | 'Delete', database: object): object {
  return {
    name: `${nameOf(project, id)}/operations/${verb.toLowerCase()}`,
    metadata: { '@type': `${TYPES}.${verb}DatabaseMetadata` },
    done: true,
    response: { '@type': `${TYPES}.Database`, ...database },
  };
}
