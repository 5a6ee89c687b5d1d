// The DNS records of one Cloudflare zone: one at a time, or a batch of them that has all of its effect or none. Every
// call decides on a draft of the zone, and what it decided is announced (to resolvers, to the ledger) once it stands.

import type { CallKey } from '../src/ports.ts';
import {
  failure,
  foreignField,
  ID,
  isReply,
  noRoute,
  notCovered,
  page,
  success,
} from './cloudflareEnvelope.ts';
import {
  DEFAULTS,
  duplicateRecord,
  type Fields,
  foreignRecordField,
  invalidRecord,
  pick,
} from './dnsChecks.ts';
import { filtered, RECORD_FILTERS } from './dnsFilters.ts';
import type { DnsNames, Shown } from './dnsNames.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isObject, isoTime, type RouteContext, type World } from './service.ts';

type DnsRecord = Fields & {
  readonly id: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  propagationMs: number;
  shown?: Shown;
};

type Draft = { readonly byId: Map<string, DnsRecord>; readonly byName: Map<string, readonly DnsRecord[]> };

/** What a call decided on one record: made without `before`, deleted without `after`. */
type Change = { readonly before?: DnsRecord; readonly after?: DnsRecord };

/** The parts of a batch in the order in which the vendor carries them out, whatever their order in the body. */
const BATCH_PARTS = ['deletes', 'patches', 'puts', 'posts'] as const;
/** Calls of the vendor's that stand where an id of a record could. */
const OTHER_CALLS = ['export', 'import', 'scan', 'usage'];

export type DnsZone = {
  readonly id: string;
  readonly domain: string;
  readonly names: DnsNames;
};

