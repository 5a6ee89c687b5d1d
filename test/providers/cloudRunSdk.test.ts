// The thin client of Cloud Run beside Google's own: with the same arguments both send the same request.

import { auth, run, type run_v2 } from '@googleapis/run';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FakeRequest } from '../../fakes/service.ts';
import type { Call, Transport } from '../../src/ports.ts';
import { createSend } from '../../src/providers/call.ts';
import { serviceVerbs } from '../../src/providers/cloudRun.ts';
import {
  RESUMED,
  restartOf,
  type ServiceChange,
  SUSPENDED,
  updateService,
} from '../../src/providers/serviceChange.ts';
import { TOKEN } from '../fakes/fakeCall.ts';
import { answered } from '../fakes/harness.ts';
import { type OverHttp, serveCloud } from '../fakes/overHttp.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

type Service = run_v2.Schema$GoogleCloudRunV2Service;
/** What of a request matters to the vendor. */
type Sent = Readonly<Record<'method' | 'path' | 'query' | 'authorization' | 'contentType' | 'body', unknown>>;

const ATTEMPT = { key: [1, 2, 0, 0], deadlineAtMs: 15_000 };
const parent = 'projects/p/locations/us-west1';
const name = `${parent}/services/c00001`;
const SERVICE: Service = { template: { containers: [{ image: 'health:1' }] }, labels: { company: 'c00001' } };

let server: OverHttp;
let locations: run_v2.Resource$Projects$Locations;
const seen: FakeRequest[] = [];

beforeAll(async () => {
  server = await serveCloud(10_000_000);
  const arrive = server.cloud.arrive.bind(server.cloud);
  server.cloud.arrive = (request, nowMs) => {
    seen.push(request);
    return arrive(request, nowMs);
  };
  const credential = new auth.OAuth2();
  credential.setCredentials({ access_token: TOKEN });
  const rootUrl = `${server.urls.cloudRun}/`;
  locations = run({ version: 'v2', auth: credential, rootUrl, retry: false }).projects.locations;
});
afterAll(() => server.close());
beforeEach(() => {
  seen.length = 0;
});

const textOf = (body: Uint8Array | undefined) =>
  body === undefined || body.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(body));

const sentBySdk = ({ method, path, query, headers, body }: FakeRequest): Sent => ({
  method,
  path,
  query: [...query].sort(),
  authorization: headers.authorization,
  contentType: headers['content-type'],
  body: textOf(body),
});

const sentByClient = ({ method, url, headers, body }: Call): Sent => {
  const { pathname, searchParams } = new URL(url);
  return {
    method,
    path: pathname,
    query: [...searchParams].sort(),
    authorization: headers.authorization,
    contentType: headers['content-type'],
    body: textOf(body),
  };
};

/** The last request of a client whose every call is answered with `service`. */
async function lastOf(calls: (send: ReturnType<typeof createSend>) => Promise<unknown>, service = {}) {
  const sent: Call[] = [];
  const transport: Transport = {
    send: async call => {
      sent.push(call);
      return answered({ status: 200, body: { name: `${parent}/operations/1`, ...service } });
    },
  };
  await calls(createSend(transport, fixedCredentials(TOKEN)));
  return sentByClient(sent.at(-1)!);
}

/** The client of Google rejects what the fake refuses; here only the request matters. */
async function sdkSent(call: Promise<unknown>): Promise<Sent> {
  await call.catch(() => undefined);
  expect(seen).toHaveLength(1);
  return sentBySdk(seen[0]);
}

test('the creation of a company’s service, and each look at it', async () => {
  const verbs = (send: ReturnType<typeof createSend>) => serviceVerbs(send, company, platform);
  const created = await lastOf(send => verbs(send).create!(ATTEMPT));
  const requestBody = created.body as Service;
  const serviceId = company.id;
  expect(created).toEqual(await sdkSent(locations.services.create({ parent, serviceId, requestBody })));
  seen.length = 0;
  const found = await lastOf(send => verbs(send).find(ATTEMPT, undefined));
  expect(found).toEqual(await sdkSent(locations.services.get({ name })));
  seen.length = 0;
  const operation = `${parent}/operations/1`;
  const asked = await lastOf(send => verbs(send).find(ATTEMPT, operation), { done: false });
  expect(asked).toEqual(await sdkSent(locations.operations.get({ name: operation })));
  seen.length = 0;
  const removed = await lastOf(send => verbs(send).remove!(ATTEMPT, undefined), SERVICE);
  expect(removed).toEqual(await sdkSent(locations.services.delete({ name })));
});

const CHANGES: Readonly<Record<string, ServiceChange>> = {
  suspension: SUSPENDED,
  resumption: RESUMED,
  restart: restartOf('7'),
  'a change of what was read': { ...SUSPENDED, etag: '"x"' },
  'a change of two fields in one': { mask: ['labels', 'template.scaling'], fields: { ...SERVICE } },
};

test.each(Object.entries(CHANGES))('%s', async (_what, change) => {
  const sent = await lastOf(send => updateService(send, name, change, ATTEMPT));
  const updateMask = change.mask.join(',');
  const requestBody = { ...change.fields, ...(change.etag && { etag: change.etag }) };
  expect(sent).toEqual(await sdkSent(locations.services.patch({ name, updateMask, requestBody })));
});
