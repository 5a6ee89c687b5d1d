// Google Secret Manager v1: secrets and their versions. A secret has exactly one enabled version.

import type { secretmanager_v1 } from '@googleapis/secretmanager';
import type { Chance } from '../ports.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, type Send, unreadable } from './call.ts';
import { googleFailure, googleGet, googleHeaders } from './google.ts';

const API = 'https://secretmanager.googleapis.com/v1';

const parentOf = (company: Company, platform: Platform) =>
  `projects/${placeOf(company, platform).googleProject}`;
const secretIdOf = (company: Company, part: string) => `${company.id}-${part}`;
const secretNameOf = (company: Company, platform: Platform, part: string) =>
  `${parentOf(company, platform)}/secrets/${secretIdOf(company, part)}`;

export function secretVerbs(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  part: string,
): Verbs {
  const headers = googleHeaders(token);
  const name = secretNameOf(company, platform, part);
  const url = `${API}/${name}`;
  const get = (attempt: Attempt) => googleGet<secretmanager_v1.Schema$Secret>(send, token, url, attempt);
  const isOurs = ({ labels }: secretmanager_v1.Schema$Secret) => labels?.company === company.id;
  return {
    create: async attempt => {
      const body: secretmanager_v1.Schema$Secret = {
        replication: { automatic: {} },
        labels: { company: company.id },
      };
      const createUrl = `${API}/${parentOf(company, platform)}/secrets?secretId=${secretIdOf(company, part)}`;
      const answer = await send({ method: 'POST', url: createUrl, headers, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 409) return { kind: 'exists' };
      return answer.status === 200 ? { kind: 'done', id: name } : googleFailure(answer);
    },
    find: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      return isOurs(found.resource) ? { kind: 'done', id: name } : heldByAnother(name);
    },
    // Deleting a secret deletes its versions with it. One of another company's stays, and is none of ours to remove.
    remove: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return { kind: 'absent' };
      return removed(await send({ method: 'DELETE', url, headers }, attempt, 1));
    },
  };
}

export function secretVersionVerbs(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  part: string,
  chance: Chance,
): Verbs {
  const headers = googleHeaders(token);
  const url = `${API}/${secretNameOf(company, platform, part)}`;
  return {
    nameless: true,
    create: async attempt => {
      // A secret's value never leaves this function: it goes to the vault and is read back from there.
      const data = btoa(chance.secret(attempt.key));
      const body: secretmanager_v1.Schema$AddSecretVersionRequest = { payload: { data } };
      const answer = await send({ method: 'POST', url: `${url}:addVersion`, headers, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status !== 200) return googleFailure(answer);
      const version = jsonOf(answer) as secretmanager_v1.Schema$SecretVersion | undefined;
      return version?.name ? { kind: 'done', id: version.name } : unreadable(answer);
    },
    find: async attempt => {
      const listUrl = `${url}/versions?filter=${encodeURIComponent('state:ENABLED')}`;
      const answer = await send({ method: 'GET', url: listUrl, headers }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      if (answer.status !== 200) return googleFailure(answer);
      const list = jsonOf(answer) as secretmanager_v1.Schema$ListSecretVersionsResponse | undefined;
      if (list === undefined) return unreadable(answer);
      const name = list.versions?.at(-1)?.name;
      return name ? { kind: 'done', id: name } : { kind: 'absent' };
    },
    // The version goes with its secret, which is undone right after.
  };
}

/** The current value of a secret, for the one call that needs it; a failure is passed on. */
export async function accessSecret(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  part: string,
  attempt: Attempt,
): Promise<{ readonly kind: 'value'; readonly value: string } | CloudResult> {
  const url = `${API}/${secretNameOf(company, platform, part)}/versions/latest:access`;
  const answer = await send({ method: 'GET', url, headers: googleHeaders(token) }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status !== 200) return googleFailure(answer);
  const version = jsonOf(answer) as secretmanager_v1.Schema$AccessSecretVersionResponse | undefined;
  const data = version?.payload?.data;
  return typeof data === 'string' ? { kind: 'value', value: atob(data) } : unreadable(answer);
}

function removed(answer: Awaited<ReturnType<Send>>): CloudResult {
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  return answer.status === 200 ? { kind: 'done', id: '' } : googleFailure(answer);
}
