// Where a company's DNS record leads: `create` points the record that is there at the company's service, through the
// vendor's edge; `find` is done while it leads there. It makes no record and removes none.

import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { leadsTo, recordNamed, retarget } from './cloudflare.ts';

/** `target`: a host without a scheme. */
export function dnsTargetVerbs(send: Send, company: Company, platform: Platform, target: string): Verbs {
  const name = hostnameOf(company, platform);
  const missing: CloudResult = { kind: 'rejected', reason: `there is no record ${name}` };
  return {
    create: async attempt => {
      const result = await retarget(send, company, platform, target, attempt);
      return result.kind === 'absent' ? missing : result;
    },
    find: async attempt => {
      const found = await recordNamed(send, company, platform, attempt);
      if (found.kind !== 'found') return found;
      if (found.item === undefined) return missing;
      if (found.item.comment !== `company=${company.id}`) return heldByAnother(name);
      return leadsTo(found.item, target) ? { kind: 'done', id: found.item.id } : { kind: 'absent' };
    },
  };
}
