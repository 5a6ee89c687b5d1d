// The fakes over real HTTP on loopback, at a speed at which no delay is felt.

import { Pinecone } from '@pinecone-database/pinecone';
import Cloudflare from 'cloudflare';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { serveFakes } from '../../cli/fakes.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { type FakesServer, startFakes } from '../../fakes/server.ts';
import { FactValues } from '../../scenarios/facts.ts';
import scenario from '../../scenarios/pilot-100.json' with { type: 'json' };
import type { FaultRule, Scenario } from '../../scenarios/scenario.ts';
import { SandtableError } from '../../src/errors.ts';
import type { Call, Outcome, Transport } from '../../src/ports.ts';
import { createTransport } from '../../src/runtime/transport.ts';
import { DOMAIN, NOW_MS, TOKEN } from './fakeCall.ts';

const SPEED = 1000;
/** At 10,000 times the speed it takes a moment; a busy machine is given time. */
const WAIT = { timeout: 60_000 };
/** Of each call: what is lost here is told by a connection that ends. */
const NO_DEADLINE = Number.MAX_SAFE_INTEGER;
const DAY_MS = 86_400_000;
const ZONE = '023e105f4ecef8ad9ca31a8372d0c353';
const INDEX_HOST = 'companies-x1.svc.w1.pinecone.io';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function createCloud(faults: readonly FaultRule[] = []): Cloud {
  return new Cloud({
    seed: 42,
    facts: new FactValues('mid', {}),
    quotas: [],
    resourceQuotas: false,
    faults,
    token: TOKEN,
    domain: DOMAIN,
    zones: new Map([[ZONE, DOMAIN]]),
  });
}

async function start(cloud: Cloud, vendorPorts = false): Promise<FakesServer> {
  const server = await startFakes({ cloud, port: 0, vendorPorts, speed: SPEED });
  cleanups.push(() => server.close());
  return server;
}

function connect(fakesUrl: string): Transport {
  const transport = createTransport({ fakesUrl });
  cleanups.unshift(() => transport.close());
  return transport;
}

function callOf(
  n: number,
  method: Call['method'],
  url: string,
  headers: Record<string, string>,
  body?: object,
): Call {
  return {
    method,
    url,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body && { body: new TextEncoder().encode(JSON.stringify(body)) }),
    deadlineAtMs: NO_DEADLINE,
    key: [7, n, -1],
  };
}

const bearer = { authorization: `Bearer ${TOKEN}` };
const versioned = { ...bearer, accept: 'application/vnd.atlas.2025-03-12+json' };
const keyed = { 'api-key': TOKEN, 'x-pinecone-api-version': '2026-04' };
const SECRETS = 'https://secretmanager.googleapis.com/v1/projects/p/secrets';
const RECORDS = `https://api.cloudflare.com/client/v4/zones/${ZONE}/dns_records`;
const GROUP = 'https://cloud.mongodb.com/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01';
const record = {
  type: 'CNAME',
  name: `c00007.${DOMAIN}`,
  content: 'c00007.a.run.app',
  ttl: 1,
  proxied: true,
  comment: 'company=c00007',
};
const role = {
  roleName: 'company-c00007',
  actions: [{ action: 'FIND', resources: [{ db: 'c00007', collection: '' }] }],
};
const createSecret = callOf(0, 'POST', `${SECRETS}?secretId=c00007-api-key`, bearer, {
  replication: { automatic: {} },
  labels: { company: 'c00007' },
});

