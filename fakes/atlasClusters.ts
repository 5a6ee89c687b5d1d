// The clusters of Atlas's projects. A cluster's state is a function of when it was asked for, when its last change was and
// when its deletion was.

import { failure, invalidAttribute, invalidCluster, pageReply } from './atlasChecks.ts';
import { billingReached, CLUSTERS_LIMIT } from './atlasLimits.ts';
import type { Reached } from './atlasProjects.ts';
import type { Effect } from './ledger.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

type Specs = readonly {
  readonly regionConfigs: readonly {
    readonly electableSpecs: { readonly instanceSize: string; readonly nodeCount?: number };
  }[];
}[];
type Cluster = {
  readonly id: string;
  readonly name: string;
  readonly clusterType: string;
  replicationSpecs: Specs;
  isProtected: boolean;
  isPaused: boolean;
  readonly createdAtMs: number;
  /** Since when it has addresses. */
  readonly madeAtMs: number;
  /** When its last change is done. */
  idleAtMs: number;
  deletedAtMs: number;
  goneAtMs: number;
};
type Handler = (context: RouteContext) => FakeReply;
export type Clusters = Readonly<Record<'create' | 'list' | 'get' | 'update' | 'remove', Handler>> & {
  readonly count: (group: string, nowMs: number) => number;
  readonly exists: (group: string, name: string, nowMs: number) => boolean;
  /** With their project, which has none left that is alive. */
  readonly forget: (group: string) => void;
};

/** Of a replica set in the price of a tier. */
const NODES_PRICED = 3;

