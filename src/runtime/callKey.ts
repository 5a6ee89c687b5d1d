// The key of a call on the wire: integers separated by commas in one header. Both servers of the rig read it; a caller that
// sends none gets a number of the server's own.

import type { IncomingHttpHeaders } from 'node:http';
import type { CallKey } from '../ports.ts';

export const KEY_HEADER = 'x-sandtable-key';
/** Integers that a draw can take; longer keys than ours have no use. */
const KEY = /^-?\d{1,10}(?:,-?\d{1,10}){0,15}$/;

export const MALFORMED_KEY = `${KEY_HEADER} must be integers separated by commas, as in 17,3,0`;

/** Undefined when it is malformed. */
export function callKeyOf(headers: IncomingHttpHeaders, absent: () => CallKey): CallKey | undefined {
  const header = headers[KEY_HEADER];
  if (header === undefined) return absent();
  return typeof header === 'string' && KEY.test(header) ? header.split(',').map(Number) : undefined;
}
