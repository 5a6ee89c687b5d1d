// Cloudflare API v4: the door to the platform's zones, each with its DNS records, custom hostnames and certificate packs,
// and to API tokens. What resolvers see of the zones is `dnsResolver.ts`.

import { certificatePacks } from './certificatePacks.ts';
import { authorities } from './certificates.ts';
import { failure, isIn, noRoute } from './cloudflareEnvelope.ts';
import { createTokens } from './cloudflareTokens.ts';
import { cloudflareZones } from './cloudflareZones.ts';
import { customHostnames } from './customHostnames.ts';
import { dnsNames, type Sight } from './dnsNames.ts';
import { dnsRecords } from './dnsRecords.ts';
import type { QuotaRefusal } from './quota.ts';
import type { FakeReply, Route, RouteContext, Service, World } from './service.ts';

export type Zone = {
  readonly service: Service;
  /** What resolvers see: a change reaches them `lat.cloudflare.propagation` after it was made. */
  recordAt(hostname: string, nowMs: number): Sight | undefined;
  /** Whether the edge has a certificate to show to who asks for the name. */
  certificateActive(hostname: string, nowMs: number): boolean;
};

type Handle = (context: RouteContext) => FakeReply;

const API = '/client/v4';
const ZONE = `${API}/zones/:zone`;
const RECORDS = `${ZONE}/dns_records`;
const HOSTNAMES = `${ZONE}/custom_hostnames`;
const PACKS = `${ZONE}/ssl/certificate_packs`;
const TOKENS = `${API}/user/tokens`;
const VERIFY = 'cloudflare.tokens.verify';

/** Every call that the fake covers: the vendor's limit on requests counts them all together. */
export const CLOUDFLARE_OPERATIONS: readonly string[] = Object.entries({
  zones: ['list', 'get'],
  dnsRecords: ['create', 'list', 'get', 'update', 'overwrite', 'delete', 'batch'],
  customHostnames: ['create', 'list', 'get', 'update', 'delete'],
  certificatePacks: ['order', 'list', 'get', 'delete'],
  tokens: ['create', 'delete', 'verify'],
}).flatMap(([collection, verbs]) => verbs.map(verb => `cloudflare.${collection}.${verb}`));

export function cloudflare(world: World): Zone {
  const ids = { next: 1 };
  const takeId = () => (ids.next++).toString(16).padStart(32, '0');
  const tokens = createTokens(world, takeId);
  const zones = createZones(world, takeId);
  const shelf = cloudflareZones(world);

  const zoneOf = (hostname: string): OneZone | undefined =>
    [...zones.values()]
      .filter(({ domain }) => isIn(hostname, domain))
      // Of a zone within a zone the inner one answers.
      .reduce<OneZone | undefined>(
        (inner, zone) => (inner !== undefined && inner.domain.length > zone.domain.length ? inner : zone),
        undefined,
      );

  const recordAt = (hostname: string, nowMs: number) => zoneOf(hostname)?.names.seenAt(hostname, nowMs);

  const certificateActive = (hostname: string, nowMs: number): boolean => {
    const zone = zoneOf(hostname);
    if (zone === undefined) return false;
    if (zone.hostnames.activeAt(hostname, nowMs) || zone.packs.orderedFor(hostname, nowMs)) return true;
    // A record of its own makes a name one that is served for a customer, with a certificate of its own: the plan
    // provisions one for each company, and no company may be up before it is there. The zone's free certificate
    // counts for names that have no record but a wildcard's.
    const isByWildcard = zone.names.seenAt(hostname, nowMs)?.wildcard !== undefined;
    return isByWildcard && zone.packs.universalFor(hostname);
  };

  const inZone =
    (handleOf: (zone: OneZone) => Handle): Handle =>
    context => {
      const zone = zones.get(context.params.zone);
      return zone === undefined ? noRoute(`zones/${context.params.zone}`) : handleOf(zone)(context);
    };

  return {
    recordAt,
    certificateActive,
    service: {
      name: 'cloudflare',
      hosts: ['api.cloudflare.com'],
      authorise: (headers, nowMs, operation) =>
        tokens.refusal(headers.authorization, nowMs, operation === VERIFY),
      throttled,
      malformed: reason => failure(400, 6007, `Malformed JSON in request body: ${reason}`),
      unavailable: status => failure(status, 1500, 'Internal Server Error'),
      routes: [
        read('GET', `${API}/zones`, 'zones.list', shelf.list),
        read('GET', ZONE, 'zones.get', shelf.get),
        write(
          'POST',
          RECORDS,
          'dnsRecords.create',
          inZone(({ records }) => records.create),
        ),
        write(
          'POST',
          `${RECORDS}/batch`,
          'dnsRecords.batch',
          inZone(({ records }) => records.batch),
        ),
        read(
          'GET',
          RECORDS,
          'dnsRecords.list',
          inZone(({ records }) => records.list),
        ),
        read(
          'GET',
          `${RECORDS}/:id`,
          'dnsRecords.get',
          inZone(({ records }) => records.get),
        ),
        write(
          'PATCH',
          `${RECORDS}/:id`,
          'dnsRecords.update',
          inZone(({ records }) => records.edit),
        ),
        write(
          'PUT',
          `${RECORDS}/:id`,
          'dnsRecords.overwrite',
          inZone(({ records }) => records.overwrite),
        ),
        write(
          'DELETE',
          `${RECORDS}/:id`,
          'dnsRecords.delete',
          inZone(({ records }) => records.remove),
        ),
        write(
          'POST',
          HOSTNAMES,
          'customHostnames.create',
          inZone(({ hostnames }) => hostnames.create),
        ),
        read(
          'GET',
          HOSTNAMES,
          'customHostnames.list',
          inZone(({ hostnames }) => hostnames.list),
        ),
        read(
          'GET',
          `${HOSTNAMES}/:id`,
          'customHostnames.get',
          inZone(({ hostnames }) => hostnames.get),
        ),
        write(
          'PATCH',
          `${HOSTNAMES}/:id`,
          'customHostnames.update',
          inZone(({ hostnames }) => hostnames.edit),
        ),
        write(
          'DELETE',
          `${HOSTNAMES}/:id`,
          'customHostnames.delete',
          inZone(({ hostnames }) => hostnames.remove),
        ),
        write(
          'POST',
          `${PACKS}/order`,
          'certificatePacks.order',
          inZone(({ packs }) => packs.order),
        ),
        read(
          'GET',
          PACKS,
          'certificatePacks.list',
          inZone(({ packs }) => packs.list),
        ),
        read(
          'GET',
          `${PACKS}/:id`,
          'certificatePacks.get',
          inZone(({ packs }) => packs.get),
        ),
        write(
          'DELETE',
          `${PACKS}/:id`,
          'certificatePacks.delete',
          inZone(({ packs }) => packs.remove),
        ),
        write('POST', TOKENS, 'tokens.create', tokens.create),
        write('DELETE', `${TOKENS}/:id`, 'tokens.delete', tokens.remove),
        read('GET', `${TOKENS}/verify`, 'tokens.verify', tokens.verify),
      ],
    },
  };
}

