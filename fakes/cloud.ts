// All the fake clouds behind one door, for both clocks. A call is three arrows, arrive? → effect? → answer?, and the
// caller (`simulator/network.ts` or `fakes/server.ts`) waits out the delays between them.

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { CallKey } from '../src/ports.ts';
import { atlas } from './atlas.ts';
import { cloudflare } from './cloudflare.ts';
import { cloudRun } from './cloudRun.ts';
import { companyServices } from './companyService.ts';
import { logNormalOfMeanOne } from './distribution.ts';
import { dnsResolver } from './dnsResolver.ts';
import { type FaultRule, judge } from './faults.ts';
import { firestore } from './firestore.ts';
import { kms } from './kms.ts';
import { Ledger } from './ledger.ts';
import { pinecone } from './pinecone.ts';
import { type QuotaRule, Quotas } from './quota.ts';
import { secretManager } from './secretManager.ts';
import {
  createRouter,
  type FakeReply,
  type FakeRequest,
  type Match,
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

type Door = { service: Service; match: (method: string, path: string) => Match | undefined };

export class Cloud {
  readonly ledger = new Ledger();
  private readonly counts = new Map<string, OperationCount>();
  readonly services: readonly Service[];
  private readonly doors = new Map<string, Door>();
  private readonly wildcardDoors: { suffix: string; door: Door }[] = [];
  private readonly quotas: Quotas;
  private readonly options: CloudOptions;
  private readonly requestFaults: readonly FaultRule[];
  private readonly otherFaults: readonly FaultRule[];

  constructor(options: CloudOptions) {
    this.options = options;
    this.requestFaults = options.faults.filter(({ verdict }) => verdict === 'delayRequest');
    this.otherFaults = options.faults.filter(({ verdict }) => verdict !== 'delayRequest');
    this.quotas = new Quotas(options.quotas);
    const world: World = {
      ledger: this.ledger,
      token: options.token,
      domain: options.domain,
      durationMs: (fact, key) => this.draw(fact, PURPOSE.duration, key),
    };
    const zone = cloudflare(world);
    const run = cloudRun(world);
    this.services = [
      secretManager(world),
      kms(world),
      atlas(world),
      firestore(world),
      pinecone(world),
      run.service,
      zone.service,
      dnsResolver(zone),
      companyServices(world, run, zone),
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

  /** Milliseconds until a call sent now arrives: half a round trip to the vendor, or a fault's delay more. */
  arrivalMs(request: FakeRequest): number {
    const onWay = this.draw('net.vendor-one-way', PURPOSE.networkArrival, request.key);
    if (this.requestFaults.length === 0) return onWay;
    const fault = judge(
      this.requestFaults,
      this.find(request)?.operation ?? '',
      request.key,
      this.options.seed,
    );
    return onWay + (fault?.delayMs ?? 0);
  }

  /** The effect of a call that arrives now. Undefined: it got lost on its way, without effect. */
  arrive(request: FakeRequest, nowMs: number): CloudAnswer | undefined {
    const found = this.find(request);
    if (found === undefined) {
      const error = `no fake stands for the host ${request.host}`;
      return { reply: { status: 501, body: { error } }, delayMs: 0, lost: false };
    }
    const { door, match, operation } = found;
    const fault = judge(this.otherFaults, operation, request.key, this.options.seed);
    if (fault?.verdict === 'loseRequest') return undefined;
    const served =
      fault?.verdict === 'refuse'
        ? { operation, latency: 'lat.refusal', reply: door.service.unavailable(fault.status ?? 503) }
        : serve(door.service, match, request, nowMs, this.quotas);
    const latencyMs = this.draw(served.latency, PURPOSE.operation, request.key);
    this.count(operation, served.latency, latencyMs, 'quota' in served ? served.quota : undefined);
    const delayMs = latencyMs + this.draw('net.vendor-one-way', PURPOSE.networkAnswer, request.key);
    return {
      reply: served.reply,
      delayMs: delayMs + (fault?.verdict === 'delayAnswer' ? (fault.delayMs ?? 0) : 0),
      lost: fault?.verdict === 'loseAnswer',
    };
  }

  /** Calls that arrived so far, a line for each operation and fact that their latency was drawn from. */
  operations(): OperationCount[] {
    return [...this.counts.values()];
  }

  /** The service, the route and the operation that a request means; undefined when no fake stands for its host. */
  private find({ host, method, path }: FakeRequest) {
    const door = this.doorOf(host);
    if (door === undefined) return undefined;
    const match = door.match(method, path);
    return { door, match, operation: match?.route.operation ?? `${door.service.name}.unknown` };
  }

  private doorOf(host: string): Door | undefined {
    return this.doors.get(host) ?? this.wildcardDoors.find(({ suffix }) => host.endsWith(suffix))?.door;
  }

  private draw(fact: string, purpose: number, key: CallKey): number {
    const { value, spread } = this.options.facts.get(fact);
    return value * logNormalOfMeanOne(spread, drawUniform(this.options.seed, purpose, key));
  }

  private count(operation: string, fact: string, latencyMs: number, quota: string | undefined): void {
    const key = `${operation} ${fact}`;
    let count = this.counts.get(key);
    if (count === undefined)
      this.counts.set(key, (count = { operation, calls: 0, refusedByQuota: 0, latencyMs: 0, fact }));
    count.calls++;
    count.latencyMs += latencyMs;
    if (quota !== undefined) count.refusedByQuota++;
  }
}
