// Cloud Run in a time that the test sets: what a service is while a change is under way, how long a wait takes, and how
// much of it one region may hold.

import { describe, expect, test } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { withDefaults } from '../../fakes/cloudRunChange.ts';
import { type Deployment, isServing, latestReadyAt } from '../../fakes/cloudRunDeployment.ts';
import { addGeneration, workOf } from '../../fakes/cloudRunGenerations.ts';
import { createOperations } from '../../fakes/cloudRunOperations.ts';
import { serviceResource } from '../../fakes/cloudRunResources.ts';
import { companyServices } from '../../fakes/companyService.ts';
import { Quotas } from '../../fakes/quota.ts';
import { bytesOf, createRouter, type RouteContext, serve } from '../../fakes/service.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { assetOf } from '../../scenarios/requests.ts';
import { callFake, createWorld, TOKEN } from './harness.ts';

const DEPLOY_MS = 6000;
const UPDATE_MS = 2000;
const DELETE_MS = 3000;
const QUOTAS = {
  'quota.cloud-run.services': 3,
  'quota.cloud-run.serving-revisions': 4,
  'quota.cloud-run.cpu': 20,
  'quota.cloud-run.memory': 40,
};
const API = 'https://run.googleapis.com/v2/projects/p/locations/us-west1';
const LATEST = 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST';
const BY_REVISION = 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION';
const limits = { cpu: '2', memory: '4Gi' };
const templateOf = (change: object = {}) => ({
  containers: [{ image: 'health:1', resources: { limits } }],
  ...change,
});
const serviceOf = (change: object = {}) => ({
  labels: { company: 'c00001' },
  template: templateOf(),
  ...change,
});

const setUp = (resourceQuotas = false, endsHalfDone = () => false) => {
  const durationsMs = {
    'lat.cloud-run.deploy': DEPLOY_MS,
    'lat.cloud-run.update': UPDATE_MS,
    'lat.cloud-run.delete': DELETE_MS,
  };
  const world = { ...createWorld({ ...durationsMs, ...QUOTAS }, resourceQuotas), endsHalfDone };
  const run = cloudRun(world);
  const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
    callFake(run.service, method, `${API}${path}`, body, { nowMs });
  const create = (id: string, change: object = {}, nowMs = 0) =>
    call('POST', `/services?serviceId=${id}`, serviceOf(change), nowMs);
  const patch = (id: string, mask: string, body: object, nowMs: number) =>
    call('PATCH', `/services/${id}?updateMask=${mask}`, body, nowMs);
  const get = (id: string, nowMs: number) => call('GET', `/services/${id}`, undefined, nowMs).body;
  const revisions = (id: string, nowMs: number) =>
    (call('GET', `/services/${id}/revisions?pageSize=100`, undefined, nowMs).body.revisions ?? []) as {
      name: string;
      generation: string;
    }[];
  return { world, run, call, create, patch, get, revisions };
};
const operationOf = ({ body }: { body: { name: string } }) =>
  body.name.slice('projects/p/locations/us-west1'.length);
const idOf = ({ name }: { name: string }) => name.slice(name.lastIndexOf('/') + 1);

