import { describe, expect, test } from 'vitest';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { dnsResolver } from '../../fakes/dnsResolver.ts';
import {
  callerOf,
  createWorld,
  DOMAIN,
  DURATION_MS,
  effectsOf,
  type FakeCall,
  NOW_MS,
  TOKEN,
  ZONE_ID,
} from './fakeCall.ts';

const RECORDS = `/client/v4/zones/${ZONE_ID}/dns_records`;
const HOSTNAMES = `/client/v4/zones/${ZONE_ID}/custom_hostnames`;
const NAME = `c00042.${DOMAIN}`;
const HEADERS = { authorization: `Bearer ${TOKEN}` };
const RECORD = {
  type: 'CNAME',
  name: NAME,
  content: 'c00042-abc-uw.a.run.app',
  ttl: 1,
  proxied: true,
  comment: 'company=c00042',
};
const CUSTOM = {
  hostname: NAME,
  ssl: { method: 'http', type: 'dv' },
  custom_metadata: { company: 'c00042' },
};
const createRecord: FakeCall = { method: 'POST', path: RECORDS, body: RECORD };
const createCustom: FakeCall = { method: 'POST', path: HOSTNAMES, body: CUSTOM };
const NO_ID = 'f'.repeat(32);

function open() {
  const world = createWorld();
  const zone = cloudflare(world);
  const call = callerOf(zone.service, HEADERS);
  const ask = callerOf(dnsResolver(zone), { accept: 'application/dns-json' });
  return { world, zone, call, ask };
}

describe('a DNS record', () => {
  test('is created, listed by its name and type, read, changed and deleted', () => {
    const { world, call } = open();
    const created = call(createRecord);
    expect(created).toMatchObject({ status: 200, body: { success: true, errors: [], result: RECORD } });
    const { id } = created.body.result;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    const list = call({ method: 'GET', path: `${RECORDS}?type=CNAME&name.exact=${NAME}` });
    expect(list.body.result).toMatchObject([{ ...RECORD, id }]);
    expect(list.body.result_info).toEqual({
      page: 1,
      per_page: 100,
      count: 1,
      total_count: 1,
      total_pages: 1,
    });
    expect(call({ method: 'GET', path: `${RECORDS}?type=A&name=${NAME}` }).body.result).toEqual([]);
    expect(call({ method: 'GET', path: `${RECORDS}/${id}` }).body.result).toEqual(created.body.result);
    const changed = call({ method: 'PATCH', path: `${RECORDS}/${id}`, body: { content: 'other.a.run.app' } });
    expect(changed.body.result).toMatchObject({ ...RECORD, content: 'other.a.run.app' });
    expect(call({ method: 'DELETE', path: `${RECORDS}/${id}` }).body.result).toEqual({ id });
    expect(call({ method: 'GET', path: `${RECORDS}/${id}` })).toMatchObject({
      status: 404,
      body: { errors: [{ code: 81044 }] },
    });
    expect(effectsOf(world)).toEqual(
      ['created', 'changed', 'deleted'].map(effect => `${effect} dnsRecord CNAME ${NAME} c00042`),
    );
  });

  test.each<[string, unknown, number]>([
    ['another type', { type: 'TXT' }, 1004],
    ['no type', { type: undefined }, 1004],
    ['no name', { name: undefined }, 9000],
    ['a name with a space', { name: `c 1.${DOMAIN}` }, 9000],
    ['a name outside of the zone', { name: 'c00042.example.org' }, 9000],
    ['a name that only ends like the zone', { name: `evil${DOMAIN}` }, 9000],
    ['no content', { content: undefined }, 9007],
    ['a URL for content', { content: 'https://a.run.app' }, 9007],
    ['itself for content', { content: NAME }, 9039],
    ['an A record with a name for content', { type: 'A' }, 9005],
    ['an AAAA record with an IPv4 address', { type: 'AAAA', content: '192.0.2.1' }, 9006],
    ...['1:::2', '::1::2', ':::::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7::8', '12345::', 'g::', '::1%eth0'].map(
      (content): [string, unknown, number] => [`the address ${content}`, { type: 'AAAA', content }, 9006],
    ),
    ['a TTL of 2 s', { ttl: 2, proxied: false }, 9021],
    ['a TTL of two days', { ttl: 172_800, proxied: false }, 9021],
    ['a TTL in a string', { ttl: '60', proxied: false }, 9021],
    ['a TTL of its own while proxied', { ttl: 300 }, 9021],
    ['proxied in a string', { proxied: 'yes', ttl: 1 }, 1004],
    ['a comment of 101 characters', { comment: 'x'.repeat(101) }, 1004],
    ['an asterisk within its name', { name: `a.*.${DOMAIN}` }, 9000],
    ['two asterisks', { name: `*.*.${DOMAIN}` }, 9000],
    ['an asterisk for a part of a label', { name: `a*.${DOMAIN}` }, 9000],
  ])('with %s is refused and leaves no trace', (_what, change, code) => {
    const { world, call } = open();
    const { status, body } = call({ ...createRecord, body: { ...RECORD, ...(change as object) } });
    const [error] = body.errors;
    expect([status, error.code]).toEqual([400, code]);
    expect(error).not.toHaveProperty('error_chain');
    expect(world.ledger.entries).toEqual([]);
  });

  test.each(['::', '2001:DB8::1', '2001:db8:0:0:0:0:0:1', '1::7:8'])('leads to the address %s', content => {
    const { call } = open();
    const body = { ...RECORD, type: 'AAAA', content };
    expect(call({ ...createRecord, body })).toMatchObject({ status: 200, body: { result: { content } } });
  });

  test.each([
    ['the same again', RECORD, 81058],
    ['the same with another setting', { ...RECORD, proxied: false }, 81057],
    ['another target', { ...RECORD, content: 'other.a.run.app' }, 81053],
    ['an address beside the alias', { ...RECORD, type: 'A', content: '192.0.2.1' }, 81054],
  ])('cannot stand beside one of its name: %s', (_what, body, code) => {
    const { call } = open();
    call(createRecord);
    expect(call({ ...createRecord, body })).toMatchObject({ status: 400, body: { errors: [{ code }] } });
  });

  test('has several pages in a list', () => {
    const { call } = open();
    for (const n of [1, 2, 3]) call({ ...createRecord, body: { ...RECORD, name: `c${n}.${DOMAIN}` } });
    const { body } = call({ method: 'GET', path: `${RECORDS}?page=2&per_page=2` });
    expect(body.result.map((record: { name: string }) => record.name)).toEqual([`c3.${DOMAIN}`]);
    expect(body.result_info).toEqual({ page: 2, per_page: 2, count: 1, total_count: 3, total_pages: 2 });
    expect(call({ method: 'GET', path: `${RECORDS}?page=0` }).status).toBe(400);
    expect(call({ method: 'GET', path: `${RECORDS}?tag=x` }).status).toBe(501);
  });
});

