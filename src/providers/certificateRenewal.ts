// The certificate of a company's hostname with a view to its end: `find` is done while it is active and will be for a
// while; `create` asks for the next one, and the present one serves until that is there.

import type { CustomHostnameListResponse } from 'cloudflare/resources/custom-hostnames/custom-hostnames';
import { RENEW_BEFORE_MS } from '../limits.ts';
import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { customHostnameNamed, renewCertificate } from './cloudflare.ts';

/** From these a certificate comes by itself; from the others only asking for the next one helps. */
const UNDER_WAY: readonly unknown[] = [
  'initializing',
  'pending_validation',
  'pending_issuance',
  'pending_deployment',
];

export function certificateRenewalVerbs(
  send: Send,
  company: Company,
  platform: Platform,
  nowMs: () => number,
): Verbs {
  const hostname = hostnameOf(company, platform);
  const missing: CloudResult = { kind: 'rejected', reason: `there is no custom hostname ${hostname}` };
  return {
    create: async attempt => {
      const result = await renewCertificate(send, company, platform, attempt);
      if (result.kind === 'absent') return missing;
      // What the vendor would not renew yet is active all the same: the look tells whether it is young enough.
      return result.kind === 'done' ? { kind: 'pending', id: result.id } : result;
    },
    find: async attempt => {
      const found = await customHostnameNamed(send, company, platform, attempt);
      if (found.kind !== 'found') return found;
      if (found.item === undefined) return missing;
      if (found.item.custom_metadata?.company !== company.id) return heldByAnother(hostname);
      return read(found.item, nowMs());
    },
  };
}

/** `absent`: it has ended or soon will, and the next one has not been asked for. */
function read({ id, ssl }: CustomHostnameListResponse, nowMs: number): CloudResult {
  if (UNDER_WAY.includes(ssl?.status)) return { kind: 'pending', id };
  if (ssl?.status !== 'active') return { kind: 'absent' };
  const { expires_on: expiresOn } = ssl as { readonly expires_on?: string };
  const expiresAtMs = expiresOn === undefined ? undefined : epochMsOf(expiresOn);
  // One that does not say when it ends is the vendor's own to see to.
  if (expiresAtMs === undefined) return { kind: 'done', id };
  return expiresAtMs - nowMs > RENEW_BEFORE_MS ? { kind: 'done', id } : { kind: 'absent' };
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z$/;

/** Milliseconds since the epoch, to the second, without the ambient Date. Days from civil: Hinnant's algorithm (2013). */
export function epochMsOf(text: string): number | undefined {
  const parts = TIME.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [year, month, day, hour, minute, second] = parts;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}
