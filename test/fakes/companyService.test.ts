// The companies' services behind the clouds' door: what a request to them takes, what a fault or a quota does to it, and
// who is counted. Provisioned companies and adopted ones are the same thing.

import { describe, expect, it } from 'vitest';
import { adoptedServiceUri } from '../../fakes/adopted.ts';
import type { Cloud } from '../../fakes/cloud.ts';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { companyServices } from '../../fakes/companyService.ts';
import { RequestLedger } from '../../fakes/requestLedger.ts';
import { createRouter, type FakeRequest, type Route } from '../../fakes/service.ts';
import { logNormalOfMeanOne } from '../../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';
import { REQUEST_KINDS, type RequestKind } from '../../scenarios/scenario.ts';
import { NOW_MS } from './fakeCall.ts';
import { callFake, createWorld, DOMAIN } from './harness.ts';
import { ALICE, BOB, COMPANIES, serviceCall, trafficCloud } from './traffic.ts';

const IDLE_MS = 900_000;
const OPERATIONS: Readonly<Partial<Record<RequestKind, readonly [operation: string, fact: string]>>> = {
  initialize: ['companyService.mcp.initialize', 'lat.mcp.initialize'],
  'tools/list': ['companyService.mcp.toolsList', 'lat.mcp.tools-list'],
  'tools/call': ['companyService.mcp.toolsCall', 'lat.mcp.tools-call'],
  asset: ['companyService.asset', 'lat.mcp.asset'],
  health: ['companyService.health', 'lat.company-service.warm'],
};
const KINDS = REQUEST_KINDS.filter(kind => kind !== 'config');

function requestOf(kind: RequestKind, company: string, agent: number): FakeRequest {
  const { method, url, headers, body, key } = serviceCall(kind, company, agent);
  const { host, pathname: path, searchParams: query } = new URL(url);
  return { method, host, path, query, headers, body, key };
}

const arrive = (cloud: Cloud, kind: RequestKind, company = ALICE, agent = 1, nowMs = NOW_MS) =>
  cloud.arrive(requestOf(kind, company, agent), nowMs)!;

/** A draw as the door makes it. */
function drawMs(fact: string, purpose: number, { key }: FakeRequest): number {
  const { value, spread } = new FactValues('mid', {}).get(fact);
  return value * logNormalOfMeanOne(spread, drawUniform(42, purpose, key));
}

