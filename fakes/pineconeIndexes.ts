// Pinecone's control plane: serverless indexes of dense vectors. A new one is reached at a host of its own, once it is
// ready. Any other host below the vendor's domain is an index that the platform's set-up has made.

import type { Effect } from './ledger.ts';
import {
  CODE,
  changeRefusal,
  controlFailure,
  failure,
  indexRefusal,
  type Metric,
  quotaExceeded,
  regionRefusal,
  type Vector,
} from './pineconeChecks.ts';
import { limitReached } from './resourceLimit.ts';
import { addressOf, type FakeReply, type RouteContext, type World } from './service.ts';

export type Namespace = Map<string, Vector>;
export type Index = {
  readonly host: string;
  /** Undefined until the first record, for an index of the platform's. */
  dimension: number | undefined;
  readonly metric: Metric;
  readonly readyAtMs: number;
  readonly namespaces: Map<string, Namespace>;
  /** As it was asked for; undefined for an index of the platform's. */
  readonly made: Made | undefined;
};
type Made = {
  readonly name: string;
  readonly serverless: { readonly cloud: string; readonly region: string };
  deletionProtection: string;
  tags: object | undefined;
};
export type Handler = (context: RouteContext) => FakeReply;
export type NoteNamespace = (
  index: Index,
  namespace: string,
  effect: Effect,
  atMs: number,
  detail?: string,
) => void;

/** Every index has it from the start. */
export const DEFAULT_NAMESPACE = '__default__';
/** Every new index has it in its host, as it has the project's id in reality. */
const OWN_HOST = /-f4k3c1d\.svc\.[^.]+\.pinecone\.io$/;
const CONTROL_HOSTS = ['api.pinecone.io', 'default.pinecone.io'];

/** A refusal when the index has as many namespaces as it may have. The default one counts, which is assumed. */
export function namespacesReached(world: World, { host, namespaces }: Index): FakeReply | undefined {
  const limit = limitReached(world, 'quota.pinecone.namespaces', namespaces.size);
  return limit === undefined
    ? undefined
    : quotaExceeded('data', 'namespaces', `serverless index ${host.split('.')[0]}`, limit);
}

export type Indexes = {
  readonly handlers: Readonly<Record<'create' | 'list' | 'get' | 'configure' | 'remove', Handler>>;
  /** Runs `handle` with the index of the call's host, or refuses. */
  readonly inIndex: (handle: (index: Index, context: RouteContext) => FakeReply) => Handler;
};