export function dnsRecords(world: World, { domain, names }: DnsZone, takeId: () => string) {
  let zone: Draft = { byId: new Map(), byName: new Map() };

  const toCreate = (draft: Draft, body: object, nowMs: number): Change | FakeReply => {
    const fields: Fields = { ...DEFAULTS, ...pick(body) };
    const refusal =
      foreignRecordField(body) ??
      invalidRecord(fields, domain) ??
      duplicateRecord(fields, draft.byName.get(fields.name) ?? []) ??
      overQuota(draft);
    if (refusal !== undefined) return refusal;
    return { after: { ...fields, id: takeId(), createdAtMs: nowMs, changedAtMs: nowMs, propagationMs: 0 } };
  };

  /** `kept`: what of the record stays when the body does not name it. */
  const toChange = (
    draft: Draft,
    before: DnsRecord,
    kept: Partial<Fields>,
    body: object,
    nowMs: number,
  ): Change | FakeReply => {
    const fields: Fields = { ...kept, ...pick(body) } as Fields;
    const others = (draft.byName.get(fields.name) ?? []).filter(other => other.id !== before.id);
    const refusal =
      foreignRecordField(body) ??
      invalidRecord(fields, domain) ??
      otherType(before, fields) ??
      duplicateRecord(fields, others);
    if (refusal !== undefined) return refusal;
    return { before, after: { ...before, ...fields, changedAtMs: nowMs } };
  };

  const overQuota = ({ byId }: Draft): FakeReply | undefined =>
    world.resourceQuotas && byId.size >= world.valueOf('quota.cloudflare.records-per-zone')
      ? {
          ...failure(400, 81045, 'The record quota has been exceeded.'),
          latency: 'lat.refusal',
          quota: 'DNS records',
        }
      : undefined;

  /** To the draft's tables; nobody else knows of it yet. */
  const apply = ({ byId, byName }: Draft, { before, after }: Change): void => {
    if (before !== undefined) {
      const others = byName.get(before.name)!.filter(({ id }) => id !== before.id);
      if (others.length > 0) byName.set(before.name, others);
      else byName.delete(before.name);
      if (after === undefined) byId.delete(before.id);
    }
    if (after === undefined) return;
    byId.set(after.id, after);
    byName.set(after.name, [...(byName.get(after.name) ?? []), after]);
  };

  /** To resolvers and to the ledger. */
  const announce = ({ before, after }: Change, nowMs: number, key: CallKey): void => {
    if (after === undefined) {
      names.hide(before!.shown!, nowMs, before!.propagationMs);
      note(before!, 'deleted', nowMs);
      return;
    }
    after.propagationMs = world.durationMs('lat.cloudflare.propagation', key);
    if (before !== undefined) names.hide(before.shown!, nowMs, after.propagationMs);
    const { type, content, proxied } = after;
    after.shown = names.show(after.name, { type, content, proxied }, nowMs, after.propagationMs);
    // The ledger knows a record by its type, which stays, and its name: under another it is another one.
    const isSame = before?.name === after.name;
    if (before !== undefined && !isSame) note(before, 'deleted', nowMs);
    note(after, isSame ? 'changed' : 'created', nowMs);
  };

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

  const settle = (decided: Change | FakeReply, { nowMs, key }: RouteContext): FakeReply => {
    if (isReply(decided)) return decided;
    apply(zone, decided);
    announce(decided, nowMs, key);
    const { before, after } = decided;
    return success(after === undefined ? { id: before!.id } : recordResource(after));
  };

  const withRecord =
    (handle: (record: DnsRecord, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { id } = context.params;
      if (OTHER_CALLS.includes(id)) return notCovered(`call dns_records/${id}`);
      if (!ID.test(id)) return noRoute(`zones/${context.params.zone}/dns_records/${id}`);
      const record = zone.byId.get(id);
      return record === undefined ? absent() : handle(record, context);
    };

  const create = (context: RouteContext): FakeReply =>
    settle(toCreate(zone, context.body, context.nowMs), context);
  const edit = withRecord((record, context) =>
    settle(toChange(zone, record, pick(record), context.body, context.nowMs), context),
  );
  const overwrite = withRecord((record, context) =>
    settle(toChange(zone, record, DEFAULTS, context.body, context.nowMs), context),
  );
  const remove = withRecord((record, context) => settle({ before: record }, context));
  const get = withRecord(record => success(recordResource(record)));

  const list = ({ query }: RouteContext): FakeReply => {
    const name = query.get('name') ?? query.get('name.exact');
    const named = name === null ? [...zone.byId.values()] : (zone.byName.get(name.toLowerCase()) ?? []);
    const found = filtered(named, query);
    return isReply(found) ? found : page(found.map(recordResource), query, RECORD_FILTERS);
  };

  /** All or nothing. Resolvers see each change by itself: the vendor promises no more. */
  const batch = ({ body, nowMs, key }: RouteContext): FakeReply => {
    const refusal = invalidBatch(body) ?? tooLarge(body);
    if (refusal !== undefined) return refusal;
    const draft: Draft = { byId: new Map(zone.byId), byName: new Map(zone.byName) };
    const changes: Change[] = [];
    const result: Record<string, object[]> = {};
    for (const part of BATCH_PARTS.filter(part => body[part] !== undefined))
      for (const [i, item] of body[part].entries()) {
        const decided = decide[part](draft, item, nowMs);
        if (isReply(decided)) return at(`/${part}/${i}`, decided);
        apply(draft, decided);
        changes.push(decided);
        result[part] = [...(result[part] ?? []), recordResource(decided.after ?? decided.before!)];
      }
    zone = draft;
    for (const [i, change] of changes.entries()) announce(change, nowMs, [...key, i]);
    return success(result);
  };

  const byId =
    (toDo: (draft: Draft, record: DnsRecord, body: object, nowMs: number) => Change | FakeReply) =>
    (draft: Draft, item: { readonly id?: unknown }, nowMs: number): Change | FakeReply => {
      const { id, ...body } = item;
      const record = typeof id === 'string' ? draft.byId.get(id) : undefined;
      return record === undefined ? absent() : toDo(draft, record, body, nowMs);
    };
  const decide = {
    deletes: byId((_draft, before, body) => foreignField(body, []) ?? { before }),
    patches: byId((draft, record, body, nowMs) => toChange(draft, record, pick(record), body, nowMs)),
    puts: byId((draft, record, body, nowMs) => toChange(draft, record, DEFAULTS, body, nowMs)),
    posts: toCreate,
  };

  const tooLarge = (body: Record<string, readonly object[]>): FakeReply | undefined => {
    const size = BATCH_PARTS.reduce((sum, part) => sum + (body[part]?.length ?? 0), 0);
    if (!world.resourceQuotas || size <= world.valueOf('quota.cloudflare.batch')) return undefined;
    // The code is assumed: none is documented.
    return failure(400, 1004, `DNS Validation Error: ${size} records in one batch are too many.`);
  };

  return { create, list, get, edit, overwrite, remove, batch };
}

/** Since 2026-06-30. Source: Cloudflare, API deprecations; the code and the words are assumed. */
const otherType = (before: Fields, { type }: Fields): FakeReply | undefined =>
  type === before.type
    ? undefined
    : failure(
        400,
        1004,
        `DNS Validation Error: a record of type ${before.type} cannot become one of ${type}.`,
      );

const absent = (): FakeReply => failure(404, 81044, 'Record does not exist.');

function invalidBatch(body: Record<string, unknown>): FakeReply | undefined {
  const foreign = Object.keys(body).find(name => !(BATCH_PARTS as readonly string[]).includes(name));
  if (foreign !== undefined) return notCovered(`field ${foreign}`);
  const given = Object.entries(body);
  const wrong = given.find(([, items]) => !Array.isArray(items) || !items.every(isObject));
  if (wrong !== undefined) return failure(400, 1004, `DNS Validation Error: ${wrong[0]} must list objects.`);
  return given.length === 0 ? failure(400, 1004, 'DNS Validation Error: the batch is empty.') : undefined;
}

/** The refusal of one record, with its place in the batch. */
function at(pointer: string, { status, body }: FakeReply): FakeReply {
  const { errors, ...rest } = body as { errors: readonly object[] };
  return { status, body: { ...rest, errors: errors.map(error => ({ ...error, source: { pointer } })) } };
}

function recordResource(record: DnsRecord): object {
  const { shown: _shown, propagationMs: _propagationMs, createdAtMs, changedAtMs, ...rest } = record;
  // As the vendor shows one that has none.
  const fields = { ...rest, comment: record.comment === '' ? null : record.comment };
  const times = { created_on: isoTime(createdAtMs), modified_on: isoTime(changedAtMs) };
  return { ...fields, proxiable: true, settings: {}, meta: {}, tags: [], ...times };
}
