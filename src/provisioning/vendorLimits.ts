// The vendors' own rates, as the provisioner keeps them whatever the scenario's limits are: which calls of a step count
// towards which rate, and by what the vendor counts it.

import type { Company, Place } from './company.ts';
import type { StepKind } from './plan.ts';

export type VendorLimitName =
  | 'cloudflareRequests'
  | 'cloudRunWrites'
  | 'secretManagerReads'
  | 'secretManagerWrites'
  | 'kmsWrites'
  | 'letsEncryptCertificates';

/** Calls a minute by one scope; null where the vendor has no such limit, or the scenario plays that it has none. */
export type VendorRates = Readonly<Record<VendorLimitName, number | null>>;

type Verb = 'create' | 'find' | 'remove';
export type Toll = { readonly limit: VendorLimitName } & Readonly<Record<Verb, number>>;

/** Calls that one try of each verb makes. A removal looks first; Google counts only the write of it. */
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
  cryptoKey: [{ limit: 'kmsWrites', create: 1, find: 0, remove: 1 }],
  service: [{ limit: 'cloudRunWrites', create: 1, find: 0, remove: 1 }],
  dnsRecord: [{ limit: 'cloudflareRequests', create: 1, find: 1, remove: 2 }],
  // The authority counts new names alone: a renewal costs none.
  certificate: [
    { limit: 'cloudflareRequests', create: 1, find: 1, remove: 2 },
    { limit: 'letsEncryptCertificates', create: 1, find: 0, remove: 0 },
  ],
  // A change looks first.
  serviceSettings: [{ limit: 'cloudRunWrites', create: 1, find: 0, remove: 0 }],
  serviceRestart: [{ limit: 'cloudRunWrites', create: 1, find: 0, remove: 0 }],
  secretAccess: [
    { limit: 'secretManagerReads', create: 1, find: 1, remove: 0 },
    { limit: 'secretManagerWrites', create: 1, find: 0, remove: 0 },
  ],
  keyAccess: [{ limit: 'kmsWrites', create: 1, find: 0, remove: 0 }],
  dnsTarget: [{ limit: 'cloudflareRequests', create: 2, find: 1, remove: 0 }],
  certificateRenewal: [{ limit: 'cloudflareRequests', create: 2, find: 1, remove: 0 }],
};

export const tollsOf = (kind: StepKind): readonly Toll[] => TOLLS[kind] ?? [];

export const MINUTES_PER_WEEK = 7 * 24 * 60;

/** Calls that may leave at once where nobody has called for long: Let's Encrypt lets a week's certificates gather. */
export const burstOf = (limit: string, perMinute: number): number =>
  limit === 'letsEncryptCertificates' ? Math.floor(perMinute * MINUTES_PER_WEEK + 1e-9) : 1;

/** The last two labels, by which Let's Encrypt counts. A public suffix of more than one label is not known here. */
export const registeredDomainOf = (domain: string): string => domain.split('.').slice(-2).join('.');

/** Steps whose plan has a look in any case: what cannot be asked for by name, and what is not ready at once. */
const LOOKS: readonly StepKind[] = ['secretVersion', 'certificate'];

/** Calls of a limit that a step costs when nothing goes wrong. */
export const undisturbedCalls = (kind: StepKind, { create, find }: Toll): number =>
  create + (LOOKS.includes(kind) ? find : 0);

/** Cloudflare counts by token, Google by project, and what lives in a region by project and region. */
export function scopeOf(limit: VendorLimitName, { region }: Company, { googleProject, zone }: Place): string {
  switch (limit) {
    case 'cloudflareRequests':
      return 'token';
    case 'cloudRunWrites':
    case 'kmsWrites':
      return `${googleProject}/${region}`;
    case 'secretManagerReads':
    case 'secretManagerWrites':
      return googleProject;
    case 'letsEncryptCertificates':
      return registeredDomainOf(zone.domain);
  }
}