const SCRIPT: Call[] = [
  createSecret,
  callOf(1, 'POST', `${SECRETS}/c00007-api-key:addVersion`, bearer, { payload: { data: btoa('secret') } }),
  callOf(2, 'GET', `${SECRETS}/c00007-api-key/versions?filter=state%3AENABLED`, bearer),
  callOf(3, 'GET', `${SECRETS}/c00007-api-key/versions/latest:access`, bearer),
  callOf(4, 'POST', RECORDS, bearer, record),
  callOf(5, 'POST', RECORDS, bearer, record),
  callOf(6, 'GET', `${RECORDS}?name.exact=${record.name}&type=CNAME`, bearer),
  callOf(7, 'POST', `${GROUP}/customDBRoles/roles`, versioned, role),
  callOf(8, 'DELETE', `${GROUP}/customDBRoles/roles/company-c00007`, versioned),
  callOf(9, 'POST', `https://${INDEX_HOST}/namespaces`, keyed, { name: 'c 7/ü' }),
  callOf(10, 'POST', `https://${INDEX_HOST}/namespaces`, keyed, { name: 'c 7/x' }),
  callOf(11, 'GET', `https://${INDEX_HOST}/namespaces/c%207%2Fx`, keyed),
  callOf(12, 'GET', `https://${INDEX_HOST}/namespaces`, { 'x-pinecone-api-version': '2026-04' }),
  callOf(13, 'GET', `https://cloudflare-dns.com/dns-query?name=other.${DOMAIN}`, {
    accept: 'application/dns-json',
  }),
  callOf(14, 'DELETE', SECRETS, { authorization: 'Bearer wrong' }),
  callOf(15, 'DELETE', `${SECRETS}/c00007-api-key`, bearer),
];

/** The same call as a function: what the wire in virtual time does. */
function arrive(cloud: Cloud, { method, url, headers, body, key }: Call): Outcome {
  const { host, pathname: path, searchParams: query } = new URL(url);
  const {
    status,
    headers: answered = {},
    body: answer,
  } = cloud.arrive({ method, host, path, query, headers, body, key }, NOW_MS)!.reply;
  return {
    kind: 'answered',
    status,
    headers: answered,
    body: new TextEncoder().encode(answer === undefined ? '' : JSON.stringify(answer)),
  };
}

/** What a client reads of an outcome, without the moments in it. */
function readOf(outcome: Outcome): unknown {
  if (outcome.kind !== 'answered') return outcome;
  const text = new TextDecoder().decode(outcome.body).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  return [outcome.status, outcome.headers['retry-after'], text];
}

const ledgerOf = (cloud: Cloud) => cloud.ledger.entries.map(({ atMs: _atMs, ...entry }) => entry);

test('the same calls as functions and over HTTP have the same answers and the same effects', async () => {
  const direct = createCloud();
  const served = createCloud();
  const { send } = connect((await start(served)).url);
  for (const call of SCRIPT) expect(readOf(await send(call))).toEqual(readOf(arrive(direct, call)));
  expect(ledgerOf(served)).toEqual(ledgerOf(direct));
  expect(ledgerOf(served).length).toBeGreaterThanOrEqual(8);
  const latencies = (cloud: Cloud) =>
    cloud.operations().map(({ operation, latencyMs }) => [operation, latencyMs]);
  expect(latencies(served)).toEqual(latencies(direct));
});

