// What operations ask of Cloudflare for a company that is up, and the oracle of the whole client: with the same
// arguments it sends the request that the vendor's own client sends.

import Cloudflare from 'cloudflare';
import { describe, expect, test } from 'vitest';
import { cloudflare } from '../../fakes/cloudflare.ts';
import type { QuotaRule } from '../../fakes/quota.ts';
import { RETRY_AFTER_MAX_MS } from '../../src/limits.ts';
import type { Call, Outcome } from '../../src/ports.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import {
  certificateVerbs,
  dnsRecordVerbs,
  renewCertificate,
  retarget,
} from '../../src/providers/cloudflare.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { Attempt, CloudResult } from '../../src/provisioning/verbs.ts';
import {
  callerOf,
  createWorld,
  DOMAIN,
  DURATION_MS,
  effectsOf,
  NOW_MS,
  TOKEN,
  transportTo,
  ZONE_ID,
} from '../fakes/fakeCall.ts';
import { cannedTransport, answered as replied } from '../fakes/harness.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const other: Company = { ...company, id: 'c00043' };
const name = `${company.id}.${DOMAIN}`;
const attempt: Attempt = { key: [1, 0], deadlineAtMs: NOW_MS + 15_000 };
const ID = 'a'.repeat(32);
const OLD = 'old.a.run.app';
const NEW = 'new.a.run.app';
const DAY_MS = 86_400_000;

function open(rules: readonly QuotaRule[] = [], token = TOKEN) {
  const world = createWorld();
  const zone = cloudflare(world);
  const clock = { nowMs: NOW_MS };
  const calls: Call[] = [];
  const wire = transportTo([zone.service], () => clock.nowMs, rules);
  const send = createSend(
    {
      send: call => {
        calls.push(call);
        return wire.send(call);
      },
    },
    fixedCredentials(token),
  );
  return { world, zone, clock, calls, send };
}

/** A company with its record and an active certificate. */
async function up(rules: readonly QuotaRule[] = []) {
  const all = open(rules);
  const record = await dnsRecordVerbs(all.send, company, platform, OLD).create!(attempt);
  const certificate = await certificateVerbs(all.send, company, platform).create!(attempt);
  all.clock.nowMs += DURATION_MS;
  all.calls.length = 0;
  const idOf = (result: CloudResult) => (result as { id: string }).id;
  return { ...all, recordId: idOf(record), certificateId: idOf(certificate) };
}

const point = (send: Send, target = NEW, whose = company) => retarget(send, whose, platform, target, attempt);
const renew = (send: Send, whose = company) => renewCertificate(send, whose, platform, attempt);

describe('retarget', () => {
  test('points the record at the new host, and what it is besides stays', async () => {
    const { send, recordId, zone, clock, world, calls } = await up();
    expect(await point(send)).toEqual({ kind: 'done', id: recordId });
    expect(effectsOf(world).at(-1)).toBe(`changed dnsRecord CNAME ${name} c00001`);
    expect(zone.recordAt(name, clock.nowMs)?.content).toBe(OLD);
    clock.nowMs += DURATION_MS;
    expect(zone.recordAt(name, clock.nowMs)).toMatchObject({ content: NEW, proxied: true });
    expect(new Set(calls.map(({ key }) => key.join())).size).toBe(2);
    expect(await dnsRecordVerbs(send, company, platform, NEW).find(attempt, undefined)).toMatchObject({
      kind: 'done',
    });
  });

  test('changes nothing where the record points there already', async () => {
    const { send, recordId, world, calls } = await up();
    expect(await point(send, OLD)).toEqual({ kind: 'done', id: recordId });
    expect(calls).toHaveLength(1);
    expect(world.ledger.entries).toHaveLength(2);
  });

  test('finds nothing where the company has no record', async () => {
    expect(await point(open().send)).toEqual({ kind: 'absent' });
  });

  test("leaves another company's record alone", async () => {
    const { send, world } = await up();
    const forged = { ...other, id: company.id };
    expect(await point(send, NEW, forged)).toMatchObject({ kind: 'done' });
    const renamed: Send = (spec, ...rest) =>
      send({ ...spec, url: spec.url.replace(other.id, company.id) }, ...rest);
    expect(await point(renamed, OLD, other)).toMatchObject({ kind: 'rejected' });
    expect(world.ledger.entries.filter(({ effect }) => effect === 'changed')).toHaveLength(1);
  });
});

