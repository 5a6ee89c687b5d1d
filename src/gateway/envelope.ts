// Every way in which the gateway says no: one catalogue, one envelope. A message never holds anything of the request,
// and what a stranger must not learn (whose a session is, why a signature is wrong) is not in it either.

import type { GatewayReply } from './request.ts';

export const FAULTS = {
  HOST_UNKNOWN: { status: 404, message: 'no company is served at this host' },
  PATH_UNKNOWN: { status: 404, message: 'there is nothing at this path' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'this path does not answer to this method' },
  BODY_TOO_LARGE: { status: 413, message: 'the body must not be larger than 1 MiB' },
  BODY_MALFORMED: { status: 400, message: 'the body must be a JSON-RPC 2.0 request in UTF-8' },
  BATCH_UNSUPPORTED: { status: 400, message: 'the body must be one request, not a batch' },
  METHOD_UNKNOWN: {
    status: 400,
    message: 'the JSON-RPC method must be one of initialize, tools/list, tools/call',
  },
  SESSION_MISSING: { status: 400, message: 'this method needs the header mcp-session-id' },
  CREDENTIAL_MISSING: { status: 401, message: 'a bearer token is required' },
  CREDENTIAL_INVALID: { status: 401, message: 'the bearer token is not valid' },
  CREDENTIAL_EXPIRED: { status: 401, message: 'the bearer token has expired' },
  CREDENTIAL_REVOKED: { status: 401, message: 'the bearer token has been revoked' },
  COMPANY_FORBIDDEN: { status: 403, message: 'the bearer token is of another company' },
  VERIFICATION_BUSY: { status: 503, message: 'too many requests wait for verification' },
  QUOTA_EXCEEDED: { status: 429, message: 'the requests of this minute are used up' },
  SESSION_UNKNOWN: { status: 404, message: 'the session is not known' },
  COMPANY_UNKNOWN: { status: 404, message: 'the company is not known' },
  COMPANY_SUSPENDED: { status: 403, message: 'the company is suspended' },
  CIRCUIT_OPEN: { status: 503, message: "the company's service has failed lately and is left in peace" },
  SERVICE_UNREACHABLE: { status: 502, message: "the company's service did not answer" },
  TIMEOUT: { status: 504, message: 'the request was not answered in time' },
  INTERNAL: { status: 500, message: 'the gateway has failed' },
} as const;

export type FaultCode = keyof typeof FAULTS;

/** Statuses that a client may not read without this header: RFC 6750 and RFC 9110. */
const CHALLENGE = 'Bearer error="invalid_token"';
const MS_PER_S = 1000;

/** `retryAfterMs` where it is known when to come back; rounded up to the header's whole seconds, at least one. */
export function faultReply(
  code: FaultCode,
  requestId: string,
  retryAfterMs: number | undefined,
): GatewayReply {
  const { status, message } = FAULTS[code];
  const headers: Record<string, string> = jsonHeaders(requestId);
  if (status === 401) headers['www-authenticate'] = code === 'CREDENTIAL_MISSING' ? 'Bearer' : CHALLENGE;
  if (retryAfterMs !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / MS_PER_S)));
  return { status, headers, body: jsonBytes({ error: { code, message, requestId } }) };
}

export const isFault = (value: string): value is FaultCode => Object.hasOwn(FAULTS, value);

/** The gateway's own answers are nobody's to keep, unless `cacheControl` says so. */
export function jsonHeaders(requestId: string, cacheControl = 'no-store'): Record<string, string> {
  return { 'content-type': 'application/json', 'cache-control': cacheControl, 'x-request-id': requestId };
}

const encoder = new TextEncoder();

export const jsonBytes = (value: object): Uint8Array => encoder.encode(JSON.stringify(value));
