// Cloud KMS's enumerations, for clients that speak of them by number: as far as the fake has values for them.

import { type Enumerations, withNames as namesIn, withNumbers as numbersIn } from './googleEnumerations.ts';

export const ENUMERATIONS: Enumerations = {
  purpose: ['CRYPTO_KEY_PURPOSE_UNSPECIFIED', 'ENCRYPT_DECRYPT'],
  state: [
    'CRYPTO_KEY_VERSION_STATE_UNSPECIFIED',
    'ENABLED',
    'DISABLED',
    'DESTROYED',
    'DESTROY_SCHEDULED',
    'PENDING_GENERATION',
  ],
  protectionLevel: ['PROTECTION_LEVEL_UNSPECIFIED', 'SOFTWARE', 'HSM', 'EXTERNAL', 'EXTERNAL_VPC'],
  algorithm: ['CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED', 'GOOGLE_SYMMETRIC_ENCRYPTION'],
};

export const withNames = (value: unknown): unknown => namesIn(ENUMERATIONS, value);
export const withNumbers = (value: unknown): unknown => numbersIn(ENUMERATIONS, value);
