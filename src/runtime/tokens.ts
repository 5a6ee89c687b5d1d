// Tokens as SallyPort issues them, for the rig's users: a key pair that lives as long as one run and never leaves its
// process; the gateways get its public half.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { KeySet } from './verifier.ts';

export type TokenClaims = {
  readonly company: string;
  readonly level: string;
  readonly expiresAtMs: number;
  /** By which it can be taken back. */
  readonly id: string;
};

export type TokenSigner = {
  readonly keySet: KeySet;
  sign(claims: TokenClaims): Promise<string>;
};

const ISSUER = 'sallyport';
const ALGORITHM = 'EdDSA';

export async function createTokenSigner(keyId: string): Promise<TokenSigner> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
  return {
    keySet: { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: ALGORITHM, use: 'sig' }] },
    sign: ({ company, level, expiresAtMs, id }) =>
      new SignJWT({ level })
        .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
        .setIssuer(ISSUER)
        .setSubject(company)
        .setExpirationTime(Math.floor(expiresAtMs / 1000))
        .setJti(id)
        .sign(privateKey),
  };
}
