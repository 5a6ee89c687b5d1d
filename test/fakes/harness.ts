// One fake without the clouds around it: calls it with a moment of the test's choice, and stands in as the transport of
// a thin client.

import { IssuedTokens } from '../../fakes/issuedTokens.ts';
import { Ledger } from '../../fakes/ledger.ts';
import { Quotas } from '../../fakes/quota.ts';
import {
  bytesOf,
  createRouter,
  type FakeReply,
  type Service,
  serve,
  type World,
} from '../../fakes/service.ts';
import type { Call, CallKey, Outcome, Transport } from '../../src/ports.ts';
import { DOMAIN } from './fakeCall.ts';

export const TOKEN = 'good-token';
export { DOMAIN };

/** A world where long-running things and latencies take what `durationsMs` says, and facts have those values, by id. */
export function createWorld(
  durationsMs: Readonly<Record<string, number>> = {},
  resourceQuotas = false,
): World {
  const fixed = (fact: string) => {
    if (durationsMs[fact] === undefined) throw new Error(`no value for ${fact}`);
    return durationsMs[fact];
  };
  return {
    ledger: new Ledger(),
    token: TOKEN,
    issued: new IssuedTokens(),
    endsHalfDone: () => false,
    domain: DOMAIN,
    zones: new Map(),
    hasWildcards: false,
    durationMs: fixed,
    latencyMs: fixed,
    valueOf: fixed,
    resourceQuotas,
  };
}

export type FakeOptions = {
  readonly token?: string;
  readonly nowMs?: number;
  readonly key?: CallKey;
  readonly quotas?: Quotas;
  readonly headers?: Readonly<Record<string, string>>;
};

export type FakeAnswer = {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read into it
  readonly body: any;
  readonly headers: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly latency: string;
};

const encoder = new TextEncoder();

/** Calls a fake as the clouds' door does, with the good token unless `options` gives another. */
export function callFake(
  service: Service,
  method: string,
  url: string,
  body?: unknown,
  options: FakeOptions = {},
): FakeAnswer {
  const { token = TOKEN, nowMs = 0, key = [0], quotas = new Quotas([]) } = options;
  const { host, pathname, searchParams } = new URL(url);
  const request = {
    method,
    host,
    path: pathname,
    query: searchParams,
    headers: options.headers ?? { authorization: `Bearer ${token}` },
    body:
      body === undefined ? undefined : encoder.encode(typeof body === 'string' ? body : JSON.stringify(body)),
    key,
  };
  const match = createRouter(service.routes)(method, pathname);
  const { reply, operation, latency } = serve(service, match, request, nowMs, quotas);
  // Through JSON and back, so that a test sees what a client would.
  const text = new TextDecoder().decode(bytesOf(reply));
  const seen = reply.body === undefined || reply.body instanceof Uint8Array ? reply.body : JSON.parse(text);
  return { status: reply.status, body: seen, headers: reply.headers ?? {}, operation, latency };
}

/** A transport without a network: the call arrives and is answered at `clock.nowMs`. */
export type FakeTransport = Transport & { readonly calls: Call[]; readonly clock: { nowMs: number } };

export function fakeTransport(services: readonly Service[], quotas: Quotas = new Quotas([])): FakeTransport {
  const clock = { nowMs: 0 };
  const calls: Call[] = [];
  const serves = ({ hosts }: Service, host: string) =>
    hosts.some(own => (own.startsWith('.') ? host.endsWith(own) : own === host));
  return {
    calls,
    clock,
    send: async call => {
      calls.push(call);
      const { host, pathname, searchParams: query } = new URL(call.url);
      const service = services.find(each => serves(each, host));
      if (service === undefined) return { kind: 'refused', reason: `nothing listens on ${host}` };
      const { method, headers, body, key } = call;
      const request = { method, host, path: pathname, query, headers, body, key };
      return answered(
        serve(service, createRouter(service.routes)(method, pathname), request, clock.nowMs, quotas).reply,
      );
    },
  };
}

/** A transport that gives the same outcomes one after another, whatever is asked. */
export function cannedTransport(outcomes: readonly Outcome[]): Transport {
  const left = [...outcomes];
  return {
    send: async call => {
      const outcome = left.shift();
      if (outcome === undefined) throw new Error(`no outcome left for ${call.method} ${call.url}`);
      return outcome;
    },
  };
}

export function answered(reply: FakeReply): Outcome {
  const { status, headers = {} } = reply;
  return { kind: 'answered', status, headers, body: bytesOf(reply) };
}
