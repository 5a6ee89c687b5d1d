// What a change does to a company's Cloud Run service: labels and instances of its level, open or closed to requests, and
// a start anew, which is a new revision of the same container.

import type { run_v2 } from '@googleapis/run';
import type { Company, Platform } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, type Send } from './call.ts';
import { labelsOf, RUN, scalingOf, serviceNameOf } from './cloudRun.ts';
import { googleFailure, googleGet, googleHeaders } from './google.ts';

type RunService = run_v2.Schema$GoogleCloudRunV2Service;

/** A service as it shall be: the fields that the mask names, and whether one that is read is so. */
type Wanted = {
  readonly mask: string;
  readonly fieldsOf: (attempt: Attempt) => RunService;
  readonly isSo: (service: RunService, attempt: Attempt) => boolean;
};

/** Whose value is the number of the change that asked for the start: repeated, it starts nothing. */
const RESTART = 'sandtable/restart';

/**
 * `part`: `closed` lets no request in from outside and keeps no instance, not even for callers inside, until it is
 * `open` again. Its address, and the record that leads there, stay.
 */
export function serviceSettingsVerbs(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  part: string,
): Verbs {
  const isClosed = part === 'closed';
  const labels = labelsOf(company);
  const template = { scaling: scalingOf(company, platform) };
  const ingress = isClosed ? 'INGRESS_TRAFFIC_INTERNAL_ONLY' : 'INGRESS_TRAFFIC_ALL';
  const scaling = isClosed ? { scalingMode: 'MANUAL', manualInstanceCount: 0 } : { scalingMode: 'AUTOMATIC' };
  const isStopped = ({ scaling }: RunService) =>
    scaling?.scalingMode === 'MANUAL' && !scaling.manualInstanceCount;
  return verbsOf(send, token, company, platform, {
    mask: 'labels,ingress,scaling,template.scaling',
    fieldsOf: () => ({ labels, ingress, scaling, template }),
    isSo: service =>
      service.ingress === ingress &&
      isStopped(service) === isClosed &&
      Object.entries(labels).every(([name, value]) => service.labels?.[name] === value) &&
      (service.template?.scaling?.minInstanceCount ?? 0) === template.scaling.minInstanceCount &&
      service.template?.scaling?.maxInstanceCount === template.scaling.maxInstanceCount,
  });
}

export function serviceRestartVerbs(send: Send, token: string, company: Company, platform: Platform): Verbs {
  // The second integer of a key is the place of the step: another one in every change, the same after a crash.
  const annotationsOf = ({ key }: Attempt) => ({ [RESTART]: String(key[1]) });
  return verbsOf(send, token, company, platform, {
    mask: 'template.annotations',
    fieldsOf: attempt => ({ template: { annotations: annotationsOf(attempt) } }),
    isSo: ({ template }, attempt) => template?.annotations?.[RESTART] === annotationsOf(attempt)[RESTART],
  });
}

function verbsOf(
  send: Send,
  token: string,
  company: Company,
  platform: Platform,
  { mask, fieldsOf, isSo }: Wanted,
): Verbs {
  const name = serviceNameOf(company, platform);
  const url = `${RUN}/${name}`;
  const get = (attempt: Attempt) => googleGet<RunService>(send, token, url, attempt);
  const isOurs = ({ labels }: RunService) => labels?.company === company.id;
  return {
    create: async attempt => {
      const found = await get(attempt);
      if (found.kind === 'absent') return { kind: 'rejected', reason: `there is no service ${name}` };
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return heldByAnother(name);
      const { etag } = found.resource;
      const body: RunService = { ...fieldsOf(attempt), ...(etag && { etag }) };
      const patchUrl = `${url}?updateMask=${encodeURIComponent(mask)}`;
      const headers = googleHeaders(token);
      const answer = await send({ method: 'PATCH', url: patchUrl, headers, body }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      // Somebody else has changed it since it was read: to be read again.
      if (answer.status === 409) return { kind: 'transient', reason: '409 overtaken' };
      return answer.status === 200 ? { kind: 'pending', id: '' } : googleFailure(answer);
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
  if (state === 'CONDITION_FAILED')
    return { kind: 'rejected', reason: `the change failed: ${message ?? ''}` };
  return state === 'CONDITION_SUCCEEDED' ? { kind: 'done', id: name } : { kind: 'pending', id: '' };
}
