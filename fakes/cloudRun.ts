// Cloud Run Admin API v2: services and the long-running operations that create and delete them. A service's state is
// a function of the moments stored with it: created → ready → deletion requested → gone.

import { violationOf } from './cloudRunChecks.ts';
import { companyOf, googleError, googleRefusals } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

export type RunningService = {
  /** Of the deployment: one that was deleted and made again is another. */
  readonly uid: string;
  /** From its labels. */
  readonly company: string;
  readonly ready: boolean;
  /** An instance runs, so that the next request is no cold start. */
  readonly warm: boolean;
  /** Notes a request, which starts an instance or keeps it. */
  touch(): void;
};

export type Run = {
  readonly service: Service;
  /** Undefined when no service has that `run.app` host. */
  serviceByHost(host: string, nowMs: number): RunningService | undefined;
};

type Deployment = {
  readonly name: string;
  readonly uid: string;
  readonly host: string;
  // biome-ignore lint/suspicious/noExplicitAny: the client's own body, checked field by field
  readonly spec: any;
  readonly createdAtMs: number;
  readonly readyAtMs: number;
  /** Its container does not start: at `readyAtMs` the deployment fails, and the service stays. */
  readonly isBroken: boolean;
  /** Infinity until the deletion is asked for; then it is gone at `goneAtMs`. */
  deletedAtMs: number;
  goneAtMs: number;
  /** The last request that it served; -Infinity before the first. */
  hitAtMs: number;
};

type Operation = {
  readonly name: string;
  readonly kind: 'create' | 'delete';
  readonly deployment: Deployment;
};

/** The part of a region in the host of a service; regions of the platform only. */
export const REGION_CODES: Readonly<Record<string, string>> = {
  'us-west1': 'uw',
  'us-central1': 'uc',
  'europe-west1': 'ew',
};
/** 49 characters at most: with the project's hash and the region's code the host's first label has 63. */
const SERVICE_ID = /^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/;
const PAGE_SIZE_MAX = 100;
/** Cloud Run keeps an idle instance for up to 15 minutes. */
const IDLE_MS = 900_000;
const SERVICE_TYPE = 'type.googleapis.com/google.cloud.run.v2.Service';
const LOCATION = '/v2/projects/:project/locations/:location';

