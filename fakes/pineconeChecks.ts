// What Pinecone refuses: the checks of indexes, records, queries and metadata filters, and the envelopes of both planes.

import type { QuotaRefusal } from './quota.ts';
import { type FakeReply, isObject } from './service.ts';

export type Metric = 'cosine' | 'dotproduct' | 'euclidean';
export type Metadata = Readonly<Record<string, string | number | boolean | readonly string[]>>;
export type Vector = {
  readonly id: string;
  readonly values: readonly number[];
  readonly metadata: Metadata | undefined;
};
/** Whether a record's metadata is asked for. */
export type Filter = (metadata: Metadata) => boolean;

/** google.rpc.Code. */
export const CODE = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
};

const INDEX_NAME = /^[a-z0-9](?:[a-z0-9-]{0,43}[a-z0-9])?$/;
/** Of a namespace and of a record's id. */
export const NAME = /^[\x20-\x7e]{1,512}$/;
const REGION = /^[a-z]+(?:-[a-z]+)*-?\d+$/;
const DIMENSION_MAX = 20_000;
const TAGS_MAX = 20;
const METADATA_BYTES_MAX = 40_960;
const VECTORS_MAX = 1000;
const METRICS = ['cosine', 'dotproduct', 'euclidean'];
const CLOUDS = ['aws', 'gcp', 'azure'];
const INDEX_FIELDS = ['name', 'dimension', 'metric', 'spec', 'tags', 'deletion_protection', 'vector_type'];

export function failure(status: number, code: number, message: string): FakeReply {
  return { status, body: { code, message, details: [] } };
}

export const invalid = (message: string) => failure(400, CODE.invalidArgument, message);

/** The control plane's envelope is another than the data plane's. */
export function controlFailure(status: number, code: string, message: string): FakeReply {
  return { status, body: { status, error: { code, message } } };
}

/** A rate's refusal: its message ends in the quota's name. */
export function tooManyRequests({ quota, retryAfterMs }: QuotaRefusal): FakeReply {
  return {
    ...failure(429, CODE.resourceExhausted, `Too many requests. Limit reached: ${quota}`),
    headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
  };
}

/** A limit on objects, in the message's words the quota's name; the data plane's envelope and code of it are assumed. */
export function quotaExceeded(
  plane: 'control' | 'data',
  quota: string,
  of: string,
  limit: number,
): FakeReply {
  const message = `Request failed. You've reached the max ${quota} allowed in ${of} (${limit}).`;
  const reply =
    plane === 'control'
      ? controlFailure(403, 'QUOTA_EXCEEDED', message)
      : failure(403, CODE.resourceExhausted, message);
  return { ...reply, latency: 'lat.refusal', quota };
}

/** Where the vendor has serverless indexes; about 2025. None is in the two regions of Google Cloud that we use besides. */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  aws: ['us-east-1', 'us-west-2', 'eu-west-1'],
  gcp: ['us-central1', 'europe-west4'],
  azure: ['eastus2'],
};

export const regionRefusal = ({ cloud, region }: { readonly cloud: string; readonly region: string }) =>
  REGIONS[cloud].includes(region) ? undefined : noRegion(cloud, region);

const noRegion = (cloud: string, region: string) =>
  controlFailure(404, 'NOT_FOUND', `Resource cloud: ${cloud} region: ${region} not found`);

const PAGE_SIZE_MAX = 100;

export type Page = { readonly names: readonly string[]; readonly pagination?: { readonly next: string } };

/** In order of the names' bytes; the token of a page is the last name of the page before. */
export function pageOf(all: Iterable<string>, query: URLSearchParams): Page | FakeReply {
  const limit = Number(query.get('limit') ?? PAGE_SIZE_MAX);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
    return invalid(`limit must be 1 to ${PAGE_SIZE_MAX}`);
  const [prefix, after] = ['prefix', 'paginationToken'].map(name => query.get(name) ?? '');
  const rest = [...all].filter(name => name.startsWith(prefix) && name > after).sort();
  const names = rest.slice(0, limit);
  return rest.length > limit ? { names, pagination: { next: names.at(-1)! } } : { names };
}

