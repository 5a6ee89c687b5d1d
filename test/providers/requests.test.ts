// Atlas, which has no client of its own in JavaScript: each request of ours as the vendor's description has it.

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
import type { Attempt } from '../../src/provisioning/verbs.ts';
import { TOKEN } from '../fakes/fakeCall.ts';
import { ATLAS_PROJECT, company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

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

type Case = readonly [
  what: string,
  act: (send: Send) => Promise<unknown>,
  answers: readonly Answer[],
  texts: readonly string[],
];
const API = `https://cloud.mongodb.com/api/atlas/v2/groups/${ATLAS_PROJECT}`;
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

describe('the client of Atlas', () => {
  test.each(ATLAS)('%s', async (_what, act, answers, texts) => {
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
