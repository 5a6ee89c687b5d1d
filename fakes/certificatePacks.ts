// The edge certificates of one Cloudflare zone that are not a custom hostname's: the free one that every zone has
// (Universal SSL: the apex and one level below) and those that were ordered (advanced packs: up to fifty names, each on
// its own level). The zone's own servers are the vendor's, so that it proves and renews these by itself.

import {
  type Authorities,
  authorityOf,
  DAY_MS,
  expiryOf,
  type Issue,
  type IssueState,
  invalidSsl,
  isAuthority,
  stateOf,
  waitErrors,
} from './certificates.ts';
import {
  failure,
  foreignField,
  ID,
  isHostname,
  isIn,
  noRoute,
  notCovered,
  page,
  success,
} from './cloudflareEnvelope.ts';
import type { DnsZone } from './dnsRecords.ts';
import type { Effect } from './ledger.ts';
import type { FakeReply, RouteContext, World } from './service.ts';

type Pack = {
  readonly id: string;
  readonly hosts: readonly string[];
  readonly method: string;
  readonly validityDays: number;
  readonly issue: Issue;
};

const HOSTS_MAX = 50;
/** Days that a certificate lasts, and how many before its end the vendor renews it. Source: Cloudflare, validity periods. */
const RENEWED_DAYS: Readonly<Record<number, number>> = { 14: 3, 30: 7, 90: 30, 365: 30 };
const FIELDS = [
  ...['type', 'hosts', 'validation_method', 'validity_days'],
  ...['certificate_authority', 'cloudflare_branding'],
];

export function certificatePacks(
  world: World,
  { id: zoneId, domain }: DnsZone,
  authorities: Authorities,
  takeId: () => string,
) {
  const byId = new Map<string, Pack>();
  const note = ({ id, hosts }: Pack, effect: Effect, atMs: number) =>
    world.ledger.write({
      atMs,
      service: 'cloudflare',
      kind: 'certificatePack',
      name: `zones/${zoneId}/ssl/certificate_packs/${id}`,
      company: '',
      effect,
      detail: hosts.join(' '),
    });

  const order = (context: RouteContext): FakeReply => {
    const { body, nowMs } = context;
    const refusal = invalidOrder(body, domain) ?? overQuota();
    if (refusal !== undefined) return refusal;
    const { hosts, validation_method: method, validity_days: validityDays } = body;
    const authority = authorityOf(body.certificate_authority);
    const issue: Issue = {
      ...authorities.issue(authority, domain, false, context),
      validityMs: () => validityDays * DAY_MS,
    };
    const pack = { id: takeId(), hosts, method, validityDays, issue };
    byId.set(pack.id, pack);
    note(pack, 'created', nowMs);
    return success(packResource(pack, nowMs));
  };

  const overQuota = (): FakeReply | undefined =>
    world.resourceQuotas && byId.size >= world.valueOf('quota.cloudflare.certificate-packs')
      ? failure(403, 1405, 'Quota exceeded.')
      : undefined;

  const withPack =
    (handle: (pack: Pack, nowMs: number) => FakeReply) =>
    ({ params: { id }, nowMs }: RouteContext): FakeReply => {
      if (id === 'quota') return notCovered('call ssl/certificate_packs/quota');
      if (!ID.test(id)) return noRoute(`zones/${zoneId}/ssl/certificate_packs/${id}`);
      const pack = byId.get(id);
      // Assumed: no code of the vendor's is documented for packs, and this is the one of a custom hostname.
      return pack === undefined
        ? failure(404, 1436, 'The certificate pack was not found.')
        : handle(pack, nowMs);
    };

  const get = withPack((pack, nowMs) => success(packResource(pack, nowMs)));

  const remove = withPack((pack, nowMs) => {
    byId.delete(pack.id);
    note(pack, 'deleted', nowMs);
    return success({ id: pack.id });
  });

  /** The active ones; `status=all` asks for the others too. */
  const list = ({ query, nowMs }: RouteContext): FakeReply => {
    if (query.has('status') && query.get('status') !== 'all') return notCovered('status but for all');
    const shown = [...byId.values()].filter(
      pack => query.has('status') || packState(pack, nowMs).status === 'active',
    );
    const resources = [universalResource(), ...shown.map(pack => packResource(pack, nowMs))];
    return page(resources, query, ['status']);
  };

  /** It has no issue to follow: it is there for as long as the zone is. */
  const universalResource = () => ({
    // One a zone, so the zone's id tells it from any other.
    id: zoneId,
    type: 'universal',
    hosts: universalHosts(domain),
    status: 'active',
    certificates: [],
    certificate_authority: authorityOf(undefined),
  });

  return {
    order,
    list,
    get,
    remove,
    /** Whether a pack that was ordered has a certificate for the name. */
    orderedFor: (hostname: string, nowMs: number): boolean =>
      [...byId.values()].some(
        pack => covers(pack.hosts, hostname) && packState(pack, nowMs).status === 'active',
      ),
    universalFor: (hostname: string): boolean => covers(universalHosts(domain), hostname),
  };
}

