// Signatures of SallyPort's tokens: Ed25519, by the keys that it published. The claims are the gateway core's business.

import { compactVerify, importJWK, type JWK } from 'jose';
import type { Verifier } from '../ports.ts';

/** As SallyPort publishes it; each key has its id in `kid`. */
export type KeySet = { readonly keys: readonly JWK[] };

const ALGORITHM = 'EdDSA';

export async function createVerifier({ keys }: KeySet): Promise<Verifier> {
  const byId = new Map<string, Awaited<ReturnType<typeof importJWK>>>();
  for (const key of keys) {
    if (key.kid === undefined) throw new Error('a key of the key set has no id');
    byId.set(key.kid, await importJWK(key, ALGORITHM));
  }
  return {
    isSigned: async (token, keyId) => {
      const key = byId.get(keyId);
      if (key === undefined) return false;
      try {
        // The algorithm is ours to choose, never the token's.
        const { protectedHeader } = await compactVerify(token, key, { algorithms: [ALGORITHM] });
        return protectedHeader.kid === keyId;
      } catch {
        return false;
      }
    },
  };
}
