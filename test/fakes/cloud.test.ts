// The door of all fakes: arrive? → effect? → answer?, each arrow broken once; and the quotas that a scenario asks for.

import { describe, expect, it } from 'vitest';
import { Cloud, type CloudOptions } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { liveResources } from '../../fakes/ledger.ts';
import type { FakeRequest } from '../../fakes/service.ts';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';
import { rolloutOf } from '../simulator/harness.ts';

const NOW_MS = 1_767_225_600_000;
const HOST = 'secretmanager.googleapis.com';
const CREATE = 'secretManager.secrets.create';
const ZONE_ID = '023e105f4ecef8ad9ca31a8372d0c353';

function createCloud(options: Partial<CloudOptions> = {}): Cloud {
  const facts = new FactValues('mid', {});
  return new Cloud({
    seed: 1,
    facts,
    quotas: [],
    resourceQuotas: false,
    faults: [],
    token: FAKES_TOKEN,
    domain: 'mcp.example.net',
    zones: new Map([[ZONE_ID, 'mcp.example.net']]),
    ...options,
  });
}

const request = (company: number, more: Partial<FakeRequest> = {}): FakeRequest => ({
  method: 'POST',
  host: HOST,
  path: '/v1/projects/p/secrets',
  query: new URLSearchParams({ secretId: `c${company}` }),
  headers: { authorization: `Bearer ${FAKES_TOKEN}` },
  body: new TextEncoder().encode(JSON.stringify({ replication: { automatic: {} } })),
  key: [company, 0, 0, 0, 0, 0],
  ...more,
});

/** A look at the secret of `request`. */
const look = (company: number): Partial<FakeRequest> => ({
  method: 'GET',
  path: `/v1/projects/p/secrets/c${company}`,
  query: new URLSearchParams(),
  body: undefined,
});

const METADATA: FakeRequest = {
  ...request(0),
  method: 'GET',
  host: 'metadata.google.internal',
  path: '/computeMetadata/v1/instance/service-accounts/default/token',
  headers: { 'metadata-flavor': 'Google' },
  query: new URLSearchParams(),
  body: undefined,
};

const DAY_MS = 86_400_000;
const json = (body: object) => new TextEncoder().encode(JSON.stringify(body));
const NO_QUERY = new URLSearchParams();
const SERVICE = request(0, {
  host: 'run.googleapis.com',
  path: '/v2/projects/p/locations/us-west1/services',
  query: new URLSearchParams({ serviceId: 'c00001' }),
  body: json({ template: { containers: [{ image: 'us-docker.pkg.dev/p/images/retail:1' }] } }),
});
const ZONE = `/client/v4/zones/${ZONE_ID}`;
const HOSTNAME = request(0, {
  host: 'api.cloudflare.com',
  path: `${ZONE}/custom_hostnames`,
  query: NO_QUERY,
  body: json({ hostname: 'c00001.mcp.example.net', ssl: { method: 'http', type: 'dv' } }),
});
/** No certificate is issued for a name that does not point at the zone. */
const RECORD = request(0, {
  host: 'api.cloudflare.com',
  path: `${ZONE}/dns_records`,
  query: NO_QUERY,
  body: json({ type: 'CNAME', name: 'c00001.mcp.example.net', content: 'x.run.app', ttl: 1, proxied: true }),
});
const ROLES = '/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01/customDBRoles/roles';
// biome-ignore lint/suspicious/noExplicitAny: the body that the fake answers with
type Made = any;