describe('a fault', () => {
  test.each([
    ['refuse', 'answered', 0],
    ['delayRequest', 'answered', 1],
    ['delayAnswer', 'answered', 1],
    // The second time finds the name taken.
    ['twice', 'answered', 1],
    ['slow', 'answered', 1],
    // The caller has sent its call by the time that the connection is reset.
    ['refuseConnection', 'unknown', 0],
    ['takeName', 'answered', 0],
    ['conflict', 'answered', 0],
    ['expireToken', 'answered', 0],
  ] as const)('%s: the client sees %s, and the ledger has %i effects', async (verdict, kind, effects) => {
    const cloud = createCloud([
      { operation: 'secretManager.secrets.create', verdict, share: 1, status: 503, delayMs: 1000, times: 2 },
    ]);
    const outcome = await connect((await start(cloud)).url).send(createSecret);
    expect(outcome.kind).toBe(kind);
    const statuses: Readonly<Record<string, number>> = {
      refuse: 503,
      takeName: 409,
      conflict: 409,
      expireToken: 401,
    };
    if (verdict in statuses) expect(outcome).toMatchObject({ status: statuses[verdict] });
    if (verdict === 'refuseConnection') expect(outcome).toMatchObject({ reason: 'ECONNRESET' });
    expect(cloud.ledger.entries).toHaveLength(effects);
    expect(cloud.faultHits()).toEqual([1]);
  });

  test.each([
    ['loseRequest', 0],
    ['loseAnswer', 1],
  ] as const)(
    '%s: a call with a key hears nothing until its deadline, any other loses its connection; %i effects',
    async (verdict, effects) => {
      const cloud = createCloud([{ operation: 'secretManager.secrets.create', verdict, share: 1 }]);
      const { url } = await start(cloud);
      const deadlineAtMs = Date.now() + 2000;
      const outcome = await connect(url).send({ ...createSecret, deadlineAtMs });
      expect(outcome).toMatchObject({ kind: 'unknown', reason: 'no answer by the deadline' });
      // A real timer may fire a millisecond early.
      expect(Date.now()).toBeGreaterThanOrEqual(deadlineAtMs - 1);
      expect(cloud.ledger.entries).toHaveLength(effects);
      expect(cloud.faultHits()).toEqual([1]);
      const { pathname, search, host } = new URL(createSecret.url);
      const headers = { ...createSecret.headers, 'x-sandtable-host': host };
      const body = new TextDecoder().decode(createSecret.body);
      await expect(fetch(`${url}${pathname}${search}`, { method: 'POST', headers, body })).rejects.toThrow();
    },
  );

  /** The statuses of these calls over HTTP, one after the other. */
  const statusesOf = async (cloud: Cloud, calls: readonly Call[]) => {
    const transport = connect((await start(cloud)).url);
    const statuses: unknown[] = [];
    for (const call of calls) {
      const outcome = await transport.send(call);
      statuses.push(outcome.kind === 'answered' ? outcome.status : outcome.kind);
    }
    return statuses;
  };
  const getSecret = callOf(1, 'GET', `${SECRETS}/c00007-api-key`, bearer);
  test('readStale: a look misses what was made a moment ago', async () => {
    const cloud = createCloud([{ operation: '*', verdict: 'readStale', share: 1, delayMs: DAY_MS }]);
    expect(await statusesOf(cloud, [createSecret, getSecret])).toEqual([200, 404]);
    expect(cloud.ledger.entries).toHaveLength(1);
  });

  test('holdName: what was deleted cannot be made again yet', async () => {
    const cloud = createCloud([{ operation: '*', verdict: 'holdName', share: 1, delayMs: DAY_MS }]);
    const deleteSecret = callOf(2, 'DELETE', `${SECRETS}/c00007-api-key`, bearer);
    expect(await statusesOf(cloud, [createSecret, deleteSecret, getSecret, createSecret])).toEqual([
      200, 200, 404, 409,
    ]);
  });

  test.each([
    ['stick', 'pending'],
    ['breakHalfway', 'validation_timed_out'],
  ] as const)('%s: a certificate is %s long after it should be active', async (verdict, status) => {
    const cloud = createCloud([{ operation: 'cloudflare.*', verdict, share: 1 }]);
    const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: 10_000, delays: false });
    cleanups.push(() => server.close());
    const transport = connect(server.url);
    const hostnames = RECORDS.replace('dns_records', 'custom_hostnames');
    const body = { hostname: record.name, ssl: { method: 'http', type: 'dv' } };
    await transport.send(callOf(0, 'POST', hostnames, bearer, body));
    await vi.waitFor(async () => {
      const outcome = await transport.send(callOf(1, 'GET', hostnames, bearer));
      expect(JSON.stringify(readOf(outcome))).toContain(status);
      const { nowMs } = (await (await fetch(`${server.url}/_health`)).json()) as { nowMs: number };
      expect(nowMs - cloud.ledger.entries[0].atMs).toBeGreaterThan(240_000);
    }, WAIT);
  });

  test('twice: what has no name is there twice, and the client sees the first', async () => {
    const cloud = createCloud([{ operation: 'secretManager.versions.add', verdict: 'twice', share: 1 }]);
    const transport = connect((await start(cloud)).url);
    await transport.send(createSecret);
    const body = { payload: { data: btoa('secret') } };
    const outcome = await transport.send(
      callOf(1, 'POST', `${SECRETS}/c00007-api-key:addVersion`, createSecret.headers, body),
    );
    expect(outcome).toMatchObject({ kind: 'answered', status: 200 });
    expect(JSON.stringify(readOf(outcome))).toContain('/versions/1');
    expect(cloud.ledger.entries.map(({ kind }) => kind)).toEqual([
      'secret',
      'secretVersion',
      'secretVersion',
    ]);
  });

  test('refuse with retryAfterMs: the header has it in whole seconds; a window of later hits nothing now', async () => {
    const refuse = { operation: 'secretManager.secrets.create', verdict: 'refuse', share: 1 } as const;
    const cloud = createCloud([
      { ...refuse, status: 500, fromMs: DAY_MS },
      { ...refuse, status: 429, retryAfterMs: 1500, untilMs: DAY_MS },
    ]);
    const outcome = await connect((await start(cloud)).url).send(createSecret);
    expect(outcome).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
  });
});