export function createClusters(
  world: World,
  reached: Reached,
  nextId: () => string,
  orgOf: (group: string) => string,
): Clusters {
  /** By project, then by name. */
  const clusters = new Map<string, Map<string, Cluster>>();
  const note = (group: string, cluster: string, effect: Effect, atMs: number, detail: string) => {
    const name = `groups/${group}/clusters/${cluster}`;
    world.ledger.write({ atMs, service: 'atlas', kind: 'cluster', name, company: '', effect, detail });
  };
  const aliveIn = (group: string, nowMs: number) =>
    [...(clusters.get(group)?.values() ?? [])].filter(({ goneAtMs }) => nowMs < goneAtMs);

  const create: Handler = ({ params: { group }, body, nowMs, key }) => {
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
      reached(group, CLUSTERS_LIMIT, () => alive.length) ??
      billingReached(world, () => orgUsdPerHour(group, nowMs) + usdPerHour(replicationSpecs));
    if (full !== undefined) return full;
    const idleAtMs = nowMs + world.durationMs('lat.atlas.cluster', key);
    const cluster: Cluster = {
      id: nextId(),
      name,
      clusterType,
      replicationSpecs,
      isProtected: terminationProtectionEnabled,
      isPaused: false,
      createdAtMs: nowMs,
      madeAtMs: idleAtMs,
      idleAtMs,
      deletedAtMs: Infinity,
      goneAtMs: Infinity,
    };
    const own = clusters.get(group) ?? new Map<string, Cluster>();
    clusters.set(group, own.set(name, cluster));
    note(group, name, 'created', nowMs, clusterType);
    return { status: 201, body: clusterResource(cluster, group, nowMs) };
  };

  /** A paused cluster costs its storage alone, which is left out here. */
  const orgUsdPerHour = (group: string, nowMs: number, without?: Cluster) =>
    [...clusters.keys()]
      .filter(each => orgOf(each) === orgOf(group))
      .flatMap(each => aliveIn(each, nowMs))
      .filter(each => !each.isPaused && each !== without)
      .reduce((sum, { replicationSpecs }) => sum + usdPerHour(replicationSpecs), 0);

  /** The vendor prices a replica set of three nodes; that one of more costs more in proportion is assumed. */
  const usdPerHour = (specs: Specs) => {
    const { instanceSize, nodeCount = NODES_PRICED } = specs[0].regionConfigs[0].electableSpecs;
    return (world.valueOf(`price.atlas.${instanceSize.toLowerCase()}`) * nodeCount) / NODES_PRICED;
  };

  const list: Handler = context => {
    const { params, nowMs } = context;
    const { group } = params;
    const found = aliveIn(group, nowMs).map(cluster => clusterResource(cluster, group, nowMs));
    return pageReply(found, `groups/${group}/clusters`, context);
  };

  const withCluster =
    (handle: (cluster: Cluster, context: RouteContext) => FakeReply): Handler =>
    context => {
      const { group, cluster: name } = context.params;
      const cluster = clusters.get(group)?.get(name);
      return cluster === undefined || context.nowMs >= cluster.goneAtMs
        ? clusterNotFound(group, name)
        : handle(cluster, context);
    };

  const get = withCluster((cluster, { params, nowMs }) => ({
    status: 200,
    body: clusterResource(cluster, params.group, nowMs),
  }));

  /** What the body does not name stays. That a cluster takes a change while another is under way is assumed. */
  const update = withCluster((cluster, { params: { group }, body, nowMs, key }) => {
    const { name, clusterType, replicationSpecs, isProtected, isPaused, deletedAtMs } = cluster;
    const { paused = isPaused, ...rest } = body;
    const next = {
      name,
      clusterType,
      replicationSpecs,
      terminationProtectionEnabled: isProtected,
      ...rest,
    };
    const refusal = invalidCluster(next);
    if (refusal !== undefined) return refusal;
    if (typeof paused !== 'boolean') return invalidAttribute('paused');
    for (const [attribute, value] of Object.entries({ name, clusterType }))
      if (next[attribute] !== value) return invalidAttribute(attribute);
    if (deletedAtMs < Infinity) return beingDeleted(group, name);
    if (paused && Object.keys(rest).length > 0 && !isPaused)
      return failure(
        409,
        'CANNOT_UPDATE_AND_PAUSE_CLUSTER',
        `Cannot update and pause cluster ${name} at the same time.`,
        [name],
      );
    if (isPaused && body.paused === true && Object.keys(rest).length === 0)
      return failure(409, 'CLUSTER_ALREADY_PAUSED', 'Cannot pause a cluster that is already paused.');
    if (isPaused && (paused || Object.keys(rest).length > 0))
      return failure(
        409,
        'CANNOT_UPDATE_PAUSED_CLUSTER',
        `Cannot update cluster ${name} while it is paused or being paused.`,
        [name],
      );
    const isOther = paused !== isPaused || body.replicationSpecs !== undefined;
    const full =
      isOther && !paused
        ? billingReached(
            world,
            () => orgUsdPerHour(group, nowMs, cluster) + usdPerHour(next.replicationSpecs),
          )
        : undefined;
    if (full !== undefined) return full;
    cluster.replicationSpecs = next.replicationSpecs;
    cluster.isProtected = next.terminationProtectionEnabled;
    cluster.isPaused = paused;
    if (isOther) cluster.idleAtMs = nowMs + world.durationMs('lat.atlas.cluster', key);
    note(group, name, 'changed', nowMs, paused ? `${clusterType} paused` : clusterType);
    return { status: 200, body: clusterResource(cluster, group, nowMs) };
  });

  const remove = withCluster((cluster, { params: { group }, nowMs, key }) => {
    const { name, isProtected, deletedAtMs, clusterType } = cluster;
    if (isProtected)
      return failure(
        400,
        'CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED',
        'Termination protection is enabled: disable it first.',
      );
    if (deletedAtMs < Infinity) return beingDeleted(group, name);
    cluster.deletedAtMs = nowMs;
    cluster.goneAtMs = nowMs + world.durationMs('lat.atlas.cluster', key);
    note(group, name, 'deleted', nowMs, clusterType);
    return { status: 202, body: undefined };
  });

  return {
    create,
    list,
    get,
    update,
    remove,
    count: (group, nowMs) => aliveIn(group, nowMs).length,
    exists: (group, name, nowMs) => aliveIn(group, nowMs).some(cluster => cluster.name === name),
    forget: group => clusters.delete(group),
  };
}

export const clusterNotFound = (group: string, name: string) =>
  failure(404, 'CLUSTER_NOT_FOUND', `No cluster named ${name} exists in group ${group}.`, [name, group]);
const beingDeleted = (group: string, name: string) =>
  failure(
    400,
    'CLUSTER_ALREADY_REQUESTED_DELETION',
    `The cluster ${name} in group ${group} is already being deleted.`,
    [name, group],
  );

function stateOf({ deletedAtMs, madeAtMs, idleAtMs }: Cluster, nowMs: number): string {
  if (deletedAtMs < Infinity) return 'DELETING';
  if (nowMs < madeAtMs) return 'CREATING';
  return nowMs < idleAtMs ? 'UPDATING' : 'IDLE';
}

function clusterResource(cluster: Cluster, groupId: string, nowMs: number): object {
  const { id, name, clusterType, replicationSpecs, isProtected, isPaused, createdAtMs } = cluster;
  const isMade = nowMs >= cluster.madeAtMs;
  return {
    id,
    groupId,
    name,
    clusterType,
    replicationSpecs,
    terminationProtectionEnabled: isProtected,
    paused: isPaused,
    createDate: isoTime(createdAtMs),
    stateName: stateOf(cluster, nowMs),
    // A cluster has its addresses once it runs.
    connectionStrings: isMade ? { standardSrv: `mongodb+srv://${name.toLowerCase()}.${id}.mongodb.net` } : {},
    links: [],
  };
}
