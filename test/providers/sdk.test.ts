// The vendors' own clients are the oracle of ours: with the same arguments, both send the same request. A server on
// loopback takes down what either sends, and answers what the vendor would.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { firestore, auth as firestoreAuth } from '@googleapis/firestore';
import { auth as secretAuth, secretmanager } from '@googleapis/secretmanager';
import { Pinecone } from '@pinecone-database/pinecone';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call, Transport } from '../../src/ports.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { documentVerbs } from '../../src/providers/firestore.ts';
import { namespaceVerbs } from '../../src/providers/pinecone.ts';
import {
  accessSecret,
  disableSecretVersions,
  enableSecretVersions,
  secretVerbs,
  secretVersionVerbs,
} from '../../src/providers/secretManager.ts';
import type { Attempt } from '../../src/provisioning/verbs.ts';
import { TOKEN } from '../fakes/fakeCall.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const attempt: Attempt = { key: [1], deadlineAtMs: 0 };
const chance = { uniform: () => 0, secret: () => 'open sesame' };
const secret = 'projects/p/secrets/c00001-api-key';
const version = `${secret}/versions/1`;
const old = 'projects/p/secrets/c00001-old/versions/1';
const root = 'projects/p/databases/(default)/documents';
const document = `${root}/companies/c00001`;
const namespace = 'c00001';

/** What matters of a request. The rest of the headers say who the client is and how it speaks HTTP. */
type Sent = {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: unknown;
  /** Of the body, if there is one. */
  readonly type?: string;
  readonly headers: Readonly<Record<string, string>>;
};
const HEADERS = ['authorization', 'api-key', 'x-pinecone-api-version'];

function sentOf(
  method: string,
  target: string,
  headers: Readonly<Record<string, unknown>>,
  body: string,
): Sent {
  const { pathname, searchParams } = new URL(target, 'http://127.0.0.1');
  return {
    method,
    path: pathname,
    query: [...searchParams].map(([name, value]) => `${name}=${value}`).sort(),
    // No body and an empty object are the same to every one of these APIs.
    body: body === '' ? {} : JSON.parse(body),
    ...(body !== '' && { type: String(headers['content-type']).split(';')[0] }),
    headers: Object.fromEntries(
      HEADERS.flatMap(name => (headers[name] ? [[name, String(headers[name])]] : [])),
    ),
  };
}

/** Answers by the end of the path and its query, the first that fits. The secret `c00001-old` has disabled versions alone. */
const ANSWERS: readonly (readonly [RegExp, object])[] = [
  [/c00001-old\/versions\?.*ENABLED/, {}],
  [/c00001-old\/versions\?/, { versions: [{ name: old, state: 'DISABLED', etag: '"1"' }] }],
  [/c00001-old$/, { labels: { company: 'c00001' } }],
  [/:access$/, { payload: { data: btoa('open sesame') } }],
  [/:addVersion$/, { name: `${secret}/versions/2` }],
  [
    /\/versions\?/,
    {
      versions: [
        { name: `${secret}/versions/2`, state: 'ENABLED' },
        { name: version, etag: '"1"' },
      ],
    },
  ],
  [/secrets\/c00001-api-key$/, { name: secret, labels: { company: 'c00001' } }],
  [/companies\/c00001$/, { name: document, fields: { companyId: { stringValue: 'c00001' } } }],
  [/namespaces/, { name: namespace, record_count: 0, namespaces: [] }],
  [/./, {}],
];
const answerTo = (target: string) => ANSWERS.find(([pattern]) => pattern.test(target))![1];

let server: Server;
let url: string;
let seen: Sent[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const sent = sentOf(request.method!, request.url!, request.headers, Buffer.concat(chunks).toString());
      seen.push(sent);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answerTo(request.url!)));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise(resolve => server.close(resolve)));

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Every request that our client sends while it does one thing. */
async function ours(act: (send: Send) => Promise<unknown>): Promise<Sent[]> {
  const calls: Call[] = [];
  const transport: Transport = {
    send: async call => {
      calls.push(call);
      const body = encoder.encode(JSON.stringify(answerTo(call.url)));
      return { kind: 'answered', status: 200, headers: {}, body };
    },
  };
  await act(createSend(transport, fixedCredentials(TOKEN)));
  return calls.map(({ method, url, headers, body }) =>
    sentOf(method, url, headers, body === undefined ? '' : decoder.decode(body)),
  );
}

async function theirs(acts: readonly (() => Promise<unknown>)[]): Promise<Sent[]> {
  seen = [];
  for (const act of acts) await act();
  return seen;
}

const secrets = () => {
  const credential = new secretAuth.OAuth2();
  credential.setCredentials({ access_token: TOKEN });
  return secretmanager({ version: 'v1', auth: credential, rootUrl: `${url}/`, retry: false }).projects
    .secrets;
};
const documents = () => {
  const credential = new firestoreAuth.OAuth2();
  credential.setCredentials({ access_token: TOKEN });
  return firestore({ version: 'v1', auth: credential, rootUrl: `${url}/`, retry: false }).projects.databases
    .documents;
};
const index = () => new Pinecone({ apiKey: TOKEN, maxRetries: 0 }).index({ host: url });