describe('a name that an address has', () => {
  const withAddress = () => {
    const all = open();
    const call = callerOf(all.zone.service, { authorization: `Bearer ${TOKEN}` });
    const body = { type: 'A', name, content: '192.0.2.1', comment: 'of somebody else' };
    const path = `/client/v4/zones/${ZONE_ID}/dns_records`;
    expect(call({ method: 'POST', path, body }).status).toBe(200);
    return all;
  };
  const held = { kind: 'rejected', reason: `the name ${name} is held by another` };

  test('is taken, is found to be held by another, and its record stays', async () => {
    const { send, world } = withAddress();
    const { create, find, remove } = dnsRecordVerbs(send, company, platform, OLD);
    expect(await create!(attempt)).toEqual({ kind: 'exists' });
    expect(await find(attempt, undefined)).toEqual(held);
    expect(await point(send)).toEqual(held);
    expect(await remove!(attempt, undefined)).toEqual({ kind: 'absent' });
    expect(world.ledger.entries).toHaveLength(1);
  });

  test('is free where only a record of another kind stands beside it', async () => {
    const text = { id: ID, type: 'TXT', name, content: 'v=spf1 -all', comment: null };
    const answer = { status: 200, body: { success: true, result: [text] } };
    const send = createSend(cannedTransport([replied(answer)]), fixedCredentials(TOKEN));
    expect(await dnsRecordVerbs(send, company, platform, OLD).find(attempt, undefined)).toEqual({
      kind: 'absent',
    });
  });
});

describe('the authority of a certificate', () => {
  const bodies = (calls: readonly Call[]) =>
    calls.flatMap(({ body }) => (body === undefined ? [] : JSON.parse(new TextDecoder().decode(body)).ssl));

  test.each([
    ['is the vendor’s to choose where the platform names none', undefined, {}],
    ['is the one that the platform names', 'lets_encrypt', { certificate_authority: 'lets_encrypt' }],
  ] as const)('%s, for the first and for every other', async (_, authority, named) => {
    const { send, calls, clock } = open();
    const own = { ...platform, ...(authority && { certificateAuthority: authority }) };
    await dnsRecordVerbs(send, company, own, OLD).create!(attempt);
    calls.length = 0;
    expect(await certificateVerbs(send, company, own).create!(attempt)).toMatchObject({ kind: 'pending' });
    clock.nowMs += 61 * DAY_MS;
    expect((await renewCertificate(send, company, own, attempt)).kind).not.toBe('rejected');
    expect(bodies(calls)).toEqual(Array(2).fill({ method: 'http', type: 'dv', ...named }));
  });
});

test.each<[string, number, number, string, string?]>([
  ['records', 400, 81045, 'the quota DNS records is used up: 81045 No.', 'DNS records'],
  [
    'no hostnames by contract',
    403,
    1404,
    'the quota custom hostnames is used up: 1404 No.',
    'custom hostnames',
  ],
  ['hostnames', 403, 1405, 'the quota custom hostnames is used up: 1405 No.', 'custom hostnames'],
  ['no marks on hostnames by contract', 403, 1413, '403 1413 No.'],
])(
  '%s: what the zone has no more of is rejected, and not asked for again',
  async (_what, status, code, reason, quota) => {
    const refusal = { status, body: { success: false, errors: [{ code, message: 'No.' }], result: null } };
    const send = createSend(cannedTransport([replied(refusal)]), fixedCredentials(TOKEN));
    expect(await certificateVerbs(send, company, platform).create!(attempt)).toEqual({
      kind: 'rejected',
      reason,
      ...(quota && { quota }),
    });
  },
);

test('a permission that the token lacks is asked for again, since it may only be new', async () => {
  const refusal = { status: 403, body: { errors: [{ code: 10000, message: 'Authentication error' }] } };
  const send = createSend(cannedTransport([replied(refusal)]), fixedCredentials(TOKEN));
  expect(await certificateVerbs(send, company, platform).create!(attempt)).toMatchObject({
    kind: 'transient',
  });
});

