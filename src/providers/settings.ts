// What a change of a company writes down about it: its document and its record in the registry. Neither makes nor takes
// away anything; `find` is done once what is written is what shall be.

import type { firestore_v1 } from '@googleapis/firestore';
import type { CompanyRecord, Registry } from '../ports.ts';
import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Attempt, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { documentNameOf, FIRESTORE, fieldsOf } from './firestore.ts';
import { GOOGLE, googleFailure, googleGet, isPrecondition } from './google.ts';

type Document = firestore_v1.Schema$Document;

/** The company's document, written anew from what the company is now. */
export function documentSettingsVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const { root, name } = documentNameOf(company, platform);
  const fields = fieldsOf(company, platform);
  const get = (attempt: Attempt) => googleGet<Document>(send, `${FIRESTORE}/${name}`, attempt);
  const isOurs = (document: Document) => document.fields?.companyId?.stringValue === company.id;
  return {
    create: async attempt => {
      const found = await get(attempt);
      if (found.kind === 'absent') return { kind: 'rejected', reason: `there is no document ${name}` };
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return heldByAnother(name);
      const { updateTime } = found.resource;
      const body: firestore_v1.Schema$CommitRequest = {
        writes: [{ update: { name, fields }, currentDocument: { updateTime: updateTime ?? null } }],
      };
      const url = `${FIRESTORE}/${root}:commit`;
      const answer = await send({ method: 'POST', url, ...GOOGLE, body }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 200) return { kind: 'done', id: name };
      // Another write came between the look and this one, which had no effect.
      const isOvertaken = answer.status === 409 || isPrecondition(answer);
      return isOvertaken
        ? { kind: 'transient', reason: `${answer.status} overtaken` }
        : googleFailure(answer);
    },
    find: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return heldByAnother(name);
      const isSo = JSON.stringify(sorted(found.resource.fields)) === JSON.stringify(sorted(fields));
      return isSo ? { kind: 'done', id: name } : { kind: 'absent' };
    },
  };
}

const sorted = (fields: Document['fields']) =>
  Object.entries(fields ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The platform's own record. `part`: whether users are served. `uri`: of the service, when it is known. */
export function recordSettingsVerbs(
  registry: Registry,
  nowMs: () => number,
  company: Company,
  platform: Platform,
  part: string,
  uri: string,
): Verbs {
  const { id, region, level, industry } = company;
  const isSuspended = part === 'closed';
  const wanted = (before: CompanyRecord | undefined): CompanyRecord => ({
    ...{ id, region, level, industry },
    hostname: hostnameOf(company, platform),
    serviceUri: uri || (before?.serviceUri ?? ''),
    registeredAtMs: before?.registeredAtMs ?? nowMs(),
    ...(isSuspended && { isSuspended }),
  });
  return {
    create: async () => {
      await registry.put(wanted(await registry.get(id)));
      return { kind: 'done', id };
    },
    find: async () => {
      const found = await registry.get(id);
      const isSo =
        found !== undefined &&
        found.level === level &&
        (found.isSuspended === true) === isSuspended &&
        (uri === '' || found.serviceUri === uri);
      return isSo ? { kind: 'done', id } : { kind: 'absent' };
    },
  };
}
