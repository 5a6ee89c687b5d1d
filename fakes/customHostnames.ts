// The custom hostnames of one Cloudflare zone, each with the certificates that the vendor issues for it. A certificate is
// issued once the name points at the zone, and lasts its time; a PATCH with the same `ssl` has the name checked again or,
// in the last days of the certificate, asks for the next one. Stricter than the vendor, which renews the certificate of an
// active name by itself: here nothing but a PATCH does, so that a renewal that nobody saw to shows.

import {
  type Authorities,
  authorityOf,
  DAY_MS,
  expiryOf,
  type Issue,
  type IssueState,
  stateOf,
  waitErrors,
} from './certificates.ts';
import { failure, foreignField, ID, isReply, notCovered, page, success } from './cloudflareEnvelope.ts';
import { invalidHostname, invalidMetadata, invalidSslOf, type Ssl } from './customHostnameChecks.ts';
import type { DnsZone } from './dnsRecords.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

type CustomHostname = {
  readonly id: string;
  readonly hostname: string;
  readonly createdAtMs: number;
  ssl: Ssl;
  metadata: Record<string, string>;
  /** The newest last; before it, the one whose certificate serves until the newest is there. */
  issues: readonly Issue[];
};

/** A certificate can be renewed in its last thirty days. Source: Cloudflare for SaaS, Renew certificates. */
const RENEWABLE_DAYS = 30;
const PAGES = { usual: 20, min: 5, max: 1000 };
/** A name that stopped pointing at the zone is noticed at the next check, four hours on at the latest (assumed). */
const NOTICED_MS = 4 * 3_600_000;
/** Source: Cloudflare for SaaS, hostname validation: 75 checks in seven days; `moved` for seven days is `deleted`. */
const GIVEN_UP_MS = 7 * DAY_MS;
/** Calls of the vendor's that stand where an id could. */
const OTHER_CALLS = ['fallback_origin', 'quota'];
/** One at a time. */
const FILTERS = ['hostname', 'hostname.exact', 'hostname.contain', 'hostname.startsWith', 'id'];