export function cloudRun(world: World): Run {
  const services = new Map<string, Deployment>();
  const byHost = new Map<string, Deployment>();
  const operations = new Map<string, Operation>();
  const parentOf = ({ params }: RouteContext) => `projects/${params.project}/locations/${params.location}`;
  const scope = ({ params }: RouteContext) => `${params.project}/${params.location}`;
  const alive = (deployment: Deployment | undefined, nowMs: number): deployment is Deployment =>
    deployment !== undefined && nowMs < deployment.goneAtMs;
  const record = ({ name, spec }: Deployment, effect: 'created' | 'deleted', atMs: number) => {
    const detail = spec.template.containers[0].image;
    const company = companyOf(spec.labels);
    world.ledger.write({ atMs, service: 'cloudRun', kind: 'service', name, company, effect, detail });
  };

  const start = (kind: Operation['kind'], deployment: Deployment, parent: string): Operation => {
    const name = `${parent}/operations/${String(operations.size + 1).padStart(8, '0')}`;
    const operation = { name, kind, deployment };
    operations.set(name, operation);
    return operation;
  };

  const create = (context: RouteContext): FakeReply => {
    const { params, query, body, nowMs, key } = context;
    if (!Object.hasOwn(REGION_CODES, params.location))
      return googleError(404, `Location ${params.location} is not found or access is unauthorized.`);
    const id = query.get('serviceId') ?? '';
    const violation = SERVICE_ID.test(id)
      ? violationOf(body)
      : (['service_id', `"${id}" is not a valid service id.`] as const);
    if (violation !== undefined) return invalid(...violation);
    const name = `${parentOf(context)}/services/${id}`;
    if (alive(services.get(name), nowMs)) return googleError(409, `Resource '${id}' already exists.`);
    const deployment: Deployment = {
      name,
      uid: String(operations.size + 1).padStart(12, '0'),
      host: `${id}-${hashOf(params.project)}-${REGION_CODES[params.location]}.a.run.app`,
      spec: body,
      createdAtMs: nowMs,
      readyAtMs: nowMs + world.durationMs('lat.cloud-run.deploy', key),
      isBroken: world.endsHalfDone(),
      deletedAtMs: Infinity,
      goneAtMs: Infinity,
      hitAtMs: -Infinity,
    };
    services.set(name, deployment);
    byHost.set(deployment.host, deployment);
    record(deployment, 'created', nowMs);
    return { status: 200, body: operationResource(start('create', deployment, parentOf(context)), nowMs) };
  };

  /** Runs `handle` with the service of the path, or answers 404. */
  const withService =
    (handle: (deployment: Deployment, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { service, location, project } = context.params;
      const deployment = services.get(`${parentOf(context)}/services/${service}`);
      if (alive(deployment, context.nowMs)) return handle(deployment, context);
      const where = `in region '${location}' in project '${project}'`;
      return googleError(404, `Resource '${service}' of kind 'SERVICE' ${where} does not exist.`);
    };

  // Asked for again while it goes on, a deletion is the same deletion: another operation, no second effect.
  const remove = withService((deployment, context) => {
    const { nowMs, key } = context;
    if (deployment.deletedAtMs === Infinity) {
      deployment.deletedAtMs = nowMs;
      deployment.goneAtMs = nowMs + world.durationMs('lat.cloud-run.delete', key);
      record(deployment, 'deleted', nowMs);
    }
    return { status: 200, body: operationResource(start('delete', deployment, parentOf(context)), nowMs) };
  });

  // In the order of names, so that a page token (the last name given) stays good when services come and go.
  const list = (context: RouteContext): FakeReply => {
    const { query, nowMs } = context;
    const size = Number(query.get('pageSize') ?? PAGE_SIZE_MAX);
    const token = query.get('pageToken') ?? '';
    if (!Number.isInteger(size) || size < 0) return invalid('page_size', 'must be a non-negative integer.');
    if (token !== '' && !SERVICE_ID.test(token)) return invalid('page_token', 'is invalid.');
    const prefix = `${parentOf(context)}/services/`;
    const names = [...services.values()]
      .filter(deployment => deployment.name.startsWith(prefix) && alive(deployment, nowMs))
      .map(({ name }) => name)
      .filter(name => name > prefix + token)
      .sort();
    const page = names.slice(0, Math.min(size || PAGE_SIZE_MAX, PAGE_SIZE_MAX));
    const nextPageToken = names.length > page.length ? page.at(-1)!.slice(prefix.length) : undefined;
    const resources = page.map(name => serviceResource(services.get(name)!, nowMs));
    return {
      status: 200,
      body: { ...(resources.length > 0 && { services: resources }), ...(nextPageToken && { nextPageToken }) },
    };
  };

  const poll = (context: RouteContext): FakeReply => {
    const operation = operations.get(`${parentOf(context)}/operations/${context.params.operation}`);
    return operation === undefined
      ? googleError(404, `Operation '${context.params.operation}' does not exist.`)
      : { status: 200, body: operationResource(operation, context.nowMs) };
  };

  const get = withService((deployment, { nowMs }) => {
    return { status: 200, body: serviceResource(deployment, nowMs) };
  });
  const write = { latency: 'lat.cloud-run.write', scope } as const;
  const read = { latency: 'lat.cloud-run.read', scope } as const;
  const all = `${LOCATION}/services`;
  const one = `${all}/:service`;
  const operation = `${LOCATION}/operations/:operation`;
  return {
    service: {
      name: 'cloudRun',
      hosts: ['run.googleapis.com'],
      ...googleRefusals('run.googleapis.com', world),
      routes: [
        { method: 'POST', path: all, operation: 'cloudRun.services.create', ...write, handle: create },
        { method: 'GET', path: all, operation: 'cloudRun.services.list', ...read, handle: list },
        { method: 'GET', path: one, operation: 'cloudRun.services.get', ...read, handle: get },
        { method: 'DELETE', path: one, operation: 'cloudRun.services.delete', ...write, handle: remove },
        { method: 'GET', path: operation, operation: 'cloudRun.operations.get', ...read, handle: poll },
      ],
    },
    serviceByHost: (host, nowMs) => {
      const deployment = byHost.get(host);
      if (!alive(deployment, nowMs)) return undefined;
      return {
        uid: deployment.uid,
        company: companyOf(deployment.spec.labels),
        ready: !deployment.isBroken && deployment.readyAtMs <= nowMs && nowMs < deployment.deletedAtMs,
        warm: deployment.spec.template.scaling?.minInstanceCount > 0 || nowMs - deployment.hitAtMs <= IDLE_MS,
        touch: () => {
          deployment.hitAtMs = nowMs;
        },
      };
    },
  };
}

function invalid(field: string, description: string): FakeReply {
  const violation = {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    fieldViolations: [{ field, description }],
  };
  return googleError(400, `Violation in CreateServiceRequest.${field}: ${description}`, [violation]);
}

/** Ten characters for a project, as in the hosts of its services: FNV-1a twice, in base 36. */
function hashOf(project: string): string {
  const half = (offset: number) => {
    let hash = offset;
    for (let i = 0; i < project.length; i++) hash = Math.imul(hash ^ project.charCodeAt(i), 0x01000193);
    return (hash >>> 0).toString(36).padStart(5, '0').slice(-5);
  };
  return half(0x811c9dc5) + half(0x9747b28c);
}

function serviceResource(deployment: Deployment, nowMs: number): Record<string, unknown> {
  const { name, uid, host, spec, createdAtMs, readyAtMs, deletedAtMs, goneAtMs, isBroken } = deployment;
  const failed = isBroken && readyAtMs <= nowMs;
  const ready = !isBroken && readyAtMs <= nowMs;
  const deleting = deletedAtMs <= nowMs;
  const revision = `${name}/revisions/${name.slice(name.lastIndexOf('/') + 1)}-00001`;
  const changedAtMs = deleting ? deletedAtMs : ready || failed ? readyAtMs : createdAtMs;
  const settled = (ready || failed) && !deleting;
  return {
    name,
    uid,
    generation: '1',
    labels: spec.labels ?? {},
    createTime: isoTime(createdAtMs),
    updateTime: isoTime(deleting ? deletedAtMs : createdAtMs),
    ...(deleting && { deleteTime: isoTime(deletedAtMs), expireTime: isoTime(goneAtMs) }),
    ingress: spec.ingress ?? 'INGRESS_TRAFFIC_ALL',
    launchStage: 'GA',
    template: { timeout: '300s', maxInstanceRequestConcurrency: 80, ...spec.template },
    latestCreatedRevision: revision,
    terminalCondition: {
      type: 'Ready',
      state: !settled ? 'CONDITION_RECONCILING' : failed ? 'CONDITION_FAILED' : 'CONDITION_SUCCEEDED',
      ...(settled && failed && { message: notStarted(revision) }),
      lastTransitionTime: isoTime(changedAtMs),
    },
    ...(ready && {
      observedGeneration: '1',
      latestReadyRevision: revision,
      uri: `https://${host}`,
      urls: [`https://${host}`],
    }),
    ...(!settled && { reconciling: true }),
    etag: `"${uid}-${changedAtMs}"`,
  };
}

const notStarted = (revision: string) =>
  `Revision '${revision.slice(revision.lastIndexOf('/') + 1)}' is not ready and cannot serve traffic.`;

/** A deployment that is deleted before it is ready ends in an error, and so does a broken one. */
function operationResource({ name, kind, deployment }: Operation, nowMs: number): object {
  const { readyAtMs, deletedAtMs, goneAtMs, createdAtMs } = deployment;
  const doneAtMs = kind === 'delete' ? goneAtMs : Math.min(readyAtMs, deletedAtMs);
  const metadata = { '@type': SERVICE_TYPE, name: deployment.name, createTime: isoTime(createdAtMs) };
  if (nowMs < doneAtMs) return { name, metadata, done: false };
  if (kind === 'create' && deletedAtMs < readyAtMs) {
    const error = { code: 10, message: 'The service was deleted while it was being created.' };
    return { name, metadata, done: true, error };
  }
  const resource = serviceResource(deployment, kind === 'create' ? readyAtMs : nowMs);
  if (kind === 'create' && deployment.isBroken)
    return { name, metadata, done: true, error: { code: 9, message: notStarted(deployment.name) } };
  return { name, metadata, done: true, response: { '@type': SERVICE_TYPE, ...resource } };
}
