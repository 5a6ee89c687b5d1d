// Pinecone's records: upsert, query, fetch, list, delete and counts, within one namespace of one index. A query compares
// every record, so its answer is exact.

import {
  CODE,
  type Filter,
  failure,
  filterOf,
  idRefusal,
  invalid,
  jsonBytes,
  type Metric,
  metadataRefusal,
  NAME,
  notCovered,
  pageOf,
  unknownField,
  type Vector,
  valuesRefusal,
  vectorsOf,
} from './pineconeChecks.ts';
import {
  DEFAULT_NAMESPACE,
  type Handler,
  type Index,
  type Indexes,
  type Namespace,
  type NoteNamespace,
  namespacesReached,
} from './pineconeIndexes.ts';
import { createRates } from './pineconeRates.ts';
import type { FakeReply, World } from './service.ts';

const TOP_K_MAX = 10_000;
const IDS_MAX = 1000;
/** Source: Pinecone, operation limits. */
const UPSERT_BYTES_MAX = 2 * 1024 * 1024;
const RESULT_BYTES_MAX = 4 * 1024 * 1024;
const QUERY_FIELDS = ['namespace', 'topK', 'filter', 'includeValues', 'includeMetadata', 'vector', 'id'];
const UPDATE_FIELDS = ['id', 'values', 'setMetadata', 'namespace'];
const EMPTY: Namespace = new Map();

type Verb = 'upsert' | 'update' | 'query' | 'get' | 'list' | 'remove' | 'stats';