export function customHostnames(
  world: World,
  zone: DnsZone,
  authorities: Authorities,
  takeId: () => string,
  /** Every zone's hostnames: the vendor takes a name once. */
  taken: Set<string>,
) {
  const byId = new Map<string, CustomHostname>();
  const byHostname = new Map<string, CustomHostname>();
  const pointsOf = (hostname: string) => (atMs: number) =>
    zone.names.heldAt(hostname, atMs)?.proxied === true;

  const note = (custom: CustomHostname, effect: Effect, atMs: number) => {
    const company = custom.metadata.company ?? '';
    const { hostname: name, ssl } = custom;
    const detail = ssl.method;
    world.ledger.write({ atMs, service: 'cloudflare', kind: 'certificate', name, company, effect, detail });
  };

  const withHostname =
    (handle: (custom: CustomHostname, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { id } = context.params;
      if (OTHER_CALLS.includes(id)) return notCovered(`call custom_hostnames/${id}`);
      if (!ID.test(id))
        return failure(400, 1435, 'The custom hostname ID is invalid. Check your input and try again.');
      const custom = byId.get(id);
      return custom === undefined
        ? failure(404, 1436, 'The custom hostname was not found.')
        : handle(custom, context);
    };

  const create = (context: RouteContext): FakeReply => {
    const { body, nowMs } = context;
    const { hostname, ssl, custom_metadata: metadata } = body;
    const refusal =
      foreignField(body, ['hostname', 'ssl', 'custom_metadata']) ??
      invalidHostname(hostname, zone.domain) ??
      invalidSslOf(ssl) ??
      invalidMetadata(metadata) ??
      (taken.has(hostname) ? failure(409, 1406, 'Duplicate custom hostname found.') : undefined);
    if (refusal !== undefined) return refusal;
    const quota = quotaNow();
    if (isReply(quota)) return quota;
    const custom: CustomHostname = {
      id: takeId(),
      hostname,
      ssl,
      metadata: metadata ?? {},
      createdAtMs: nowMs,
      issues: [authorities.issue(authorityOf(ssl.certificate_authority), zone.domain, false, context)],
    };
    byId.set(custom.id, custom);
    byHostname.set(hostname, custom);
    taken.add(hostname);
    note(custom, 'created', nowMs);
    return { ...success(hostnameResource(custom, nowMs), undefined, quota), status: 201 };
  };

  /** A refusal, or what the answer says of what the next hostname costs. */
  const quotaNow = (): FakeReply | object[] => {
    if (!world.resourceQuotas) return [];
    if (byId.size >= world.valueOf('quota.cloudflare.hostnames'))
      return { ...failure(403, 1405, 'Quota exceeded.'), latency: 'lat.refusal', quota: 'custom hostnames' };
    if (byId.size < world.valueOf('allowance.cloudflare.hostnames')) return [];
    // That the vendor warns is documented, the code and the words are not.
    return [{ code: 1405, message: 'The included quota is used up: this custom hostname is billed.' }];
  };

  const edit = withHostname((custom, context) => {
    const { body, nowMs } = context;
    const { ssl, custom_metadata: metadata } = body;
    if (body.hostname !== undefined)
      return failure(409, 1439, 'Modifying the custom hostname is not supported.');
    const refusal =
      foreignField(body, ['ssl', 'custom_metadata']) ??
      (ssl === undefined ? undefined : invalidSslOf(ssl)) ??
      invalidMetadata(metadata);
    if (refusal !== undefined) return refusal;
    if (metadata !== undefined) custom.metadata = metadata;
    if (ssl !== undefined) {
      custom.issues = issuesAfter(custom, ssl, context);
      custom.ssl = { ...custom.ssl, ...ssl };
    }
    note(custom, 'changed', nowMs);
    return { ...success(hostnameResource(custom, nowMs)), status: 202 };
  });

  /** What is still on its way starts again; what serves goes on serving until the next certificate is there. */
  const issuesAfter = (custom: CustomHostname, ssl: Ssl, context: RouteContext): readonly Issue[] => {
    const { nowMs } = context;
    const authority = authorityOf(ssl.certificate_authority ?? custom.ssl.certificate_authority);
    const newest = custom.issues.at(-1)!;
    const { status, expiresAtMs = 0 } = issueState(custom, newest, nowMs);
    const isOther = authority !== newest.authority || ssl.method !== custom.ssl.method;
    if (status === 'active' && !isOther && nowMs < expiresAtMs - RENEWABLE_DAYS * DAY_MS)
      return custom.issues;
    const next = authorities.issue(authority, zone.domain, authority === newest.authority, context);
    return [...custom.issues.filter(issue => issueState(custom, issue, nowMs).status === 'active'), next];
  };

  const remove = withHostname((custom, { nowMs }) => {
    byId.delete(custom.id);
    byHostname.delete(custom.hostname);
    taken.delete(custom.hostname);
    note(custom, 'deleted', nowMs);
    // The vendor answers this one call without its envelope.
    return { status: 200, body: { id: custom.id } };
  });

  const list = ({ query, nowMs }: RouteContext): FakeReply => {
    const name = query.get('hostname') ?? query.get('hostname.exact');
    const contained = query.get('hostname.contain') ?? '';
    const start = query.get('hostname.startsWith') ?? '';
    const given = FILTERS.filter(filter => query.has(filter));
    // That the vendor has the code for an id beside another filter is documented, for two of the others it is assumed.
    if (given.length > 1)
      return failure(400, 1438, `Cannot specify other filter parameters in addition to ${given[0]}.`);
    const found =
      name === null ? [...byId.values()] : [byHostname.get(name)].filter(custom => custom !== undefined);
    return page(
      found
        .filter(({ id }) => !query.has('id') || id === query.get('id'))
        .filter(({ hostname }) => hostname.includes(contained) && hostname.startsWith(start))
        .map(custom => hostnameResource(custom, nowMs)),
      query,
      FILTERS,
      PAGES,
    );
  };

  const issueState = ({ hostname }: CustomHostname, issue: Issue, nowMs: number): IssueState =>
    stateOf(issue, pointsOf(hostname), nowMs);

  /** Whether an edge that is asked for the name has a certificate to show. */
  const activeAt = (hostname: string, nowMs: number): boolean => {
    const custom = byHostname.get(hostname);
    return custom?.issues.some(issue => issueState(custom, issue, nowMs).status === 'active') === true;
  };

  const hostnameResource = (custom: CustomHostname, nowMs: number): object => {
    const { id, hostname, ssl, metadata, createdAtMs, issues } = custom;
    const newest = issues.at(-1)!;
    const state = issueState(custom, newest, nowMs);
    const status = hostnameStatus(custom, nowMs);
    const isSought = status === 'pending' && state.status !== 'initializing' && !pointsOf(hostname)(nowMs);
    return {
      id,
      hostname,
      ssl: {
        id,
        type: ssl.type,
        method: ssl.method,
        status: state.status,
        settings: ssl.settings ?? {},
        wildcard: false,
        certificate_authority: newest.authority,
        ...expiryOf(state),
        ...waitErrors(newest, nowMs),
      },
      custom_metadata: metadata,
      status,
      ...(isSought && { verification_errors: ['custom hostname does not CNAME to this zone.'] }),
      created_at: isoTime(createdAtMs),
    };
  };

  /** Active once a check has passed and for as long as the name points at the zone, as the vendor notices it. */
  const hostnameStatus = ({ hostname, createdAtMs, issues }: CustomHostname, nowMs: number): string => {
    const points = pointsOf(hostname);
    const isValidated = issues.some(issue => stateOf(issue, points, nowMs).activeAtMs !== undefined);
    const givenUpAtMs = issues.at(-1)!.requestedAtMs + GIVEN_UP_MS;
    if (!isValidated) return nowMs < givenUpAtMs ? 'pending' : movedOrDeleted(nowMs, givenUpAtMs);
    if (points(nowMs)) return 'active';
    const goneAtMs = zone.names.proxiedUntilMs(hostname) ?? createdAtMs;
    return nowMs - goneAtMs < NOTICED_MS ? 'active' : movedOrDeleted(nowMs, goneAtMs + NOTICED_MS);
  };

  const get = withHostname((custom, { nowMs }) => success(hostnameResource(custom, nowMs)));
  return { create, list, get, edit, remove, activeAt };
}

const movedOrDeleted = (nowMs: number, movedAtMs: number): string =>
  nowMs - movedAtMs < GIVEN_UP_MS ? 'moved' : 'deleted';