describe('a request to a company service', () => {
  it.each(KINDS)('%s is counted as what its body asks for, and takes the time of that', kind => {
    const cloud = trafficCloud();
    const { reply, delayMs } = arrive(cloud, kind);
    const [operation, fact] = OPERATIONS[kind]!;
    const request = requestOf(kind, ALICE, 1);
    const latencyMs = drawMs(fact, PURPOSE.operation, request);
    expect(reply.status).toBe(200);
    expect(delayMs).toBe(latencyMs + drawMs('net.region-one-way', PURPOSE.networkAnswer, request));
    expect(cloud.operations()).toEqual([{ operation, fact, calls: 1, refusedByQuota: 0, latencyMs }]);
    expect(cloud.requests.page()).toEqual([{ company: ALICE, operation, status: 200, requests: 1 }]);
  });

  it('waits for a cold instance, once', () => {
    const [cold, warm] = [trafficCloud({ warmAt: () => false }), trafficCloud()];
    const coldMs = drawMs('run.cold.node', PURPOSE.duration, requestOf('tools/call', ALICE, 1));
    const delayMs = (cloud: Cloud, atMs: number) => arrive(cloud, 'tools/call', ALICE, 1, atMs).delayMs;
    expect(delayMs(cold, NOW_MS)).toBeCloseTo(delayMs(warm, NOW_MS) + coldMs, 9);
    expect(delayMs(cold, NOW_MS + 60_000)).toBe(delayMs(warm, NOW_MS + 60_000));
    expect(cold.companyUsage()).toMatchObject([{ company: ALICE, requests: 2, coldStarts: 1, coldMs }]);
    expect(warm.companyUsage()).toMatchObject([{ company: ALICE, requests: 2, coldStarts: 0, coldMs: 0 }]);
  });

  it('finds no instance after a quarter of an hour without one', () => {
    const cloud = trafficCloud();
    const isCold = (atMs: number) => arrive(cloud, 'tools/call', ALICE, 1, atMs).reply.waitMs !== undefined;
    expect([0, IDLE_MS, 2 * IDLE_MS + 10_000].map(ms => isCold(NOW_MS + ms))).toEqual([false, false, true]);
  });

  it('asks once for each company whether it is warm when the run begins', () => {
    const asked: number[] = [];
    const warmAt = (index: number) => {
      asked.push(index);
      return index === 1;
    };
    const cloud = trafficCloud({ warmAt });
    for (let n = 0; n < 3; n++) for (const { id } of COMPANIES) arrive(cloud, 'tools/list', id, n);
    expect(asked).toEqual([0, 1, 2]);
    expect(cloud.companyUsage().map(({ coldStarts }) => coldStarts)).toEqual([1, 0, 1]);
  });

  it('waits for no other company: each has its own instances', () => {
    const cloud = trafficCloud({ facts: new FactValues('mid', { 'run.service.concurrency': 1 }) });
    for (let agent = 0; agent < 20; agent++) arrive(cloud, 'tools/call', BOB, agent);
    expect(arrive(cloud, 'tools/call').reply.waitMs).toBeUndefined();
    expect(cloud.companyUsage().map(({ coldStarts }) => coldStarts)).toEqual([19, 0]);
  });

  it('is refused before the service when there is no instance in time', () => {
    const facts = new FactValues('mid', { 'run.service.concurrency': 1, 'run.pending.max': 0 });
    const cloud = trafficCloud({ facts });
    const statuses = Array.from(
      { length: 101 },
      (_, n) => arrive(cloud, 'tools/call', ALICE, n).reply.status,
    );
    expect(statuses.filter(status => status === 200)).toHaveLength(100);
    expect(statuses.at(-1)).toBe(429);
    expect([cloud.requests.total(), cloud.companyUsage()[0].refused]).toEqual([100, 1]);
  });

  it('uses no fact of the traffic where there is none', () => {
    const facts = new FactValues('mid', {});
    const cloud = trafficCloud({ facts, adopted: [] });
    expect(arrive(cloud, 'tools/call').reply.status).toBe(404);
    expect(facts.usedIds()).toEqual(['net.region-one-way', 'lat.refusal']);
  });
});

describe('a fault', () => {
  const rule = (more: Partial<FaultRule>): FaultRule => ({
    operation: 'companyService.mcp.toolsCall',
    verdict: 'refuse',
    share: 1,
    status: 503,
    ...more,
  });
  const statuses = (cloud: Cloud) =>
    KINDS.map(kind => cloud.arrive(requestOf(kind, ALICE, 1), NOW_MS)?.reply.status);

  it.each<[string, readonly (number | undefined)[]]>([
    ['companyService.mcp.toolsCall', [200, 200, 503, 200, 200]],
    ['companyService.mcp.initialize', [503, 200, 200, 200, 200]],
    ['companyService.mcp.*', [503, 503, 503, 200, 200]],
    ['companyService.asset', [200, 200, 200, 503, 200]],
    ['companyService.*', [503, 503, 503, 503, 503]],
    ['companyService.mcp', [200, 200, 200, 200, 200]],
  ])('of %s hits what its name says, and keeps it from the service', (operation, expected) => {
    const cloud = trafficCloud({ faults: [rule({ operation })] });
    expect(statuses(cloud)).toEqual(expected);
    expect(cloud.requests.total()).toBe(expected.filter(status => status === 200).length);
  });

  it('delays the requests of one method on their way, and no other', () => {
    const cloud = trafficCloud({ faults: [rule({ verdict: 'delayRequest', delayMs: 5000 })] });
    const usual = trafficCloud();
    const delays = KINDS.map(kind => {
      const request = requestOf(kind, ALICE, 1);
      return Math.round(cloud.arrivalMs(request, 0) - usual.arrivalMs(request, 0));
    });
    expect(delays).toEqual([0, 0, 5000, 0, 0]);
  });

  it('that loses the answer leaves the request counted, one that loses the request does not', () => {
    const [answer, request] = (['loseAnswer', 'loseRequest'] as const).map(verdict =>
      trafficCloud({ faults: [rule({ verdict })] }),
    );
    expect(arrive(answer, 'tools/call').lost).toBe(true);
    expect(arrive(request, 'tools/call')).toBeUndefined();
    expect([answer.requests.total(), request.requests.total()]).toEqual([1, 0]);
  });

  it('of a quota counts by method as well', () => {
    const operations = ['companyService.mcp.toolsCall'];
    const cloud = trafficCloud({ quotas: [{ name: 'calls', operations, perMinute: 1, scope: 'all' }] });
    // The fakes' quotas tolerate one call early.
    for (const calls of [200, 200, 429]) expect(statuses(cloud)).toEqual([200, 200, calls, 200, 200]);
    expect(cloud.requests.total()).toBe(14);
  });
});