/** A body of the wrong shape is answered with 422, one of the right shape with wrong content with 400. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function indexRefusal(body: any): FakeReply | undefined {
  const { name, dimension, metric = 'cosine', spec, tags, vector_type = 'dense' } = body;
  const shape = (message: string) =>
    controlFailure(
      422,
      'INVALID_ARGUMENT',
      `Failed to deserialize the JSON body into the target type: ${message}`,
    );
  const content = (message: string) => controlFailure(400, 'INVALID_ARGUMENT', message);
  const missing = ['name', 'spec'].find(field => body[field] === undefined);
  if (missing !== undefined) return shape(`missing field \`${missing}\``);
  const unknown = Object.keys(body).find(field => !INDEX_FIELDS.includes(field));
  if (unknown !== undefined) return shape(`unknown field \`${unknown}\``);
  if (!METRICS.includes(metric)) return shape(`metric: unknown variant \`${metric}\``);
  if (!['enabled', 'disabled', undefined].includes(body.deletion_protection))
    return shape('deletion_protection: unknown variant');
  if (!isObject(spec)) return shape('spec: expected an object');
  if (vector_type !== 'dense' || Object.keys(spec).join() !== 'serverless')
    return controlFailure(501, 'UNIMPLEMENTED', 'The fake covers serverless indexes of dense vectors alone');
  if (typeof name !== 'string' || !INDEX_NAME.test(name))
    return content('Name must be 1 to 45 lower case letters, digits and hyphens, no hyphen at either end');
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > DIMENSION_MAX)
    return content(`Dimension must be between 1 and ${DIMENSION_MAX}`);
  if (tags !== undefined && !isTags(tags)) return content('Tags must be up to 20 short texts');
  return serverlessRefusal(spec.serverless, shape);
}

function serverlessRefusal(
  serverless: unknown,
  shape: (message: string) => FakeReply,
): FakeReply | undefined {
  if (!isObject(serverless)) return shape('spec.serverless: expected an object');
  const { cloud, region, read_capacity = { mode: 'OnDemand' }, ...rest } = serverless;
  if (typeof cloud !== 'string' || !CLOUDS.includes(cloud)) return shape('cloud: unknown variant');
  if (typeof region !== 'string') return shape('missing field `region`');
  if (!REGION.test(region)) return noRegion(cloud, region);
  if (Object.keys(rest).length > 0 || JSON.stringify(read_capacity) !== '{"mode":"OnDemand"}')
    return controlFailure(
      501,
      'UNIMPLEMENTED',
      'The fake covers a cloud, a region and on-demand reads alone',
    );
  return undefined;
}

/** What may be changed of an index that is there. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function changeRefusal(body: any): FakeReply | undefined {
  const { deletion_protection, tags, ...rest } = body;
  const other = Object.keys(rest)[0];
  if (other === 'spec' || other === 'embed' || other === 'read_capacity')
    return controlFailure(501, 'UNIMPLEMENTED', `The fake does not cover a change of ${other}`);
  const shape = (message: string) => controlFailure(422, 'INVALID_ARGUMENT', message);
  if (other !== undefined) return shape(`unknown field \`${other}\``);
  if (!['enabled', 'disabled', undefined].includes(deletion_protection))
    return shape('deletion_protection: unknown variant');
  return tags === undefined || isTags(tags)
    ? undefined
    : controlFailure(400, 'INVALID_ARGUMENT', 'Tags must be up to 20 short texts');
}

const isTags = (tags: unknown) =>
  isObject(tags) &&
  Object.keys(tags).length <= TAGS_MAX &&
  Object.entries(tags).every(
    ([key, value]) => /^[\w-]{1,80}$/.test(key) && typeof value === 'string' && value.length <= 120,
  );

/** The records of a request as they are kept, each value a 32-bit float, or the refusal. */
export function vectorsOf(
  // biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
  { vectors, ...rest }: any,
  dimension: number | undefined,
  metric: Metric,
): Vector[] | FakeReply {
  const unknown = unknownField(rest, ['namespace']);
  if (unknown !== undefined) return unknown;
  if (!Array.isArray(vectors) || vectors.length === 0) return invalid('No vectors were given');
  if (vectors.length > VECTORS_MAX) return invalid(`A request has at most ${VECTORS_MAX} vectors`);
  const wanted = dimension ?? vectors[0]?.values?.length;
  const kept: Vector[] = [];
  for (const vector of vectors) {
    if (!isObject(vector)) return invalid('A vector must be an object');
    const { id, values, metadata, ...others } = vector;
    const refusal =
      (others.sparseValues !== undefined && notCovered('sparse values')) ||
      unknownField(others, []) ||
      idRefusal(id) ||
      valuesRefusal(values, wanted, metric) ||
      metadataRefusal(metadata);
    if (refusal) return refusal;
    const floats = (values as number[]).map(Math.fround);
    kept.push({ id: id as string, values: floats, metadata: metadata as Metadata | undefined });
  }
  return kept;
}

export const notCovered = (what: string) =>
  failure(501, CODE.unimplemented, `The fake does not cover ${what}`);