describe('a change', () => {
  test('is reconciled while the old revision serves, and then the new one does', () => {
    const { create, patch, get, revisions } = setUp();
    create('s');
    patch('s', 'template', { template: templateOf({ timeout: '60s' }) }, 10_000);
    const [second, first] = revisions('s', 10_000);
    expect(get('s', 15_999)).toMatchObject({
      generation: '2',
      observedGeneration: '1',
      reconciling: true,
      latestCreatedRevision: second.name,
      latestReadyRevision: first.name,
      trafficStatuses: [{ revision: idOf(first) }],
      terminalCondition: { state: 'CONDITION_RECONCILING' },
    });
    const after = get('s', 16_000);
    expect(after).toMatchObject({
      observedGeneration: '2',
      latestReadyRevision: second.name,
      trafficStatuses: [{ revision: idOf(second) }],
      terminalCondition: { state: 'CONDITION_SUCCEEDED' },
    });
    expect(after).not.toHaveProperty('reconciling');
  });

  test('that is overtaken is done with the one that overtook it', () => {
    const { create, patch, call, get } = setUp();
    create('s');
    const slow = operationOf(patch('s', 'template.timeout', { template: { timeout: '60s' } }, 10_000));
    patch('s', 'labels', { labels: { company: 'c00001', level: 'gold' } }, 11_000);
    expect(call('GET', slow, undefined, 12_999).body.done).toBeUndefined();
    expect(call('GET', slow, undefined, 13_000).body).toMatchObject({
      done: true,
      response: { generation: '3' },
    });
    expect(get('s', 13_000).labels.level).toBe('gold');
  });

  test('ends in an error when the service is deleted first, and none is taken afterwards', () => {
    const { create, patch, call } = setUp();
    create('s');
    const change = operationOf(patch('s', 'template.timeout', { template: { timeout: '60s' } }, 10_000));
    call('DELETE', '/services/s', undefined, 11_000);
    expect(call('GET', change, undefined, 11_000).body).toMatchObject({ done: true, error: { code: 10 } });
    const late = patch('s', 'labels', { labels: {} }, 12_000);
    expect([late.status, late.body.error.status]).toEqual([409, 'ABORTED']);
  });

  test('makes an etag of what was read before it stale, and so does its being done', () => {
    const { create, patch, get } = setUp();
    create('s');
    const etags = [get('s', 0).etag, get('s', DEPLOY_MS).etag];
    patch('s', 'labels', { labels: {} }, 10_000);
    etags.push(get('s', 10_000).etag, get('s', 10_000 + UPDATE_MS).etag);
    expect(new Set(etags).size).toBe(4);
    for (const etag of etags.slice(0, -1))
      expect(patch('s', 'labels', { labels: { a: 'b' }, etag }, 20_000).body.error.status).toBe('ABORTED');
    expect(patch('s', 'labels', { labels: { a: 'b' }, etag: etags.at(-1) }, 20_000).status).toBe(200);
  });

  test('is in the ledger with the company and the image that it has then', () => {
    const { create, patch, world } = setUp();
    create('s');
    const containers = [{ image: 'health:2' }];
    patch(
      's',
      'template.containers,labels',
      { labels: { company: 'c00002' }, template: { containers } },
      10_000,
    );
    expect(world.ledger.entries).toMatchObject([
      { effect: 'created', company: 'c00001', detail: 'health:1' },
      { effect: 'changed', company: 'c00002', detail: 'health:2' },
    ]);
  });
});

test('who asks for numbers of enumerations is given numbers, and may send them', () => {
  const { create, call } = setUp();
  create('s', { ingress: 3 });
  const names = call('GET', '/services/s', undefined, DEPLOY_MS).body;
  expect(names).toMatchObject({
    ingress: 'INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER',
    terminalCondition: { type: 'Ready', state: 'CONDITION_SUCCEEDED' },
    traffic: [{ type: LATEST }],
  });
  const numbers = call('GET', '/services/s?$alt=json;enum-encoding=int', undefined, DEPLOY_MS).body;
  expect(numbers).toMatchObject({
    ingress: 3,
    launchStage: 4,
    terminalCondition: { type: 'Ready', state: 4 },
    traffic: [{ type: 1, percent: 100 }],
  });
});

