// Cloud Run as Google's own client sees it, over HTTP on loopback: no delays, and a clock fast enough that an operation
// is done when it is asked for again.

import { auth, run, type run_v2 } from '@googleapis/run';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { googleRefusal, type OverHttp, serveCloud } from './overHttp.ts';

type Service = run_v2.Schema$GoogleCloudRunV2Service;
type Operation = run_v2.Schema$GoogleLongrunningOperation;

const parent = 'projects/p/locations/us-west1';
const IMAGE = 'us-docker.pkg.dev/p/images/health';
/** Hours of the fake in a millisecond: whatever takes seconds is over at the next call. */
const FAST = 10_000_000;

let server: OverHttp;
const clientOf = (access_token: string) => {
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token });
  const options = { version: 'v2', auth: credential, rootUrl: `${server.urls.cloudRun}/` } as const;
  return run({ ...options, retry: false }).projects.locations;
};
let locations: ReturnType<typeof clientOf>;
let services: typeof locations.services;
let n = 0;
let id: string;
let name: string;

const serviceOf = (tag: string, change: object = {}): Service => ({
  labels: { company: 'c00001' },
  template: { containers: [{ image: `${IMAGE}:${tag}` }], scaling: { maxInstanceCount: 5 } },
  ...change,
});
/** Asks until the operation is done, as a script does. */
async function finished({ data }: { data: Operation }): Promise<Operation> {
  let operation = data;
  while (!operation.done)
    operation = (await locations.operations.wait({ name: data.name!, requestBody: { timeout: '60s' } })).data;
  return operation;
}
const get = async () => (await services.get({ name })).data;
const patch = async (requestBody: Service, updateMask?: string, options: object = {}) =>
  finished(await services.patch({ name, requestBody, ...(updateMask && { updateMask }), ...options }));
const revisionsOf = async () => (await services.revisions.list({ parent: name })).data.revisions ?? [];
const shortName = (resource: string | null | undefined) => resource?.split('/').at(-1);
const effects = () =>
  server.cloud.ledger.entries.filter(entry => entry.name === name).map(({ effect }) => effect);

beforeAll(async () => {
  server = await serveCloud(FAST);
  locations = clientOf(TOKEN);
  services = locations.services;
});
afterAll(() => server.close());
beforeEach(async () => {
  id = `s${++n}`;
  name = `${parent}/services/${id}`;
  await finished(await services.create({ parent, serviceId: id, requestBody: serviceOf('1') }));
});

test('a service is created, changed to a new image, rolled back and deleted', async () => {
  const first = await get();
  expect(first).toMatchObject({ name, generation: '1', observedGeneration: '1', uri: expect.any(String) });
  expect(first.latestReadyRevision).toBe(first.latestCreatedRevision);

  first.template!.containers![0].image = `${IMAGE}:2`;
  const changed = await finished(await services.patch({ name, requestBody: first }));
  expect(changed.response).toMatchObject({
    generation: '2',
    template: { containers: [{ image: `${IMAGE}:2` }] },
  });

  const revisions = await revisionsOf();
  expect(revisions.map(({ containers }) => containers![0].image)).toEqual([`${IMAGE}:2`, `${IMAGE}:1`]);
  expect(revisions.map(({ service }) => service)).toEqual([id, id]);
  const [, old] = revisions;
  expect((await services.revisions.get({ name: old.name! })).data).toEqual(old);

  const target = {
    type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION',
    revision: shortName(old.name)!,
    percent: 100,
  };
  await patch({ traffic: [target] }, 'traffic');
  const rolledBack = await get();
  expect(rolledBack).toMatchObject({ traffic: [target], trafficStatuses: [target], generation: '3' });
  expect(rolledBack.latestReadyRevision).toBe(revisions[0].name);
  expect(await revisionsOf()).toHaveLength(2);

  const deleted = await finished(await services.delete({ name, etag: rolledBack.etag! }));
  expect(deleted.response).toMatchObject({ name, deleteTime: expect.any(String) });
  expect(await googleRefusal(services.get({ name }))).toBe('404 NOT_FOUND');
  expect(effects()).toEqual(['created', 'changed', 'changed', 'deleted']);
});