type OneZone = ReturnType<typeof createZones> extends Map<string, infer T> ? T : never;

/** What the platform's wildcard record leads to. */
export const gatewayOf = (domain: string): string => `gateway.${domain}`;

function createZones(world: World, takeId: () => string) {
  const shared = authorities(world);
  const taken = new Set<string>();
  const zones = [...world.zones].map(([id, domain]) => {
    const zone = { id, domain, names: dnsNames(domain) };
    if (world.hasWildcards) {
      const sight = { type: 'CNAME', content: gatewayOf(domain), proxied: true };
      zone.names.show(`*.${domain}`, sight, Number.NEGATIVE_INFINITY, 0);
    }
    return [
      id,
      {
        ...zone,
        records: dnsRecords(world, zone, takeId),
        hostnames: customHostnames(world, zone, shared, takeId, taken),
        packs: certificatePacks(world, zone, shared, takeId),
      },
    ] as const;
  });
  return new Map(zones);
}

function route(kind: 'read' | 'write') {
  return (method: string, path: string, operation: string, handle: Handle): Route => ({
    method,
    path,
    operation: `cloudflare.${operation}`,
    latency: `lat.cloudflare.${kind}`,
    scope: ({ params }) => params.zone ?? '',
    handle,
  });
}
const read = route('read');
const write = route('write');

/** The message ends in the quota's name, which the vendor's does not tell. */
function throttled({ quota, retryAfterMs, window }: QuotaRefusal): FakeReply {
  const retryAfterS = Math.ceil(retryAfterMs / 1000);
  const headers = { 'retry-after': String(retryAfterS) };
  const slower = 'Please wait and consider throttling your request speed.';
  if (window === undefined) return { ...failure(429, 971, `${slower} Limit reached: ${quota}`), headers };
  const { calls, windowMs } = window;
  const windowS = windowMs / 1000;
  return {
    ...failure(
      429,
      10100,
      `More than ${calls} requests per ${windowS} seconds reached. ${slower} Limit reached: ${quota}`,
    ),
    headers: {
      ...headers,
      ratelimit: `"default";r=0;t=${retryAfterS}`,
      'ratelimit-policy': `"default";q=${calls};w=${windowS}`,
    },
  };
}
