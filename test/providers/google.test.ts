import { describe, expect, it } from 'vitest';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { companyServices } from '../../fakes/companyService.ts';
import { firestore } from '../../fakes/firestore.ts';
import { kms } from '../../fakes/kms.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { type QuotaRule, Quotas } from '../../fakes/quota.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Service } from '../../fakes/service.ts';
import { RETRY_AFTER_DEFAULT_MS, RETRY_AFTER_MAX_MS } from '../../src/limits.ts';
import type { Outcome, Transport } from '../../src/ports.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { serviceVerbs } from '../../src/providers/cloudRun.ts';
import { healthVerbs } from '../../src/providers/companyService.ts';
import { documentVerbs } from '../../src/providers/firestore.ts';
import { cryptoKeyVerbs } from '../../src/providers/kms.ts';
import { secretVerbs, secretVersionVerbs } from '../../src/providers/secretManager.ts';
import {
  RESUMED,
  restartOf,
  type ServiceChange,
  SUSPENDED,
  updateService,
} from '../../src/providers/serviceChange.ts';
import type { Company, Platform } from '../../src/provisioning/company.ts';
import type { Verbs } from '../../src/provisioning/verbs.ts';
import {
  answered,
  callFake,
  cannedTransport,
  createWorld,
  DOMAIN,
  fakeTransport,
  TOKEN,
} from '../fakes/harness.ts';
import { company as COMPANY } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const PLATFORM: Platform = {
  zones: [{ id: 'zone', domain: DOMAIN }],
  dns: 'record',
  googleProjects: ['p'],
  regions: { 'us-west1': { atlas: [{ project: 'a', cluster: 'c' }], pineconeHost: 'h' } },
  templates: {
    'Health care': {
      image: 'us-docker.pkg.dev/p/images/health:1',
      env: { REDACTION: 'on' },
      resources: { vcpu: 4, memoryGiB: 7.5 },
      secrets: [],
      retentionDays: 30,
      compliance: { auditRetentionDays: 60, standards: ['HIPAA'] },
    },
  },
};
const DONE_MS = { deploy: 6000, delete: 3000, update: 2000 };
const ATTEMPT = { key: [1, 2, 0, 0], deadlineAtMs: 15_000 };
const LOST: Outcome = { kind: 'unknown', reason: 'no answer' };

/** One fake and the client of one company's resource in it. */
function setUp(name: Resource, rules: readonly QuotaRule[] = []) {
  const world = createWorld({
    'lat.cloud-run.deploy': DONE_MS.deploy,
    'lat.cloud-run.delete': DONE_MS.delete,
    'lat.cloud-run.update': DONE_MS.update,
  });
  const { service, verbs } = RESOURCES[name](world);
  const transport = fakeTransport([service], new Quotas(rules));
  const clientOf = (
    company: Company,
    wire: Transport = transport,
    token = TOKEN,
  ): Required<Omit<Verbs, 'nameless'>> => {
    const { create, find, remove } = verbs(createSend(wire, fixedCredentials(token)), company);
    return { create: create!, find, remove: remove! };
  };
  return { ...clientOf(COMPANY), clientOf, service, transport, ledger: world.ledger, clock: transport.clock };
}

type Resource = 'secret' | 'cryptoKey' | 'document' | 'service';
type Made = { service: Service; verbs: (send: Send, company: Company) => Verbs };
const RESOURCES: Readonly<Record<Resource, (world: ReturnType<typeof createWorld>) => Made>> = {
  secret: world => ({
    service: secretManager(world),
    verbs: (send, company) => secretVerbs(send, company, PLATFORM, 'api-key'),
  }),
  cryptoKey: world => ({
    service: kms(world),
    verbs: (send, company) => cryptoKeyVerbs(send, company, PLATFORM),
  }),
  document: world => ({
    service: firestore(world),
    verbs: (send, company) => documentVerbs(send, company, PLATFORM),
  }),
  service: world => ({
    service: cloudRun(world).service,
    verbs: (send, company) => serviceVerbs(send, company, PLATFORM),
  }),
};

