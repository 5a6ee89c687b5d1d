// The instances behind a company's own service, as Cloud Run runs them, each company's made on its first request:
//
//   arrival ─► a place on a warm instance? ─► on one that is starting? ─► a new one, if there may be ─► the first place
//                  starts at once                waits for its start        waits for its cold start     that is left
//
// Inside an instance nothing is contended, so an arrival decides its own departure and no event is needed. An idle
// instance is gone after a while. Arrivals come in the order of time.

import type { CallKey } from '../src/ports.ts';

export type InstanceOptions = {
  /** Requests that one instance has under way at once. */
  readonly concurrency: number;
  /** Instances of one service. */
  readonly instancesMax: number;
  /** How long an instance is kept without a request. */
  readonly idleMs: number;
  /** A request that would wait longer for a place is refused. */
  readonly pendingMsMax: number;
  /** vCPU of the instances of one region together, idle ones included (assumed); no limit when absent. */
  readonly vcpuMax?: number | undefined;
  /** How long the instance takes that the request of this key starts. */
  readonly coldMs: (key: CallKey) => number;
};

/** What an instance takes of its region. */
export type Share = { readonly region: string; readonly vcpu: number };

export type Start = { readonly waitMs: number; readonly isCold: boolean };

/** What one company's service used, from its first request. */
export type CompanyUsage = {
  readonly company: string;
  requests: number;
  /** Requests that found no place in time. */
  refused: number;
  coldStarts: number;
  coldMs: number;
  /** Instance time with at least one request under way, starts not included. */
  busyMs: number;
};

/** Each departure holds a place until its time; a waiting request has taken over the place that it waits for. */
type Instance = { readonly readyAtMs: number; readonly departuresAtMs: number[]; busyUntilMs: number };

type Running = { readonly usage: CompanyUsage; instances: Instance[] };
type Shared = Share & { readonly instance: Instance };

const AT_ONCE: Start = { waitMs: 0, isCold: false };

export class CompanyInstances {
  private readonly options: InstanceOptions;
  private readonly services = new Map<string, Running>();
  /** By region, where there is a limit. */
  private readonly shared = new Map<string, Shared[]>();

  constructor(options: InstanceOptions) {
    this.options = options;
  }

  /**
   * Undefined: refused for want of an instance; a service that has none lacks room in its region. `service` names one
   * deployment; `isWarm`: something else than the requests seen here keeps an instance of it, such as a least number of
   * them or the time before; that one is there whatever the region has left. Without a `share` it counts for no region.
   */
  arrive(
    service: string,
    company: string,
    isWarm: boolean,
    nowMs: number,
    serviceMs: number,
    key: CallKey,
    share?: Share,
  ): Start | undefined {
    const running = this.services.get(service) ?? this.open(service, company);
    const { usage } = running;
    this.dropIdle(running, nowMs);
    if (running.instances.length === 0 && isWarm) this.add(running, instanceFrom(nowMs), share, nowMs);
    const free = this.withPlace(running.instances, nowMs);
    if (free !== undefined) return occupy(usage, free, nowMs, serviceMs);
    if (running.instances.length < this.options.instancesMax && this.hasRoom(share, nowMs)) {
      const coldMs = this.options.coldMs(key);
      const started = instanceFrom(nowMs + coldMs);
      this.add(running, started, share, nowMs);
      usage.coldStarts++;
      usage.coldMs += coldMs;
      occupy(usage, started, nowMs, serviceMs);
      return { waitMs: coldMs, isCold: true };
    }
    if (running.instances.length > 0) return this.queue(running, nowMs, serviceMs);
    usage.refused++;
    return undefined;
  }

  /** By company, in the order of their first requests. */
  usage(): CompanyUsage[] {
    const sums = new Map<string, CompanyUsage>();
    for (const { usage } of this.services.values()) {
      const sum = sums.get(usage.company);
      if (sum === undefined) sums.set(usage.company, { ...usage });
      else
        for (const figure of ['requests', 'refused', 'coldStarts', 'coldMs', 'busyMs'] as const)
          sum[figure] += usage[figure];
    }
    return [...sums.values()];
  }

  /** Instances of one deployment that are there, starting ones included. */
  countOf(service: string, nowMs: number): number {
    const running = this.services.get(service);
    if (running === undefined) return 0;
    this.dropIdle(running, nowMs);
    return running.instances.length;
  }

