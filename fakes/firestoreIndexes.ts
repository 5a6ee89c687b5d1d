// Firestore's composite indexes, each made by a long-running operation: it is there at once, and serves queries later.

import { FIELD_PATH } from './firestoreChecks.ts';
import { googleError, googleExhausted, pageOf, unknownName } from './google.ts';
import { limitReached } from './resourceLimit.ts';
import { type FakeReply, isObject, isoTime, type RouteContext, type World } from './service.ts';

export type IndexField = {
  readonly fieldPath: string;
  readonly order?: 'ASCENDING' | 'DESCENDING';
  readonly arrayConfig?: 'CONTAINS';
};
type Index = {
  readonly name: string;
  readonly queryScope: string;
  readonly fields: readonly IndexField[];
  readonly createdAtMs: number;
  readonly readyAtMs: number;
};
type Handler = (root: string, context: RouteContext) => FakeReply;
type Verb = 'create' | 'list' | 'get' | 'remove' | 'listOperations' | 'getOperation';
export type Indexes = Readonly<Record<Verb, Handler>> & {
  /** They go with their database. */
  removeAll(root: string, nowMs: number): void;
  /** The fields of each index that serves queries of the collection now. */
  ready(root: string, collection: string, nowMs: number): (readonly IndexField[])[];
};

const TYPES = 'type.googleapis.com/google.firestore.admin.v1';
const COLLECTION_ID = /^[A-Za-z_][\w-]*$/;
const FIELDS_MAX = 100;
const PAGE_SIZE_MAX = 1000;
const databaseOf = (root: string) => root.slice(0, -'/documents'.length);

export function createIndexes(world: World): Indexes {
  const indexes = new Map<string, Index>();
  /** By name; an operation is kept when its index is deleted. */
  const operations = new Map<string, Index>();
  const record = (index: Index, effect: 'created' | 'deleted', atMs: number) =>
    world.ledger.write({
      atMs,
      service: 'firestore',
      kind: 'compositeIndex',
      name: index.name,
      company: '',
      effect,
      detail: shapeOf(index),
    });
  const parentOf = (root: string, { params }: RouteContext) =>
    `${databaseOf(root)}/collectionGroups/${params.collection}/indexes`;
  const under = <T>(all: ReadonlyMap<string, T>, parent: string) =>
    [...all].filter(([name]) => name.startsWith(`${parent}/`));

  const create: Handler = (root, context) => {
    const { body, params, nowMs, key } = context;
    const problem = COLLECTION_ID.test(params.collection)
      ? indexProblem(body)
      : `Invalid collection group ID "${params.collection}".`;
    if (problem !== undefined) return googleError(400, problem);
    const parent = parentOf(root, context);
    const number = (operations.size + 1).toString(16).padStart(12, '0');
    const index: Index = {
      name: `${parent}/${number}`,
      queryScope: body.queryScope,
      fields: withName(body.fields),
      createdAtMs: nowMs,
      readyAtMs: nowMs + world.durationMs('lat.firestore.index', key),
    };
    if (under(indexes, parent).some(([, each]) => shapeOf(each) === shapeOf(index)))
      return googleError(409, 'index already exists');
    const inDatabase = under(indexes, `${databaseOf(root)}/collectionGroups`).length;
    const limit = limitReached(world, 'quota.firestore.composite-indexes', inDatabase);
    if (limit !== undefined)
      return googleExhausted('firestore.googleapis.com', 'CompositeIndexesPerDatabase', limit);
    const operation = `${databaseOf(root)}/operations/${number}`;
    indexes.set(index.name, index);
    operations.set(operation, index);
    record(index, 'created', nowMs);
    return { status: 200, body: operationResource(operation, index, nowMs) };
  };

  const list: Handler = (root, context) =>
    listReply('indexes', under(indexes, parentOf(root, context)), context, ([, index], nowMs) =>
      indexResource(index, nowMs),
    );

  const withIndex =
    (handle: (index: Index, context: RouteContext) => FakeReply): Handler =>
    (root, context) => {
      const name = `${parentOf(root, context)}/${context.params.index}`;
      const index = indexes.get(name);
      return index === undefined ? googleError(404, `Index ${name} not found.`) : handle(index, context);
    };

  const get = withIndex((index, { nowMs }) => ({ status: 200, body: indexResource(index, nowMs) }));

  const remove = withIndex((index, { nowMs }) => {
    // Assumed: the vendor does not document what becomes of an index that is still being built.
    if (nowMs < index.readyAtMs)
      return googleError(400, `Index ${index.name} is being created.`, undefined, 'FAILED_PRECONDITION');
    indexes.delete(index.name);
    record(index, 'deleted', nowMs);
    return { status: 200, body: {} };
  });

  const listOperations: Handler = (root, context) =>
    listReply(
      'operations',
      under(operations, `${databaseOf(root)}/operations`),
      context,
      ([name, index], nowMs) => operationResource(name, index, nowMs),
    );

  const getOperation: Handler = (root, { params, nowMs }) => {
    const name = `${databaseOf(root)}/operations/${params.operation}`;
    const index = operations.get(name);
    return index === undefined
      ? googleError(404, `Operation ${name} not found.`)
      : { status: 200, body: operationResource(name, index, nowMs) };
  };

  const removeAll: Indexes['removeAll'] = (root, nowMs) => {
    for (const [name, index] of under(indexes, `${databaseOf(root)}/collectionGroups`)) {
      indexes.delete(name);
      record(index, 'deleted', nowMs);
    }
  };

  const ready: Indexes['ready'] = (root, collection, nowMs) =>
    under(indexes, `${databaseOf(root)}/collectionGroups/${collection}/indexes`)
      .filter(([, { readyAtMs, queryScope }]) => nowMs >= readyAtMs && queryScope === 'COLLECTION')
      .map(([, { fields }]) => fields);

  return { create, list, get, remove, listOperations, getOperation, removeAll, ready };
}

