// Calls one fake as its clients would, without a network: a world of fixed durations, a clock that the test sets.

import { IssuedTokens } from '../../fakes/issuedTokens.ts';
import { Ledger } from '../../fakes/ledger.ts';
import { type QuotaRule, Quotas } from '../../fakes/quota.ts';
import { createRouter, type FakeReply, type Service, serve, type World } from '../../fakes/service.ts';
import { FactValues } from '../../scenarios/facts.ts';
import type { Transport } from '../../src/ports.ts';

export const TOKEN = 'test-token';
export const DOMAIN = 'mcp.example.net';
/** Cloudflare's id of the zone that holds the domain. */
export const ZONE_ID = '023e105f4ecef8ad9ca31a8372d0c353';
export const NOW_MS = 1_780_000_000_000;
/** Every long-running thing takes this long. */
export const DURATION_MS = 1000;

export type FakeCall = {
  readonly method: string;
  /** With the query, if any. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly atMs?: number;
};

// biome-ignore lint/suspicious/noExplicitAny: tests read the bodies that they expect
export type Reply = Omit<FakeReply, 'body'> & { readonly body: any };

/** `values`: facts by id, in place of the catalogue's. */
export function createWorld(
  options: Partial<Omit<World, 'valueOf'>> = {},
  values: Readonly<Record<string, number>> = {},
): World {
  const facts = new FactValues('mid', values);
  return {
    ledger: new Ledger(),
    token: TOKEN,
    issued: new IssuedTokens(),
    endsHalfDone: () => false,
    domain: DOMAIN,
    zones: new Map([[ZONE_ID, DOMAIN]]),
    hasWildcards: false,
    resourceQuotas: false,
    durationMs: () => DURATION_MS,
    latencyMs: () => DURATION_MS,
    valueOf: fact => facts.get(fact).value,
    ...options,
  };
}

/** A function that calls `service`, with `headers` unless the call has its own. */
export function callerOf(
  service: Service,
  headers: Readonly<Record<string, string>>,
  rules: readonly QuotaRule[] = [],
) {
  const match = createRouter(service.routes);
  const quotas = new Quotas(rules);
  return (call: FakeCall): Reply => {
    const [path, query = ''] = call.path.split('?');
    const request = {
      method: call.method,
      host: call.host ?? service.hosts[0],
      path,
      query: new URLSearchParams(query),
      headers: call.headers ?? headers,
      body: call.body === undefined ? undefined : bytesOf(call.body),
      key: [0],
    };
    return serve(service, match(call.method, path), request, call.atMs ?? NOW_MS, quotas).reply;
  };
}

/** A transport that reaches `services` at once, at the moment that `nowMs` says. */
export function transportTo(
  services: readonly Service[],
  nowMs: () => number,
  rules: readonly QuotaRule[] = [],
): Transport {
  const quotas = new Quotas(rules);
  return {
    send: async ({ method, url, headers, body, key }) => {
      const { host, pathname: path, searchParams: query } = new URL(url);
      const service = services.find(({ hosts }) =>
        hosts.some(name => (name.startsWith('.') ? host.endsWith(name) : name === host)),
      );
      if (service === undefined) return { kind: 'refused', reason: `no host ${host}` };
      const match = createRouter(service.routes)(method, path);
      const { reply } = serve(
        service,
        match,
        { method, host, path, query, headers, body, key },
        nowMs(),
        quotas,
      );
      return {
        kind: 'answered',
        status: reply.status,
        headers: reply.headers ?? {},
        body: reply.body === undefined ? new Uint8Array() : bytesOf(reply.body),
      };
    },
  };
}

/** What happened, in short: `created secret projects/p/secrets/s c00042`. */
export function effectsOf({ ledger }: World): string[] {
  return ledger.entries.map(({ effect, kind, name, company }) =>
    [effect, kind, name, company].join(' ').trim(),
  );
}

const bytesOf = (body: unknown) =>
  body instanceof Uint8Array
    ? body
    : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
