// All the fake clouds behind one door, for both clocks. A call is three arrows, arrive? → effect? → answer?, and the
// caller (`simulator/network.ts` or `fakes/server.ts`) waits out the delays between them.

import { logNormal } from '../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { FaultRule } from '../scenarios/scenario.ts';
import type { CallKey } from '../src/ports.ts';
import type { AdoptedCompany } from './adopted.ts';
import { atlas } from './atlas.ts';
import { cloudflare } from './cloudflare.ts';
import { cloudRun } from './cloudRun.ts';
import type { CompanyUsage } from './companyInstances.ts';
import { companyServices, RUN_SUFFIX } from './companyService.ts';
import { dnsResolver } from './dnsResolver.ts';
import { judge } from './faults.ts';
import { firestore } from './firestore.ts';
import { kms } from './kms.ts';
import { Ledger } from './ledger.ts';
import { pinecone } from './pinecone.ts';
import { type QuotaRule, Quotas } from './quota.ts';
import { RequestLedger } from './requestLedger.ts';
import { secretManager } from './secretManager.ts';
import {
  bodyOf,
  createRouter,
  type FakeReply,
  type FakeRequest,
  type Match,
  operationOf,
  type Served,
  type Service,
  serve,
  type World,
} from './service.ts';

export type CloudOptions = {
  readonly seed: number;
  readonly facts: FactValues;
  readonly quotas: readonly QuotaRule[];
  readonly faults: readonly FaultRule[];
  readonly token: string;
  readonly domain: string;
  /** Cloudflare's zones, id and domain of each; none when absent. */
  readonly zones?: ReadonlyMap<string, string>;
  /** As in `World`; not when absent. */
  readonly hasWildcards?: boolean;
  /** The vendors' limits on how many of a thing there may be are checked; they are not when absent. */
  readonly resourceQuotas?: boolean;
  /** Companies that exist without having been provisioned here, for a run of traffic alone. */
  readonly adopted?: readonly AdoptedCompany[];
  /** Whether an adopted company, by its index, has a warm instance at the beginning; none has when absent. */
  readonly warmAt?: (index: number) => boolean;
};

/** What the shell does with a call that arrived: answers after `delayMs`, or lets the answer be lost. */
export type CloudAnswer = { readonly reply: FakeReply; readonly delayMs: number; readonly lost: boolean };

export type OperationCount = {
  readonly operation: string;
  calls: number;
  refusedByQuota: number;
  latencyMs: number;
  readonly fact: string;
};

type Drawn = { readonly value: number; readonly msAt: (uniform: number) => number };
type Door = { service: Service; match: (method: string, path: string) => Match | undefined };

export class Cloud {
  readonly ledger = new Ledger();
  /** Requests that reached the companies' own services. */
  readonly requests = new RequestLedger();
  readonly services: readonly Service[];
  /** In the order of their first calls, and the same by operation. */
  private readonly counts: OperationCount[] = [];
  private readonly countsOf = new Map<string, OperationCount[]>();
  private readonly doors = new Map<string, Door>();
  private readonly wildcardDoors: { suffix: string; door: Door }[] = [];
  private readonly quotas: Quotas;
  private readonly options: CloudOptions;
  private readonly requestFaults: readonly FaultRule[];
  private readonly otherFaults: readonly FaultRule[];
  private readonly facts = new Map<string, Drawn>();
  private readonly usage: () => CompanyUsage[];
  /** When the first call was sent: the windows of the faults count from here. */
  private firstAtMs: number | undefined;

  constructor(options: CloudOptions) {
    this.options = options;
    this.requestFaults = options.faults.filter(({ verdict }) => verdict === 'delayRequest');
    this.otherFaults = options.faults.filter(({ verdict }) => verdict !== 'delayRequest');
    this.quotas = new Quotas(options.quotas);
    const world: World = {
      ledger: this.ledger,
      token: options.token,
      domain: options.domain,
      zones: options.zones ?? new Map(),
      hasWildcards: options.hasWildcards ?? false,
      resourceQuotas: options.resourceQuotas ?? false,
      durationMs: (fact, key) => this.draw(fact, PURPOSE.duration, key),
      latencyMs: (fact, key) => this.draw(fact, PURPOSE.operation, key),
      valueOf: fact => this.factOf(fact).value,
    };
    const zone = cloudflare(world);
    const run = cloudRun(world);
    const { adopted, warmAt } = options;
    const companies = companyServices(world, run, zone, { requests: this.requests, adopted, warmAt });
    this.usage = companies.usage;
    this.services = [
      secretManager(world),
      kms(world),
      atlas(world),
      firestore(world),
      pinecone(world),
      run.service,
      zone.service,
      dnsResolver(zone),
      companies,
    ];
    for (const service of this.services) {
      const door = { service, match: createRouter(service.routes) };
      for (const host of service.hosts)
        if (host.startsWith('.')) this.wildcardDoors.push({ suffix: host, door });
        else this.doors.set(host, door);
    }
  }

