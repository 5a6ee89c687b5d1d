// Cloudflare's DNS records, and what resolvers see of them. Stricter than the vendor: a name outside of the zone is
// refused instead of completed, and a filter that the fake does not cover is refused instead of ignored.

import { failure, ID, isHostname, isIn, matches, noRoute, page, success } from './cloudflareEnvelope.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

/** A name as resolvers see it. */
export type Sight = { readonly type: string; readonly content: string; readonly proxied: boolean };

type Span = Sight & { fromMs: number; untilMs: number };
type Fields = { type: string; name: string; content: string; ttl: number; proxied: boolean; comment: string };
type DnsRecord = Fields & {
  id: string;
  createdAtMs: number;
  changedAtMs: number;
  propagationMs: number;
  span: Span;
};

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}$/;
/** The shortest allowance of the vendor's plans. */
const COMMENT_LENGTH_MAX = 100;
const TTL_S = { automatic: 1, min: 60, max: 86_400 };
const DEFAULTS: Partial<Fields> = { ttl: TTL_S.automatic, proxied: false, comment: '' };

export function dnsRecords(world: World, takeId: () => string) {
  const byId = new Map<string, DnsRecord>();
  const byName = new Map<string, DnsRecord[]>();
  const spans = new Map<string, Span[]>();
  const note = (record: DnsRecord, effect: Effect, atMs: number) =>
    world.ledger.write({
      atMs,
      service: 'cloudflare',
      kind: 'dnsRecord',
      name: `${record.type} ${record.name}`,
      company: /^company=(\S+)$/.exec(record.comment)?.[1] ?? '',
      effect,
      detail: `${record.content}${record.proxied ? ' proxied' : ''}`,
    });

  const show = (fields: Fields, fromMs: number): Span => {
    const { type, name, content, proxied } = fields;
    const span = { type, content, proxied, fromMs, untilMs: Number.POSITIVE_INFINITY };
    spans.set(name, [...(spans.get(name) ?? []), span]);
    return span;
  };

  const withRecord =
    (handle: (record: DnsRecord, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { id, zone } = context.params;
      if (!ID.test(id)) return noRoute(`zones/${zone}/dns_records/${id}`);
      const record = byId.get(id);
      return record === undefined ? failure(404, 81044, 'Record does not exist.') : handle(record, context);
    };

  const create = ({ body, nowMs, key }: RouteContext): FakeReply => {
    const fields: Fields = { ...DEFAULTS, ...pick(body) };
    const refusal =
      invalidRecord(fields, world.domain) ?? duplicateRecord(fields, byName.get(fields.name) ?? []);
    if (refusal !== undefined) return refusal;
    const propagationMs = world.durationMs('lat.cloudflare.propagation', key);
    const times = { createdAtMs: nowMs, changedAtMs: nowMs, propagationMs };
    const record: DnsRecord = {
      ...fields,
      id: takeId(),
      ...times,
      span: show(fields, nowMs + propagationMs),
    };
    byId.set(record.id, record);
    byName.set(record.name, [...(byName.get(record.name) ?? []), record]);
    note(record, 'created', nowMs);
    return success(recordResource(record));
  };

  const edit = withRecord((record, { body, nowMs, key }) => {
    const fields: Fields = { ...pick(record), ...pick(body) };
    if (fields.name !== record.name || fields.type !== record.type)
      return failure(400, 1004, 'DNS Validation Error: the fake does not cover a change of name or type.');
    const others = byName.get(record.name)!.filter(other => other !== record);
    const refusal = invalidRecord(fields, world.domain) ?? duplicateRecord(fields, others);
    if (refusal !== undefined) return refusal;
    const propagationMs = world.durationMs('lat.cloudflare.propagation', key);
    record.span.untilMs = nowMs + propagationMs;
    Object.assign(record, fields, {
      changedAtMs: nowMs,
      propagationMs,
      span: show(fields, nowMs + propagationMs),
    });
    note(record, 'changed', nowMs);
    return success(recordResource(record));
  });

  const remove = withRecord((record, { nowMs }) => {
    record.span.untilMs = nowMs + record.propagationMs;
    byId.delete(record.id);
    const others = byName.get(record.name)!.filter(other => other !== record);
    if (others.length > 0) byName.set(record.name, others);
    else byName.delete(record.name);
    note(record, 'deleted', nowMs);
    return success({ id: record.id });
  });

  const list = ({ query }: RouteContext): FakeReply => {
    const name = query.get('name') ?? query.get('name.exact');
    const type = query.get('type');
    const named = name === null ? [...byId.values()] : (byName.get(name) ?? []);
    const found = named.filter(record => type === null || record.type === type);
    return page(found.map(recordResource), query, ['name', 'name.exact', 'type']);
  };

  const seenAt = (hostname: string, nowMs: number): Sight | undefined =>
    spans.get(hostname)?.findLast(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);

  const get = withRecord(record => success(recordResource(record)));
  return { create, list, get, edit, remove, seenAt };
}

/** The fields that a client may set, as far as they are given. */
function pick(body: Partial<Fields>): Fields {
  const { type, name, content, ttl, proxied, comment } = body;
  const given = Object.entries({ type, name, content, ttl, proxied, comment }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(given) as Fields;
}

function invalidRecord(
  { type, name, content, ttl, proxied, comment }: Fields,
  domain: string,
): FakeReply | undefined {
  const invalid = (code: number, message: string) =>
    failure(400, 1004, 'DNS Validation Error', [{ code, message }]);
  if (!['A', 'AAAA', 'CNAME'].includes(type))
    return failure(400, 1004, 'DNS Validation Error: the fake covers the types A, AAAA and CNAME.');
  if (!isHostname(name) || !isIn(name, domain)) return invalid(9000, 'DNS name is invalid.');
  if (type === 'A' && !matches(IPV4, content))
    return invalid(9005, 'Content for A record must be a valid IPv4 address.');
  if (type === 'AAAA' && !matches(IPV6, content))
    return invalid(9006, 'Content for AAAA record must be a valid IPv6 address.');
  if (type === 'CNAME' && !isHostname(content)) return invalid(9007, 'Content for CNAME record is invalid.');
  if (type === 'CNAME' && content === name) return invalid(9039, 'CNAME content cannot reference itself.');
  const ttlFits = ttl === TTL_S.automatic || (Number.isInteger(ttl) && ttl >= TTL_S.min && ttl <= TTL_S.max);
  if (!ttlFits || (proxied && ttl !== TTL_S.automatic))
    return invalid(9021, 'Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.');
  if (typeof proxied !== 'boolean')
    return failure(400, 1004, 'DNS Validation Error: proxied must be a boolean.');
  if (typeof comment !== 'string' || comment.length > COMMENT_LENGTH_MAX)
    return failure(
      400,
      1004,
      `DNS Validation Error: comment must be a string of at most ${COMMENT_LENGTH_MAX} characters.`,
    );
  return undefined;
}

/** A CNAME stands alone at its name; two other records must differ. */
function duplicateRecord({ type, content }: Fields, others: readonly DnsRecord[]): FakeReply | undefined {
  if (others.some(other => other.type === type && other.content === content))
    return failure(400, 81058, 'An identical record already exists.');
  if (type === 'CNAME' && others.length > 0)
    return failure(400, 81053, 'An A, AAAA, or CNAME record with that host already exists.');
  return others.some(other => other.type === 'CNAME')
    ? failure(400, 81054, 'A CNAME record with that host already exists.')
    : undefined;
}

function recordResource(record: DnsRecord): object {
  const { span: _span, propagationMs: _propagationMs, createdAtMs, changedAtMs, ...fields } = record;
  const times = { created_on: isoTime(createdAtMs), modified_on: isoTime(changedAtMs) };
  return { ...fields, proxiable: true, settings: {}, meta: {}, tags: [], ...times };
}
