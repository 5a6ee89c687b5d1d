// A public DNS resolver over HTTPS (the JSON form of RFC 8484's service): what the world sees of the zone. It knows
// no other zone, and caches nothing.

import type { Zone } from './cloudflare.ts';
import type { Sight } from './dnsNames.ts';
import type { FakeReply, RouteContext, Service } from './service.ts';

/** By name and by number, as the vendor takes them. */
const TYPES: Readonly<Record<string, number>> = { A: 1, '1': 1, CNAME: 5, '5': 5, AAAA: 28, '28': 28 };
const STATUS = { noError: 0, nxDomain: 3 } as const;
const TTL_S = 300;
/** A proxied name shows the vendor's edge and hides its target. */
const EDGE: Readonly<Record<number, readonly string[]>> = {
  1: ['104.16.132.229', '104.16.133.229'],
  28: ['2606:4700::6810:84e5', '2606:4700::6810:85e5'],
};
const CONTENT_TYPE = 'application/dns-json';

export function dnsResolver(zone: Zone): Service {
  const query = ({ query, headers, nowMs }: RouteContext): FakeReply => {
    const name = query.get('name') ?? '';
    // Names have no case, and may end in the root's dot (RFC 1035).
    const hostname = name.toLowerCase().replace(/\.$/, '');
    const type = TYPES[(query.get('type') ?? 'A').toUpperCase()];
    if (headers.accept !== CONTENT_TYPE)
      return failure(400, `The fake covers the format ${CONTENT_TYPE} only.`);
    if (hostname === '') return failure(400, 'Missing query name.');
    if (type === undefined) return failure(400, 'Invalid query type.');
    const sight = zone.recordAt(hostname, nowMs);
    const answers = sight === undefined ? [] : answersOf(sight, type);
    const body = {
      Status: sight === undefined ? STATUS.nxDomain : STATUS.noError,
      ...{ TC: false, RD: true, RA: true, AD: false, CD: false },
      Question: [{ name, type }],
      ...(answers.length > 0 && { Answer: answers.map(answer => ({ name, TTL: TTL_S, ...answer })) }),
    };
    return { status: 200, headers: { 'content-type': CONTENT_TYPE }, body };
  };
  return {
    name: 'dnsResolver',
    hosts: ['cloudflare-dns.com'],
    authorise: () => undefined,
    throttled: ({ quota, retryAfterMs }) => ({
      ...failure(429, `Too many queries: ${quota}`),
      headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    }),
    malformed: reason => failure(400, `Invalid body: ${reason}.`),
    unavailable: status => failure(status, 'The resolver is currently unavailable.'),
    routes: [
      {
        method: 'GET',
        path: '/dns-query',
        operation: 'dnsResolver.query',
        latency: 'lat.resolver',
        handle: query,
      },
    ],
  };
}

function answersOf({ type, content, proxied }: Sight, asked: number): { type: number; data: string }[] {
  if (proxied) return (EDGE[asked] ?? []).map(data => ({ type: asked, data }));
  // A resolver answers any question about an alias with the alias; its target lies outside of the zone.
  if (type === 'CNAME') return [{ type: TYPES.CNAME, data: `${content}.` }];
  return TYPES[type] === asked ? [{ type: asked, data: content }] : [];
}

function failure(status: number, error: string): FakeReply {
  return { status, body: { error } };
}
