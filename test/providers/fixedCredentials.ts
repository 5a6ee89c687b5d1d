// Credentials that nobody renews: one for every vendor, or one for each.

import type { Credentials, Vendor } from '../../src/ports.ts';

export function fixedCredentials(tokenOf: string | ((vendor: Vendor) => string)): Credentials {
  const get = async (vendor: Vendor) => (typeof tokenOf === 'string' ? tokenOf : tokenOf(vendor));
  return { get, renew: get };
}
