// Cloud KMS as Google's gapic client sees it in its REST mode, over HTTP on loopback. It speaks of enumerations by number,
// sends back every field that it was given, and leaves it to its user to verify the checksums.

import { KeyManagementServiceClient, protos } from '@google-cloud/kms';
import { auth } from '@googleapis/run';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { crc32c } from '../../fakes/googleBytes.ts';
import { ENUMERATIONS } from '../../fakes/kmsEnumerations.ts';
import { TOKEN } from './fakeCall.ts';
import { type OverHttp, serveCloud } from './overHttp.ts';

const { CryptoKey, CryptoKeyVersion, ProtectionLevel } = protos.google.cloud.kms.v1;
const { CryptoKeyVersionState, CryptoKeyVersionAlgorithm } = CryptoKeyVersion;
const location = 'projects/p/locations/us-west1';
const parent = `${location}/keyRings/companies`;
const purpose = CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT;
const DAY_MS = 86_400_000;

let server: OverHttp;
let client: KeyManagementServiceClient;
const clientOf = (access_token: string) => {
  const { hostname, port } = new URL(server.urls.kms);
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token });
  // Its types know the credentials of another release alone; at work any that gives headers will do.
  const authClient = credential as never;
  const options = { fallback: true, protocol: 'http', apiEndpoint: hostname, port: Number(port), authClient };
  return new KeyManagementServiceClient(options);
};

