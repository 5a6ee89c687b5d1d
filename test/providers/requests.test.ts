// Cloud KMS and Atlas, whose clients are not among the packages: each request of ours as the vendor's description has it.
// Those of Cloud KMS were compared once with what @google-cloud/kms 6.3.0 sends over REST: the same, its enumerations being
// numbers there.

import { describe, expect, test } from 'vitest';
import type { Call, Transport } from '../../src/ports.ts';
import {
  databaseIndexVerbs,
  databaseRoleVerbs,
  databaseUserVerbs,
  disableDatabaseUser,
  enableDatabaseUser,
} from '../../src/providers/atlas.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { cryptoKeyVerbs, disableKey, enableKey } from '../../src/providers/kms.ts';
import type { Company, Platform } from '../../src/provisioning/company.ts';
import type { Attempt } from '../../src/provisioning/verbs.ts';
import { TOKEN } from '../fakes/fakeCall.ts';
import { fixedCredentials } from './fixedCredentials.ts';
import { templatesOf } from './templates.ts';

const company: Company = {
  index: 1,
  id: 'c00001',
  region: 'us-west1',
  ordinal: 0,
  level: 'DIAMOND',
  industry: 'retail',
  configuration: 'basic',
};
const GROUP = '65f1c0a4b7d2e3f40a1b2c01';
const platform: Platform = {
  zones: [{ id: 'zone', domain: 'example.net' }],
  dns: 'record',
  googleProjects: ['p'],
  regions: { 'us-west1': { atlas: [{ project: GROUP, cluster: 'companies' }], pineconeHost: '' } },
  templates: templatesOf('retail'),
};
const attempt: Attempt = { key: [1], deadlineAtMs: 0 };

type Answer = readonly [status: number, body?: object];
const decoder = new TextDecoder();

/** `POST url body` of each request, given these answers one after another. */
async function requestsOf(act: (send: Send) => Promise<unknown>, answers: readonly Answer[]) {
  const calls: Call[] = [];
  const left = [...answers];
  const transport: Transport = {
    send: async call => {
      calls.push(call);
      const [status, body] = left.shift() ?? [];
      if (status === undefined) throw new Error(`no answer left for ${call.method} ${call.url}`);
      return {
        kind: 'answered',
        status,
        headers: {},
        body: new TextEncoder().encode(JSON.stringify(body ?? {})),
      };
    },
  };
  await act(createSend(transport, fixedCredentials(TOKEN)));
  expect(left).toEqual([]);
  const texts = calls.map(({ method, url, body }) =>
    [method, url, ...(body === undefined ? [] : [decoder.decode(body)])].join(' '),
  );
  return { calls, texts };
}

const KEYS = 'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies/cryptoKeys';
const KEY = `${KEYS}/c00001`;
const labels = { company: 'c00001' };
const version = (n: number) => ({ name: `${KEY.replace(/.*v1\//, '')}/cryptoKeyVersions/${n}` });
const key = (send: Send) => cryptoKeyVerbs(send, company, platform);

type Case = readonly [
  what: string,
  act: (send: Send) => Promise<unknown>,
  answers: readonly Answer[],
  texts: readonly string[],
];
const KMS: readonly Case[] = [
  [
    'makes a key',
    send => key(send).create!(attempt),
    [[200]],
    [`POST ${KEYS}?cryptoKeyId=c00001 {"purpose":"ENCRYPT_DECRYPT","labels":{"company":"c00001"}}`],
  ],
  [
    'gives a key of before a new version',
    send => key(send).create!(attempt),
    [[409], [200, { labels, primary: { state: 'DESTROYED' } }], [200], [200, version(2)], [200]],
    [
      `POST ${KEYS}?cryptoKeyId=c00001 {"purpose":"ENCRYPT_DECRYPT","labels":{"company":"c00001"}}`,
      `GET ${KEY}`,
      `GET ${KEY}/cryptoKeyVersions?filter=state%3DENABLED`,
      `POST ${KEY}/cryptoKeyVersions {}`,
      `POST ${KEY}:updatePrimaryVersion {"cryptoKeyVersionId":"2"}`,
    ],
  ],
  ['looks for a key', send => key(send).find(attempt, undefined), [[404]], [`GET ${KEY}`]],
  [
    'destroys the versions of a key',
    send => key(send).remove!(attempt, undefined),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1), version(2)] }], [200], [200]],
    [
      `GET ${KEY}`,
      `GET ${KEY}/cryptoKeyVersions?filter=state%3DENABLED%20OR%20state%3DDISABLED`,
      `POST ${KEY}/cryptoKeyVersions/1:destroy {}`,
      `POST ${KEY}/cryptoKeyVersions/2:destroy {}`,
    ],
  ],
  [
    'disables a key',
    send => disableKey(send, company, platform, attempt),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1)] }], [200]],
    [
      `GET ${KEY}`,
      `GET ${KEY}/cryptoKeyVersions?filter=state%3DENABLED`,
      `PATCH ${KEY}/cryptoKeyVersions/1?updateMask=state {"state":"DISABLED"}`,
    ],
  ],
  [
    'enables a key',
    send => enableKey(send, company, platform, attempt),
    [[200, { labels }], [200, { cryptoKeyVersions: [version(1)] }], [200]],
    [
      `GET ${KEY}`,
      `GET ${KEY}/cryptoKeyVersions?filter=state%3DDISABLED`,
      `PATCH ${KEY}/cryptoKeyVersions/1?updateMask=state {"state":"ENABLED"}`,
    ],
  ],
];

