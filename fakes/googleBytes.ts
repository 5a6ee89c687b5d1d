// Bytes in the JSON of Google's APIs: base64, and the checksum CRC-32C (Castagnoli) beside it. Inside the fakes they are
// binary texts, one character a byte.

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Undefined when it is not base64, of either alphabet, padded or not. */
export function binaryOf(data: unknown): string | undefined {
  if (typeof data !== 'string') return undefined;
  const digits = data.replace(/=+$/, '');
  if (!BASE64.test(data) || digits.length % 4 === 1) return undefined;
  return atob(digits.replaceAll('-', '+').replaceAll('_', '/'));
}

/** The polynomial 0x1EDC6F41 of RFC 3720, its bits reversed, since bytes are taken lowest bit first. */
const CRC32C = 0x82f63b78;
const STEPS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C : crc >>> 1;
  return crc;
});

export function crc32c(binary: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < binary.length; i++) crc = STEPS[(crc ^ binary.charCodeAt(i)) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