beforeAll(async () => {
  server = await serveCloud();
  client = clientOf(TOKEN);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const create = async (cryptoKeyId: string, labels: Record<string, string> = { company: 'c00001' }) =>
  (await client.createCryptoKey({ parent, cryptoKeyId, cryptoKey: { purpose, labels } }))[0];
const version = (name: string, number: number) => `${name}/cryptoKeyVersions/${number}`;
const stateOf = async (name: string) => (await client.getCryptoKeyVersion({ name }))[0].state;
const checksum = (bytes: Uint8Array) => ({ value: crc32c(Buffer.from(bytes).toString('latin1')) });
/** The code of google.rpc.Code that the client rejects with, and the vendor's words. */
const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    ({ code, message }) => `${code} ${message}`,
  );

describe('a key', () => {
  it('is made, got, and has its labels changed when it is sent back', async () => {
    const made = await create('c00001');
    const name = `${parent}/cryptoKeys/c00001`;
    expect(made).toMatchObject({ name, purpose: 'ENCRYPT_DECRYPT', labels: { company: 'c00001' } });
    expect(made.primary).toMatchObject({ state: 'ENABLED', algorithm: 'GOOGLE_SYMMETRIC_ENCRYPTION' });
    expect(made.destroyScheduledDuration).toMatchObject({ seconds: String((30 * DAY_MS) / 1000) });
    expect((await client.getCryptoKey({ name }))[0]).toEqual(made);
    const labels = { company: 'c00001', tier: 'gold' };
    const [changed] = await client.updateCryptoKey({
      cryptoKey: { ...made, labels },
      updateMask: { paths: ['labels'] },
    });
    expect(changed).toEqual({ ...made, labels });
    expect(server.cloud.ledger.entries.at(-1)).toMatchObject({ kind: 'cryptoKey', name, effect: 'changed' });
    await client.updateCryptoKey({ cryptoKey: { name }, updateMask: { paths: ['labels'] } });
    expect((await client.getCryptoKey({ name }))[0].labels).toEqual({});
  });

  it('is listed with the others of its ring, page after page, by the client itself', async () => {
    await client.createKeyRing({ parent: location, keyRingId: 'listed', keyRing: {} });
    const ring = `${location}/keyRings/listed`;
    for (const cryptoKeyId of ['a', 'b', 'c'])
      await client.createCryptoKey({ parent: ring, cryptoKeyId, cryptoKey: { purpose } });
    const names: string[] = [];
    const pages = client.listCryptoKeysAsync({ parent: ring, pageSize: 1 }, { autoPaginate: false });
    for await (const { name } of pages) names.push(name!);
    expect(names).toEqual(['a', 'b', 'c'].map(id => `${ring}/cryptoKeys/${id}`));
  });
});

test('a key ring is made beside that of the companies, got and listed', async () => {
  const [made] = await client.createKeyRing({ parent: location, keyRingId: 'own' });
  const name = `${location}/keyRings/own`;
  expect(made.name).toBe(name);
  expect((await client.getKeyRing({ name }))[0]).toEqual(made);
  const names = (await client.listKeyRings({ parent: location }))[0].map(ring => ring.name);
  expect(names).toEqual(expect.arrayContaining([parent, name]));
  const [elsewhere] = await client.listKeyRings({ parent: 'projects/p/locations/us-east1' });
  expect(elsewhere.map(ring => ring.name)).toEqual(['projects/p/locations/us-east1/keyRings/companies']);
  expect(await refusalOf(client.createKeyRing({ parent: location, keyRingId: 'own' }))).toMatch(
    /^6 .*exists/,
  );
});

describe('a version', () => {
  it('is made, made primary, listed by its state and got', async () => {
    const { name } = (await create('versions')) as { name: string };
    const [made] = await client.createCryptoKeyVersion({ parent: name });
    expect(made).toMatchObject({ name: version(name, 2), state: 'ENABLED', protectionLevel: 'SOFTWARE' });
    const [rotated] = await client.updateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId: '2' });
    expect(rotated.primary).toEqual(made);
    expect((await client.getCryptoKeyVersion({ name: made.name! }))[0]).toEqual(made);
    await client.updateCryptoKeyVersion({
      cryptoKeyVersion: { name: version(name, 1), state: CryptoKeyVersionState.DISABLED },
      updateMask: { paths: ['state'] },
    });
    const listed = async (filter: string) =>
      (await client.listCryptoKeyVersions({ parent: name, filter }))[0].map(each => each.name);
    expect(await listed('state=DISABLED')).toEqual([version(name, 1)]);
    expect(await listed('state=ENABLED OR state=DISABLED')).toEqual([version(name, 1), version(name, 2)]);
    expect(await listed('state=DESTROYED')).toEqual([]);
  });

  it('is disabled, enabled as it was got, destroyed, and restored disabled', async () => {
    const key = (await create('states')).name!;
    const name = version(key, 1);
    const [got] = await client.getCryptoKeyVersion({ name });
    for (const state of ['DISABLED', 'ENABLED'] as const) {
      const change = { cryptoKeyVersion: { ...got, state }, updateMask: { paths: ['state'] } };
      expect((await client.updateCryptoKeyVersion(change))[0]).toEqual({ ...got, state });
    }
    const [destroyed] = await client.destroyCryptoKeyVersion({ name });
    expect(destroyed.state).toBe('DESTROY_SCHEDULED');
    const seconds = (time: typeof destroyed.createTime) => Number(time!.seconds);
    expect(seconds(destroyed.destroyTime)).toBeGreaterThanOrEqual(
      seconds(destroyed.createTime) + (30 * DAY_MS) / 1000,
    );
    expect((await client.restoreCryptoKeyVersion({ name }))[0]).toMatchObject({
      state: 'DISABLED',
      destroyTime: null,
    });
  });
});

