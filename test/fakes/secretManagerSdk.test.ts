// Secret Manager as Google's own client sees it, over HTTP on loopback.

import { auth, secretmanager } from '@googleapis/secretmanager';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TOKEN } from './fakeCall.ts';
import { googleRefusal, type OverHttp, serveCloud } from './overHttp.ts';

const parent = 'projects/p';
const DATA = btoa('open sesame');
const requestBody = { replication: { automatic: {} }, labels: { company: 'c00001' } };

let server: OverHttp;
const clientOf = (access_token: string) => {
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token });
  const options = { version: 'v1', auth: credential, rootUrl: `${server.urls.secretManager}/` } as const;
  return secretmanager({ ...options, retry: false }).projects.secrets;
};
let secrets: ReturnType<typeof clientOf>;
let n = 0;
let name: string;
/** With the project's id, not its number. */
let ledgerName: string;
const payload = { data: DATA };

beforeAll(async () => {
  server = await serveCloud();
  secrets = clientOf(TOKEN);
});
afterAll(() => server.close());
beforeEach(async () => {
  const secretId = `s${++n}`;
  name = (await secrets.create({ parent, secretId, requestBody })).data.name!;
  ledgerName = `${parent}/secrets/${secretId}`;
});

const add = async () => (await secrets.addVersion({ parent: name, requestBody: { payload } })).data;
const access = async (version = 'latest') =>
  (await secrets.versions.access({ name: `${name}/versions/${version}` })).data;

