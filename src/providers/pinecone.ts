// Pinecone's data plane: a company's namespace in the index of its region. A namespace has no labels: its name, the
// company's id, is the mark.

import type { CreateNamespaceOptions, NamespaceDescription } from '@pinecone-database/pinecone';
import type { Answer } from '../ports.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { CloudResult, Verbs } from '../provisioning/verbs.ts';
import { jsonOf, quotaUsedUp, readFailure, type Send, unreadable } from './call.ts';

/** The version of the installed SDK. */
const API_VERSION = '2026-04';

export function namespaceVerbs(send: Send, token: string, company: Company, platform: Platform): Verbs {
  const headers = { 'api-key': token, 'x-pinecone-api-version': API_VERSION };
  const url = `https://${placeOf(company, platform).pineconeHost}/namespaces`;
  const name = company.id;
  return {
    create: async attempt => {
      const body: CreateNamespaceOptions = { name };
      const answer = await send({ method: 'POST', url, headers, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 409) return { kind: 'exists' };
      return answer.status === 200 || answer.status === 201
        ? { kind: 'done', id: name }
        : pineconeFailure(answer);
    },
    find: async attempt => {
      const answer = await send({ method: 'GET', url: `${url}/${name}`, headers }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      if (answer.status !== 200) return pineconeFailure(answer);
      const namespace = jsonOf(answer) as NamespaceDescription | undefined;
      return namespace?.name === name ? { kind: 'done', id: name } : unreadable(answer);
    },
    remove: async attempt => {
      const answer = await send({ method: 'DELETE', url: `${url}/${name}`, headers }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      return answer.status === 200 || answer.status === 202
        ? { kind: 'done', id: '' }
        : pineconeFailure(answer);
    },
  };
}

/**
 * A rate's message ends in the quota's name: `… Limit reached: namespaceWrites`. A limit on objects comes with 403 and
 * names what there are too many of: `… the max namespaces allowed in …`.
 */
function pineconeFailure(answer: Answer): CloudResult {
  const message = (jsonOf(answer) as { message?: string } | undefined)?.message ?? '';
  const objects = /the max ([\w ]+?) allowed in/.exec(message)?.[1];
  if (answer.status === 403 && objects !== undefined) return quotaUsedUp(objects, message);
  return readFailure(answer, /Limit reached: (\S+)$/.exec(message)?.[1] ?? 'pinecone', message);
}
