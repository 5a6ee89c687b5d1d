// Cloudflare API v4: a company's DNS record and its custom hostname, whose certificate the vendor issues. Neither has
// a deterministic id: both are asked for by hostname, and carry the company as a mark.

import type {
  CustomHostnameCreateParams,
  CustomHostnameEditParams,
  CustomHostnameListResponse,
} from 'cloudflare/resources/custom-hostnames/custom-hostnames';
import type { RecordCreateParams, RecordEditParams, RecordResponse } from 'cloudflare/resources/dns/records';
import type { Answer } from '../ports.ts';
import { type Company, hostnameOf, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, objectsOf, quotaUsedUp, readFailure, type Send, unreadable } from './call.ts';

/** The vendor's envelope around every answer. */
type Envelope<T> = { result?: T | null; errors?: { code?: number; message?: string }[] };

/** What a zone holds under a name; undefined when it holds nothing. */
type Found<T> = { readonly kind: 'found'; readonly item: T | undefined } | CloudResult;

/** An identical record, or another A, AAAA or CNAME record, has that name. */
const RECORD_EXISTS = [81053, 81054, 81057, 81058];
const HOSTNAME_EXISTS = [1406];
/** Of these types one record, or several of the same, has a name; others may stand beside it. */
const ADDRESSES: readonly unknown[] = ['A', 'AAAA', 'CNAME'];
/**
 * Limits on how many there may be, by what they count: records a zone; hostnames a zone, which may have none by its
 * contract. Source: Cloudflare for SaaS, status codes of custom hostnames; 81045 is of the DNS API.
 */
const USED_UP: Readonly<Record<string, string>> = {
  81045: 'DNS records',
  1404: 'custom hostnames',
  1405: 'custom hostnames',
};
/** What the zone's contract does not have, our mark on a hostname or its origin: no time brings it. Same source. */
const NOT_IN_CONTRACT: readonly unknown[] = [1413, 1414];

/** By themselves they never serve again, and the name is free for another once they are taken away. */
const GONE_HOSTNAME: readonly unknown[] = ['deleted', 'pending_deletion'];
/** Not routed yet, whatever its certificate is. */
const PENDING_HOSTNAME: readonly unknown[] = [
  ...['pending', 'pending_blocked', 'pending_migration', 'pending_provisioned'],
];
const PENDING_CERTIFICATE: readonly unknown[] = [
  ...['initializing', 'pending_validation', 'pending_issuance', 'pending_deployment'],
  ...['backup_issued', 'staging_deployment', 'staging_active', 'holding_deployment'],
];

const urlOf = (company: Company, platform: Platform, collection: string) =>
  `https://api.cloudflare.com/client/v4/zones/${placeOf(company, platform).zone.id}/${collection}`;
const CLOUDFLARE = { vendor: 'cloudflare', headers: {} } as const;
/** What the vendor wants named each time, also to have a certificate checked again. */
const VALIDATION = { method: 'http', type: 'dv' } as const;

/** Of a custom hostname: its certificate's validation, and the authority where the platform names one. */
const sslOf = ({ certificateAuthority: authority }: Platform) =>
  authority === undefined ? VALIDATION : { ...VALIDATION, certificate_authority: authority };

