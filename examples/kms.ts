// Cloud KMS by Google's generated client, in its REST mode: `fallback` and `protocol` send JSON over HTTP instead of gRPC.
// A company's key encrypts, is rotated, and its old version is scheduled for destruction and brought back. The vendor
// deletes no key, so that its name stays taken.

import assert from 'node:assert/strict';
import { KeyManagementServiceClient } from '@google-cloud/kms';
import { auth } from '@googleapis/run';

const { KMS_URL, GOOGLE_CLOUD_PROJECT: project } = process.env;
const { GOOGLE_OAUTH_ACCESS_TOKEN: access_token = '' } = process.env;
// Never a vendor itself: a script makes and deletes things.
assert(KMS_URL?.startsWith('http://127.0.0.1:'), 'first: sandtable fakes --print-env');

const credential = new auth.OAuth2();
credential.setCredentials({ access_token });
// Its types know the credentials of another release alone; at work any that gives headers will do.
const authClient = credential as never;
const { hostname: apiEndpoint, port } = new URL(KMS_URL!);
const options = { fallback: true, protocol: 'http', apiEndpoint, port: Number(port), authClient };
const keys = new KeyManagementServiceClient(options);

const parent = keys.keyRingPath(project!, 'us-west1', 'companies');
const cryptoKeyId = `company-${Date.now().toString(36)}`;
const name = `${parent}/cryptoKeys/${cryptoKeyId}`;
const old = `${name}/cryptoKeyVersions/1`;

const labels = { company: 'example' };
const cryptoKey = { purpose: 'ENCRYPT_DECRYPT', labels } as const;
const [key] = await keys.createCryptoKey({ parent, cryptoKeyId, cryptoKey });
assert.equal(key.primary?.state, 'ENABLED');
console.log(`created ${key.name}`);

const plaintext = Buffer.from('the record of a company');
const additionalAuthenticatedData = Buffer.from('example');
const [sealed] = await keys.encrypt({ name, plaintext, additionalAuthenticatedData });
const ciphertext = sealed.ciphertext as Buffer;
assert.equal(sealed.name, old);
console.log(`encrypted ${plaintext.length} bytes with version 1: ${ciphertext.toString('base64')}`);

const [next] = await keys.createCryptoKeyVersion({ parent: name });
const [rotated] = await keys.updateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId: '2' });
assert.equal(rotated.primary?.name, next.name);
const [opened] = await keys.decrypt({ name, ciphertext, additionalAuthenticatedData });
assert.equal(String(opened.plaintext), String(plaintext));
assert.equal(opened.usedPrimary, false);
console.log('rotated it: version 2 encrypts, and version 1 still decrypts');

const [destroyed] = await keys.destroyCryptoKeyVersion({ name: old });
assert.equal(destroyed.state, 'DESTROY_SCHEDULED');
await assert.rejects(keys.decrypt({ name, ciphertext, additionalAuthenticatedData }), /is not enabled/);
console.log('version 1 is scheduled for destruction, and decrypts nothing');

const refusal = await keys.updateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId: '1' }).then(
  () => assert.fail('a version that is to be destroyed was made primary'),
  error => error,
);
assert.match(refusal.message, /DESTROY_SCHEDULED/);
console.log(`it is not made primary again: ${refusal.message}`);

const [restored] = await keys.restoreCryptoKeyVersion({ name: old });
assert.equal(restored.state, 'DISABLED');
const [enabled] = await keys.updateCryptoKeyVersion({
  cryptoKeyVersion: { ...restored, state: 'ENABLED' },
  updateMask: { paths: ['state'] },
});
assert.equal(enabled.state, 'ENABLED');
console.log('version 1 was restored, disabled as the vendor restores it, and is enabled again');

const [labelled] = await keys.updateCryptoKey({
  cryptoKey: { name, labels: { ...labels, tier: 'gold' } },
  updateMask: { paths: ['labels'] },
});
assert.deepEqual({ ...labelled.labels }, { ...labels, tier: 'gold' });

const listed: string[] = [];
const pages = keys.listCryptoKeyVersionsAsync({ parent: name, pageSize: 1 }, { autoPaginate: false });
for await (const version of pages) listed.push(version.name!);
assert.deepEqual(listed.sort(), [old, next.name]);
console.log(`listed ${listed.length} versions, 1 a page`);

for (const version of listed) await keys.destroyCryptoKeyVersion({ name: version });
const [left] = await keys.getCryptoKey({ name });
assert.equal(left.primary?.state, 'DESTROY_SCHEDULED');
await keys.close();
console.log('done: kms');
