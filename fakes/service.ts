// What every fake is made of: routes with the vendor's own paths, and the vendor's own way of saying no. A fake is
// synchronous, `(request, nowMs) → reply`; its state is a function of stored timestamps and the clock, without timers.
// One request runs: route → credential → body → quota → handler. `cloud.ts` adds the delays and the faults.

import type { CallKey } from '../src/ports.ts';
import type { IssuedTokens } from './issuedTokens.ts';
import type { Ledger } from './ledger.ts';
import type { QuotaRefusal, Quotas } from './quota.ts';
import { type Body, bodyOf, formOf, isEmptyText, NO_BODY } from './requestBody.ts';

export type FakeRequest = {
  readonly method: string;
  readonly host: string;
  /** Path without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly key: CallKey;
};

/** `body` is the JSON value that the vendor would send, or its bytes; undefined sends no body. */
export type FakeReply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Catalogue id of the latency when it is not the route's: a cold start. */
  readonly latency?: string;
  /** What the call waited for before that latency began: an instance of the service. */
  readonly waitMs?: number;
  /** Set when the handler refused it for a quota that only it can count: of one secret, of the resources that are there. */
  readonly quota?: string;
};

export type RouteContext = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly host: string;
  /** The parsed JSON object; an empty object when the request has no body. */
  // biome-ignore lint/suspicious/noExplicitAny: a fake checks every field of it by hand
  readonly body: any;
  /** Of the request's body as it came. */
  readonly bodyBytes: number;
  /** The route's, or what its body made of it. */
  readonly operation: string;
  readonly nowMs: number;
  readonly key: CallKey;
};

export type Route = {
  readonly method: string;
  /**
   * Segments; `:name` captures one, `:name=verb` captures `X` of a last segment `X:verb`, and `:name=` one without a
   * verb, so that a verb that the fake does not cover is not taken for a part of the name.
   */
  readonly path: string;
  /** `service.collection.verb`: what quotas count and latencies belong to. */
  readonly operation: string;
  /** The operation where it stands in the body, as in JSON-RPC: faults, quotas and counts go by what this says. */
  // biome-ignore lint/suspicious/noExplicitAny: any JSON object
  readonly operationOf?: (body: any) => string;
  /** The catalogue's entry for the time from arrival to answer. */
  readonly latency: string;
  /** What the vendor counts requests by; the whole service when absent. */
  readonly scope?: (context: RouteContext) => string;
  /** It takes a form instead of JSON, and no credential but what the handler asks for: it gives credentials out. */
  readonly isTokenEndpoint?: true;
  /** `""` is an empty object: so Google's gapic clients write the message that a body is, where no field of it is set. */
  readonly takesEmptyText?: true;
  readonly handle: (context: RouteContext) => FakeReply;
};

export type Service = {
  readonly name: string;
  /** Hosts that it answers for; a leading dot stands for every name below. */
  readonly hosts: readonly string[];
  readonly routes: readonly Route[];
  /** Undefined when the credential is good. */
  readonly authorise: (
    headers: Readonly<Record<string, string>>,
    nowMs: number,
    operation: string,
  ) => FakeReply | undefined;
  readonly throttled: (refusal: QuotaRefusal) => FakeReply;
  /** A body that is no JSON object. */
  readonly malformed: (reason: string) => FakeReply;
  /** What a client sees of a failure inside the vendor. */
  readonly unavailable: (status: number) => FakeReply;
  /** A call that the fake does not cover, in the vendor's envelope; in none when absent. */
  readonly uncovered?: (reason: string) => FakeReply;
  /** A creation whose name is taken; absent where nothing has a name that a client chooses. */
  readonly taken?: (operation: string) => FakeReply;
  /** A write that met another of the same thing; absent where the vendor documents no such answer. */
  readonly contended?: () => FakeReply;
};

/** What the fakes share: the ledger, their chance and the platform's fixed set-up. */
export type World = {
  readonly ledger: Ledger;
  /** A duration drawn for a long-running thing (a deployment, an issue of a certificate), by catalogue id and key. */
  readonly durationMs: (fact: string, key: CallKey) => number;
  /** The latency that the door draws for the call of this key. */
  readonly latencyMs: (fact: string, key: CallKey) => number;
  /** A fact that is a plain number. */
  readonly valueOf: (fact: string) => number;
  /** Whether the long-running thing that this call starts ends half done, in an error. */
  readonly endsHalfDone: () => boolean;
  /** Every fake accepts this one bearer token or API key. */
  readonly token: string;
  /** And those that a fake has given out, while they are good. */
  readonly issued: IssuedTokens;
  /** Companies live at `<id>.<domain>`. */
  readonly domain: string;
  /** The DNS zones of the platform: the id of each, and the domain that it holds. */
  readonly zones: ReadonlyMap<string, string>;
  /** The platform's set-up has made a proxied record for all names of each zone, which leads to its gateway. */
  readonly hasWildcards: boolean;
  /** How many of a thing an account or a zone may hold is checked too, by the catalogue's `quota.` facts. */
  readonly resourceQuotas: boolean;
};

export type Match = { readonly route: Route; readonly params: Readonly<Record<string, string>> };

/** A literal segment, or a capture: all of it, or what stands before `:verb`. */
type Segment =
  | { readonly literal: string }
  | { readonly name: string; readonly suffix: string; readonly isVerbless: boolean };