const RING = 'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
const DOCUMENTS = 'projects/p/databases/(default)/documents';
const SERVICES = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
const FOREIGN = { company: 'c09999' };

/** Takes the name of the company's resource for somebody else. */
const TAKE_NAME: Readonly<Record<Resource, (service: Service) => void>> = {
  secret: service => {
    const url = 'https://secretmanager.googleapis.com/v1/projects/p/secrets?secretId=c00001-api-key';
    callFake(service, 'POST', url, { replication: { automatic: {} }, labels: FOREIGN });
  },
  cryptoKey: service => {
    callFake(service, 'POST', `${RING}?cryptoKeyId=c00001`, { purpose: 'ENCRYPT_DECRYPT', labels: FOREIGN });
  },
  document: service => {
    const update = {
      name: `${DOCUMENTS}/companies/c00001`,
      fields: { companyId: { stringValue: 'c09999' } },
    };
    callFake(service, 'POST', `https://firestore.googleapis.com/v1/${DOCUMENTS}:commit`, {
      writes: [{ update }],
    });
  },
  service: service => {
    const template = { containers: [{ image: 'other:1' }] };
    callFake(service, 'POST', `${SERVICES}?serviceId=c00001`, { labels: FOREIGN, template });
  },
};

const KINDS: readonly Resource[] = ['secret', 'cryptoKey', 'document', 'service'];
/** What the clients of this file's fakes promise beyond the secret's: an undoing that spares what is not ours. */
const CAREFUL: readonly Resource[] = ['cryptoKey', 'document', 'service'];
const CREATE_OPERATION: Readonly<Record<Resource, string>> = {
  secret: 'secretManager.secrets.create',
  cryptoKey: 'kms.cryptoKeys.create',
  document: 'firestore.documents.commit',
  service: 'cloudRun.services.create',
};