describe('a custom hostname', () => {
  test('gets its certificate some time after its creation, and leaves with it', () => {
    const { world, zone, call } = open();
    call(createRecord);
    const created = call(createCustom);
    expect(created).toMatchObject({ status: 201, body: { result: { ...CUSTOM, status: 'pending' } } });
    const { id } = created.body.result;
    const statusAt = (ms: number) =>
      call({ method: 'GET', path: `${HOSTNAMES}/${id}`, atMs: NOW_MS + ms }).body.result.ssl.status;
    expect([0, DURATION_MS / 2, DURATION_MS].map(statusAt)).toEqual([
      'initializing',
      'pending_validation',
      'active',
    ]);
    expect(zone.certificateActive(NAME, NOW_MS + DURATION_MS - 1)).toBe(false);
    expect(zone.certificateActive(NAME, NOW_MS + DURATION_MS)).toBe(true);
    const list = call({ method: 'GET', path: `${HOSTNAMES}?hostname.exact=${NAME}` });
    expect(list.body.result).toMatchObject([{ id, hostname: NAME }]);
    expect(call({ method: 'DELETE', path: `${HOSTNAMES}/${id}` })).toMatchObject({
      status: 200,
      body: { id },
    });
    expect(zone.certificateActive(NAME, NOW_MS + DURATION_MS)).toBe(false);
    expect(effectsOf(world).slice(1)).toEqual([
      `created certificate ${NAME} c00042`,
      `deleted certificate ${NAME} c00042`,
    ]);
  });

  test.each<[string, unknown, number, number]>([
    ['no hostname', { hostname: undefined }, 400, 1407],
    ['a hostname outside of the zone', { hostname: 'c00042.example.org' }, 400, 1407],
    ['no ssl', { ssl: undefined }, 400, 1440],
    ['no method', { ssl: { type: 'dv' } }, 400, 1440],
    ['no type', { ssl: { method: 'http' } }, 400, 1440],
    ['another method', { ssl: { method: 'pigeon', type: 'dv' } }, 400, 1432],
    ['another type', { ssl: { method: 'http', type: 'ev' } }, 400, 1433],
    ['metadata of numbers', { custom_metadata: { company: 42 } }, 400, 1401],
    ['a list for metadata', { custom_metadata: ['c00042'] }, 400, 1401],
    ['an unknown authority', { ssl: { ...CUSTOM.ssl, certificate_authority: 'acme' } }, 400, 1434],
    ['a wildcard', { ssl: { ...CUSTOM.ssl, wildcard: true } }, 400, 1448],
    ['an unknown bundle', { ssl: { ...CUSTOM.ssl, bundle_method: 'best' } }, 400, 1449],
    ['HTTP/2 as a boolean', { ssl: { ...CUSTOM.ssl, settings: { http2: true } } }, 400, 1422],
    ['TLS 1.3 as a boolean', { ssl: { ...CUSTOM.ssl, settings: { tls_1_3: true } } }, 400, 1424],
    ['TLS 0.9', { ssl: { ...CUSTOM.ssl, settings: { min_tls_version: '0.9' } } }, 400, 1425],
  ])('with %s is refused and leaves no trace', (_what, change, status, code) => {
    const { world, call } = open();
    const reply = call({ ...createCustom, body: { ...CUSTOM, ...(change as object) } });
    expect(reply).toMatchObject({ status, body: { success: false, errors: [{ code }], result: null } });
    expect(world.ledger.entries).toEqual([]);
  });

  test('exists once', () => {
    const { call } = open();
    call(createCustom);
    expect(call(createCustom)).toMatchObject({ status: 409, body: { errors: [{ code: 1406 }] } });
  });
});