export function unknownField(body: object, fields: readonly string[]): FakeReply | undefined {
  const unknown = Object.keys(body).find(field => !fields.includes(field));
  return unknown === undefined ? undefined : invalid(`Unknown field "${unknown}"`);
}

export const idRefusal = (id: unknown) =>
  typeof id === 'string' && NAME.test(id)
    ? undefined
    : invalid('A vector id must be 1 to 512 ASCII characters');

export function valuesRefusal(values: unknown, dimension: number | undefined, metric: Metric) {
  if (!Array.isArray(values) || !values.every(isFloat))
    return invalid('Vector values must be an array of floats');
  if (values.length === 0 || (dimension !== undefined && values.length !== dimension))
    return invalid(
      `Vector dimension ${values.length} does not match the dimension of the index ${dimension ?? 'yet to be'}`,
    );
  // It has no direction to compare.
  return metric === 'cosine' && values.every(value => value === 0)
    ? invalid('Dense vectors must contain at least one non-zero value')
    : undefined;
}

const isFloat = (value: unknown) => typeof value === 'number' && Number.isFinite(Math.fround(value));

export function metadataRefusal(metadata: unknown): FakeReply | undefined {
  if (metadata === undefined) return undefined;
  if (!isObject(metadata)) return invalid('Metadata must be an object');
  for (const [name, value] of Object.entries(metadata)) {
    // It would be an operator of a filter.
    if (name.startsWith('$')) return invalid(`Metadata field '${name}' must not start with $`);
    if (!isScalar(value) && !(Array.isArray(value) && value.every(item => typeof item === 'string')))
      return invalid(
        `Metadata value must be a string, number, boolean or list of strings, got another for field '${name}'`,
      );
  }
  return jsonBytes(metadata) > METADATA_BYTES_MAX
    ? invalid(`Metadata size exceeds the limit of ${METADATA_BYTES_MAX} bytes per vector`)
    : undefined;
}

const encoder = new TextEncoder();
export const jsonBytes = (value: unknown): number => encoder.encode(JSON.stringify(value)).length;

const isScalar = (value: unknown) =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value));

type Test = (own: unknown, given: unknown) => boolean;
/** A list of texts equals each of its texts. */
const equals: Test = (own, given) => (Array.isArray(own) ? own.includes(given) : own === given);
const compares =
  (test: (own: number, given: number) => boolean): Test =>
  (own, given) =>
    typeof own === 'number' && test(own, given as number);
const isIn: Test = (own, given) => (given as unknown[]).some(item => equals(own, item));
const isNumber = (given: unknown) => typeof given === 'number';
const isList = (given: unknown) => Array.isArray(given) && given.length > 0 && given.every(isScalar);
const OPERATORS: Readonly<Record<string, { takes: (given: unknown) => boolean; test: Test }>> = {
  $eq: { takes: isScalar, test: equals },
  $ne: { takes: isScalar, test: (own, given) => !equals(own, given) },
  $gt: { takes: isNumber, test: compares((own, given) => own > given) },
  $gte: { takes: isNumber, test: compares((own, given) => own >= given) },
  $lt: { takes: isNumber, test: compares((own, given) => own < given) },
  $lte: { takes: isNumber, test: compares((own, given) => own <= given) },
  $in: { takes: isList, test: isIn },
  $nin: { takes: isList, test: (own, given) => !isIn(own, given) },
  $exists: {
    takes: given => typeof given === 'boolean',
    test: (own, given) => (own !== undefined) === given,
  },
};

/** Undefined when it is no filter. */
export function filterOf(filter: unknown): Filter | undefined {
  if (!isObject(filter) || Object.keys(filter).length === 0) return undefined;
  const parts = Object.entries(filter).map(([name, given]) => partOf(name, given));
  return parts.some(part => part === undefined)
    ? undefined
    : metadata => parts.every(part => part!(metadata));
}

function partOf(name: string, given: unknown): Filter | undefined {
  if (name === '$and' || name === '$or') {
    const filters = Array.isArray(given) && given.length > 0 ? given.map(filterOf) : [undefined];
    if (filters.some(filter => filter === undefined)) return undefined;
    return metadata =>
      name === '$and' ? filters.every(each => each!(metadata)) : filters.some(each => each!(metadata));
  }
  if (name.startsWith('$')) return undefined;
  const conditions = isObject(given) ? Object.entries(given) : [['$eq', given] as const];
  const fits = ([operator, value]: readonly [string, unknown]) =>
    Object.hasOwn(OPERATORS, operator) && OPERATORS[operator].takes(value);
  if (conditions.length === 0 || !conditions.every(fits)) return undefined;
  return metadata => conditions.every(([operator, value]) => OPERATORS[operator].test(metadata[name], value));
}
