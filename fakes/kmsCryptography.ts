// Encrypting and decrypting with a key of Cloud KMS: the checks of what is sent and its checksums, and the answers.

import { googleError, unknownName } from './google.ts';
import { binaryOf, crc32c } from './googleBytes.ts';
import { opened, sealed } from './kmsCiphertext.ts';
import { type Key, stateOf } from './kmsKeys.ts';
import type { FakeReply, RouteContext } from './service.ts';

/** Of a key of protection level SOFTWARE, by the vendor's reference, for each of the two texts. */
const BYTES_MAX = 65_536;
const DATA = 'additionalAuthenticatedData';

/** With the version of that number, the primary one unless a client names another. */
export function encrypt(name: string, key: Key, number: number, context: RouteContext): FakeReply {
  const sent = sentIn(context.body, 'plaintext', 'encrypt_request');
  if (typeof sent === 'string') return googleError(400, sent);
  const refusal = stateRefusal(name, key, number, context.nowMs);
  if (refusal !== undefined) return refusal;
  const ciphertext = sealed(name, number, ++key.encryptions, sent.text, sent.data);
  return {
    status: 200,
    body: {
      name: `${name}/cryptoKeyVersions/${number}`,
      ciphertext: btoa(ciphertext),
      ciphertextCrc32c: String(crc32c(ciphertext)),
      ...(context.body.plaintextCrc32c !== undefined && { verifiedPlaintextCrc32c: true }),
      ...(context.body[`${DATA}Crc32c`] !== undefined && {
        verifiedAdditionalAuthenticatedDataCrc32c: true,
      }),
      protectionLevel: 'SOFTWARE',
    },
  };
}

/** With the version that the ciphertext names. */
export function decrypt(name: string, key: Key, { body, nowMs }: RouteContext): FakeReply {
  const sent = sentIn(body, 'ciphertext', 'decrypt_request');
  if (typeof sent === 'string') return googleError(400, sent);
  const found = opened(name, sent.text, sent.data);
  if (found === 'invalid') return googleError(400, 'Decryption failed: the ciphertext is invalid.');
  if (found === 'otherKey')
    return googleError(400, "Decryption failed: verify that 'name' refers to the correct CryptoKey.");
  const refusal = stateRefusal(name, key, found.version, nowMs);
  if (refusal !== undefined) return refusal;
  return {
    status: 200,
    body: {
      // Like every field that has its default, an empty text is left out.
      ...(found.plaintext !== '' && { plaintext: btoa(found.plaintext) }),
      plaintextCrc32c: String(crc32c(found.plaintext)),
      ...(found.version === key.primary && { usedPrimary: true }),
      protectionLevel: 'SOFTWARE',
    },
  };
}

type Sent = { readonly text: string; readonly data: string };

/** The bytes of a request, once their checksums are found right; a text says why it is refused. */
function sentIn(body: Record<string, unknown>, field: 'plaintext' | 'ciphertext', at: string): Sent | string {
  const unknown = unknownName(body, [field, `${field}Crc32c`, DATA, `${DATA}Crc32c`], at);
  if (unknown !== undefined) return unknown;
  const [text, data] = [body[field] ?? '', body[DATA] ?? ''].map(binaryOf);
  if (text === undefined) return `Invalid value at '${field}' (TYPE_BYTES), Base64 decoding failed.`;
  if (data === undefined) return `Invalid value at '${DATA}' (TYPE_BYTES), Base64 decoding failed.`;
  if (field === 'ciphertext' && text === '') return 'The ciphertext must be provided.';
  if (field === 'plaintext' && text.length > BYTES_MAX) return 'The plaintext must be no larger than 64KiB.';
  if (data.length > BYTES_MAX) return `The ${DATA} must be no larger than 64KiB.`;
  return (
    checksumProblem(body[`${field}Crc32c`], text, field) ??
    checksumProblem(body[`${DATA}Crc32c`], data, DATA) ?? { text, data }
  );
}

/** In JSON a 64-bit integer is a text; a number is taken too. */
function checksumProblem(given: unknown, bytes: string, field: string): string | undefined {
  if (given === undefined) return undefined;
  if (!(typeof given === 'number' || typeof given === 'string') || !/^\d{1,10}$/.test(String(given)))
    return `Invalid value at '${field}Crc32c' (TYPE_INT64).`;
  if (Number(given) === crc32c(bytes)) return undefined;
  return `The checksum in field ${field}Crc32c did not match the data in field ${field}.`;
}

function stateRefusal(name: string, key: Key, number: number, nowMs: number): FakeReply | undefined {
  const version = key.versions[number - 1];
  const versionName = `${name}/cryptoKeyVersions/${number}`;
  if (version === undefined) return googleError(404, `CryptoKeyVersion ${versionName} not found.`);
  const state = stateOf(version, nowMs);
  if (state === 'ENABLED') return undefined;
  const message = `${versionName} is not enabled, current state is: ${state}.`;
  return googleError(400, message, undefined, 'FAILED_PRECONDITION');
}
