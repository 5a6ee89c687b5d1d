// Every company's own service, behind its `run.app` host and behind `<id>.<domain>`, which leads through the zone's
// record and its certificate; it answers health checks, MCP and assets:
//   <id>.<domain> ─► visible record? ─► certificate? ─► run.app host ─► service there? ─► ready? ─► an instance ─► it
// What reaches an instance is in the ledger of requests; what is turned away before is not.

import { ASSETS, assetOf } from '../scenarios/requests.ts';
import { type AdoptedCompany, AdoptedServices } from './adopted.ts';
import type { Zone } from './cloudflare.ts';
import type { Run, RunningService } from './cloudRun.ts';
import { CompanyInstances, type CompanyUsage } from './companyInstances.ts';
import { answerMcp, MCP_OPERATION, mcpError, mcpOperation, noSuchMethod } from './mcp.ts';
import { RequestLedger } from './requestLedger.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

export type CompanyServicesOptions = {
  /** Where the services count what reaches them. */
  readonly requests?: RequestLedger;
  readonly adopted?: readonly AdoptedCompany[] | undefined;
  readonly warmAt?: ((index: number) => boolean) | undefined;
};

export type CompanyServices = Service & { readonly usage: () => CompanyUsage[] };

export const RUN_SUFFIX = '.a.run.app';
const WARM = 'lat.company-service.warm';
/** What Cloud Run gives a service that asks for no other number. */
const INSTANCES_MAX = 100;
const CPU_QUOTA = 'run.googleapis.com/cpu_allocation';
const ASSET_NAMES: ReadonlySet<string> = new Set(Array.from({ length: ASSETS }, (_, i) => assetOf(i)));
const ASSET_LINE = 'export const words = ["agents", "of", "the", "company"];\n';

