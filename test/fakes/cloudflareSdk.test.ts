// Cloudflare as its own client sees it, over HTTP on loopback: the client is given the address and a token, nothing else.

import Cloudflare from 'cloudflare';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DOMAIN, TOKEN, ZONE_ID } from './fakeCall.ts';
import { type OverHttp, serveCloud } from './overHttp.ts';

const zone_id = ZONE_ID;
/** The speed limit of the fakes: a certificate is issued in a few milliseconds. */
const FAST = 10_000;
const SSL = { method: 'http', type: 'dv' } as const;

let server: OverHttp;
let client: Cloudflare;
const clientOf = (apiToken: string) =>
  new Cloudflare({ apiToken, baseURL: `${server.urls.cloudflare}/client/v4`, maxRetries: 0 });
let n = 0;
let name: string;

beforeAll(async () => {
  server = await serveCloud(FAST);
  client = clientOf(TOKEN);
});
afterAll(() => server.close());
beforeEach(() => {
  name = `c${++n}.${DOMAIN}`;
});

const alias = (more: object = {}) =>
  ({ ...{ type: 'CNAME', name, content: 'a.run.app', ttl: 1, proxied: true }, ...more }) as const;
const createRecord = (more: object = {}) =>
  client.dns.records.create({ zone_id, ...alias(more), type: 'CNAME', name, ttl: 1 });

