// A service of Cloud Run as the fake keeps it: a generation for each change of what its owner wants, and the revisions
// that those made. What it is at a moment follows from the moments stored here; nothing changes by itself.

import { companyOf } from './google.ts';

// biome-ignore lint/suspicious/noExplicitAny: the client's own fields, checked before they are kept
export type Spec = any;

export type Revision = {
  /** Without the path. */
  readonly id: string;
  readonly uid: string;
  readonly generation: number;
  readonly template: Spec;
  readonly createdAtMs: number;
  /** Infinity when its container does not start. */
  readonly readyAtMs: number;
  /** Infinity until the deletion is asked for; then it is gone at `goneAtMs`. */
  deletedAtMs: number;
  goneAtMs: number;
};

export type Generation = {
  readonly number: number;
  readonly spec: Spec;
  /** The newest revision when the change was made. */
  readonly revision: Revision;
  readonly atMs: number;
  readonly readyAtMs: number;
  /** Why it never serves. */
  readonly failure: Failure | undefined;
};

export type Failure = { readonly code: number; readonly message: string };

export type Deployment = {
  /** Full resource name, and its last part. */
  readonly name: string;
  readonly id: string;
  readonly uid: string;
  readonly host: string;
  readonly createdAtMs: number;
  readonly generations: Generation[];
  readonly revisions: Revision[];
  deletedAtMs: number;
  goneAtMs: number;
  /** The last request that it served; -Infinity before the first. */
  hitAtMs: number;
};

export type Target = { readonly type: string; readonly revision?: string; readonly percent?: number };

export const LATEST = 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST';
export const BY_REVISION = 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION';

export const isAlive = <T extends { goneAtMs: number }>(thing: T | undefined, nowMs: number): thing is T =>
  thing !== undefined && nowMs < thing.goneAtMs;

/** What its owner wants. */
export const desiredAt = ({ generations }: Deployment, nowMs: number): Generation =>
  generations.findLast(({ atMs }) => atMs <= nowMs) ?? generations[0];

/** What serves; undefined before the first is ready. */
export const observedAt = ({ generations }: Deployment, nowMs: number): Generation | undefined =>
  generations.findLast(({ readyAtMs, failure }) => readyAtMs <= nowMs && failure === undefined);

export const liveRevisions = ({ revisions }: Deployment, nowMs: number): Revision[] =>
  revisions.filter(revision => revision.createdAtMs <= nowMs && isAlive(revision, nowMs));

export const latestReadyAt = (deployment: Deployment, nowMs: number): Revision | undefined =>
  observedAt(deployment, nowMs) === undefined
    ? undefined
    : deployment.revisions.findLast(
        revision => revision.readyAtMs <= nowMs && revision.deletedAtMs === Infinity,
      );

/** Revisions that get requests now, or will when the change under way is done. */
export function servingRevisions(deployment: Deployment, nowMs: number): ReadonlySet<string> {
  const serving = new Set<string>();
  const latest = latestReadyAt(deployment, nowMs);
  for (const generation of [observedAt(deployment, nowMs), desiredAt(deployment, nowMs)]) {
    if (generation === undefined) continue;
    for (const { type, revision, percent = 0 } of generation.spec.traffic as readonly Target[]) {
      if (percent === 0) continue;
      if (type === BY_REVISION) serving.add(revision!);
      else for (const each of [latest, generation.revision]) if (each !== undefined) serving.add(each.id);
    }
  }
  return serving;
}

/** A service takes requests once it has served, until it is deleted or stopped by hand. */
export function isServing(deployment: Deployment, nowMs: number): boolean {
  const observed = observedAt(deployment, nowMs);
  if (observed === undefined || nowMs >= deployment.deletedAtMs) return false;
  const { scalingMode, manualInstanceCount } = observed.spec.scaling ?? {};
  return scalingMode !== 'MANUAL' || manualInstanceCount > 0;
}

/** Instances that are kept without requests. */
export function isKeptWarm(deployment: Deployment, nowMs: number): boolean {
  const { spec } = observedAt(deployment, nowMs) ?? desiredAt(deployment, nowMs);
  const { minInstanceCount = 0, manualInstanceCount = 0 } = spec.scaling ?? {};
  return (spec.template.scaling?.minInstanceCount ?? 0) + minInstanceCount + manualInstanceCount > 0;
}

/** Requests from outside of the project reach it. */
export function isPublic(deployment: Deployment, nowMs: number): boolean {
  const { spec } = observedAt(deployment, nowMs) ?? desiredAt(deployment, nowMs);
  return spec.ingress === 'INGRESS_TRAFFIC_ALL';
}

export const ownerOf = (deployment: Deployment, nowMs: number): string =>
  companyOf(desiredAt(deployment, nowMs).spec.labels);

/** What an etag stands for: it differs after every change, and after what the cloud makes of one. */
export function versionOf(deployment: Deployment, nowMs: number): string {
  const { number } = desiredAt(deployment, nowMs);
  return `${deployment.uid}-${number}-${Math.round(changedAtMs(deployment, nowMs) * 1000)}`;
}

export function changedAtMs(deployment: Deployment, nowMs: number): number {
  if (deployment.deletedAtMs <= nowMs) return deployment.deletedAtMs;
  const { atMs, readyAtMs } = desiredAt(deployment, nowMs);
  return readyAtMs <= nowMs ? readyAtMs : atMs;
}
