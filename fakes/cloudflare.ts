// Cloudflare API v4 of one zone, the platform's domain: the door to its DNS records and custom hostnames. What
// resolvers see of the zone is `dnsResolver.ts`.

import { failure, ID, noRoute } from './cloudflareEnvelope.ts';
import { customHostnames } from './customHostnames.ts';
import { dnsRecords, type Sight } from './dnsRecords.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

export type Zone = {
  readonly service: Service;
  /** What resolvers see: a change reaches them `lat.cloudflare.propagation` after it was made. */
  recordAt(hostname: string, nowMs: number): Sight | undefined;
  certificateActive(hostname: string, nowMs: number): boolean;
};

const RECORDS = '/client/v4/zones/:zone/dns_records';
const HOSTNAMES = '/client/v4/zones/:zone/custom_hostnames';

export function cloudflare(world: World): Zone {
  const ids = { next: 1, zone: '' };
  const takeId = () => (ids.next++).toString(16).padStart(32, '0');
  const records = dnsRecords(world, takeId);
  const hostnames = customHostnames(world, takeId);

  /** The fake has one zone: the id of the first call is its id from then on. */
  const inZone = (handle: (context: RouteContext) => FakeReply) => (context: RouteContext) => {
    const { zone } = context.params;
    if (!ID.test(zone) || (ids.zone !== '' && zone !== ids.zone)) return noRoute(`zones/${zone}`);
    ids.zone = zone;
    return handle(context);
  };
  const write = {
    latency: 'lat.cloudflare.write',
    scope: ({ params }: RouteContext) => params.zone,
  } as const;
  const read = { latency: 'lat.cloudflare.read', scope: ({ params }: RouteContext) => params.zone } as const;
  return {
    recordAt: records.seenAt,
    certificateActive: hostnames.activeAt,
    service: {
      name: 'cloudflare',
      hosts: ['api.cloudflare.com'],
      authorise: headers => authorise(headers, world.token),
      throttled: ({ quota, retryAfterMs }) => ({
        ...failure(
          429,
          971,
          `Please wait and consider throttling your request speed. Limit reached: ${quota}`,
        ),
        headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
      }),
      malformed: reason => failure(400, 6007, `Malformed JSON in request body: ${reason}`),
      unavailable: status => failure(status, 1500, 'Internal Server Error'),
      taken: operation =>
        operation.startsWith('cloudflare.dnsRecords.')
          ? failure(400, 81053, 'An A, AAAA, or CNAME record with that host already exists.')
          : failure(409, 1406, 'Duplicate custom hostname found.'),
      routes: [
        {
          method: 'POST',
          path: RECORDS,
          operation: 'cloudflare.dnsRecords.create',
          ...write,
          handle: inZone(records.create),
        },
        {
          method: 'GET',
          path: RECORDS,
          operation: 'cloudflare.dnsRecords.list',
          ...read,
          handle: inZone(records.list),
        },
        {
          method: 'GET',
          path: `${RECORDS}/:id`,
          operation: 'cloudflare.dnsRecords.get',
          ...read,
          handle: inZone(records.get),
        },
        {
          method: 'PATCH',
          path: `${RECORDS}/:id`,
          operation: 'cloudflare.dnsRecords.update',
          ...write,
          handle: inZone(records.edit),
        },
        {
          method: 'DELETE',
          path: `${RECORDS}/:id`,
          operation: 'cloudflare.dnsRecords.delete',
          ...write,
          handle: inZone(records.remove),
        },
        {
          method: 'POST',
          path: HOSTNAMES,
          operation: 'cloudflare.customHostnames.create',
          ...write,
          handle: inZone(hostnames.create),
        },
        {
          method: 'GET',
          path: HOSTNAMES,
          operation: 'cloudflare.customHostnames.list',
          ...read,
          handle: inZone(hostnames.list),
        },
        {
          method: 'GET',
          path: `${HOSTNAMES}/:id`,
          operation: 'cloudflare.customHostnames.get',
          ...read,
          handle: inZone(hostnames.get),
        },
        {
          method: 'DELETE',
          path: `${HOSTNAMES}/:id`,
          operation: 'cloudflare.customHostnames.delete',
          ...write,
          handle: inZone(hostnames.remove),
        },
      ],
    },
  };
}

function authorise(headers: Readonly<Record<string, string>>, token: string): FakeReply | undefined {
  const { authorization } = headers;
  if (authorization === undefined)
    return failure(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers');
  if (!authorization.startsWith('Bearer '))
    return failure(400, 6003, 'Invalid request headers', [
      { code: 6111, message: 'Invalid format for Authorization header' },
    ]);
  return authorization === `Bearer ${token}` ? undefined : failure(403, 9109, 'Invalid access token');
}
