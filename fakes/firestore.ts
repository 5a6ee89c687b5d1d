// Firestore v1: documents, one collection deep. Writes come as an atomic commit; what one makes of a document is in
// `firestoreWrites.ts`. Databases are in `firestoreDatabases.ts`, transactions in `firestoreTransactions.ts`, queries in
// `firestoreQuery.ts`, composite indexes in `firestoreIndexes.ts`, sizes and rates in `firestoreLimits.ts`.

import { type Fields, nameProblem, type ValidWrite, type Value, writeProblem } from './firestoreChecks.ts';
import { createDatabases, databaseMissing } from './firestoreDatabases.ts';
import { createIndexes } from './firestoreIndexes.ts';
import { createLimitsOfWrites } from './firestoreLimits.ts';
import { answerOf, type Found, indexNeeded, queryOf } from './firestoreQuery.ts';
import { createTransactions } from './firestoreTransactions.ts';
import { compareTexts } from './firestoreValues.ts';
import { preconditionFailure, preconditionOf, updateMs, written } from './firestoreWrites.ts';
import { googleError, googleRefusals, pageOf, unknownName } from './google.ts';
import { withKnownQueries } from './googleQuery.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

export type Document = {
  readonly fields: Fields;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};
export type Effect = {
  readonly name: string;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
  /** One for each transform of the write. */
  readonly results?: readonly Value[];
};

const DATABASES = '/v1/projects/:project/databases';
const DOCUMENTS = `${DATABASES}/:database/documents`;
/** Documents that one call may ask for. */
const BATCH_MAX = 1000;
const PAGE_SIZE_MAX = 300;
/** The vendor does not say so, and many users have found it. */
const PAGE_SIZE_USUAL = 20;

