// What a change does to a company's Cloud Run service, as steps: labels and instances of its level, open or closed to
// requests, and a start anew, which is a new revision of the same container.

import type { Company, Platform } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { labelsOf, RUN, scalingOf, serviceNameOf } from './cloudRun.ts';
import { googleGet } from './google.ts';
import {
  RESUMED,
  type RunService,
  restartOf,
  type ServiceChange,
  SUSPENDED,
  updateService,
} from './serviceChange.ts';

/** A service as it shall be, and whether one that is read is so. */
type Wanted = {
  /** Of the service as it is. */
  readonly changeOf: (attempt: Attempt, service: RunService) => ServiceChange;
  readonly isSo: (service: RunService, attempt: Attempt) => boolean;
};

/** `part`: `closed` until it is `open` again. Its address, and the record that leads there, stay. */
export function serviceSettingsVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const { mask, fields } = part === 'closed' ? SUSPENDED : RESUMED;
  const labels = labelsOf(company);
  const scaling = scalingOf(company, platform);
  const isStopped = ({ scaling }: RunService) =>
    scaling?.scalingMode === 'MANUAL' && !scaling.manualInstanceCount;
  return verbsOf(send, company, platform, {
    changeOf: (attempt, service) => {
      // Asked for what it has, the vendor makes no revision, and one that did not start would stay the newest for good.
      const again = isFailed(service) ? restartOf(restartNameOf(attempt)) : undefined;
      return {
        mask: ['labels', ...mask, 'template.scaling', ...(again?.mask ?? [])],
        fields: { labels, ...fields, template: { scaling, ...again?.fields.template } },
      };
    },
    isSo: service =>
      service.ingress === fields.ingress &&
      isStopped(service) === (part === 'closed') &&
      Object.entries(labels).every(([name, value]) => service.labels?.[name] === value) &&
      (service.template?.scaling?.minInstanceCount ?? 0) === scaling.minInstanceCount &&
      service.template?.scaling?.maxInstanceCount === scaling.maxInstanceCount,
  });
}

export function serviceRestartVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const changeOf = (attempt: Attempt) => restartOf(restartNameOf(attempt));
  const annotationsOf = ({ fields }: ServiceChange) => Object.entries(fields.template!.annotations!);
  return verbsOf(send, company, platform, {
    changeOf,
    isSo: ({ template }, attempt) =>
      annotationsOf(changeOf(attempt)).every(([name, value]) => template?.annotations?.[name] === value),
  });
}

/** The second integer of a key is the place of the step: another one in every change, the same after a crash. */
const restartNameOf = ({ key }: Attempt): string => String(key[1]);

const isFailed = ({ terminalCondition }: RunService): boolean =>
  terminalCondition?.state === 'CONDITION_FAILED';

function verbsOf(send: Send, company: Company, platform: Platform, { changeOf, isSo }: Wanted): Verbs {
  const name = serviceNameOf(company, platform);
  const missing: CloudResult = { kind: 'rejected', reason: `there is no service ${name}` };
  const get = (attempt: Attempt) => googleGet<RunService>(send, `${RUN}/${name}`, attempt);
  const isOurs = ({ labels }: RunService) => labels?.company === company.id;
  return {
    create: async attempt => {
      const found = await get(attempt);
      if (found.kind === 'absent') return missing;
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return heldByAnother(name);
      const { etag } = found.resource;
      const change = { ...changeOf(attempt, found.resource), ...(etag && { etag }) };
      const result = await updateService(send, name, change, attempt, 1);
      if (result.kind === 'absent') return missing;
      // What the look by name finds tells more than the operation, and is there after a crash too.
      return result.kind === 'pending' ? { kind: 'pending', id: '' } : result;
    },
    find: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      return isOurs(found.resource) ? read(found.resource, isSo, name, attempt) : heldByAnother(name);
    },
  };
}

function read(service: RunService, isSo: Wanted['isSo'], name: string, attempt: Attempt): CloudResult {
  if (!isSo(service, attempt)) return { kind: 'absent' };
  const { state, message } = service.terminalCondition ?? {};
  if (service.reconciling) return { kind: 'pending', id: '' };
  if (isFailed(service)) return { kind: 'rejected', reason: `the change failed: ${message ?? ''}` };
  return state === 'CONDITION_SUCCEEDED' ? { kind: 'done', id: name } : { kind: 'pending', id: '' };
}
