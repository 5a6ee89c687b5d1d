// The company's own service, asked from outside as a user would: through its hostname, record and certificate.

import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Verbs } from '../provisioning/verbs.ts';
import { jsonOf, type Send } from './call.ts';

/** Only looks. Pending with the status as id while anything on the way refuses: record, certificate, cold service. */
export function healthVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const hostname = hostnameOf(company, platform);
  return {
    find: async attempt => {
      const answer = await send({ method: 'GET', url: `https://${hostname}/health`, headers: {} }, attempt);
      if (answer.kind !== 'answered') return answer;
      const health =
        answer.status === 200 ? (jsonOf(answer) as { company?: unknown } | undefined) : undefined;
      if (typeof health?.company !== 'string') return { kind: 'pending', id: String(answer.status) };
      if (health.company === company.id) return { kind: 'done', id: hostname };
      return { kind: 'rejected', reason: `${hostname} is answered by ${health.company}` };
    },
  };
}