/** A proxied alias from the company's hostname to `target`, a host without a scheme. */
export function dnsRecordVerbs(send: Send, company: Company, platform: Platform, target: string): Verbs {
  const url = urlOf(company, platform, 'dns_records');
  const name = hostnameOf(company, platform);
  const comment = `company=${company.id}`;
  const list = (attempt: Attempt) => recordNamed(send, company, platform, attempt);
  return {
    create: async attempt => {
      const body: Omit<RecordCreateParams.CNAMERecord, 'zone_id'> = {
        type: 'CNAME',
        name,
        content: target,
        ttl: 1,
        proxied: true,
        comment,
      };
      const answer = await send({ method: 'POST', url, ...CLOUDFLARE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (hasCode(answer, RECORD_EXISTS)) return { kind: 'exists' };
      if (answer.status !== 200) return cloudflareFailure(answer);
      const id = (jsonOf(answer) as Envelope<RecordResponse> | undefined)?.result?.id;
      return id ? { kind: 'done', id } : unreadable(answer);
    },
    find: async attempt => {
      const found = await list(attempt);
      if (found.kind !== 'found') return found;
      if (found.item === undefined) return { kind: 'absent' };
      const { id, type, comment: mark, content } = found.item;
      if (mark !== comment || type !== 'CNAME') return heldByAnother(name);
      return content === target
        ? { kind: 'done', id }
        : { kind: 'rejected', reason: `${name} points elsewhere` };
    },
    remove: async (attempt, id) =>
      removeById(send, url, attempt, id, async () => {
        const found = await list(attempt);
        if (found.kind !== 'found') return found;
        return found.item?.comment === comment ? { kind: 'done', id: found.item.id } : { kind: 'absent' };
      }),
  };
}

/** Whatever leads somewhere from the company's name: an address in its place keeps the alias from being made. */
export async function recordNamed(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<Found<RecordResponse>> {
  const url = `${urlOf(company, platform, 'dns_records')}?name.exact=${hostnameOf(company, platform)}`;
  const answer = await send({ method: 'GET', url, ...CLOUDFLARE }, attempt);
  return firstOf<RecordResponse>(answer, ({ type }) => ADDRESSES.includes(type));
}

/** Through the edge, where the certificate is. */
export const leadsTo = ({ content, proxied }: RecordResponse, target: string): boolean =>
  content === target && proxied === true;

/** Points the company's record at a host, through the edge; `absent` when it has none, `rejected` when the name is another's. */
export async function retarget(
  send: Send,
  company: Company,
  platform: Platform,
  target: string,
  attempt: Attempt,
): Promise<CloudResult> {
  const name = hostnameOf(company, platform);
  const found = await recordNamed(send, company, platform, attempt);
  if (found.kind !== 'found') return found;
  if (found.item === undefined) return { kind: 'absent' };
  const { id, type, comment } = found.item;
  if (comment !== `company=${company.id}` || type !== 'CNAME') return heldByAnother(name);
  if (leadsTo(found.item, target)) return { kind: 'done', id };
  // A record that somebody took off the edge may have a time to live, which a proxied one cannot.
  const body: Pick<RecordEditParams.CNAMERecord, 'content' | 'ttl' | 'proxied'> = {
    content: target,
    ttl: 1,
    proxied: true,
  };
  const url = `${urlOf(company, platform, 'dns_records')}/${id}`;
  const answer = await send({ method: 'PATCH', url, ...CLOUDFLARE, body }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status !== 200) return cloudflareFailure(answer);
  return { kind: 'done', id };
}

/** A custom hostname; `done` once its certificate is active. */
export function certificateVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const url = urlOf(company, platform, 'custom_hostnames');
  const hostname = hostnameOf(company, platform);
  const list = (attempt: Attempt) => customHostnameNamed(send, company, platform, attempt);
  const read = (custom: CustomHostnameListResponse): CloudResult =>
    custom.custom_metadata?.company === company.id ? readCertificate(custom) : heldByAnother(hostname);
  return {
    create: async attempt => {
      const body: Omit<CustomHostnameCreateParams, 'zone_id'> = {
        hostname,
        ssl: sslOf(platform),
        custom_metadata: { company: company.id },
      };
      const answer = await send({ method: 'POST', url, ...CLOUDFLARE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (hasCode(answer, HOSTNAME_EXISTS)) return { kind: 'exists' };
      if (answer.status !== 201 && answer.status !== 200) return cloudflareFailure(answer);
      const custom = (jsonOf(answer) as Envelope<CustomHostnameListResponse> | undefined)?.result;
      return custom?.id ? readCertificate(custom) : unreadable(answer);
    },
    find: async (attempt, id) => {
      if (id === undefined) {
        const found = await list(attempt);
        if (found.kind !== 'found') return found;
        return found.item === undefined ? { kind: 'absent' } : read(found.item);
      }
      const answer = await send({ method: 'GET', url: `${url}/${id}`, ...CLOUDFLARE }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      if (answer.status !== 200) return cloudflareFailure(answer);
      const custom = (jsonOf(answer) as Envelope<CustomHostnameListResponse> | undefined)?.result;
      return custom?.id ? read(custom) : unreadable(answer);
    },
    remove: async (attempt, id) =>
      removeById(send, url, attempt, id, async () => {
        const found = await list(attempt);
        if (found.kind !== 'found') return found;
        return found.item?.custom_metadata?.company === company.id
          ? { kind: 'done', id: found.item.id }
          : { kind: 'absent' };
      }),
  };
}

export async function customHostnameNamed(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<Found<CustomHostnameListResponse>> {
  const url = `${urlOf(company, platform, 'custom_hostnames')}?hostname.exact=${hostnameOf(company, platform)}`;
  return firstOf(await send({ method: 'GET', url, ...CLOUDFLARE }, attempt));
}

/**
 * Has the company's name checked again, and a new certificate issued when the old one has ended or is about to:
 * `pending` until the new one is active, `done` when the old one has time left. The old one serves until then.
 */
export async function renewCertificate(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  const hostname = hostnameOf(company, platform);
  const found = await customHostnameNamed(send, company, platform, attempt);
  if (found.kind !== 'found') return found;
  if (found.item === undefined) return { kind: 'absent' };
  if (found.item.custom_metadata?.company !== company.id) return heldByAnother(hostname);
  const body: Pick<CustomHostnameEditParams, 'ssl'> = { ssl: sslOf(platform) };
  const url = `${urlOf(company, platform, 'custom_hostnames')}/${found.item.id}`;
  const answer = await send({ method: 'PATCH', url, ...CLOUDFLARE, body }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status !== 202 && answer.status !== 200) return cloudflareFailure(answer);
  const custom = (jsonOf(answer) as Envelope<CustomHostnameListResponse> | undefined)?.result;
  return custom?.id ? readCertificate(custom) : unreadable(answer);
}

function readCertificate({ id, ssl, status: hostnameStatus }: CustomHostnameListResponse): CloudResult {
  const status = ssl?.status;
  if (hostnameStatus === 'blocked' || hostnameStatus === 'moved')
    return { kind: 'rejected', reason: `the hostname is ${hostnameStatus}` };
  if (GONE_HOSTNAME.includes(hostnameStatus))
    return { kind: 'broken', reason: `the hostname is ${hostnameStatus}` };
  if (status === 'active')
    return PENDING_HOSTNAME.includes(hostnameStatus) ? { kind: 'pending', id } : { kind: 'done', id };
  return PENDING_CERTIFICATE.includes(status)
    ? { kind: 'pending', id }
    : { kind: 'broken', reason: `the certificate is ${status}` };
}

/** Deletes by `id`, or by the one that `look` finds to be ours. What is another's is not ours to remove: `absent`. */
async function removeById(
  send: Send,
  url: string,
  attempt: Attempt,
  known: string | undefined,
  look: () => Promise<CloudResult>,
): Promise<CloudResult> {
  let id = known;
  if (id === undefined) {
    const found = await look();
    if (found.kind !== 'done') return found;
    id = found.id;
  }
  const answer = await send({ method: 'DELETE', url: `${url}/${id}`, ...CLOUDFLARE }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  return answer.status === 200 ? { kind: 'done', id: '' } : cloudflareFailure(answer);
}

/** The first that fits in a list that was asked for one exact name. */
function firstOf<T extends object>(
  answer: Awaited<ReturnType<Send>>,
  fits: (item: T) => boolean = () => true,
): Found<T> {
  if (answer.kind !== 'answered') return answer;
  if (answer.status !== 200) return cloudflareFailure(answer);
  const items = (jsonOf(answer) as Envelope<T[]> | undefined)?.result;
  return Array.isArray(items) ? { kind: 'found', item: objectsOf(items).find(fits) } : unreadable(answer);
}

const errorsOf = (answer: Answer) => objectsOf((jsonOf(answer) as Envelope<unknown> | undefined)?.errors);
const hasCode = (answer: Answer, codes: readonly unknown[]) =>
  answer.status >= 400 && answer.status < 500 && errorsOf(answer).some(({ code }) => codes.includes(code));

/** What a zone has as many of as it may: the vendor tells by the code, whatever the status. */
/** A refusal's message ends in the quota's name: `… Limit reached: dnsRecordWrites`. */
function cloudflareFailure(answer: Answer): CloudResult {
  const { code = '', message = '' } = errorsOf(answer)[0] ?? {};
  const reason = `${code} ${message}`;
  if (answer.status < 500 && Object.hasOwn(USED_UP, code)) return quotaUsedUp(USED_UP[code], reason);
  if (NOT_IN_CONTRACT.includes(code)) return { kind: 'rejected', reason: `${answer.status} ${reason}` };
  const quota = /Limit reached: (\S+)$/.exec(message)?.[1] ?? 'cloudflare';
  return readFailure(answer, quota, reason);
}
