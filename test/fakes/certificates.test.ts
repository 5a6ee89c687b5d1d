// Certificates at Cloudflare over their lives: those of custom hostnames, which want the name to point at the zone and
// end after their time, and those of the zone itself.

import { describe, expect, test } from 'vitest';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { isoTime, type World } from '../../fakes/service.ts';
import { callerOf, createWorld, DOMAIN, DURATION_MS, effectsOf, NOW_MS, TOKEN, ZONE_ID } from './fakeCall.ts';

const ZONE = `/client/v4/zones/${ZONE_ID}`;
const RECORDS = `${ZONE}/dns_records`;
const HOSTNAMES = `${ZONE}/custom_hostnames`;
const PACKS = `${ZONE}/ssl/certificate_packs`;
const NAME = `c00042.${DOMAIN}`;
const SSL = { method: 'http', type: 'dv' };
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const NO_ID = 'f'.repeat(32);
/** From the creation to the first check of the name. */
const FIRST_CHECK_MS = DURATION_MS / 4;

function open(world: World = createWorld()) {
  const zone = cloudflare(world);
  const ask = callerOf(zone.service, { authorization: `Bearer ${TOKEN}` });
  const call = (method: string, path: string, body?: unknown, ms = 0) =>
    ask({ method, path, body, atMs: NOW_MS + ms });
  const point = (name = NAME, ms = 0, proxied = true) => {
    const body = { type: 'CNAME', name, content: 'a.run.app', proxied };
    return call('POST', RECORDS, body, ms).body.result.id as string;
  };
  const host = (hostname = NAME, ssl: object = SSL, ms = 0) =>
    call('POST', HOSTNAMES, { hostname, ssl, custom_metadata: { company: 'c00042' } }, ms);
  const stateAt = (id: string, ms: number) => call('GET', `${HOSTNAMES}/${id}`, undefined, ms).body.result;
  const isActive = (ms: number, name = NAME) => zone.certificateActive(name, NOW_MS + ms);
  return { world, zone, call, point, host, stateAt, isActive };
}

/** A hostname that points at the zone, with a certificate that is active from `DURATION_MS` on. */
function ready() {
  const all = open();
  const record = all.point();
  const { id } = all.host().body.result;
  const renew = (ms: number, more: object = {}) =>
    all.call('PATCH', `${HOSTNAMES}/${id}`, { ssl: { ...SSL, ...more } }, ms);
  const statusAt = (ms: number): string => all.stateAt(id, ms).ssl.status;
  return { ...all, record, id, renew, statusAt };
}

