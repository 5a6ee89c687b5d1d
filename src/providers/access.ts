// A company's own credentials, open or closed: its database user, the versions of its secrets, its key. While it is closed
// everything is kept and nothing can be used. To close what is not there is done; to open it is not.

import type { Company, Platform } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { disableDatabaseUser, enableDatabaseUser, findDatabaseAccess } from './atlas.ts';
import type { Send } from './call.ts';
import { disableKey, enableKey } from './kms.ts';
import { disableSecretVersions, enableSecretVersions } from './secretManager.ts';

type Act = (attempt: Attempt) => Promise<CloudResult>;

export function userAccessVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const act = part === 'closed' ? disableDatabaseUser : enableDatabaseUser;
  const verbs = accessVerbs(part, 'database user', attempt => act(send, company, platform, attempt));
  if (part === 'closed') return verbs;
  return { ...verbs, find: attempt => findDatabaseAccess(send, company, platform, attempt) };
}

export function keyAccessVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const act = part === 'closed' ? disableKey : enableKey;
  return accessVerbs(part, 'key', attempt => act(send, company, platform, attempt));
}

/** `part`: how it shall be, and which secret: `closed api-key`. */
export function secretAccessVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const [access, secret] = part.split(' ');
  const act = access === 'closed' ? disableSecretVersions : enableSecretVersions;
  return accessVerbs(access, `secret ${secret}`, attempt => act(send, company, platform, secret, attempt));
}

function accessVerbs(access: string, what: string, act: Act): Verbs {
  return {
    create: async attempt => {
      const result = await act(attempt);
      if (result.kind !== 'absent') return result;
      return access === 'closed'
        ? { kind: 'done', id: '' }
        : { kind: 'rejected', reason: `there is no ${what} to open` };
    },
    // Each of them looks first and does only what is left to do, so that doing it again is as good as a look.
    find: async () => ({ kind: 'absent' }),
  };
}
