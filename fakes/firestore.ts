// Firestore v1: documents, one collection deep. Writes come as an atomic commit. Databases are in `firestoreDatabases.ts`,
// queries in `firestoreQuery.ts`, composite indexes in `firestoreIndexes.ts`, sizes and rates in `firestoreLimits.ts`.

import {
  type Fields,
  nameProblem,
  type Precondition,
  type ValidWrite,
  writeProblem,
} from './firestoreChecks.ts';
import { createDatabases, databaseMissing } from './firestoreDatabases.ts';
import { createIndexes } from './firestoreIndexes.ts';
import { createLimitsOfWrites } from './firestoreLimits.ts';
import { answerOf, type Found, indexNeeded, queryOf } from './firestoreQuery.ts';
import { epochMsOf } from './firestoreValues.ts';
import { googleError, googleRefusals, unknownName } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

type Document = { readonly fields: Fields; readonly createdAtMs: number; readonly updatedAtMs: number };
export type Effect = {
  readonly name: string;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
};

const DATABASES = '/v1/projects/:project/databases';
const DOCUMENTS = `${DATABASES}/:database/documents`;
/** Documents that one call may ask for. */
const BATCH_MAX = 1000;
export function firestore(world: World): Service {
  const documents = new Map<string, Document>();
  const indexes = createIndexes(world);
  const limitsOfWrites = createLimitsOfWrites(world);
  const databases = createDatabases(world, (root, nowMs) => {
    indexes.removeAll(root, nowMs);
    for (const [name, before] of documents)
      if (name.startsWith(`${root}/`)) apply({ name, before, after: undefined }, nowMs);
  });
  const scope = ({ params }: RouteContext) => params.project;

  const record = ({ name, before, after }: Effect, atMs: number) => {
    if (before === undefined && after === undefined) return;
    const effect = before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed';
    const { fields } = (after ?? before)!;
    const company = fields.companyId?.stringValue;
    const detail = Object.keys(fields).join(' ');
    const entry = { atMs, service: 'firestore', kind: 'document', name, effect, detail } as const;
    world.ledger.write({ ...entry, company: typeof company === 'string' ? company : '' });
  };

  /** Runs `handle` for the path's database, or answers 404. */
  const inDatabase =
    (handle: (root: string, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { project, database } = context.params;
      return databases.exists(project, database)
        ? handle(`projects/${project}/databases/${database}/documents`, context)
        : databaseMissing(project, database);
    };

  // All writes are tried on the side, in order, each seeing those before it; only then is any of them kept.
  const commit = inDatabase((root, { body, nowMs }) => {
    const unknown = unknownName(body, ['writes'], 'commit_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (body.writes !== undefined && !Array.isArray(body.writes))
      return googleError(400, 'writes must be an array.');
    const writes: unknown[] = body.writes ?? [];
    const tried = new Map<string, Document | undefined>();
    const effects: Effect[] = [];
    for (const [index, write] of writes.entries()) {
      const problem = writeProblem(write, root);
      if (problem !== undefined) return googleError(400, `Invalid value at 'writes[${index}]': ${problem}`);
      const { update, delete: deleted, currentDocument } = write as ValidWrite;
      const name = (update?.name ?? deleted)!;
      const before = tried.has(name) ? tried.get(name) : documents.get(name);
      const failed = preconditionFailure(name, before, currentDocument);
      if (failed !== undefined) return failed;
      const createdAtMs = before?.createdAtMs ?? nowMs;
      const after = update && {
        fields: update.fields ?? {},
        createdAtMs,
        updatedAtMs: updateMs(documents.get(name), nowMs),
      };
      tried.set(name, after);
      effects.push({ name, before, after });
    }
    const refusal = limitsOfWrites(root, body, effects, nowMs);
    if (refusal !== undefined) return refusal;
    for (const effect of effects) apply(effect, nowMs);
    const commitTime = isoTime(nowMs);
    const writeResults = effects.map(({ after }) =>
      after === undefined ? {} : { updateTime: isoTime(after.updatedAtMs) },
    );
    return { status: 200, body: { ...(writeResults.length > 0 && { writeResults }), commitTime } };
  });

  const apply = (effect: Effect, nowMs: number) => {
    if (effect.after === undefined) documents.delete(effect.name);
    else documents.set(effect.name, effect.after);
    record(effect, nowMs);
  };

  const get = inDatabase((root, { params }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const document = documents.get(name);
    return document === undefined
      ? googleError(404, `Document "${name}" not found.`)
      : { status: 200, body: documentResource(name, document) };
  });

  // As in reality, deleting what is not there succeeds, unless the call says that it must be there.
  const remove = inDatabase((root, { params, query, nowMs }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const exists = query.get('currentDocument.exists') ?? undefined;
    if (exists !== undefined && exists !== 'true' && exists !== 'false')
      return googleError(400, "Invalid value at 'current_document.exists' (TYPE_BOOL).");
    const updateTime = query.get('currentDocument.updateTime') ?? undefined;
    if (updateTime !== undefined && (exists !== undefined || epochMsOf(updateTime) === undefined))
      return googleError(400, "Invalid value at 'current_document' (oneof).");
    const before = documents.get(name);
    const failed = preconditionFailure(name, before, {
      ...(exists !== undefined && { exists: exists === 'true' }),
      ...(updateTime !== undefined && { updateTime }),
    });
    if (failed !== undefined) return failed;
    apply({ name, before, after: undefined }, nowMs);
    return { status: 200, body: {} };
  });

  const batchGet = inDatabase((root, { body, nowMs }) => {
    const unknown = unknownName(body, ['documents'], 'batch_get_documents_request');
    if (unknown !== undefined) return googleError(400, unknown);
    const names: unknown = body.documents ?? [];
    if (!Array.isArray(names) || names.length > BATCH_MAX)
      return googleError(400, `documents must be an array of at most ${BATCH_MAX}.`);
    const problem = names.map(name => nameProblem(name, root)).find(each => each !== undefined);
    if (problem !== undefined) return googleError(400, problem);
    const readTime = isoTime(nowMs);
    const answers = [...new Set<string>(names)].map(name => {
      const document = documents.get(name);
      return document === undefined
        ? { missing: name, readTime }
        : { found: documentResource(name, document), readTime };
    });
    return { status: 200, body: answers };
  });

  const runQuery = inDatabase((root, { body, nowMs }) => {
    const query = queryOf(body);
    if ('status' in query) return query;
    const prefix = `${root}/${query.collection}/`;
    const missing = indexNeeded(query, indexes.ready(root, query.collection, nowMs));
    if (missing) return googleError(400, 'The query requires an index.', undefined, 'FAILED_PRECONDITION');
    const all: Found[] = [];
    for (const [name, { fields }] of documents) if (name.startsWith(prefix)) all.push({ name, fields });
    const readTime = isoTime(nowMs);
    const found = answerOf(query, all).map(({ name }) => ({
      document: documentResource(name, documents.get(name)!),
      readTime,
    }));
    return { status: 200, body: found.length > 0 ? found : [{ readTime }] };
  });

  const route = (
    method: string,
    path: string,
    operation: string,
    handle: (context: RouteContext) => FakeReply,
    latency: 'read' | 'write' = method === 'GET' ? 'read' : 'write',
  ) => ({
    method,
    path,
    operation: `firestore.${operation}`,
    latency: `lat.firestore.${latency}`,
    scope,
    handle,
  });
  const one = `${DOCUMENTS}/:collection/:document=`;
  const all = `${DATABASES}/:database/collectionGroups/:collection/indexes`;
  const operations = `${DATABASES}/:database/operations`;
  return {
    name: 'firestore',
    hosts: ['firestore.googleapis.com'],
    ...googleRefusals('firestore.googleapis.com', world.token),
    routes: [
      route('POST', `${DOCUMENTS}:commit`, 'documents.commit', commit),
      route('POST', `${DOCUMENTS}:batchGet`, 'documents.batchGet', batchGet, 'read'),
      route('POST', `${DOCUMENTS}:runQuery`, 'documents.runQuery', runQuery, 'read'),
      route('GET', one, 'documents.get', get),
      route('DELETE', one, 'documents.delete', remove),
      route('POST', DATABASES, 'databases.create', databases.create),
      route('GET', DATABASES, 'databases.list', databases.list),
      route('GET', `${DATABASES}/:database=`, 'databases.get', databases.get),
      route('DELETE', `${DATABASES}/:database=`, 'databases.delete', databases.remove),
      route('POST', all, 'indexes.create', inDatabase(indexes.create)),
      route('GET', all, 'indexes.list', inDatabase(indexes.list)),
      route('GET', `${all}/:index=`, 'indexes.get', inDatabase(indexes.get)),
      route('DELETE', `${all}/:index=`, 'indexes.delete', inDatabase(indexes.remove)),
      route('GET', operations, 'operations.list', inDatabase(indexes.listOperations)),
      route('GET', `${operations}/:operation=`, 'operations.get', inDatabase(indexes.getOperation)),
    ],
  };
}

function preconditionFailure(
  name: string,
  before: Document | undefined,
  { exists, updateTime }: Precondition = {},
): FakeReply | undefined {
  if (exists === false && before !== undefined) return googleError(409, `Document already exists: ${name}`);
  if ((exists === true || updateTime !== undefined) && before === undefined)
    return googleError(404, `No document to update: ${name}`);
  if (updateTime === undefined || epochMsOf(updateTime) === Math.floor(before!.updatedAtMs)) return undefined;
  const message = `The stored version of ${name} does not match the required base version.`;
  return googleError(400, message, undefined, 'FAILED_PRECONDITION');
}

/** Later than the update before, in the milliseconds that a client is told: one of two that are equal would pass as new. */
function updateMs(before: Document | undefined, nowMs: number): number {
  return before === undefined ? nowMs : Math.max(nowMs, Math.floor(before.updatedAtMs) + 1);
}

function documentResource(name: string, { fields, createdAtMs, updatedAtMs }: Document): object {
  return { name, fields, createTime: isoTime(createdAtMs), updateTime: isoTime(updatedAtMs) };
}