export function vectorHandlers(
  world: World,
  inIndex: Indexes['inIndex'],
  note: NoteNamespace,
): Readonly<Record<Verb, Handler>> {
  const rateRefusal = createRates(world);

  const upsert = inIndex((index, { body, bodyBytes, nowMs }) => {
    const name = namespaceOf(body.namespace);
    if (name === undefined) return badNamespace();
    // The words are assumed, here and for a result that is too large.
    if (bodyBytes > UPSERT_BYTES_MAX)
      return invalid(`Request size ${bodyBytes} exceeds the maximum of ${UPSERT_BYTES_MAX} bytes`);
    const vectors = vectorsOf(body, index.dimension, index.metric);
    if (!Array.isArray(vectors)) return vectors;
    const tooFast = rateRefusal('Upsert', index.host, name, nowMs);
    if (tooFast !== undefined) return tooFast;
    let namespace = index.namespaces.get(name);
    const full = namespace === undefined ? namespacesReached(world, index) : undefined;
    if (full !== undefined) return full;
    index.dimension ??= vectors[0].values.length;
    if (namespace === undefined) {
      index.namespaces.set(name, (namespace = new Map()));
      note(index, name, 'created', nowMs);
    }
    for (const vector of vectors) namespace.set(vector.id, vector);
    note(index, name, 'changed', nowMs, `${namespace.size} records`);
    return { status: 200, body: { upsertedCount: vectors.length } };
  });

  /** Of one record, its values or some of its metadata. As the vendor has it, one that is not there is no mistake. */
  const update = inIndex((index, { body, nowMs }) => {
    const name = namespaceOf(body.namespace);
    if (name === undefined) return badNamespace();
    const { id, values, setMetadata } = body;
    const uncovered = ['sparseValues', 'filter', 'dryRun'].find(field => body[field] !== undefined);
    const refusal =
      (uncovered !== undefined && notCovered(`${uncovered} of an update`)) ||
      unknownField(body, UPDATE_FIELDS) ||
      idRefusal(id) ||
      (values !== undefined && valuesRefusal(values, index.dimension, index.metric)) ||
      metadataRefusal(setMetadata);
    if (refusal) return refusal;
    if (values === undefined && setMetadata === undefined) return invalid('Give values or setMetadata');
    const tooFast = rateRefusal('Update', index.host, name, nowMs);
    if (tooFast !== undefined) return tooFast;
    const namespace = index.namespaces.get(name);
    const own = namespace?.get(id);
    if (namespace === undefined || own === undefined) return { status: 200, body: {} };
    const metadata = setMetadata === undefined ? own.metadata : { ...own.metadata, ...setMetadata };
    const tooLarge = metadataRefusal(metadata);
    if (tooLarge !== undefined) return tooLarge;
    namespace.set(id, { id, values: values?.map(Math.fround) ?? own.values, metadata });
    note(index, name, 'changed', nowMs, `${namespace.size} records`);
    return { status: 200, body: {} };
  });

  const query = inIndex((index, { body, nowMs }) => {
    const name = namespaceOf(body.namespace);
    if (name === undefined) return badNamespace();
    const { topK, includeValues = false, includeMetadata = false } = body;
    const filter = body.filter === undefined ? () => true : filterOf(body.filter);
    const refusal = queryRefusal(body, filter, index) ?? rateRefusal('Query', index.host, name, nowMs);
    if (refusal !== undefined) return refusal;
    const namespace = index.namespaces.get(name) ?? EMPTY;
    const asked: readonly number[] | undefined = body.vector ?? namespace.get(body.id)?.values;
    const found = asked === undefined ? [] : nearest(namespace, asked, index.metric, filter!).slice(0, topK);
    const matches = found.map(({ vector: { id, values, metadata }, score }) => ({
      id,
      score,
      values: includeValues ? values : [],
      ...(includeMetadata && metadata !== undefined && { metadata }),
    }));
    const hasMore = includeValues || includeMetadata;
    if (hasMore && jsonBytes(matches) > RESULT_BYTES_MAX)
      return invalid(
        `The result exceeds the maximum of ${RESULT_BYTES_MAX} bytes: ask for fewer or for less`,
      );
    return { status: 200, body: { results: [], matches, namespace: name, usage: { readUnits: 1 } } };
  });

  const get = inIndex((index, { query: parameters }) => {
    const name = namespaceOf(parameters.get('namespace') ?? undefined);
    if (name === undefined) return badNamespace();
    const ids = parameters.getAll('ids');
    if (ids.length === 0 || ids.length > IDS_MAX) return invalid(`ids must be 1 to ${IDS_MAX}`);
    const namespace = index.namespaces.get(name) ?? EMPTY;
    const found = ids.flatMap(id => namespace.get(id) ?? []);
    const vectors = Object.fromEntries(found.map(vector => [vector.id, vector]));
    return { status: 200, body: { vectors, namespace: name, usage: { readUnits: 1 } } };
  });

  const list = inIndex((index, { query: parameters }) => {
    const name = namespaceOf(parameters.get('namespace') ?? undefined);
    if (name === undefined) return badNamespace();
    const page = pageOf((index.namespaces.get(name) ?? EMPTY).keys(), parameters);
    if ('status' in page) return page;
    const { names, ...pagination } = page;
    const vectors = names.map(id => ({ id }));
    return { status: 200, body: { vectors, ...pagination, namespace: name, usage: { readUnits: 1 } } };
  });

  const remove = inIndex((index, { body, nowMs }) => {
    const name = namespaceOf(body.namespace);
    if (name === undefined) return badNamespace();
    const { ids, deleteAll = false, filter } = body;
    const unknown = unknownField(body, ['namespace', 'ids', 'deleteAll', 'filter']);
    if (unknown !== undefined) return unknown;
    if ([ids !== undefined, deleteAll === true, filter !== undefined].filter(Boolean).length !== 1)
      return invalid('Give exactly one of ids, deleteAll and filter');
    if (ids !== undefined && !isIds(ids)) return invalid(`ids must be 1 to ${IDS_MAX} vector ids`);
    const matches = filter === undefined ? undefined : filterOf(filter);
    if (filter !== undefined && matches === undefined) return invalid('Invalid metadata filter');
    const tooFast = rateRefusal('Delete', index.host, name, nowMs);
    if (tooFast !== undefined) return tooFast;
    const namespace = index.namespaces.get(name);
    if (namespace === undefined) return failure(404, CODE.notFound, 'Namespace not found');
    const before = namespace.size;
    for (const { id, metadata = {} } of [...namespace.values()])
      if (deleteAll || ids?.includes(id) || matches?.(metadata)) namespace.delete(id);
    if (namespace.size < before) note(index, name, 'changed', nowMs, `${namespace.size} records`);
    return { status: 200, body: {} };
  });

  const stats = inIndex(({ namespaces, dimension, metric }, { body }) => {
    if (body.filter !== undefined)
      return invalid('Serverless indexes do not support describing index stats with metadata filtering');
    const unknown = unknownField(body, []);
    if (unknown !== undefined) return unknown;
    // As the vendor has it, the default namespace counts as one only when it has records.
    const counted = [...namespaces].filter(([name, { size }]) => name !== DEFAULT_NAMESPACE || size > 0);
    const totalVectorCount = counted.reduce((sum, [, { size }]) => sum + size, 0);
    const summaries = Object.fromEntries(counted.map(([name, { size }]) => [name, { vectorCount: size }]));
    return {
      status: 200,
      body: {
        namespaces: summaries,
        dimension,
        indexFullness: 0,
        totalVectorCount,
        metric,
        vectorType: 'dense',
      },
    };
  });

  return { upsert, update, query, get, list, remove, stats };
}

