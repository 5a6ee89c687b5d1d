import { describe, expect, it } from 'vitest';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { REGION_CODES } from '../../fakes/cloudRunResources.ts';
import { companyServices } from '../../fakes/companyService.ts';
import type { Sight } from '../../fakes/dnsNames.ts';
import { firestore } from '../../fakes/firestore.ts';
import { labelsProblem } from '../../fakes/google.ts';
import { kms } from '../../fakes/kms.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { Quotas } from '../../fakes/quota.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import { callFake, createWorld, DOMAIN } from './harness.ts';

type Effects = readonly { kind: string; effect: string; company: string }[];
const effectsOf = (entries: Effects) =>
  entries.map(({ kind, effect, company }) => `${kind} ${effect} ${company}`);
const DEPLOY = { 'lat.cloud-run.deploy': 6000, 'lat.cloud-run.delete': 3000 };

describe('every Google API', () => {
  const targets = [
    ['secretManager', secretManager, 'https://secretmanager.googleapis.com/v1/projects/p/secrets'],
    ['kms', kms, 'https://cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/companies/cryptoKeys'],
    [
      'firestore',
      firestore,
      'https://firestore.googleapis.com/v1/projects/p/databases/(default)/documents:commit',
    ],
    [
      'cloudRun',
      (world: Parameters<typeof cloudRun>[0]) => cloudRun(world).service,
      'https://run.googleapis.com/v2/projects/p/locations/us-west1/services',
    ],
  ] as const;

  it.each(targets)(
    '%s refuses a wrong token, a body that is no JSON object and too many calls',
    (_, make, url) => {
      const world = createWorld(DEPLOY);
      const service = make(world);
      const { operation } = service.routes.find(({ method }) => method === 'POST')!;
      const rule = { name: 'writes', operations: [operation], perMinute: 1, scope: 'vendor' } as const;
      const quotas = new Quotas([rule]);
      const refused = (options: object, body: unknown = {}) => {
        const answer = callFake(service, 'POST', url, body, options);
        return [answer.status, answer.body.error.code, answer.body.error.status];
      };
      expect(refused({ token: 'bad' })).toEqual([401, 401, 'UNAUTHENTICATED']);
      expect(refused({ headers: {} })).toEqual([401, 401, 'UNAUTHENTICATED']);
      for (const body of ['{', '[]', '"text"', 'null'])
        expect(refused({}, body)).toEqual([400, 400, 'INVALID_ARGUMENT']);
      // The first counts whatever becomes of it, the second may come one interval early.
      for (let i = 0; i < 2; i++) callFake(service, 'POST', url, {}, { quotas });
      const { status, body, headers } = callFake(service, 'POST', url, {}, { quotas });
      expect([status, body.error.status, headers['retry-after']]).toEqual([
        429,
        'RESOURCE_EXHAUSTED',
        undefined,
      ]);
      expect(JSON.stringify(body)).not.toContain('RetryInfo');
      expect(body.error.details[0].metadata.quota_limit).toBe('writes');
      expect(world.ledger.entries).toEqual([]);
    },
  );
});