const universalHosts = (domain: string): readonly string[] => [domain, `*.${domain}`];

/** An asterisk stands for one label. */
function covers(hosts: readonly string[], hostname: string): boolean {
  const parent = hostname.slice(hostname.indexOf('.') + 1);
  return hosts.some(host => host === hostname || host === `*.${parent}`);
}

/** The name is proved in the zone itself, and each certificate is replaced in time. */
function packState({ issue, validityDays }: Pack, nowMs: number): IssueState {
  const state = stateOf(issue, () => true, nowMs);
  const { activeAtMs } = state;
  if (activeAtMs === undefined) return state;
  const cycleMs = (validityDays - RENEWED_DAYS[validityDays]) * DAY_MS;
  const renewedAtMs = activeAtMs + Math.floor((nowMs - activeAtMs) / cycleMs) * cycleMs;
  return { status: 'active', activeAtMs: renewedAtMs, expiresAtMs: renewedAtMs + validityDays * DAY_MS };
}

function packResource(pack: Pack, nowMs: number): object {
  const { id, hosts, method, validityDays, issue } = pack;
  const state = packState(pack, nowMs);
  const isIssued = state.activeAtMs !== undefined;
  return {
    id,
    type: 'advanced',
    hosts,
    status: state.status,
    validation_method: method,
    validity_days: validityDays,
    certificate_authority: issue.authority,
    certificates: isIssued ? [{ id, hosts, status: state.status, ...expiryOf(state) }] : [],
    ...waitErrors(issue, nowMs),
  };
}

function invalidOrder(body: Record<string, unknown>, domain: string): FakeReply | undefined {
  const { type, hosts, validation_method, validity_days, certificate_authority, cloudflare_branding } = body;
  if (type !== 'advanced') return invalidSsl('type must be advanced.');
  if (!Array.isArray(hosts) || hosts.length > HOSTS_MAX || !hosts.every(host => isHost(host, domain)))
    return invalidSsl(`hosts must list at most ${HOSTS_MAX} names of the zone.`);
  if (!hosts.includes(domain)) return invalidSsl('hosts must contain the zone apex.');
  if (!['txt', 'http', 'email'].includes(validation_method as string))
    return invalidSsl('validation_method must be txt, http or email.');
  if (typeof validity_days !== 'number' || !Object.hasOwn(RENEWED_DAYS, validity_days))
    return invalidSsl('validity_days must be 14, 30, 90 or 365.');
  if (!isAuthority(certificate_authority))
    return invalidSsl('certificate_authority must be google, lets_encrypt or ssl_com.');
  if (certificate_authority === 'lets_encrypt' && validity_days !== 90)
    return invalidSsl('lets_encrypt issues certificates of 90 days only.');
  if (validity_days === 365 && certificate_authority !== 'ssl_com')
    return invalidSsl('ssl_com alone issues certificates of a year.');
  if (cloudflare_branding !== undefined && typeof cloudflare_branding !== 'boolean')
    return invalidSsl('cloudflare_branding must be a boolean.');
  return foreignField(body, FIELDS);
}

/** A name of the zone, or an asterisk in place of its first label. */
const isHost = (host: unknown, domain: string): boolean => {
  const name = typeof host === 'string' && host.startsWith('*.') ? host.slice(2) : host;
  return isHostname(name) && isIn(name, domain);
};
