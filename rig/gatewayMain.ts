// The process of one gateway, as `gatewayProcess.ts` starts it: builds the region's world around the real gateway code and
// counts what it does.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CompanyRecordsFake } from '../fakes/companyRecords.ts';
import { createDelays } from '../fakes/delays.ts';
import { RedisFake } from '../fakes/redis.ts';
import { FactValues } from '../scenarios/facts.ts';
import { createGateway, type Gateway } from '../src/gateway/gateway.ts';
import type { GatewayRequest } from '../src/gateway/request.ts';
import { type AuditFile, openAuditFile } from '../src/runtime/auditTrail.ts';
import { type GatewayServer, startGatewayServer } from '../src/runtime/gatewayServer.ts';
import { createTransport } from '../src/runtime/transport.ts';
import { createVerifier } from '../src/runtime/verifier.ts';
import { serveParent } from './child.ts';
import { createEdge } from './edge.ts';
import { createGatewayPorts, NO_DELAYS, type RigPorts } from './gatewayPorts.ts';
import type { GatewayFigures, GatewaySpec } from './gatewayProcess.ts';
import { createQuotaMeter } from './quotaMeter.ts';
import { createRigClock } from './rigClock.ts';

type Region = {
  readonly server: GatewayServer;
  readonly figures: () => GatewayFigures;
  readonly close: () => Promise<void>;
};

let region: Region;

serveParent({
  start: async argument => {
    region = await open(argument as GatewaySpec);
    return region.server.url;
  },
  figures: () => region.figures(),
  stop: async () => {
    await region.server.close();
    await region.close();
    return region.figures();
  },
});

async function open(spec: GatewaySpec): Promise<Region> {
  const { scenario, fakesUrl } = spec;
  const facts = new FactValues('mid', { ...scenario.facts, ...spec.factOverrides });
  const clock = createRigClock(spec.firstRequestAtMs);
  const transport = createTransport({ fakesUrl, msUntil: atMs => atMs - clock.nowMs() });
  const audit = await openAuditFile(spec.auditPath);
  const delays = spec.delays ? createDelays(facts, spec.seed) : NO_DELAYS;
  const verifier = await createVerifier(spec.keySet);
  const parts = { redis: new RedisFake(), records: new CompanyRecordsFake(spec.records), verifier };
  const ports = createGatewayPorts({ ...parts, clock, delays, transport, audit });
  const gateway = createGateway(ports.gateway, { ...spec.options, revokedTokens: new Set() });
  const quota = createQuotaMeter(scenario, clock.nowMs);
  const meter = createMeter();
  const served = (request: GatewayRequest) =>
    quota.count(request, () => meter.underWay(() => gateway.handle(request)));
  const edge = createEdge({ scenario, region: spec.region, clock, delays, ports, served });
  const server = await startGatewayServer({
    handle: async request => {
      clock.anchor();
      return meter.answer(await meter.visit(() => edge.handle(request)));
    },
    flush: () => gateway.flush(),
  });
  return {
    server,
    figures: () => ({
      ...figuresOf(gateway, ports, audit),
      ...quota.figures(),
      ...meter.figures(),
      edgeHits: edge.hits(),
      facts: facts.usedValues(),
    }),
    close: async () => {
      await ports.settled();
      await transport.close();
      await audit.close();
    },
  };
}

function figuresOf(gateway: Gateway, { uses }: RigPorts, audit: AuditFile) {
  return {
    counts: gateway.counts(),
    waits: gateway.waits(),
    portWaits: uses.waits,
    cacheTrips: uses.cacheTrips,
    recordReads: uses.recordReads,
    auditBytes: audit.bytes(),
  };
}

/** What the process did between its first request and its last answer. */
function createMeter() {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  let first: { readonly atMs: number; readonly cpuMs: number } | undefined;
  let last = { atMs: 0, cpuMs: 0 };
  let concurrency = 0;
  let concurrencyMax = 0;
  let egressBytes = 0;
  const now = () => ({ atMs: performance.now(), cpuMs: cpuMs() });
  return {
    visit: async <T>(work: () => Promise<T>): Promise<T> => {
      first ??= now();
      return await work();
    },
    underWay: async <T>(work: () => Promise<T>): Promise<T> => {
      concurrency++;
      concurrencyMax = Math.max(concurrencyMax, concurrency);
      try {
        return await work();
      } finally {
        concurrency--;
      }
    },
    answer: <T extends { readonly body: Uint8Array }>(reply: T): T => {
      egressBytes += reply.body.length;
      last = now();
      return reply;
    },
    figures: () => ({
      egressBytes,
      concurrencyMax,
      busyMs: first === undefined ? 0 : last.cpuMs - first.cpuMs,
      spanMs: first === undefined ? 0 : last.atMs - first.atMs,
      cpuMs: cpuMs(),
      lagMsP99: lag.percentile(99) / 1e6,
    }),
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
