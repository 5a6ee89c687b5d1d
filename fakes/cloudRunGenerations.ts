// A change of a service and what it takes: a generation, often with a revision of its own, and the operation that is
// done when it serves.

import {
  BY_REVISION,
  type Deployment,
  type Failure,
  type Generation,
  isAlive,
  LATEST,
  observedAt,
  type Spec,
  servingRevisions,
  type Target,
} from './cloudRunDeployment.ts';
import type { Work } from './cloudRunOperations.ts';
import { SERVICE_TYPE, serviceResource } from './cloudRunResources.ts';

/** Revisions of a service. Beyond it, those that do not serve go, the oldest first. */
const REVISIONS_MAX = 1000;
/** Changes of a service that are remembered; the one that serves is, whatever came after it. */
const GENERATIONS_MAX = 1000;
/** gRPC's codes of an operation that ends in an error. */
const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const INTERNAL = 13;

/** `isBroken`: the container of its new revision does not start, which shows at `readyAtMs`. */
export function addGeneration(
  deployment: Deployment,
  spec: Spec,
  isNewTemplate: boolean,
  nowMs: number,
  readyAtMs: number,
  isBroken = false,
): Generation {
  const { generations, revisions } = deployment;
  const last = generations.at(-1);
  const number = (last?.number ?? 0) + 1;
  if (isNewTemplate) addRevision(deployment, spec.template, number, nowMs, isBroken ? Infinity : readyAtMs);
  const revision = isNewTemplate ? revisions.at(-1)! : last!.revision;
  // Traffic to named revisions takes no notice of a newest one that an earlier change broke: so a service is rolled back.
  const needsIt = isNewTemplate || spec.traffic.some(({ type }: Target) => type === LATEST);
  const failure =
    revision.readyAtMs === Infinity && needsIt
      ? notStarted(revision.id)
      : failureOf(deployment, spec.traffic, nowMs);
  const generation: Generation = { number, spec, revision, atMs: nowMs, readyAtMs, failure };
  generations.push(generation);
  if (revisions.length > REVISIONS_MAX) dropOldRevision(deployment, nowMs);
  if (generations.length > GENERATIONS_MAX) {
    const serving = observedAt(deployment, nowMs);
    generations.splice(generations[0] === serving ? 1 : 0, 1);
  }
  return generation;
}

/** Creation or change: done when it serves, or what came after it does, or when the service is deleted. */
export function workOf(deployment: Deployment, { number, readyAtMs, failure }: Generation): Work {
  const servesAtMs = () => {
    const later = deployment.generations.filter(each => each.number > number);
    return Math.min(readyAtMs, ...later.map(each => each.readyAtMs));
  };
  return {
    ...deletionOf(deployment),
    doneAtMs: () => Math.min(servesAtMs(), deployment.deletedAtMs),
    errorAt: () =>
      deployment.deletedAtMs < servesAtMs()
        ? { code: ABORTED, message: `The service was deleted while it was being ${wordOf(number)}.` }
        : failure,
  };
}

const wordOf = (generation: number) => (generation === 1 ? 'created' : 'changed');

/** Done when the service is gone. */
export function deletionOf(deployment: Deployment): Work {
  return {
    doneAtMs: () => deployment.goneAtMs,
    resourceAt: nowMs => ({ '@type': SERVICE_TYPE, ...serviceResource(deployment, nowMs) }),
    errorAt: () => undefined,
  };
}

/** A target that is not there makes a change fail when it is carried out, and what served goes on serving. */
function failureOf(
  { revisions }: Deployment,
  traffic: readonly Target[],
  nowMs: number,
): Failure | undefined {
  const missing = traffic.find(
    ({ type, revision }) =>
      type === BY_REVISION && !revisions.some(each => each.id === revision && isAlive(each, nowMs)),
  );
  if (missing === undefined) return undefined;
  const message = `Revision '${missing.revision}' does not exist or is deleted. Update all traffic to route to currently available revisions.`;
  return { code: INTERNAL, message };
}

const notStarted = (revision: string): Failure => ({
  code: FAILED_PRECONDITION,
  message: `Revision '${revision}' is not ready and cannot serve traffic.`,
});

function addRevision(
  { id, uid, revisions }: Deployment,
  template: Spec,
  generation: number,
  nowMs: number,
  readyAtMs: number,
): void {
  const number = String(generation).padStart(5, '0');
  revisions.push({
    id: template.revision ?? `${id}-${number}-${suffixOf(`${uid}-${generation}`)}`,
    uid: `${uid}-${generation}`,
    generation,
    template,
    createdAtMs: nowMs,
    readyAtMs,
    deletedAtMs: Infinity,
    goneAtMs: Infinity,
  });
}

/** What is gone already makes room first. */
function dropOldRevision(deployment: Deployment, nowMs: number): void {
  const { revisions } = deployment;
  const serving = servingRevisions(deployment, nowMs);
  const gone = revisions.findIndex(revision => !isAlive(revision, nowMs));
  const oldest = gone >= 0 ? gone : revisions.findIndex(({ id }) => !serving.has(id));
  if (oldest >= 0) revisions.splice(oldest, 1);
}

/** Three letters, the same for the same text: FNV-1a. */
function suffixOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  const letters = 'bcdfghjklmnpqrstvwxz';
  return [0, 8, 16].map(shift => letters[((hash >>> shift) & 0xff) % letters.length]).join('');
}