describe('a container that does not start', () => {
  const spec = (image: string) => withDefaults({ template: { containers: [{ image }] } });
  const broken = (): Deployment => {
    const deployment: Deployment = {
      name: 'projects/p/locations/us-west1/services/s',
      id: 's',
      uid: '1',
      host: 's.a.run.app',
      createdAtMs: 0,
      generations: [],
      revisions: [],
      deletedAtMs: Infinity,
      goneAtMs: Infinity,
      hitAtMs: -Infinity,
    };
    const generation = addGeneration(deployment, spec('bad:1'), true, 0, DEPLOY_MS, true);
    expect(workOf(deployment, generation).errorAt(DEPLOY_MS)).toMatchObject({ code: 9 });
    return deployment;
  };

  test('fails a new service, which stays and serves nobody', () => {
    const deployment = broken();
    expect(serviceResource(deployment, DEPLOY_MS - 1)).toMatchObject({ reconciling: true });
    const failed = serviceResource(deployment, DEPLOY_MS);
    expect(failed.terminalCondition).toMatchObject({
      state: 'CONDITION_FAILED',
      message: expect.stringMatching(/is not ready and cannot serve traffic/),
    });
    for (const name of ['uri', 'reconciling', 'latestReadyRevision']) expect(failed).not.toHaveProperty(name);
    expect(isServing(deployment, DEPLOY_MS)).toBe(false);
  });

  test('leaves a service with what served before, until a better one comes', () => {
    const deployment = broken();
    const latestAt = (nowMs: number) => latestReadyAt(deployment, nowMs)?.generation;
    addGeneration(deployment, spec('good:1'), true, 10_000, 16_000);
    addGeneration(deployment, spec('bad:2'), true, 20_000, 26_000, true);
    addGeneration(deployment, spec('good:2'), true, 30_000, 36_000);
    expect([9_999, 15_999, 16_000, 26_000, 35_999, 36_000].map(latestAt)).toEqual([
      undefined,
      undefined,
      2,
      2,
      2,
      4,
    ]);
    expect(isServing(deployment, 26_000)).toBe(true);
  });

  test('is not mended by other labels, and is rolled back from', () => {
    const deployment = broken();
    const labelled = { ...spec('bad:1'), labels: { a: 'b' } };
    addGeneration(deployment, labelled, false, 7000, 8000);
    expect(isServing(deployment, 8000)).toBe(false);
    const good = addGeneration(deployment, spec('good:1'), true, 10_000, 16_000);
    addGeneration(deployment, spec('bad:2'), true, 20_000, 26_000, true);
    const traffic = [{ type: BY_REVISION, revision: good.revision.id, percent: 100 }];
    const { failure } = addGeneration(deployment, { ...spec('bad:2'), traffic }, false, 30_000, 31_000);
    expect(failure).toBeUndefined();
    expect(serviceResource(deployment, 31_000)).toMatchObject({
      terminalCondition: { state: 'CONDITION_SUCCEEDED' },
      trafficStatuses: traffic,
    });
  });
});

describe('a change that a fault breaks', () => {
  const setUpBroken = () => {
    let isBroken = false;
    const all = setUp(false, () => isBroken);
    const broken = (mask: string, fields: object) => {
      isBroken = true;
      const operation = operationOf(all.patch('s', mask, fields, 10_000));
      isBroken = false;
      return (nowMs: number) => all.call('GET', operation, undefined, nowMs).body;
    };
    all.create('s');
    return { ...all, broken };
  };

  test('ends in an error with a revision that has failed, and what served goes on serving', () => {
    const { broken, get, revisions, patch } = setUpBroken();
    const outcome = broken('template', { template: templateOf({ timeout: '60s' }) });
    expect(outcome(15_999).done).toBeUndefined();
    expect(outcome(16_000)).toMatchObject({ done: true, error: { code: 9 } });
    const [failed, good] = revisions('s', 16_000);
    expect(failed).toMatchObject({
      observedGeneration: '2',
      conditions: [
        { type: 'Ready', state: 'CONDITION_FAILED', message: expect.stringContaining(idOf(failed)) },
      ],
    });
    expect(failed).not.toHaveProperty('reconciling');
    expect(get('s', 16_000)).toMatchObject({
      latestCreatedRevision: failed.name,
      latestReadyRevision: good.name,
      trafficStatuses: [{ revision: idOf(good) }],
      terminalCondition: { state: 'CONDITION_FAILED' },
    });
    patch('s', 'template', { template: templateOf({ timeout: '90s' }) }, 20_000);
    expect(get('s', 26_000).terminalCondition.state).toBe('CONDITION_SUCCEEDED');
  });

  test('ends in an error where no container has to start, too', () => {
    const { broken, get, revisions } = setUpBroken();
    const outcome = broken('labels', { labels: { company: 'c00001', tier: 'gold' } });
    expect(outcome(12_000)).toMatchObject({ done: true, error: { code: 13 } });
    expect(revisions('s', 12_000)).toHaveLength(1);
    expect(get('s', 12_000)).toMatchObject({
      observedGeneration: '1',
      terminalCondition: { state: 'CONDITION_FAILED' },
    });
  });
});

