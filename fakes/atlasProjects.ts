// Atlas's projects (which its API calls groups) and their clusters. A cluster's state is a function of when it was asked
// for and when its deletion was. A project with an id that the fake has not given out is one of the platform's set-up: it
// exists, and so does whatever cluster of it an index is made on.

import { failure, GROUP_ID, invalidCluster, invalidProject, pageReply } from './atlasChecks.ts';
import { billingReached, CLUSTERS_LIMIT, projectsReached } from './atlasLimits.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

type Project = {
  readonly id: string;
  readonly name: string;
  readonly orgId: string;
  readonly createdAtMs: number;
};
type Cluster = {
  readonly id: string;
  readonly name: string;
  readonly clusterType: string;
  readonly replicationSpecs: readonly {
    readonly regionConfigs: readonly {
      readonly electableSpecs: { readonly instanceSize: string; readonly nodeCount?: number };
    }[];
  }[];
  readonly isProtected: boolean;
  readonly createdAtMs: number;
  readonly idleAtMs: number;
  deletedAtMs: number;
  goneAtMs: number;
};
type Handler = (context: RouteContext) => FakeReply;
type Verb = 'create' | 'list' | 'get' | 'createCluster' | 'listClusters' | 'getCluster' | 'removeCluster';
export type Projects = Readonly<Record<Verb, Handler>> & {
  /** A refusal when the path's project does not exist. */
  readonly missing: (context: RouteContext) => FakeReply | undefined;
  /** `left`: resources other than clusters that would be lost with it. */
  readonly remove: (context: RouteContext, left: number) => FakeReply;
  readonly clusterMissing: (group: string, cluster: string, nowMs: number) => FakeReply | undefined;
  readonly clusterCount: (group: string, nowMs: number) => number;
};
/** A refusal when a project has as many of what the limit counts as it may have. */
export type Reached = (group: string, name: string, count: number) => FakeReply | undefined;

/** Every id that the fake gives out begins so. */
const OWN_ID = 'facade00';
/** Of the projects that the platform's set-up has made. */
const PLATFORM_ORG = '0'.repeat(24);
/** Of a replica set in the price of a tier. */
const NODES_PRICED = 3;