export function createIndexes(world: World, noteNamespace: NoteNamespace): Indexes {
  const byHost = new Map<string, Index>();
  const byName = new Map<string, Index>();
  const note = (index: Index, effect: Effect, atMs: number) =>
    world.ledger.write({
      atMs,
      service: 'pinecone',
      kind: 'index',
      name: index.host,
      company: '',
      effect,
      detail: `${index.dimension} ${index.metric}`,
    });

  const inControl =
    (handle: Handler): Handler =>
    context =>
      CONTROL_HOSTS.includes(context.host)
        ? handle(context)
        : failure(404, CODE.notFound, 'An index has no control plane: ask api.pinecone.io');

  const create = inControl(context => {
    const { body, nowMs, key } = context;
    const refusal = indexRefusal(body);
    if (refusal !== undefined) return refusal;
    const { name, dimension, metric = 'cosine', tags, deletion_protection = 'disabled' } = body;
    if (byName.has(name)) return controlFailure(409, 'ALREADY_EXISTS', `Resource ${name} already exists`);
    const { cloud, region } = body.spec.serverless;
    const nowhere = world.resourceQuotas ? regionRefusal({ cloud, region }) : undefined;
    if (nowhere !== undefined) return nowhere;
    const limit = limitReached(world, 'quota.pinecone.indexes', byName.size);
    if (limit !== undefined) return quotaExceeded('control', 'serverless indexes', 'project', limit);
    const index: Index = {
      host: `${name}-f4k3c1d.svc.${cloud}-${region}.pinecone.io`,
      dimension,
      metric,
      readyAtMs: nowMs + world.durationMs('lat.pinecone.index', key),
      namespaces: new Map([[DEFAULT_NAMESPACE, new Map()]]),
      made: { name, serverless: { cloud, region }, deletionProtection: deletion_protection, tags },
    };
    byName.set(name, index);
    byHost.set(index.host, index);
    note(index, 'created', nowMs);
    return { status: 201, body: indexResource(index, context) };
  });

  const list = inControl(context => ({
    status: 200,
    body: { indexes: [...byName.values()].map(index => indexResource(index, context)) },
  }));

  const withIndex = (handle: (index: Index, context: RouteContext) => FakeReply) =>
    inControl(context => {
      const { index: name } = context.params;
      const index = byName.get(name);
      return index === undefined
        ? controlFailure(404, 'NOT_FOUND', `Resource ${name} not found`)
        : handle(index, context);
    });

  const get = withIndex((index, context) => ({ status: 200, body: indexResource(index, context) }));

  /** Tags are added to those that are there; one that is empty is taken away. */
  const configure = withIndex((index, context) => {
    const { body, nowMs } = context;
    const refusal = changeRefusal(body);
    if (refusal !== undefined) return refusal;
    const made = index.made!;
    made.deletionProtection = body.deletion_protection ?? made.deletionProtection;
    if (body.tags !== undefined)
      made.tags = Object.fromEntries(
        Object.entries({ ...made.tags, ...body.tags }).filter(([, value]) => value !== ''),
      );
    note(index, 'changed', nowMs);
    return { status: 202, body: indexResource(index, context) };
  });

  const remove = withIndex((index, { nowMs }) => {
    const { name, deletionProtection } = index.made!;
    if (deletionProtection === 'enabled')
      return controlFailure(403, 'FORBIDDEN', `Deletion protection is enabled for the index ${name}`);
    byName.delete(name);
    byHost.delete(index.host);
    for (const namespace of index.namespaces.keys())
      if (namespace !== DEFAULT_NAMESPACE) noteNamespace(index, namespace, 'deleted', nowMs);
    note(index, 'deleted', nowMs);
    return { status: 202, body: undefined };
  });

  const inIndex: Indexes['inIndex'] = handle => context => {
    const { host, nowMs } = context;
    if (host === CONTROL_HOSTS[0])
      return failure(404, CODE.notFound, 'The control plane has no records: ask the host of an index');
    let index = byHost.get(host);
    if (index === undefined) {
      if (OWN_HOST.test(host)) return failure(404, CODE.notFound, `No index is at ${host}`);
      byHost.set(host, (index = platformIndex(host)));
    }
    return nowMs < index.readyAtMs
      ? failure(503, CODE.unavailable, 'The index is not ready')
      : handle(index, context);
  };

  return { handlers: { create, list, get, configure, remove }, inIndex };
}

const platformIndex = (host: string): Index => ({
  host,
  dimension: undefined,
  metric: 'cosine',
  readyAtMs: -Infinity,
  namespaces: new Map([[DEFAULT_NAMESPACE, new Map()]]),
  made: undefined,
});

function indexResource({ host, dimension, metric, readyAtMs, made }: Index, context: RouteContext): object {
  const { name, serverless, deletionProtection, tags } = made!;
  const ready = context.nowMs >= readyAtMs;
  const read_capacity = { mode: 'OnDemand', status: { state: 'Ready' } };
  return {
    name,
    vector_type: 'dense',
    dimension,
    metric,
    host: addressOf(host, context),
    status: { ready, state: ready ? 'Ready' : 'Initializing' },
    spec: { serverless: { ...serverless, read_capacity } },
    deletion_protection: deletionProtection,
    tags,
  };
}