describe('a service that is suspended', () => {
  const scaling = { scalingMode: 'MANUAL', manualInstanceCount: 0 };

  test.each<[string, string, object, number]>([
    ['to callers from outside', 'ingress', { ingress: 'INGRESS_TRAFFIC_INTERNAL_ONLY' }, 404],
    ['by its instances', 'scaling', { scaling }, 503],
  ])('%s answers nobody until it is resumed', (_what, mask, body, status) => {
    const { create, patch, get, run, world } = setUp();
    create('s');
    const { host } = new URL(get('s', DEPLOY_MS).uri);
    const company = companyServices(createWorld({ 'run.cold.node': 1, 'lat.company-service.warm': 1 }), run, {
      recordAt: () => undefined,
      certificateActive: () => false,
    });
    const health = (nowMs: number) =>
      callFake(company, 'GET', `https://${host}/health`, undefined, { nowMs, headers: {} }).status;
    expect(health(10_000)).toBe(200);
    patch('s', mask, body, 10_000);
    expect([health(11_999), health(12_000)]).toEqual([200, status]);
    patch('s', 'ingress,scaling', { ingress: 'INGRESS_TRAFFIC_ALL' }, 20_000);
    expect([health(21_999), health(22_000)]).toEqual([status, 200]);
    expect(world.ledger.entries.at(-1)!.effect).toBe('changed');
  });
});

test('what serves is remembered, however many changes have failed since', () => {
  const { create, patch, get } = setUp();
  create('s');
  for (let i = 0; i < 1200; i++) {
    const traffic = [{ type: BY_REVISION, revision: `gone-${i}`, percent: 100 }];
    patch('s', 'traffic', { traffic }, 10_000 + i);
  }
  expect(get('s', 20_000)).toMatchObject({
    generation: '1201',
    observedGeneration: '1',
    terminalCondition: { state: 'CONDITION_FAILED' },
  });
});

test('the oldest operations are forgotten', () => {
  const operations = createOperations();
  const work = { doneAtMs: () => 0, resourceAt: () => ({}), errorAt: () => undefined };
  const start = () => operations.start('projects/p/locations/us-west1', work, 0);
  const params = { project: 'p', location: 'us-west1', operation: '00000001' };
  const statusOfFirst = () => operations.get({ params, nowMs: 0 } as unknown as RouteContext).status;
  for (let i = 0; i < 100_000; i++) start();
  expect(statusOfFirst()).toBe(200);
  start();
  expect(statusOfFirst()).toBe(404);
});

describe('revisions', () => {
  test('are kept up to 1,000, the one that serves and the newest among them', () => {
    const { create, patch, get, revisions, call } = setUp();
    create('s');
    const [first] = revisions('s', 0);
    const traffic = [{ type: BY_REVISION, revision: idOf(first), percent: 100 }];
    patch('s', 'traffic', { traffic }, 10_000);
    for (let i = 0; i < 1005; i++)
      patch('s', 'template.annotations', { template: { annotations: { n: String(i) } } }, 20_000 + i);
    const all: { name: string }[] = [];
    for (let pageToken = ''; ; ) {
      const { body } = call('GET', `/services/s/revisions?pageToken=${pageToken}`, undefined, 30_000);
      all.push(...body.revisions);
      pageToken = body.nextPageToken;
      if (pageToken === undefined) break;
    }
    expect(all).toHaveLength(1000);
    expect(all.at(-1)!.name).toBe(first.name);
    expect(all[0].name).toBe(get('s', 30_000).latestCreatedRevision);
  });

  test('share the traffic by percent, and each that has some is held', () => {
    const { create, patch, get, revisions, call } = setUp();
    create('s');
    patch('s', 'template.timeout', { template: { timeout: '60s' } }, 10_000);
    patch('s', 'template.timeout', { template: { timeout: '61s' } }, 20_000);
    const [newest, middle, oldest] = revisions('s', 30_000).map(idOf);
    const traffic = [
      { type: BY_REVISION, revision: oldest, percent: 10 },
      { type: LATEST, percent: 90 },
    ];
    patch('s', 'traffic', { traffic }, 30_000);
    expect(get('s', 40_000).trafficStatuses).toEqual([traffic[0], { ...traffic[1], revision: newest }]);
    const remove = (id: string) => call('DELETE', `/services/s/revisions/${id}`, undefined, 40_000).status;
    expect([newest, oldest, middle].map(remove)).toEqual([400, 400, 200]);
  });
});

