// Cloud Run as Google's gapic client sees it in its REST mode, over HTTP on loopback. It speaks of enumerations by
// number and sends back every field that it was given.

import { protos, v2 } from '@google-cloud/run';
import { auth } from '@googleapis/run';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { type OverHttp, serveCloud } from './overHttp.ts';

type Policy = protos.google.iam.v1.IPolicy;

const { IngressTraffic, TrafficTargetAllocationType } = protos.google.cloud.run.v2;
const parent = 'projects/p/locations/us-west1';
const name = `${parent}/services/c00001`;
const IMAGE = 'us-docker.pkg.dev/p/images/health';

let server: OverHttp;
const optionsOf = (access_token: string) => {
  const { hostname, port } = new URL(server.urls.cloudRun);
  const authClient = new auth.OAuth2();
  authClient.setCredentials({ access_token });
  return { fallback: true, protocol: 'http', apiEndpoint: hostname, port: Number(port), authClient };
};
let services: v2.ServicesClient;
let revisions: v2.RevisionsClient;

beforeAll(async () => {
  server = await serveCloud(10_000_000);
  services = new v2.ServicesClient(optionsOf(TOKEN));
  revisions = new v2.RevisionsClient(optionsOf(TOKEN));
});
afterAll(async () => {
  await services.close();
  await revisions.close();
  await server.close();
});

const create = async (serviceId: string) => {
  const service = {
    labels: { company: 'c00001' },
    ingress: IngressTraffic.INGRESS_TRAFFIC_ALL,
    template: {
      containers: [{ image: `${IMAGE}:1`, resources: { limits: { cpu: '2', memory: '4Gi' } } }],
      scaling: { minInstanceCount: 0, maxInstanceCount: 5 },
      timeout: { seconds: 300 },
    },
  };
  const [operation] = await services.createService({ parent, serviceId, service });
  return (await operation.promise())[0];
};
/** The status of the refusal, as `409 ABORTED`. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('done'),
    (reason: Error) => reason,
  );
  const [, code, status] = /"code":(\d+),.*"status":"([A-Z_]+)"/.exec(error.message) ?? [];
  return code === undefined ? error.message : `${code} ${status}`;
}

test('a service is created, changed to a new image, rolled back and deleted', async () => {
  const made = await create('c00001');
  expect(made).toMatchObject({ name, ingress: 1, terminalCondition: { state: 4 } });
  expect(made.uri).toMatch(/^https:\/\/c00001-/);

  made.template!.containers![0].image = `${IMAGE}:2`;
  const [changing] = await services.updateService({ service: made });
  const [changed] = await changing.promise();
  expect(changed.template!.containers![0].image).toBe(`${IMAGE}:2`);
  expect(await refusalOf(services.updateService({ service: made }))).toBe('409 ABORTED');

  const [all] = await revisions.listRevisions({ parent: name });
  expect(all.map(({ containers }) => containers![0].image)).toEqual([`${IMAGE}:2`, `${IMAGE}:1`]);
  const old = all[1].name!.split('/').at(-1)!;

  const type = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION;
  const traffic = [{ type, revision: old, percent: 100 }];
  const [rolling] = await services.updateService({
    service: { name, traffic },
    updateMask: { paths: ['traffic'] },
  });
  const [rolledBack] = await rolling.promise();
  expect(rolledBack.trafficStatuses).toMatchObject(traffic);
  expect((await services.getService({ name }))[0].trafficStatuses).toMatchObject([{ revision: old }]);

  const [serving, newest] = [all[1].name!, all[0].name!];
  for (const held of [serving, newest])
    expect(await refusalOf(revisions.deleteRevision({ name: held }))).toBe('400 FAILED_PRECONDITION');

  const [deleting] = await services.deleteService({ name, etag: rolledBack.etag! });
  const [deleted] = await deleting.promise();
  expect(deleted.deleteTime).not.toBeNull();
  expect(await refusalOf(services.getService({ name }))).toBe('404 NOT_FOUND');
});

test('what is sent back as it was got changes nothing', async () => {
  const { name } = await create('same');
  const [service] = await services.getService({ name: name! });
  const [operation] = await services.updateService({ service });
  await operation.promise();
  const [after] = await services.getService({ name: name! });
  expect(after).toEqual(service);
});

test('services are listed page after page by the client itself', async () => {
  for (const id of ['a', 'b', 'c']) await create(`listed-${id}`);
  const ids: string[] = [];
  for await (const { name } of services.listServicesAsync({ parent, pageSize: 1 }, { autoPaginate: false }))
    ids.push(name!.split('/').at(-1)!);
  expect(ids.filter(id => id.startsWith('listed-'))).toEqual(['listed-a', 'listed-b', 'listed-c']);
});

test('a revision is got and deleted once it is old', async () => {
  const service = await create('aged');
  const first = service.latestReadyRevision!;
  const [operation] = await services.updateService({
    service: { name: service.name!, template: { annotations: { restart: '1' } } },
    updateMask: { paths: ['template.annotations'] },
  });
  await operation.promise();
  const [got] = await revisions.getRevision({ name: first });
  expect(got).toMatchObject({ name: first, service: 'aged', containers: [{ image: `${IMAGE}:1` }] });
  const [deleting] = await revisions.deleteRevision({ name: first, etag: got.etag! });
  await deleting.promise();
  expect(await refusalOf(revisions.getRevision({ name: first }))).toBe('404 NOT_FOUND');
});

test('a policy is read, changed and written back', async () => {
  const resource = (await create('policed')).name!;
  const bindings = [{ role: 'roles/run.invoker', members: ['allUsers'] }];
  // The client's own type forgets that it gives a promise.
  const read = async () => ((await services.getIamPolicy({ resource })) as unknown as [Policy])[0];
  for (let i = 0; i < 40; i++) {
    const policy = await read();
    await services.setIamPolicy({ resource, policy: { ...policy, bindings } });
  }
  expect((await read()).bindings).toMatchObject(bindings);
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    'another token',
    () => new v2.ServicesClient(optionsOf('other')).getService({ name }),
    '401 UNAUTHENTICATED',
  ],
  [
    'a number that stands for no ingress',
    () =>
      services.createService({
        parent,
        serviceId: 'x',
        service: { ingress: 9 as 4, template: { containers: [{ image: `${IMAGE}:1` }] } },
      }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a field that the fake does not cover',
    () =>
      services.createService({
        parent,
        serviceId: 'x',
        service: { template: { containers: [{ image: `${IMAGE}:1` }], serviceAccount: 'me@p' } },
      }),
    '400 INVALID_ARGUMENT',
  ],
])('%s is refused', async (_what, call, refusal) => {
  const entries = server.cloud.ledger.entries.length;
  expect(await refusalOf(call())).toBe(refusal);
  expect(server.cloud.ledger.entries).toHaveLength(entries);
});

test('a call that the fake does not cover is answered with 501 and what it was', async () => {
  const jobs = new v2.JobsClient(optionsOf(TOKEN));
  await expect(jobs.getJob({ name: `${parent}/jobs/j` })).rejects.toThrow(/does not cover GET \/v2\//);
  await jobs.close();
});