export function firestore(world: World): Service {
  const documents = new Map<string, Document>();
  const indexes = createIndexes(world);
  const limitsOfWrites = createLimitsOfWrites(world);
  const transactions = createTransactions();
  let given = 0;
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

  /** All writes are tried on the side, in order, each seeing those before it; only then may any of them be kept. */
  const tryWrites = (root: string, writes: readonly unknown[], nowMs: number): Effect[] | FakeReply => {
    const tried = new Map<string, Document | undefined>();
    const effects: Effect[] = [];
    for (const [index, write] of writes.entries()) {
      const problem = writeProblem(write, root);
      if (problem !== undefined) return googleError(400, `Invalid value at 'writes[${index}]': ${problem}`);
      const valid = write as ValidWrite;
      const name = (valid.update?.name ?? valid.delete)!;
      const before = tried.has(name) ? tried.get(name) : documents.get(name);
      const failed = preconditionFailure(name, before, valid.currentDocument);
      if (failed !== undefined) return failed;
      const { fields, results } =
        valid.update === undefined ? DELETED : written(valid, before?.fields ?? {}, nowMs);
      const after = valid.update && {
        fields,
        createdAtMs: before?.createdAtMs ?? nowMs,
        updatedAtMs: updateMs(documents.get(name), nowMs),
      };
      tried.set(name, after);
      effects.push({ name, before, after, results });
    }
    return effects;
  };

  const commit = inDatabase((root, { body, nowMs }) => {
    const unknown = unknownName(body, ['writes', 'transaction'], 'commit_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (body.writes !== undefined && !Array.isArray(body.writes))
      return googleError(400, 'writes must be an array.');
    const effects = tryWrites(root, body.writes ?? [], nowMs);
    if (!Array.isArray(effects)) return effects;
    const refusal =
      transactions.end(body.transaction, root, effects.length, name => documents.get(name), nowMs) ??
      limitsOfWrites(root, body, effects, nowMs);
    if (refusal !== undefined) return refusal;
    for (const effect of effects) apply(effect, nowMs);
    const writeResults = effects.map(({ after, results = [] }) => ({
      ...(after !== undefined && { updateTime: isoTime(after.updatedAtMs) }),
      ...(results.length > 0 && { transformResults: results }),
    }));
    return {
      status: 200,
      body: { ...(writeResults.length > 0 && { writeResults }), commitTime: isoTime(nowMs) },
    };
  });

  /** One write, answered with the document that it has made. */
  const writeOne = (root: string, write: object, nowMs: number): FakeReply => {
    const effects = tryWrites(root, [write], nowMs);
    if (!Array.isArray(effects)) return effects;
    const refusal = limitsOfWrites(root, write, effects, nowMs);
    if (refusal !== undefined) return refusal;
    apply(effects[0], nowMs);
    return { status: 200, body: documentResource(effects[0].name, effects[0].after!) };
  };

  const create = inDatabase((root, { params, query, body, nowMs }) => {
    const id = query.get('documentId') ?? `given-${String(++given).padStart(14, '0')}`;
    const update = { ...body, name: `${root}/${params.collection}/${id}` };
    return writeOne(root, { update, currentDocument: { exists: false } }, nowMs);
  });

  const patch = inDatabase((root, { params, query, body, nowMs }) => {
    const currentDocument = preconditionOf(query);
    if ('status' in currentDocument) return currentDocument;
    const update = { ...body, name: `${root}/${params.collection}/${params.document}` };
    const fieldPaths = query.getAll('updateMask.fieldPaths');
    const isConditional = Object.keys(currentDocument).length > 0;
    return writeOne(
      root,
      {
        update,
        ...(fieldPaths.length > 0 && { updateMask: { fieldPaths } }),
        ...(isConditional && { currentDocument }),
      },
      nowMs,
    );
  });

  /** In the order of their names, which is the only one that the fake covers. */
  const list = inDatabase((root, { params, query }) => {
    const prefix = `${root}/${params.collection}/`;
    const all = [...documents].filter(([name]) => name.startsWith(prefix));
    const page = pageOf(
      all.sort(([one], [another]) => compareTexts(one, another)),
      query,
      PAGE_SIZE_MAX,
      PAGE_SIZE_USUAL,
    );
    if (typeof page === 'string') return googleError(400, page);
    const found = page.items.map(([name, document]) => documentResource(name, document));
    return {
      status: 200,
      body: { ...(found.length > 0 && { documents: found }), nextPageToken: page.nextPageToken },
    };
  });

  const apply = (effect: Effect, nowMs: number) => {
    if (effect.after === undefined) documents.delete(effect.name);
    else documents.set(effect.name, effect.after);
    record(effect, nowMs);
  };

  const get = inDatabase((root, { params, query, nowMs }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const document = documents.get(name);
    const refusal = transactions.read(query.get('transaction'), root, [[name, document]], nowMs);
    if (refusal !== undefined) return refusal;
    return document === undefined
      ? googleError(404, `Document "${name}" not found.`)
      : { status: 200, body: documentResource(name, document) };
  });

  // As in reality, deleting what is not there succeeds, unless the call says that it must be there.
  const remove = inDatabase((root, { params, query, nowMs }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const precondition = preconditionOf(query);
    if ('status' in precondition) return precondition;
    const before = documents.get(name);
    const failed = preconditionFailure(name, before, precondition);
    if (failed !== undefined) return failed;
    const effect = { name, before, after: undefined };
    const refusal = limitsOfWrites(root, {}, [effect], nowMs);
    if (refusal !== undefined) return refusal;
    apply(effect, nowMs);
    return { status: 200, body: {} };
  });

  const batchGet = inDatabase((root, { body, nowMs }) => {
    const unknown = unknownName(body, ['documents', 'transaction'], 'batch_get_documents_request');
    if (unknown !== undefined) return googleError(400, unknown);
    const names: unknown = body.documents ?? [];
    if (!Array.isArray(names) || names.length > BATCH_MAX)
      return googleError(400, `documents must be an array of at most ${BATCH_MAX}.`);
    const problem = names.map(name => nameProblem(name, root)).find(each => each !== undefined);
    if (problem !== undefined) return googleError(400, problem);
    const readTime = isoTime(nowMs);
    const reads = [...new Set<string>(names)].map(name => [name, documents.get(name)] as const);
    const refusal = transactions.read(body.transaction, root, reads, nowMs);
    if (refusal !== undefined) return refusal;
    const answers = reads.map(([name, document]) =>
      document === undefined
        ? { missing: name, readTime }
        : { found: documentResource(name, document), readTime },
    );
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
    ...googleRefusals('firestore.googleapis.com', world),
    routes: withKnownQueries([
      route('POST', `${DOCUMENTS}:commit`, 'documents.commit', commit),
      route('POST', `${DOCUMENTS}:batchGet`, 'documents.batchGet', batchGet, 'read'),
      route('POST', `${DOCUMENTS}:runQuery`, 'documents.runQuery', runQuery, 'read'),
      route('POST', `${DOCUMENTS}:beginTransaction`, 'transactions.begin', inDatabase(transactions.begin)),
      route('POST', `${DOCUMENTS}:rollback`, 'transactions.rollback', inDatabase(transactions.rollback)),
      route('GET', one, 'documents.get', get),
      route('PATCH', one, 'documents.patch', patch),
      route('POST', `${DOCUMENTS}/:collection=`, 'documents.create', create),
      route('GET', `${DOCUMENTS}/:collection=`, 'documents.list', list),
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
    ]),
  };
}

/** A deletion leaves no fields. */
const DELETED = { fields: {}, results: [] };

function documentResource(name: string, { fields, createdAtMs, updatedAtMs }: Document): object {
  const isEmpty = Object.keys(fields).length === 0;
  return {
    name,
    ...(!isEmpty && { fields }),
    createTime: isoTime(createdAtMs),
    updateTime: isoTime(updatedAtMs),
  };
}