/** Without a name it is the default one; undefined when it cannot be one. */
function namespaceOf(name: unknown): string | undefined {
  if (name === undefined || name === '') return DEFAULT_NAMESPACE;
  return typeof name === 'string' && NAME.test(name) ? name : undefined;
}

const badNamespace = () => invalid('Namespace name must be 1 to 512 ASCII characters');
const isIds = (ids: unknown) =>
  Array.isArray(ids) &&
  ids.length > 0 &&
  ids.length <= IDS_MAX &&
  ids.every(id => idRefusal(id) === undefined);

function queryRefusal(
  // biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
  body: any,
  filter: Filter | undefined,
  { dimension, metric }: Index,
): FakeReply | undefined {
  const { topK, vector, id, includeValues = false, includeMetadata = false } = body;
  if (body.sparseVector !== undefined) return notCovered('sparse vectors');
  const unknown = unknownField(body, QUERY_FIELDS);
  if (unknown !== undefined) return unknown;
  if (!Number.isInteger(topK) || topK < 1 || topK > TOP_K_MAX)
    return invalid(`Invalid topK: it must be 1 to ${TOP_K_MAX}`);
  if (typeof includeValues !== 'boolean' || typeof includeMetadata !== 'boolean')
    return invalid('includeValues and includeMetadata must be booleans');
  if (filter === undefined) return invalid('Invalid metadata filter');
  if ((vector === undefined) === (id === undefined)) return invalid('Give exactly one of vector and id');
  return id === undefined ? valuesRefusal(vector, dimension, metric) : idRefusal(id);
}

type Match = { readonly vector: Vector; readonly score: number };

/** Best first; of a euclidean index the least score is best, since it is the square of a distance. */
function nearest(namespace: Namespace, asked: readonly number[], metric: Metric, filter: Filter): Match[] {
  const floats = asked.map(Math.fround);
  const score = SCORES[metric];
  const better = metric === 'euclidean' ? 1 : -1;
  return [...namespace.values()]
    .filter(({ metadata = {} }) => filter(metadata))
    .map(vector => ({ vector, score: Math.fround(score(floats, vector.values)) }))
    .sort((a, b) => better * (a.score - b.score) || (a.vector.id < b.vector.id ? -1 : 1));
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const SCORES: Readonly<Record<Metric, (a: readonly number[], b: readonly number[]) => number>> = {
  dotproduct: dot,
  cosine: (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  euclidean: (a, b) => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0),
};
