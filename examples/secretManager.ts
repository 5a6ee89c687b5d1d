// Secret Manager by Google's client for Node: a company's secrets, a rotation, and the end of the old version.

import assert from 'node:assert/strict';
import { auth, secretmanager } from '@googleapis/secretmanager';

const { SECRET_MANAGER_URL, GOOGLE_CLOUD_PROJECT: project } = process.env;
const { GOOGLE_OAUTH_ACCESS_TOKEN: access_token = '' } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(SECRET_MANAGER_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const credential = new auth.OAuth2();
credential.setCredentials({ access_token });
const rootUrl = `${SECRET_MANAGER_URL}/`;
const { secrets } = secretmanager({ version: 'v1', auth: credential, rootUrl }).projects;
const parent = `projects/${project}`;
const company = `company-${Date.now().toString(36)}`;

const create = async (secretId: string) =>
  (
    await secrets.create({
      parent,
      secretId,
      requestBody: { replication: { automatic: {} }, labels: { company } },
    })
  ).data;
const made = [await create(`${company}-api`), await create(`${company}-db`), await create(`${company}-mail`)];
const name = made[0].name!;
console.log(`created ${made.length} secrets of ${company}`);

const add = async (text: string) => {
  const data = Buffer.from(text).toString('base64');
  return (await secrets.addVersion({ parent: name, requestBody: { payload: { data } } })).data;
};
const access = async (version: string) => {
  const { payload } = (await secrets.versions.access({ name: `${name}/versions/${version}` })).data;
  return Buffer.from(payload!.data!, 'base64').toString();
};
const old = await add('open sesame');
assert.equal(await access('latest'), 'open sesame');
await add('close sesame');
assert.equal(await access('latest'), 'close sesame');
console.log('rotated it: the latest version is the new one');

await secrets.versions.destroy({ name: old.name!, requestBody: {} });
const refusal = await access('1').then(
  () => assert.fail('a destroyed version was read'),
  error => error,
);
assert.equal(refusal.response.data.error.status, 'FAILED_PRECONDITION');
console.log(`the old one is refused: ${refusal.message}`);

const labels = { company, tier: 'gold' };
await secrets.patch({ name, updateMask: 'labels', requestBody: { labels, etag: made[0].etag! } });
assert.deepEqual((await secrets.get({ name })).data.labels, labels);
console.log('changed its labels');

const listed: string[] = [];
let pageToken: string | undefined;
do {
  const filter = `labels.company=${company}`;
  const { data } = await secrets.list({ parent, filter, pageSize: 2, ...(pageToken && { pageToken }) });
  listed.push(...data.secrets!.map(secret => secret.name!));
  pageToken = data.nextPageToken ?? undefined;
} while (pageToken);
assert.deepEqual(listed.sort(), made.map(secret => secret.name!).sort());
console.log(`listed ${listed.length} secrets, 2 a page`);

for (const secret of made) await secrets.delete({ name: secret.name! });
await assert.rejects(secrets.get({ name }), { status: 404 });
console.log('done: secretManager');
