// Pinecone: the namespaces of serverless indexes, one index a host, and what the vendor asks of every call. Indexes
// themselves are in `pineconeIndexes.ts`, their records in `pineconeVectors.ts`. Its errors are those of gRPC in JSON.

import { CODE, failure, NAME, pageOf, tooManyRequests, unknownField } from './pineconeChecks.ts';
import {
  createIndexes,
  DEFAULT_NAMESPACE,
  type Handler,
  type NoteNamespace,
  namespacesReached,
} from './pineconeIndexes.ts';
import { vectorHandlers } from './pineconeVectors.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

const API_VERSION = /^20\d\d-(?:01|04|07|10)$/;
/** The first version with POST /namespaces. */
const API_VERSION_MIN = '2025-10';

export function pinecone(world: World): Service {
  const note: NoteNamespace = ({ host }, namespace, effect, atMs, detail = '') =>
    world.ledger.write({
      atMs,
      service: 'pinecone',
      kind: 'namespace',
      name: `${host}/${namespace}`,
      company: namespace,
      effect,
      detail,
    });
  const { handlers: indexes, inIndex } = createIndexes(world, note);
  const vectors = vectorHandlers(world, inIndex, note);

  const create = inIndex((index, { body, nowMs }) => {
    const { name, schema } = body;
    const unknown = unknownField(body, ['name', 'schema']);
    if (unknown !== undefined) return unknown;
    if (typeof name !== 'string' || !NAME.test(name))
      return failure(400, CODE.invalidArgument, 'Namespace name must be 1 to 512 ASCII characters');
    if (schema !== undefined)
      return failure(501, CODE.unimplemented, 'the fake does not cover a namespace schema');
    if (index.namespaces.has(name))
      return failure(409, CODE.alreadyExists, `Namespace "${name}" already exists`);
    const full = namespacesReached(world, index);
    if (full !== undefined) return full;
    index.namespaces.set(name, new Map());
    note(index, name, 'created', nowMs);
    return { status: 200, body: namespaceResource([name, { size: 0 }]) };
  });

  const get = inIndex(({ namespaces }, { params: { namespace } }) => {
    const found = namespaces.get(namespace);
    return found === undefined
      ? notFound(namespace)
      : { status: 200, body: namespaceResource([namespace, found]) };
  });

  const remove = inIndex((index, { params: { namespace }, nowMs }) => {
    if (namespace === DEFAULT_NAMESPACE)
      return failure(501, CODE.unimplemented, 'the fake does not cover emptying the default namespace');
    if (!index.namespaces.delete(namespace)) return notFound(namespace);
    note(index, namespace, 'deleted', nowMs);
    return { status: 200, body: {} };
  });

  const list = inIndex(({ namespaces }, { query }) => {
    const page = pageOf(namespaces.keys(), query);
    if ('status' in page) return page;
    const { names, ...pagination } = page;
    const prefix = query.get('prefix') ?? '';
    return {
      status: 200,
      body: {
        namespaces: names.map(name => namespaceResource([name, namespaces.get(name)!])),
        ...pagination,
        total_count: [...namespaces.keys()].filter(name => name.startsWith(prefix)).length,
      },
    };
  });

  const scope = ({ host }: RouteContext) => host;
  const write = (method: string, path: string, operation: string, handle: Handler) => ({
    method,
    path,
    operation: `pinecone.${operation}`,
    latency: 'lat.pinecone.write',
    scope,
    handle,
  });
  const read: typeof write = (...route) => ({ ...write(...route), latency: 'lat.pinecone.read' });
  return {
    name: 'pinecone',
    hosts: ['.pinecone.io'],
    authorise: headers => authorise(headers, world.token),
    throttled: tooManyRequests,
    malformed: reason => failure(400, CODE.invalidArgument, `Invalid request body: ${reason}`),
    unavailable: status => failure(status, CODE.unavailable, `The service refused it with ${status}`),
    routes: [
      write('POST', '/namespaces', 'namespaces.create', create),
      read('GET', '/namespaces', 'namespaces.list', list),
      read('GET', '/namespaces/:namespace', 'namespaces.get', get),
      write('DELETE', '/namespaces/:namespace', 'namespaces.delete', remove),
      write('POST', '/vectors/upsert', 'vectors.upsert', vectors.upsert),
      write('POST', '/vectors/update', 'vectors.update', vectors.update),
      write('POST', '/vectors/delete', 'vectors.delete', vectors.remove),
      read('GET', '/vectors/fetch', 'vectors.fetch', vectors.get),
      read('GET', '/vectors/list', 'vectors.list', vectors.list),
      read('POST', '/query', 'vectors.query', vectors.query),
      read('POST', '/describe_index_stats', 'vectors.stats', vectors.stats),
      write('POST', '/indexes', 'indexes.create', indexes.create),
      read('GET', '/indexes', 'indexes.list', indexes.list),
      read('GET', '/indexes/:index', 'indexes.get', indexes.get),
      write('PATCH', '/indexes/:index', 'indexes.configure', indexes.configure),
      write('DELETE', '/indexes/:index', 'indexes.delete', indexes.remove),
    ],
  };
}

function authorise(headers: Readonly<Record<string, string>>, token: string): FakeReply | undefined {
  if (headers['api-key'] !== token) return { status: 401, body: 'Unauthorized' };
  const version = headers['x-pinecone-api-version'] ?? '';
  return API_VERSION.test(version) && version >= API_VERSION_MIN
    ? undefined
    : failure(
        400,
        CODE.invalidArgument,
        `X-Pinecone-Api-Version must be a version from ${API_VERSION_MIN} on`,
      );
}

const namespaceResource = ([name, { size }]: readonly [string, { readonly size: number }]) => ({
  name,
  record_count: size,
});
const notFound = (name: string) => failure(404, CODE.notFound, `Namespace "${name}" not found`);