describe('a secret', () => {
  test('is created, got, listed and deleted', async () => {
    const got = (await secrets.get({ name })).data;
    expect(got).toMatchObject({ name, ...requestBody, etag: expect.stringMatching(/^"[0-9a-f]+"$/) });
    const secretId = 'other';
    await secrets.create({
      parent,
      secretId,
      requestBody: { ...requestBody, labels: { company: 'c00002' }, annotations: { 'a.b': 'c' } },
    });
    const listed = (await secrets.list({ parent, filter: 'labels.company=c00002' })).data;
    expect(listed).toEqual({
      secrets: [expect.objectContaining({ name: name.replace(/[^/]+$/, 'other') })],
    });
    await secrets.delete({ name: `${parent}/secrets/other`, etag: listed.secrets![0].etag! });
    expect(await googleRefusal(secrets.get({ name: `${parent}/secrets/other` }))).toBe('404 NOT_FOUND');
    const pages: string[] = [];
    let pageToken = '';
    do {
      const page = (await secrets.list({ parent, pageSize: 1, pageToken })).data;
      pages.push(...page.secrets!.map(secret => secret.name!));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    expect(pages).toHaveLength(n);
    expect((await secrets.list({ parent: 'projects/q' })).data).toEqual({});
  });

  test('is changed as far as the mask says, and only as it was seen', async () => {
    const { etag } = (await secrets.get({ name })).data;
    const patch = (updateMask: string, requestBody: object) =>
      secrets.patch({ name, updateMask, requestBody });
    const labels = { company: 'c00001', suspended: 'yes' };
    const changed = (await patch('labels', { labels, annotations: { a: 'b' }, etag })).data;
    expect(changed).toMatchObject({ name, labels });
    expect(changed.annotations).toBeUndefined();
    expect(changed.etag).not.toBe(etag);
    expect((await secrets.get({ name })).data).toEqual(changed);
    expect(await googleRefusal(patch('labels', { labels: {}, etag }))).toBe('400 FAILED_PRECONDITION');
    const both = (await patch('annotations,labels', { annotations: { a: 'b' } })).data;
    expect([both.annotations, both.labels]).toEqual([{ a: 'b' }, undefined]);
    const effects = server.cloud.ledger.entries.filter(entry => entry.name === ledgerName);
    expect(effects.map(({ effect, detail }) => `${effect} ${detail}`)).toEqual([
      'created ',
      'changed labels',
      'changed annotations labels',
    ]);
  });

  test('is replicated where its owner says', async () => {
    const replication = { userManaged: { replicas: [{ location: 'europe-west1' }] } };
    const made = await secrets.create({ parent, secretId: `r${n}`, requestBody: { replication } });
    expect(made.data.replication).toEqual(replication);
  });
});

describe('a version', () => {
  test('is added, got, listed, accessed, disabled, enabled and destroyed', async () => {
    const first = await add();
    const second = await add();
    expect([first.name, second.name]).toEqual([`${name}/versions/1`, `${name}/versions/2`]);
    expect(await access()).toMatchObject({ name: second.name, payload: { data: DATA } });
    expect((await secrets.versions.get({ name: first.name! })).data).toEqual(first);
    const disabled = (await secrets.versions.disable({ name: second.name!, requestBody: {} })).data;
    expect(disabled.state).toBe('DISABLED');
    expect(await googleRefusal(access())).toBe('400 FAILED_PRECONDITION');
    const filter = 'state:DISABLED';
    expect((await secrets.versions.list({ parent: name, filter })).data.versions).toEqual([disabled]);
    const enabled = await secrets.versions.enable({
      name: second.name!,
      requestBody: { etag: disabled.etag! },
    });
    expect(enabled.data.state).toBe('ENABLED');
    expect((await access('2')).payload!.data).toBe(DATA);
    const destroyed = (await secrets.versions.destroy({ name: first.name!, requestBody: {} })).data;
    expect(destroyed).toMatchObject({ state: 'DESTROYED', destroyTime: expect.any(String) });
    expect(await googleRefusal(access('1'))).toBe('400 FAILED_PRECONDITION');
    const { versions, totalSize } = (await secrets.versions.list({ parent: name })).data;
    expect(versions!.map(({ state }) => state)).toEqual(['ENABLED', 'DESTROYED']);
    expect(totalSize).toBe(2);
    await secrets.delete({ name });
    const effects = server.cloud.ledger.entries.filter(entry => entry.name.startsWith(`${ledgerName}/`));
    expect(effects.map(({ effect, detail }) => `${effect} ${detail}`)).toEqual([
      'created ENABLED',
      'created ENABLED',
      'changed DISABLED',
      'changed ENABLED',
      'deleted DESTROYED',
      'deleted DESTROYED',
    ]);
  });

  test('says what its payload sums up to, and takes no payload of another sum', async () => {
    // The check value of CRC-32C: that of the text `123456789`.
    const sum = String(0xe3069283);
    const summed = { data: btoa('123456789'), dataCrc32c: sum };
    const made = await secrets.addVersion({ parent: name, requestBody: { payload: summed } });
    expect(made.data.clientSpecifiedPayloadChecksum).toBe(true);
    expect((await access()).payload).toEqual(summed);
    const wrong = { ...summed, data: DATA };
    const refused = secrets.addVersion({ parent: name, requestBody: { payload: wrong } });
    expect(await googleRefusal(refused)).toBe('400 INVALID_ARGUMENT');
  });

  test('has a new etag after each change, one that changes nothing included, and its secret keeps its own', async () => {
    const secret = (await secrets.get({ name })).data.etag;
    const { name: version, etag } = await add();
    const enable = async () => (await secrets.versions.enable({ name: version!, requestBody: {} })).data.etag;
    expect(new Set([etag, await enable(), await enable()]).size).toBe(3);
    const stale = secrets.versions.disable({ name: version!, requestBody: { etag: etag! } });
    expect(await googleRefusal(stale)).toBe('400 FAILED_PRECONDITION');
    expect((await secrets.get({ name })).data.etag).toBe(secret);
  });
});

const version = () => `${name}/versions/1`;
const create = (change: object, secretId = 'fresh') =>
  secrets.create({ parent, secretId, requestBody: { ...requestBody, ...change } });

test.each<[string, () => Promise<unknown>, string]>([
  ['another token', () => clientOf('other').get({ name }), '401 UNAUTHENTICATED'],
  ['the same secret again', () => create({}, `s${n}`), '409 ALREADY_EXISTS'],
  ['an id with a dot', () => create({}, 'a.b'), '400 INVALID_ARGUMENT'],
  ['no replication', () => create({ replication: undefined }), '400 INVALID_ARGUMENT'],
  ['an empty replication', () => create({ replication: {} }), '400 INVALID_ARGUMENT'],
  [
    'replication of both kinds',
    () => create({ replication: { automatic: {}, userManaged: { replicas: [{ location: 'us-west1' }] } } }),
    '400 INVALID_ARGUMENT',
  ],
  ['no replica', () => create({ replication: { userManaged: {} } }), '400 INVALID_ARGUMENT'],
  [
    'a replica nowhere',
    () => create({ replication: { userManaged: { replicas: [{ location: '' }] } } }),
    '400 INVALID_ARGUMENT',
  ],
  ['a label in upper case', () => create({ labels: { company: 'C1' } }), '400 INVALID_ARGUMENT'],
  ['an annotation with a space', () => create({ annotations: { 'a b': '' } }), '400 INVALID_ARGUMENT'],
  ['an unknown field of a secret', () => create({ lables: {} }), '400 INVALID_ARGUMENT'],
  ['a negative page', () => secrets.list({ parent, pageSize: -1 }), '400 INVALID_ARGUMENT'],
  ['a page token of its own', () => secrets.list({ parent, pageToken: 'x' }), '400 INVALID_ARGUMENT'],
  ['a filter by nothing known', () => secrets.list({ parent, filter: 'size>1' }), '400 INVALID_ARGUMENT'],
  ['a change without a mask', () => secrets.patch({ name, requestBody: {} }), '400 INVALID_ARGUMENT'],
  [
    'a change of its replication',
    () => secrets.patch({ name, updateMask: 'replication', requestBody }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a change to a label in upper case',
    () => secrets.patch({ name, updateMask: 'labels', requestBody: { labels: { company: 'C1' } } }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a change of an unknown field',
    () => secrets.patch({ name, updateMask: 'labels', requestBody: { lables: {} } as object }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a change of an absent secret',
    () => secrets.patch({ name: `${name}x`, updateMask: 'labels', requestBody: {} }),
    '404 NOT_FOUND',
  ],
  ['a stale etag at the deletion', () => secrets.delete({ name, etag: '"0"' }), '400 FAILED_PRECONDITION'],
  ['an etag without its quotes', () => secrets.delete({ name, etag: 'abc' }), '400 FAILED_PRECONDITION'],
  ['an absent secret', () => secrets.delete({ name: `${name}x` }), '404 NOT_FOUND'],
  ['an absent version', () => secrets.versions.get({ name: `${name}/versions/2` }), '404 NOT_FOUND'],
  [
    'a version that is no number',
    () => secrets.versions.get({ name: `${name}/versions/x` }),
    '404 NOT_FOUND',
  ],
  ['an empty payload', () => secrets.addVersion({ parent: name, requestBody: {} }), '400 INVALID_ARGUMENT'],
  [
    'a payload that is not base64',
    () => secrets.addVersion({ parent: name, requestBody: { payload: { data: '?' } } }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'an unknown field of a payload',
    () => secrets.addVersion({ parent: name, requestBody: { payload: { ...payload, text: '' } as object } }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a stale etag at a disabling',
    () => secrets.versions.disable({ name: version(), requestBody: { etag: '"0"' } }),
    '400 FAILED_PRECONDITION',
  ],
  [
    'a stale etag at a destruction',
    () => secrets.versions.destroy({ name: version(), requestBody: { etag: '"0"' } }),
    '400 FAILED_PRECONDITION',
  ],
  [
    'an unknown field of a change',
    () => secrets.versions.enable({ name: version(), requestBody: { tag: '' } as object }),
    '400 INVALID_ARGUMENT',
  ],
  [
    'a filter by no state',
    () => secrets.versions.list({ parent: name, filter: 'STATE' }),
    '400 INVALID_ARGUMENT',
  ],
])('%s is refused and changes nothing', async (_what, call, refusal) => {
  await add();
  const before = server.cloud.ledger.entries.length;
  expect(await googleRefusal(call())).toBe(refusal);
  expect(server.cloud.ledger.entries).toHaveLength(before);
  expect((await access()).payload!.data).toBe(DATA);
});

test.each(['enable', 'disable', 'destroy'] as const)(
  '%s has no effect on a destroyed version',
  async verb => {
    await add();
    await secrets.versions.destroy({ name: version(), requestBody: {} });
    const refused = secrets.versions[verb]({ name: version(), requestBody: {} });
    expect(await googleRefusal(refused)).toBe('400 FAILED_PRECONDITION');
  },
);

test('a call that the fake does not cover is answered with 501 and what it was', async () => {
  const call = secrets.getIamPolicy({ resource: name });
  await expect(call).rejects.toMatchObject({
    status: 501,
    message: expect.stringMatching(/does not cover GET/),
  });
});
