// One window of traffic in virtual time. The path of a request, with the events that it costs:
//
//   due ─► edge ─ hit ─► answered
//             └► way to the gateway ─► arrive: a place on an instance, its processor's time ─► start: the real `handle`
//                  answered ◄─ way back ◄─ leave ◄─ processor's time ◄─┘ (its ports wait in events of their own)
//
// Where the simulator plays the rig, the rig's own overhead lies on the way back.
// due, arrive and leave are pure; start and the ports' answers enter async code.

import { type Delays, TO_GATEWAY, TO_USER } from '../fakes/delays.ts';
import type { Edge, EdgeRequest } from '../fakes/edge.ts';
import type { QuotaMinute } from '../fakes/quotaTally.ts';
import type { Answerer, Calibration } from '../scenarios/calibration.ts';
import type { PopulationCompany } from '../scenarios/population.ts';
import { assetOf, userCallOf } from '../scenarios/requests.ts';
import { REQUEST_KINDS, USER_REGIONS } from '../scenarios/scenario.ts';
import {
  type ArrivalPlan,
  type Arrivals,
  arrivalsOfSlot,
  SLOT_MS,
  TRAFFIC_KEY,
} from '../scenarios/traffic.ts';
import { keyWith } from '../src/gateway/key.ts';
import type { GatewayReply, GatewayRequest } from '../src/gateway/request.ts';
import type { CallKey } from '../src/ports.ts';
import type { Credentials } from './credentials.ts';
import { type Fleet, type Instance, nextProcessor, type Processor } from './fleet.ts';
import type { Handler, Kernel } from './kernel.ts';
import type { Tally } from './tally.ts';
import type { Trace } from './trace.ts';
import type { TimeWindow } from './trafficTime.ts';

export type WindowOptions = {
  readonly kernel: Kernel;
  readonly plan: ArrivalPlan;
  readonly window: TimeWindow;
  readonly companies: readonly PopulationCompany[];
  /** Of the companies, by their position in the queue. */
  readonly hosts: readonly string[];
  readonly calibration: Calibration;
  /** Milliseconds on every request's way back, by who answers it; 0 where nothing but the model is played. */
  readonly overheadMs: Readonly<Record<Answerer, number>>;
  readonly credentials: Credentials;
  readonly delays: Delays;
  readonly edge: Edge;
  /** By the order of the plan's regions. */
  readonly fleets: readonly Fleet[];
  readonly tally: Tally;
  readonly trace: Trace;
  readonly counts: UserCounts;
  /** Of a good answer, by kind. */
  readonly answerBytes: readonly number[];
  /** Requests of a company in this minute of the clock before the window began. */
  readonly quotaUsed: (company: number, minute: number) => number;
};

/** `egressBytes`: of the gateways' answers. */
export type UserCounts = { due: number; sent: number; edgeHits: number; egressBytes: number };

type Stream = { slot: number; position: number; arrivals: Arrivals };

type Flight = {
  /** Indices in REQUEST_KINDS, the plan's regions and USER_REGIONS. */
  readonly kind: number;
  readonly region: number;
  readonly user: number;
  /** Position in the queue. */
  readonly company: number;
  readonly agent: number;
  readonly key: CallKey;
  readonly dueAtMs: number;
  readonly isMeasured: boolean;
  quota: QuotaMinute | undefined;
  instance: Instance | undefined;
  processor: Processor | undefined;
  status: number;
};

const ERROR_FROM = 400;
const NO_PLACE = 503;
const [ASSET, CONFIG, HEALTH] = (['asset', 'config', 'health'] as const).map(kind =>
  REQUEST_KINDS.indexOf(kind),
);

const BODIES_MAX = 1024;
const encoder = new TextEncoder();