function listReply<T>(
  kind: string,
  all: readonly T[],
  { query, nowMs }: RouteContext,
  resource: (item: T, nowMs: number) => object,
): FakeReply {
  const page = pageOf(all, query, PAGE_SIZE_MAX);
  if (typeof page === 'string') return googleError(400, page);
  const items = page.items.map(item => resource(item, nowMs));
  return {
    status: 200,
    body: { ...(items.length > 0 && { [kind]: items }), nextPageToken: page.nextPageToken },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
function indexProblem(body: any): string | undefined {
  const unknown = unknownName(body, ['queryScope', 'fields'], 'index');
  if (unknown !== undefined) return unknown;
  const { queryScope, fields } = body;
  if (queryScope !== 'COLLECTION' && queryScope !== 'COLLECTION_GROUP')
    return `Invalid value at 'index.query_scope': ${queryScope}`;
  if (!Array.isArray(fields) || fields.length > FIELDS_MAX)
    return `index.fields must be an array of at most ${FIELDS_MAX}.`;
  for (const field of fields) {
    const problem = isObject(field) ? fieldProblem(field) : 'a field must be an object.';
    if (problem !== undefined) return `Invalid value at 'index.fields': ${problem}`;
  }
  const paths = fields.map(({ fieldPath }) => fieldPath);
  if (new Set(paths).size < paths.length) return 'index.fields must not repeat a field.';
  if (paths.includes('__name__') && paths.at(-1) !== '__name__') return '__name__ must be the last field.';
  return paths.filter(path => path !== '__name__').length < 2
    ? 'this index is not necessary, configure using single field index controls'
    : undefined;
}

function fieldProblem(field: Record<string, unknown>): string | undefined {
  const { fieldPath, order, arrayConfig } = field;
  if (typeof fieldPath !== 'string' || !FIELD_PATH.test(fieldPath))
    return `the path ${fieldPath} is invalid.`;
  if ((order === undefined) === (arrayConfig === undefined))
    return 'a field must be one of order and array_config.';
  if (order !== undefined && order !== 'ASCENDING' && order !== 'DESCENDING') return `order ${order}`;
  if (arrayConfig !== undefined && arrayConfig !== 'CONTAINS') return `array_config ${arrayConfig}`;
  return unknownName(field, ['fieldPath', 'order', 'arrayConfig'], 'index.fields');
}

/** The vendor adds the name in the direction of the field before it. */
function withName(fields: readonly IndexField[]): readonly IndexField[] {
  const last = fields.at(-1)!;
  return last.fieldPath === '__name__'
    ? fields
    : [...fields, { fieldPath: '__name__', order: last.order ?? 'ASCENDING' }];
}

const shapeOf = ({ queryScope, fields }: Index) =>
  [
    queryScope,
    ...fields.map(({ fieldPath, order, arrayConfig }) => `${fieldPath} ${order ?? arrayConfig}`),
  ].join(', ');

function indexResource({ name, queryScope, fields, readyAtMs }: Index, nowMs: number): object {
  return {
    name,
    queryScope,
    fields,
    state: nowMs >= readyAtMs ? 'READY' : 'CREATING',
    density: 'SPARSE_ALL',
  };
}

function operationResource(name: string, index: Index, nowMs: number): object {
  const done = nowMs >= index.readyAtMs;
  return {
    name,
    metadata: {
      '@type': `${TYPES}.IndexOperationMetadata`,
      startTime: isoTime(index.createdAtMs),
      ...(done && { endTime: isoTime(index.readyAtMs) }),
      index: index.name,
      state: done ? 'SUCCESSFUL' : 'PROCESSING',
    },
    ...(done && { done, response: { '@type': `${TYPES}.Index`, ...indexResource(index, nowMs) } }),
  };
}