describe('the door', () => {
  test.each<[string, Partial<FakeCall>, number, number]>([
    ['no token', { headers: {} }, 400, 9106],
    ['another scheme', { headers: { authorization: `Basic ${TOKEN}` } }, 400, 6003],
    ['another token', { headers: { authorization: 'Bearer other' } }, 403, 9109],
    ['a body that is no JSON', { body: '{' }, 400, 6007],
    ['a zone that is no id', { path: '/client/v4/zones/mine/dns_records' }, 404, 7003],
    ['a record that is no id', { method: 'GET', path: `${RECORDS}/mine`, body: undefined }, 404, 7003],
    [
      'a record that is not there',
      { method: 'DELETE', path: `${RECORDS}/${NO_ID}`, body: undefined },
      404,
      81044,
    ],
    ['a hostname that is no id', { method: 'GET', path: `${HOSTNAMES}/mine`, body: undefined }, 400, 1435],
    [
      'a hostname that is not there',
      { method: 'DELETE', path: `${HOSTNAMES}/${NO_ID}`, body: undefined },
      404,
      1436,
    ],
  ])('refuses %s', (_what, change, status, code) => {
    const { world, call } = open();
    expect(call({ ...createRecord, ...change })).toMatchObject({
      status,
      body: { success: false, errors: [{ code }] },
    });
    expect(world.ledger.entries).toEqual([]);
  });

  test('lists the zones of the platform, and knows no other', () => {
    const { call } = open();
    const get = (path: string) => call({ method: 'GET', path: `/client/v4/zones${path}` });
    const zone = { id: ZONE_ID, name: DOMAIN, status: 'active' };
    expect(get('').body).toMatchObject({ result: [zone], result_info: { total_count: 1 } });
    expect(get(`?name=${DOMAIN}`).body.result).toMatchObject([zone]);
    expect(get('?name=example.org').body.result).toEqual([]);
    expect(get(`/${ZONE_ID}`).body.result).toMatchObject(zone);
    for (const path of ['', '/dns_records', '/custom_hostnames', '/ssl/certificate_packs'])
      expect(get(`/${NO_ID}${path}`)).toMatchObject({ status: 404, body: { errors: [{ code: 7003 }] } });
  });

  test.each<[string, string, unknown]>([
    ['GET', `${RECORDS}/export`, undefined],
    ['GET', `${RECORDS}/usage`, undefined],
    ['POST', `${RECORDS}/import`, {}],
    ['PUT', HOSTNAMES, {}],
    ['GET', `${HOSTNAMES}/quota`, undefined],
    ['GET', `${HOSTNAMES}/fallback_origin`, undefined],
    ['POST', '/client/v4/zones', {}],
    ['DELETE', `/client/v4/zones/${ZONE_ID}`, undefined],
    ['GET', `/client/v4/zones/${ZONE_ID}/ssl/universal/settings`, undefined],
    ['PATCH', `/client/v4/zones/${ZONE_ID}/ssl/certificate_packs/${NO_ID}`, {}],
    ['GET', `/client/v4/zones/${ZONE_ID}/ssl/certificate_packs/quota`, undefined],
    ['GET', '/client/v4/user/tokens', undefined],
    ['GET', '/client/v4/accounts', undefined],
    ['POST', RECORDS, { ...RECORD, tags: ['a'] }],
    ['POST', HOSTNAMES, { ...CUSTOM, custom_origin_server: NAME }],
    ['POST', HOSTNAMES, { ...CUSTOM, ssl: { ...CUSTOM.ssl, custom_key: 'x' } }],
    ['POST', HOSTNAMES, { ...CUSTOM, ssl: { ...CUSTOM.ssl, settings: { ciphers: [] } } }],
    ['GET', `${HOSTNAMES}?ssl_status=active`, undefined],
    ['GET', `/client/v4/zones/${ZONE_ID}/ssl/certificate_packs?deploy=staging`, undefined],
  ])('says that the fake does not cover %s %s', (method, path, body) => {
    const { world, call } = open();
    const reply = call({ method, path, body });
    expect(reply.status).toBe(501);
    expect(JSON.stringify(reply.body)).toMatch(/does not cover/);
    expect(world.ledger.entries).toEqual([]);
  });

  test('names the quota of a refusal and when to come back', () => {
    const rule = {
      name: 'dnsRecordWrites',
      operations: ['cloudflare.dnsRecords.create'],
      perMinute: 60,
      scope: 'vendor',
    } as const;
    const call = callerOf(cloudflare(createWorld()).service, HEADERS, [rule]);
    const replies = [1, 2, 3].map(n =>
      call({ ...createRecord, body: { ...RECORD, name: `c${n}.${DOMAIN}` } }),
    );
    expect(replies.map(reply => reply.status)).toEqual([200, 200, 429]);
    expect(replies[2].body.errors[0].message).toMatch(/Limit reached: dnsRecordWrites$/);
    expect(replies[2].headers).toEqual({ 'retry-after': '1' });
  });
});