export function companyServices(
  world: World,
  run: Pick<Run, 'serviceByHost' | 'hostOf'>,
  zone: Pick<Zone, 'recordAt' | 'certificateActive'>,
  { requests = new RequestLedger(), adopted = [], warmAt }: CompanyServicesOptions = {},
): CompanyServices {
  const adoptedServices = new AdoptedServices(adopted, () => world.valueOf('run.idle'), warmAt);
  // Made on the first request that needs it, so that a run without traffic uses none of its facts.
  let instances: CompanyInstances | undefined;
  let asset: Uint8Array | undefined;

  /** Where the platform's gateway, to which a wildcard record leads, sends a request on. */
  const behindGateway = (host: string, nowMs: number) => run.hostOf(host.slice(0, host.indexOf('.')), nowMs);

  /** The service that a request reaches, or how it is turned away before. */
  const reached = ({ host, nowMs }: RouteContext): RunningService | FakeReply => {
    let runHost = host;
    if (!host.endsWith(RUN_SUFFIX)) {
      const record = zone.recordAt(host, nowMs);
      if (record === undefined) return refusal(530, 'error code: 1016');
      // Unproxied, the call reaches Google under a hostname that no service there is mapped to.
      if (!record.proxied) return refusal(404, 'The requested URL was not found on this server.');
      if (!zone.certificateActive(host, nowMs)) return refusal(526, 'error code: 526');
      const origin = record.wildcard === undefined ? record.content : behindGateway(host, nowMs);
      if (origin === undefined) return refusal(404, 'No such company.');
      if (!origin.endsWith(RUN_SUFFIX)) return refusal(530, 'error code: 1016');
      runHost = origin;
    }
    const service = adoptedServices.serviceByHost(runHost, nowMs) ?? run.serviceByHost(runHost, nowMs);
    if (service === undefined) return refusal(404, 'The requested URL was not found on this server.');
    return service.ready ? service : refusal(503, 'Service Unavailable');
  };

  const health = (context: RouteContext): FakeReply => {
    const service = reached(context);
    if ('status' in service) return service;
    const { warm, company } = service;
    service.touch();
    requests.write(company, context.operation, 200);
    return { status: 200, body: { status: 'ok', company }, ...(!warm && { latency: 'run.cold.node' }) };
  };

  /** A handler whose answer takes a place on an instance of the company's own. */
  const onInstance =
    (answer: (company: string, context: RouteContext) => FakeReply) =>
    (context: RouteContext): FakeReply => {
      const service = reached(context);
      if ('status' in service) return service;
      const { uid, company, warm, share } = service;
      const { nowMs, key } = context;
      const reply =
        context.headers['x-company'] === company ? answer(company, context) : notThisCompany(context);
      const serviceMs = world.latencyMs(reply.latency ?? WARM, key);
      instances ??= instancesOf(world);
      const start = instances.arrive(uid, company, warm, nowMs, serviceMs, key, share);
      if (start === undefined)
        return instances.countOf(uid, nowMs) === 0
          ? refusal(503, `The request failed because the project exceeded its quota limit for ${CPU_QUOTA}.`)
          : refusal(429, 'The request was aborted because there was no available instance.');
      service.touch();
      requests.write(company, context.operation, reply.status);
      return start.waitMs === 0 ? reply : { ...reply, waitMs: start.waitMs };
    };

  const assetOfCompany = (company: string, { params }: RouteContext): FakeReply => {
    if (!ASSET_NAMES.has(params.name)) return { status: 404, body: 'Not Found' };
    asset ??= assetBytes(world.valueOf('bytes.answer.asset'));
    const headers = {
      'content-type': 'text/javascript',
      'cache-control': 'public, max-age=86400',
      etag: `"${company}-${params.name}"`,
    };
    return { status: 200, headers, body: asset, latency: 'lat.mcp.asset' };
  };

  return {
    name: 'companyService',
    hosts: [RUN_SUFFIX, ...[...new Set([world.domain, ...world.zones.values()])].map(domain => `.${domain}`)],
    // The service is open to the network; whom it serves is the gateway's to decide.
    authorise: () => undefined,
    throttled: ({ retryAfterMs }) => ({
      ...refusal(429, 'Rate exceeded.'),
      headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    }),
    malformed: reason => mcpError(400, 'parse', `Parse error: ${reason}`),
    unavailable: status => refusal(status, 'Service Unavailable'),
    routes: [
      { method: 'GET', path: '/health', operation: 'companyService.health', latency: WARM, handle: health },
      {
        method: 'POST',
        path: '/mcp',
        operation: MCP_OPERATION,
        operationOf: mcpOperation,
        latency: WARM,
        handle: onInstance((company, { headers, body }) => answerMcp(company, headers, body)),
      },
      {
        method: 'GET',
        path: '/mcp',
        operation: 'companyService.mcpStream',
        latency: WARM,
        handle: onInstance(noSuchMethod),
      },
      {
        method: 'DELETE',
        path: '/mcp',
        operation: 'companyService.mcpEnd',
        latency: WARM,
        handle: onInstance(noSuchMethod),
      },
      {
        method: 'GET',
        path: '/assets/:name',
        operation: 'companyService.asset',
        latency: WARM,
        handle: onInstance(assetOfCompany),
      },
    ],
    usage: () => instances?.usage() ?? [],
  };
}

function instancesOf(world: World): CompanyInstances {
  return new CompanyInstances({
    concurrency: world.valueOf('run.service.concurrency'),
    instancesMax: INSTANCES_MAX,
    idleMs: world.valueOf('run.idle'),
    pendingMsMax: world.valueOf('run.pending.max'),
    vcpuMax: world.resourceQuotas ? world.valueOf('quota.cloud-run.cpu') : undefined,
    coldMs: key => world.durationMs('run.cold.node', key),
  });
}

/** Isolation: a request that names another company, or none, is not this one's. */
function notThisCompany({ operation }: RouteContext): FakeReply {
  const text = 'Forbidden: x-company is not the company of this service';
  return operation.startsWith(MCP_OPERATION)
    ? mcpError(403, 'badRequest', text)
    : { status: 403, body: text };
}

/** The same for every company and name; its etag tells them apart. */
function assetBytes(bytes: number): Uint8Array {
  return new TextEncoder().encode(ASSET_LINE.repeat(Math.ceil(bytes / ASSET_LINE.length))).slice(0, bytes);
}

/** From the edge or the front end, before any instance is asked. */
function refusal(status: number, text: string): FakeReply {
  return { status, body: text, latency: 'lat.refusal' };
}