export function createProjects(world: World, reached: Reached): Projects {
  const projects = new Map<string, Project>();
  /** By project, then by name. */
  const clusters = new Map<string, Map<string, Cluster>>();
  let ids = 0;
  const nextId = () => OWN_ID + (++ids).toString(16).padStart(16, '0');
  const note = (kind: string, name: string, effect: Effect, atMs: number, detail: string) =>
    world.ledger.write({ atMs, service: 'atlas', kind, name, company: '', effect, detail });
  const aliveIn = (group: string, nowMs: number) =>
    [...(clusters.get(group)?.values() ?? [])].filter(({ goneAtMs }) => nowMs < goneAtMs);

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
    note('project', `groups/${project.id}`, 'created', nowMs, name);
    return { status: 201, body: projectResource(project, 0) };
  };

  const list: Handler = ({ query, nowMs }) =>
    pageReply(
      [...projects.values()].map(project => projectResource(project, aliveIn(project.id, nowMs).length)),
      query,
    );

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
    return { status: 200, body: projectResource(project, aliveIn(group, nowMs).length) };
  };

  const remove: Projects['remove'] = ({ params: { group }, nowMs }, left) => {
    const project = projects.get(group);
    if (project === undefined || left > 0)
      return failure(
        501,
        'UNSUPPORTED',
        'The fake deletes only projects of its own without users and roles.',
      );
    if (aliveIn(group, nowMs).length > 0)
      return failure(
        409,
        'CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS',
        'There are active clusters in the group: terminate them first.',
      );
    projects.delete(group);
    clusters.delete(group);
    note('project', `groups/${group}`, 'deleted', nowMs, project.name);
    return { status: 204, body: undefined };
  };

  const createCluster: Handler = ({ params: { group }, body, nowMs, key }) => {
    const refusal = invalidCluster(body);
    if (refusal !== undefined) return refusal;
    const { name, clusterType, replicationSpecs, terminationProtectionEnabled = false } = body;
    const alive = aliveIn(group, nowMs);
    if (alive.some(cluster => cluster.name === name))
      return failure(
        400,
        'DUPLICATE_CLUSTER_NAME',
        `A cluster named ${name} is already present in group ${group}.`,
        [name, group],
      );
    const full =
      reached(group, CLUSTERS_LIMIT, alive.length) ??
      billingReached(world, () => orgUsdPerHour(group, nowMs) + usdPerHour(replicationSpecs));
    if (full !== undefined) return full;
    const cluster: Cluster = {
      id: nextId(),
      name,
      clusterType,
      replicationSpecs,
      isProtected: terminationProtectionEnabled,
      createdAtMs: nowMs,
      idleAtMs: nowMs + world.durationMs('lat.atlas.cluster', key),
      deletedAtMs: Infinity,
      goneAtMs: Infinity,
    };
    const own = clusters.get(group) ?? new Map<string, Cluster>();
    clusters.set(group, own.set(name, cluster));
    note('cluster', `groups/${group}/clusters/${name}`, 'created', nowMs, clusterType);
    return { status: 201, body: clusterResource(cluster, group, nowMs) };
  };

  const orgOf = (group: string) => projects.get(group)?.orgId ?? PLATFORM_ORG;
  const orgUsdPerHour = (group: string, nowMs: number) =>
    [...clusters.keys()]
      .filter(each => orgOf(each) === orgOf(group))
      .flatMap(each => aliveIn(each, nowMs))
      .reduce((sum, { replicationSpecs }) => sum + usdPerHour(replicationSpecs), 0);

  /** The vendor prices a replica set of three nodes; that one of more costs more in proportion is assumed. */
  const usdPerHour = (specs: Cluster['replicationSpecs']) => {
    const { instanceSize, nodeCount = NODES_PRICED } = specs[0].regionConfigs[0].electableSpecs;
    return (world.valueOf(`price.atlas.${instanceSize.toLowerCase()}`) * nodeCount) / NODES_PRICED;
  };

  const listClusters: Handler = ({ params: { group }, query, nowMs }) =>
    pageReply(
      aliveIn(group, nowMs).map(cluster => clusterResource(cluster, group, nowMs)),
      query,
    );

  const withCluster =
    (handle: (cluster: Cluster, context: RouteContext) => FakeReply): Handler =>
    context => {
      const { group, cluster: name } = context.params;
      const cluster = clusters.get(group)?.get(name);
      return cluster === undefined || context.nowMs >= cluster.goneAtMs
        ? clusterNotFound(group, name)
        : handle(cluster, context);
    };

  const getCluster = withCluster((cluster, { params, nowMs }) => ({
    status: 200,
    body: clusterResource(cluster, params.group, nowMs),
  }));

  const removeCluster = withCluster((cluster, { params: { group }, nowMs, key }) => {
    const { name, isProtected, deletedAtMs, clusterType } = cluster;
    if (isProtected)
      return failure(
        400,
        'CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED',
        'Termination protection is enabled: disable it first.',
      );
    if (deletedAtMs < Infinity)
      return failure(
        400,
        'CLUSTER_ALREADY_REQUESTED_DELETION',
        `The cluster ${name} in group ${group} is already being deleted.`,
        [name, group],
      );
    cluster.deletedAtMs = nowMs;
    cluster.goneAtMs = nowMs + world.durationMs('lat.atlas.cluster', key);
    note('cluster', `groups/${group}/clusters/${name}`, 'deleted', nowMs, clusterType);
    return { status: 202, body: undefined };
  });

  const clusterMissing: Projects['clusterMissing'] = (group, name, nowMs) =>
    !group.startsWith(OWN_ID) || aliveIn(group, nowMs).some(cluster => cluster.name === name)
      ? undefined
      : clusterNotFound(group, name);

  return {
    create,
    list,
    get,
    createCluster,
    listClusters,
    getCluster,
    removeCluster,
    missing,
    remove,
    clusterMissing,
    clusterCount: (group, nowMs) => aliveIn(group, nowMs).length,
  };
}

const clusterNotFound = (group: string, name: string) =>
  failure(404, 'CLUSTER_NOT_FOUND', `No cluster named ${name} exists in group ${group}.`, [name, group]);

function projectResource({ id, name, orgId, createdAtMs }: Project, clusterCount: number): object {
  return { id, name, orgId, clusterCount, created: isoTime(createdAtMs), links: [] };
}

function clusterResource(cluster: Cluster, groupId: string, nowMs: number): object {
  const { id, name, clusterType, replicationSpecs, isProtected, createdAtMs, idleAtMs } = cluster;
  const isIdle = nowMs >= idleAtMs;
  return {
    id,
    groupId,
    name,
    clusterType,
    replicationSpecs,
    terminationProtectionEnabled: isProtected,
    createDate: isoTime(createdAtMs),
    stateName: cluster.deletedAtMs < Infinity ? 'DELETING' : isIdle ? 'IDLE' : 'CREATING',
    // A cluster has its addresses once it runs.
    connectionStrings: isIdle ? { standardSrv: `mongodb+srv://${name.toLowerCase()}.${id}.mongodb.net` } : {},
    links: [],
  };
}