describe('resolvers', () => {
  const query: FakeCall = { method: 'GET', path: `/dns-query?name=${NAME}&type=A` };

  test('see a record some time after its creation, and some time after its deletion still', () => {
    const { call, ask } = open();
    const { id } = call(createRecord).body.result;
    const statusAt = (ms: number) => ask({ ...query, atMs: NOW_MS + ms }).body.Status;
    expect([0, DURATION_MS - 1, DURATION_MS].map(statusAt)).toEqual([3, 3, 0]);
    call({ method: 'DELETE', path: `${RECORDS}/${id}`, atMs: NOW_MS + 5000 });
    expect([5000 + DURATION_MS - 1, 5000 + DURATION_MS].map(statusAt)).toEqual([0, 3]);
  });

  test('see the old target until the change has spread', () => {
    const { zone, call } = open();
    const { id } = call(createRecord).body.result;
    call({
      method: 'PATCH',
      path: `${RECORDS}/${id}`,
      body: { content: 'new.a.run.app' },
      atMs: NOW_MS + 5000,
    });
    const seen = [5000, 5000 + DURATION_MS].map(ms => zone.recordAt(NAME, NOW_MS + ms)?.content);
    expect(seen).toEqual([RECORD.content, 'new.a.run.app']);
  });

  test.each([
    [
      'a proxied alias as addresses of the edge',
      { proxied: true },
      'A',
      [{ type: 1, data: '104.16.132.229' }, { type: 1 }],
    ],
    ['no alias behind the proxy', { proxied: true }, 'CNAME', undefined],
    ['a plain alias as one', { proxied: false }, 'A', [{ type: 5, data: `${RECORD.content}.` }]],
    [
      'a plain address as one',
      { proxied: false, type: 'A', content: '192.0.2.1' },
      '1',
      [{ type: 1, data: '192.0.2.1' }],
    ],
    ['no address of the other kind', { proxied: false, type: 'A', content: '192.0.2.1' }, 'AAAA', undefined],
  ])('show %s', (_what, change, type, answer) => {
    const { call, ask } = open();
    call({ ...createRecord, body: { ...RECORD, ...change } });
    const { status, body, headers } = ask({
      method: 'GET',
      path: `/dns-query?name=${NAME}&type=${type}`,
      atMs: NOW_MS + DURATION_MS,
    });
    expect([status, headers?.['content-type'], body.Status]).toEqual([200, 'application/dns-json', 0]);
    if (answer === undefined) expect(body.Answer).toBeUndefined();
    else expect(body.Answer).toMatchObject(answer);
  });

  test.each<[string, Partial<FakeCall>]>([
    ['no name', { path: '/dns-query?type=A' }],
    ['a type that it does not know', { path: `/dns-query?name=${NAME}&type=XYZ` }],
    ['another format', { headers: { accept: 'application/dns-message' } }],
    ['no format', { headers: {} }],
  ])('refuse %s', (_what, change) => {
    expect(open().ask({ ...query, ...change }).status).toBe(400);
  });
});