describe.each(KINDS)('the client of a %s', kind => {
  it('makes it, finds it, takes it away and makes it again', async () => {
    const { create, find, remove, ledger, clock } = setUp(kind);
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
    expect(await remove(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
    for (const round of [1, 2]) {
      const created = await create(ATTEMPT);
      expect(created.kind).toBe(kind === 'service' ? 'pending' : 'done');
      expect(await create(ATTEMPT)).toEqual({ kind: 'exists' });
      clock.nowMs += DONE_MS.deploy;
      const found = await find(ATTEMPT, undefined);
      expect(found).toEqual({ kind: 'done', id: expect.stringContaining('c00001') });
      expect(liveResources(ledger.entries)).toMatchObject([{ kind, company: 'c00001' }]);
      const removed = await remove(ATTEMPT, undefined);
      expect(removed.kind).toBe(kind === 'service' ? 'pending' : 'done');
      clock.nowMs += DONE_MS.delete;
      expect(await remove(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
      expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
      expect(liveResources(ledger.entries)).toEqual([]);
      expect(ledger.entries).toHaveLength(2 * round);
    }
  });

  it('gives every call of one attempt a key of its own', async () => {
    const { create, remove, transport } = setUp(kind);
    for (const verb of [create, remove, create]) {
      transport.calls.length = 0;
      await verb(ATTEMPT, undefined);
      const keys = transport.calls.map(({ key }) => key.join());
      expect(new Set(keys).size).toBe(keys.length);
      for (const { key, deadlineAtMs } of transport.calls) {
        expect(key.slice(0, -1)).toEqual(ATTEMPT.key);
        expect(deadlineAtMs).toBe(ATTEMPT.deadlineAtMs);
      }
    }
  });

  it('rejects a name that somebody else holds', async () => {
    const { create, find, service } = setUp(kind);
    TAKE_NAME[kind](service);
    expect(await create(ATTEMPT)).toEqual({ kind: 'exists' });
    expect(await find(ATTEMPT, undefined)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('another'),
    });
  });

  it('tells a quota from a refusal, and waits as long as for one that names no time', async () => {
    const rule = {
      name: 'writes',
      operations: [CREATE_OPERATION[kind]],
      perMinute: 1,
      scope: 'vendor',
    } as const;
    const { clientOf, ledger } = setUp(kind, [rule]);
    const create = (id: string) => clientOf({ ...COMPANY, id }).create(ATTEMPT);
    await create('c00002');
    await create('c00003');
    expect(await create('c00001')).toEqual({
      kind: 'throttled',
      quota: 'writes',
      retryAfterMs: RETRY_AFTER_DEFAULT_MS,
    });
    expect(ledger.entries).toHaveLength(2);
  });

  it('rejects what trying again does not help', async () => {
    const { create, find, remove } = setUp(kind).clientOf(COMPANY, undefined, 'bad');
    for (const verb of [create, find, remove])
      expect(await verb(ATTEMPT, undefined)).toMatchObject({
        kind: 'rejected',
        reason: 'the credential for google is refused, and there is no other',
      });
  });

  it.each<[string, Outcome, string]>([
    ['an unknown outcome', LOST, 'unknown'],
    ['a refused connection', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
    ['a 503', answered({ status: 503, body: undefined }), 'unknown'],
    ['a 500 in HTML', answered({ status: 500, body: '<html>' }), 'unknown'],
  ])('passes on %s', async (_, outcome, expected) => {
    const { clientOf } = setUp(kind);
    for (const verb of ['create', 'find', 'remove'] as const)
      expect((await clientOf(COMPANY, cannedTransport([outcome]))[verb](ATTEMPT, undefined)).kind).toBe(
        expected,
      );
  });

  it('does not take a 200 without a body for an answer', async () => {
    const empty = answered({ status: 200, body: undefined });
    const { clientOf } = setUp(kind);
    expect((await clientOf(COMPANY, cannedTransport([empty])).find(ATTEMPT, undefined)).kind).toBe('unknown');
  });
});

describe.each(CAREFUL)('undoing a %s', kind => {
  it('spares what is not ours', async () => {
    const { remove, service, ledger } = setUp(kind);
    TAKE_NAME[kind](service);
    expect(await remove(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
    expect(liveResources(ledger.entries)).toMatchObject([{ company: 'c09999' }]);
  });
});

describe('the client of a secret version', () => {
  it('adds one version and finds it by its secret', async () => {
    const { transport, create: createSecret } = setUp('secret');
    const chance = { uniform: () => 0, secret: () => 'open sesame' };
    const verbs = secretVersionVerbs(
      createSend(transport, fixedCredentials(TOKEN)),
      COMPANY,
      PLATFORM,
      'api-key',
      chance,
    );
    expect(await verbs.find(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
    await createSecret(ATTEMPT);
    expect(await verbs.find(ATTEMPT, undefined)).toEqual({ kind: 'absent' });
    const created = await verbs.create!(ATTEMPT);
    expect(created).toEqual({
      kind: 'done',
      id: expect.stringMatching(/^projects\/\d+\/secrets\/c00001-api-key\/versions\/1$/),
    });
    expect(await verbs.find(ATTEMPT, undefined)).toEqual(created);
  });
});

describe('the client of a key', () => {
  const enabled = (service: Service) =>
    callFake(service, 'GET', `${RING}/c00001/cryptoKeyVersions?filter=state%3DENABLED`).body
      .cryptoKeyVersions ?? [];

  it('leaves one enabled version after making, undoing and making it again', async () => {
    const { create, remove, service } = setUp('cryptoKey');
    await create(ATTEMPT);
    await remove(ATTEMPT, undefined);
    expect(enabled(service)).toEqual([]);
    expect(await create(ATTEMPT)).toMatchObject({ kind: 'done' });
    expect(enabled(service)).toHaveLength(1);
  });

  it.each([3, 4])('takes up the version of a try whose call %i got lost', async lostPart => {
    const { create, remove, clientOf, find, service, transport } = setUp('cryptoKey');
    await create(ATTEMPT);
    await remove(ATTEMPT, undefined);
    // The call has its effect and its answer is lost.
    const lossy: Transport = {
      send: async call => {
        const outcome = await transport.send(call);
        return call.key.at(-1) === lostPart ? LOST : outcome;
      },
    };
    expect((await clientOf(COMPANY, lossy).create(ATTEMPT)).kind).toBe('unknown');
    const found = await find(ATTEMPT, undefined);
    expect(found.kind).toBe(lostPart === 3 ? 'absent' : 'done');
    if (found.kind === 'absent') expect((await create(ATTEMPT)).kind).toBe('done');
    expect((await find(ATTEMPT, undefined)).kind).toBe('done');
    expect(enabled(service)).toHaveLength(1);
  });

  it.each(['create', 'remove'] as const)(
    'looks again when a list told %s of how things stood before',
    async verb => {
      const { create, remove, clientOf, service, transport } = setUp('cryptoKey');
      await create(ATTEMPT);
      const versions = `${RING}/c00001/cryptoKeyVersions`;
      const stale = callFake(service, 'GET', versions).body;
      await remove(ATTEMPT, undefined);
      const late: Transport = {
        send: async call =>
          call.url.startsWith(`${versions}?filter`)
            ? answered({ status: 200, body: stale })
            : transport.send(call),
      };
      const early = clientOf(COMPANY, late);
      const seen = verb === 'create' ? early.create(ATTEMPT) : early.remove(ATTEMPT, undefined);
      expect(await seen).toEqual({ kind: 'transient', reason: expect.stringContaining('another state') });
      const again = verb === 'create' ? create(ATTEMPT) : remove(ATTEMPT, undefined);
      expect((await again).kind).toBe(verb === 'create' ? 'done' : 'absent');
      expect(enabled(service)).toHaveLength(verb === 'create' ? 1 : 0);
    },
  );

  it('destroys also a version that was never made primary', async () => {
    const { create, remove, service, ledger } = setUp('cryptoKey');
    await create(ATTEMPT);
    callFake(service, 'POST', `${RING}/c00001/cryptoKeyVersions`, {});
    expect(await remove(ATTEMPT, undefined)).toEqual({ kind: 'done', id: '' });
    expect(enabled(service)).toEqual([]);
    expect(ledger.entries.map(({ effect }) => effect)).toEqual(['created', 'deleted']);
  });

  it.each([
    ['PENDING_GENERATION', 'pending'],
    ['DISABLED', 'rejected'],
    ['DESTROYED', 'absent'],
    [undefined, 'absent'],
  ])('reads a primary version that is %s as %s', async (state, kind) => {
    const body = { labels: { company: 'c00001' }, ...(state && { primary: { state } }) };
    const { find } = setUp('cryptoKey').clientOf(COMPANY, cannedTransport([answered({ status: 200, body })]));
    expect((await find(ATTEMPT, undefined)).kind).toBe(kind);
  });
});

describe.each(Object.keys(RESOURCES) as Resource[])('the client of a %s', name => {
  it('tries a write again that met a faster one, instead of taking its name for taken', async () => {
    const contended = answered({ status: 409, body: { error: { code: 409, status: 'ABORTED' } } });
    const { create } = setUp(name).clientOf(COMPANY, cannedTransport([contended]));
    expect((await create(ATTEMPT)).kind).toBe('transient');
  });
});

describe('the client of a service', () => {
  it('asks for its plan: labels, the container of the industry, concurrency 1000, 0 to 100 instances', async () => {
    const { create, transport } = setUp('service');
    await create(ATTEMPT);
    const body = JSON.parse(new TextDecoder().decode(transport.calls[0].body));
    expect(body.labels).toEqual({ company: 'c00001', industry: 'health-care', level: 'diamond' });
    expect(body.template).toMatchObject({
      containers: [
        {
          image: 'us-docker.pkg.dev/p/images/health:1',
          env: [
            { name: 'COMPANY_ID', value: 'c00001' },
            { name: 'REDACTION', value: 'on' },
          ],
          resources: { limits: { cpu: '4', memory: '7680Mi' } },
        },
      ],
      scaling: { minInstanceCount: 0, maxInstanceCount: 100 },
      maxInstanceRequestConcurrency: 1000,
    });
  });

  it('follows the operation until the service has a URI', async () => {
    const { create, find, clock, transport } = setUp('service');
    const created = await create(ATTEMPT);
    if (created.kind !== 'pending') throw new Error(created.kind);
    expect(created.id).toMatch(/\/operations\/\w+$/);
    expect(await find(ATTEMPT, created.id)).toEqual(created);
    expect(await find(ATTEMPT, undefined)).toEqual({ kind: 'pending', id: '' });
    clock.nowMs = DONE_MS.deploy;
    const done = await find(ATTEMPT, created.id);
    expect(done).toEqual({
      kind: 'done',
      id: expect.stringMatching(/^https:\/\/c00001-\w+-uw\.a\.run\.app$/),
    });
    expect(transport.calls.at(-1)!.url).toContain('/operations/');
    expect(await find(ATTEMPT, (done as { id: string }).id)).toEqual(done);
    expect(transport.calls.at(-1)!.url).toBe(`${SERVICES}/c00001`);
  });

  it('asks for the service when the operation is forgotten', async () => {
    const { create, find, clock } = setUp('service');
    await create(ATTEMPT);
    clock.nowMs = DONE_MS.deploy;
    const forgotten = 'projects/p/locations/us-west1/operations/99999999';
    expect((await find(ATTEMPT, forgotten)).kind).toBe('done');
  });

  it('calls a creation that ended in an error broken', async () => {
    const { create, find, remove, clock } = setUp('service');
    const created = await create(ATTEMPT);
    clock.nowMs = 1000;
    expect((await remove(ATTEMPT, undefined)).kind).toBe('pending');
    expect(await find(ATTEMPT, (created as { id: string }).id)).toMatchObject({ kind: 'broken' });
  });

  it('deletes once and then waits', async () => {
    const { create, remove, find, transport, clock } = setUp('service');
    await create(ATTEMPT);
    clock.nowMs = DONE_MS.deploy;
    for (let i = 0; i < 3; i++) expect((await remove(ATTEMPT, undefined)).kind).toBe('pending');
    expect(transport.calls.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    expect((await find(ATTEMPT, undefined)).kind).toBe('pending');
  });

  it.each([
    ['CONDITION_FAILED', 'broken'],
    ['CONDITION_PENDING', 'pending'],
    ['CONDITION_SUCCEEDED', 'pending'],
    [undefined, 'pending'],
  ])('reads %s without a URI as %s', async (state, kind) => {
    const body = { labels: { company: 'c00001' }, terminalCondition: { state, message: 'image not found' } };
    const { find } = setUp('service').clientOf(COMPANY, cannedTransport([answered({ status: 200, body })]));
    expect((await find(ATTEMPT, undefined)).kind).toBe(kind);
  });
});

describe('a change of a service', () => {
  const instances = (min: number, max: number): ServiceChange => ({
    mask: ['template.scaling'],
    fields: { template: { scaling: { minInstanceCount: min, maxInstanceCount: max } } },
  });
  const NAME = 'projects/p/locations/us-west1/services/c00001';
  const changing = async () => {
    const { create, transport, clock, service, ...rest } = setUp('service');
    await create(ATTEMPT);
    clock.nowMs = DONE_MS.deploy;
    const change = (of: ServiceChange, name = NAME) =>
      updateService(createSend(transport, fixedCredentials(TOKEN)), name, of, ATTEMPT);
    const get = () => callFake(service, 'GET', `${SERVICES}/c00001`, undefined, { nowMs: clock.nowMs }).body;
    const revisions = () =>
      callFake(service, 'GET', `${SERVICES}/c00001/revisions`, undefined, { nowMs: clock.nowMs }).body
        .revisions;
    return { ...rest, change, get, revisions, clock };
  };

  it('is pending by its operation, and done when the service is as it was asked to be', async () => {
    const { change, get, find, clock } = await changing();
    const changed = await change(instances(1, 20));
    expect(changed).toEqual({ kind: 'pending', id: expect.stringMatching(/\/operations\/\d+$/) });
    const { id } = changed as { id: string };
    expect((await find(ATTEMPT, id)).kind).toBe('pending');
    clock.nowMs += DONE_MS.deploy;
    expect(await find(ATTEMPT, id)).toMatchObject({ kind: 'done', id: get().uri });
    expect(get().template.scaling).toEqual({ minInstanceCount: 1, maxInstanceCount: 20 });
  });

  it.each<[string, ServiceChange, number]>([
    ['suspension', SUSPENDED, 1],
    ['resumption', RESUMED, 1],
    ['labels', { mask: ['labels'], fields: { labels: { company: 'c00001', level: 'gold' } } }, 1],
    ['restart', restartOf('7'), 2],
    ['instances', instances(1, 20), 2],
  ])('(%s) makes a revision only where the template changes', async (_what, of, count) => {
    const { change, get, revisions } = await changing();
    const { containers } = get().template;
    expect((await change(of)).kind).toBe('pending');
    expect(revisions()).toHaveLength(count);
    expect(get().template.containers).toEqual(containers);
  });

  it('(restart) that is asked for twice by the same name starts anew once', async () => {
    const { change, revisions } = await changing();
    for (const name of ['1', '1', '2']) await change(restartOf(name));
    expect(revisions()).toHaveLength(3);
  });

  it('says what it came to when there is nothing to change, or not so', async () => {
    const { change, ledger } = await changing();
    const before = ledger.entries.length;
    expect(await change(SUSPENDED, `${NAME}x`)).toEqual({ kind: 'absent' });
    expect(await change({ ...SUSPENDED, etag: '"0"' })).toMatchObject({ kind: 'transient' });
    expect(await change(instances(5, 4))).toMatchObject({ kind: 'rejected' });
    expect(await change({ mask: ['uri'], fields: {} })).toMatchObject({ kind: 'rejected' });
    expect(ledger.entries).toHaveLength(before);
  });
});

describe('a refusal by a quota of Google', () => {
  const DETAIL = 'type.googleapis.com/google.rpc.';
  const refused = (status: number, message: string, details?: readonly object[]) => {
    const body = { error: { code: status, message, ...(details && { details }) } };
    return answered({ status, body, headers: { 'retry-after': '7' } });
  };
  const info = (reason: string | undefined, metadata: object) => ({
    '@type': `${DETAIL}ErrorInfo`,
    ...(reason && { reason }),
    metadata,
  });
  const failure = { '@type': `${DETAIL}QuotaFailure`, violations: [{ subject: 's', description: 'd' }] };
  const retry = { '@type': `${DETAIL}RetryInfo`, retryDelay: '7s' };

  it.each<[string, readonly object[] | undefined, string]>([
    ['says that it is a rate', [info('RATE_LIMIT_EXCEEDED', { quota_limit: 'Writes' }), failure], 'Writes'],
    ['says when to come back', [failure, retry], 'google'],
    [
      'has a rate for a name',
      [info(undefined, { quota_limit: 'WritesPerMinute' }), failure],
      'WritesPerMinute',
    ],
    [
      'has a rate for a unit',
      [info(undefined, { quota_limit: 'Writes', quota_unit: '1/min/{project}' }), failure],
      'Writes',
    ],
    ['gives no reason', undefined, 'google'],
  ])('that %s is waited for', async (_what, details, quota) => {
    const { create } = setUp('service').clientOf(COMPANY, cannedTransport([refused(429, 'm', details)]));
    expect(await create(ATTEMPT)).toEqual({ kind: 'throttled', quota, retryAfterMs: 7000 });
  });

  it.each<[string, object, Record<string, string>, number]>([
    ['its body alone', { retryDelay: '1.5s' }, {}, 1500],
    ['its header and its body', { retryDelay: '1.5s' }, { 'retry-after': '7' }, 7000],
    ['nothing', {}, {}, RETRY_AFTER_DEFAULT_MS],
    ['a text that is no time', { retryDelay: 'soon' }, {}, RETRY_AFTER_DEFAULT_MS],
    ['a number instead of a text', { retryDelay: 2 }, {}, RETRY_AFTER_DEFAULT_MS],
    ['a time beyond reason', { retryDelay: '86400s' }, {}, RETRY_AFTER_MAX_MS],
  ])('says when to come back by %s', async (_what, delay, headers, retryAfterMs) => {
    const details = [{ '@type': `${DETAIL}RetryInfo`, ...delay }];
    const body = { error: { code: 429, message: 'm', details } };
    const transport = cannedTransport([answered({ status: 429, body, headers })]);
    const { create } = setUp('service').clientOf(COMPANY, transport);
    expect(await create(ATTEMPT)).toEqual({ kind: 'throttled', quota: 'google', retryAfterMs });
  });

  it.each<[string, readonly object[], string]>([
    [
      'says that there may be no more',
      [info('RESOURCE_QUOTA_EXCEEDED', { quota_limit: 'Services' })],
      'Services',
    ],
    ['names no rate', [info(undefined, { quota_limit: 'Services' }), failure], 'Services'],
  ])('that %s is not', async (_what, details, quota) => {
    const { create } = setUp('service').clientOf(COMPANY, cannedTransport([refused(429, 'm', details)]));
    expect(await create(ATTEMPT)).toEqual({
      kind: 'rejected',
      reason: `the quota ${quota} is used up: m`,
      quota,
    });
  });

  it('on the instances that a service may have is not waited for either, and is named', async () => {
    const world = createWorld({ 'quota.cloud-run.cpu': 200, 'quota.cloud-run.memory': 400 }, true);
    const transport = fakeTransport([cloudRun(world).service]);
    const { create } = serviceVerbs(createSend(transport, fixedCredentials(TOKEN)), COMPANY, PLATFORM);
    expect(await create!(ATTEMPT)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('CpuAllocPerProjectRegion requested: 400000 allowed: 200000'),
    });
  });
});

describe('the client of a company service', () => {
  const find = (outcome: Outcome) =>
    healthVerbs(createSend(cannedTransport([outcome]), fixedCredentials(TOKEN)), COMPANY, PLATFORM).find(
      ATTEMPT,
      undefined,
    );

  it('is done once the company answers by its own hostname', async () => {
    const world = createWorld({ 'lat.cloud-run.deploy': DONE_MS.deploy });
    const run = cloudRun(world);
    const transport = fakeTransport([
      run.service,
      companyServices(world, run, {
        recordAt: () => ({ type: 'CNAME', content: host, proxied: true }),
        certificateActive: () => true,
      }),
    ]);
    const send = createSend(transport, fixedCredentials(TOKEN));
    const service = serviceVerbs(send, COMPANY, PLATFORM);
    const health = healthVerbs(send, COMPANY, PLATFORM);
    let host = '';
    expect(await health.find(ATTEMPT, undefined)).toEqual({ kind: 'pending', id: '530' });
    await service.create!(ATTEMPT);
    transport.clock.nowMs = DONE_MS.deploy;
    const found = await service.find(ATTEMPT, undefined);
    host = new URL((found as { id: string }).id).host;
    transport.clock.nowMs = DONE_MS.deploy - 1;
    expect(await health.find(ATTEMPT, undefined)).toEqual({ kind: 'pending', id: '503' });
    transport.clock.nowMs = DONE_MS.deploy;
    expect(await health.find(ATTEMPT, undefined)).toEqual({ kind: 'done', id: `c00001.${DOMAIN}` });
    expect(transport.calls.at(-1)!.headers).toEqual({});
  });

  it('rejects the answer of another company', async () => {
    const body = { status: 'ok', company: 'c00002' };
    expect(await find(answered({ status: 200, body }))).toMatchObject({ kind: 'rejected' });
  });

  it.each<[string, Outcome, string]>([
    ['a 404', answered({ status: 404, body: '' }), 'pending'],
    ['a 526', answered({ status: 526, body: 'error code: 526' }), 'pending'],
    ['a 200 that names no company', answered({ status: 200, body: { status: 'ok' } }), 'pending'],
    ['a 200 of `null`', answered({ status: 200, body: null }), 'pending'],
    ['no answer', LOST, 'unknown'],
    ['a refused connection', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
  ])('reads %s as %s', async (_, outcome, kind) => {
    expect((await find(outcome)).kind).toBe(kind);
  });
});
