// What the Cloud Run Admin API shows of a service and of a revision.

import {
  BY_REVISION,
  changedAtMs,
  type Deployment,
  desiredAt,
  type Generation,
  latestReadyAt,
  observedAt,
  type Revision,
  type Target,
  versionOf,
} from './cloudRunDeployment.ts';
import { isoTime } from './service.ts';

export const SERVICE_TYPE = 'type.googleapis.com/google.cloud.run.v2.Service';
export const REVISION_TYPE = 'type.googleapis.com/google.cloud.run.v2.Revision';
/** The part of a region in the host of a service; regions of the platform only. */
export const REGION_CODES: Readonly<Record<string, string>> = {
  'us-west1': 'uw',
  'us-central1': 'uc',
  'europe-west1': 'ew',
};

export function serviceResource(deployment: Deployment, nowMs: number): Record<string, unknown> {
  const { name, uid, host, createdAtMs, deletedAtMs, goneAtMs } = deployment;
  const desired = desiredAt(deployment, nowMs);
  const observed = observedAt(deployment, nowMs);
  const ready = latestReadyAt(deployment, nowMs);
  const deleting = deletedAtMs <= nowMs;
  const settled = desired.readyAtMs <= nowMs && !deleting;
  return {
    name,
    uid,
    generation: String(desired.number),
    labels: {},
    createTime: isoTime(createdAtMs),
    updateTime: isoTime(deleting ? deletedAtMs : desired.atMs),
    ...(deleting && { deleteTime: isoTime(deletedAtMs), expireTime: isoTime(goneAtMs) }),
    ...desired.spec,
    latestCreatedRevision: revisionName(deployment, desired.revision),
    terminalCondition: {
      type: 'Ready',
      ...stateOf(desired, settled),
      lastTransitionTime: isoTime(changedAtMs(deployment, nowMs)),
    },
    ...(observed !== undefined && {
      observedGeneration: String(observed.number),
      trafficStatuses: trafficStatuses(observed, ready),
      uri: `https://${host}`,
      urls: [`https://${host}`],
    }),
    ...(ready !== undefined && { latestReadyRevision: revisionName(deployment, ready) }),
    ...(!settled && { reconciling: true }),
    etag: etagOf(deployment, nowMs),
  };
}

export const etagOf = (deployment: Deployment, nowMs: number) => `"${versionOf(deployment, nowMs)}"`;

const revisionName = ({ name }: Deployment, { id }: Revision) => `${name}/revisions/${id}`;

function stateOf({ failure }: Generation, settled: boolean): object {
  if (!settled) return { state: 'CONDITION_RECONCILING' };
  return failure === undefined
    ? { state: 'CONDITION_SUCCEEDED' }
    : { state: 'CONDITION_FAILED', message: failure.message };
}

function trafficStatuses(observed: Generation, ready: Revision | undefined): object[] {
  return observed.spec.traffic.map((target: Target) =>
    target.type === BY_REVISION ? target : { ...target, ...(ready && { revision: ready.id }) },
  );
}

export function revisionResource(
  deployment: Deployment,
  revision: Revision,
  nowMs: number,
): Record<string, unknown> {
  const { uid, generation, createdAtMs, readyAtMs, deletedAtMs, goneAtMs } = revision;
  const { revision: _, ...template } = revision.template;
  const ready = readyAtMs <= nowMs;
  const deleting = deletedAtMs <= nowMs;
  const state = ready && !deleting ? 'CONDITION_SUCCEEDED' : 'CONDITION_RECONCILING';
  const changedMs = deleting ? deletedAtMs : ready ? readyAtMs : createdAtMs;
  return {
    name: revisionName(deployment, revision),
    uid,
    generation: String(generation),
    createTime: isoTime(createdAtMs),
    updateTime: isoTime(changedMs),
    ...(deleting && { deleteTime: isoTime(deletedAtMs), expireTime: isoTime(goneAtMs) }),
    launchStage: 'GA',
    service: deployment.id,
    ...template,
    conditions: [{ type: 'Ready', state, lastTransitionTime: isoTime(changedMs) }],
    ...(ready && { observedGeneration: String(generation) }),
    ...((!ready || deleting) && { reconciling: true }),
    etag: revisionEtagOf(revision, nowMs),
  };
}

export const revisionEtagOf = ({ uid, readyAtMs, deletedAtMs }: Revision, nowMs: number) =>
  `"${uid}-${[readyAtMs, deletedAtMs].filter(ms => ms <= nowMs).length}"`;

export const isRegion = (location: string) => Object.hasOwn(REGION_CODES, location);

export const hostOf = (id: string, project: string, location: string) =>
  `${id}-${hashOf(project)}-${REGION_CODES[location]}.a.run.app`;

/** Ten characters for a project, as in the hosts of its services: FNV-1a twice, in base 36. */
function hashOf(project: string): string {
  const half = (offset: number) => {
    let hash = offset;
    for (let i = 0; i < project.length; i++) hash = Math.imul(hash ^ project.charCodeAt(i), 0x01000193);
    return (hash >>> 0).toString(36).padStart(5, '0').slice(-5);
  };
  return half(0x811c9dc5) + half(0x9747b28c);
}
