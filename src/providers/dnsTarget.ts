// Where a company's DNS record leads: `create` points the record that is there at the company's service, through the
// vendor's edge; `find` is done while it leads there. It makes no record and removes none.

import type { RecordEditParams, RecordResponse } from 'cloudflare/resources/dns/records';
import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { cloudflareFailure, firstOf, headersOf, urlOf } from './cloudflare.ts';

type Record = RecordResponse & { readonly id: string };
type Looked = { readonly kind: 'found'; readonly item: Record } | CloudResult;

/** `target`: a host without a scheme. */
export function dnsTargetVerbs(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  target: string,
): Verbs {
  const headers = headersOf(token);
  const url = urlOf(platform, 'dns_records');
  const name = hostnameOf(company, platform);
  const look = async (attempt: Attempt): Promise<Looked> => {
    const spec = { method: 'GET' as const, url: `${url}?type=CNAME&name.exact=${name}`, headers };
    const found = firstOf<Record>(await send(spec, attempt));
    if (found.kind !== 'found') return found;
    if (found.item === undefined) return { kind: 'rejected', reason: `there is no record ${name}` };
    return found.item.comment === `company=${company.id}`
      ? { kind: 'found', item: found.item }
      : heldByAnother(name);
  };
  return {
    create: async attempt => {
      const found = await look(attempt);
      if (found.kind !== 'found') return found;
      const body: Omit<RecordEditParams.CNAMERecord, 'zone_id'> = {
        ...{ type: 'CNAME', name, content: target, ttl: 1, proxied: true },
      };
      const { id } = found.item;
      const answer = await send({ method: 'PATCH', url: `${url}/${id}`, headers, body }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      return answer.status === 200 ? { kind: 'done', id } : cloudflareFailure(answer);
    },
    find: async attempt => {
      const found = await look(attempt);
      if (found.kind !== 'found') return found;
      const { id, content, proxied } = found.item;
      return content === target && proxied === true ? { kind: 'done', id } : { kind: 'absent' };
    },
  };
}
