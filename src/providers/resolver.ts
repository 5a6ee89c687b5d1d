// Has a company's name reached the world? Asked of a public resolver over HTTPS, in its JSON form.

import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Verbs } from '../provisioning/verbs.ts';
import { jsonOf, objectsOf, readFailure, type Send, unreadable } from './call.ts';

type DnsAnswer = { Status?: number; Answer?: { name?: string; type?: number; data?: string }[] };

/** DNS response codes (RFC 1035). */
const NO_ERROR = 0;
const NX_DOMAIN = 3;

/** DNS record types (RFC 1035). */
const CNAME = 5;

/**
 * Only looks: `done` once the name resolves, `pending` until then, and while it is seen to lead elsewhere than to
 * `target`. A proxied name shows the edge's addresses and hides where it leads.
 */
export function propagationVerbs(send: Send, company: Company, platform: Platform, target: string): Verbs {
  const name = hostnameOf(company, platform);
  const url = `https://cloudflare-dns.com/dns-query?name=${name}&type=A`;
  return {
    find: async attempt => {
      const answer = await send({ method: 'GET', url, headers: { accept: 'application/dns-json' } }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status !== 200) return readFailure(answer, 'dnsResolver', 'of the resolver');
      const { Status: status, Answer } = (jsonOf(answer) as DnsAnswer | null | undefined) ?? {};
      const answers = objectsOf(Answer);
      if (status === undefined) return unreadable(answer);
      const isElsewhere = answers.some(({ type, data }) => type === CNAME && data !== `${target}.`);
      if (status === NO_ERROR && answers.length > 0 && !isElsewhere) return { kind: 'done', id: name };
      if (status === NO_ERROR || status === NX_DOMAIN) return { kind: 'pending', id: name };
      return { kind: 'transient', reason: `the resolver answered with code ${status}` };
    },
  };
}