describe('an adopted company', () => {
  it('has its service in the region that it lives in', () => {
    expect(adoptedServiceUri('c00042', 'us-west1')).toBe('https://c00042-adopted-uw.a.run.app');
    expect(adoptedServiceUri('c00042', 'us-central1')).toBe('https://c00042-adopted-uc.a.run.app');
    expect(adoptedServiceUri('c00042', 'europe-west1')).toBe('https://c00042-adopted-ew.a.run.app');
    expect(() => adoptedServiceUri('c00042', 'constructor')).toThrow('constructor');
  });

  it('is known by every hyphen of its name', () => {
    const adopted = [
      { id: 'a', index: 0 },
      { id: 'a-adopted-b', index: 1 },
    ];
    const cloud = trafficCloud({ adopted });
    for (const { id } of adopted) {
      const host = new URL(adoptedServiceUri(id, 'us-west1')).host;
      const { reply } = cloud.arrive({ ...requestOf('health', ALICE, 1), host }, NOW_MS)!;
      expect(reply.body).toEqual({ status: 'ok', company: id });
    }
  });

  it('is healthy, and warm from its first health check on', () => {
    const cloud = trafficCloud({ warmAt: () => false });
    const fact = () => cloud.operations().map(count => count.fact);
    arrive(cloud, 'health');
    expect(fact()).toEqual(['run.cold.node']);
    arrive(cloud, 'health');
    expect(fact()).toEqual(['run.cold.node', 'lat.company-service.warm']);
    expect(arrive(cloud, 'tools/call').reply.waitMs).toBeUndefined();
  });
});

