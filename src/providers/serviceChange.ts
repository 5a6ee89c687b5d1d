// One change of a company's Cloud Run service: the fields that the mask names get the values that `fields` has. What the
// mask leaves out stays as it is; a change of the template makes a new revision, any other makes none.

import type { run_v2 } from '@googleapis/run';
import type { Attempt, CloudResult } from '../provisioning/verbs.ts';
import { jsonOf, type Send, unreadable } from './call.ts';
import { RUN } from './cloudRun.ts';
import { GOOGLE, googleFailure } from './google.ts';

export type RunService = run_v2.Schema$GoogleCloudRunV2Service;

/** `mask` names fields of `fields`; with `etag`, nobody else has changed the service since it was read. */
export type ServiceChange = {
  readonly mask: readonly string[];
  readonly fields: RunService;
  readonly etag?: string;
};

/** No request from outside comes in and no instance is kept, not even for callers inside. */
export const SUSPENDED: ServiceChange = {
  mask: ['ingress', 'scaling'],
  fields: {
    ingress: 'INGRESS_TRAFFIC_INTERNAL_ONLY',
    scaling: { scalingMode: 'MANUAL', manualInstanceCount: 0 },
  },
};

export const RESUMED: ServiceChange = {
  mask: ['ingress', 'scaling'],
  fields: { ingress: 'INGRESS_TRAFFIC_ALL', scaling: { scalingMode: 'AUTOMATIC' } },
};

/** A new revision of the same container. Asked for twice by the same name, it starts anew once. */
export const restartOf = (name: string): ServiceChange => ({
  mask: ['template.annotations'],
  fields: { template: { annotations: { 'sandtable/restart': name } } },
});

/**
 * `name`: the service's full resource name. `pending` gives the operation's name to ask by; `absent`: there is no such
 * service; `transient`: somebody else changed it in between, so that it must be read again.
 */
export async function updateService(
  send: Send,
  name: string,
  { mask, fields, etag }: ServiceChange,
  attempt: Attempt,
  part = 0,
): Promise<CloudResult> {
  const url = `${RUN}/${name}?updateMask=${encodeURIComponent(mask.join(','))}`;
  const body = { ...fields, ...(etag !== undefined && { etag }) };
  const answer = await send({ method: 'PATCH', url, ...GOOGLE, body }, attempt, part);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status === 409) return { kind: 'transient', reason: '409 changed by another' };
  if (answer.status !== 200) return googleFailure(answer);
  const operation = jsonOf(answer) as { readonly name?: string } | undefined;
  return operation?.name ? { kind: 'pending', id: operation.name } : unreadable(answer);
}
