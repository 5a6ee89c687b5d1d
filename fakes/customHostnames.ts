// Cloudflare's custom hostnames, each with the certificate that the vendor issues for it.

import { failure, ID, isHostname, isIn, isStrings, page, success } from './cloudflareEnvelope.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

type CustomHostname = {
  id: string;
  hostname: string;
  method: string;
  metadata: Record<string, string>;
  createdAtMs: number;
  issueMs: number;
  /** The authority never gets its proof: instead of becoming active the certificate times out. */
  isBroken: boolean;
};

/** Of the time until a certificate is active, the share before the authority has asked for the proof. Assumed. */
const INITIALIZING_SHARE = 0.25;

export function customHostnames(world: World, takeId: () => string) {
  const byId = new Map<string, CustomHostname>();
  const byHostname = new Map<string, CustomHostname>();
  const note = (custom: CustomHostname, effect: Effect, atMs: number) => {
    const company = custom.metadata.company ?? '';
    const { hostname: name, method: detail } = custom;
    world.ledger.write({ atMs, service: 'cloudflare', kind: 'certificate', name, company, effect, detail });
  };

  const withHostname =
    (handle: (custom: CustomHostname, nowMs: number) => FakeReply) =>
    ({ params, nowMs }: RouteContext) => {
      if (!ID.test(params.id))
        return failure(400, 1435, 'The custom hostname ID is invalid. Check your input and try again.');
      const custom = byId.get(params.id);
      return custom === undefined
        ? failure(404, 1436, 'The custom hostname was not found.')
        : handle(custom, nowMs);
    };

  const create = ({ body, nowMs, key }: RouteContext): FakeReply => {
    const { hostname, ssl, custom_metadata: metadata } = body;
    if (!isHostname(hostname) || !isIn(hostname, world.domain))
      return failure(400, 1407, 'Invalid custom hostname.');
    if (ssl?.method === undefined || ssl.type === undefined)
      return failure(
        400,
        1440,
        'Both validation type and validation method are required. Check your input and try again.',
      );
    if (!['http', 'txt', 'email'].includes(ssl.method))
      return failure(
        400,
        1432,
        'The validation method is not supported. Only http, email, or txt are accepted.',
      );
    if (ssl.type !== 'dv')
      return failure(400, 1433, "The validation type is not supported. Only 'dv' is accepted.");
    if (metadata !== undefined && !isStrings(metadata))
      return failure(
        400,
        1401,
        'Unable to encode the Custom Metadata as JSON. Check your input and try again.',
      );
    if (byHostname.has(hostname)) return failure(409, 1406, 'Duplicate custom hostname found.');
    const issueMs = world.durationMs('lat.cloudflare.certificate', key);
    const custom: CustomHostname = {
      id: takeId(),
      hostname,
      method: ssl.method,
      metadata: metadata ?? {},
      createdAtMs: nowMs,
      issueMs,
      isBroken: world.endsHalfDone(),
    };
    byId.set(custom.id, custom);
    byHostname.set(hostname, custom);
    note(custom, 'created', nowMs);
    return { ...success(hostnameResource(custom, nowMs)), status: 201 };
  };

  const remove = withHostname((custom, nowMs) => {
    byId.delete(custom.id);
    byHostname.delete(custom.hostname);
    note(custom, 'deleted', nowMs);
    // The vendor answers this one call without its envelope.
    return { status: 200, body: { id: custom.id } };
  });

  const list = ({ query, nowMs }: RouteContext): FakeReply => {
    const name = query.get('hostname') ?? query.get('hostname.exact');
    const found =
      name === null ? [...byId.values()] : [byHostname.get(name)].filter(custom => custom !== undefined);
    return page(
      found.map(custom => hostnameResource(custom, nowMs)),
      query,
      ['hostname', 'hostname.exact'],
    );
  };

  const activeAt = (hostname: string, nowMs: number): boolean => {
    const custom = byHostname.get(hostname);
    return custom !== undefined && certificateStatus(custom, nowMs) === 'active';
  };

  const get = withHostname((custom, nowMs) => success(hostnameResource(custom, nowMs)));
  return { create, list, get, remove, activeAt };
}

function certificateStatus({ createdAtMs, issueMs, isBroken }: CustomHostname, nowMs: number): string {
  const ageMs = nowMs - createdAtMs;
  if (ageMs >= issueMs) return isBroken ? 'validation_timed_out' : 'active';
  return ageMs < issueMs * INITIALIZING_SHARE ? 'initializing' : 'pending_validation';
}

function hostnameResource(custom: CustomHostname, nowMs: number): object {
  const { id, hostname, method, metadata, createdAtMs } = custom;
  const status = certificateStatus(custom, nowMs);
  return {
    id,
    hostname,
    ssl: { id, type: 'dv', method, status, settings: {}, wildcard: false, certificate_authority: 'google' },
    custom_metadata: metadata,
    status: status === 'active' ? 'active' : 'pending',
    created_at: isoTime(createdAtMs),
  };
}
