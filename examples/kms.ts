// Cloud KMS by plain HTTP: a company's key, a rotation, and the old version scheduled for destruction. The vendor deletes
// no key, so that its name stays taken.

import assert from 'node:assert/strict';

const { KMS_URL, GOOGLE_OAUTH_ACCESS_TOKEN: token, GOOGLE_CLOUD_PROJECT: project } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(KMS_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const keyRing = `projects/${project}/locations/us-west1/keyRings/companies`;
const cryptoKeyId = `company-${Date.now().toString(36)}`;
const name = `${keyRing}/cryptoKeys/${cryptoKeyId}`;

/** The answer's body; an error with the vendor's own words where it refuses. */
async function call(method: string, path: string, body?: object) {
  const response = await fetch(`${KMS_URL}/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = JSON.parse(text);
  if (response.ok) return answer;
  const { status = response.status, message = text } = answer.error;
  throw Object.assign(new Error(`${status}: ${message}`), { status });
}

const purpose = 'ENCRYPT_DECRYPT';
const key = await call('POST', `${keyRing}/cryptoKeys?cryptoKeyId=${cryptoKeyId}`, { purpose });
assert.equal(key.primary.state, 'ENABLED');
console.log(`created ${key.name}`);

const next = await call('POST', `${name}/cryptoKeyVersions`, {});
await call('POST', `${name}:updatePrimaryVersion`, { cryptoKeyVersionId: '2' });
assert.equal((await call('GET', name)).primary.name, next.name);
console.log('rotated it: version 2 encrypts');

const old = `${name}/cryptoKeyVersions/1`;
assert.equal((await call('POST', `${old}:destroy`, {})).state, 'DESTROY_SCHEDULED');
console.log('version 1 is scheduled for destruction');

const refusal = await call('POST', `${name}:updatePrimaryVersion`, { cryptoKeyVersionId: '1' }).then(
  () => assert.fail('a version that is to be destroyed was made primary'),
  error => error,
);
assert.equal(refusal.status, 'FAILED_PRECONDITION', refusal);
console.log(`it is not made primary again: ${refusal.message}`);

assert.equal((await call('POST', `${old}:restore`, {})).state, 'DISABLED');
await call('PATCH', `${old}?updateMask=state`, { state: 'ENABLED' });
assert.equal((await call('GET', old)).state, 'ENABLED');
console.log('version 1 was restored, disabled as the vendor restores it, and is enabled again');

const listed: string[] = [];
let pageToken = '';
do {
  const page = await call('GET', `${name}/cryptoKeyVersions?pageSize=1&pageToken=${pageToken}`);
  listed.push(...page.cryptoKeyVersions.map((version: { name: string }) => version.name));
  pageToken = page.nextPageToken ?? '';
} while (pageToken !== '');
assert.deepEqual(listed.sort(), [old, next.name]);
console.log(`listed ${listed.length} versions, 1 a page`);

for (const version of listed) await call('POST', `${version}:destroy`, {});
assert.equal((await call('GET', name)).primary.state, 'DESTROY_SCHEDULED');
console.log('done: kms');
