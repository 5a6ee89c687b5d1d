// Every company's own service, behind its `run.app` host and behind `<id>.<domain>`, which leads through the zone's
// record and its certificate:
//   <id>.<domain> ─► visible record? ─► certificate? ─► run.app host ─► service there? ─► ready? ─► warm?

import type { Zone } from './cloudflare.ts';
import type { Run } from './cloudRun.ts';
import type { FakeReply, RouteContext, Service, World } from './service.ts';

const RUN_SUFFIX = '.a.run.app';

export function companyServices(
  world: World,
  run: Pick<Run, 'serviceByHost'>,
  zone: Pick<Zone, 'recordAt' | 'certificateActive'>,
): Service {
  const byRunHost = (host: string, nowMs: number): FakeReply => {
    const service = run.serviceByHost(host, nowMs);
    if (service === undefined) return refusal(404, 'The requested URL was not found on this server.');
    if (!service.ready) return refusal(503, 'Service Unavailable');
    const { warm, company } = service;
    service.touch();
    return { status: 200, body: { status: 'ok', company }, ...(!warm && { latency: 'run.cold.node' }) };
  };

  const health = ({ host, nowMs }: RouteContext): FakeReply => {
    if (host.endsWith(RUN_SUFFIX)) return byRunHost(host, nowMs);
    const record = zone.recordAt(host, nowMs);
    if (record === undefined) return refusal(530, 'error code: 1016');
    // Unproxied, the call reaches Google under a hostname that no service there is mapped to.
    if (!record.proxied) return refusal(404, 'The requested URL was not found on this server.');
    if (!zone.certificateActive(host, nowMs)) return refusal(526, 'error code: 526');
    return record.content.endsWith(RUN_SUFFIX)
      ? byRunHost(record.content, nowMs)
      : refusal(530, 'error code: 1016');
  };

  return {
    name: 'companyService',
    hosts: [RUN_SUFFIX, `.${world.domain}`],
    // The health endpoint is public.
    authorise: () => undefined,
    throttled: ({ retryAfterMs }) => ({
      ...refusal(429, 'Rate exceeded.'),
      headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
    }),
    malformed: reason => refusal(400, reason),
    unavailable: status => refusal(status, 'Service Unavailable'),
    routes: [
      {
        method: 'GET',
        path: '/health',
        operation: 'companyService.health',
        latency: 'lat.company-service.warm',
        handle: health,
      },
    ],
  };
}

/** From the edge or the front end, before any instance is asked. */
function refusal(status: number, text: string): FakeReply {
  return { status, body: text, latency: 'lat.refusal' };
}
