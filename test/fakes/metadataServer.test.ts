// The metadata server as Google's own client sees it: a credential that it fetches by itself opens a Google API.

import { auth, secretmanager } from '@googleapis/secretmanager';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type OverHttp, serveCloud } from './overHttp.ts';

const HOUR_MS = 3_600_000;
const PATH = '/computeMetadata/v1/instance/service-accounts/default/token';

let server: OverHttp;
beforeAll(async () => {
  server = await serveCloud();
});
afterAll(() => server.close());
afterEach(() => {
  vi.unstubAllEnvs();
});

test("gives Google's own client a token, which Google's APIs take and no other vendor", async () => {
  vi.stubEnv('GCE_METADATA_HOST', new URL(server.urls.metadataServer).host);
  const credential = new auth.Compute();
  const options = { version: 'v1', auth: credential, rootUrl: `${server.urls.secretManager}/` } as const;
  const { secrets } = secretmanager({ ...options, retry: false }).projects;
  expect((await secrets.list({ parent: 'projects/p' })).status).toBe(200);
  const { access_token: token, expiry_date: expiresAtMs } = credential.credentials;
  expect(expiresAtMs! - Date.now()).toBeLessThan(HOUR_MS);
  const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.atlas.2025-03-12+json' };
  const { status } = await fetch(`${server.urls.atlas}/api/atlas/v2/groups`, { headers });
  expect(status).toBe(401);
});

test('gives nothing without the header, and says who it is', async () => {
  const ask = (headers: Record<string, string>) => fetch(`${server.urls.metadataServer}${PATH}`, { headers });
  const [without, withIt] = [await ask({}), await ask({ 'metadata-flavor': 'Google' })];
  expect([without.status, withIt.status]).toEqual([403, 200]);
  expect(withIt.headers.get('metadata-flavor')).toBe('Google');
  expect(await withIt.json()).toEqual({
    access_token: expect.any(String),
    expires_in: expect.any(Number),
    token_type: 'Bearer',
  });
});
