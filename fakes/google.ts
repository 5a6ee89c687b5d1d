// What Google's APIs have in common: bearer tokens, the error envelope of AIP-193, labels that carry the company.

import type { QuotaRefusal } from './quota.ts';
import type { FakeReply, Service, World } from './service.ts';

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export function googleError(
  code: number,
  message: string,
  details?: readonly object[],
  status?: string,
): FakeReply {
  const error = {
    code,
    message,
    status: status ?? STATUS_NAMES[code] ?? 'UNKNOWN',
    ...(details && { details }),
  };
  return { status: code, body: { error } };
}

/** The refusals that are the same in every Google API. `domain`: `run.googleapis.com`. */
export function googleRefusals(
  domain: string,
  { token, issued }: Pick<World, 'token' | 'issued'>,
): Pick<
  Service,
  'authorise' | 'throttled' | 'malformed' | 'unavailable' | 'uncovered' | 'taken' | 'contended'
> {
  return {
    authorise: ({ authorization = '' }, nowMs) =>
      authorization === `Bearer ${token}` ||
      issued.isGood('google', authorization.slice('Bearer '.length), nowMs)
        ? undefined
        : googleError(401, 'Request had invalid authentication credentials. Expected OAuth 2 access token.'),
    throttled: refusal => googleThrottled(domain, refusal),
    malformed: reason => googleError(400, `Invalid JSON payload received: ${reason}.`),
    unavailable: status => googleError(status, `The service refused it with ${status}.`),
    // Newer gapic clients show nothing of an answer in another envelope.
    uncovered: reason => googleError(501, reason),
    taken: () => googleError(409, 'The resource already exists.'),
    contended: () => googleError(409, 'The resource was changed at the same time.', undefined, 'ABORTED'),
  };
}

/** Neither a header nor `RetryInfo` says when to come back: no body of theirs for a rate that users have shown does. */
export function googleThrottled(domain: string, { quota }: QuotaRefusal): FakeReply {
  const link = 'https://cloud.google.com/docs/quotas/help/request_increase';
  return googleError(429, `Quota exceeded for quota limit '${quota}' of service '${domain}'.`, [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'RATE_LIMIT_EXCEEDED',
      domain: 'googleapis.com',
      metadata: { service: domain, quota_limit: quota },
    },
    {
      '@type': 'type.googleapis.com/google.rpc.Help',
      links: [{ description: 'Request a higher quota limit.', url: link }],
    },
  ]);
}

/**
 * A project, database or key has as many of something as it may have, so trying again does not help. The reason is one
 * of google.api.ErrorReason; that every API gives it with 429 is assumed.
 */
export function googleExhausted(domain: string, quota: string, limit: number): FakeReply {
  const reply = googleError(429, `Quota '${quota}' of service '${domain}' exceeded. Limit: ${limit}.`, [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'RESOURCE_QUOTA_EXCEEDED',
      domain: 'googleapis.com',
      metadata: { service: domain, quota_limit: quota, quota_limit_value: String(limit) },
    },
  ]);
  return { ...reply, latency: 'lat.refusal', quota };
}

/** The company that a resource's labels name; empty when they name none. */
export function companyOf(labels: unknown): string {
  const company = (labels as Record<string, unknown> | undefined)?.company;
  return typeof company === 'string' ? company : '';
}

const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;
/** Of a key and of a value: letters that are not ASCII take several. */
const LABEL_BYTES_MAX = 128;
const encoder = new TextEncoder();
const fitsLabel = (text: unknown, pattern: RegExp): boolean =>
  typeof text === 'string' && pattern.test(text) && encoder.encode(text).length <= LABEL_BYTES_MAX;

/** Google's rules for labels, or undefined when `labels` keeps them. */
export function labelsProblem(labels: unknown): string | undefined {
  if (labels === undefined) return undefined;
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    return 'labels must be an object.';
  const entries = Object.entries(labels);
  if (entries.length > 64) return 'A resource has at most 64 labels.';
  for (const [name, value] of entries) {
    if (!fitsLabel(name, LABEL_KEY)) return `The label key [${name}] is invalid.`;
    if (!fitsLabel(value, LABEL_VALUE)) return `The label value [${value}] is invalid.`;
  }
  return undefined;
}

/** Google refuses a field that it does not know; so does a fake with one that it does not cover. */
export function unknownName(value: object, names: readonly string[], at: string): string | undefined {
  const unknown = Object.keys(value).find(name => !names.includes(name));
  if (unknown === undefined) return undefined;
  return `Invalid JSON payload received. Unknown name "${unknown}" at '${at}': Cannot find field.`;
}

/** The field `totalSize` of a list: left out when it is 0, and as good as that when a filter was asked for. */
export const totalSizeOf = (all: readonly unknown[], query: URLSearchParams): { totalSize?: number } =>
  all.length === 0 || query.get('filter') ? {} : { totalSize: all.length };

export type Page<T> = { readonly items: readonly T[]; readonly nextPageToken: string | undefined };

/**
 * A page of `all`, or the reason why it is refused. A token says how many came before. `sizeUsual`: of who asks for no
 * size.
 */
export function pageOf<T>(
  all: readonly T[],
  query: URLSearchParams,
  sizeMax: number,
  sizeUsual = sizeMax,
): Page<T> | string {
  const asked = Number(query.get('pageSize') ?? 0);
  if (!Number.isInteger(asked) || asked < 0) return 'page_size must not be negative.';
  const size = asked === 0 ? sizeUsual : Math.min(asked, sizeMax);
  const token = query.get('pageToken') ?? '';
  if (!/^(?:|after-\d{1,9})$/.test(token)) return `The page token [${token}] is invalid.`;
  const from = Number(token.slice('after-'.length));
  const end = from + size;
  return { items: all.slice(from, end), nextPageToken: end < all.length ? `after-${end}` : undefined };
}
