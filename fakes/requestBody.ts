// The body of a request as a fake reads it: a JSON object, a form where credentials are given out, or the reason why it is
// neither. Every fake reads through here, so none breaks by what a client may send.

import { isTooDeep, NESTING_MAX } from './nesting.ts';
import type { FakeRequest } from './service.ts';

/** A JSON object; a text says why it is none. */
export type Body = object | string;

export const NO_BODY = Object.freeze({});
const decoder = new TextDecoder('utf-8', { fatal: true });

export function bodyOf({ body }: FakeRequest): Body {
  if (body === undefined || body.length === 0) return NO_BODY;
  if (isTooDeep(body)) return `nested more than ${NESTING_MAX} deep`;
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'not a JSON object';
  } catch {
    return 'not valid JSON in UTF-8';
  }
}

const QUOTE = 0x22;

/** `""`, whatever else two bytes may be. */
export const isEmptyText = ({ body }: FakeRequest): boolean =>
  body?.length === 2 && body[0] === QUOTE && body[1] === QUOTE;

export function formOf({ body, headers }: FakeRequest): Body {
  if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] ?? '')) return 'not a form';
  try {
    return Object.fromEntries(new URLSearchParams(decoder.decode(body)));
  } catch {
    return 'not valid UTF-8';
  }
}
