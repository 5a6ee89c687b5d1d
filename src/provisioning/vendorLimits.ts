// The vendors' own rates, as the provisioner keeps them whatever the scenario's limits are: which calls of a step count
// towards which rate, and by what the vendor counts it.

import type { Company, Place } from './company.ts';
import type { StepKind } from './plan.ts';

export type VendorLimitName =
  | 'cloudflareRequests'
  | 'cloudRunReads'
  | 'cloudRunWrites'
  | 'secretManagerReads'
  | 'secretManagerWrites'
  | 'kmsReads'
  | 'kmsWrites'
  | 'atlasUserRequests'
  | 'letsEncryptCertificates';

/** Calls a minute by one scope; null where the vendor has no such limit, or the scenario plays that it has none. */
export type VendorRates = Readonly<Record<VendorLimitName, number | null>>;

type Verb = 'create' | 'find' | 'remove';
export type Toll = { readonly limit: VendorLimitName } & Readonly<Record<Verb, number>>;

/**
 * Calls that one try of each verb makes, where nothing needs to be settled. What is changed or taken away is looked at
 * first. Accesses of secrets are left out: one a company, of 90,000 a minute.
 */
const TOLLS: Readonly<Partial<Record<StepKind, readonly Toll[]>>> = {
  secret: [
    { limit: 'secretManagerReads', create: 0, find: 1, remove: 1 },
    { limit: 'secretManagerWrites', create: 1, find: 0, remove: 1 },
  ],
  // An addition looks once at what it came to.
  secretVersion: [
    { limit: 'secretManagerReads', create: 1, find: 1, remove: 0 },
    { limit: 'secretManagerWrites', create: 1, find: 0, remove: 0 },
  ],
  cryptoKey: [
    { limit: 'kmsReads', create: 0, find: 1, remove: 2 },
    { limit: 'kmsWrites', create: 1, find: 0, remove: 1 },
  ],
  databaseUser: [{ limit: 'atlasUserRequests', create: 1, find: 1, remove: 2 }],
  service: [
    { limit: 'cloudRunReads', create: 0, find: 1, remove: 1 },
    { limit: 'cloudRunWrites', create: 1, find: 0, remove: 1 },
  ],
  dnsRecord: [{ limit: 'cloudflareRequests', create: 1, find: 1, remove: 2 }],
  // The authority counts new names alone: a renewal costs none.
  certificate: [
    { limit: 'cloudflareRequests', create: 1, find: 1, remove: 2 },
    { limit: 'letsEncryptCertificates', create: 1, find: 0, remove: 0 },
  ],
  serviceSettings: [
    { limit: 'cloudRunReads', create: 1, find: 1, remove: 0 },
    { limit: 'cloudRunWrites', create: 1, find: 0, remove: 0 },
  ],
  serviceRestart: [
    { limit: 'cloudRunReads', create: 1, find: 1, remove: 0 },
    { limit: 'cloudRunWrites', create: 1, find: 0, remove: 0 },
  ],
  userAccess: [{ limit: 'atlasUserRequests', create: 2, find: 1, remove: 0 }],
  // Opening looks for versions that are enabled, then for those that are not.
  secretAccess: [
    { limit: 'secretManagerReads', create: 3, find: 0, remove: 0 },
    { limit: 'secretManagerWrites', create: 1, find: 0, remove: 0 },
  ],
  keyAccess: [
    { limit: 'kmsReads', create: 2, find: 0, remove: 0 },
    { limit: 'kmsWrites', create: 1, find: 0, remove: 0 },
  ],
  dnsTarget: [{ limit: 'cloudflareRequests', create: 2, find: 1, remove: 0 }],
  certificateRenewal: [{ limit: 'cloudflareRequests', create: 2, find: 1, remove: 0 }],
};

export const tollsOf = (kind: StepKind): readonly Toll[] => TOLLS[kind] ?? [];

const MINUTES_PER_WEEK = 7 * 24 * 60;

/** Calls that may leave at once where nobody has called for long: Let's Encrypt lets a week's certificates gather. */
export const burstOf = (limit: string, perMinute: number): number =>
  limit === 'letsEncryptCertificates' ? Math.floor(perMinute * MINUTES_PER_WEEK + 1e-9) : 1;

/** The last two labels, by which Let's Encrypt counts. A public suffix of more than one label is not known here. */
export const registeredDomainOf = (domain: string): string => domain.split('.').slice(-2).join('.');

/** Steps whose plan has a look in any case: what cannot be asked for by name, and what is not ready at once. */
const LOOKS: readonly StepKind[] = ['secretVersion', 'certificate', 'service'];

/** Calls of a limit that a step costs when nothing goes wrong. */
export const undisturbedCalls = (kind: StepKind, { create, find }: Toll): number =>
  create + (LOOKS.includes(kind) ? find : 0);

/**
 * Cloudflare counts by token, Google and Atlas by project, what lives in a region of Google's by project and region, and
 * Let's Encrypt by the domain that was registered.
 */
export function scopeOf(
  limit: VendorLimitName,
  { region }: Company,
  { googleProject, atlasProject, zone }: Place,
): string {
  switch (limit) {
    case 'cloudflareRequests':
      return 'token';
    case 'cloudRunReads':
    case 'cloudRunWrites':
    case 'kmsReads':
    case 'kmsWrites':
      return `${googleProject}/${region}`;
    case 'secretManagerReads':
    case 'secretManagerWrites':
      return googleProject;
    case 'atlasUserRequests':
      return atlasProject;
    case 'letsEncryptCertificates':
      return registeredDomainOf(zone.domain);
  }
}
