// One request on its way through the gateway: what is known of it so far, what its caller wants, and the keys of the
// port calls that are made for it.

import type { AdmitRequest, CallKey } from '../ports.ts';
import type { Passage } from './breaker.ts';
import { type FaultCode, isFault } from './envelope.ts';
import { keyWith } from './key.ts';
import type { GatewayRequest, RequestKind } from './request.ts';
import { kindOf, type Target } from './route.ts';

export type Visit = {
  readonly request: GatewayRequest;
  readonly requestId: string;
  readonly arrivedAtMs: number;
  readonly deadlineAtMs: number;
  /** The company whose host was asked: a claim, for the log. */
  asked: string;
  /** The same once the signature is verified, which makes an audit record due; empty until then. */
  company: string;
  kind: RequestKind;
  /** Undefined where the kind has none. */
  session: string | undefined;
  /** Whether the cache knows whose it is. */
  isSessionKnown: boolean;
  /** While the company's service is asked. */
  passage: Passage | undefined;
  /** What is under way, for the log. */
  step: 'arrival' | 'verification' | 'cache' | 'record' | 'service';
};

export function visitOf(request: GatewayRequest, nowMs: number, timeoutMs: number): Visit {
  return {
    request,
    requestId: request.key.join('-'),
    arrivedAtMs: nowMs,
    deadlineAtMs: nowMs + timeoutMs,
    asked: '',
    company: '',
    kind: 'other',
    session: undefined,
    isSessionKnown: false,
    passage: undefined,
    step: 'arrival',
  };
}

/** Reads from body and header what a verified caller wants; why that cannot be, when it cannot. */
export function readWish(visit: Visit, target: Target): FaultCode | undefined {
  const { body, headers } = visit.request;
  const kind = kindOf(target, body);
  if (isFault(kind)) return kind;
  visit.kind = kind;
  if (kind !== 'tools/list' && kind !== 'tools/call') return undefined;
  const session = headers['mcp-session-id'];
  if (session === undefined) return 'SESSION_MISSING';
  if (!isSession(session)) return 'SESSION_UNKNOWN';
  visit.session = session;
  return undefined;
}

/** What MCP allows a session's id to be made of. Longer ones are nobody's: a service's have about 50 characters. */
const SESSION = /^[\x21-\x7e]{1,256}$/;

export const isSession = (text: string): boolean => SESSION.test(text);

/** Last place of a port call's key: which of its request's calls it is. */
export const CALL = {
  verify: 0,
  cacheTrip: 1,
  recordRead: 2,
  service: 3,
  putConfig: 4,
  putSession: 5,
} as const;

export const keyOf = ({ key }: GatewayRequest, call: number): CallKey => keyWith(key, call);

export function admitRequest({ request, company, session }: Visit, requestsPerMinute: number): AdmitRequest {
  return { company, requestsPerMinute, session, key: keyOf(request, CALL.cacheTrip) };
}