  private open(service: string, company: string): Running {
    const usage = { company, requests: 0, refused: 0, coldStarts: 0, coldMs: 0, busyMs: 0 };
    const running = { usage, instances: [] };
    this.services.set(service, running);
    return running;
  }

  private add(running: Running, instance: Instance, share: Share | undefined, nowMs: number): void {
    running.instances.push(instance);
    if (share !== undefined && this.options.vcpuMax !== undefined)
      this.sharedIn(share.region, nowMs).push({ ...share, instance });
  }

  private hasRoom(share: Share | undefined, nowMs: number): boolean {
    const { vcpuMax } = this.options;
    if (share === undefined || vcpuMax === undefined) return true;
    return this.sharedIn(share.region, nowMs).reduce((sum, { vcpu }) => sum + vcpu, share.vcpu) <= vcpuMax;
  }

  /** The limit itself keeps the list short. */
  private sharedIn(region: string, nowMs: number): Shared[] {
    const there = (this.shared.get(region) ?? []).filter(
      ({ instance }) => nowMs - instance.busyUntilMs < this.options.idleMs,
    );
    this.shared.set(region, there);
    return there;
  }

  private dropIdle(running: Running, nowMs: number): void {
    const { idleMs } = this.options;
    const { instances } = running;
    for (let i = 0; i < instances.length; i++)
      if (nowMs - instances[i].busyUntilMs >= idleMs) {
        running.instances = instances.filter(({ busyUntilMs }) => nowMs - busyUntilMs < idleMs);
        return;
      }
  }

  /** The first warm instance with a free place, so that the last ones may go idle; else a starting one. */
  private withPlace(instances: readonly Instance[], nowMs: number): Instance | undefined {
    let starting: Instance | undefined;
    for (const instance of instances) {
      const { departuresAtMs, readyAtMs } = instance;
      leave(departuresAtMs, nowMs);
      if (departuresAtMs.length >= this.options.concurrency) continue;
      if (readyAtMs <= nowMs) return instance;
      if (starting === undefined || readyAtMs < starting.readyAtMs) starting = instance;
    }
    return starting;
  }

  /** Every place is taken: the one that is left first. */
  private queue({ instances, usage }: Running, nowMs: number, serviceMs: number): Start | undefined {
    let chosen = instances[0];
    let place = 0;
    for (const instance of instances)
      for (let i = 0; i < instance.departuresAtMs.length; i++)
        if (instance.departuresAtMs[i] < chosen.departuresAtMs[place]) {
          chosen = instance;
          place = i;
        }
    const startAtMs = chosen.departuresAtMs[place];
    if (startAtMs - nowMs > this.options.pendingMsMax) {
      usage.refused++;
      return undefined;
    }
    chosen.departuresAtMs[place] = startAtMs + serviceMs;
    work(usage, chosen, startAtMs, serviceMs);
    return { waitMs: startAtMs - nowMs, isCold: false };
  }
}

const instanceFrom = (readyAtMs: number): Instance => ({
  readyAtMs,
  departuresAtMs: [],
  busyUntilMs: readyAtMs,
});

function leave(departuresAtMs: number[], nowMs: number): void {
  for (let i = departuresAtMs.length - 1; i >= 0; i--)
    if (departuresAtMs[i] <= nowMs) {
      const last = departuresAtMs.pop()!;
      if (i < departuresAtMs.length) departuresAtMs[i] = last;
    }
}

function occupy(usage: CompanyUsage, instance: Instance, nowMs: number, serviceMs: number): Start {
  const startAtMs = Math.max(nowMs, instance.readyAtMs);
  instance.departuresAtMs.push(startAtMs + serviceMs);
  work(usage, instance, startAtMs, serviceMs);
  return startAtMs === nowMs ? AT_ONCE : { waitMs: startAtMs - nowMs, isCold: false };
}

/** Starts on one instance come in order, so the union of its intervals grows at its end only. */
function work(usage: CompanyUsage, instance: Instance, startAtMs: number, serviceMs: number): void {
  const endAtMs = startAtMs + serviceMs;
  usage.requests++;
  usage.busyMs += Math.max(0, endAtMs - Math.max(startAtMs, instance.busyUntilMs));
  instance.busyUntilMs = Math.max(instance.busyUntilMs, endAtMs);
}
