// One HTTP call of a thin client: credential, JSON body, deadline; and the reading of what every vendor says alike.

import { RETRY_AFTER_DEFAULT_MS, RETRY_AFTER_MAX_MS } from '../limits.ts';
import type { Answer, Call, Transport } from '../ports.ts';
import type { Attempt, CloudResult } from '../provisioning/verbs.ts';

/** Credentials by vendor; each goes into the header that the vendor wants. */
export type Tokens = {
  readonly google: string;
  readonly cloudflare: string;
  readonly atlas: string;
  readonly pinecone: string;
};

export type CallSpec = {
  readonly method: Call['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON value. */
  readonly body?: object;
};

/** The calls that may stand in one attempt (list, then delete) need keys of their own: the last integer tells them apart. */
export type Send = (spec: CallSpec, attempt: Attempt, part?: number) => Promise<Answer | Failed>;

/** An outcome that no vendor's body needs to be read for. */
export type Failed = Extract<CloudResult, { kind: 'transient' | 'unknown' }>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function createSend(transport: Transport): Send {
  return async ({ method, url, headers, body }, { key, deadlineAtMs }, part = 0) => {
    const outcome = await transport.send({
      method,
      url,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body && { body: encoder.encode(JSON.stringify(body)) }),
      deadlineAtMs,
      key: [...key, part],
    });
    if (outcome.kind === 'answered') return outcome;
    return { kind: outcome.kind === 'refused' ? 'transient' : 'unknown', reason: outcome.reason };
  };
}

/** The answer's JSON body, or undefined when it is none: a truncated or foreign body is an unknown outcome. */
// biome-ignore lint/suspicious/noExplicitAny: each client narrows it with its vendor's type
export function jsonOf(answer: Answer): any {
  try {
    return JSON.parse(decoder.decode(answer.body));
  } catch {
    return undefined;
  }
}

/** What a status means when the caller has no special reading of it. `quota` names the quota of a 429. */
export function readFailure(answer: Answer, quota: string, reason: string): CloudResult {
  const { status } = answer;
  if (status === 429) return { kind: 'throttled', quota, retryAfterMs: retryAfterMs(answer) };
  // A permission that was just granted is not known everywhere yet; the call had no effect.
  if (status === 403) return { kind: 'transient', reason: `403 ${reason}` };
  // A 5xx may come from a proxy after the effect: only a look at the name can tell.
  if (status >= 500 || status === 408) return { kind: 'unknown', reason: `${status} ${reason}` };
  return { kind: 'rejected', reason: `${status} ${reason}` };
}

/** A limit on how many there may be: it stays reached until somebody raises it or deletes something. */
export function quotaUsedUp(quota: string, reason: string): CloudResult {
  return { kind: 'rejected', reason: `the quota ${quota} is used up: ${reason}` };
}

/** The name is taken, and what has it does not carry our mark. */
export function heldByAnother(name: string): CloudResult {
  return { kind: 'rejected', reason: `the name ${name} is held by another` };
}

/** A body that is not what the vendor documents: it says nothing of the effect. */
export function unreadable(answer: Answer): CloudResult {
  return { kind: 'unknown', reason: `${answer.status} with an unreadable body` };
}

function retryAfterMs(answer: Answer): number {
  const seconds = Number(answer.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0
    ? Math.min(seconds * 1000, RETRY_AFTER_MAX_MS)
    : RETRY_AFTER_DEFAULT_MS;
}
