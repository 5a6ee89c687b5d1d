// Atlas's projects, which its API calls groups. One with an id that the fake has not given out is of the platform's set-up:
// it exists, and so does whatever cluster of it an index is made on. Clusters are in `atlasClusters.ts`.

import { failure, GROUP_ID, invalidProject, pageReply } from './atlasChecks.ts';
import { type Clusters, clusterNotFound, createClusters } from './atlasClusters.ts';
import { projectsReached } from './atlasLimits.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

type Project = {
  readonly id: string;
  readonly name: string;
  readonly orgId: string;
  readonly createdAtMs: number;
};
type Handler = (context: RouteContext) => FakeReply;
export type Projects = Readonly<Record<'create' | 'list' | 'get', Handler>> & {
  readonly clusters: Clusters;
  /** A refusal when the path's project does not exist. */
  readonly missing: (context: RouteContext) => FakeReply | undefined;
  /** `left`: resources other than clusters that would be lost with it. */
  readonly remove: (context: RouteContext, left: number) => FakeReply;
  readonly clusterMissing: (group: string, cluster: string, nowMs: number) => FakeReply | undefined;
};
/** A refusal when a project has as many of what the limit counts as it may have. They are counted only where it matters. */
export type Reached = (group: string, name: string, count: () => number) => FakeReply | undefined;

/** Every id that the fake gives out begins so. */
const OWN_ID = 'facade00';
/** Of the projects that the platform's set-up has made. */
const PLATFORM_ORG = '0'.repeat(24);

export function createProjects(world: World, reached: Reached): Projects {
  const projects = new Map<string, Project>();
  let ids = 0;
  const nextId = () => OWN_ID + (++ids).toString(16).padStart(16, '0');
  const orgOf = (group: string) => projects.get(group)?.orgId ?? PLATFORM_ORG;
  const clusters = createClusters(world, reached, nextId, orgOf);
  const note = ({ id, name: detail }: Project, effect: Effect, atMs: number) => {
    const name = `groups/${id}`;
    world.ledger.write({ atMs, service: 'atlas', kind: 'project', name, company: '', effect, detail });
  };

  const create: Handler = ({ body, nowMs }) => {
    const refusal = invalidProject(body);
    if (refusal !== undefined) return refusal;
    const { name, orgId } = body;
    if ([...projects.values()].some(each => each.name === name && each.orgId === orgId))
      return failure(409, 'GROUP_ALREADY_EXISTS', `A group with name "${name}" already exists.`, [name]);
    const own = [...projects.values()].filter(each => each.orgId === orgId).length;
    const full = projectsReached(world, own, orgId);
    if (full !== undefined) return full;
    const project = { id: nextId(), name, orgId, createdAtMs: nowMs };
    projects.set(project.id, project);
    note(project, 'created', nowMs);
    return { status: 201, body: projectResource(project, 0) };
  };

  const list: Handler = context => {
    const clustersOf = ({ id }: Project) => clusters.count(id, context.nowMs);
    const found = [...projects.values()].map(project => projectResource(project, clustersOf(project)));
    return pageReply(found, 'groups', context);
  };

  const missing: Projects['missing'] = ({ params: { group } }) => {
    if (!GROUP_ID.test(group))
      return failure(404, 'INVALID_GROUP_ID', `An invalid group ID ${group} was specified.`, [group]);
    return group.startsWith(OWN_ID) && !projects.has(group)
      ? failure(404, 'GROUP_NOT_FOUND', `No group with ID ${group} exists.`, [group])
      : undefined;
  };

  const get: Handler = ({ params: { group }, nowMs }) => {
    const project = projects.get(group) ?? {
      id: group,
      name: `platform-${group}`,
      orgId: PLATFORM_ORG,
      createdAtMs: 0,
    };
    return { status: 200, body: projectResource(project, clusters.count(group, nowMs)) };
  };

  const remove: Projects['remove'] = ({ params: { group }, nowMs }, left) => {
    const project = projects.get(group);
    if (project === undefined || left > 0)
      return failure(
        501,
        'UNSUPPORTED',
        'The fake deletes only projects of its own without users and roles.',
      );
    if (clusters.count(group, nowMs) > 0)
      return failure(
        409,
        'CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS',
        'There are active clusters in the group: terminate them first.',
      );
    projects.delete(group);
    clusters.forget(group);
    note(project, 'deleted', nowMs);
    return { status: 204, body: undefined };
  };

  const clusterMissing: Projects['clusterMissing'] = (group, name, nowMs) =>
    !group.startsWith(OWN_ID) || clusters.exists(group, name, nowMs)
      ? undefined
      : clusterNotFound(group, name);

  return { create, list, get, clusters, missing, remove, clusterMissing };
}

function projectResource({ id, name, orgId, createdAtMs }: Project, clusterCount: number): object {
  return { id, name, orgId, clusterCount, created: isoTime(createdAtMs), links: [] };
}