describe('a certificate', () => {
  test('goes through its states, one after another, up to its end', () => {
    const { id, stateAt, statusAt } = ready();
    const endMs = DURATION_MS + 90 * DAY_MS;
    expect([0, 250, 600, 800, 1000, endMs - 1, endMs].map(statusAt)).toEqual([
      'initializing',
      'pending_validation',
      'pending_issuance',
      'pending_deployment',
      'active',
      'active',
      'expired',
    ]);
    expect(stateAt(id, 999).ssl).not.toHaveProperty('expires_on');
    expect(stateAt(id, 1000)).toMatchObject({
      status: 'active',
      ssl: { expires_on: isoTime(NOW_MS + endMs), certificate_authority: 'google' },
    });
  });

  test('serves until it has expired, and no longer', () => {
    const { isActive } = ready();
    const endMs = DURATION_MS + 90 * DAY_MS;
    expect([DURATION_MS - 1, DURATION_MS, endMs - 1, endMs].map(ms => isActive(ms))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test.each(['http', 'txt', 'email'])('validated by %s waits until the name points at the zone', method => {
    const { point, host, stateAt, isActive } = open();
    const { id } = host(NAME, { ...SSL, method }).body.result;
    expect(stateAt(id, HOUR_MS).ssl.status).toBe('pending_validation');
    point(NAME, HOUR_MS);
    // The next check comes when its pause is over, and not at once.
    expect(stateAt(id, HOUR_MS + DURATION_MS).ssl.status).toBe('pending_validation');
    expect(isActive(HOUR_MS + 240_000)).toBe(true);
  });

  test('tells what its hostname waits for, from the first check until the name points at the zone', () => {
    const { point, host, stateAt } = open();
    const { id } = host().body.result;
    const errorsAt = (ms: number) => stateAt(id, ms).verification_errors;
    expect(errorsAt(0)).toBeUndefined();
    expect(errorsAt(HOUR_MS)).toEqual(['custom hostname does not CNAME to this zone.']);
    point(NAME, HOUR_MS);
    expect(errorsAt(HOUR_MS + 1)).toBeUndefined();
  });

  test('is checked a minute after the first check, then after pauses that grow by a twentieth', () => {
    const { point, host, isActive } = open();
    host();
    point(NAME, FIRST_CHECK_MS + 1);
    const secondMs = 60_000 + DURATION_MS;
    expect([secondMs - 1, secondMs].map(ms => isActive(ms))).toEqual([false, true]);
    const later = open();
    later.host();
    later.point(NAME, FIRST_CHECK_MS + 60_001);
    const thirdMs = 60_000 + 63_000 + DURATION_MS;
    expect([thirdMs - 1, thirdMs].map(ms => later.isActive(ms))).toEqual([false, true]);
  });

  test('is not issued for a name whose record is not proxied, or is gone', () => {
    const { call, point, host, isActive } = open();
    const id = point(NAME, 0, false);
    host();
    expect(isActive(DAY_MS)).toBe(false);
    call('DELETE', `${RECORDS}/${id}`, undefined, DAY_MS);
    expect(isActive(3 * DAY_MS)).toBe(false);
  });

  test.each([
    ['google', 14],
    ['lets_encrypt', 7],
    ['ssl_com', 14],
  ])("of %s is given up after %i days, as long as the authority's token is good", (authority, days) => {
    const { point, host, stateAt, isActive } = open();
    const { id } = host(NAME, { ...SSL, certificate_authority: authority }).body.result;
    const statusAt = (ms: number) => stateAt(id, ms).ssl.status;
    expect(statusAt(days * DAY_MS - 1)).toBe('pending_validation');
    expect(statusAt(days * DAY_MS)).toBe('validation_timed_out');
    point(NAME, days * DAY_MS);
    expect(isActive((days + 30) * DAY_MS)).toBe(false);
  });
});

describe('a PATCH', () => {
  test('has a name checked at once, in place of the next check', () => {
    const { call, point, host, isActive } = open();
    const { id } = host().body.result;
    point(NAME, 10 * HOUR_MS);
    const { status, body } = call('PATCH', `${HOSTNAMES}/${id}`, { ssl: SSL }, 10 * HOUR_MS);
    expect([status, body.result.ssl.status]).toEqual([202, 'initializing']);
    expect([DURATION_MS - 1, DURATION_MS].map(ms => isActive(10 * HOUR_MS + ms))).toEqual([false, true]);
  });

  test('renews a certificate in its last thirty days; the old one serves until the new one does', () => {
    const { id, renew, statusAt, stateAt, isActive, world } = ready();
    const ms = DURATION_MS + 60 * DAY_MS;
    expect(renew(ms).body.result.ssl.status).toBe('initializing');
    expect(isActive(ms + 1)).toBe(true);
    expect(statusAt(ms + DURATION_MS)).toBe('active');
    const endMs = ms + DURATION_MS + 90 * DAY_MS;
    expect(stateAt(id, ms + DURATION_MS).ssl.expires_on).toBe(isoTime(NOW_MS + endMs));
    expect([endMs - 1, endMs].map(each => isActive(each))).toEqual([true, false]);
    expect(effectsOf(world).at(-1)).toBe(`changed certificate ${NAME} c00042`);
  });

  test('renews none that has more time left', () => {
    const { id, renew, stateAt } = ready();
    const { expires_on } = stateAt(id, DURATION_MS).ssl;
    expect(renew(DURATION_MS + 60 * DAY_MS - 1).body.result.ssl).toMatchObject({
      status: 'active',
      expires_on,
    });
  });

  test('whose issue a fault breaks times out; the old one serves, and another PATCH brings the next', () => {
    let isBroken = false;
    const { point, host, call, stateAt, isActive } = open(createWorld({ endsHalfDone: () => isBroken }));
    point();
    const { id } = host().body.result;
    const renew = (ms: number) => call('PATCH', `${HOSTNAMES}/${id}`, { ssl: SSL }, ms);
    const ms = DURATION_MS + 60 * DAY_MS;
    isBroken = true;
    renew(ms);
    isBroken = false;
    expect([0, 250, 999, 1000].map(later => stateAt(id, ms + later).ssl.status)).toEqual([
      'initializing',
      'pending_validation',
      'pending_validation',
      'validation_timed_out',
    ]);
    expect(isActive(ms + DAY_MS)).toBe(true);
    renew(ms + DAY_MS);
    expect(stateAt(id, ms + DAY_MS + DURATION_MS).ssl.status).toBe('active');
  });

  test('renews an expired one', () => {
    const { renew, statusAt } = ready();
    const ms = 200 * DAY_MS;
    expect(statusAt(ms)).toBe('expired');
    renew(ms);
    expect(statusAt(ms + DURATION_MS)).toBe('active');
  });

  test('to another authority has a new certificate issued, whatever the age of the old one', () => {
    const { renew, stateAt, id, isActive } = ready();
    renew(DAY_MS, { certificate_authority: 'lets_encrypt' });
    expect(stateAt(id, DAY_MS).ssl).toMatchObject({
      status: 'initializing',
      certificate_authority: 'lets_encrypt',
    });
    expect(isActive(DAY_MS)).toBe(true);
    renew(2 * DAY_MS, { certificate_authority: '' });
    expect(stateAt(id, 2 * DAY_MS).ssl.certificate_authority).toBe('google');
  });

  test('sets metadata and settings, and leaves the certificate alone', () => {
    const { id, call, stateAt } = ready();
    const settings = { http2: 'on', tls_1_3: 'off', min_tls_version: '1.2' };
    call('PATCH', `${HOSTNAMES}/${id}`, { ssl: { ...SSL, settings } }, DAY_MS);
    call('PATCH', `${HOSTNAMES}/${id}`, { custom_metadata: { company: 'c00043' } }, DAY_MS);
    expect(stateAt(id, DAY_MS)).toMatchObject({
      custom_metadata: { company: 'c00043' },
      ssl: { status: 'active', settings },
    });
  });

  test.each<[string, object, number, number]>([
    ['another hostname', { hostname: `a.${DOMAIN}` }, 409, 1439],
    ['ssl without a method', { ssl: { type: 'dv' } }, 400, 1440],
    ['ssl without a type', { ssl: { method: 'http' } }, 400, 1440],
    ['another type', { ssl: { ...SSL, type: 'ev' } }, 400, 1433],
    ['metadata of numbers', { custom_metadata: { a: 1 } }, 400, 1401],
    ['a field that the fake does not know', { custom_origin_sni: 'a' }, 501, 7000],
  ])('with %s is refused and changes nothing', (_what, body, status, code) => {
    const { id, call, stateAt, world } = ready();
    const before = stateAt(id, DAY_MS);
    const reply = call('PATCH', `${HOSTNAMES}/${id}`, body, DAY_MS);
    expect(reply).toMatchObject({ status, body: { errors: [{ code }] } });
    expect(stateAt(id, DAY_MS)).toEqual(before);
    expect(world.ledger.entries).toHaveLength(2);
  });
});

describe('a hostname', () => {
  test('is active with its certificate, moved once its name points elsewhere, then deleted', () => {
    const { id, record, call, stateAt } = ready();
    const statusAt = (ms: number) => stateAt(id, ms).status;
    expect([0, DURATION_MS, 100 * DAY_MS].map(statusAt)).toEqual(['pending', 'active', 'active']);
    call('PATCH', `${RECORDS}/${record}`, { proxied: false }, 100 * DAY_MS);
    const noticedMs = 100 * DAY_MS + 4 * HOUR_MS;
    expect([noticedMs - 1, noticedMs, noticedMs + 7 * DAY_MS].map(statusAt)).toEqual([
      'active',
      'moved',
      'deleted',
    ]);
  });

  test('that never points at the zone is moved after a week', () => {
    const { host, stateAt } = open();
    const { id } = host().body.result;
    const statuses = [7 * DAY_MS - 1, 7 * DAY_MS, 14 * DAY_MS].map(ms => stateAt(id, ms).status);
    expect(statuses).toEqual(['pending', 'moved', 'deleted']);
  });

  test('is held once among all zones', () => {
    const inner = 'b'.repeat(32);
    const zones = new Map([
      [ZONE_ID, DOMAIN],
      [inner, NAME],
    ]);
    const { call, host } = open(createWorld({ zones }));
    const { id } = host().body.result;
    const again = () =>
      call('POST', `/client/v4/zones/${inner}/custom_hostnames`, { hostname: NAME, ssl: SSL });
    expect(again()).toMatchObject({ status: 409, body: { errors: [{ code: 1406 }] } });
    call('DELETE', `${HOSTNAMES}/${id}`);
    expect(again().status).toBe(201);
  });

  test('has several pages in a list, and is found by id and by a part of its name', () => {
    const { call, host } = open();
    const ids = [1, 2, 3, 4, 5, 6].map(n => host(`c${n}.${DOMAIN}`).body.result.id);
    const idsOf = (query: string) =>
      call('GET', HOSTNAMES + query).body.result.map((each: { id: string }) => each.id);
    expect(idsOf('?page=2&per_page=5')).toEqual([ids[5]]);
    expect(idsOf(`?id=${ids[1]}`)).toEqual([ids[1]]);
    expect(idsOf('?hostname.contain=c3')).toEqual([ids[2]]);
    expect(idsOf('?hostname.startsWith=c4.')).toEqual([ids[3]]);
    const two = [`?id=${ids[0]}&hostname=a`, '?hostname.contain=c3&hostname.startsWith=c'];
    for (const query of ['?page=0', '?per_page=4', '?per_page=1001', ...two])
      expect(call('GET', HOSTNAMES + query).status).toBe(400);
  });
});

describe('a limit', () => {
  const tight = (values: Readonly<Record<string, number>>) =>
    open(createWorld({ resourceQuotas: true }, values));

  test('on custom hostnames: what is included is followed by a warning, what is allowed by a refusal', () => {
    const { call, host, world } = tight({
      'allowance.cloudflare.hostnames': 1,
      'quota.cloudflare.hostnames': 2,
    });
    const [first, second, third] = [1, 2, 3].map(n => host(`c${n}.${DOMAIN}`));
    expect([first, second].map(({ status, body }) => [status, body.messages.length])).toEqual([
      [201, 0],
      [201, 1],
    ]);
    expect(third).toMatchObject({ status: 403, body: { errors: [{ code: 1405 }] } });
    expect(world.ledger.entries).toHaveLength(2);
    call('DELETE', `${HOSTNAMES}/${first.body.result.id}`);
    expect(host(`c3.${DOMAIN}`).status).toBe(201);
  });

  test("of Let's Encrypt makes one too many of a domain wait, until the week has room for it", () => {
    const { point, host, stateAt, isActive } = tight({ 'quota.lets-encrypt.certificates': 2 });
    const names = [1, 2, 3].map(n => `c${n}.${DOMAIN}`);
    for (const name of names) point(name);
    const authority = { ...SSL, certificate_authority: 'lets_encrypt' };
    const ids = names.map(name => host(name, authority).body.result.id);
    expect(names.map(name => isActive(DURATION_MS, name))).toEqual([true, true, false]);
    expect(stateAt(ids[2], DURATION_MS).ssl).toMatchObject({
      status: 'pending_validation',
      validation_errors: [{ message: expect.stringMatching(/rate limited/) }],
    });
    const roomMs = 3.5 * DAY_MS + DURATION_MS;
    expect([roomMs - 1, roomMs].map(ms => isActive(ms, names[2]))).toEqual([false, true]);
    expect(stateAt(ids[2], roomMs).ssl).not.toHaveProperty('validation_errors');
  });

  test("of Let's Encrypt does not touch another authority, nor a renewal", () => {
    const { call, point, host, isActive } = tight({ 'quota.lets-encrypt.certificates': 1 });
    const names = [1, 2].map(n => `c${n}.${DOMAIN}`);
    for (const name of names) point(name);
    const ssl = { ...SSL, certificate_authority: 'lets_encrypt' };
    const { id } = host(names[0], ssl).body.result;
    host(names[1]);
    expect(names.map(name => isActive(DURATION_MS, name))).toEqual([true, true]);
    const ms = 80 * DAY_MS;
    call('PATCH', `${HOSTNAMES}/${id}`, { ssl }, ms);
    // The week still has its one certificate for a new name.
    point(`c3.${DOMAIN}`, ms);
    host(`c3.${DOMAIN}`, ssl, ms);
    expect(isActive(ms + DURATION_MS, `c3.${DOMAIN}`)).toBe(true);
    expect(isActive(150 * DAY_MS, names[0])).toBe(true);
  });

  test('on certificate packs refuses one more', () => {
    const { call } = tight({ 'quota.cloudflare.certificate-packs': 1 });
    const order = () => call('POST', `${PACKS}/order`, PACK);
    expect(order().status).toBe(200);
    expect(order()).toMatchObject({ status: 403, body: { errors: [{ code: 1405 }] } });
  });
});

const PACK = {
  type: 'advanced',
  hosts: [DOMAIN, `*.deep.${DOMAIN}`],
  validation_method: 'txt',
  validity_days: 90,
  certificate_authority: 'google',
};

describe('Universal SSL', () => {
  test.each([
    ['a name one level down', 'a.', true],
    ['a name two levels down', 'a.b.', false],
  ])('%s that a wildcard answers for: covered is %s', (_what, label, covered) => {
    const outer = DOMAIN.slice(DOMAIN.indexOf('.') + 1);
    const { zone, point } = open(createWorld({ zones: new Map([[ZONE_ID, outer]]) }));
    point(`*.${outer}`);
    expect(zone.certificateActive(label + outer, NOW_MS + DURATION_MS)).toBe(covered);
  });

  test('does not stand in for the certificate of a name that has a record of its own', () => {
    const { point, host, isActive } = open();
    point();
    point(`*.${DOMAIN}`);
    expect(isActive(DAY_MS)).toBe(false);
    expect(isActive(DAY_MS, `c00043.${DOMAIN}`)).toBe(true);
    host();
    expect(isActive(DURATION_MS)).toBe(true);
  });

  test('covers the apex and one level, and no name of another domain', () => {
    const { call, isActive } = open();
    expect(call('GET', PACKS).body.result).toMatchObject([
      { type: 'universal', hosts: [DOMAIN, `*.${DOMAIN}`], status: 'active' },
    ]);
    expect(isActive(DAY_MS, 'a.example.org')).toBe(false);
  });
});

describe('a certificate pack', () => {
  const order = (all: ReturnType<typeof open>, change: object = {}) =>
    all.call('POST', `${PACKS}/order`, { ...PACK, ...change });

  test('is ordered, becomes active, is listed beside the universal one, and deleted', () => {
    const all = open();
    const { call, world } = all;
    const made = order(all);
    expect(made).toMatchObject({ status: 200, body: { result: { ...PACK, status: 'initializing' } } });
    const { id } = made.body.result;
    const statusAt = (ms: number) => call('GET', `${PACKS}/${id}`, undefined, ms).body.result.status;
    expect([0, 250, 600, 800, 1000].map(statusAt)).toEqual([
      'initializing',
      'pending_validation',
      'pending_issuance',
      'pending_deployment',
      'active',
    ]);
    const typesAt = (ms: number, query = '') =>
      call('GET', PACKS + query, undefined, ms).body.result.map((pack: { type: string }) => pack.type);
    expect(typesAt(0)).toEqual(['universal']);
    expect(typesAt(0, '?status=all')).toEqual(['universal', 'advanced']);
    expect(typesAt(DURATION_MS)).toEqual(['universal', 'advanced']);
    expect(call('DELETE', `${PACKS}/${id}`).body.result).toEqual({ id });
    expect(call('GET', `${PACKS}/${id}`).status).toBe(404);
    expect(call('GET', `${PACKS}/mine`).status).toBe(404);
    expect(call('DELETE', `${PACKS}/${NO_ID}`).status).toBe(404);
    expect(effectsOf(world).map(effect => effect.split(' ').slice(0, 2))).toEqual([
      ['created', 'certificatePack'],
      ['deleted', 'certificatePack'],
    ]);
  });

  test('covers the level of its wildcard and no other, for names with a record of their own too', () => {
    const all = open();
    const names = ['a.deep', 'a.b.deep', 'deep'].map(label => `${label}.${DOMAIN}`);
    for (const name of names) all.point(name);
    expect(names.map(name => all.isActive(DURATION_MS, name))).toEqual([false, false, false]);
    order(all);
    expect(names.map(name => all.isActive(DURATION_MS - 1, name))).toEqual([false, false, false]);
    expect(names.map(name => all.isActive(DURATION_MS, name))).toEqual([true, false, false]);
  });

  test('is renewed by the vendor before it ends, for as long as it is there', () => {
    const all = open();
    const { id } = order(all, { validity_days: 14 }).body.result;
    const expiryAt = (ms: number) =>
      all.call('GET', `${PACKS}/${id}`, undefined, ms).body.result.certificates[0].expires_on;
    expect(expiryAt(DURATION_MS)).toBe(isoTime(NOW_MS + DURATION_MS + 14 * DAY_MS));
    expect(expiryAt(DURATION_MS + 11 * DAY_MS)).toBe(isoTime(NOW_MS + DURATION_MS + 25 * DAY_MS));
    expect(all.isActive(400 * DAY_MS, `a.deep.${DOMAIN}`)).toBe(true);
  });

  test.each<[string, object]>([
    ['no type', { type: undefined }],
    ['another type', { type: 'universal' }],
    ['no hosts', { hosts: [] }],
    ['hosts without the apex', { hosts: [`a.${DOMAIN}`] }],
    ['a host of another zone', { hosts: [DOMAIN, 'a.example.org'] }],
    ['51 hosts', { hosts: [DOMAIN, ...Array.from({ length: 50 }, (_, i) => `a${i}.${DOMAIN}`)] }],
    ['another method', { validation_method: 'cname' }],
    ['60 days', { validity_days: 60 }],
    ['days in a string', { validity_days: '90' }],
    ['no authority', { certificate_authority: undefined }],
    ["two weeks of Let's Encrypt", { certificate_authority: 'lets_encrypt', validity_days: 14 }],
    ['a year of Google', { validity_days: 365 }],
    ['branding in a string', { cloudflare_branding: 'yes' }],
  ])('of %s is refused and leaves no trace', (_what, change) => {
    const all = open();
    expect(order(all, change)).toMatchObject({ status: 400, body: { errors: [{ code: 1434 }] } });
    expect(all.world.ledger.entries).toEqual([]);
  });
});