  /** The service behind a host, or undefined when no fake stands for it. */
  serviceOf(host: string): Service | undefined {
    return this.doorOf(host)?.service;
  }

  /** Milliseconds until a call sent now arrives: its way, or a fault's delay more. */
  arrivalMs(request: FakeRequest, nowMs: number): number {
    const { key } = request;
    this.firstAtMs ??= nowMs;
    const onWay = this.draw(wayTo(request.host), PURPOSE.networkArrival, key);
    if (this.requestFaults.length === 0) return onWay;
    const door = this.doorOf(request.host);
    const operation =
      door === undefined
        ? ''
        : operationOf(door.service, door.match(request.method, request.path), bodyOf(request));
    return onWay + (this.judged(this.requestFaults, operation, key, nowMs)?.delayMs ?? 0);
  }

  /** The effect of a call that arrives now. Undefined: it got lost on its way, without effect. */
  arrive(request: FakeRequest, nowMs: number): CloudAnswer | undefined {
    const { host, method, path, key } = request;
    const door = this.doorOf(host);
    if (door === undefined) {
      const error = `no fake stands for the host ${host}`;
      return { reply: { status: 501, body: { error } }, delayMs: 0, lost: false };
    }
    const match = door.match(method, path);
    const body = bodyOf(request);
    const fault =
      this.otherFaults.length === 0
        ? undefined
        : this.judged(this.otherFaults, operationOf(door.service, match, body), key, nowMs);
    if (fault?.verdict === 'loseRequest') return undefined;
    const served: Served =
      fault?.verdict === 'refuse'
        ? {
            operation: operationOf(door.service, match, body),
            latency: 'lat.refusal',
            reply: refusalOf(door.service, fault),
            quota: undefined,
          }
        : serve(door.service, match, request, nowMs, this.quotas, body);
    if (fault?.verdict === 'twice') serve(door.service, match, request, nowMs, this.quotas, body);
    const { reply, latency } = served;
    const usualMs = this.draw(latency, PURPOSE.operation, key);
    const latencyMs = fault?.verdict === 'slow' ? usualMs * (fault.times ?? 1) : usualMs;
    this.count(served.operation, latency, latencyMs, served.quota);
    const delayMs = (reply.waitMs ?? 0) + latencyMs + this.draw(wayTo(host), PURPOSE.networkAnswer, key);
    return {
      reply,
      delayMs: delayMs + (fault?.verdict === 'delayAnswer' ? (fault.delayMs ?? 0) : 0),
      lost: fault?.verdict === 'loseAnswer',
    };
  }

  /** Calls that arrived so far, a line for each operation and fact that their latency was drawn from. */
  operations(): OperationCount[] {
    return [...this.counts];
  }

  /** What the companies' own services used for their requests so far, health checks left out. */
  companyUsage(): CompanyUsage[] {
    return this.usage();
  }

  private judged(
    rules: readonly FaultRule[],
    operation: string,
    key: CallKey,
    nowMs: number,
  ): FaultRule | undefined {
    this.firstAtMs ??= nowMs;
    return judge(rules, operation, key, this.options.seed, nowMs - this.firstAtMs);
  }

  private doorOf(host: string): Door | undefined {
    const own = this.doors.get(host);
    if (own !== undefined) return own;
    for (const { suffix, door } of this.wildcardDoors) if (host.endsWith(suffix)) return door;
    return undefined;
  }

  private draw(fact: string, purpose: number, key: CallKey): number {
    return this.factOf(fact).msAt(drawUniform(this.options.seed, purpose, key));
  }

  /** Asked for once, so that its use is on record, and kept. */
  private factOf(id: string): Drawn {
    let fact = this.facts.get(id);
    if (fact === undefined) {
      const { value, spread } = this.options.facts.get(id);
      this.facts.set(id, (fact = { value, msAt: logNormal(value, spread) }));
    }
    return fact;
  }

  private count(operation: string, fact: string, latencyMs: number, quota: string | undefined): void {
    let own = this.countsOf.get(operation);
    if (own === undefined) this.countsOf.set(operation, (own = []));
    let count = own.find(each => each.fact === fact);
    if (count === undefined) {
      count = { operation, calls: 0, refusedByQuota: 0, latencyMs: 0, fact };
      own.push(count);
      this.counts.push(count);
    }
    count.calls++;
    count.latencyMs += latencyMs;
    if (quota !== undefined) count.refusedByQuota++;
  }
}

/** A company's service is asked under its own address by the gateways of its region only. */
const wayTo = (host: string): string =>
  host.endsWith(RUN_SUFFIX) ? 'net.region-one-way' : 'net.vendor-one-way';

function refusalOf(service: Service, { status = 503, retryAfterMs }: FaultRule): FakeReply {
  const reply = service.unavailable(status);
  if (retryAfterMs === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
}