describe('a wait for an operation', () => {
  const waitFor = (timeout: string | undefined, nowMs: number) => {
    const { create, run } = setUp();
    const path = new URL(`${API}${operationOf(create('s'))}:wait`).pathname;
    const body = new TextEncoder().encode(JSON.stringify(timeout === undefined ? {} : { timeout }));
    const match = createRouter(run.service.routes)('POST', path);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const query = new URLSearchParams();
    const request = { method: 'POST', host: 'run.googleapis.com', path, query, headers, body, key: [0] };
    const { reply } = serve(run.service, match, request, nowMs, new Quotas([]));
    const { done } = JSON.parse(new TextDecoder().decode(bytesOf(reply)));
    return { done, waitMs: reply.waitMs };
  };

  test.each<[string, string | undefined, number, object]>([
    ['is over when the operation is done', '60s', 1000, { done: true, waitMs: 5000 }],
    ['needs no time-out', undefined, 0, { done: true, waitMs: 6000 }],
    ['is over when its time-out is', '1.5s', 1000, { done: undefined, waitMs: 1500 }],
    ['takes no time when the operation is done', '60s', 7000, { done: true, waitMs: 0 }],
    ['takes no time without any', '0s', 1000, { done: undefined, waitMs: 0 }],
  ])('%s', (_what, timeout, nowMs, expected) => {
    expect(waitFor(timeout, nowMs)).toEqual(expected);
  });

  test.each<object>([{ timeout: 5 }, { timeout: '5' }, { timeout: ['5s'] }, { time: '5s' }])(
    'takes no %j',
    body => {
      const { create, call } = setUp();
      expect(call('POST', `${operationOf(create('s'))}:wait`, body).body.error.status).toBe(
        'INVALID_ARGUMENT',
      );
    },
  );
});