const LONG = [
  {
    before: [],
    create: SERVICE,
    read: (made: Made) => `/v2/${made.name}`,
    later: /"uri":"https/,
    left: /"done":true,"error":\{"code":9/,
  },
  {
    before: [RECORD],
    create: HOSTNAME,
    read: (made: Made) => `${HOSTNAME.path}/${made.result.id}`,
    later: /"status":"active"/,
    left: /"status":"validation_timed_out"/,
  },
];

const VENDORS = [
  { vendor: 'Secret Manager', create: request(1), remove: () => look(1).path! },
  {
    vendor: 'Cloud Run',
    create: SERVICE,
    remove: () => `${SERVICE.path}/c00001`,
  },
  {
    vendor: 'Cloudflare',
    create: HOSTNAME,
    remove: (made: Made) => `${HOSTNAME.path}/${made.result.id}`,
    listQuery: new URLSearchParams({ 'hostname.exact': 'c00001.mcp.example.net' }),
  },
  {
    vendor: 'Pinecone',
    create: request(1, {
      host: 'companies-x1.svc.w1.pinecone.io',
      path: '/namespaces',
      query: NO_QUERY,
      headers: { 'api-key': FAKES_TOKEN, 'x-pinecone-api-version': '2026-04' },
      body: json({ name: 'c00001' }),
    }),
    remove: () => '/namespaces/c00001',
  },
  {
    vendor: 'Atlas',
    create: request(1, {
      host: 'cloud.mongodb.com',
      path: ROLES,
      query: NO_QUERY,
      headers: {
        authorization: `Bearer ${FAKES_TOKEN}`,
        accept: 'application/vnd.atlas.2025-03-12+json',
      },
      body: json({
        roleName: 'company-c00001',
        actions: [{ action: 'FIND', resources: [{ db: 'c00001', collection: '' }] }],
      }),
    }),
    remove: () => `${ROLES}/company-c00001`,
  },
];

const effects = (cloud: Cloud) => cloud.ledger.entries.length;

describe('a call without trouble', () => {
  it('has its effect and is answered after its latency and the way back', () => {
    const cloud = createCloud();
    const { reply, delayMs, lost } = cloud.arrive(request(1), NOW_MS)!;
    expect([reply.status, lost, effects(cloud)]).toEqual([200, false, 1]);
    const [{ latencyMs, ...count }] = cloud.operations();
    expect(count).toEqual({
      operation: CREATE,
      calls: 1,
      refusedByQuota: 0,
      fact: 'lat.secret-manager.write',
    });
    expect(latencyMs).toBeGreaterThan(0);
    expect(delayMs).toBeGreaterThan(latencyMs);
  });

  it('takes the same times in every run, whatever other calls there are', () => {
    const [alone, crowded] = [createCloud(), createCloud()];
    for (let i = 2; i < 10; i++) crowded.arrive(request(i), NOW_MS);
    expect(crowded.arrive(request(1), NOW_MS)!.delayMs).toBe(alone.arrive(request(1), NOW_MS)!.delayMs);
    expect(crowded.arrivalMs(request(1), NOW_MS)).toBe(alone.arrivalMs(request(1), NOW_MS));
    expect(alone.arrivalMs(request(2), NOW_MS)).not.toBe(alone.arrivalMs(request(1), NOW_MS));
    expect(createCloud({ seed: 2 }).arrivalMs(request(1), NOW_MS)).not.toBe(
      alone.arrivalMs(request(1), NOW_MS),
    );
  });

  it.each([
    ['no fake stands for', { host: 'example.com' }],
    ['does not cover', { path: '/v1/projects/p/rockets' }],
  ])('is told that %s it, with 501', (words, more) => {
    const cloud = createCloud();
    const { reply } = cloud.arrive(request(1, more), NOW_MS)!;
    expect(reply.status).toBe(501);
    expect(JSON.stringify(reply.body)).toContain(words);
    expect(effects(cloud)).toBe(0);
  });

  it('finds the service of every host, and of every company', () => {
    const cloud = createCloud();
    for (const { hosts, name } of cloud.services)
      for (const host of hosts)
        expect(cloud.serviceOf(host.startsWith('.') ? `any${host}` : host)?.name).toBe(name);
    expect(cloud.serviceOf('example.com')).toBeUndefined();
  });

  it('is given a token by the metadata server only with the header that no redirect carries', () => {
    const statusOf = (headers: Record<string, string>) =>
      createCloud().arrive({ ...METADATA, headers }, NOW_MS)!.reply.status;
    expect([statusOf(METADATA.headers), statusOf({})]).toEqual([200, 403]);
  });

  it('has a fact of the catalogue for the latency of every route', () => {
    const ids = new Set(FACTS.map(({ id }) => id));
    const routes = createCloud().services.flatMap(service => service.routes);
    expect(routes.filter(({ latency }) => !ids.has(latency))).toEqual([]);
  });
});

const rule = (more: Partial<FaultRule>): FaultRule => ({
  operation: CREATE,
  verdict: 'refuse',
  share: 1,
  ...more,
});

describe('a fault', () => {
  it('refuses before the effect, in the words of the vendor', () => {
    const cloud = createCloud({ faults: [rule({ status: 503 })] });
    const answer = cloud.arrive(request(1), NOW_MS)!;
    expect(answer.reply).toMatchObject({ status: 503, body: { error: { status: 'UNAVAILABLE' } } });
    expect([answer.lost, effects(cloud)]).toEqual([false, 0]);
  });

  it('is counted on a line of its own when it refuses, under the time that a refusal takes', () => {
    const cloud = createCloud({ faults: [rule({ companies: [1, 2] })] });
    const delays = [1, 2, 3].map(company => cloud.arrive(request(company), NOW_MS)!.delayMs);
    const operations = cloud.operations();
    expect(operations).toMatchObject([
      { operation: CREATE, fact: 'lat.refusal', calls: 2, refusedByQuota: 0 },
      { operation: CREATE, fact: 'lat.secret-manager.write', calls: 1, refusedByQuota: 0 },
    ]);
    expect(operations[0].latencyMs).toBeGreaterThan(0);
    expect(operations[0].latencyMs).toBeLessThan(delays[0] + delays[1]);
    expect(operations[1].latencyMs).toBeLessThan(delays[2]);
  });

  it('loses a request before it arrives', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'loseRequest' })] });
    expect(cloud.arrive(request(1), NOW_MS)).toBeUndefined();
    expect([effects(cloud), cloud.operations()]).toEqual([0, []]);
  });

  it('loses an answer after the effect', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'loseAnswer' })] });
    expect(cloud.arrive(request(1), NOW_MS)).toMatchObject({ lost: true, reply: { status: 200 } });
    expect(effects(cloud)).toBe(1);
  });

  it('delays an answer after the effect by as much as it says', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'delayAnswer', delayMs: 20_000 })] });
    const usualMs = createCloud().arrive(request(1), NOW_MS)!.delayMs;
    expect(cloud.arrive(request(1), NOW_MS)!.delayMs).toBeCloseTo(usualMs + 20_000, 6);
    expect(effects(cloud)).toBe(1);
  });

  it('executes a call again without a second answer', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'twice' })] });
    expect(cloud.arrive(request(1), NOW_MS)).toMatchObject({ lost: false, reply: { status: 200 } });
    expect(effects(cloud)).toBe(1);
    const body = new TextEncoder().encode(JSON.stringify({ payload: { data: btoa('secret') } }));
    const version = { path: '/v1/projects/p/secrets/c1:addVersion', query: new URLSearchParams(), body };
    const again = createCloud({ faults: [rule({ operation: '*', verdict: 'twice' })] });
    again.arrive(request(1), NOW_MS);
    expect(again.arrive(request(1, version), NOW_MS)!.reply.body).toMatchObject({
      name: expect.stringMatching(/versions\/1$/),
    });
    expect(effects(again)).toBe(3);
  });

  it('makes the vendor slow by its factor, and not the way', () => {
    const latencyMs = (cloud: Cloud) => {
      const { delayMs } = cloud.arrive(request(1), NOW_MS)!;
      return [cloud.operations()[0].latencyMs, delayMs];
    };
    const [usual, slow] = [createCloud(), createCloud({ faults: [rule({ verdict: 'slow', times: 10 })] })];
    const [[usualMs, usualDelayMs], [slowMs, slowDelayMs]] = [latencyMs(usual), latencyMs(slow)];
    expect(slowMs).toBeCloseTo(10 * usualMs, 6);
    expect(slowDelayMs - slowMs).toBeCloseTo(usualDelayMs - usualMs, 6);
  });

  describe.each(LONG)('on $create.path', ({ before, create, read, later, left }) => {
    const faulty = (more: Partial<FaultRule>) => createCloud({ faults: [rule({ operation: '*', ...more })] });
    const stateAfter = (cloud: Cloud, ms: number): string => {
      for (const call of before) cloud.arrive(call, NOW_MS);
      const path = read(cloud.arrive(create, NOW_MS)!.reply.body);
      return JSON.stringify(
        cloud.arrive({ ...create, method: 'GET', path, query: NO_QUERY, body: undefined }, NOW_MS + ms)!.reply
          .body,
      );
    };

    it('makes what it starts take longer by as much as it says, or for good', () => {
      expect(stateAfter(createCloud(), DAY_MS)).toMatch(later);
      expect(stateAfter(faulty({ verdict: 'stick', delayMs: 2 * DAY_MS }), DAY_MS)).not.toMatch(later);
      expect(stateAfter(faulty({ verdict: 'stick', delayMs: 2 * DAY_MS }), 3 * DAY_MS)).toMatch(later);
      expect(stateAfter(faulty({ verdict: 'stick' }), 1000 * DAY_MS)).not.toMatch(later);
    });

    it('lets it end half done: an error, and what was made is there', () => {
      const cloud = faulty({ verdict: 'breakHalfway' });
      const state = stateAfter(cloud, DAY_MS);
      expect(state).toMatch(left);
      expect(state).not.toMatch(later);
      expect(liveResources(cloud.ledger.entries)).toHaveLength(before.length + 1);
      expect(cloud.faultHits()).toEqual([1]);
    });
  });

  it('answers a read as of so long ago, and never a write', () => {
    const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'readStale', delayMs: 10_000 })] });
    const statusAt = (ms: number, method = 'GET') =>
      cloud.arrive(request(1, { ...look(1), method }), NOW_MS + ms)!.reply.status;
    expect(cloud.arrive(request(1), NOW_MS)!.reply.status).toBe(200);
    expect([0, 9999, 10_000].map(ms => statusAt(ms))).toEqual([404, 404, 200]);
    expect(statusAt(20_000, 'DELETE')).toBe(200);
    expect([20_000, 29_999, 30_000].map(ms => statusAt(ms))).toEqual([200, 200, 404]);
    expect(effects(cloud)).toBe(2);
  });

  it('answers a stale list as of so long ago, with what was refused or made twice since then as it is', () => {
    const list = request(9, {
      path: '/v1/projects/p/secrets',
      method: 'GET',
      query: new URLSearchParams(),
      body: undefined,
    });
    const faults = [
      rule({ verdict: 'refuse', companies: [2] }),
      rule({ operation: 'secretManager.secrets.list', verdict: 'readStale', delayMs: 1000 }),
    ];
    const cloud = createCloud({ faults });
    for (const company of [1, 2, 3]) cloud.arrive(request(company), NOW_MS + company);
    const namesAt = (ms: number) => {
      const { secrets = [] } = cloud.arrive(list, NOW_MS + ms)!.reply.body as {
        secrets?: { name: string }[];
      };
      return secrets.map(({ name }) => name.slice(-1));
    };
    expect([1000, 1001, 1002, 1003].map(namesAt)).toEqual([[], ['1'], ['1'], ['1', '3']]);
  });

  it('shows a stale read to no stranger', () => {
    const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'readStale', delayMs: 1 })] });
    expect(cloud.arrive(request(1, { ...look(1), headers: {} }), NOW_MS)!.reply.status).toBe(401);
  });

  it('refuses a connection: the caller hears it after the way back, and nothing was done', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'refuseConnection', companies: [1] })] });
    expect(cloud.refusedMs(request(1), NOW_MS)).toBeGreaterThan(0);
    expect(cloud.refusedMs(request(2), NOW_MS)).toBeUndefined();
    expect([effects(cloud), cloud.operations(), cloud.faultHits()]).toEqual([0, [], [1]]);
  });

  it.each(VENDORS)(
    'says that a name is taken as $vendor does when it is, and that nothing is there',
    ({ create }) => {
      const usual = createCloud();
      usual.arrive(create, NOW_MS);
      const really = usual.arrive(create, NOW_MS)!.reply;
      const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'takeName' })] });
      const said = cloud.arrive(create, NOW_MS)!.reply;
      expect(said.status).toBe(really.status);
      const codeOf = (body: unknown) =>
        /"(?:errorCode|status|code)":("[A-Z_]+"|\d+)/g.exec(JSON.stringify(body))![0];
      expect(codeOf(said.body)).toBe(codeOf(really.body));
      expect(effects(cloud)).toBe(0);
    },
  );

  it.each(VENDORS)(
    'holds the name of what $vendor deleted for so long, and from creations only',
    ({ create, remove, listQuery = NO_QUERY }) => {
      const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'holdName', delayMs: 60_000 })] });
      const made = cloud.arrive(create, NOW_MS)!.reply;
      cloud.arrive(
        {
          ...create,
          method: 'DELETE',
          query: new URLSearchParams(),
          body: undefined,
          path: remove(made.body),
        },
        NOW_MS,
      );
      expect(liveResources(cloud.ledger.entries)).toEqual([]);
      const list = { ...create, method: 'GET', body: undefined, query: listQuery };
      expect(cloud.arrive(list, NOW_MS + 1)!.reply.status).toBe(200);
      // Long after the vendor's own time to delete it.
      const statuses = [59_999, 60_000].map(ms => cloud.arrive(create, NOW_MS + ms)!.reply.status < 300);
      expect([statuses, cloud.faultHits()]).toEqual([[false, true], [1]]);
    },
  );

  it('holds no other name', () => {
    const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'holdName', delayMs: 60_000 })] });
    cloud.arrive(request(1), NOW_MS);
    cloud.arrive(request(1, { ...look(1), method: 'DELETE' }), NOW_MS);
    expect(cloud.arrive(request(10), NOW_MS)!.reply.status).toBe(200);
  });

  it('holds no name of what went with what was deleted', () => {
    const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'holdName', delayMs: 60_000 })] });
    cloud.arrive(request(1), NOW_MS);
    const payload = new TextEncoder().encode(JSON.stringify({ payload: { data: btoa('x') } }));
    const add = { path: '/v1/projects/p/secrets/c1:addVersion', query: NO_QUERY, body: payload };
    expect(cloud.arrive(request(1, add), NOW_MS)!.reply.status).toBe(200);
    expect(cloud.arrive(request(1, { ...look(1), method: 'DELETE' }), NOW_MS)!.reply.status).toBe(200);
    const labelled = JSON.stringify({ replication: { automatic: {} }, labels: { batch: '1' } });
    const other = request(2, { body: new TextEncoder().encode(labelled) });
    expect(cloud.arrive(other, NOW_MS)!.reply.status).toBe(200);
    expect(cloud.arrive(request(1), NOW_MS)!.reply.status).toBe(409);
  });

  it('lets a write meet another one of the same thing, without effect', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'conflict' })] });
    expect(cloud.arrive(request(1), NOW_MS)!.reply).toMatchObject({
      status: 409,
      body: { error: { status: 'ABORTED' } },
    });
    expect(effects(cloud)).toBe(0);
  });

  it('says it in the words of Atlas to the writes of Atlas, and lets its reads alone', () => {
    const cloud = createCloud({ faults: [rule({ operation: 'atlas.*', verdict: 'conflict' })] });
    const roles = '/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01/customDBRoles/roles';
    const headers = {
      authorization: `Bearer ${FAKES_TOKEN}`,
      accept: 'application/vnd.atlas.2025-03-12+json',
    };
    const atlas = (method: string) =>
      cloud.arrive(request(1, { host: 'cloud.mongodb.com', path: roles, method, headers }), NOW_MS)!.reply;
    expect(atlas('POST')).toMatchObject({
      status: 409,
      body: { errorCode: 'AUTOMATION_CONFIG_CONCURRENT_MODIFICATION' },
    });
    expect(atlas('GET').status).toBe(200);
    expect(effects(cloud)).toBe(0);
  });

  it('refuses the credentials from before its window, each in the words of its vendor, and takes new ones', () => {
    const cloud = createCloud({ faults: [rule({ operation: '*', verdict: 'expireToken', fromMs: 1000 })] });
    const statusAt = (ms: number, headers = request(1).headers) =>
      cloud.arrive(request(ms, { headers }), NOW_MS + ms)!.reply.status;
    const tokenAt = (ms: number) => ({
      authorization: `Bearer ${(cloud.arrive(METADATA, NOW_MS + ms)!.reply.body as { access_token: string }).access_token}`,
    });
    const early = tokenAt(0);
    expect([statusAt(1), statusAt(2, early)]).toEqual([200, 200]);
    expect([statusAt(1000), statusAt(1001, early)]).toEqual([401, 401]);
    const fresh = tokenAt(1002);
    expect(statusAt(1003, fresh)).toBe(200);
    // It lives for an hour less a second.
    expect([statusAt(3_599_000, fresh), statusAt(3_600_100, fresh)]).toEqual([200, 401]);
  });

  it.each([
    ['none', {}, undefined],
    ['a right one', { retryAfterMs: 1500 }, '2'],
    ['a wrong one', { retryAfterMs: 0 }, '0'],
  ])('refuses with the Retry-After that it is given: %s', (_, more, header) => {
    const cloud = createCloud({ faults: [rule({ status: 429, ...more })] });
    expect(cloud.arrive(request(1), NOW_MS)!.reply.headers?.['retry-after']).toBe(header);
  });

  it('hits inside its window only, which counts from the first call', () => {
    const cloud = createCloud({ faults: [rule({ fromMs: 1000, untilMs: 2000 })] });
    const statuses = [0, 999, 1000, 1999, 2000].map(
      (ms, i) => cloud.arrive(request(i), NOW_MS + ms)!.reply.status,
    );
    expect(statuses).toEqual([200, 200, 503, 503, 200]);
  });

  it.each<[string, Partial<FaultRule>, boolean]>([
    ['the operation itself', {}, true],
    ['a service by its star', { operation: 'secretManager.*' }, true],
    ['another operation', { operation: 'secretManager.secrets.get' }, false],
    ['a beginning without a star', { operation: 'secretManager.secrets' }, false],
    ['this company', { companies: [1, 5] }, true],
    ['another company', { companies: [2] }, false],
    ['no share of the calls', { share: 0 }, false],
  ])('hits by %s or not: %j', (_, more, isHit) => {
    const cloud = createCloud({ faults: [rule(more)] });
    expect(cloud.arrive(request(1), NOW_MS)!.reply.status).toBe(isHit ? 503 : 200);
  });

  it('hits its share of the calls', () => {
    const cloud = createCloud({ faults: [rule({ verdict: 'loseRequest', share: 0.3 })] });
    const calls = Array.from({ length: 5000 }, (_, i) => cloud.arrive(request(i), NOW_MS));
    const share = calls.filter(answer => answer === undefined).length / calls.length;
    // Four standard deviations of a share of 5,000.
    expect(Math.abs(share - 0.3)).toBeLessThan(0.026);
  });

  it('is drawn apart from the other rules', () => {
    const faults = [rule({ share: 0.5 }), rule({ verdict: 'loseRequest', share: 0.5 })];
    const cloud = createCloud({ faults });
    const calls = Array.from({ length: 2000 }, (_, i) => cloud.arrive(request(i), NOW_MS)?.reply.status);
    // Four standard deviations of a share of 2,000.
    expect(Math.abs(calls.filter(status => status === 200).length / calls.length - 0.25)).toBeLessThan(0.04);
  });

  it('gives way to the rule before it', () => {
    const faults = [rule({ status: 500 }), rule({ verdict: 'loseRequest' })];
    expect(createCloud({ faults }).arrive(request(1), NOW_MS)!.reply.status).toBe(500);
  });

  it('is drawn on its own: taking another rule away shifts nothing', () => {
    const lost = (first: Partial<FaultRule>) => {
      const cloud = createCloud({ faults: [rule(first), rule({ verdict: 'loseRequest', share: 0.5 })] });
      return Array.from({ length: 100 }, (_, i) => cloud.arrive(request(i), NOW_MS) === undefined);
    };
    expect(lost({ companies: [] })).toEqual(lost({ share: 0 }));
  });
});