const API = `https://cloud.mongodb.com/api/atlas/v2/groups/${GROUP}`;
const ROLES = `${API}/customDBRoles/roles`;
const USERS = `${API}/databaseUsers`;
const USER = `${USERS}/admin/c00001`;
const PASSWORD = 'https://secretmanager.googleapis.com/v1/projects/p/secrets/c00001-database-password';
const role = (send: Send) => databaseRoleVerbs(send, company, platform);
const user = (send: Send) => databaseUserVerbs(send, company, platform);
const OWN_ROLE = { actions: [{ action: 'FIND', resources: [{ db: 'c00001', collection: '' }] }] };
const OWN_USER = { labels: [{ key: 'company', value: 'c00001' }] };
const action = (name: string) => `{"action":"${name}","resources":[{"db":"c00001","collection":""}]}`;

const ATLAS: readonly Case[] = [
  [
    'makes a role',
    send => role(send).create!(attempt),
    [[200]],
    [
      `POST ${ROLES} {"roleName":"company-c00001","actions":[${['FIND', 'INSERT', 'UPDATE', 'REMOVE'].map(action)}]}`,
    ],
  ],
  ['looks for a role', send => role(send).find(attempt, undefined), [[404]], [`GET ${ROLES}/company-c00001`]],
  [
    'deletes a role, after a look',
    send => role(send).remove!(attempt, undefined),
    [[200, OWN_ROLE], [204]],
    [`GET ${ROLES}/company-c00001`, `DELETE ${ROLES}/company-c00001`],
  ],
  [
    'makes a user with the password of the vault',
    send => user(send).create!(attempt),
    [[200, { payload: { data: btoa('correct horse') } }], [201]],
    [
      `GET ${PASSWORD}/versions/latest:access`,
      `POST ${USERS} {"databaseName":"admin","username":"c00001","password":"correct horse","roles":[{"databaseName":"admin","roleName":"company-c00001"}],"labels":[{"key":"company","value":"c00001"}]}`,
    ],
  ],
  ['looks for a user', send => user(send).find(attempt, undefined), [[404]], [`GET ${USER}`]],
  [
    'deletes a user, after a look',
    send => user(send).remove!(attempt, undefined),
    [[200, OWN_USER], [204]],
    [`GET ${USER}`, `DELETE ${USER}`],
  ],
  [
    'disables a user',
    send => disableDatabaseUser(send, company, platform, attempt),
    [[200, OWN_USER], [200]],
    [`GET ${USER}`, `PATCH ${USER} {"roles":[{"databaseName":"suspended","roleName":"read"}]}`],
  ],
  [
    'enables a user',
    send => enableDatabaseUser(send, company, platform, attempt),
    [[200, OWN_USER], [200]],
    [`GET ${USER}`, `PATCH ${USER} {"roles":[{"databaseName":"admin","roleName":"company-c00001"}]}`],
  ],
  [
    'makes an index',
    send => databaseIndexVerbs(send, company, platform, '7').create!(attempt),
    [[204]],
    [`POST ${API}/clusters/companies/index {"db":"c00001","collection":"agents","keys":[{"field7":"1"}]}`],
  ],
];

describe.each<[string, readonly Case[]]>([
  ['Cloud KMS', KMS],
  ['Atlas', ATLAS],
])('the client of %s', (_vendor, cases) => {
  test.each(cases)('%s', async (_what, act, answers, texts) => {
    const requests = await requestsOf(act, answers);
    expect(requests.texts).toEqual(texts);
    for (const { url, headers, body } of requests.calls) {
      const { host } = new URL(url);
      expect(headers).toEqual({
        authorization: `Bearer ${TOKEN}`,
        ...(host === 'cloud.mongodb.com' && { accept: 'application/vnd.atlas.2025-03-12+json' }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      });
    }
  });
});
