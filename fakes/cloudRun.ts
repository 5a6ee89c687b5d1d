// Cloud Run Admin API v2: services, their revisions, and the long-running operations that change them. What a service is
// at a moment is a function of the moments stored with it: created → ready → changed → deletion requested → gone.

import { givenOf } from './cloudRunBody.ts';
import { changed, isSame, laidOver, withDefaults } from './cloudRunChange.ts';
import { revisionViolation, violationOf } from './cloudRunChecks.ts';
import {
  type Deployment,
  desiredAt,
  isAlive,
  isKeptWarm,
  isPublic,
  isServing,
  liveRevisions,
  ownerOf,
  type Spec,
} from './cloudRunDeployment.ts';
import { withNumbers } from './cloudRunEnumerations.ts';
import { addGeneration, deletionOf, workOf } from './cloudRunGenerations.ts';
import { createOperations } from './cloudRunOperations.ts';
import { createPolicies } from './cloudRunPolicies.ts';
import { allocationRefusal, createCountRefusal, shareOf } from './cloudRunQuotas.ts';
import { conflict, flagProblem, invalid } from './cloudRunRefusals.ts';
import { etagOf, hostOf, isRegion, SERVICE_TYPE, serviceResource } from './cloudRunResources.ts';
import { createRevisions } from './cloudRunRevisions.ts';
import type { Share } from './companyInstances.ts';
import { googleError, googleRefusals } from './google.ts';
import { asksForNumbers } from './googleEnumerations.ts';
import { withoutDefaults } from './googleJson.ts';
import { withKnownQueries } from './googleQuery.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

export type RunningService = {
  /** Of the deployment: one that was deleted and made again is another. */
  readonly uid: string;
  /** From its labels. */
  readonly company: string;
  readonly ready: boolean;
  /** An instance runs, so that the next request is no cold start. */
  readonly warm: boolean;
  /** What each of its instances takes of its region; absent where that is not known. */
  readonly share?: Share;
  /** Notes a request, which starts an instance or keeps it. */
  touch(): void;
};

export type Run = {
  readonly service: Service;
  /** Undefined when no service has that `run.app` host, or none that the world may call. */
  serviceByHost(host: string, nowMs: number): RunningService | undefined;
  /** As the platform's gateway finds it: by its id, which is the company's. */
  hostOf(id: string, nowMs: number): string | undefined;
};

/** 49 characters at most: with the project's hash and the region's code the host's first label has 63. */
const SERVICE_ID = /^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/;
const PAGE_SIZE_MAX = 100;
/** Cloud Run keeps an idle instance for up to 15 minutes. */
const IDLE_MS = 900_000;
const LOCATION = '/v2/projects/:project/locations/:location';