/** The status and the vendor's codes that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (!(error instanceof Cloudflare.APIError)) throw error;
    return [error.status, ...error.errors.map(({ code }) => code)];
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('the zones are listed and read, an unknown one is refused', async () => {
  expect(await all(client.zones.list())).toMatchObject([{ id: zone_id, name: DOMAIN, status: 'active' }]);
  expect(await client.zones.get({ zone_id })).toMatchObject({ name: DOMAIN });
  expect(await refusal(client.zones.get({ zone_id: 'f'.repeat(32) }))).toEqual([404, 7003]);
});

describe('DNS records', () => {
  test('are created, read, edited, overwritten and deleted', async () => {
    const made = await createRecord({ comment: 'company=c1' });
    expect(made).toMatchObject({ name, content: 'a.run.app', proxied: true, comment: 'company=c1' });
    expect(await client.dns.records.get(made.id!, { zone_id })).toEqual(made);
    const change = { zone_id, ...alias({ content: 'b.run.app' }), type: 'CNAME', name, ttl: 1 } as const;
    expect(await client.dns.records.edit(made.id!, change)).toMatchObject({
      ...{ content: 'b.run.app', comment: 'company=c1' },
    });
    expect(await client.dns.records.update(made.id!, change)).toMatchObject({
      ...{ content: 'b.run.app', comment: null },
    });
    expect(await client.dns.records.delete(made.id!, { zone_id })).toEqual({ id: made.id });
    expect(await refusal(client.dns.records.get(made.id!, { zone_id }))).toEqual([404, 81044]);
  });

  test('are refused a second time, by the codes that say why', async () => {
    await createRecord();
    const codes = [{}, { proxied: false }, { content: 'b.run.app' }].map(more => refusal(createRecord(more)));
    expect(await Promise.all(codes)).toEqual([
      [400, 81058],
      [400, 81057],
      [400, 81053],
    ]);
    const address = { zone_id, type: 'A', name, ttl: 1, content: '192.0.2.1' } as const;
    expect(await refusal(client.dns.records.create(address))).toEqual([400, 81054]);
  });

  test('are listed page by page, filtered and in order', async () => {
    const labels = ['x', 'y', 'z'].map(label => `${label}.${name}`);
    for (const each of labels)
      await client.dns.records.create({ zone_id, type: 'CNAME', name: each, ttl: 1, content: 'a.run.app' });
    const asked = { zone_id, name: { endswith: `.${name}` }, order: 'name', direction: 'desc' } as const;
    const page = await client.dns.records.list({ ...asked, per_page: 2 });
    expect(page.result.map(record => record.name)).toEqual(labels.toReversed().slice(0, 2));
    expect(page.hasNextPage()).toBe(true);
    const records = await all(client.dns.records.list({ ...asked, per_page: 2 }));
    expect(records.map(record => record.name)).toEqual(labels.toReversed());
    const exact = await client.dns.records.list({ zone_id, type: 'CNAME', name: { exact: labels[1] } });
    expect(exact.result).toHaveLength(1);
  });

  test('change in a batch, or not at all', async () => {
    const old = await createRecord();
    const posts = [1, 2].map(
      i => ({ type: 'CNAME', name: `${i}.${name}`, ttl: 1, content: 'b.run.app' }) as const,
    );
    const made = await client.dns.records.batch({ zone_id, deletes: [{ id: old.id! }], posts });
    expect(made.deletes?.map(({ id }) => id)).toEqual([old.id]);
    expect(made.posts?.map(record => record.name)).toEqual(posts.map(record => record.name));
    const again = client.dns.records.batch({ zone_id, deletes: [{ id: made.posts![0].id! }], posts });
    expect(await refusal(again)).toEqual([400, 81058]);
    expect(await client.dns.records.get(made.posts![0].id!, { zone_id })).toMatchObject({
      name: `1.${name}`,
    });
  });
});

describe('a custom hostname', () => {
  test('is created, becomes active once its name points at the zone, is edited, listed and deleted', async () => {
    await createRecord();
    const metadata = { company: 'c1' };
    const made = await client.customHostnames.create({
      zone_id,
      hostname: name,
      ssl: SSL,
      custom_metadata: metadata,
    });
    expect(made).toMatchObject({ hostname: name, status: 'pending', custom_metadata: metadata });
    const read = () => client.customHostnames.get(made.id, { zone_id });
    while ((await read()).ssl?.status !== 'active');
    expect((await read()).ssl?.expires_on).toMatch(/^\d{4}-.*Z$/);
    const settings = { min_tls_version: '1.2' } as const;
    const edited = await client.customHostnames.edit(made.id, { zone_id, ssl: { ...SSL, settings } });
    expect(edited).toMatchObject({ status: 'active', ssl: { status: 'active', settings } });
    const found = await all(client.customHostnames.list({ zone_id, hostname: { exact: name } }));
    expect(found.map(({ id }) => id)).toEqual([made.id]);
    const duplicate = client.customHostnames.create({ zone_id, hostname: name, ssl: SSL });
    expect(await refusal(duplicate)).toEqual([409, 1406]);
    expect(await client.customHostnames.delete(made.id, { zone_id })).toEqual({ id: made.id });
    expect(await refusal(read())).toEqual([404, 1436]);
  });

  test('whose name points nowhere stays without a certificate', async () => {
    const made = await client.customHostnames.create({ zone_id, hostname: name, ssl: SSL });
    let state = made.ssl?.status as string;
    while (state === 'initializing')
      state = (await client.customHostnames.get(made.id, { zone_id })).ssl?.status ?? '';
    expect(state).toBe('pending_validation');
  });
});

test('a certificate pack is ordered, becomes active, is listed and deleted', async () => {
  const hosts = [DOMAIN, `*.${name}`];
  const order = {
    type: 'advanced',
    certificate_authority: 'google',
    validation_method: 'txt',
    validity_days: 90,
  } as const;
  const made = await client.ssl.certificatePacks.create({ zone_id, hosts, ...order });
  expect(made).toMatchObject({ hosts, ...order });
  const read = () => client.ssl.certificatePacks.get(made.id, { zone_id });
  while ((await read()).status !== 'active');
  const packs = await all(client.ssl.certificatePacks.list({ zone_id }));
  expect(packs.map(({ type }) => type)).toEqual(['universal', 'advanced']);
  expect(await client.ssl.certificatePacks.delete(made.id, { zone_id })).toEqual({ id: made.id });
  expect(await refusal(read())).toEqual([404, 1436]);
});

test('a token is made, verified, used and revoked', async () => {
  const { id, value } = await client.user.tokens.create({
    name: 'b',
    policies: [{ effect: 'allow', permission_groups: [{ id: 'a' }], resources: { all: '*' } }],
  });
  const own = clientOf(value!);
  expect(await own.user.tokens.verify()).toMatchObject({ id, status: 'active' });
  expect(await all(own.zones.list())).toHaveLength(1);
  expect(await client.user.tokens.delete(id!)).toEqual({ id });
  expect(await refusal(own.user.tokens.verify())).toEqual([401, 1000]);
  expect(await refusal(own.zones.get({ zone_id }))).toEqual([403, 9109]);
});

test.each<[string, (vendor: Cloudflare) => Promise<unknown>]>([
  ['an export of records', vendor => vendor.dns.records.export({ zone_id })],
  ['the quota of hostnames', vendor => vendor.customHostnames.quota.get({ zone_id })],
  ['the fallback origin', vendor => vendor.customHostnames.fallbackOrigin.get({ zone_id })],
  ['the list of tokens', async vendor => vendor.user.tokens.list()],
  ['the accounts', async vendor => vendor.accounts.list()],
])('%s is not covered, and the refusal says so', async (_what, call) => {
  await expect(call(client)).rejects.toMatchObject({ status: 501 });
});
