// The metadata server that every Cloud Run instance has: it gives out the access tokens of the instance's service
// account. The real one gives the same token again until five minutes before its end; this one gives a fresh one each
// time, since its callers ask only when a token was refused.

import type { FakeReply, RouteContext, Service, World } from './service.ts';

const TOKEN_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
/** An hour less what the real one has used up of it by then. */
const LIFETIME_SECONDS = 3599;
const FLAVOR = { 'metadata-flavor': 'Google' };

export function metadataServer(world: World): Service {
  // Its header keeps a careless redirect from reading a token: without it the server refuses.
  const give = ({ headers, nowMs }: RouteContext): FakeReply =>
    headers['metadata-flavor'] === 'Google'
      ? {
          status: 200,
          headers: FLAVOR,
          body: {
            access_token: world.issued.give('google', 'ya29.sandtable', LIFETIME_SECONDS * 1000, nowMs),
            expires_in: LIFETIME_SECONDS,
            token_type: 'Bearer',
          },
        }
      : text(403, 'Missing Metadata-Flavor:Google header.');
  return {
    name: 'metadataServer',
    hosts: ['metadata.google.internal'],
    authorise: () => undefined,
    throttled: ({ retryAfterMs }) => ({
      ...text(429, 'Too many requests.'),
      headers: { ...FLAVOR, 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    }),
    malformed: reason => text(400, reason),
    unavailable: status => text(status, 'Service Unavailable'),
    routes: [
      {
        method: 'GET',
        path: TOKEN_PATH,
        operation: 'metadataServer.tokens.get',
        latency: 'lat.metadata-server.token',
        handle: give,
      },
    ],
  };
}

const text = (status: number, body: string): FakeReply => ({ status, headers: FLAVOR, body });
