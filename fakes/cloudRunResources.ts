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
/** Where the vendor has Cloud Run, and the region's part in the host of a service: assumed where nobody has shown one. */
export const REGION_CODES: Readonly<Record<string, string>> = {
  'africa-south1': 'bq',
  'asia-east1': 'de',
  'asia-east2': 'df',
  'asia-northeast1': 'an',
  'asia-northeast2': 'dt',
  'asia-northeast3': 'du',
  'asia-south1': 'el',
  'asia-south2': 'em',
  'asia-southeast1': 'as',
  'asia-southeast2': 'et',
  'australia-southeast1': 'ts',
  'australia-southeast2': 'km',
  'europe-central2': 'lm',
  'europe-north1': 'lz',
  'europe-southwest1': 'no',
  'europe-west1': 'ew',
  'europe-west10': 'oe',
  'europe-west12': 'og',
  'europe-west2': 'nw',
  'europe-west3': 'ey',
  'europe-west4': 'ez',
  'europe-west6': 'oa',
  'europe-west8': 'oc',
  'europe-west9': 'od',
  'me-central1': 'ww',
  'me-central2': 'wx',
  'me-west1': 'zf',
  'northamerica-northeast1': 'nn',
  'northamerica-northeast2': 'pd',
  'southamerica-east1': 'rj',
  'southamerica-west1': 'tl',
  'us-central1': 'uc',
  'us-east1': 'ue',
  'us-east4': 'uk',
  'us-east5': 'ul',
  'us-south1': 'vp',
  'us-west1': 'uw',
  'us-west2': 'wl',
  'us-west3': 'wm',
  'us-west4': 'wn',
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

function stateOf({ failure }: Generation | Revision, settled: boolean): object {
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
  const deployed = readyAtMs <= nowMs;
  const deleting = deletedAtMs <= nowMs;
  const settled = deployed && !deleting;
  const changedMs = deleting ? deletedAtMs : deployed ? readyAtMs : createdAtMs;
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
    conditions: [{ type: 'Ready', ...stateOf(revision, settled), lastTransitionTime: isoTime(changedMs) }],
    ...(deployed && { observedGeneration: String(generation) }),
    ...(!settled && { reconciling: true }),
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