describe('the main port', () => {
  const request = async (path: string, init: RequestInit = {}, cloud = createCloud()) => {
    const response = await fetch((await start(cloud)).url + path, init);
    const text = await response.text();
    expect(text).not.toMatch(/node_modules|\.ts:\d|at .*\(/);
    return { status: response.status, type: response.headers.get('content-type'), body: JSON.parse(text) };
  };
  const host = { 'x-sandtable-host': 'secretmanager.googleapis.com' };
  const path = '/v1/projects/p/secrets/s';

  test.each<[string, string, RequestInit, number, RegExp]>([
    ['no vendor', path, {}, 400, /x-sandtable-host.*\*\.pinecone\.io.*api\.cloudflare\.com/],
    [
      'another vendor',
      path,
      { headers: { 'x-sandtable-host': 'example.com' } },
      501,
      /no fake stands for the host example\.com; there are .*cloud\.mongodb\.com/,
    ],
    [
      'a path that the fake does not cover',
      '/v1/other',
      { headers: host },
      501,
      /does not cover GET \/v1\/other/,
    ],
    ['a key of letters', path, { headers: { ...host, 'x-sandtable-key': 'a,b' } }, 400, /x-sandtable-key/],
    ['a key with a gap', path, { headers: { ...host, 'x-sandtable-key': '1,,2' } }, 400, /x-sandtable-key/],
    ['a key of fractions', path, { headers: { ...host, 'x-sandtable-key': '1.5' } }, 400, /x-sandtable-key/],
    ['an empty key', path, { headers: { ...host, 'x-sandtable-key': '' } }, 400, /x-sandtable-key/],
    [
      'a key of 17 parts',
      path,
      { headers: { ...host, 'x-sandtable-key': Array(17).fill(1).join() } },
      400,
      /x-sandtable-key/,
    ],
    [
      'a key of eleven digits',
      path,
      { headers: { ...host, 'x-sandtable-key': '99999999999' } },
      400,
      /x-sandtable-key/,
    ],
    [
      'a path that is no percent-encoding',
      '/v1/projects/%zz',
      { headers: host },
      400,
      /percent-encoding|not a valid url/,
    ],
    [
      'a body that is larger than any vendor takes',
      path,
      { method: 'POST', headers: host, body: 'x'.repeat(11 * 1_048_576 + 1) },
      413,
      /too large/,
    ],
  ])('refuses %s', async (_what, target, init, status, error) => {
    const reply = await request(target, init);
    expect(reply).toMatchObject({ status, type: expect.stringMatching(/^application\/json/) });
    expect(reply.body.error.message ?? reply.body.error).toMatch(error);
  });

  test('takes any type of body as bytes, and a call without a key', async () => {
    const init = {
      method: 'POST',
      headers: { ...host, ...bearer, 'content-type': 'text/xml' },
      body: '{"replication":{"automatic":{}}}',
    };
    const cloud = createCloud();
    expect((await request('/v1/projects/p/secrets?secretId=s', init, cloud)).status).toBe(200);
    expect(cloud.ledger.entries).toHaveLength(1);
  });

  test('does not show its inside when a fake fails', async () => {
    const cloud = createCloud();
    cloud.arrive = () => {
      throw new Error('planted');
    };
    expect(await request(path, { headers: { ...host, ...bearer } }, cloud)).toMatchObject({
      status: 500,
      body: { error: 'planted' },
    });
  });

  test('tells its ledger, its operations, its time and which start it is of', async () => {
    const cloud = createCloud();
    const server = await start(cloud);
    await connect(server.url).send(createSecret);
    const before = performance.now();
    const read = async () =>
      (await fetch(`${server.url}/_ledger`)).json() as Promise<Record<string, unknown> & { nowMs: number }>;
    const [first, second] = [await read(), await read()];
    expect(first).toMatchObject({
      id: server.id,
      entries: cloud.ledger.entries,
      operations: cloud.operations(),
      faultHits: [],
    });
    expect(second.nowMs - first.nowMs).toBeGreaterThan(0);
    expect(second.nowMs - first.nowMs).toBeLessThanOrEqual((performance.now() - before) * SPEED);
    expect(await (await fetch(`${server.url}/_health`)).json()).toMatchObject({
      id: server.id,
      speed: SPEED,
    });
    expect((await start(createCloud())).id).not.toBe(server.id);
  });
});

describe('the ports of the vendors', () => {
  test('imply the host, and take no other vendor', async () => {
    const cloud = createCloud();
    const { vendorUrls } = await start(cloud, true);
    expect(Object.keys(vendorUrls)).toEqual(cloud.services.map(({ name }) => name));
    const get = (url: string, headers: Record<string, string>) =>
      fetch(url, { headers }).then(response => response.status);
    expect(await get(`${vendorUrls.secretManager}/v1/projects/p/secrets/s`, bearer)).toBe(404);
    expect(await get(`${vendorUrls.pinecone}/namespaces`, keyed)).toBe(200);
    expect(await get(`${vendorUrls.pinecone}/namespaces`, { ...keyed, 'x-sandtable-host': INDEX_HOST })).toBe(
      200,
    );
    expect(
      await get(`${vendorUrls.pinecone}/namespaces`, { ...keyed, 'x-sandtable-host': 'api.cloudflare.com' }),
    ).toBe(501);
  });

  test('take the host from the path as well, but no other vendor', async () => {
    const cloud = createCloud();
    const { url, vendorUrls } = await start(cloud, true);
    const post = (address: string, path = '/namespaces') =>
      fetch(`${address}${path}`, { method: 'POST', headers: keyed, body: '{"name":"c1"}' }).then(
        response => response.status,
      );
    expect(await post(`${vendorUrls.pinecone}/_host/${INDEX_HOST}`)).toBe(200);
    expect(await post(`${url}/_host/${INDEX_HOST}`)).toBe(409);
    expect(await post(`${vendorUrls.pinecone}/_host/other-${INDEX_HOST}`)).toBe(200);
    expect(cloud.ledger.entries.map(({ name }) => name)).toEqual([
      `${INDEX_HOST}/c1`,
      `other-${INDEX_HOST}/c1`,
    ]);
    expect(await post(`${vendorUrls.pinecone}/_host/api.cloudflare.com`)).toBe(501);
    expect(await post(`${url}/_host/example.com`)).toBe(501);
    expect(await post(`${url}/_host/`)).toBe(400);
    expect(await post(`${vendorUrls.pinecone}/x/_host/${INDEX_HOST}`)).toBe(501);
  });

  test("serve the vendors' own clients", async () => {
    const cloud = createCloud();
    const { vendorUrls } = await start(cloud, true);
    const client = new Cloudflare({
      apiToken: TOKEN,
      baseURL: `${vendorUrls.cloudflare}/client/v4`,
      maxRetries: 0,
    });
    const made = await client.dns.records.create({ zone_id: ZONE, ...record, type: 'CNAME' });
    const found = await client.dns.records.list({
      zone_id: ZONE,
      type: 'CNAME',
      name: { exact: record.name },
    });
    expect(found.result.map(({ id }) => id)).toEqual([made.id]);
    expect(await client.dns.records.delete(made.id!, { zone_id: ZONE })).toEqual({ id: made.id });
    const custom = await client.customHostnames.create({
      zone_id: ZONE,
      hostname: record.name,
      ssl: { method: 'http', type: 'dv' },
    });
    expect(await client.customHostnames.delete(custom.id, { zone_id: ZONE })).toEqual({ id: custom.id });
    await expect(client.customHostnames.get(custom.id, { zone_id: ZONE })).rejects.toMatchObject({
      status: 404,
    });

    const index = new Pinecone({ apiKey: TOKEN, maxRetries: 0 }).index({ host: vendorUrls.pinecone });
    expect(await index.createNamespace({ name: 'c00007' })).toMatchObject({ name: 'c00007', recordCount: 0 });
    expect((await index.listNamespaces()).namespaces?.map(({ name }) => name)).toEqual([
      '__default__',
      'c00007',
    ]);
    await index.deleteNamespace('c00007');
    await expect(index.describeNamespace('c00007')).rejects.toThrow(/404/);
    expect(cloud.ledger.entries).toHaveLength(6);
  });
});

describe('closing', () => {
  test('ends calls under way as unknown and frees the port', async () => {
    const cloud = createCloud();
    const { promise: arrived, resolve: note } = Promise.withResolvers<void>();
    // Asked for as soon as a call is there.
    cloud.arrivalMs = () => {
      note();
      return DAY_MS;
    };
    const server = await startFakes({ cloud, port: 0, vendorPorts: true, speed: 1 });
    const pending = connect(server.url).send(createSecret);
    await arrived;
    await server.close();
    expect((await pending).kind).toBe('unknown');
    expect(cloud.ledger.entries).toEqual([]);
    const again = await startFakes({
      cloud,
      port: Number(new URL(server.url).port),
      vendorPorts: false,
      speed: 1,
    });
    await again.close();
  });

  test('a port in use is an error that says which one and what to do', async () => {
    const { url } = await start(createCloud());
    const port = Number(new URL(url).port);
    const second = startFakes({ cloud: createCloud(), port, vendorPorts: true, speed: 1 });
    await expect(second).rejects.toThrowError(SandtableError);
    await expect(second).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringMatching(new RegExp(`port ${port} .*--port`)),
    });
  });

  test('only this machine can reach them', async () => {
    const { url, vendorUrls } = await start(createCloud(), true);
    for (const address of [url, ...Object.values(vendorUrls)])
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('sandtable fakes', () => {
  const OVERRIDES = { 'lat.refusal': 33 };
  const serve = async (printEnv: boolean, use: (lines: string[]) => Promise<void>) => {
    const lines: string[] = [];
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    const { promise: ready, resolve: out } = Promise.withResolvers<void>();
    const options = {
      scenario: scenario as Scenario,
      facts: new FactValues('mid', OVERRIDES),
      port: 0,
      speed: SPEED,
      printEnv,
      stopped,
    };
    const served = serveFakes({
      ...options,
      out: line => {
        lines.push(line);
        out();
      },
    });
    await ready;
    await use(lines).finally(stop);
    await served;
  };

  test('prints where each vendor is, and stops when it is told to', async () => {
    let url = '';
    await serve(false, async lines => {
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(lines.join('\n'))![0];
      expect(lines.join('\n')).toMatch(
        /pilot-100.*secretManager +http.*cloudflare +http.*token +sandtable.*\/_ledger/s,
      );
      expect((await fetch(`${url}/_health`)).status).toBe(200);
      await connect(url).send(createSecret);
      // The factor is in every fitted value, so it is always told.
      const used = ['fit.latency-factor', 'net.vendor-one-way', 'lat.refusal'];
      const values = new FactValues('mid', OVERRIDES);
      expect(await (await fetch(`${url}/_ledger`)).json()).toMatchObject({
        facts: used.map(id => ({ id, value: values.get(id).value, overridden: id in OVERRIDES })),
      });
    });
    await expect(fetch(`${url}/_health`)).rejects.toThrow();
  });

  test('prints the environment of a shell, with which a client works', async () => {
    await serve(true, async lines => {
      const env = Object.fromEntries(lines.map(line => /^export ([A-Z_]+)=(\S+)$/.exec(line)!.slice(1)));
      expect(env).toMatchObject({
        SANDTABLE_FAKES_TOKEN: FAKES_TOKEN,
        CLOUDFLARE_API_TOKEN: FAKES_TOKEN,
        PINECONE_API_KEY: FAKES_TOKEN,
        GCE_METADATA_HOST: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      });
      const pinecone = new Pinecone({
        apiKey: env.PINECONE_API_KEY,
        controllerHostUrl: env.PINECONE_CONTROLLER_HOST,
      });
      expect((await pinecone.listIndexes()).indexes).toEqual([]);
      const client = new Cloudflare({
        apiToken: env.CLOUDFLARE_API_TOKEN,
        baseURL: env.CLOUDFLARE_BASE_URL,
        maxRetries: 0,
      });
      expect((await client.dns.records.list({ zone_id: ZONE })).result).toEqual([]);
      expect((await fetch(`${env.SECRET_MANAGER_URL}/v1/projects/p/secrets/s`)).status).toBe(401);
      expect((await fetch(`${env.SANDTABLE_FAKES_URL}/_health`)).status).toBe(200);
    });
  });
});
