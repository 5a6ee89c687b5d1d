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
import { CREATION, Faults, type JudgedCall } from './faults.ts';
import { firestore } from './firestore.ts';
import { HeldNames } from './heldNames.ts';
import { IssuedTokens, withoutCredential } from './issuedTokens.ts';
import { kms } from './kms.ts';
import { Ledger } from './ledger.ts';
import { metadataServer } from './metadataServer.ts';
import { pinecone } from './pinecone.ts';
import { type QuotaRule, Quotas } from './quota.ts';
import { type Executed, Replica } from './replica.ts';
import { type Body, bodyOf } from './requestBody.ts';
import { RequestLedger } from './requestLedger.ts';
import { secretManager } from './secretManager.ts';
import {
  createRouter,
  type FakeReply,
  type FakeRequest,
  type Match,
  operationOf,
  refused,
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

/** How much longer what is stuck for good takes: ten years. */
const NEVER_MS = 315_360_000_000;

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
  private readonly faults: Faults;
  private readonly heldNames = new HeldNames();
  /** By the lag of the stale reads that they answer. */
  private readonly replicas = new Map<number, Replica>();
  /** What goes wrong in the call that is being executed: long things that it starts ask. */
  private underWay: FaultRule | undefined;
  private readonly facts = new Map<string, Drawn>();
  private readonly usage: () => CompanyUsage[];

  constructor(options: CloudOptions) {
    this.options = options;
    const issued = new IssuedTokens();
    this.faults = new Faults(options.faults, options.seed, issued);
    for (const { verdict, operation, delayMs = 0 } of options.faults) {
      if (verdict !== 'readStale') continue;
      const replica = this.replicas.get(delayMs);
      if (replica !== undefined) replica.alsoFor(operation);
      else {
        const past = new Cloud({ ...options, quotas: [], faults: [] });
        this.replicas.set(delayMs, new Replica(call => past.replay(call), delayMs, operation));
      }
    }
    this.quotas = new Quotas(options.quotas);
    const world: World = {
      ledger: this.ledger,
      token: options.token,
      issued,
      domain: options.domain,
      zones: options.zones ?? new Map(),
      hasWildcards: options.hasWildcards ?? false,
      resourceQuotas: options.resourceQuotas ?? false,
      durationMs: (fact, key) => this.draw(fact, PURPOSE.duration, key) + this.stuckMs(),
      endsHalfDone: () => this.underWay?.verdict === 'breakHalfway',
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
      metadataServer(world),
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
    const onWay = this.draw(wayTo(request.host), PURPOSE.networkArrival, request.key);
    const fault = this.faults.on('sent', nowMs, () => this.judgedCall(request));
    return onWay + (fault?.delayMs ?? 0);
  }

  /** Milliseconds until the caller hears that nobody takes the call that arrives now; undefined when somebody does. */
  refusedMs(request: FakeRequest, nowMs: number): number | undefined {
    const fault = this.faults.on('door', nowMs, () => this.judgedCall(request));
    return fault && this.draw(wayTo(request.host), PURPOSE.networkAnswer, request.key);
  }

  /** The effect of a call that arrives now. Undefined: it got lost on its way, without effect. */
  arrive(request: FakeRequest, nowMs: number): CloudAnswer | undefined {
    const { host, method, path, key } = request;
    const door = this.doorOf(host);
    if (door === undefined) {
      const error = `no fake stands for the host ${host}`;
      return { reply: { status: 501, body: { error } }, delayMs: 0, lost: false };
    }
    const { service } = door;
    const match = door.match(method, path);
    const body = bodyOf(request);
    const read = () => ({ service, match, operation: operationOf(service, match, body), request });
    const fault = this.faults.on('effect', nowMs, read);
    if (fault?.verdict === 'loseRequest') return undefined;
    const served =
      this.turnedAway(read, nowMs, fault) ??
      this.executed(service, match, body, { request, atMs: nowMs, fault });
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

  /** For the replica that this is: executes a call that the clouds have authorised. */
  replay(call: Executed): Served {
    const { service, match } = this.doorOf(call.request.host)!;
    const open = { ...service, authorise: () => undefined };
    return this.executed(open, match(call.request.method, call.request.path), bodyOf(call.request), call);
  }

  /** Calls that arrived so far, a line for each operation and fact that their latency was drawn from. */
  operations(): OperationCount[] {
    return [...this.counts];
  }

  /** How many calls each of the rules has hit so far, in their order. */
  faultHits(): number[] {
    return this.faults.hitsOfRules();
  }

  /** What the companies' own services used for their requests so far, health checks left out. */
  companyUsage(): CompanyUsage[] {
    return this.usage();
  }

  /** The answer to a call that a fault keeps from its effect, or that is of another time. */
  private turnedAway(
    read: () => JudgedCall,
    nowMs: number,
    fault: FaultRule | undefined,
  ): Served | undefined {
    if (fault === undefined && this.heldNames.isEmpty) return undefined;
    const { service, operation, request } = read();
    switch (fault?.verdict) {
      case 'refuse':
        return refused(operation, refusalOf(service, fault));
      case 'expireToken':
        return refused(operation, service.authorise(withoutCredential(request.headers), nowMs, operation)!);
      case 'takeName':
        return refused(operation, service.taken!(operation));
      case 'conflict':
        return refused(operation, service.contended!());
      case 'readStale':
        if (service.authorise(request.headers, nowMs, operation) !== undefined) return undefined;
        return this.replicas.get(fault.delayMs ?? 0)!.read(request, nowMs);
      default: {
        if (!CREATION.test(operation)) return undefined;
        const held = this.heldNames.ruleOn(operation, request, nowMs);
        if (held === undefined) return undefined;
        this.faults.hit(held);
        return refused(operation, service.taken!(operation));
      }
    }
  }

  /** The call's effect, with what goes wrong in it, here and later in the replicas. */
  private executed(service: Service, match: Match | undefined, body: Body, call: Executed): Served {
    const { request, atMs, fault } = call;
    const effects = this.ledger.entries.length;
    this.underWay = fault;
    const served = serve(service, match, request, atMs, this.quotas, body);
    if (fault?.verdict === 'twice') serve(service, match, request, atMs, this.quotas, body);
    this.underWay = undefined;
    if (fault?.verdict === 'holdName') {
      const deleted = this.ledger.entries.slice(effects);
      this.heldNames.hold(served.operation, deleted, atMs + (fault.delayMs ?? 0), fault);
    }
    const hasEffect = request.method !== 'GET' && served.quota === undefined;
    if (hasEffect && match?.route.isTokenEndpoint !== true)
      for (const replica of this.replicas.values()) replica.note(call, service.name);
    return served;
  }

  private stuckMs(): number {
    return this.underWay?.verdict === 'stick' ? (this.underWay.delayMs ?? NEVER_MS) : 0;
  }

  private judgedCall(request: FakeRequest): JudgedCall | undefined {
    const door = this.doorOf(request.host);
    if (door === undefined) return undefined;
    const { service } = door;
    const match = door.match(request.method, request.path);
    return { service, match, operation: operationOf(service, match, bodyOf(request)), request };
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
