// One HTTP call of a thin client: credential, JSON body, deadline; and the reading of what every vendor says alike.

import { RETRY_AFTER_DEFAULT_MS, RETRY_AFTER_MAX_MS } from '../limits.ts';
import type { Answer, Call, Credentials, Transport, Vendor } from '../ports.ts';
import type { Attempt, CloudResult } from '../provisioning/verbs.ts';

export type CallSpec = {
  readonly method: Call['method'];
  readonly url: string;
  /** Whose credential it needs; it is no part of `headers`. */
  readonly vendor?: Vendor;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON value. */
  readonly body?: object;
};

/** The calls that may stand in one attempt (list, then delete) need keys of their own: the last integer tells them apart. */
export type Send = (spec: CallSpec, attempt: Attempt, part?: number) => Promise<Answer | Failed>;

/** An outcome that no vendor's body needs to be read for. */
export type Failed = Extract<CloudResult, { kind: 'transient' | 'unknown' | 'rejected' }>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A call whose credential is refused is sent once more with another, under a key that is longer by one integer. */
export function createSend(transport: Transport, credentials: Credentials): Send {
  const sendWith = async (
    { method, url, headers, vendor, body }: CallSpec,
    { key, deadlineAtMs }: Attempt,
    parts: readonly number[],
    token: string,
  ): Promise<Answer | Failed> => {
    const outcome = await transport.send({
      method,
      url,
      headers: {
        ...headers,
        ...(vendor && authorisationOf(vendor, token)),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: encoder.encode(JSON.stringify(body)) }),
      deadlineAtMs,
      key: [...key, ...parts],
    });
    if (outcome.kind === 'answered') return outcome;
    return { kind: outcome.kind === 'refused' ? 'transient' : 'unknown', reason: outcome.reason };
  };
  return async (spec, attempt, part = 0) => {
    const { vendor } = spec;
    if (vendor === undefined) return sendWith(spec, attempt, [part], '');
    const token = await credentials.get(vendor);
    const answer = await sendWith(spec, attempt, [part], token);
    if (!isUnauthorised(answer)) return answer;
    const renewed = await credentials.renew(vendor, token);
    const refused = `the credential for ${vendor} is refused`;
    if (renewed === token) return { kind: 'rejected', reason: `${refused}, and there is no other` };
    const again = await sendWith(spec, attempt, [part, 1], renewed);
    return isUnauthorised(again) ? { kind: 'transient', reason: `${refused}, though it is new` } : again;
  };
}

const authorisationOf = (vendor: Vendor, token: string): Record<string, string> =>
  vendor === 'pinecone' ? { 'api-key': token } : { authorization: `Bearer ${token}` };

/** Cloudflare's code of a token that is no longer good comes with a 403; all others say 401. */
const CLOUDFLARE_INVALID_TOKEN = 9109;

function isUnauthorised(answer: Answer | Failed): boolean {
  if (answer.kind !== 'answered') return false;
  if (answer.status !== 403) return answer.status === 401;
  return jsonOf(answer)?.errors?.[0]?.code === CLOUDFLARE_INVALID_TOKEN;
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

/** The objects of a list in an answer; none when the answer has something else in its place. */
export function objectsOf<T extends object>(list: readonly T[] | null | undefined): readonly T[] {
  return Array.isArray(list) ? list.filter(item => typeof item === 'object' && item !== null) : [];
}

/**
 * What a status means when the caller has no special reading of it. `quota` names the quota of a 429; `namedMs` is the wait
 * that its body asks for, if it does.
 */
export function readFailure(answer: Answer, quota: string, reason: string, namedMs?: number): CloudResult {
  const { status } = answer;
  if (status === 429) return { kind: 'throttled', quota, retryAfterMs: retryAfterMs(answer, namedMs) };
  // A permission that was just granted is not known everywhere yet; the call had no effect.
  if (status === 403) return { kind: 'transient', reason: `403 ${reason}` };
  // A 5xx may come from a proxy after the effect: only a look at the name can tell.
  if (status >= 500 || status === 408) return { kind: 'unknown', reason: `${status} ${reason}` };
  return { kind: 'rejected', reason: `${status} ${reason}` };
}

/** A limit on how many there may be: it stays reached until somebody raises it or deletes something. */
export function quotaUsedUp(quota: string, reason: string): CloudResult {
  return { kind: 'rejected', reason: `the quota ${quota} is used up: ${reason}`, quota };
}

/** The name is taken, and what has it does not carry our mark. */
export function heldByAnother(name: string): CloudResult {
  return { kind: 'rejected', reason: `the name ${name} is held by another` };
}

/** A body that is not what the vendor documents: it says nothing of the effect. */
export function unreadable(answer: Answer): CloudResult {
  return { kind: 'unknown', reason: `${answer.status} with an unreadable body` };
}

function retryAfterMs(answer: Answer, namedMs = Number.NaN): number {
  const inHeaderMs = Number(answer.headers['retry-after']) * 1000;
  const ms = [inHeaderMs, namedMs].find(each => Number.isFinite(each) && each > 0);
  return ms === undefined ? RETRY_AFTER_DEFAULT_MS : Math.min(ms, RETRY_AFTER_MAX_MS);
}
