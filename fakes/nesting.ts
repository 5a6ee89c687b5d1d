// How deep the objects and lists of a JSON body may stand in one another, found before it is parsed: what walks through
// a body must not run out of stack.

/** Google takes no more; no message of another vendor is as deep. */
export const NESTING_MAX = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whatever stands in texts is no nesting. Most bodies are too short to be that deep. */
export function isTooDeep(body: Uint8Array): boolean {
  if (body.length <= 2 * NESTING_MAX) return false;
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (isInText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (isOpening(byte)) {
      if (++depth > NESTING_MAX) return true;
    } else if (isClosing(byte)) depth--;
  }
  return false;
}

const isOpening = (byte: number) => byte === 0x5b || byte === 0x7b;
const isClosing = (byte: number) => byte === 0x5d || byte === 0x7d;
