// Google Firestore v1: the company's partition, the document `companies/<id>`.

import type { firestore_v1 } from '@googleapis/firestore';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { GOOGLE, googleFailure, googleGet, isTaken } from './google.ts';

export const FIRESTORE = 'https://firestore.googleapis.com/v1';

/** The company's document, and the database that it lies in. */
export function documentNameOf(company: Company, platform: Platform) {
  const root = `projects/${placeOf(company, platform).googleProject}/databases/(default)/documents`;
  return { root, name: `${root}/companies/${company.id}` };
}

export function documentVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const { root, name } = documentNameOf(company, platform);
  const url = `${FIRESTORE}/${name}`;

  const get = (attempt: Attempt) => googleGet<firestore_v1.Schema$Document>(send, url, attempt);
  const isOurs = ({ fields }: firestore_v1.Schema$Document) => fields?.companyId?.stringValue === company.id;

  return {
    create: async attempt => {
      const update = { name, fields: fieldsOf(company, platform) };
      const body: firestore_v1.Schema$CommitRequest = {
        writes: [{ update, currentDocument: { exists: false } }],
      };
      const answer = await send(
        { method: 'POST', url: `${FIRESTORE}/${root}:commit`, ...GOOGLE, body },
        attempt,
      );
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 200) return { kind: 'done', id: name };
      return isTaken(answer) ? { kind: 'exists' } : googleFailure(answer);
    },
    find: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      return isOurs(found.resource) ? { kind: 'done', id: name } : heldByAnother(name);
    },
    // Deleting what is not there succeeds, and what is not ours must stay: so it looks first.
    remove: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return { kind: 'absent' };
      const answer = await send({ method: 'DELETE', url, ...GOOGLE }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      return answer.status === 200 ? { kind: 'done', id: '' } : googleFailure(answer);
    },
  };
}

/** The company's configuration: who it is, and what its industry's template asks of everything that serves it. */
export function fieldsOf(
  { id, region, level, industry, configuration }: Company,
  { templates }: Platform,
): Record<string, firestore_v1.Schema$Value> {
  const { retentionDays, compliance } = templates[industry];
  return {
    companyId: { stringValue: id },
    region: { stringValue: region },
    level: { stringValue: level },
    industry: { stringValue: industry },
    configuration: { stringValue: configuration },
    retentionDays: { integerValue: String(retentionDays) },
    auditRetentionDays: { integerValue: String(compliance.auditRetentionDays) },
    standards: { arrayValue: listOf(compliance.standards) },
  };
}

/** As the vendor gives it out again: an empty list is left out of its value. */
const listOf = (texts: readonly string[]): firestore_v1.Schema$ArrayValue =>
  texts.length === 0 ? {} : { values: texts.map(stringValue => ({ stringValue })) };