describe('renewCertificate', () => {
  test('asks for the next certificate in the last days of the old one, and is done with it in time', async () => {
    const { send, certificateId: id, zone, clock, world } = await up();
    clock.nowMs += 61 * DAY_MS;
    expect(await renew(send)).toEqual({ kind: 'pending', id });
    expect(zone.certificateActive(name, clock.nowMs)).toBe(true);
    clock.nowMs += DURATION_MS;
    const { find } = certificateVerbs(send, company, platform);
    expect(await find(attempt, id)).toEqual({ kind: 'done', id });
    clock.nowMs += 60 * DAY_MS;
    expect(zone.certificateActive(name, clock.nowMs)).toBe(true);
    expect(effectsOf(world).at(-1)).toBe(`changed certificate ${name} c00001`);
  });

  test('has nothing to wait for where the old one has time left', async () => {
    const { send, certificateId: id } = await up();
    expect(await renew(send)).toEqual({ kind: 'done', id });
  });

  test('brings an expired certificate back', async () => {
    const { send, certificateId: id, zone, clock } = await up();
    clock.nowMs += 100 * DAY_MS;
    const { find } = certificateVerbs(send, company, platform);
    expect(await find(attempt, id)).toMatchObject({ kind: 'broken', reason: 'the certificate is expired' });
    expect(zone.certificateActive(name, clock.nowMs)).toBe(false);
    expect(await renew(send)).toEqual({ kind: 'pending', id });
    clock.nowMs += DURATION_MS;
    expect(zone.certificateActive(name, clock.nowMs)).toBe(true);
  });

  test('finds nothing where the company has no hostname, and leaves that of another alone', async () => {
    expect(await renew(open().send)).toEqual({ kind: 'absent' });
    const { send, world } = await up();
    const renamed: Send = (spec, ...rest) =>
      send({ ...spec, url: spec.url.replace(other.id, company.id) }, ...rest);
    expect(await renew(renamed, other)).toMatchObject({ kind: 'rejected' });
    expect(world.ledger.entries).toHaveLength(2);
  });
});

