// A caller's credential: a token of SallyPort (a JWT), decoded and checked. Everything but the signature is decided here;
// the signature is the Verifier's, which gets the very text that the claims were read from.

import type { FaultCode } from './envelope.ts';

export type Credential = {
  readonly token: string;
  readonly keyId: string;
  readonly company: string;
  readonly level: string;
  readonly expiresAtMs: number;
  /** `jti`: what a token is revoked by. */
  readonly tokenId: string;
};

export type CredentialRules = {
  readonly keyIds: readonly string[];
  readonly revokedTokens: ReadonlySet<string>;
};

const ISSUER = 'sallyport';
/** The one algorithm, so that no token can choose a weaker one, or none. */
const ALGORITHM = 'EdDSA';
const SCHEME = 'bearer ';
/** SallyPort's tokens are about 300 characters long. With the number below it bounds the memory to 32 MiB. */
const HEADER_LENGTH_MAX = 2048;
/** Decoded credentials that are remembered, in two halves of this size. A region has 4,000 companies. */
const REMEMBERED_MAX = 8192;

/**
 * Reads credentials, and remembers what it has read: what a text says never changes, whether it is good may, so that is
 * asked for each request anew (`faultIn`). Of what is remembered the half that was not asked for lately makes room.
 */
export class CredentialReader {
  private recent = new Map<string, Credential>();
  private older = new Map<string, Credential>();

  /** `header`: the value of `authorization`. */
  read(header: string | undefined): Credential | FaultCode {
    if (header === undefined) return 'CREDENTIAL_MISSING';
    const known = this.recent.get(header);
    if (known !== undefined) return known;
    if (header.length > HEADER_LENGTH_MAX) return 'CREDENTIAL_INVALID';
    const credential = this.older.get(header) ?? credentialOf(header);
    if (credential === undefined) return 'CREDENTIAL_INVALID';
    if (this.recent.size === REMEMBERED_MAX) {
      this.older = this.recent;
      this.recent = new Map();
    }
    this.recent.set(header, credential);
    return credential;
  }
}

/** Why this credential does not admit to this company now; undefined when only its signature is left to check. */
export function faultIn(
  { company, keyId, expiresAtMs, tokenId }: Credential,
  asked: string,
  nowMs: number,
  { keyIds, revokedTokens }: CredentialRules,
): FaultCode | undefined {
  if (company !== asked) return 'COMPANY_FORBIDDEN';
  if (expiresAtMs <= nowMs) return 'CREDENTIAL_EXPIRED';
  if (!keyIds.includes(keyId)) return 'CREDENTIAL_INVALID';
  if (revokedTokens.has(tokenId)) return 'CREDENTIAL_REVOKED';
  return undefined;
}

/** Undefined when it is not a token that SallyPort could have issued. */
export function credentialOf(header: string): Credential | undefined {
  if (header.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  const token = header.slice(SCHEME.length);
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(part => BASE64URL.test(part))) return undefined;
  const { alg, kid, crit } = jsonOf(parts[0]);
  const { iss, sub, level, exp, jti } = jsonOf(parts[1]);
  // `crit` names extensions that must be understood, and none is (RFC 7515).
  if (alg !== ALGORITHM || crit !== undefined || iss !== ISSUER) return undefined;
  if (!isText(kid) || !isText(sub) || !isText(level) || !isText(jti)) return undefined;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return undefined;
  return { token, keyId: kid, company: sub, level, expiresAtMs: exp * 1000, tokenId: jti };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The object that a part of a token encodes; an empty one when it encodes none. */
function jsonOf(part: string): Readonly<Record<string, unknown>> {
  try {
    const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
    const value: unknown = JSON.parse(decoder.decode(Uint8Array.from(binary, char => char.charCodeAt(0))));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
