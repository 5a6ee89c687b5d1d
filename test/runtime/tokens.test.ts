// Tokens as they are issued and as they are checked. The claims are the gateway core's business and have no part in it.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTokenSigner, type TokenClaims, type TokenSigner } from '../../src/runtime/tokens.ts';
import { createVerifier } from '../../src/runtime/verifier.ts';

const KEY_ID = 'k1';
const KEY = [0];
const CLAIMS: TokenClaims = {
  company: 'c00042',
  level: 'OPAL',
  expiresAtMs: 2_000_000_000_999,
  id: 'load-c00042',
};

let signer: TokenSigner;
let token: string;
beforeAll(async () => {
  signer = await createTokenSigner(KEY_ID);
  token = await signer.sign(CLAIMS);
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());

async function isSigned(text: string, keyId = KEY_ID, { keySet } = signer): Promise<boolean> {
  return (await createVerifier(keySet)).isSigned(text, keyId, KEY);
}

/** The token with one of its parts replaced. */
function withPart(index: 0 | 1 | 2, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, i) => (i === index ? change(part) : part))
    .join('.');
}

describe('a token', () => {
  it('says whose it is, in whole seconds, and which key signed it', () => {
    const [header, claims] = token.split('.').slice(0, 2).map(decode);
    expect(header).toEqual({ alg: 'EdDSA', kid: KEY_ID });
    expect(claims).toEqual({
      iss: 'sallyport',
      sub: CLAIMS.company,
      level: CLAIMS.level,
      jti: CLAIMS.id,
      exp: 2_000_000_000,
    });
  });

  it('is good, again and again, also beside other keys, and whatever its claims say', async () => {
    const other = await createTokenSigner('k2');
    const both = { ...signer, keySet: { keys: [...other.keySet.keys, ...signer.keySet.keys] } };
    const expired = await signer.sign({ ...CLAIMS, expiresAtMs: 0 });
    for (const text of [token, token, expired]) expect(await isSigned(text, KEY_ID, both)).toBe(true);
    expect(await isSigned(await other.sign(CLAIMS), 'k2', both)).toBe(true);
  });

  it('is not good by the key of another signer, under the same id or under its own', async () => {
    const impostor = await createTokenSigner(KEY_ID);
    expect(await isSigned(await impostor.sign(CLAIMS))).toBe(false);
    expect(await isSigned(token, KEY_ID, impostor)).toBe(false);
    const other = await createTokenSigner('k2');
    const both = { ...signer, keySet: { keys: [...signer.keySet.keys, ...other.keySet.keys] } };
    expect(await isSigned(token, 'k2', both)).toBe(false);
    expect(await isSigned(await other.sign(CLAIMS), KEY_ID, both)).toBe(false);
  });

  it('is not good by an id that no key has', async () => {
    for (const keyId of ['k2', '', 'constructor', '__proto__'])
      expect(await isSigned(token, keyId), keyId).toBe(false);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['another company', () => withPart(1, part => encode({ ...decode(part), sub: 'c00043' }))],
    ['another level', () => withPart(1, part => encode({ ...decode(part), level: 'DIAMOND' }))],
    ['a later end', () => withPart(1, part => encode({ ...decode(part), exp: 4_000_000_000 }))],
    ['another header', () => withPart(0, part => encode({ ...decode(part), typ: 'JWT' }))],
    ['no signature', () => withPart(2, () => '')],
    ['no algorithm', () => withPart(0, () => encode({ alg: 'none', kid: KEY_ID }))],
    [
      'a signature of other claims',
      async () => withPart(2, () => '') + (await signer.sign({ ...CLAIMS, level: 'ONYX' })).split('.')[2],
    ],
    ['a part less', () => token.split('.').slice(0, 2).join('.')],
    ['a part more', () => `${token}.x`],
    ['nothing at all', () => ''],
  ])('with %s is not good', async (_what, forge) => {
    expect(await isSigned(await forge())).toBe(false);
  });

  it('is not good when the published key is used as a shared secret', async () => {
    const secret = new TextEncoder().encode(signer.keySet.keys[0].x);
    const forged = await new SignJWT({ level: 'DIAMOND' })
      .setProtectedHeader({ alg: 'HS256', kid: KEY_ID })
      .sign(secret);
    expect(await isSigned(forged)).toBe(false);
  });

  it('is not good under another id than the one that was asked for', async () => {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA');
    const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID }] };
    const named = (kid: string | undefined) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'EdDSA', ...(kid !== undefined && { kid }) })
        .sign(privateKey);
    const other = { ...signer, keySet };
    expect(await isSigned(await named(KEY_ID), KEY_ID, other)).toBe(true);
    expect(await isSigned(await named('k2'), KEY_ID, other)).toBe(false);
    expect(await isSigned(await named(undefined), KEY_ID, other)).toBe(false);
  });
});

describe('the key set', () => {
  it('has nothing that could sign', () => {
    const { x, ...rest } = signer.keySet.keys[0];
    expect(x).toMatch(/^[\w-]{43}$/);
    expect(rest).toEqual({ kty: 'OKP', crv: 'Ed25519', kid: KEY_ID, alg: 'EdDSA', use: 'sig' });
  });

  it('is refused with a key that has no id, or that is none', async () => {
    const [{ kid: _, ...unnamed }] = signer.keySet.keys;
    await expect(createVerifier({ keys: [unnamed] })).rejects.toThrow('has no id');
    await expect(createVerifier({ keys: [{ kty: 'OKP', kid: KEY_ID }] })).rejects.toThrow();
  });

  it('that is empty makes no token good', async () => {
    expect(await isSigned(token, KEY_ID, { ...signer, keySet: { keys: [] } })).toBe(false);
  });
});