describe('a region', () => {
  const scaled = (maxInstanceCount: number, of = limits) => ({
    template: {
      containers: [{ image: 'health:1', resources: { limits: of } }],
      scaling: { maxInstanceCount },
    },
  });

  test('holds so many services, and room again when one is gone', () => {
    const { create, call, world } = setUp(true);
    for (const id of ['a', 'b', 'c']) expect(create(id).status).toBe(200);
    const { status, body } = create('d');
    expect([status, body.error.status]).toEqual([429, 'RESOURCE_EXHAUSTED']);
    expect(body.error.details).toMatchObject([
      { reason: 'RESOURCE_QUOTA_EXCEEDED', metadata: { quota_limit: 'ServicesPerProjectRegion' } },
    ]);
    expect(world.ledger.entries).toHaveLength(3);
    const elsewhere = `${API.replace('us-west1', 'us-central1')}/services?serviceId=d`;
    expect(call('PATCH', '/services/a?updateMask=labels', { labels: {} }).status).toBe(200);
    expect(callFake(cloudRun(world).service, 'POST', elsewhere, serviceOf()).status).toBe(200);
    call('DELETE', '/services/a', undefined, 10_000);
    expect(create('d', {}, 12_999).status).toBe(429);
    expect(create('d', {}, 13_000).status).toBe(200);
  });

  test('holds so many revisions that serve', () => {
    const { create, patch, revisions } = setUp(true);
    create('a');
    create('b');
    patch('a', 'template.timeout', { template: { timeout: '60s' } }, 10_000);
    patch('a', 'template.timeout', { template: { timeout: '61s' } }, 20_000);
    const [, two, three] = revisions('a', 30_000).map(idOf);
    const targetsOf = (...percents: number[]) => [
      { type: LATEST, percent: percents[0] },
      ...[two, three].slice(0, percents.length - 1).map((revision, i) => ({
        type: BY_REVISION,
        revision,
        percent: percents[i + 1],
      })),
    ];
    expect(patch('a', 'traffic', { traffic: targetsOf(50, 30, 20) }, 30_000).status).toBe(200);
    create('c', {}, 40_000);
    const { body } = create('c', {}, 40_000);
    expect(body.error.details[0].metadata.quota_limit).toBe('ServingRevisionsPerProjectRegion');
    patch('a', 'traffic', { traffic: targetsOf(100) }, 50_000);
    expect(create('c', {}, 60_000).status).toBe(200);
  });

  test.each<[string, object, string]>([
    ['CPU', scaled(11), 'CpuAllocPerProjectRegion requested: 22000 allowed: 20000'],
    [
      'memory',
      scaled(11, { cpu: '1', memory: '4Gi' }),
      'MemAllocPerProjectRegion requested: 47244640256 allowed: 42949672960',
    ],
  ])('allows a service no more instances than there is %s for', (what, change, line) => {
    const { create, patch, world } = setUp(true);
    const { status, body } = create('s', change);
    expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
    expect(body.error.details[0].fieldViolations[0].field).toBe(
      'service.template.scaling.max_instance_count',
    );
    expect(body.error.message).toContain(
      `Max instances must be set to 10 or fewer to set the requested total ${what}.`,
    );
    expect(body.error.message).toContain(`Quota violated:\n${line}`);
    expect(world.ledger.entries).toEqual([]);
    expect(create('s', scaled(10)).status).toBe(200);
    expect(patch('s', 'template', change, 10_000).status).toBe(400);
    expect(world.ledger.entries).toHaveLength(1);
  });

  test.each<[boolean, number]>([
    [true, 503],
    [false, 200],
  ])('runs so many vCPU at a time (vendors’ quotas: %s)', (resourceQuotas, status) => {
    const { create, get, run } = setUp(resourceQuotas);
    const facts = {
      'run.service.concurrency': 80,
      'run.idle': 900_000,
      'run.pending.max': 10_000,
      'run.cold.node': 3000,
      'lat.mcp.asset': 10,
      'bytes.answer.asset': 100,
      ...QUOTAS,
    };
    const zone = { recordAt: () => undefined, certificateActive: () => false };
    const company = companyServices(createWorld(facts, resourceQuotas), run, zone);
    const eight = scaled(1, { cpu: '8', memory: '4Gi' });
    const ask = (id: string) => {
      create(id, { ...eight, labels: { company: id } });
      const url = `${get(id, DEPLOY_MS).uri}/assets/${assetOf(0)}`;
      return callFake(company, 'GET', url, undefined, { nowMs: DEPLOY_MS, headers: { 'x-company': id } });
    };
    expect(['a', 'b'].map(id => ask(id).status)).toEqual([200, 200]);
    const third = ask('c');
    expect(third.status).toBe(status);
    const text = String(third.body);
    expect(text.includes('exceeded its quota limit for run.googleapis.com/cpu_allocation')).toBe(
      status === 503,
    );
  });

  test('is counted as a quota of the cloud when it has no room', () => {
    const facts = new FactValues('mid', {});
    const cloud = new Cloud({
      seed: 1,
      facts,
      quotas: [],
      resourceQuotas: true,
      faults: [],
      token: TOKEN,
      domain: 'd',
    });
    const create = (id: string, change: object) => {
      const { host, pathname: path } = new URL(`${API}/services`);
      const body = new TextEncoder().encode(JSON.stringify(serviceOf(change)));
      const headers = { authorization: `Bearer ${TOKEN}` };
      const query = new URLSearchParams({ serviceId: id });
      return cloud.arrive({ method: 'POST', host, path, query, headers, body, key: [0] }, 0)!.reply;
    };
    expect([create('s', scaled(100)).status, create('t', scaled(101)).status]).toEqual([200, 400]);
    const operation = 'cloudRun.services.create';
    expect(cloud.operations()).toMatchObject([
      { operation, fact: 'lat.cloud-run.write', refusedByQuota: 0 },
      { operation, fact: 'lat.refusal', refusedByQuota: 1 },
    ]);
    expect(facts.usedIds()).toContain('quota.cloud-run.cpu');
  });

  test('holds what is asked for where the scenario leaves the vendors’ quotas out', () => {
    const { create } = setUp();
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(create(id, scaled(500)).status).toBe(200);
  });
});

test.each([
  ['POST', '/services/s:getIamPolicy'],
  ['GET', '/services/s:unknown'],
  ['DELETE', '/services/s:unknown'],
  ['GET', '/services/s/revisions/r:exportStatus'],
  ['POST', '/operations/1:cancel'],
  ['GET', '/jobs'],
  ['POST', '/workerPools?workerPoolId=w'],
])('%s %s is no name: it is answered with 501', (method, path) => {
  const { call } = setUp();
  const { status, body } = call(method, path);
  expect([status, body.error.message]).toEqual([
    501,
    expect.stringContaining(`does not cover ${method} /v2/`),
  ]);
});
