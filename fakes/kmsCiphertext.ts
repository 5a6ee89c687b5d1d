// What the fake's keys encrypt to. It is no cipher: a ciphertext says which version of which key made it, hides what it
// holds from the eye alone, and carries checksums, so that a changed one and other authenticated data are noticed.
// Texts are binary, one character a byte.

import { crc32c } from './googleBytes.ts';

/** Version, serial, then the checksums of the key's name and of the authenticated data. */
const HEAD_BYTES = 16;
const WORD_BYTES = 4;

export function sealed(
  keyName: string,
  version: number,
  serial: number,
  plaintext: string,
  data: string,
): string {
  const head = [version, serial, crc32c(keyName), crc32c(data)].map(word).join('');
  const content = head + masked(plaintext, serial);
  return content + word(crc32c(content));
}

/** `otherKey`: it is not of this key, or no ciphertext at all; `invalid`: changed, or with other authenticated data. */
export type Opened = { readonly version: number; readonly plaintext: string } | 'otherKey' | 'invalid';

export function opened(keyName: string, ciphertext: string, data: string): Opened {
  if (ciphertext.length < HEAD_BYTES + WORD_BYTES) return 'otherKey';
  const [version, serial, ofKey, ofData] = [0, 1, 2, 3].map(index => wordAt(ciphertext, index * WORD_BYTES));
  if (ofKey !== crc32c(keyName)) return 'otherKey';
  const end = ciphertext.length - WORD_BYTES;
  if (wordAt(ciphertext, end) !== crc32c(ciphertext.slice(0, end)) || ofData !== crc32c(data))
    return 'invalid';
  return { version, plaintext: masked(ciphertext.slice(HEAD_BYTES, end), serial) };
}

/** Its own inverse. The step is that of Numerical Recipes' generator; any that mixes would do. */
function masked(text: string, serial: number): string {
  let state = serial;
  let result = '';
  for (let i = 0; i < text.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    result += String.fromCharCode(text.charCodeAt(i) ^ (state >>> 24));
  }
  return result;
}

const word = (value: number): string =>
  String.fromCharCode((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);

function wordAt(text: string, from: number): number {
  let value = 0;
  for (let i = from; i < from + WORD_BYTES; i++) value = value * 256 + text.charCodeAt(i);
  return value;
}
