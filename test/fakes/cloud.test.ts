// The door of all fakes: arrive? → effect? → answer?, each arrow broken once; and the quotas that a scenario asks for.

import { describe, expect, it } from 'vitest';
import { Cloud, type CloudOptions } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import type { FakeRequest } from '../../fakes/service.ts';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';
import { rolloutOf } from '../simulator/harness.ts';

const NOW_MS = 1_767_225_600_000;
const HOST = 'secretmanager.googleapis.com';
const CREATE = 'secretManager.secrets.create';

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

  it('counts every write that the fakes know, and for Cloudflare, secrets and keys every call', () => {
    const scenario = rolloutOf(1, { 'provisioning.quotas': 'vendor' });
    const known = createCloud().services.flatMap(({ routes }) => routes.map(({ operation }) => operation));
    const { quotas } = cloudOptionsOf(scenario, new FactValues('mid', {}), 1);
    const counted = quotas.map(({ operations }) => known.filter(name => operations.includes(name)).sort());
    const all = (pattern: RegExp) => known.filter(name => pattern.test(name)).sort();
    expect(counted).toEqual([
      all(/^cloudflare.dnsRecords.(create|update|overwrite|delete|batch)/),
      ['cloudRun.services.create'],
      all(/^atlas.(customDbRoles|databaseUsers|indexes).create$/),
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