export class TrafficWindow {
  private readonly options: WindowOptions;
  private readonly kernel: Kernel;
  private readonly originMs: number;
  private readonly measuredFromMs: number;
  private readonly untilMs: number;
  private readonly demandMs: readonly number[];
  private readonly streams: readonly Stream[];
  private readonly flights: (Flight | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly bodies = new Map<string, Uint8Array>();
  /** Measured requests without an answer yet: the load goes on until there are none. */
  private open = 0;
  private readonly due: Handler;
  private readonly arrive: Handler;
  private readonly start: Handler;
  private readonly leave: Handler;

  constructor(options: WindowOptions) {
    const { kernel, plan, window, calibration } = options;
    this.options = options;
    this.kernel = kernel;
    this.originMs = kernel.nowMs - window.from * SLOT_MS;
    this.measuredFromMs = this.originMs + window.measuredFrom * SLOT_MS;
    this.untilMs = this.originMs + window.until * SLOT_MS;
    this.demandMs = REQUEST_KINDS.map(kind => calibration.demand[kind].ms);
    this.streams = plan.regions.map((_, region) => ({
      slot: window.from,
      position: 0,
      arrivals: arrivalsOfSlot(plan, region, window.from),
    }));
    this.due = kernel.pure(region => this.onDue(region));
    this.arrive = kernel.pure(slot => this.onArrival(slot));
    this.start = kernel.entering(slot => this.onStart(slot));
    this.leave = kernel.pure(slot => this.onLeave(slot));
  }

  /** Schedules the first arrivals; the kernel's run carries on from there until the last answer. */
  begin(): void {
    for (let region = 0; region < this.streams.length; region++) this.scheduleNext(region);
  }

  private scheduleNext(region: number): void {
    const { plan } = this.options;
    const stream = this.streams[region];
    while (stream.position === stream.arrivals.count) {
      stream.slot++;
      stream.position = 0;
      if (stream.slot >= plan.slots || this.isOver(stream.slot * SLOT_MS + this.originMs)) return;
      stream.arrivals = arrivalsOfSlot(plan, region, stream.slot);
    }
    const offsetMs = stream.arrivals.offsetUs[stream.position] / 1000;
    const dueAtMs = this.originMs + stream.slot * SLOT_MS + offsetMs;
    if (!this.isOver(dueAtMs)) this.kernel.schedule(dueAtMs, this.due, region);
  }

  private isOver(atMs: number): boolean {
    return atMs >= this.untilMs && this.open === 0;
  }

  private onDue(region: number): void {
    const { nowMs } = this.kernel;
    const { plan, counts, tally, delays, overheadMs } = this.options;
    const stream = this.streams[region];
    const { arrivals, position, slot } = stream;
    stream.position++;
    const company = arrivals.company[position];
    const flight: Flight = {
      kind: arrivals.kind[position],
      region,
      user: arrivals.user[position],
      company,
      agent: arrivals.agent[position],
      key: [company, TRAFFIC_KEY, region, slot, arrivals.n[position]],
      dueAtMs: nowMs,
      isMeasured: nowMs >= this.measuredFromMs && nowMs < this.untilMs,
      quota: undefined,
      instance: undefined,
      processor: undefined,
      status: 0,
    };
    counts.due++;
    counts.sent++;
    if (flight.isMeasured) this.open++;
    const user = USER_REGIONS[flight.user];
    const key = keyWith(flight.key, TO_GATEWAY);
    if (this.isAtEdge(flight)) {
      counts.edgeHits++;
      tally.quota.free(true);
      flight.status = 200;
      this.finish(flight, nowMs + delays.edgeMs(user, key) + overheadMs.edge);
    } else {
      const free = this.free.pop() ?? this.flights.length;
      this.flights[free] = flight;
      const wayMs = delays.toGatewayMs(user, plan.regions[region].name, key);
      this.kernel.schedule(nowMs + wayMs, this.arrive, free);
    }
    this.scheduleNext(region);
  }

  private onArrival(slot: number): void {
    const flight = this.flights[slot]!;
    const { tally, fleets, calibration, quotaUsed } = this.options;
    const { kind, company, region, key } = flight;
    if (kind !== HEALTH)
      flight.quota = tally.quota.arrived(company, this.kernel.nowMs, minute => quotaUsed(company, minute));
    const fleet = fleets[region];
    fleet.enter(key, instance => {
      if (instance === undefined) {
        flight.status = NO_PLACE;
        return this.answer(slot, flight);
      }
      flight.instance = instance;
      flight.processor = nextProcessor(instance);
      const doneAtMs = fleet.charge(flight.processor, this.demandMs[kind] * calibration.arrivalShare);
      this.kernel.schedule(doneAtMs, this.start, slot);
    });
  }

  private onStart(slot: number): void {
    const flight = this.flights[slot]!;
    const { fleets, calibration } = this.options;
    // The gateway answers whatever happens: a rejection is a bug, and the worker fails the run for it.
    void flight.processor!.gateway.handle(this.requestOf(flight)).then(reply => {
      flight.status = reply.status;
      if (reply.status < ERROR_FROM) this.keepAtEdge(flight, reply);
      const costMs = this.demandMs[flight.kind] * (1 - calibration.arrivalShare);
      this.kernel.schedule(fleets[flight.region].charge(flight.processor!, costMs), this.leave, slot);
    });
  }

  private onLeave(slot: number): void {
    const flight = this.flights[slot]!;
    this.options.fleets[flight.region].leave(flight.instance!);
    this.answer(slot, flight);
  }

  private answer(slot: number, flight: Flight): void {
    const { plan, delays, tally, counts, answerBytes, overheadMs } = this.options;
    this.flights[slot] = undefined;
    this.free.push(slot);
    const isServed = flight.status < ERROR_FROM;
    if (isServed) counts.egressBytes += answerBytes[flight.kind];
    if (flight.quota === undefined) tally.quota.free(isServed);
    else if (isServed) flight.quota.served++;
    const region = plan.regions[flight.region].name;
    const wayMs = delays.toUserMs(USER_REGIONS[flight.user], region, keyWith(flight.key, TO_USER));
    // An error counts as the gateway's own answer: nearly all are refusals.
    const isForwarded = isServed && flight.kind !== CONFIG && flight.kind !== HEALTH;
    this.finish(flight, this.kernel.nowMs + wayMs + overheadMs[isForwarded ? 'service' : 'gateway']);
  }

  /** What follows at the user's needs no event: nobody waits for it. */
  private finish(flight: Flight, atMs: number): void {
    const { tally, trace } = this.options;
    trace.fold(atMs, flight.status, flight.key);
    if (!flight.isMeasured) return;
    this.open--;
    tally.ended(flight.company, flight.kind, flight.status, atMs - flight.dueAtMs);
  }

  private isAtEdge(flight: Flight): boolean {
    const { kind } = flight;
    if (kind !== ASSET && kind !== CONFIG) return false;
    return this.options.edge.arrive(this.edgeRequestOf(flight), this.kernel.nowMs).hit;
  }

  private keepAtEdge(flight: Flight, { status, headers }: GatewayReply): void {
    const cacheControl = headers['cache-control'];
    if (cacheControl === undefined) return;
    this.options.edge.store(this.edgeRequestOf(flight), { status, cacheControl }, this.kernel.nowMs);
  }

  private edgeRequestOf({ kind, company, agent, user }: Flight): EdgeRequest {
    const { id, region } = this.options.companies[company];
    const name = kind === ASSET ? assetOf(agent) : '';
    return {
      kind: REQUEST_KINDS[kind],
      company: id,
      name,
      userRegion: USER_REGIONS[user],
      homeRegion: region,
    };
  }

  private requestOf({ kind, company, agent, key }: Flight): GatewayRequest {
    const { companies, hosts, credentials } = this.options;
    const { id } = companies[company];
    const { method, path, headers, body } = userCallOf(REQUEST_KINDS[kind], id, agent);
    return {
      method,
      host: hosts[company],
      path,
      headers:
        kind === HEALTH ? headers : { ...headers, authorization: credentials.authorizationOf(company) },
      body: body === undefined ? undefined : this.bytesOf(body),
      key,
    };
  }

  /** Users say the same few things again and again. */
  private bytesOf(body: string): Uint8Array {
    let bytes = this.bodies.get(body);
    if (bytes === undefined) {
      bytes = encoder.encode(body);
      if (this.bodies.size < BODIES_MAX) this.bodies.set(body, bytes);
    }
    return bytes;
  }
}