describe('a provisioned company', () => {
  const FIGURES = {
    'lat.cloud-run.deploy': 5000,
    'lat.cloud-run.delete': 1000,
    'lat.mcp.tools-list': 100,
    'run.cold.node': 3000,
    'run.idle': IDLE_MS,
    'run.service.concurrency': 80,
    'run.pending.max': 10_000,
  };
  const API = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
  const HOSTNAME = `${ALICE}.${DOMAIN}`;
  const setUp = () => {
    const world = createWorld(FIGURES);
    const run = cloudRun(world);
    const body = { labels: { company: ALICE }, template: { containers: [{ image: 'mcp:1' }] } };
    const deploy = (nowMs: number) =>
      callFake(run.service, 'POST', `${API}?serviceId=${ALICE}`, body, { nowMs });
    const remove = (nowMs: number) =>
      callFake(run.service, 'DELETE', `${API}/${ALICE}`, undefined, { nowMs });
    deploy(0);
    const { uri } = callFake(run.service, 'GET', `${API}/${ALICE}`, undefined, { nowMs: 6000 }).body;
    const requests = new RequestLedger();
    const record = { type: 'CNAME', content: new URL(uri).host, proxied: true } as const;
    const zone = {
      recordAt: (name: string) => (name === HOSTNAME ? record : undefined),
      certificateActive: () => true,
    };
    const service = companyServices(world, run, zone, { requests });
    const list = (origin: string, nowMs: number) => {
      const { headers, body } = serviceCall('tools/list', ALICE, 1);
      return callFake(service, 'POST', `${origin}/mcp`, new TextDecoder().decode(body), { headers, nowMs });
    };
    return { uri, list, deploy, remove, requests, service };
  };

  it('answers under both of its hosts, the first time from a cold instance', () => {
    const { uri, list, requests, service } = setUp();
    expect(list(uri, 6000)).toMatchObject({ status: 200, body: { result: { _meta: { company: ALICE } } } });
    expect(list(`https://${HOSTNAME}`, 20_000).status).toBe(200);
    expect(service.usage()).toEqual([
      { company: ALICE, requests: 2, refused: 0, coldStarts: 1, coldMs: 3000, busyMs: 200 },
    ]);
    expect(requests.page()).toEqual([
      { company: ALICE, operation: 'companyService.mcp.toolsList', status: 200, requests: 2 },
    ]);
  });

  it('is not reached before it is ready, nor after it is gone', () => {
    const { uri, list, remove, requests } = setUp();
    expect(list(uri, 4999).status).toBe(503);
    remove(10_000);
    expect(list(uri, 10_500).status).toBe(503);
    expect(list(uri, 11_000).status).toBe(404);
    expect(requests.total()).toBe(0);
  });

  it('that is deployed anew has none of the instances of before', () => {
    const { uri, list, deploy, remove, service } = setUp();
    list(uri, 6000);
    remove(10_000);
    deploy(12_000);
    expect(list(uri, 18_000).status).toBe(200);
    expect(service.usage()).toMatchObject([{ company: ALICE, requests: 2, coldStarts: 2 }]);
  });
});

describe('the ledger of requests', () => {
  it('counts by company, operation and status, in one order whatever came first', () => {
    const ledger = new RequestLedger();
    const lines = [
      ['b', 'mcp', 404],
      ['a', 'mcp', 200],
      ['a', 'asset', 200],
      ['b', 'mcp', 200],
      ['a', 'mcp', 200],
    ] as const;
    for (const [company, operation, status] of lines) ledger.write(company, operation, status);
    expect(ledger.total()).toBe(5);
    expect(Object.fromEntries(ledger.byCompany())).toEqual({ a: 3, b: 2 });
    expect(ledger.page().map(each => Object.values(each))).toEqual([
      ['a', 'asset', 200, 1],
      ['a', 'mcp', 200, 2],
      ['b', 'mcp', 200, 1],
      ['b', 'mcp', 404, 1],
    ]);
  });
});

describe('the routes of a service', () => {
  const handle = () => ({ status: 200, body: undefined });
  const route = (method: string, path: string): Route => ({
    method,
    path,
    operation: path,
    latency: '',
    handle,
  });

  it('are found in the order in which they stand, literal or not', () => {
    const match = createRouter([
      route('GET', '/v1/:any'),
      route('GET', '/v1/own'),
      route('POST', '/v1/own'),
      route('POST', '/v1/:name=verb'),
    ]);
    const found = (method: string, path: string) => {
      const { route, params } = match(method, path) ?? {};
      return [route?.path, params];
    };
    expect(found('GET', '/v1/own')).toEqual(['/v1/:any', { any: 'own' }]);
    expect(found('POST', '/v1/own')).toEqual(['/v1/own', {}]);
    expect(found('POST', '/v1/x:verb')).toEqual(['/v1/:name=verb', { name: 'x' }]);
    expect(found('PUT', '/v1/own')).toEqual([undefined, undefined]);
    expect(found('GET', '/v1/own/')).toEqual([undefined, undefined]);
  });

  it('have a fact of the catalogue for each latency of a company service', () => {
    const ids = new Set(FACTS.map(({ id }) => id));
    for (const [, fact] of Object.values(OPERATIONS)) expect(ids).toContain(fact);
  });
});
