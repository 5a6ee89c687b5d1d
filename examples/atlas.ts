// The MongoDB Atlas Administration API by plain HTTP, since it has no client for Node: a service account's token, then a
// project with a cluster, a role and its users.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 1000;
const ASKED_MAX = 3600;
const MEDIA_TYPE = 'application/vnd.atlas.2025-03-12+json';
const { MONGODB_ATLAS_BASE_URL: baseUrl, MONGODB_ATLAS_ORG_ID: orgId } = process.env;
const { MONGODB_ATLAS_CLIENT_ID: client, MONGODB_ATLAS_CLIENT_SECRET: secret } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(baseUrl?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const name = `example-${Date.now().toString(36)}`;

/** The answer's body; an error with the vendor's own words where it refuses. */
async function send(path: string, authorization: string, init: RequestInit) {
  const headers = { authorization, accept: MEDIA_TYPE, ...(init.headers as object) };
  const response = await fetch(`${baseUrl}${path}`, { ...init, headers });
  const text = await response.text();
  const answer = text === '' ? undefined : JSON.parse(text);
  if (response.ok) return answer;
  const code: string = answer.errorCode ?? answer.error;
  throw Object.assign(new Error(`${code}: ${answer.detail ?? answer.error_description ?? text}`), { code });
}

const { access_token } = await send('api/oauth/token', `Basic ${btoa(`${client}:${secret}`)}`, {
  method: 'POST',
  body: new URLSearchParams({ grant_type: 'client_credentials' }),
});
console.log('got a token for an hour');
const call = (method: string, path: string, body?: object) =>
  send(`api/atlas/v2/groups${path}`, `Bearer ${access_token}`, {
    method,
    ...(body && { headers: { 'content-type': MEDIA_TYPE }, body: JSON.stringify(body) }),
  });

const { id } = await call('POST', '', { name, orgId });
const electableSpecs = { instanceSize: 'M10', nodeCount: 3 };
const region = { providerName: 'GCP', regionName: 'WESTERN_EUROPE', priority: 7, electableSpecs };
const replicationSpecs = [{ regionConfigs: [region] }];
await call('POST', `/${id}/clusters`, { name: 'main', clusterType: 'REPLICASET', replicationSpecs });
console.log(`project ${name} and its cluster are asked for`);
for (let asked = 0; (await call('GET', `/${id}/clusters/main`)).stateName !== 'IDLE'; asked++) {
  assert(asked < ASKED_MAX, 'the cluster does not become idle');
  await sleep(ASK_EVERY_MS);
}
console.log(`cluster at ${(await call('GET', `/${id}/clusters/main`)).connectionStrings.standardSrv}`);

const resources = [{ db: 'company-1', collection: '' }];
await call('POST', `/${id}/customDBRoles/roles`, {
  roleName: 'company-1',
  actions: [{ action: 'FIND', resources }],
});
const roles = [{ databaseName: 'admin', roleName: 'company-1' }];
for (const username of ['ada', 'bob', 'cyd'])
  await call('POST', `/${id}/databaseUsers`, {
    databaseName: 'admin',
    username,
    password: 'open-sesame',
    roles,
  });
await call('PATCH', `/${id}/databaseUsers/admin/cyd`, { labels: [{ key: 'company', value: '1' }] });
assert.equal((await call('GET', `/${id}/databaseUsers/admin/cyd`)).labels[0].value, '1');
const keys = [{ agentId: '1' }, { state: '-1' }];
await call('POST', `/${id}/clusters/main/index`, { db: 'company-1', collection: 'agents', keys });
console.log('made a role, 3 users and an index');

const listed: string[] = [];
for (let page = 1, total = 1; listed.length < total; page++) {
  const { results, totalCount } = await call('GET', `/${id}/databaseUsers?itemsPerPage=2&pageNum=${page}`);
  listed.push(...results.map(({ username }: { username: string }) => username));
  total = totalCount;
}
assert.deepEqual(listed, ['ada', 'bob', 'cyd']);
console.log(`listed ${listed.length} users, 2 a page`);

const refusal = await call('DELETE', `/${id}/customDBRoles/roles/company-1`).then(
  () => assert.fail('a role went that users have'),
  error => error,
);
assert.equal(refusal.code, 'ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS', refusal);
console.log(`the role stays: ${refusal.message}`);

for (const username of listed) await call('DELETE', `/${id}/databaseUsers/admin/${username}`);
await call('DELETE', `/${id}/customDBRoles/roles/company-1`);
await call('DELETE', `/${id}/clusters/main`);
for (let asked = 0; (await call('GET', `/${id}/clusters`)).totalCount > 0; asked++) {
  assert(asked < ASKED_MAX, 'the cluster does not go');
  await sleep(ASK_EVERY_MS);
}
await call('DELETE', `/${id}`);
await assert.rejects(call('GET', `/${id}`), { code: 'GROUP_NOT_FOUND' });
console.log('done: atlas');
