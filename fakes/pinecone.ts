// Pinecone's data plane: the namespaces of serverless indexes, one index a host. Its errors are those of gRPC in JSON.

import type { Effect } from './ledger.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

const API_VERSION = /^20\d\d-(?:01|04|07|10)$/;
/** The first version with POST /namespaces. */
const API_VERSION_MIN = '2025-10';
const NAME = /^[\x20-\x7e]{1,512}$/;
/** Every index has it from the start. */
const DEFAULT_NAMESPACE = '__default__';
const PAGE_SIZE_MAX = 100;
/** google.rpc.Code. */
const CODE = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
};

export function pinecone(world: World): Service {
  const indexes = new Map<string, Set<string>>();
  const note = (host: string, namespace: string, effect: Effect, atMs: number) => {
    const name = `${host}/${namespace}`;
    world.ledger.write({
      atMs,
      service: 'pinecone',
      kind: 'namespace',
      name,
      company: namespace,
      effect,
      detail: '',
    });
  };

  /** Any host below the vendor's domain is an index, but its control plane. */
  const inIndex =
    (handle: (namespaces: Set<string>, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { host } = context;
      if (host === 'api.pinecone.io')
        return failure(501, CODE.unimplemented, 'the fake does not cover the control plane');
      let namespaces = indexes.get(host);
      if (namespaces === undefined) indexes.set(host, (namespaces = new Set([DEFAULT_NAMESPACE])));
      return handle(namespaces, context);
    };

  const create = inIndex((namespaces, { body, host, nowMs }) => {
    const { name, schema } = body;
    if (typeof name !== 'string' || !NAME.test(name))
      return failure(400, CODE.invalidArgument, 'Namespace name must be 1 to 512 ASCII characters');
    if (schema !== undefined)
      return failure(501, CODE.unimplemented, 'the fake does not cover a namespace schema');
    if (namespaces.has(name)) return failure(409, CODE.alreadyExists, `Namespace "${name}" already exists`);
    namespaces.add(name);
    note(host, name, 'created', nowMs);
    return { status: 200, body: namespaceResource(name) };
  });

  const get = inIndex((namespaces, { params: { namespace } }) =>
    namespaces.has(namespace) ? { status: 200, body: namespaceResource(namespace) } : notFound(namespace),
  );

  const remove = inIndex((namespaces, { params: { namespace }, host, nowMs }) => {
    if (namespace === DEFAULT_NAMESPACE)
      return failure(501, CODE.unimplemented, 'the fake does not cover emptying the default namespace');
    if (!namespaces.delete(namespace)) return notFound(namespace);
    note(host, namespace, 'deleted', nowMs);
    return { status: 200, body: {} };
  });

  /** In order of the names' bytes; the token of a page is the last name of the page before. */
  const list = inIndex((namespaces, { query }) => {
    const limit = Number(query.get('limit') ?? PAGE_SIZE_MAX);
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
      return failure(400, CODE.invalidArgument, `limit must be 1 to ${PAGE_SIZE_MAX}`);
    const prefix = query.get('prefix') ?? '';
    const after = query.get('paginationToken') ?? '';
    const all = [...namespaces].filter(name => name.startsWith(prefix)).sort();
    const rest = all.filter(name => name > after);
    const names = rest.slice(0, limit);
    const pagination = rest.length > limit && { pagination: { next: names.at(-1) } };
    return {
      status: 200,
      body: { namespaces: names.map(namespaceResource), ...pagination, total_count: all.length },
    };
  });

  const scope = ({ host }: RouteContext) => host;
  const write = { latency: 'lat.pinecone.write', scope } as const;
  const read = { latency: 'lat.pinecone.read', scope } as const;
  return {
    name: 'pinecone',
    hosts: ['.pinecone.io'],
    authorise: headers => authorise(headers, world.token),
    throttled: ({ quota, retryAfterMs }) => ({
      ...failure(429, CODE.resourceExhausted, `Too many requests. Limit reached: ${quota}`),
      headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    }),
    malformed: reason => failure(400, CODE.invalidArgument, `Invalid request body: ${reason}`),
    unavailable: status => failure(status, CODE.unavailable, `The service refused it with ${status}`),
    routes: [
      {
        method: 'POST',
        path: '/namespaces',
        operation: 'pinecone.namespaces.create',
        ...write,
        handle: create,
      },
      { method: 'GET', path: '/namespaces', operation: 'pinecone.namespaces.list', ...read, handle: list },
      {
        method: 'GET',
        path: '/namespaces/:namespace',
        operation: 'pinecone.namespaces.get',
        ...read,
        handle: get,
      },
      {
        method: 'DELETE',
        path: '/namespaces/:namespace',
        operation: 'pinecone.namespaces.delete',
        ...write,
        handle: remove,
      },
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

/** A new namespace is empty, and the fake takes no records. */
const namespaceResource = (name: string) => ({ name, record_count: 0 });
const notFound = (name: string) => failure(404, CODE.notFound, `Namespace "${name}" not found`);

function failure(status: number, code: number, message: string): FakeReply {
  return { status, body: { code, message, details: [] } };
}
