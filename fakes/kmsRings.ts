// Key rings of Cloud KMS: `companies`, which the platform's set-up has made in every location, and those that a client
// makes beside it. The vendor deletes none.

import { googleError, pageOf, totalSizeOf, unknownName } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

const COMPANIES = 'companies';
const RING_ID = /^[A-Za-z0-9_-]{1,63}$/;
const PAGE_SIZE_MAX = 1000;

type Params = RouteContext['params'];
const locationOf = ({ project, location }: Params) => `projects/${project}/locations/${location}`;
export const ringOf = (params: Params): string => `${locationOf(params)}/keyRings/${params.keyRing}`;
export const ringMissing = (name: string): FakeReply => googleError(404, `KeyRing ${name} not found.`);

export function createRings(world: World) {
  const madeAtMs = new Map<string, number>();
  const has = (name: string) => name.endsWith(`/keyRings/${COMPANIES}`) || madeAtMs.has(name);
  // When the set-up made its own nobody knows.
  const resource = (name: string) => {
    const atMs = madeAtMs.get(name);
    return { name, ...(atMs !== undefined && { createTime: isoTime(atMs) }) };
  };
  return {
    has,
    create: ({ params, query, body, nowMs }: RouteContext): FakeReply => {
      const id = query.get('keyRingId') ?? '';
      if (!RING_ID.test(id)) return googleError(400, `The key ring ID [${id}] must match ${RING_ID.source}.`);
      const unknown = unknownName(body, ['name', 'createTime'], 'key_ring');
      if (unknown !== undefined) return googleError(400, unknown);
      const name = `${locationOf(params)}/keyRings/${id}`;
      if (has(name)) return googleError(409, `KeyRing ${name} already exists.`);
      madeAtMs.set(name, nowMs);
      const entry = { atMs: nowMs, service: 'kms', kind: 'keyRing', name, company: '', detail: '' };
      world.ledger.write({ ...entry, effect: 'created' });
      return { status: 200, body: resource(name) };
    },
    get: ({ params }: RouteContext): FakeReply => {
      const name = ringOf(params);
      return has(name) ? { status: 200, body: resource(name) } : ringMissing(name);
    },
    list: ({ params, query }: RouteContext): FakeReply => {
      const parent = `${locationOf(params)}/keyRings/`;
      const names = [`${parent}${COMPANIES}`, ...madeAtMs.keys()].filter(name => name.startsWith(parent));
      return listReply('keyRings', names.map(resource), query);
    },
  };
}

/** A page of `all` under its name in the vendor's answer. */
export function listReply(kind: string, all: readonly object[], query: URLSearchParams): FakeReply {
  const page = pageOf(all, query, PAGE_SIZE_MAX);
  if (typeof page === 'string') return googleError(400, page);
  const { items, nextPageToken } = page;
  return {
    status: 200,
    body: { ...(items.length > 0 && { [kind]: items }), nextPageToken, ...totalSizeOf(all, query) },
  };
}