describe('a quota', () => {
  it('refuses at the door, without effect, and is counted', () => {
    const quota = { name: 'writes', operations: [CREATE], perMinute: 1, scope: 'all' as const };
    const cloud = createCloud({ quotas: [quota] });
    const statuses = [1, 2, 3].map(i => cloud.arrive(request(i), NOW_MS)!.reply.status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(effects(cloud)).toBe(2);
    expect(cloud.operations()).toMatchObject([
      { operation: CREATE, fact: 'lat.secret-manager.write', calls: 2, refusedByQuota: 0 },
      { operation: CREATE, fact: 'lat.refusal', calls: 1, refusedByQuota: 1 },
    ]);
  });

  it('is not used up by a call with a wrong credential', () => {
    const quota = { name: 'writes', operations: [CREATE], perMinute: 1, scope: 'all' as const };
    const cloud = createCloud({ quotas: [quota] });
    for (let i = 0; i < 5; i++)
      expect(cloud.arrive(request(i, { headers: {} }), NOW_MS)!.reply.status).toBe(401);
    expect(cloud.arrive(request(9), NOW_MS)!.reply.status).toBe(200);
  });

  it.each<[string, readonly string[]]>([
    ['none', ['planted']],
    ['plan', ['dnsRecordWrites', 'cloudRunDeploys', 'databaseOperations', 'planted']],
    [
      'vendor',
      [
        'dnsRecordWrites',
        'cloudRunDeploys',
        'databaseOperations',
        'ReadPerMinutePerProjectRegion',
        'WritePerMinutePerProjectRegion',
        'SecretManagerWritesPerMinutePerProject',
        'SecretManagerReadsPerMinutePerProject',
        'SecretManagerAccessesPerMinutePerProject',
        'WriteTokensUsagePerMinutePerProjectPerRegion',
        'ReadTokensUsagePerMinutePerProjectPerRegion',
        'cloudflare-api-requests',
        'planted',
      ],
    ],
  ])('is there by the scenario: quotas %s', (quotas, names) => {
    const planted = { name: 'planted', operations: ['kms.cryptoKeys.create'], perMinute: 10 };
    const scenario = rolloutOf(1, { 'provisioning.quotas': quotas, 'faults.quotas': [planted] });
    const rules = cloudOptionsOf(scenario, new FactValues('mid', {}), 1).quotas;
    expect(rules.map(({ name }) => name)).toEqual(names);
    expect(rules.at(-1)).toMatchObject({ ...planted, scope: 'all' });
  });

  it('counts every write that the fakes know, and for Cloudflare, services, secrets and keys every call', () => {
    const scenario = rolloutOf(1, { 'provisioning.quotas': 'vendor' });
    const known = createCloud().services.flatMap(({ routes }) => routes.map(({ operation }) => operation));
    const { quotas } = cloudOptionsOf(scenario, new FactValues('mid', {}), 1);
    const counted = quotas.map(({ operations }) => known.filter(name => operations.includes(name)).sort());
    const all = (pattern: RegExp) => known.filter(name => pattern.test(name)).sort();
    expect(counted).toEqual([
      all(/^cloudflare.dnsRecords.(create|update|overwrite|delete|batch)/),
      ['cloudRun.services.create'],
      all(/^atlas.(customDbRoles|databaseUsers|indexes).create$/),
      all(/^cloudRun.(services|revisions|operations).(get|list|getIamPolicy|wait)$/),
      all(/^cloudRun.(services|revisions).(create|update|delete|setIamPolicy)$/),
      all(/^secretManager.*(create|patch|delete|add|disable|enable|destroy)$/),
      all(/^secretManager.*(get|list)$/),
      ['secretManager.versions.access'],
      all(/^kms.*(create|updatePrimaryVersion|patch|restore|destroy)$/),
      all(/^kms.*(get|list)$/),
      all(/^cloudflare/),
    ]);
  });
});
