// What the clients of Google's APIs share: the credential and the reading of the AIP-193 error envelope.

import type { Answer } from '../ports.ts';
import type { Attempt, CloudResult } from '../provisioning/verbs.ts';
import { jsonOf, quotaUsedUp, readFailure, type Send, unreadable } from './call.ts';

/** What every call of theirs has. */
export const GOOGLE = { vendor: 'google', headers: {} } as const;

type GoogleError = { error?: { status?: string; message?: string; details?: Detail[] } };
type Detail = {
  '@type'?: string;
  reason?: string;
  metadata?: Record<string, string>;
  /** Of `RetryInfo`: `1.5s`. */
  retryDelay?: string;
};

const errorOf = (answer: Answer) => (jsonOf(answer) as GoogleError | undefined)?.error;

const isAborted = (answer: Answer) => answer.status === 409 && errorOf(answer)?.status === 'ABORTED';

/** A 409 says that the name is taken, or that another write was faster. */
export const isTaken = (answer: Answer): boolean => answer.status === 409 && !isAborted(answer);

/** What was to be changed is no longer in the state that it was seen in; the change had no effect. */
export const isPrecondition = (answer: Answer): boolean =>
  answer.status === 400 && errorOf(answer)?.status === 'FAILED_PRECONDITION';

export function googleFailure(answer: Answer): CloudResult {
  // Another write of the same thing was faster, and this one had no effect.
  if (isAborted(answer)) return { kind: 'transient', reason: '409 ABORTED' };
  const error = errorOf(answer);
  const details = Array.isArray(error?.details) ? error.details : [];
  const message = error?.message ?? '';
  const quota = detailOf(details, 'ErrorInfo')?.metadata?.quota_limit ?? 'google';
  if (answer.status === 429 && isAllocation(details)) return quotaUsedUp(quota, message);
  const delay = detailOf(details, 'RetryInfo')?.retryDelay;
  return readFailure(answer, quota, message, delay === undefined ? undefined : durationMs(delay));
}

/** Whether the quota is on how much there may be, which no waiting helps: the vendor says so, or names no rate. */
function isAllocation(details: readonly Detail[]): boolean {
  const { reason, metadata = {} } = detailOf(details, 'ErrorInfo') ?? {};
  if (reason === 'RESOURCE_QUOTA_EXCEEDED') return true;
  const isRate =
    reason === 'RATE_LIMIT_EXCEEDED' ||
    detailOf(details, 'RetryInfo') !== undefined ||
    /Per(?:Second|Minute|Hour|Day)/.test(metadata.quota_limit ?? '') ||
    /^1\/(?:s|min|h|d)\b/.test(metadata.quota_unit ?? '');
  return !isRate && detailOf(details, 'QuotaFailure') !== undefined;
}

/** NaN when it is none. */
const durationMs = (text: unknown): number =>
  typeof text === 'string' && text.endsWith('s') ? Number(text.slice(0, -1)) * 1000 : Number.NaN;

const detailOf = (details: readonly Detail[], type: string) =>
  details.find(detail => detail['@type'] === `type.googleapis.com/google.rpc.${type}`);

/** A resource as the API tells of it, or what the look came to instead: `absent` for a 404. */
export type Found<T> = { readonly kind: 'found'; readonly resource: T } | CloudResult;

export async function googleGet<T>(send: Send, url: string, attempt: Attempt, part = 0): Promise<Found<T>> {
  const answer = await send({ method: 'GET', url, ...GOOGLE }, attempt, part);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status !== 200) return googleFailure(answer);
  const resource = jsonOf(answer) as T | undefined;
  return resource ? { kind: 'found', resource } : unreadable(answer);
}
