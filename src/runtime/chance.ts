// Chance from the system's cryptographic source. It needs no key: nobody replays it.

import { randomBytes } from 'node:crypto';
import type { Chance } from '../ports.ts';

const SECRET_BYTES = 32;

export const systemChance: Chance = {
  // 48 random bits.
  uniform: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  secret: () => randomBytes(SECRET_BYTES).toString('base64url'),
};