/** Compiled once for each service; the first route that fits wins. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match | undefined {
  const compiled = routes.map(route => ({ route, segments: route.path.split('/').map(segmentOf) }));
  const search = (method: string, path: string): Match | undefined => {
    const given = path.split('/');
    for (const { route, segments } of compiled) {
      if (route.method !== method || segments.length !== given.length) continue;
      const params = matchSegments(segments, given);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  };
  // A path without captures has the same match each time.
  const literal = new Map<string, Map<string, Match>>();
  for (const { method, path } of routes) {
    if (path.includes('/:')) continue;
    if (!literal.has(method)) literal.set(method, new Map());
    literal.get(method)!.set(path, search(method, path)!);
  }
  return (method, path) => literal.get(method)?.get(path) ?? search(method, path);
}

function segmentOf(text: string): Segment {
  if (!text.startsWith(':')) return { literal: text };
  const [name, verb] = text.slice(1).split('=');
  return { name, suffix: verb ? `:${verb}` : '', isVerbless: verb === '' };
}

function matchSegments(
  segments: readonly Segment[],
  given: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i];
    if ('literal' in segment) {
      if (segment.literal !== given[i]) return undefined;
      continue;
    }
    if (segment.isVerbless && given[i].includes(':')) return undefined;
    const value = decoded(given[i]);
    if (value === undefined || !value.endsWith(segment.suffix)) return undefined;
    const captured = value.slice(0, value.length - segment.suffix.length);
    if (captured === '') return undefined;
    params[segment.name] = captured;
  }
  return params;
}

/** Undefined when it is not valid percent-encoding. */
function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export type Served = {
  readonly operation: string;
  /** Catalogue id of the latency. */
  readonly latency: string;
  readonly reply: FakeReply;
  /** Set when a quota refused the call. */
  readonly quota: string | undefined;
};

/** Answers one request of one service. Never throws on a client's mistake. */
export function serve(
  service: Service,
  match: Match | undefined,
  request: FakeRequest,
  nowMs: number,
  quotas: Quotas,
  body: Body = bodyOf(request),
): Served {
  const operation = operationOf(service, match, body);
  if (match === undefined) {
    const call = `${request.method} ${request.path}`;
    const error = `the fake ${service.name} does not cover ${call}; fakes/README.md lists what it covers`;
    return refused(operation, service.uncovered?.(error) ?? { status: 501, body: { error } });
  }
  const { route, params } = match;
  const denied = route.isTokenEndpoint ? undefined : service.authorise(request.headers, nowMs, operation);
  if (denied !== undefined) return refused(operation, denied);
  const isEmpty = route.takesEmptyText && isEmptyText(request);
  const given = route.isTokenEndpoint ? formOf(request) : isEmpty ? NO_BODY : body;
  if (typeof given === 'string') return refused(operation, service.malformed(given));
  const { query, headers, host, key } = request;
  const bodyBytes = request.body?.length ?? 0;
  const context: RouteContext = {
    params,
    query,
    headers,
    host,
    body: given,
    bodyBytes,
    operation,
    nowMs,
    key,
  };
  const refusal = quotas.check(operation, route.scope?.(context) ?? '', nowMs);
  if (refusal !== undefined) return refused(operation, service.throttled(refusal), refusal.quota);
  const reply = route.handle(context);
  return { operation, latency: reply.latency ?? route.latency, reply, quota: reply.quota };
}

/** What a request asks for, before anybody has judged it. */
export function operationOf(service: Service, match: Match | undefined, body: Body): string {
  if (match === undefined) return `${service.name}.unknown`;
  const { route } = match;
  return route.operationOf === undefined || typeof body === 'string'
    ? route.operation
    : route.operationOf(body);
}

export function refused(operation: string, reply: FakeReply, quota?: string): Served {
  return { operation, latency: 'lat.refusal', reply, quota };
}

/** How a client reaches `host`: by its name, or, when it came over loopback, through the same port. */
export function addressOf(host: string, { headers }: Pick<RouteContext, 'headers'>): string {
  const port = headers.host ?? '';
  return port.startsWith('127.0.0.1:') ? `http://${port}/_host/${host}` : host;
}

const NO_BYTES = new Uint8Array();
const encoder = new TextEncoder();
/** Small texts share a buffer: one of its own costs more than the text. */
const SLAB_BYTES = 65_536;
let slab = NO_BYTES;
let slabUsed = 0;

/** The body of a reply as it goes over the wire. */
export function bytesOf({ body }: FakeReply): Uint8Array {
  if (body === undefined) return NO_BYTES;
  return body instanceof Uint8Array ? body : encoded(JSON.stringify(body));
}

function encoded(text: string): Uint8Array {
  // A character of UTF-16 takes three bytes of UTF-8 at most.
  const bytesMax = text.length * 3;
  if (bytesMax > SLAB_BYTES / 8) return encoder.encode(text);
  if (slab.length - slabUsed < bytesMax) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const room = slab.subarray(slabUsed);
  const { written } = encoder.encodeInto(text, room);
  slabUsed += written;
  return room.subarray(0, written);
}

/** `2026-11-22T10:20:30.123Z`, without the ambient Date. Days to civil date: Hinnant's algorithm (2013). */
export function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  const days = Math.floor(whole / 86_400_000);
  const rest = whole - days * 86_400_000;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(Math.floor(rest / 3_600_000))}:${two(Math.floor(rest / 60_000) % 60)}:${two(Math.floor(rest / 1000) % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${time}.${String(rest % 1000).padStart(3, '0')}Z`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
