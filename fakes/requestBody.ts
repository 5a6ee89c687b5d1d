// The body of a request as a fake reads it: a JSON object, a form where credentials are given out, or the reason why it is
// neither. Every fake reads through here, so none breaks by what a client may send.

import type { FakeRequest } from './service.ts';

/** A JSON object; a text says why it is none. */
export type Body = object | string;

/** What Google takes of a message within a message; the others document no number, and no body of theirs comes near it. */
const DEPTH_MAX = 100;
/** Too short to be so deep that walking down it fails; the usual body, and not looked through. */
const SHALLOW_BYTES = 2048;

export const NO_BODY = Object.freeze({});
const decoder = new TextDecoder('utf-8', { fatal: true });

export function bodyOf({ body }: FakeRequest): Body {
  if (body === undefined || body.length === 0) return NO_BODY;
  if (body.length > SHALLOW_BYTES && depthOf(body) > DEPTH_MAX) return `deeper than ${DEPTH_MAX} levels`;
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'not a JSON object';
  } catch {
    return 'not valid JSON in UTF-8';
  }
}

const BYTE = { quote: 34, bracket: 91, backslash: 92, bracketEnd: 93, brace: 123, braceEnd: 125 };

/** Of a JSON text: its brackets outside of strings. */
function depthOf(body: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === BYTE.quote) isInString = !isInString;
    else if (isInString) {
      if (byte === BYTE.backslash) i++;
    } else if (byte === BYTE.brace || byte === BYTE.bracket) deepest = Math.max(deepest, ++depth);
    else if (byte === BYTE.braceEnd || byte === BYTE.bracketEnd) depth--;
  }
  return deepest;
}

/** `""`, whatever else two bytes may be. */
export const isEmptyText = ({ body }: FakeRequest): boolean =>
  body?.length === 2 && body[0] === BYTE.quote && body[1] === BYTE.quote;

export function formOf({ body, headers }: FakeRequest): Body {
  if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] ?? '')) return 'not a form';
  try {
    return Object.fromEntries(new URLSearchParams(decoder.decode(body)));
  } catch {
    return 'not valid UTF-8';
  }
}