describe('what a key encrypts', () => {
  const plaintext = Buffer.from('the médical record of c00001');
  const additionalAuthenticatedData = Buffer.from('c00001');
  const sealed = async (name: string, text: Buffer, data = Buffer.alloc(0)) => {
    const [{ ciphertext }] = await client.encrypt({
      name,
      plaintext: text,
      additionalAuthenticatedData: data,
    });
    return ciphertext as Buffer;
  };

  it('is decrypted again, every checksum being right, also after a rotation', async () => {
    const name = (await create('round-trip')).name!;
    const [answer] = await client.encrypt({
      name,
      plaintext,
      plaintextCrc32c: checksum(plaintext),
      additionalAuthenticatedData,
      additionalAuthenticatedDataCrc32c: checksum(additionalAuthenticatedData),
    });
    const ciphertext = answer.ciphertext as Buffer;
    expect(answer).toMatchObject({
      name: version(name, 1),
      verifiedPlaintextCrc32c: true,
      verifiedAdditionalAuthenticatedDataCrc32c: true,
      protectionLevel: 'SOFTWARE',
    });
    expect(Number(answer.ciphertextCrc32c!.value)).toBe(checksum(ciphertext).value);
    expect(ciphertext.includes(plaintext)).toBe(false);

    const open = async () =>
      (
        await client.decrypt({
          name,
          ciphertext,
          ciphertextCrc32c: checksum(ciphertext),
          additionalAuthenticatedData,
          additionalAuthenticatedDataCrc32c: checksum(additionalAuthenticatedData),
        })
      )[0];
    const first = await open();
    expect(first).toMatchObject({ plaintext, usedPrimary: true, protectionLevel: 'SOFTWARE' });
    expect(Number(first.plaintextCrc32c!.value)).toBe(checksum(plaintext).value);

    await client.createCryptoKeyVersion({ parent: name });
    await client.updateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId: '2' });
    expect(await open()).toMatchObject({ plaintext, usedPrimary: false });
    const [next] = await client.encrypt({ name, plaintext });
    expect(next).toMatchObject({ name: version(name, 2), verifiedPlaintextCrc32c: false });
    const [older] = await client.encrypt({ name: version(name, 1), plaintext });
    expect(older.name).toBe(version(name, 1));
  });

  it('is never the same twice, and may be nothing', async () => {
    const name = (await create('twice')).name!;
    expect(await sealed(name, plaintext)).not.toEqual(await sealed(name, plaintext));
    const ciphertext = await sealed(name, Buffer.alloc(0));
    const [opened] = await client.decrypt({ name, ciphertext });
    expect(Buffer.from(opened.plaintext as Uint8Array)).toHaveLength(0);
  });

  it('is refused with a wrong checksum, other data, another key, or once it was changed', async () => {
    const name = (await create('refusals')).name!;
    const other = (await create('refusals-2')).name!;
    const ciphertext = await sealed(name, plaintext, additionalAuthenticatedData);
    const changed = Buffer.from(ciphertext);
    changed[20] ^= 1;
    const wrong = { value: checksum(plaintext).value + 1 };
    const good = { name, ciphertext, additionalAuthenticatedData };
    const refusals: readonly (readonly [Promise<unknown>, RegExp])[] = [
      [client.encrypt({ name, plaintext, plaintextCrc32c: wrong }), /^3 .*plaintextCrc32c did not match/],
      [client.encrypt({ name, plaintext, additionalAuthenticatedDataCrc32c: wrong }), /^3 .*did not match/],
      [client.decrypt({ ...good, ciphertextCrc32c: wrong }), /^3 .*ciphertextCrc32c did not match/],
      [client.decrypt({ ...good, additionalAuthenticatedData: 'YQ==' }), /^3 .*ciphertext is invalid/],
      [client.decrypt({ ...good, ciphertext: changed }), /^3 .*ciphertext is invalid/],
      [client.decrypt({ ...good, ciphertext: plaintext }), /^3 .*correct CryptoKey/],
      [client.decrypt({ ...good, name: other }), /^3 .*correct CryptoKey/],
      [client.encrypt({ name, plaintext: Buffer.alloc(65_537) }), /^3 .*64KiB/],
      [client.encrypt({ name: `${name}-absent`, plaintext }), /^5 .*not found/],
    ];
    for (const [call, refusal] of refusals) expect(await refusalOf(call)).toMatch(refusal);
    expect((await client.decrypt(good))[0].plaintext).toEqual(plaintext);
    await client.encrypt({ name, plaintext: Buffer.alloc(65_536) });
  });

  it('stays closed while its version is disabled or destroyed', async () => {
    const name = (await create('closed')).name!;
    const ciphertext = await sealed(name, plaintext);
    const cryptoKeyVersion = { name: version(name, 1), state: CryptoKeyVersionState.DISABLED };
    await client.updateCryptoKeyVersion({ cryptoKeyVersion, updateMask: { paths: ['state'] } });
    expect(await refusalOf(client.decrypt({ name, ciphertext }))).toMatch(/^9 .*state is: DISABLED/);
    expect(await refusalOf(client.encrypt({ name, plaintext }))).toMatch(/^9 .*state is: DISABLED/);
    await client.destroyCryptoKeyVersion({ name: version(name, 1) });
    expect(await refusalOf(client.decrypt({ name, ciphertext }))).toMatch(/^9 .*state is: DESTROY_SCHEDULED/);
  });
});

