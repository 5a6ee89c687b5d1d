// Cloud Run by Google's client for Node: a service is deployed, changed, rolled back and deleted.

import assert from 'node:assert/strict';
import { auth, run, type run_v2 } from '@googleapis/run';

const WAITS_MAX = 20;
const IMAGE = 'us-docker.pkg.dev/example/images/health';
const { CLOUD_RUN_URL, GOOGLE_CLOUD_PROJECT: project } = process.env;
const { GOOGLE_OAUTH_ACCESS_TOKEN: access_token = '' } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(CLOUD_RUN_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const credential = new auth.OAuth2();
credential.setCredentials({ access_token });
const { locations } = run({ version: 'v2', auth: credential, rootUrl: `${CLOUD_RUN_URL}/` }).projects;
const { services } = locations;
const parent = `projects/${project}/locations/europe-west1`;
const serviceId = `company-${Date.now().toString(36)}`;
const name = `${parent}/services/${serviceId}`;

/** Waits for an operation, as long as the vendor lets a call wait, again and again. */
async function finished({ data }: { data: run_v2.Schema$GoogleLongrunningOperation }) {
  let operation = data;
  for (let waits = 0; !operation.done; waits++) {
    assert(waits < WAITS_MAX, `${data.name} is not done`);
    operation = (await locations.operations.wait({ name: data.name!, requestBody: { timeout: '30s' } })).data;
  }
  assert.equal(operation.error, undefined);
}

const requestBody = {
  labels: { company: 'example' },
  template: {
    containers: [{ image: `${IMAGE}:1`, resources: { limits: { cpu: '1', memory: '512Mi' } } }],
    scaling: { maxInstanceCount: 3 },
  },
};
await finished(await services.create({ parent, serviceId, requestBody }));
const deployed = (await services.get({ name })).data;
assert.equal(deployed.terminalCondition?.state, 'CONDITION_SUCCEEDED');
console.log(`deployed ${deployed.uri}`);

const refusal = await services.create({ parent, serviceId, requestBody }).then(
  () => assert.fail('a service was made twice'),
  error => error,
);
assert.equal(refusal.status, 409, refusal);
console.log(`a second one is refused: ${refusal.message}`);

deployed.template!.containers![0].image = `${IMAGE}:2`;
await finished(await services.patch({ name, requestBody: deployed }));
const revisions = (await services.revisions.list({ parent: name })).data.revisions ?? [];
assert.deepEqual(
  revisions.map(({ containers }) => containers?.[0].image),
  [`${IMAGE}:2`, `${IMAGE}:1`],
);
console.log('changed its image: it has 2 revisions');

const revision = revisions[1].name!.split('/').at(-1)!;
const traffic = [{ type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION', revision, percent: 100 }];
await finished(await services.patch({ name, updateMask: 'traffic', requestBody: { traffic } }));
assert.equal((await services.get({ name })).data.trafficStatuses?.[0].revision, revision);
console.log(`rolled back to ${revision}`);

const bindings = [{ role: 'roles/run.invoker', members: ['allUsers'] }];
await services.setIamPolicy({ resource: name, requestBody: { policy: { bindings } } });
assert.deepEqual((await services.getIamPolicy({ resource: name })).data.bindings, bindings);
console.log('everybody may call it');

await finished(await services.create({ parent, serviceId: `${serviceId}-b`, requestBody }));
const listed: string[] = [];
let pageToken: string | undefined;
do {
  const { data } = await services.list({ parent, pageSize: 1, ...(pageToken && { pageToken }) });
  listed.push(...(data.services ?? []).map(service => service.name!));
  pageToken = data.nextPageToken ?? undefined;
} while (pageToken);
assert(listed.includes(name) && listed.includes(`${name}-b`));
console.log(`listed ${listed.length} services, 1 a page`);

for (const each of [name, `${name}-b`]) await finished(await services.delete({ name: each }));
await assert.rejects(services.get({ name }), { status: 404 });
console.log('done: cloudRun');
