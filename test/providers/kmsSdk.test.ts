// The thin client of Cloud KMS beside Google's own: with the same arguments both send the same requests, for every call
// that provisioning and operations make.

import { KeyManagementServiceClient } from '@google-cloud/kms';
import { auth } from '@googleapis/run';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withNames } from '../../fakes/kmsEnumerations.ts';
import type { FakeRequest } from '../../fakes/service.ts';
import type { Call, Transport } from '../../src/ports.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { cryptoKeyVerbs, disableKey, enableKey } from '../../src/providers/kms.ts';
import { TOKEN } from '../fakes/fakeCall.ts';
import { answered } from '../fakes/harness.ts';
import { type OverHttp, serveCloud } from '../fakes/overHttp.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const ATTEMPT = { key: [1, 2, 0, 0], deadlineAtMs: 15_000 };
const parent = 'projects/p/locations/us-west1/keyRings/companies';
const name = `${parent}/cryptoKeys/c00001`;
const labels = { company: 'c00001' };
const version = (number: number) => ({ name: `${name}/cryptoKeyVersions/${number}` });

/** What of a request matters to the vendor. The rest of the headers say who the client is and how it speaks HTTP. */
type Sent = Readonly<Record<'method' | 'path' | 'query' | 'authorization' | 'contentType' | 'body', unknown>>;

let server: OverHttp;
let client: KeyManagementServiceClient;
const seen: Sent[] = [];

beforeAll(async () => {
  server = await serveCloud();
  const arrive = server.cloud.arrive.bind(server.cloud);
  server.cloud.arrive = (request, nowMs) => {
    seen.push(sentBySdk(request));
    return arrive(request, nowMs);
  };
  const { hostname, port } = new URL(server.urls.kms);
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token: TOKEN });
  const options = { fallback: true, protocol: 'http', apiEndpoint: hostname, port: Number(port) };
  // Its types know the credentials of another release alone; at work any that gives headers will do.
  client = new KeyManagementServiceClient({ ...options, authClient: credential as never });
});
afterAll(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  seen.length = 0;
});

const sentBySdk = ({ method, path, query, headers, body }: FakeRequest): Sent =>
  sentOf(method, path, query, headers, body);

const sentByClient = ({ method, url, headers, body }: Call): Sent => {
  const { pathname, searchParams } = new URL(url);
  return sentOf(method, pathname, searchParams, headers, body);
};

/**
 * Google's client speaks of enumerations by number, asks for numbers with `$alt`, and writes an empty text for an empty
 * object; ours speaks of them by name. To the vendor each is the same, and here, in this one place, it is too.
 */
function sentOf(
  method: string,
  path: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | undefined,
): Sent {
  const text = new TextDecoder().decode(body);
  return {
    method,
    path,
    query: [...query].filter(([field]) => field !== '$alt').sort(),
    authorization: headers.authorization,
    // Of what is not there both may say what it is.
    contentType: text === '' ? undefined : headers['content-type'],
    body: text === '' ? undefined : withNames(JSON.parse(text) || {}),
  };
}

type Answer = readonly [status: number, body?: object];

/** Every request of ours, given these answers one after another. */
async function ours(act: (send: Send) => Promise<unknown>, answers: readonly Answer[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  const left = [...answers];
  const transport: Transport = {
    send: async call => {
      sent.push(sentByClient(call));
      const [status, body = {}] = left.shift() ?? [500];
      return answered({ status, body });
    },
  };
  await act(createSend(transport, fixedCredentials(TOKEN)));
  expect(left).toEqual([]);
  return sent;
}

/** The vendor's client rejects what the fake refuses; here only the requests matter. */
async function theirs(calls: readonly (() => Promise<unknown>)[]): Promise<Sent[]> {
  for (const call of calls) await call().catch(() => undefined);
  return seen;
}

const key = (send: Send) => cryptoKeyVerbs(send, company, platform);
const create = () =>
  client.createCryptoKey({
    parent,
    cryptoKeyId: 'c00001',
    cryptoKey: { purpose: 'ENCRYPT_DECRYPT', labels },
  });
const get = () => client.getCryptoKey({ name });
const list = (filter: string) => () => client.listCryptoKeyVersions({ parent: name, filter });
const destroy = (number: number) => () => client.destroyCryptoKeyVersion(version(number));
const setPrimary = (cryptoKeyVersionId: string) => () =>
  client.updateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId });
const setState = (number: number, state: 'ENABLED' | 'DISABLED') => () =>
  client.updateCryptoKeyVersion({
    cryptoKeyVersion: { ...version(number), state },
    updateMask: { paths: ['state'] },
  });

type Case = readonly [
  what: string,
  ours: (send: Send) => Promise<unknown>,
  answers: readonly Answer[],
  theirs: readonly (() => Promise<unknown>)[],
];
const DESTROYED = { labels, primary: { state: 'DESTROYED' } };
const CASES: readonly Case[] = [
  ['a key is made', send => key(send).create!(ATTEMPT), [[200]], [create]],
  [
    'a key of before is given a new version',
    send => key(send).create!(ATTEMPT),
    [[409], [200, DESTROYED], [200], [200, version(2)], [200]],
    [
      create,
      get,
      list('state=ENABLED'),
      () => client.createCryptoKeyVersion({ parent: name, cryptoKeyVersion: {} }),
      setPrimary('2'),
    ],
  ],
  [
    'a version that an earlier try made is taken up',
    send => key(send).create!(ATTEMPT),
    [[409], [200, DESTROYED], [200, { cryptoKeyVersions: [version(3)] }], [200]],
    [create, get, list('state=ENABLED'), setPrimary('3')],
  ],
  ['a key is looked for', send => key(send).find(ATTEMPT, undefined), [[404]], [get]],
  [
    'the versions of a key are destroyed',
    send => key(send).remove!(ATTEMPT, undefined),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1), version(2)] }], [200], [200]],
    [get, list('state=ENABLED OR state=DISABLED'), destroy(1), destroy(2)],
  ],
  [
    'a key is disabled',
    send => disableKey(send, company, platform, ATTEMPT),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1)] }], [200]],
    [get, list('state=ENABLED'), setState(1, 'DISABLED')],
  ],
  [
    'a key is enabled',
    send => enableKey(send, company, platform, ATTEMPT),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1), version(2)] }], [200], [200]],
    [get, list('state=DISABLED'), setState(1, 'ENABLED'), setState(2, 'ENABLED')],
  ],
];

test.each(CASES)('both send the same when %s', async (_what, act, answers, calls) => {
  const own = await ours(act, answers);
  expect(own).toEqual(await theirs(calls));
  expect(own).toHaveLength(answers.length);
  for (const { authorization } of own) expect(authorization).toBe(`Bearer ${TOKEN}`);
});

test('a state, a company or a version that differs is noticed', async () => {
  const disabled = await ours(CASES[5][1], CASES[5][2]);
  expect(disabled).not.toEqual(await theirs([get, list('state=ENABLED'), setState(1, 'ENABLED')]));
  seen.length = 0;
  expect(disabled).not.toEqual(await theirs([get, list('state=DISABLED'), setState(1, 'DISABLED')]));
  seen.length = 0;
  expect(disabled).not.toEqual(await theirs([get, list('state=ENABLED'), setState(2, 'DISABLED')]));
});
