// Cloudflare's API tokens that end or are revoked, and the limit on calls that shuts everybody out for a while.

import { describe, expect, test } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { cloudOptionsOf, FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { isoTime, type World } from '../../fakes/service.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { callerOf, createWorld, effectsOf, NOW_MS, TOKEN, ZONE_ID } from './fakeCall.ts';

const TOKENS = '/client/v4/user/tokens';
const VERIFY = `${TOKENS}/verify`;
const NO_ID = 'f'.repeat(32);
const HOUR_MS = 3_600_000;
const POLICY = {
  effect: 'allow',
  permission_groups: [{ id: '4755a26eedb94da69e1066d98aa820be' }],
  resources: { [`com.cloudflare.api.account.zone.${ZONE_ID}`]: '*' },
};
const WANTED = { name: 'provisioner', policies: [POLICY] };

function open(world: World = createWorld()) {
  const ask = callerOf(cloudflare(world).service, { authorization: `Bearer ${TOKEN}` });
  const make = (more: object = {}) => ask({ method: 'POST', path: TOKENS, body: { ...WANTED, ...more } });
  const callWith = (token: string, path: string, ms = 0) =>
    ask({ method: 'GET', path, atMs: NOW_MS + ms, headers: { authorization: `Bearer ${token}` } });
  return { world, ask, make, callWith };
}

/** Every call that the fake covers, by a body that would do. */
const CALLS = [
  ['GET', '/client/v4/zones'],
  ['POST', `/client/v4/zones/${ZONE_ID}/dns_records`],
  ['POST', `/client/v4/zones/${ZONE_ID}/dns_records/batch`],
  ['GET', `/client/v4/zones/${ZONE_ID}/dns_records/${NO_ID}`],
  ['POST', `/client/v4/zones/${ZONE_ID}/custom_hostnames`],
  ['POST', `/client/v4/zones/${ZONE_ID}/ssl/certificate_packs/order`],
  ['POST', TOKENS],
  ['DELETE', `${TOKENS}/${NO_ID}`],
] as const;

describe('a token', () => {
  test('is made, is good for calls, says of itself that it is, and is revoked', () => {
    const { world, ask, make, callWith } = open();
    const { status, body } = make();
    const { id, value } = body.result;
    expect([status, value]).toEqual([200, expect.stringMatching(/^\w{40}$/)]);
    expect(body.result).toMatchObject({ ...WANTED, status: 'active', issued_on: isoTime(NOW_MS) });
    expect(callWith(value, VERIFY).body).toMatchObject({
      success: true,
      messages: [{ code: 10000, message: 'This API Token is valid and active' }],
      result: { id, status: 'active' },
    });
    expect(callWith(value, '/client/v4/zones').status).toBe(200);
    expect(ask({ method: 'DELETE', path: `${TOKENS}/${id}` }).body.result).toEqual({ id });
    expect(callWith(value, '/client/v4/zones')).toMatchObject({
      status: 403,
      body: { errors: [{ code: 9109 }] },
    });
    expect(ask({ method: 'DELETE', path: `${TOKENS}/${id}` }).status).toBe(404);
    expect(effectsOf(world)).toEqual([
      `created apiToken user/tokens/${id}`,
      `deleted apiToken user/tokens/${id}`,
    ]);
    expect(JSON.stringify(world.ledger.entries)).not.toContain(value);
  });

  test('ends at its moment, on every call', () => {
    const { ask, make, callWith } = open();
    const expires_on = isoTime(NOW_MS + HOUR_MS);
    const { value } = make({ expires_on }).body.result;
    expect(callWith(value, VERIFY, HOUR_MS - 1).body.result).toMatchObject({ status: 'active', expires_on });
    expect(callWith(value, VERIFY, HOUR_MS)).toMatchObject({
      status: 401,
      body: { errors: [{ code: 1000 }] },
    });
    const headers = { authorization: `Bearer ${value}` };
    for (const [method, path] of CALLS)
      expect(
        ask({ method, path, headers, body: method === 'POST' ? {} : undefined, atMs: NOW_MS + HOUR_MS }),
      ).toMatchObject({ status: 403, body: { success: false, errors: [{ code: 9109 }], result: null } });
  });

  test('is not good before its moment', () => {
    const { make, callWith } = open();
    const { value } = make({ not_before: isoTime(NOW_MS + HOUR_MS) }).body.result;
    const statuses = [HOUR_MS - 1, HOUR_MS].map(ms => callWith(value, '/client/v4/zones', ms).status);
    expect(statuses).toEqual([403, 200]);
  });

  test('that the platform was given never ends', () => {
    expect(open().callWith(TOKEN, VERIFY, 1e12).body.result.status).toBe('active');
  });

  test.each<[string, Record<string, string>, number, number]>([
    ['none', {}, 400, 9106],
    ['another scheme', { authorization: `Basic ${TOKEN}` }, 400, 6003],
    ['two words', { authorization: `Bearer ${TOKEN} x` }, 400, 6003],
    ['an empty one', { authorization: 'Bearer ' }, 400, 6003],
    ['a foreign one', { authorization: 'Bearer other' }, 401, 1000],
  ])('that is %s is not verified', (_what, headers, status, code) => {
    const reply = open().ask({ method: 'GET', path: VERIFY, headers });
    expect(reply).toMatchObject({ status, body: { errors: [{ code }] } });
  });

  test.each<[string, object, number]>([
    ['no name', { name: undefined }, 400],
    ['an empty name', { name: '' }, 400],
    ['a name of 121 characters', { name: 'x'.repeat(121) }, 400],
    ['no policies', { policies: undefined }, 400],
    ['an empty list of policies', { policies: [] }, 400],
    ['a policy without an effect', { policies: [{ ...POLICY, effect: undefined }] }, 400],
    ['a policy without groups', { policies: [{ ...POLICY, permission_groups: [] }] }, 400],
    ['a policy without resources', { policies: [{ ...POLICY, resources: {} }] }, 400],
    ['an end that is no time', { expires_on: 'tomorrow' }, 400],
    ['an end that has passed', { expires_on: isoTime(NOW_MS) }, 400],
    ['a beginning that is no time', { not_before: 5 }, 400],
    ['a condition', { condition: { request_ip: { in: ['192.0.2.1/32'] } } }, 501],
  ])('with %s is refused and leaves no trace', (_what, change, status) => {
    const { world, make } = open();
    expect(make(change).status).toBe(status);
    expect(world.ledger.entries).toEqual([]);
  });

  test('is one of so many', () => {
    const { make } = open(createWorld({ resourceQuotas: true }, { 'quota.cloudflare.tokens': 2 }));
    expect([1, 2, 3].map(() => make().status)).toEqual([200, 200, 400]);
  });
});

describe("the vendor's limit on calls", () => {
  const scenario = rolloutOf(1, { 'provisioning.quotas': 'vendor' });
  const [{ domain, id: zoneId }] = scenario.platform.zones;
  const open = () => {
    const cloud = new Cloud(cloudOptionsOf(scenario, new FactValues('mid', {}), 1));
    let n = 0;
    const call = (method: string, path: string, ms: number, host = 'api.cloudflare.com') =>
      cloud.arrive(
        {
          ...{ method, host, path, query: new URLSearchParams(), body: undefined, key: [++n] },
          headers: { authorization: `Bearer ${FAKES_TOKEN}` },
        },
        NOW_MS + ms,
      )!.reply;
    return { cloud, call };
  };
  const LIST = `/client/v4/zones/${zoneId}/dns_records`;
  const MINUTE_MS = 60_000;

  test('lets 1,200 calls in five minutes pass, and then none at all for five minutes', () => {
    const { cloud, call } = open();
    for (let i = 0; i < 1200; i++) expect(call('GET', LIST, i).status).toBe(200);
    const refused = call('GET', LIST, 2 * MINUTE_MS);
    expect(refused).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '300',
        ratelimit: '"default";r=0;t=300',
        'ratelimit-policy': '"default";q=1200;w=300',
      },
      body: { success: false, errors: [{ code: 10100 }], result: null },
    });
    const [{ message }] = (refused.body as { errors: { message: string }[] }).errors;
    expect(message).toMatch(
      /More than 1200 requests per 300 seconds.*Limit reached: cloudflare-api-requests$/,
    );
    const others: [string, string][] = [
      ['GET', '/client/v4/zones'],
      ['GET', `/client/v4/zones/${zoneId}/custom_hostnames`],
      ['GET', `/client/v4/zones/${zoneId}/ssl/certificate_packs`],
      ['GET', VERIFY],
    ];
    for (const [method, path] of others) expect(call(method, path, 7 * MINUTE_MS - 1).status).toBe(429);
    for (const [method, path] of others) expect(call(method, path, 7 * MINUTE_MS).status).toBe(200);
    const counts = cloud.operations().filter(({ refusedByQuota }) => refusedByQuota > 0);
    expect(counts.reduce((sum, { refusedByQuota }) => sum + refusedByQuota, 0)).toBe(5);
  });

  test('is counted by user: the zones and calls of one count together, and another vendor stays open', () => {
    const { call } = open();
    for (let i = 0; i < 600; i++) {
      call('GET', LIST, 0);
      call('GET', '/client/v4/zones', 0);
    }
    expect(call('GET', LIST, 0).status).toBe(429);
    expect(call('GET', '/v1/projects/p/secrets/a', 0, 'secretmanager.googleapis.com').status).toBe(404);
  });

  test('begins anew with the next five minutes', () => {
    const { call } = open();
    for (let i = 0; i < 3600; i++)
      expect(call('GET', LIST, Math.floor(i / 1200) * 5 * MINUTE_MS).status).toBe(200);
  });

  test('comes with the limits on resources, by the scenario', () => {
    const options = cloudOptionsOf(scenario, new FactValues('mid', {}), 1);
    expect(options).toMatchObject({ resourceQuotas: true, zones: new Map([[zoneId, domain]]) });
    const plan = rolloutOf(1, { 'provisioning.quotas': 'plan' });
    expect(cloudOptionsOf(plan, new FactValues('mid', {}), 1).resourceQuotas).toBe(false);
  });
});