const NAME = `${parent}/cryptoKeys/refused`;
test.each<[string, () => Promise<unknown>, RegExp]>([
  ['a key that is there', () => create('refused'), /^6 .*already exists/],
  ['another token', () => clientOf('other').getCryptoKey({ name: NAME }), /^16 .*authentication credentials/],
  [
    'the destruction of a destroyed version',
    () => client.destroyCryptoKeyVersion({ name: version(NAME, 2) }),
    /^9 .*DESTROY_SCHEDULED/,
  ],
  [
    'a destroyed version as the primary one',
    () => client.updateCryptoKeyPrimaryVersion({ name: NAME, cryptoKeyVersionId: '2' }),
    /^9 .*DESTROY_SCHEDULED/,
  ],
  [
    'the restoration of what is not destroyed',
    () => client.restoreCryptoKeyVersion({ name: version(NAME, 1) }),
    /^9 .*ENABLED/,
  ],
  ['an absent key', () => client.getCryptoKey({ name: `${NAME}-absent` }), /^5 .*not found/],
  [
    'another purpose',
    () => client.createCryptoKey({ parent, cryptoKeyId: 'x', cryptoKey: { purpose: 'MAC' } }),
    /^3 .*purpose/,
  ],
  [
    'a key without a version',
    () =>
      client.createCryptoKey({
        parent,
        cryptoKeyId: 'x',
        cryptoKey: { purpose },
        skipInitialVersionCreation: true,
      }),
    /^3 .*skip_initial_version_creation/,
  ],
  [
    'a field that the fake does not cover',
    () => {
      const cryptoKey = { purpose, rotationPeriod: { seconds: 86_400 } };
      return client.createCryptoKey({ parent, cryptoKeyId: 'x', cryptoKey });
    },
    /^3 .*rotationPeriod/,
  ],
  [
    'a change of another field of a key',
    () => client.updateCryptoKey({ cryptoKey: { name: NAME, purpose }, updateMask: { paths: ['purpose'] } }),
    /^3 .*update_mask/,
  ],
])('%s is refused', async (_what, call, refusal) => {
  if ((await refusalOf(client.getCryptoKey({ name: NAME }))) !== 'done') {
    await create('refused');
    await client.createCryptoKeyVersion({ parent: NAME });
    await client.destroyCryptoKeyVersion({ name: version(NAME, 2) });
  }
  const entries = server.cloud.ledger.entries.length;
  expect(await refusalOf(call())).toMatch(refusal);
  expect(server.cloud.ledger.entries).toHaveLength(entries);
  expect([await stateOf(version(NAME, 1)), await stateOf(version(NAME, 2))]).toEqual([
    'ENABLED',
    'DESTROY_SCHEDULED',
  ]);
});

test('the numbers of the enumerations are the vendor’s', () => {
  const vendors = {
    purpose: CryptoKey.CryptoKeyPurpose,
    state: CryptoKeyVersionState,
    protectionLevel: ProtectionLevel,
    algorithm: CryptoKeyVersionAlgorithm,
  };
  expect(Object.keys(vendors)).toEqual(Object.keys(ENUMERATIONS));
  for (const [field, numbers] of Object.entries<object>(vendors))
    expect(numbers, field).toMatchObject(
      Object.fromEntries(ENUMERATIONS[field].map((name, number) => [name, number])),
    );
});

test('a call that the fake does not cover is answered with 501 and what it was', async () => {
  const call = client.listImportJobs({ parent });
  expect(await refusalOf(call)).toMatch(/^12 .*does not cover GET \/v1\/.*importJobs/);
});
