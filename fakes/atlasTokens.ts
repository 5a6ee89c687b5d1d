// Atlas's access tokens: a service account's id and secret buy one that is good for an hour. The fakes' own fixed token
// is the secret of every service account, and a bearer token that does not expire.

import type { IssuedTokens } from './issuedTokens.ts';
import type { FakeReply, Route, RouteContext } from './service.ts';

const CLIENT_ID = /^mdb_sa_id_[0-9a-f]{24}$/;
const LIFETIME_SECONDS = 3600;

export type AccessTokens = {
  readonly route: Route;
  /** Whether the header has a token that is good now. */
  readonly isGood: (authorization: string | undefined, nowMs: number) => boolean;
};

export function createTokens(secret: string, issued: IssuedTokens): AccessTokens {
  const give = ({ headers, body, nowMs }: RouteContext): FakeReply => {
    const client = clientOf(headers.authorization, secret);
    if (client === undefined) return refused(401, 'invalid_client', 'The client id or its secret is wrong.');
    const { grant_type, ...rest } = body;
    if (grant_type === undefined) return refused(400, 'invalid_request', 'grant_type is missing.');
    if (grant_type !== 'client_credentials')
      return refused(400, 'unsupported_grant_type', 'grant_type must be client_credentials.');
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) return refused(400, 'invalid_request', `Unknown parameter ${unknown}.`);
    const token = issued.give('atlas', client, LIFETIME_SECONDS * 1000, nowMs);
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: { access_token: token, expires_in: LIFETIME_SECONDS, token_type: 'Bearer' },
    };
  };

  return {
    route: {
      method: 'POST',
      path: '/api/oauth/token',
      operation: 'atlas.tokens.create',
      latency: 'lat.atlas.token',
      isTokenEndpoint: true,
      handle: give,
    },
    isGood: (authorization = '', nowMs) => {
      const [, token] = /^Bearer (.+)$/.exec(authorization) ?? [];
      return token !== undefined && (token === secret || issued.isGood('atlas', token, nowMs));
    },
  };
}

/** The client's id, when it is one and comes with the secret. */
function clientOf(authorization: string | undefined, secret: string): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+)={0,2}$/.exec(authorization ?? '') ?? [];
  if (encoded === undefined || encoded.length % 4 === 1) return undefined;
  const [, id, given] = /^([^:]*):(.*)$/.exec(atob(encoded)) ?? [];
  return CLIENT_ID.test(id ?? '') && given === secret ? id : undefined;
}

/** OAuth's envelope (RFC 6749, 5.2), which is not the API's. */
function refused(status: number, error: string, description: string): FakeReply {
  return { status, body: { error, error_description: description } };
}