it.each([
  [403, 'PERMISSION_DENIED'],
  [500, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])('a failure with %i has the status that Google gives it: %s', (status, name) => {
  expect(secretManager(createWorld()).unavailable(status)).toMatchObject({
    status,
    body: { error: { code: status, status: name } },
  });
});

it.each([
  ['in another alphabet', { 会社: 'größe' }, true],
  ['of 63 characters and 128 bytes', { a: `${'é'.repeat(62)}a` }, true],
  ['of 63 characters and more bytes', { a: '会'.repeat(63) }, false],
  ['in upper case of another alphabet', { a: 'É' }, false],
  ['with a letter that begins upper case', { É: 'a' }, false],
  ['that is empty', { a: '' }, true],
])('a label %s is taken or refused as the vendor says', (_, labels, isTaken) => {
  expect(labelsProblem(labels) === undefined).toBe(isTaken);
});

describe('Cloud KMS', () => {
  const RING =
    'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
  const KEY = { purpose: 'ENCRYPT_DECRYPT', labels: { company: 'c00001' } };
  const DAY_MS = 86_400_000;
  const setUp = () => {
    const world = createWorld();
    const service = kms(world);
    const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
      callFake(service, method, `${RING}${path}`, body, { nowMs });
    return { world, service, call };
  };

  it('creates a key with one enabled version, its primary', () => {
    const { call, world } = setUp();
    const created = call('POST', '?cryptoKeyId=c00001', KEY);
    expect(created).toMatchObject({
      status: 200,
      operation: 'kms.cryptoKeys.create',
      latency: 'lat.kms.write',
      body: {
        name: 'projects/p/locations/us-west1/keyRings/companies/cryptoKeys/c00001',
        labels: { company: 'c00001' },
        primary: { name: expect.stringMatching(/\/cryptoKeyVersions\/1$/), state: 'ENABLED' },
      },
    });
    expect(call('GET', '/c00001').body).toEqual(created.body);
    expect(call('POST', '?cryptoKeyId=c00001', KEY).body.error.status).toBe('ALREADY_EXISTS');
    expect(effectsOf(world.ledger.entries)).toEqual(['cryptoKey created c00001']);
  });

  it.each([
    ['an id with a dot', '?cryptoKeyId=c.1', {}],
    ['an id of 64 characters', `?cryptoKeyId=${'c'.repeat(64)}`, {}],
    ['no id', '', {}],
    ['no purpose', '?cryptoKeyId=c1', { purpose: undefined }],
    ['another purpose', '?cryptoKeyId=c1', { purpose: 'MAC' }],
    ['an algorithm of another purpose', '?cryptoKeyId=c1', { versionTemplate: { algorithm: 'HMAC_SHA256' } }],
    ['an unknown protection level', '?cryptoKeyId=c1', { versionTemplate: { protectionLevel: 'PAPER' } }],
    ['an unknown field of the template', '?cryptoKeyId=c1', { versionTemplate: { size: 1 } }],
    ['a destruction in less than a day', '?cryptoKeyId=c1', { destroyScheduledDuration: '86399s' }],
    ['a destruction after 120 days', '?cryptoKeyId=c1', { destroyScheduledDuration: '10368001s' }],
    ['a duration without unit', '?cryptoKeyId=c1', { destroyScheduledDuration: '86400' }],
    ['a label in upper case', '?cryptoKeyId=c1', { labels: { company: 'C1' } }],
    ['a label key that starts with a digit', '?cryptoKeyId=c1', { labels: { '1st': 'c1' } }],
    ['labels that are a list', '?cryptoKeyId=c1', { labels: ['c1'] }],
    ['an unknown field', '?cryptoKeyId=c1', { purpos: 'ENCRYPT_DECRYPT' }],
  ])('refuses a key with %s', (_, query, change) => {
    const { call, world } = setUp();
    const { status, body } = call('POST', query, { ...KEY, ...change });
    expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
    expect(world.ledger.entries).toEqual([]);
  });

  it('knows the key ring `companies` everywhere and no other', () => {
    const { service } = setUp();
    const create = (location: string, ring: string) =>
      callFake(
        service,
        'POST',
        `https://cloudkms.googleapis.com/v1/projects/p/locations/${location}/keyRings/${ring}/cryptoKeys?cryptoKeyId=k`,
        KEY,
      ).status;
    expect([create('us-west1', 'companies'), create('europe-west1', 'companies')]).toEqual([200, 200]);
    expect(create('us-west1', 'others')).toBe(404);
  });

  it('destroys a version for good and lets a new one take its place', () => {
    const { call, world } = setUp();
    call('POST', '?cryptoKeyId=c00001', KEY);
    const destroyed = call('POST', '/c00001/cryptoKeyVersions/1:destroy', {}, 5);
    expect(destroyed.body).toMatchObject({
      state: 'DESTROY_SCHEDULED',
      destroyTime: '1970-01-31T00:00:00.005Z',
    });
    expect(liveResources(world.ledger.entries)).toEqual([]);
    expect(call('GET', '/c00001', undefined, 30 * DAY_MS).body.primary.state).toBe('DESTROY_SCHEDULED');
    expect(call('GET', '/c00001', undefined, 31 * DAY_MS).body.primary.state).toBe('DESTROYED');
    expect(call('POST', '/c00001/cryptoKeyVersions', {}, 10).body).toMatchObject({ state: 'ENABLED' });
    expect(call('GET', '/c00001', undefined, 10).body.primary.state).toBe('DESTROY_SCHEDULED');
    const updated = call('POST', '/c00001:updatePrimaryVersion', { cryptoKeyVersionId: '2' }, 11);
    expect(updated.body.primary).toMatchObject({ state: 'ENABLED', name: expect.stringMatching(/\/2$/) });
    const listed = call('GET', '/c00001/cryptoKeyVersions?filter=state%3DENABLED', undefined, 12).body;
    expect(listed).toEqual({
      cryptoKeyVersions: [expect.objectContaining({ name: expect.stringMatching(/\/2$/) })],
    });
    const effects = ['created', 'deleted', 'created'].map(effect => `cryptoKey ${effect} c00001`);
    expect(effectsOf(world.ledger.entries)).toEqual(effects);
  });

  it.each([
    ['destroys a version twice', 'c1/cryptoKeyVersions/1:destroy', {}, 400, 'FAILED_PRECONDITION'],
    [
      'makes a destroyed version primary',
      'c1:updatePrimaryVersion',
      { cryptoKeyVersionId: '1' },
      400,
      'FAILED_PRECONDITION',
    ],
    ['makes a number primary', 'c1:updatePrimaryVersion', { cryptoKeyVersionId: 1 }, 400, 'INVALID_ARGUMENT'],
    ['makes nothing primary', 'c1:updatePrimaryVersion', {}, 400, 'INVALID_ARGUMENT'],
    [
      'makes an absent version primary',
      'c1:updatePrimaryVersion',
      { cryptoKeyVersionId: '2' },
      404,
      'NOT_FOUND',
    ],
    ['destroys an absent version', 'c1/cryptoKeyVersions/2:destroy', {}, 404, 'NOT_FOUND'],
    ['adds a version to an absent key', 'c2/cryptoKeyVersions', {}, 404, 'NOT_FOUND'],
    ['gives a version an unknown field', 'c1/cryptoKeyVersions', { algorithm: 'x' }, 400, 'INVALID_ARGUMENT'],
  ])('refuses a call that %s', (_, path, body, code, status) => {
    const { call, world } = setUp();
    call('POST', '?cryptoKeyId=c1', KEY);
    call('POST', '/c1/cryptoKeyVersions/1:destroy', {});
    const { error } = call('POST', `/${path}`, body).body;
    expect([error.code, error.status]).toEqual([code, status]);
    expect(world.ledger.entries).toHaveLength(2);
  });

  it('has no way to delete a key', () => {
    expect(setUp().call('DELETE', '/c00001').status).toBe(501);
  });

  it('takes a verb that it does not cover for no part of a name', () => {
    expect(setUp().call('GET', '/c00001:getIamPolicy').status).toBe(501);
  });
});

describe('Firestore', () => {
  const ROOT = 'projects/p/databases/(default)/documents';
  const API = `https://firestore.googleapis.com/v1/${ROOT}`;
  const NAME = `${ROOT}/companies/c00001`;
  const FIELDS = { companyId: { stringValue: 'c00001' } };
  const setUp = () => {
    const world = createWorld();
    const service = firestore(world);
    const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
      callFake(service, method, `${API}${path}`, body, { nowMs });
    const commit = (writes: unknown, nowMs = 0) => call('POST', ':commit', { writes }, nowMs);
    return { world, call, commit };
  };

  it('creates, changes and deletes a document, and says when', () => {
    const { call, commit, world } = setUp();
    const created = commit(
      [{ update: { name: NAME, fields: FIELDS }, currentDocument: { exists: false } }],
      1,
    );
    expect(created).toMatchObject({
      status: 200,
      operation: 'firestore.documents.commit',
      body: {
        commitTime: '1970-01-01T00:00:00.001Z',
        writeResults: [{ updateTime: '1970-01-01T00:00:00.001Z' }],
      },
    });
    commit([{ update: { name: NAME, fields: FIELDS } }], 2);
    expect(call('GET', '/companies/c00001').body).toEqual({
      name: NAME,
      fields: FIELDS,
      createTime: '1970-01-01T00:00:00.001Z',
      updateTime: '1970-01-01T00:00:00.002Z',
    });
    expect(commit([{ delete: NAME }]).body.writeResults).toEqual([{}]);
    expect(call('GET', '/companies/c00001').body.error.status).toBe('NOT_FOUND');
    const effects = ['created', 'changed', 'deleted'].map(effect => `document ${effect} c00001`);
    expect(effectsOf(world.ledger.entries)).toEqual(effects);
  });

  it('keeps all writes of a commit or none', () => {
    const { call, commit, world } = setUp();
    const create = { update: { name: NAME, fields: FIELDS }, currentDocument: { exists: false } };
    const other = { update: { name: `${ROOT}/companies/c00002`, fields: FIELDS } };
    expect(commit([other, create, create]).body.error).toMatchObject({ code: 409, status: 'ALREADY_EXISTS' });
    expect(commit([other, { delete: NAME, currentDocument: { exists: true } }]).status).toBe(404);
    expect(commit([other, { update: { name: 'nonsense' } }]).status).toBe(400);
    expect(call('GET', '/companies/c00002').status).toBe(404);
    expect(world.ledger.entries).toEqual([]);
    expect(commit([create, { delete: NAME }, create]).status).toBe(200);
    expect(liveResources(world.ledger.entries)).toHaveLength(1);
  });

  it('tells two updates in one millisecond apart', () => {
    const { call, commit } = setUp();
    const seen = () => call('GET', '/companies/c00001', undefined, 5).body.updateTime;
    const update = (updateTime: string) =>
      commit([{ update: { name: NAME, fields: FIELDS }, currentDocument: { updateTime } }], 5).status;
    commit([{ update: { name: NAME, fields: FIELDS } }], 5);
    const first = seen();
    expect(update(first)).toBe(200);
    expect(update(first)).toBe(400);
    expect(update(seen())).toBe(200);
  });

  it('deletes what is not there, unless it must be there', () => {
    const { call, world } = setUp();
    expect(call('DELETE', '/companies/c00001')).toMatchObject({ status: 200, body: {} });
    expect(call('DELETE', '/companies/c00001?currentDocument.exists=true').status).toBe(404);
    expect(call('DELETE', '/companies/c00001?currentDocument.exists=perhaps').status).toBe(400);
    expect(world.ledger.entries).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['writes that are no list', {}],
    ['a write that is no object', ['write']],
    ['a write of two kinds', [{ update: { name: NAME }, delete: NAME }]],
    ['a write of no kind', [{}]],
    ['an unknown field', [{ update: { name: NAME }, updateMusk: {} }]],
    ['no name', [{ update: { fields: FIELDS } }]],
    ['a name in another project', [{ delete: NAME.replace('projects/p', 'projects/q') }]],
    ['a name in another database', [{ delete: NAME.replace('(default)', 'other') }]],
    ['a collection for a name', [{ delete: `${ROOT}/companies` }]],
    ['a reserved id', [{ delete: `${ROOT}/companies/__c1__` }]],
    ['a precondition that is no boolean', [{ delete: NAME, currentDocument: { exists: 'yes' } }]],
    ['an empty precondition', [{ delete: NAME, currentDocument: {} }]],
    ['a document with an unknown field', [{ update: { name: NAME, value: {} } }]],
    ['fields that are a list', [{ update: { name: NAME, fields: [] } }]],
  ])('refuses a commit with %s', (_, writes) => {
    const { commit, world } = setUp();
    const { status, body } = commit(writes);
    expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
    expect(world.ledger.entries).toEqual([]);
  });

  const nested = (levels: number): object =>
    levels === 0 ? { nullValue: null } : { mapValue: { fields: { in: nested(levels - 1) } } };
  it.each<[string, unknown]>([
    ['a bare string', 'c1'],
    ['no type', {}],
    ['two types', { stringValue: 'c1', booleanValue: true }],
    ['an unknown type', { textValue: 'c1' }],
    ['a type that every object inherits', { toString: 'c1' }],
    ['a string that is a number', { stringValue: 1 }],
    ['a boolean that is a string', { booleanValue: 'true' }],
    ['an integer that is a number', { integerValue: 1 }],
    ['an integer with a point', { integerValue: '1.5' }],
    ['an integer of 65 bits', { integerValue: '9223372036854775808' }],
    ['a double that is a string', { doubleValue: '1.5' }],
    ['a time without a zone', { timestampValue: '2026-11-22T10:20:30' }],
    ['a thirteenth month', { timestampValue: '2026-13-22T10:20:30Z' }],
    ['bytes that are not base64', { bytesValue: '?' }],
    ['a reference to a collection', { referenceValue: `${ROOT}/companies` }],
    ['a latitude beyond the pole', { geoPointValue: { latitude: 91, longitude: 0 } }],
    ['a null with content', { nullValue: 0 }],
    ['a list that is none', { arrayValue: { values: {} } }],
    ['a list in a list', { arrayValue: { values: [{ arrayValue: {} }] } }],
    ['a bad value in a list', { arrayValue: { values: [{ stringValue: 1 }] } }],
    ['a bad value in a map', { mapValue: { fields: { a: { stringValue: 1 } } } }],
    ['a reserved name in a map', { mapValue: { fields: { __a__: { stringValue: '' } } } }],
    ['an empty name in a map', { mapValue: { fields: { '': { stringValue: '' } } } }],
    ['too many levels', nested(20)],
  ])('refuses a value that is %s', (_, value) => {
    const { commit } = setUp();
    const { status, body } = commit([{ update: { name: NAME, fields: { ...FIELDS, value } } }]);
    expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  it('takes a value of every type', () => {
    const { commit } = setUp();
    const fields = {
      string: { stringValue: '' },
      integer: { integerValue: '-9223372036854775808' },
      double: { doubleValue: 1.5 },
      boolean: { booleanValue: false },
      time: { timestampValue: '2026-11-22T10:20:30.123456Z' },
      bytes: { bytesValue: 'YQ==' },
      nothing: { nullValue: null },
      reference: { referenceValue: NAME },
      place: { geoPointValue: { latitude: -90, longitude: 180 } },
      list: { arrayValue: { values: [{ stringValue: 'a' }, { mapValue: {} }] } },
      map: nested(19),
    };
    expect(commit([{ update: { name: NAME, fields } }]).status).toBe(200);
  });

  it('knows one database', () => {
    const url = 'https://firestore.googleapis.com/v1/projects/p/databases/other/documents:commit';
    expect(callFake(firestore(createWorld()), 'POST', url, {}).body.error.status).toBe('NOT_FOUND');
  });
});

describe('Cloud Run', () => {
  const PARENT = 'projects/p/locations/us-west1';
  const API = `https://run.googleapis.com/v2/${PARENT}`;
  const TEMPLATE = {
    containers: [
      { image: 'us-docker.pkg.dev/p/r/health:1', resources: { limits: { cpu: '2', memory: '4Gi' } } },
    ],
    scaling: { minInstanceCount: 0, maxInstanceCount: 500 },
    maxInstanceRequestConcurrency: 1000,
    timeout: '300s',
  };
  const SERVICE = { labels: { company: 'c00001' }, template: TEMPLATE };
  const setUp = () => {
    const world = createWorld(DEPLOY);
    const run = cloudRun(world);
    const call = (method: string, path: string, body?: unknown, nowMs = 0) =>
      callFake(run.service, method, `${API}${path}`, body, { nowMs });
    return { world, run, call };
  };

  it('creates a service through an operation and serves once that is done', () => {
    const { call, run, world } = setUp();
    const { status, body } = call('POST', '/services?serviceId=c00001', SERVICE, 1000);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      metadata: { '@type': 'type.googleapis.com/google.cloud.run.v2.Service' },
    });
    expect(body).not.toHaveProperty('done');
    expect(body.name).toMatch(/^projects\/p\/locations\/us-west1\/operations\/\w+$/);
    const operation = body.name.slice(PARENT.length);
    const early = call('GET', '/services/c00001', undefined, 6999).body;
    expect(early).toMatchObject({
      reconciling: true,
      terminalCondition: { type: 'Ready', state: 'CONDITION_RECONCILING' },
    });
    expect(early).not.toHaveProperty('uri');
    expect(call('GET', operation, undefined, 6999).body.done).toBeUndefined();
    const late = call('GET', '/services/c00001', undefined, 7000).body;
    expect(late).toMatchObject({
      name: `${PARENT}/services/c00001`,
      uri: expect.stringMatching(/^https:\/\/c00001-[a-z0-9]{10}-uw\.a\.run\.app$/),
      urls: [late.uri],
      terminalCondition: { type: 'Ready', state: 'CONDITION_SUCCEEDED' },
      latestReadyRevision: expect.stringContaining('/revisions/c00001-'),
    });
    expect(late).not.toHaveProperty('reconciling');
    expect(call('GET', operation, undefined, 7000).body).toMatchObject({
      done: true,
      response: { uri: late.uri },
    });
    const host = new URL(late.uri).host;
    expect(run.serviceByHost(host, 6999)).toMatchObject({ company: 'c00001', ready: false });
    expect(run.serviceByHost(host, 7000)).toMatchObject({ company: 'c00001', ready: true });
    expect(effectsOf(world.ledger.entries)).toEqual(['service created c00001']);
  });

  it('deletes a service in time; until then its name is taken', () => {
    const { call, run, world } = setUp();
    call('POST', '/services?serviceId=c00001', SERVICE);
    const host = new URL(call('GET', '/services/c00001', undefined, 6000).body.uri).host;
    const { body } = call('DELETE', '/services/c00001', undefined, 7000);
    expect(body.done).toBeUndefined();
    expect(call('DELETE', '/services/c00001', undefined, 7001).status).toBe(200);
    expect(call('GET', '/services/c00001', undefined, 9999).body).toMatchObject({
      deleteTime: expect.any(String),
    });
    expect(run.serviceByHost(host, 9999)).toMatchObject({ ready: false });
    expect(call('POST', '/services?serviceId=c00001', SERVICE, 9999).body.error.status).toBe(
      'ALREADY_EXISTS',
    );
    expect(call('GET', '/services/c00001', undefined, 10_000).status).toBe(404);
    expect(call('DELETE', '/services/c00001', undefined, 10_000).body.error.status).toBe('NOT_FOUND');
    expect(run.serviceByHost(host, 10_000)).toBeUndefined();
    expect(call('GET', body.name.slice(PARENT.length), undefined, 10_000).body.done).toBe(true);
    expect(call('POST', '/services?serviceId=c00001', SERVICE, 10_000).status).toBe(200);
    const effects = ['created', 'deleted', 'created'].map(effect => `service ${effect} c00001`);
    expect(effectsOf(world.ledger.entries)).toEqual(effects);
  });

  it('ends a creation in an error when the service is deleted before it is ready', () => {
    const { call } = setUp();
    const operation = call('POST', '/services?serviceId=c00001', SERVICE).body.name.slice(PARENT.length);
    call('DELETE', '/services/c00001', undefined, 1000);
    const { body } = call('GET', operation, undefined, 1000);
    expect(body).toMatchObject({ done: true, error: { code: 10 } });
    expect(body).not.toHaveProperty('response');
  });

  it('lists the services of one location by pages, also when one goes between two pages', () => {
    const { call, run } = setUp();
    for (const id of ['c3', 'c1', 'c5', 'c2', 'c4']) call('POST', `/services?serviceId=${id}`, SERVICE);
    callFake(run.service, 'POST', `${API.replace('west1', 'central1')}/services?serviceId=x`, SERVICE);
    const idsOf = (body: { services: { name: string }[] }) =>
      body.services.map(({ name }) => name.split('/').at(-1));
    const first = call('GET', '/services?pageSize=2').body;
    expect(idsOf(first)).toEqual(['c1', 'c2']);
    call('DELETE', '/services/c2');
    const second = call('GET', `/services?pageSize=2&pageToken=${first.nextPageToken}`, undefined, 3000).body;
    expect(idsOf(second)).toEqual(['c3', 'c4']);
    const third = call('GET', `/services?pageSize=2&pageToken=${second.nextPageToken}`, undefined, 3000).body;
    expect(idsOf(third)).toEqual(['c5']);
    expect(third).not.toHaveProperty('nextPageToken');
    expect(call('GET', '/services?pageToken=!').status).toBe(400);
    expect(call('GET', '/services?pageSize=-1').status).toBe(400);
  });

  it.each(['', 'C1', '1c', 'c1-', 'c_1', 'c'.repeat(50)])('refuses the service id "%s"', id => {
    expect(setUp().call('POST', `/services?serviceId=${id}`, SERVICE).body.error.status).toBe(
      'INVALID_ARGUMENT',
    );
  });

  const container = (change: object) => ({
    template: { ...TEMPLATE, containers: [{ ...TEMPLATE.containers[0], ...change }] },
  });
  const limits = (cpu: unknown, memory: unknown) => container({ resources: { limits: { cpu, memory } } });
  const template = (change: object) => ({ template: { ...TEMPLATE, ...change } });
  it.each<[string, object]>([
    ['no template', { template: undefined }],
    ['an unknown field', { scale: 1 }],
    ['a label in upper case', { labels: { company: 'C1' } }],
    ['a bad label on the template', template({ labels: { Company: 'c1' } })],
    ['an unknown field of the template', template({ concurrency: 1 })],
    ['no container', template({ containers: [] })],
    ['two containers', template({ containers: [TEMPLATE.containers[0], TEMPLATE.containers[0]] })],
    ['no image', container({ image: undefined })],
    ['an image with a space', container({ image: 'health care' })],
    ['an image of another registry', container({ image: 'ghcr.io/p/health:1' })],
    ['an image of a registry on this machine', container({ image: 'localhost:5000/health:1' })],
    ['an image of a host that ends like one of theirs', container({ image: 'notgcr.io/p/health:1' })],
    ['a port for a variable', container({ env: [{ name: 'PORT', value: '1' }] })],
    ["a variable of the container's contract", container({ env: [{ name: 'K_SERVICE', value: 'x' }] })],
    ["a revision without the service's name", template({ revision: 'green' })],
    ["a revision that only begins like the service's name", template({ revision: 'c10-green' })],
    ['an unknown field of the container', container({ images: [] })],
    ['an unknown limit', container({ resources: { limits: { cpus: '2' } } })],
    ['limits that are a list', container({ resources: { limits: [] } })],
    ['3 vCPU', limits('3', '4Gi')],
    ['vCPU as a number', limits(2, '4Gi')],
    ['vCPU by a name that every object inherits', limits('toString', '4Gi')],
    ['too much memory for the vCPU', limits('2', '9Gi')],
    ['too little memory for the vCPU', limits('4', '1Gi')],
    ['memory without a unit', limits('2', '4096')],
    ['a negative minimum', template({ scaling: { minInstanceCount: -1 } })],
    ['a minimum above the maximum', template({ scaling: { minInstanceCount: 3, maxInstanceCount: 2 } })],
    ['a maximum of 0', template({ scaling: { maxInstanceCount: 0 } })],
    ['an unknown field of the scaling', template({ scaling: { maxInstances: 1 } })],
    ['concurrency 0', template({ maxInstanceRequestConcurrency: 0 })],
    ['concurrency 1001', template({ maxInstanceRequestConcurrency: 1001 })],
    ['concurrency 1.5', template({ maxInstanceRequestConcurrency: 1.5 })],
    ['a time-out over an hour', template({ timeout: '3601s' })],
    ['a time-out without unit', template({ timeout: '300' })],
  ])('refuses a service with %s', (_, change) => {
    const { call, world } = setUp();
    const { status, body } = call('POST', '/services?serviceId=c1', { ...SERVICE, ...change });
    expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
    expect(body.error.details[0].fieldViolations[0].field).toMatch(/^service/);
    expect(world.ledger.entries).toEqual([]);
  });

  it.each([
    'health',
    'health:1',
    'docker.io/library/health:1',
    'gcr.io/p/health',
    'eu.gcr.io/p/health:1',
    'us-docker.pkg.dev/p/r/health:1',
    'us-west1-docker.pkg.dev/p/r/health:1',
    `docker.pkg.dev/p/r/health:1@sha256:${'a'.repeat(64)}`,
  ])('takes the image %s', image => {
    const { call } = setUp();
    expect(call('POST', '/services?serviceId=c1', { ...SERVICE, ...container({ image }) }).status).toBe(200);
  });

  it("knows the vendor's regions, each by hosts of its own, and no operation that it did not start", () => {
    const { run, call } = setUp();
    const hosts = ['us-west1', 'us-east1', 'asia-southeast1'].map(region => {
      const services = `${API.replace('us-west1', region)}/services`;
      expect(callFake(run.service, 'POST', `${services}?serviceId=c2`, SERVICE).status).toBe(200);
      return callFake(run.service, 'GET', `${services}/c2`, undefined, { nowMs: 60_000 }).body.uri;
    });
    expect(new Set(hosts).size).toBe(3);
    const codes = Object.values(REGION_CODES);
    expect(new Set(codes).size).toBe(codes.length);
    const url = API.replace('us-west1', 'constructor');
    expect(callFake(run.service, 'POST', `${url}/services?serviceId=c1`, SERVICE).status).toBe(404);
    expect(call('GET', '/operations/00000009').body.error.status).toBe('NOT_FOUND');
  });

  it('counts its quotas by project and region', () => {
    const { run } = setUp();
    const operations = ['cloudRun.services.create'];
    const quotas = new Quotas([{ name: 'writes', operations, perMinute: 1, scope: 'vendor' }]);
    const create = (region: string, id: string) =>
      callFake(run.service, 'POST', `${API.replace('us-west1', region)}/services?serviceId=${id}`, SERVICE, {
        quotas,
      });
    const statuses = ['a', 'b', 'c'].map(id => create('us-west1', id).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(create('us-central1', 'c').status).toBe(200);
  });
});

describe('a company service', () => {
  const HOSTNAME = `c00001.${DOMAIN}`;
  const setUp = () => {
    const world = createWorld(DEPLOY);
    const run = cloudRun(world);
    const api = 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services';
    const body = { labels: { company: 'c00001' }, template: { containers: [{ image: 'health:1' }] } };
    callFake(run.service, 'POST', `${api}?serviceId=c00001`, body);
    const host = new URL(callFake(run.service, 'GET', `${api}/c00001`, undefined, { nowMs: 6000 }).body.uri)
      .host;
    const seen: { record: Sight | undefined; certificate: boolean } = {
      record: { type: 'CNAME', content: host, proxied: true },
      certificate: true,
    };
    const service = companyServices(world, run, {
      recordAt: hostname => (hostname === HOSTNAME ? seen.record : undefined),
      certificateActive: () => seen.certificate,
    });
    const health = (hostname: string, nowMs = 6000) =>
      callFake(service, 'GET', `https://${hostname}/health`, undefined, { nowMs, headers: {} });
    return { seen, host, health };
  };

  it('answers for its company by both hosts, the first time from a cold instance', () => {
    const { host, health } = setUp();
    const body = { status: 'ok', company: 'c00001' };
    expect(health(host)).toMatchObject({
      status: 200,
      body,
      latency: 'run.cold.node',
      operation: 'companyService.health',
    });
    expect(health(HOSTNAME)).toMatchObject({ status: 200, body, latency: 'lat.company-service.warm' });
    expect(health(HOSTNAME, 906_001)).toMatchObject({ status: 200, latency: 'run.cold.node' });
  });

  it('answers 503 until it is ready, and starts nothing before', () => {
    const { host, health } = setUp();
    expect(health(host, 5999)).toMatchObject({ status: 503, latency: 'lat.refusal' });
    expect(health(HOSTNAME, 5999).status).toBe(503);
    expect(health(HOSTNAME).latency).toBe('run.cold.node');
  });

  it('cannot be reached by an unknown host, without a record, past the edge or without a certificate', () => {
    const { seen, host, health } = setUp();
    expect(health('c00002-abcdefghij-uw.a.run.app').status).toBe(404);
    expect(health(`c00002.${DOMAIN}`)).toMatchObject({ status: 530, body: 'error code: 1016' });
    seen.certificate = false;
    expect(health(HOSTNAME).status).toBe(526);
    seen.certificate = true;
    seen.record = { type: 'CNAME', content: 'elsewhere.example', proxied: true };
    expect(health(HOSTNAME).status).toBe(530);
    seen.record = { type: 'CNAME', content: `x${host}`, proxied: true };
    expect(health(HOSTNAME).status).toBe(404);
    seen.record = { type: 'CNAME', content: host, proxied: false };
    expect(health(HOSTNAME).status).toBe(404);
  });
});