describe.each([
  ['retarget', point, 'dnsRecords'],
  ['renewCertificate', renew, 'customHostnames'],
] as const)('%s', (_name, act, collection) => {
  const answered = (status: number, text: string): Outcome => ({
    ...{ kind: 'answered', status, headers: {}, body: new TextEncoder().encode(text) },
  });
  /** The first call is answered by the fake, the second by `outcome`. */
  const cut = (send: Send, outcome: Outcome): Send => {
    const second = createSend({ send: async () => outcome }, fixedCredentials(TOKEN));
    return (spec, ...rest) => (spec.method === 'GET' ? send(spec, ...rest) : second(spec, ...rest));
  };

  test.each<[string, Outcome, CloudResult['kind']]>([
    ['is refused', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
    ['is lost', { kind: 'unknown', reason: 'ECONNRESET' }, 'unknown'],
    ['fails inside the vendor', answered(503, ''), 'unknown'],
    ['finds the thing gone', answered(404, '{}'), 'absent'],
    ['is a mistake', answered(400, '{"errors":[{"code":1004}]}'), 'rejected'],
  ])('whose change %s', async (_what, outcome, kind) => {
    const { send } = await up();
    expect((await act(cut(send, outcome))).kind).toBe(kind);
  });

  test.each<[string, Outcome, CloudResult['kind']]>([
    ['is refused', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
    ['is lost', { kind: 'unknown', reason: 'ECONNRESET' }, 'unknown'],
    ['is cut short', answered(200, '{"re'), 'unknown'],
  ])('whose question %s', async (_what, outcome, kind) => {
    expect((await act(createSend({ send: async () => outcome }, fixedCredentials(TOKEN)))).kind).toBe(kind);
  });

  test('is throttled under the name of the quota', async () => {
    const operations = [`cloudflare.${collection}.update`, `cloudflare.${collection}.list`];
    const { send } = await up([
      { name: 'few', operations, calls: 1, windowMs: 300_000, blockMs: 300_000, scope: 'all' },
    ]);
    expect(await act(send)).toMatchObject({
      kind: 'throttled',
      quota: 'few',
      retryAfterMs: RETRY_AFTER_MAX_MS,
    });
  });

  test('with a token that is revoked is rejected, and the reason does not tell the token', async () => {
    const result = await act(open([], 'old-secret').send);
    expect(result).toEqual({
      kind: 'rejected',
      reason: 'the credential for cloudflare is refused, and there is no other',
    });
    expect(JSON.stringify(result)).not.toContain('old-secret');
  });
});

/** A request without what each client says of itself. */
type Sent = { method: string; url: string; body: unknown; authorization: unknown; type: unknown };

const BASE = 'https://api.cloudflare.com/client/v4';

/** Answers everything by an item of the company, and keeps what was asked. */
function recorder() {
  const item = {
    id: ID,
    type: 'CNAME',
    name,
    comment: 'company=c00001',
    content: OLD,
    custom_metadata: { company: 'c00001' },
  };
  const sent: Sent[] = [];
  const answer = (method: string, url: string, body: unknown, header: (name: string) => unknown) => {
    const { origin, pathname, searchParams } = new URL(url);
    searchParams.sort();
    const text =
      body == null
        ? undefined
        : typeof body === 'string'
          ? body
          : new TextDecoder().decode(body as Uint8Array);
    sent.push({
      ...{ method, url: `${origin}${pathname}?${searchParams}` },
      body: text === undefined ? undefined : JSON.parse(text),
      authorization: header('authorization'),
      type: body == null ? undefined : header('content-type'),
    });
    const isList = method === 'GET' && !pathname.endsWith(ID);
    const result = isList ? [item] : { ...item, ssl: { status: 'active' } };
    return JSON.stringify({ success: true, result });
  };
  const vendor = new Cloudflare({
    ...{ apiToken: TOKEN, baseURL: BASE, maxRetries: 0 },
    fetch: async (url, init = {}) => {
      const headers = new Headers(init.headers as Record<string, string>);
      const text = answer(init.method!, String(url), init.body, each => headers.get(each) ?? undefined);
      return new Response(text, { headers: { 'content-type': 'application/json' } });
    },
  });
  const send = createSend(
    {
      send: async ({ method, url, headers, body }) => {
        const text = answer(method, url, body, each => headers[each]);
        return { kind: 'answered', status: 200, headers: {}, body: new TextEncoder().encode(text) };
      },
    },
    fixedCredentials(TOKEN),
  );
  return { sent, vendor, send };
}

describe('with the same arguments the client sends what the vendor’s own client sends', () => {
  const zone_id = ZONE_ID;
  const record = {
    ...{ zone_id, type: 'CNAME', name, content: OLD, ttl: 1, proxied: true, comment: 'company=c00001' },
  } as const;
  const ssl = { method: 'http', type: 'dv' } as const;
  const exact = { exact: name };
  const records = (send: Send) => dnsRecordVerbs(send, company, platform, OLD);
  const certificates = (send: Send) => certificateVerbs(send, company, platform);
  const listRecords = (vendor: Cloudflare) => vendor.dns.records.list({ zone_id, name: exact });
  const listHostnames = (vendor: Cloudflare) => vendor.customHostnames.list({ zone_id, hostname: exact });
  type Case = [string, (send: Send) => Promise<unknown>, (vendor: Cloudflare) => Promise<unknown>];

  test.each<Case>([
    [
      'create a record',
      send => records(send).create!(attempt),
      vendor => vendor.dns.records.create({ ...record, type: 'CNAME', name, ttl: 1 }),
    ],
    ['find a record', send => records(send).find(attempt, undefined), async vendor => listRecords(vendor)],
    [
      'remove a record',
      send => records(send).remove!(attempt, ID),
      vendor => vendor.dns.records.delete(ID, { zone_id }),
    ],
    [
      'retarget a record',
      send => point(send),
      async vendor => {
        await listRecords(vendor);
        // The vendor's types ask for more than its call does.
        await vendor.dns.records.edit(ID, { zone_id, content: NEW, ttl: 1, proxied: true } as never);
      },
    ],
    [
      'create a custom hostname',
      send => certificates(send).create!(attempt),
      vendor =>
        vendor.customHostnames.create({
          zone_id,
          hostname: name,
          ssl,
          custom_metadata: { company: 'c00001' },
        }),
    ],
    [
      'find a custom hostname',
      send => certificates(send).find(attempt, undefined),
      async vendor => listHostnames(vendor),
    ],
    [
      'look at a custom hostname',
      send => certificates(send).find(attempt, ID),
      vendor => vendor.customHostnames.get(ID, { zone_id }),
    ],
    [
      'remove a custom hostname',
      send => certificates(send).remove!(attempt, ID),
      vendor => vendor.customHostnames.delete(ID, { zone_id }),
    ],
    [
      'renew a certificate',
      send => renew(send),
      async vendor => {
        await listHostnames(vendor);
        await vendor.customHostnames.edit(ID, { zone_id, ssl });
      },
    ],
  ])('%s', async (_what, ours, theirs) => {
    const { sent, vendor, send } = recorder();
    await ours(send);
    const own = sent.splice(0);
    await theirs(vendor);
    expect(own.length).toBeGreaterThan(0);
    expect(own).toEqual(sent);
  });
});
