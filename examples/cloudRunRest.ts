// Cloud Run by Google's generated client, in its REST mode: `fallback` and `protocol` send JSON over HTTP instead of
// gRPC. It follows operations and pages by itself.

import assert from 'node:assert/strict';
import { v2 } from '@google-cloud/run';
import { auth } from '@googleapis/run';

const IMAGE = 'us-docker.pkg.dev/example/images/health';
const { CLOUD_RUN_URL, GOOGLE_CLOUD_PROJECT: project } = process.env;
const { GOOGLE_OAUTH_ACCESS_TOKEN: access_token = '' } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(CLOUD_RUN_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const authClient = new auth.OAuth2();
authClient.setCredentials({ access_token });
const { hostname: apiEndpoint, port } = new URL(CLOUD_RUN_URL!);
const options = { fallback: true, protocol: 'http', apiEndpoint, port: Number(port), authClient };
const services = new v2.ServicesClient(options);
const revisions = new v2.RevisionsClient(options);
const parent = `projects/${project}/locations/us-west1`;
const serviceId = `company-${Date.now().toString(36)}`;
const name = `${parent}/services/${serviceId}`;

const service = {
  labels: { company: 'example' },
  template: {
    containers: [{ image: `${IMAGE}:1` }],
    scaling: { maxInstanceCount: 3 },
    timeout: { seconds: 60 },
  },
};
const [creating] = await services.createService({ parent, serviceId, service });
const [deployed] = await creating.promise();
assert.equal(deployed.name, name);
console.log(`deployed ${deployed.uri}`);

const refusal = await services.createService({ parent, serviceId, service }).then(
  () => assert.fail('a service was made twice'),
  error => error,
);
assert.match(refusal.message, /already exists/);
console.log(`a second one is refused: ${refusal.message}`);

const [changing] = await services.updateService({
  service: { name, template: { containers: [{ image: `${IMAGE}:2` }] } },
  updateMask: { paths: ['template.containers'] },
});
const [changed] = await changing.promise();
assert.equal(changed.template?.containers?.[0].image, `${IMAGE}:2`);
assert.equal(String(changed.template.timeout?.seconds), '60');
console.log(`changed its image alone: revision ${changed.latestReadyRevision?.split('/').at(-1)} is ready`);

const [all] = await revisions.listRevisions({ parent: name });
assert.equal(all.length, 2);
const [dropping] = await revisions.deleteRevision({ name: all[1].name!, etag: all[1].etag! });
await dropping.promise();
console.log('deleted the revision before');

const [creatingOther] = await services.createService({ parent, serviceId: `${serviceId}-b`, service });
await creatingOther.promise();
const listed: string[] = [];
for await (const each of services.listServicesAsync({ parent, pageSize: 1 }, { autoPaginate: false }))
  listed.push(each.name!);
assert(listed.includes(name) && listed.includes(`${name}-b`));
console.log(`listed ${listed.length} services, 1 a page`);

for (const each of [name, `${name}-b`]) {
  const [deleting] = await services.deleteService({ name: each });
  await deleting.promise();
}
await assert.rejects(services.getService({ name }), /does not exist/);
await services.close();
await revisions.close();
console.log('done: cloudRunRest');
