// A token is good as it was issued, or not at all: whatever is changed in it is refused.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CredentialReader, credentialOf } from '../../src/gateway/credential.ts';
import {
  claimsOf,
  codeOf,
  DOMAIN,
  HEADER,
  OUR_TOKEN,
  OURS,
  signed,
  THEIR_TOKEN,
  THEIRS,
  type World,
  worldOf,
} from './harness.ts';

const REFUSALS = ['CREDENTIAL_INVALID', 'CREDENTIAL_EXPIRED', 'CREDENTIAL_REVOKED', 'COMPANY_FORBIDDEN'];
const CODE_POINTS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ask = (world: World, authorization: string, company = OURS) =>
  world.ask({ host: `${company}.${DOMAIN}`, headers: { authorization } });
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** One gateway for many tries: what it remembers of good tokens must not help a bad one. */
async function refusesAll(authorization: string, company = OURS) {
  const world = worldOf();
  expect((await ask(world, OUR_TOKEN)).status).toBe(200);
  const reply = await ask(world, authorization, company);
  expect(REFUSALS).toContain(codeOf(reply));
  expect(world.calls).toHaveLength(1);
  expect(await world.audited()).toHaveLength(1);
}

describe('a token', () => {
  it('is read with all that is asked of it', () => {
    const { iss: _, sub, level, exp, jti } = claimsOf(OURS);
    expect(credentialOf(OUR_TOKEN)).toEqual({
      token: OUR_TOKEN.slice('Bearer '.length),
      keyId: HEADER.kid,
      company: sub,
      level,
      expiresAtMs: exp * 1000,
      tokenId: jti,
    });
    expect(credentialOf(OUR_TOKEN.replace('Bearer', 'bearer'))).toEqual(credentialOf(OUR_TOKEN));
  });

  it.each(['iss', 'sub', 'level', 'exp', 'jti'] as const)('whose %s is changed is refused', async claim => {
    const values = fc.oneof(fc.string(), fc.integer(), fc.constant(THEIRS), fc.constant('SANDBOX'));
    await fc.assert(
      fc.asyncProperty(fc.option(values, { nil: undefined }), async value => {
        fc.pre(value !== claimsOf(OURS)[claim]);
        const [header, , signature] = OUR_TOKEN.split('.');
        await refusesAll(`${header}.${encoded({ ...claimsOf(OURS), [claim]: value })}.${signature}`);
      }),
      { numRuns: 30 },
    );
  });

  it('with another character anywhere is refused', async () => {
    const start = 'Bearer '.length;
    // The last character of a signature has four bits that mean nothing, so it is left as it is.
    const places = fc.integer({ min: start, max: OUR_TOKEN.length - 2 });
    const characters = fc.constantFrom(...CODE_POINTS, '.', '=', '+', '/', ' ', 'é', '\0');
    await fc.assert(
      fc.asyncProperty(places, characters, async (place, character) => {
        fc.pre(OUR_TOKEN[place] !== character);
        await refusesAll(OUR_TOKEN.slice(0, place) + character + OUR_TOKEN.slice(place + 1));
      }),
      { numRuns: 150 },
    );
  });

  it('that is cut short, or has something more, is refused', async () => {
    const cuts = fc.integer({ min: 0, max: OUR_TOKEN.length - 2 });
    const more = fc.string({ minLength: 1, maxLength: 20 });
    await fc.assert(fc.asyncProperty(cuts, async length => refusesAll(OUR_TOKEN.slice(0, length))));
    await fc.assert(
      fc.asyncProperty(more, async text => {
        fc.pre(/[^A-Za-z0-9_-]/.test(text));
        await refusesAll(OUR_TOKEN + text);
      }),
    );
  });

  it('made of the parts of two good ones is refused at both hosts', async () => {
    const tokens = [OUR_TOKEN, THEIR_TOKEN, signed({ ...claimsOf(OURS), level: 'SANDBOX' })];
    const parts = tokens.map(token => token.slice('Bearer '.length).split('.'));
    for (const claims of parts)
      for (const signature of parts)
        if (claims !== signature)
          for (const company of [OURS, THEIRS])
            await refusesAll(`Bearer ${claims[0]}.${claims[1]}.${signature[2]}`, company);
  });

  it('may say anything in its parts without breaking the gateway', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (header, claims) => {
        const [first, second] = [header, claims].map(text => Buffer.from(text).toString('base64url'));
        expect(credentialOf(`Bearer ${first}.${second}.AA`)).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.string(), text => void expect(credentialOf(`Bearer ${text}`)).toBeUndefined()));
  });
});

describe('what is remembered of credentials', () => {
  it('is the same as what is read, over more of them than are kept', () => {
    const reader = new CredentialReader();
    const headers = Array.from(
      { length: 20_000 },
      (_, n) => `Bearer ${encoded(HEADER)}.${encoded({ ...claimsOf(`c${n}`) })}.AA`,
    );
    for (const n of [...headers.keys(), 0, 9000, 19_999])
      expect(reader.read(headers[n])).toMatchObject({ company: `c${n}` });
    // Read once and not again while it is among the last.
    expect(reader.read(headers[19_999])).toBe(reader.read(headers[19_999]));
  });

  it('is never a refusal', () => {
    const reader = new CredentialReader();
    for (let n = 0; n < 2; n++)
      expect([reader.read(undefined), reader.read('Bearer x')]).toEqual([
        ...['CREDENTIAL_MISSING', 'CREDENTIAL_INVALID'],
      ]);
  });
});
