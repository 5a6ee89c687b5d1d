// The revisions of a service: made by its changes alone, kept while they serve and for as long as there is room.

import {
  type Deployment,
  desiredAt,
  liveRevisions,
  type Revision,
  servingRevisions,
} from './cloudRunDeployment.ts';
import type { Operations } from './cloudRunOperations.ts';
import { conflict } from './cloudRunRefusals.ts';
import { REVISION_TYPE, revisionEtagOf, revisionResource } from './cloudRunResources.ts';
import { googleError, pageOf } from './google.ts';
import type { FakeReply, RouteContext, World } from './service.ts';

type Handler = (context: RouteContext) => FakeReply;
export type Revisions = Readonly<Record<'get' | 'list' | 'remove', Handler>>;

const PAGE_SIZE_MAX = 100;

export function createRevisions(
  world: World,
  operations: Operations,
  servicesAt: (context: RouteContext) => readonly Deployment[],
): Revisions {
  /** Runs `handle` with the revision of the path, or answers 404. */
  const withRevision =
    (handle: (deployment: Deployment, revision: Revision, context: RouteContext) => FakeReply): Handler =>
    context => {
      const { service, revision: id } = context.params;
      const deployment = servicesAt(context).find(each => each.id === service);
      const revision = deployment && liveRevisions(deployment, context.nowMs).find(each => each.id === id);
      return deployment === undefined || revision === undefined
        ? googleError(404, `Resource '${id}' of kind 'REVISION' in service '${service}' does not exist.`)
        : handle(deployment, revision, context);
    };

  // The newest first, over one service or, by `-`, all of the region.
  const list: Handler = context => {
    const { params, query, nowMs } = context;
    const services = servicesAt(context).filter(({ id }) => params.service === '-' || id === params.service);
    if (services.length === 0 && params.service !== '-')
      return googleError(404, `Resource '${params.service}' of kind 'SERVICE' does not exist.`);
    const all = services.flatMap(deployment =>
      liveRevisions(deployment, nowMs)
        .map(revision => ({ deployment, revision }))
        .reverse(),
    );
    const page = pageOf(all, query, PAGE_SIZE_MAX);
    if (typeof page === 'string') return googleError(400, page);
    const revisions = page.items.map(each => revisionResource(each.deployment, each.revision, nowMs));
    return {
      status: 200,
      body: { ...(revisions.length > 0 && { revisions }), nextPageToken: page.nextPageToken },
    };
  };

  const remove = withRevision((deployment, revision, context) => {
    const { query, params, nowMs, key } = context;
    const stale = conflict(revision.id, query.get('etag'), revisionEtagOf(revision, nowMs));
    if (stale !== undefined) return stale;
    if (isHeld(deployment, revision, nowMs)) {
      const reason = 'cannot be directly deleted because it is actively serving.';
      return googleError(400, `Revision "${revision.id}" ${reason}`, undefined, 'FAILED_PRECONDITION');
    }
    const parent = `projects/${params.project}/locations/${params.location}`;
    const resourceAt = (atMs: number) => ({
      '@type': REVISION_TYPE,
      ...revisionResource(deployment, revision, atMs),
    });
    if (query.get('validateOnly') === 'true') return operations.preview(parent, resourceAt(nowMs));
    if (revision.deletedAtMs === Infinity) {
      revision.deletedAtMs = nowMs;
      revision.goneAtMs = nowMs + world.durationMs('lat.cloud-run.update', key);
    }
    return operations.start(
      parent,
      { doneAtMs: () => revision.goneAtMs, resourceAt, errorAt: () => undefined },
      nowMs,
    );
  });

  return {
    list,
    get: withRevision((deployment, revision, { nowMs }) => ({
      status: 200,
      body: revisionResource(deployment, revision, nowMs),
    })),
    remove,
  };
}

/** It serves, or it is the newest, which a service cannot be without. */
const isHeld = (deployment: Deployment, { id }: Revision, nowMs: number) =>
  desiredAt(deployment, nowMs).revision.id === id || servingRevisions(deployment, nowMs).has(id);