const secretOf = (send: Send) => secretVerbs(send, company, platform, 'api-key');
const versionOf = (send: Send) => secretVersionVerbs(send, company, platform, 'api-key', chance);
const documentOf = (send: Send) => documentVerbs(send, company, platform);
const namespaceOf = (send: Send) => namespaceVerbs(send, company, platform);

type Case = readonly [
  what: string,
  ours: (send: Send) => Promise<unknown>,
  theirs: () => readonly (() => Promise<unknown>)[],
];
const CASES: readonly Case[] = [
  [
    'a secret is made',
    send => secretOf(send).create!(attempt),
    () => [
      () =>
        secrets().create({
          parent: 'projects/p',
          secretId: 'c00001-api-key',
          requestBody: { replication: { automatic: {} }, labels: { company: 'c00001' } },
        }),
    ],
  ],
  [
    'a secret is looked for',
    send => secretOf(send).find(attempt, undefined),
    () => [() => secrets().get({ name: secret })],
  ],
  [
    'a secret is deleted, after a look',
    send => secretOf(send).remove!(attempt, undefined),
    () => [() => secrets().get({ name: secret }), () => secrets().delete({ name: secret })],
  ],
  [
    'a version is added, and an older one destroyed as it was seen',
    send => versionOf(send).create!(attempt),
    () => [
      () =>
        secrets().addVersion({
          parent: secret,
          requestBody: { payload: { data: btoa('open sesame') } },
        }),
      () => secrets().versions.list({ parent: secret, filter: 'state:ENABLED' }),
      () => secrets().get({ name: secret }),
      () => secrets().versions.destroy({ name: version, requestBody: { etag: '"1"' } }),
    ],
  ],
  [
    'a secret is read',
    send => accessSecret(send, company, platform, 'api-key', attempt),
    () => [() => secrets().versions.access({ name: `${secret}/versions/latest` })],
  ],
  [
    'the versions of a secret are disabled, each as it was seen',
    send => disableSecretVersions(send, company, platform, 'api-key', attempt),
    () => [
      () => secrets().get({ name: secret }),
      () => secrets().versions.list({ parent: secret, filter: 'state:ENABLED' }),
      () => secrets().versions.disable({ name: `${secret}/versions/2`, requestBody: {} }),
      () => secrets().versions.disable({ name: version, requestBody: { etag: '"1"' } }),
    ],
  ],
  [
    'a secret with an enabled version is enabled',
    send => enableSecretVersions(send, company, platform, 'api-key', attempt),
    () => [
      () => secrets().get({ name: secret }),
      () => secrets().versions.list({ parent: secret, filter: 'state:ENABLED' }),
    ],
  ],
  [
    'a secret without an enabled version is enabled',
    send => enableSecretVersions(send, company, platform, 'old', attempt),
    () => {
      const parent = 'projects/p/secrets/c00001-old';
      return [
        () => secrets().get({ name: parent }),
        () => secrets().versions.list({ parent, filter: 'state:ENABLED' }),
        () => secrets().versions.list({ parent, filter: 'state:DISABLED' }),
        () => secrets().versions.enable({ name: old, requestBody: { etag: '"1"' } }),
      ];
    },
  ],
  [
    'a document is made, unless it is there',
    send => documentOf(send).create!(attempt),
    () => [
      () =>
        documents().commit({
          database: 'projects/p/databases/(default)',
          requestBody: {
            writes: [
              {
                update: {
                  name: document,
                  fields: {
                    companyId: { stringValue: 'c00001' },
                    region: { stringValue: 'us-west1' },
                    level: { stringValue: 'DIAMOND' },
                    industry: { stringValue: 'Health care' },
                    configuration: { stringValue: 'basic' },
                    retentionDays: { integerValue: '30' },
                    auditRetentionDays: { integerValue: '60' },
                    standards: { arrayValue: { values: [{ stringValue: 'HIPAA' }] } },
                  },
                },
                currentDocument: { exists: false },
              },
            ],
          },
        }),
    ],
  ],
  [
    'a document is looked for',
    send => documentOf(send).find(attempt, undefined),
    () => [() => documents().get({ name: document })],
  ],
  [
    'a document is deleted, after a look',
    send => documentOf(send).remove!(attempt, undefined),
    () => [() => documents().get({ name: document }), () => documents().delete({ name: document })],
  ],
  [
    'a namespace is made',
    send => namespaceOf(send).create!(attempt),
    () => [() => index().createNamespace({ name: namespace })],
  ],
  [
    'a namespace is looked for',
    send => namespaceOf(send).find(attempt, undefined),
    () => [() => index().describeNamespace(namespace)],
  ],
  [
    'a namespace is deleted',
    send => namespaceOf(send).remove!(attempt, undefined),
    () => [() => index().deleteNamespace(namespace)],
  ],
];

describe('the vendor’s client and ours send the same', () => {
  test.each(CASES)('when %s', async (_what, act, acts) => {
    const [own, vendor] = [await ours(act), await theirs(acts())];
    expect(own).toEqual(vendor);
    expect(own.length).toBeGreaterThan(0);
    for (const { headers } of own) expect(Object.values(headers).join()).toContain(TOKEN);
  });
});