export function cloudRun(world: World): Run {
  const regions = new Map<string, Map<string, Deployment>>();
  const byHost = new Map<string, Deployment>();
  const countRefusal = createCountRefusal(world);
  const operations = createOperations();
  const policies = createPolicies();
  let made = 0;
  const parentOf = ({ params }: RouteContext) => `projects/${params.project}/locations/${params.location}`;
  const scope = ({ params }: RouteContext) => `${params.project}/${params.location}`;
  const regionOf = (context: RouteContext) => regions.get(parentOf(context)) ?? NO_SERVICES;
  const record = (
    deployment: Deployment,
    effect: 'created' | 'changed' | 'deleted',
    spec: Spec,
    atMs: number,
  ) => {
    const company = ownerOf(deployment, atMs);
    const detail = spec.template.containers[0].image;
    world.ledger.write({
      atMs,
      service: 'cloudRun',
      kind: 'service',
      name: deployment.name,
      company,
      effect,
      detail,
    });
  };

  const create = (context: RouteContext): FakeReply => {
    const id = context.query.get('serviceId') ?? '';
    const name = `${parentOf(context)}/services/${id}`;
    if (isAlive(regionOf(context).get(id), context.nowMs))
      return googleError(409, `Resource '${id}' already exists.`);
    return createNamed(context, id, name);
  };

  const createNamed = (context: RouteContext, id: string, name: string): FakeReply => {
    const { params, query, body, nowMs, key } = context;
    const request = 'CreateServiceRequest';
    if (!isRegion(params.location))
      return googleError(404, `Location ${params.location} is not found or access is unauthorized.`);
    if (!SERVICE_ID.test(id)) return invalid(request, 'service_id', `"${id}" is not a valid service id.`);
    const given = givenOf(body);
    if (typeof given === 'string') return invalid(request, 'service', given);
    const refusal = refusalOf(request, id, given.spec, undefined, context);
    if (refusal !== undefined) return refusal;
    const uid = String(++made).padStart(12, '0');
    const deployment: Deployment = {
      name,
      id,
      uid,
      host: hostOf(id, params.project, params.location),
      createdAtMs: nowMs,
      generations: [],
      revisions: [],
      deletedAtMs: Infinity,
      goneAtMs: Infinity,
      hitAtMs: -Infinity,
    };
    const readyAtMs = nowMs + world.durationMs('lat.cloud-run.deploy', key);
    const generation = addGeneration(
      deployment,
      withDefaults(given.spec),
      true,
      nowMs,
      readyAtMs,
      world.endsHalfDone(),
    );
    const work = workOf(deployment, generation);
    if (query.get('validateOnly') === 'true')
      return operations.preview(parentOf(context), work.resourceAt(nowMs));
    if (!regions.has(parentOf(context))) regions.set(parentOf(context), new Map());
    regions.get(parentOf(context))!.set(id, deployment);
    byHost.set(deployment.host, deployment);
    record(deployment, 'created', given.spec, nowMs);
    return operations.start(parentOf(context), work, nowMs);
  };

  /** What the vendor refuses in a service as a whole. `self` is the one that would become it. */
  const refusalOf = (
    request: string,
    id: string,
    spec: Spec,
    self: Deployment | undefined,
    context: RouteContext,
  ): FakeReply | undefined => {
    const violation = violationOf(spec) ?? revisionViolation(id, spec);
    if (violation !== undefined) return invalid(request, ...violation);
    if (!world.resourceQuotas) return undefined;
    return (
      allocationRefusal(world, request, spec) ??
      countRefusal(parentOf(context), regionOf(context).values(), self, spec, context.nowMs)
    );
  };

  /** Runs `handle` with the service of the path, or answers 404. */
  const withService =
    (handle: (deployment: Deployment, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { service, location, project } = context.params;
      const deployment = regionOf(context).get(service);
      if (isAlive(deployment, context.nowMs)) return handle(deployment, context);
      const where = `in region '${location}' in project '${project}'`;
      return googleError(404, `Resource '${service}' of kind 'SERVICE' ${where} does not exist.`);
    };

  const update = (context: RouteContext): FakeReply => {
    const { params, query, nowMs } = context;
    const isMissing = !isAlive(regionOf(context).get(params.service), nowMs);
    return isMissing && query.get('allowMissing') === 'true'
      ? createNamed(context, params.service, `${parentOf(context)}/services/${params.service}`)
      : change(context);
  };

  const change = withService((deployment, context) => {
    const { query, body, nowMs, key } = context;
    const request = 'UpdateServiceRequest';
    const given = givenOf(body);
    if (typeof given === 'string') return invalid(request, 'service', given);
    const stale = conflict(deployment.id, given.etag ?? null, etagOf(deployment, nowMs));
    if (stale !== undefined) return stale;
    // Assumed: the vendor does not document what becomes of a change after the deletion.
    if (deployment.deletedAtMs <= nowMs)
      return googleError(409, `Resource '${deployment.id}' is being deleted.`, undefined, 'ABORTED');
    const current = desiredAt(deployment, nowMs);
    const mask = query.get('updateMask') ?? '';
    const asked = changed(current.spec, given.spec, mask);
    if (typeof asked === 'string') return invalid(request, 'update_mask', asked);
    // What the mask leaves out must be sound as well.
    const broken = mask === '' ? undefined : violationOf(laidOver(current.spec, given.spec));
    if (broken !== undefined) return invalid(request, ...broken);
    const refusal = refusalOf(request, deployment.id, asked, deployment, context);
    if (refusal !== undefined) return refusal;
    const spec = withDefaults(asked);
    const isForced = query.get('forceNewRevision') === 'true';
    const isNewTemplate = isForced || !isSame(spec.template, current.spec.template);
    const isTaken = liveRevisions(deployment, nowMs).some(({ id }) => id === spec.template.revision);
    if (isNewTemplate && isTaken)
      return googleError(
        409,
        `Revision named '${spec.template.revision}' with different configuration already exists.`,
      );
    if (query.get('validateOnly') === 'true') {
      const response = { '@type': SERVICE_TYPE, ...serviceResource(deployment, nowMs), ...spec };
      return operations.preview(parentOf(context), response);
    }
    // Nothing to change is nothing to wait for.
    if (!isNewTemplate && isSame(spec, current.spec))
      return operations.start(parentOf(context), workOf(deployment, current), nowMs);
    const fact = isNewTemplate ? 'lat.cloud-run.deploy' : 'lat.cloud-run.update';
    const readyAtMs = nowMs + world.durationMs(fact, key);
    const generation = addGeneration(deployment, spec, isNewTemplate, nowMs, readyAtMs, world.endsHalfDone());
    record(deployment, 'changed', spec, nowMs);
    return operations.start(parentOf(context), workOf(deployment, generation), nowMs);
  });

  // Asked for again while it goes on, a deletion is the same deletion: another operation, no second effect.
  const remove = withService((deployment, context) => {
    const { query, nowMs, key } = context;
    const stale = conflict(deployment.id, query.get('etag'), etagOf(deployment, nowMs));
    if (stale !== undefined) return stale;
    const work = deletionOf(deployment);
    if (query.get('validateOnly') === 'true')
      return operations.preview(parentOf(context), work.resourceAt(nowMs));
    if (deployment.deletedAtMs === Infinity) {
      deployment.deletedAtMs = nowMs;
      deployment.goneAtMs = nowMs + world.durationMs('lat.cloud-run.delete', key);
      record(deployment, 'deleted', desiredAt(deployment, nowMs).spec, nowMs);
    }
    return operations.start(parentOf(context), work, nowMs);
  });

  // In the order of names, so that a page token (the last name given) stays good when services come and go.
  const list = (context: RouteContext): FakeReply => {
    const { query, nowMs } = context;
    const request = 'ListServicesRequest';
    const size = Number(query.get('pageSize') ?? PAGE_SIZE_MAX);
    const token = query.get('pageToken') ?? '';
    if (!Number.isInteger(size) || size < 0)
      return invalid(request, 'page_size', 'must be a non-negative integer.');
    if (token !== '' && !SERVICE_ID.test(token)) return invalid(request, 'page_token', 'is invalid.');
    const ids = [...regionOf(context).values()]
      .filter(deployment => isAlive(deployment, nowMs) && deployment.id > token)
      .map(({ id }) => id)
      .sort();
    const page = ids.slice(0, Math.min(size || PAGE_SIZE_MAX, PAGE_SIZE_MAX));
    const nextPageToken = ids.length > page.length ? page.at(-1)! : undefined;
    const resources = page.map(id => serviceResource(regionOf(context).get(id)!, nowMs));
    return {
      status: 200,
      body: { ...(resources.length > 0 && { services: resources }), ...(nextPageToken && { nextPageToken }) },
    };
  };

  const get = withService((deployment, { nowMs }) => {
    return { status: 200, body: serviceResource(deployment, nowMs) };
  });
  const servicesAt = (context: RouteContext) =>
    [...regionOf(context).values()].filter(deployment => isAlive(deployment, context.nowMs));
  const revisions = createRevisions(world, operations, servicesAt);
  const route = (
    method: string,
    path: string,
    operation: string,
    handle: (context: RouteContext) => FakeReply,
  ) => ({
    method,
    path: `${LOCATION}${path}`,
    operation: `cloudRun.${operation}`,
    latency: method === 'GET' ? 'lat.cloud-run.read' : 'lat.cloud-run.write',
    scope,
    handle: (context: RouteContext) => {
      const reply = flagProblem(context.query) ?? handle(context);
      const body = reply.body && withoutDefaults(reply.body as Record<string, unknown>);
      return { ...reply, body: asksForNumbers(context.query) ? withNumbers(body) : body };
    },
  });
  const any = '/services/:service';
  const one = `${any}=`;
  return {
    service: {
      name: 'cloudRun',
      hosts: ['run.googleapis.com'],
      ...googleRefusals('run.googleapis.com', world),
      routes: withKnownQueries([
        route('POST', '/services', 'services.create', create),
        route('GET', '/services', 'services.list', list),
        route('GET', one, 'services.get', get),
        route('PATCH', one, 'services.update', update),
        route('DELETE', one, 'services.delete', remove),
        route('GET', `${any}=getIamPolicy`, 'services.getIamPolicy', withService(policies.get)),
        route('POST', `${any}=setIamPolicy`, 'services.setIamPolicy', withService(policies.set)),
        route('POST', `${any}=testIamPermissions`, 'services.testIamPermissions', withService(policies.test)),
        route('GET', `${one}/revisions`, 'revisions.list', revisions.list),
        route('GET', `${one}/revisions/:revision=`, 'revisions.get', revisions.get),
        route('DELETE', `${one}/revisions/:revision=`, 'revisions.delete', revisions.remove),
        route('GET', '/operations', 'operations.list', operations.list),
        route('GET', '/operations/:operation=', 'operations.get', operations.get),
        route('DELETE', '/operations/:operation=', 'operations.delete', operations.remove),
        route('POST', '/operations/:operation=wait', 'operations.wait', operations.wait),
      ]),
    },
    hostOf: (id, nowMs) => {
      for (const services of regions.values()) {
        const deployment = services.get(id);
        if (isAlive(deployment, nowMs)) return deployment.host;
      }
      return undefined;
    },
    serviceByHost: (host, nowMs) => {
      const deployment = byHost.get(host);
      if (!isAlive(deployment, nowMs) || !isPublic(deployment, nowMs)) return undefined;
      return {
        uid: deployment.uid,
        company: ownerOf(deployment, nowMs),
        share: shareOf(deployment, nowMs),
        ready: isServing(deployment, nowMs),
        warm: isKeptWarm(deployment, nowMs) || nowMs - deployment.hitAtMs <= IDLE_MS,
        touch: () => {
          deployment.hitAtMs = nowMs;
        },
      };
    },
  };
}

const NO_SERVICES: ReadonlyMap<string, Deployment> = new Map();
