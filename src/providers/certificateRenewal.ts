// The certificate of a company's hostname with a view to its end: `find` is done while it is active and will be for a
// while; `create` asks for the next one, and the present one serves until that is there.

import type {
  CustomHostnameEditParams,
  CustomHostnameListResponse,
} from 'cloudflare/resources/custom-hostnames/custom-hostnames';
import { RENEW_BEFORE_MS } from '../limits.ts';
import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { cloudflareFailure, firstOf, headersOf, urlOf } from './cloudflare.ts';

/** From these a certificate comes by itself; from the others only a new order helps. */
const UNDER_WAY: readonly unknown[] = [
  'initializing',
  'pending_validation',
  'pending_issuance',
  'pending_deployment',
];

export function certificateRenewalVerbs(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  nowMs: () => number,
): Verbs {
  const headers = headersOf(token);
  const url = urlOf(platform, 'custom_hostnames');
  const hostname = hostnameOf(company, platform);
  const look = async (attempt: Attempt): Promise<Looked> => {
    const spec = { method: 'GET' as const, url: `${url}?hostname.exact=${hostname}`, headers };
    const found = firstOf<CustomHostnameListResponse>(await send(spec, attempt));
    if (found.kind !== 'found') return found;
    if (found.item === undefined) return { kind: 'absent' };
    return found.item.custom_metadata?.company === company.id
      ? { kind: 'found', item: found.item }
      : heldByAnother(hostname);
  };
  return {
    create: async attempt => {
      const found = await look(attempt);
      if (found.kind === 'absent') return { kind: 'rejected', reason: `there is no hostname ${hostname}` };
      if (found.kind !== 'found') return found;
      const body: Omit<CustomHostnameEditParams, 'zone_id'> = { ssl: { method: 'http', type: 'dv' } };
      const { id } = found.item;
      const answer = await send({ method: 'PATCH', url: `${url}/${id}`, headers, body }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      return answer.status === 200 || answer.status === 202
        ? { kind: 'pending', id }
        : cloudflareFailure(answer);
    },
    find: async attempt => {
      const found = await look(attempt);
      if (found.kind !== 'found') return found;
      const { id, ssl } = found.item;
      if (UNDER_WAY.includes(ssl?.status)) return { kind: 'pending', id };
      if (ssl?.status !== 'active') return { kind: 'absent' };
      const { expires_on: expiresOn } = ssl as { expires_on?: string };
      if (expiresOn === undefined) return { kind: 'done', id };
      const expiresAtMs = epochMsOf(expiresOn);
      if (expiresAtMs === undefined) return { kind: 'unknown', reason: `it ends at ${expiresOn}` };
      return expiresAtMs - nowMs() > RENEW_BEFORE_MS ? { kind: 'done', id } : { kind: 'absent' };
    },
  };
}

type Looked = { readonly kind: 'found'; readonly item: CustomHostnameListResponse } | CloudResult;

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