describe('services', () => {
  test('are listed by pages', async () => {
    const names: string[] = [];
    let pageToken = '';
    do {
      const page = (await services.list({ parent, pageSize: 1, pageToken })).data;
      names.push(...page.services!.map(service => service.name!));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    expect(names).toContain(name);
    expect(new Set(names).size).toBe(names.length);
    const elsewhere = 'projects/q/locations/us-west1';
    expect((await services.list({ parent: elsewhere })).data).toEqual({});
  });

  test('are made by a change that allows for a missing one', async () => {
    const other = `${name}x`;
    const requestBody = serviceOf('1');
    expect(await googleRefusal(services.patch({ name: other, requestBody }))).toBe('404 NOT_FOUND');
    await finished(await services.patch({ name: other, requestBody, allowMissing: true }));
    expect((await services.get({ name: other })).data.generation).toBe('1');
  });

  test('are left alone by a call that only validates', async () => {
    const before = await get();
    const requestBody = serviceOf('2');
    const created = await services.create({ parent, serviceId: 'never', requestBody, validateOnly: true });
    expect(created.data).toMatchObject({ done: true, response: { template: requestBody.template } });
    expect(await googleRefusal(services.get({ name: `${parent}/services/never` }))).toBe('404 NOT_FOUND');
    await services.patch({ name, requestBody, validateOnly: true });
    await services.delete({ name, validateOnly: true });
    expect(await get()).toEqual(before);
    expect(effects()).toEqual(['created']);
  });
});

describe('a change', () => {
  test.each<[string, Service, string]>([
    ['labels', { labels: { company: 'c00001', level: 'gold' } }, 'labels'],
    ['the ingress', { ingress: 'INGRESS_TRAFFIC_INTERNAL_ONLY' }, 'ingress'],
    ['instances by hand', { scaling: { scalingMode: 'MANUAL', manualInstanceCount: 0 } }, 'scaling'],
    ['the description', { description: 'of a company' }, 'description'],
  ])('of %s alone makes no revision', async (_what, requestBody, updateMask) => {
    const before = await get();
    await patch(requestBody, updateMask);
    const after = await get();
    expect(after).toMatchObject({ ...requestBody, generation: '2', observedGeneration: '2' });
    expect(after.template).toEqual(before.template);
    expect(after.latestCreatedRevision).toBe(before.latestCreatedRevision);
    expect(after.etag).not.toBe(before.etag);
    expect(await revisionsOf()).toHaveLength(1);
  });

  test.each<[string, Service, string]>([
    ['an annotation', { template: { annotations: { restart: '1' } } }, 'template.annotations'],
    [
      'the most instances',
      { template: { scaling: { maxInstanceCount: 9 } } },
      'template.scaling.maxInstanceCount',
    ],
    [
      'the same, as the protocol names it',
      { template: { scaling: { maxInstanceCount: 9 } } },
      'template.scaling.max_instance_count',
    ],
  ])('of %s makes one, and leaves the rest of the template', async (_what, requestBody, updateMask) => {
    const before = await get();
    await patch(requestBody, updateMask);
    const after = await get();
    expect(after.template).toEqual({ ...before.template, ...requestBody.template });
    expect(await revisionsOf()).toHaveLength(2);
    expect(after.latestReadyRevision).not.toBe(before.latestReadyRevision);
  });

  test('of nothing is none, unless a new revision is asked for', async () => {
    const before = await get();
    await patch(before);
    await patch(serviceOf('9'), 'labels');
    expect(await get()).toEqual(before);
    await patch(before, undefined, { forceNewRevision: true });
    expect(await revisionsOf()).toHaveLength(2);
  });

  test('clears what the mask names and the body lacks; without a mask, all that the body lacks', async () => {
    await patch({ description: 'x', labels: { a: 'b' } }, 'description,labels');
    await patch({}, 'labels');
    expect(await get()).toMatchObject({ description: 'x' });
    expect(await get()).not.toHaveProperty('labels');
    await patch(serviceOf('1'));
    expect(await get()).not.toHaveProperty('description');
  });

  test('of the traffic to a revision that is not there fails, and what served goes on serving', async () => {
    const target = { type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION', revision: 'gone', percent: 100 };
    const { error } = await patch({ traffic: [target] }, 'traffic');
    expect(error).toMatchObject({ code: 13, message: expect.stringMatching(/'gone' does not exist/) });
    const { terminalCondition, observedGeneration, trafficStatuses } = await get();
    expect(terminalCondition).toMatchObject({ state: 'CONDITION_FAILED', message: error!.message });
    expect([observedGeneration, trafficStatuses![0].percent]).toEqual(['1', 100]);
  });

  test('may name its revision, once', async () => {
    const named = (revision: string, tag: string) => ({
      template: { ...serviceOf(tag).template, revision },
    });
    await patch(named(`${id}-green`, '2'), 'template');
    expect(shortName((await get()).latestReadyRevision)).toBe(`${id}-green`);
    const again = services.patch({ name, requestBody: named(`${id}-green`, '3'), updateMask: 'template' });
    expect(await googleRefusal(again)).toBe('409 ALREADY_EXISTS');
  });
});

describe('a revision', () => {
  test('is deleted once it does not serve and is not the newest', async () => {
    const [first] = await revisionsOf();
    expect(await googleRefusal(services.revisions.delete({ name: first.name! }))).toBe(
      '400 FAILED_PRECONDITION',
    );
    await patch(serviceOf('2'));
    const [second] = await revisionsOf();
    expect(await googleRefusal(services.revisions.delete({ name: second.name! }))).toBe(
      '400 FAILED_PRECONDITION',
    );
    const stale = services.revisions.delete({ name: first.name!, etag: '"0"' });
    expect(await googleRefusal(stale)).toBe('409 ABORTED');
    const { response } = await finished(
      await services.revisions.delete({ name: first.name!, etag: first.etag! }),
    );
    expect(response).toMatchObject({ name: first.name, deleteTime: expect.any(String) });
    expect(await googleRefusal(services.revisions.get({ name: first.name! }))).toBe('404 NOT_FOUND');
    expect(await revisionsOf()).toEqual([second]);
  });

  test('is listed by pages, and with those of all services', async () => {
    await patch(serviceOf('2'));
    const first = (await services.revisions.list({ parent: name, pageSize: 1 })).data;
    const pageToken = first.nextPageToken!;
    const second = (await services.revisions.list({ parent: name, pageSize: 1, pageToken })).data;
    expect([first, second].map(({ revisions }) => revisions![0].generation)).toEqual(['2', '1']);
    expect(second).not.toHaveProperty('nextPageToken');
    const all = (await services.revisions.list({ parent: `${parent}/services/-` })).data.revisions!;
    expect(all.filter(({ service }) => service === id)).toHaveLength(2);
    expect(all.length).toBeGreaterThan(2);
  });
});

describe('an operation', () => {
  test('is listed, got and deleted', async () => {
    const made = (await services.patch({ name, requestBody: serviceOf('2') })).data;
    const done = await finished({ data: made });
    expect((await locations.operations.get({ name: made.name! })).data).toEqual(done);
    const all = async (filter: string) =>
      (await locations.operations.list({ name: parent, filter })).data.operations ?? [];
    expect((await all('done:true')).map(each => each.name)).toContain(made.name);
    expect((await all('done:false')).map(each => each.name)).not.toContain(made.name);
    await locations.operations.delete({ name: made.name! });
    expect(await googleRefusal(locations.operations.get({ name: made.name! }))).toBe('404 NOT_FOUND');
    expect((await get()).generation).toBe('2');
  });
});

describe('a policy', () => {
  const bindings = [{ role: 'roles/run.invoker', members: ['allUsers'] }];
  const set = (policy: object) => services.setIamPolicy({ resource: name, requestBody: { policy } });

  test('is read, changed and written back, and goes with its service', async () => {
    const before = (await services.getIamPolicy({ resource: name })).data;
    expect(before).toEqual({ version: 1, etag: expect.any(String) });
    const written = (await set({ ...before, bindings })).data;
    expect(written).toMatchObject({ bindings });
    expect((await services.getIamPolicy({ resource: name })).data).toEqual(written);
    await finished(await services.delete({ name }));
    await finished(await services.create({ parent, serviceId: id, requestBody: serviceOf('1') }));
    expect((await services.getIamPolicy({ resource: name })).data).toEqual(before);
  });

  test('allows its owner everything', async () => {
    const permissions = ['run.services.get', 'run.services.setIamPolicy'];
    const { data } = await services.testIamPermissions({ resource: name, requestBody: { permissions } });
    expect(data).toEqual({ permissions });
  });

  test.each<[string, object, string]>([
    ['what was read before another change', { bindings: [], etag: 'old' }, '409 ABORTED'],
    ['an unknown field', { bindings, rules: [] }, '400 INVALID_ARGUMENT'],
    ['conditions', { bindings: [{ ...bindings[0], condition: {} }] }, '400 INVALID_ARGUMENT'],
    ['version 3', { bindings, version: 3 }, '400 INVALID_ARGUMENT'],
    ['a role of its own words', { bindings: [{ ...bindings[0], role: 'invoker' }] }, '400 INVALID_ARGUMENT'],
    [
      'a member without its kind',
      { bindings: [{ ...bindings[0], members: ['a@b.c'] }] },
      '400 INVALID_ARGUMENT',
    ],
    ['nobody', { bindings: [{ ...bindings[0], members: [] }] }, '400 INVALID_ARGUMENT'],
    ['bindings that are no list', { bindings: {} }, '400 INVALID_ARGUMENT'],
    ['an etag that is no text', { bindings, etag: 1 }, '400 INVALID_ARGUMENT'],
  ])('does not take %s', async (_what, policy, refusal) => {
    const before = (await set({ bindings })).data;
    expect(await googleRefusal(set(policy))).toBe(refusal);
    expect((await services.getIamPolicy({ resource: name })).data).toEqual(before);
  });

  test('is none without a policy, and none of an absent service', async () => {
    const none = services.setIamPolicy({ resource: name, requestBody: {} });
    expect(await googleRefusal(none)).toBe('400 INVALID_ARGUMENT');
    const absent = services.getIamPolicy({ resource: `${name}x` });
    expect(await googleRefusal(absent)).toBe('404 NOT_FOUND');
    const permissions = ['run.*'];
    const wild = services.testIamPermissions({ resource: name, requestBody: { permissions } });
    expect(await googleRefusal(wild)).toBe('400 INVALID_ARGUMENT');
  });
});

const create = (change: object, serviceId = 'fresh') =>
  services.create({ parent, serviceId, requestBody: serviceOf('1', change) });
const withEnv = (...names: string[]) => ({
  template: { containers: [{ image: IMAGE, env: names.map(name => ({ name, value: 'x' })) }] },
});
const change = (body: object, updateMask?: string) =>
  services.patch({ name, requestBody: body, ...(updateMask && { updateMask }) });

test.each<[string, () => Promise<unknown>, string]>([
  ['another token', () => clientOf('other').services.get({ name }), '401 UNAUTHENTICATED'],
  ['the same service again', () => create({}, id), '409 ALREADY_EXISTS'],
  ['an id in upper case', () => create({}, 'Fresh'), '400 INVALID_ARGUMENT'],
  ['an unknown field', () => create({ lables: {} }), '400 INVALID_ARGUMENT'],
  ['an output field of a wrong type', () => create({ uid: 1 }), '400 INVALID_ARGUMENT'],
  ['the port as a variable', () => create(withEnv('PORT')), '400 INVALID_ARGUMENT'],
  ['a variable twice', () => create(withEnv('A', 'A')), '400 INVALID_ARGUMENT'],
  ['a stale etag', () => change({ ...serviceOf('2'), etag: '"0"' }), '409 ABORTED'],
  ['a stale etag at the deletion', () => services.delete({ name, etag: '"0"' }), '409 ABORTED'],
  ['a mask of an unknown field', () => change({ labels: {} }, 'lables'), '400 INVALID_ARGUMENT'],
  ['a mask of an output field', () => change({ uri: 'https://x' }, 'uri'), '400 INVALID_ARGUMENT'],
  ['a mask that ends in a dot', () => change({ labels: {} }, 'labels.'), '400 INVALID_ARGUMENT'],
  [
    'a mask into a list',
    () => change({ template: serviceOf('2').template! }, 'template.containers.image'),
    '400 INVALID_ARGUMENT',
  ],
  ['a mask that takes the image', () => change({}, 'template.containers'), '400 INVALID_ARGUMENT'],
  [
    'a broken field beside the mask',
    () => change({ labels: {}, ingress: 'ALL' }, 'labels'),
    '400 INVALID_ARGUMENT',
  ],
  ['a change without a template', () => change({ labels: {} }), '400 INVALID_ARGUMENT'],
  [
    'traffic of 90 per cent',
    () => change({ traffic: [{ type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST', percent: 90 }] }, 'traffic'),
    '400 INVALID_ARGUMENT',
  ],
  [
    'traffic to no revision',
    () => change({ traffic: [{ type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION', percent: 100 }] }, 'traffic'),
    '400 INVALID_ARGUMENT',
  ],
  [
    'an annotation of the vendor',
    () => change({ annotations: { 'run.googleapis.com/ingress': 'all' } }, 'annotations'),
    '400 INVALID_ARGUMENT',
  ],
  ['a negative page', () => services.list({ parent, pageSize: -1 }), '400 INVALID_ARGUMENT'],
  [
    'a flag that is no boolean',
    () => services.delete({ name, validateOnly: 'yes' as unknown as boolean }),
    '400 INVALID_ARGUMENT',
  ],
  ['a revision of no service', () => services.revisions.list({ parent: `${name}x` }), '404 NOT_FOUND'],
  ['an absent revision', () => services.revisions.get({ name: `${name}/revisions/x` }), '404 NOT_FOUND'],
  [
    'a page of revisions of its own',
    () => services.revisions.list({ parent: name, pageToken: 'x' }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'operations by an unknown filter',
    () => locations.operations.list({ name: parent, filter: 'state:x' }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a wait for an absent operation',
    () => locations.operations.wait({ name: `${parent}/operations/x`, requestBody: {} }),
    '404 NOT_FOUND',
  ],
])('%s is refused and changes nothing', async (_what, call, refusal) => {
  const before = await get();
  const entries = server.cloud.ledger.entries.length;
  expect(await googleRefusal(call())).toBe(refusal);
  expect(server.cloud.ledger.entries).toHaveLength(entries);
  expect(await get()).toEqual(before);
});

test.each<[string, () => Promise<unknown>]>([
  ['GET', () => services.revisions.exportStatus({ name: `${name}/revisions/r`, operationId: 'o' })],
  ['GET', () => locations.jobs.list({ parent })],
  ['POST', () => locations.jobs.run({ name: `${parent}/jobs/j`, requestBody: {} })],
  ['GET', () => locations.workerPools.get({ name: `${parent}/workerPools/w` })],
])('a call that the fake does not cover is answered with 501 and what it was: %s', async (method, call) => {
  await expect(call()).rejects.toMatchObject({
    status: 501,
    message: expect.stringMatching(`does not cover ${method} /v2/`),
  });
});
