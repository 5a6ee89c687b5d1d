// One region's gateway in virtual time: Cloud Run instances, each as many single-threaded first-come-first-served
// processors as it has vCPU, with the real gateway code in each, and the autoscaler. Real code takes no virtual time, so
// what a request costs is charged here, on its arrival and before its reply.

import type { Gateway } from '../src/gateway/gateway.ts';
import type { CallKey } from '../src/ports.ts';
import type { Handler, Kernel } from './kernel.ts';

export type FleetOptions = {
  readonly vcpu: number;
  readonly concurrencyMax: number;
  readonly instancesMin: number;
  readonly instancesMax: number;
  /** Ready when the time begins. */
  readonly instancesAtStart: number;
  /** Share of an instance's vCPU that the autoscaler aims at, over the last minute. */
  readonly cpuTarget: number;
  readonly periodMs: number;
  /** A request that finds no place waits so long at most. */
  readonly pendingMaxMs: number;
  /** An instance that is not needed goes after so long. */
  readonly idleMs: number;
  readonly coldStartMs: (instance: number) => number;
  readonly createGateway: () => Gateway;
  /** Uniform in [0, 1): which two instances are looked at. */
  readonly pick: (key: CallKey) => number;
};

/** One vCPU with its single-threaded process. */
export type Processor = { readonly gateway: Gateway; freeAtMs: number };

export type Instance = { readonly processors: readonly Processor[]; underWay: number; turn: number };

/** A request that waits for a place. */
type Pending = {
  readonly atMs: number;
  readonly key: CallKey;
  readonly place: (instance: Instance | undefined) => void;
};

/** Over which the autoscaler averages. */
const WINDOW_MS = 60_000;

export class Fleet {
  readonly processorWaits = { name: 'gateway processors', calls: 0, waitMs: 0, refusals: 0 };
  readonly placeWaits = { name: 'a free place in the fleet', calls: 0, waitMs: 0, refusals: 0 };
  coldStarts = 0;
  concurrencyMax = 0;
  instancesMax: number;
  private readonly kernel: Kernel;
  private readonly options: FleetOptions;
  private readonly instances: Instance[] = [];
  /** Every gateway that ever ran, for the counts. */
  readonly gateways: Gateway[] = [];
  private readonly pending: Pending[] = [];
  private starting = 0;
  private started = 0;
  private busyMs = 0;
  /** Instance-milliseconds up to `changedAtMs`. */
  private instanceMs = 0;
  private changedAtMs: number;
  /** What the autoscaler saw at its last looks: busy and instance milliseconds up to each. */
  private readonly looks: { readonly atMs: number; readonly busyMs: number; readonly instanceMs: number }[] =
    [];
  /** Since when there have been more instances than needed. */
  private excessSinceMs = Number.POSITIVE_INFINITY;
  private readonly ready: Handler;
  private readonly giveUp: Handler;

  constructor(kernel: Kernel, options: FleetOptions) {
    this.kernel = kernel;
    this.options = options;
    this.changedAtMs = kernel.nowMs;
    this.instancesMax = options.instancesAtStart;
    for (let i = 0; i < options.instancesAtStart; i++) this.add();
    this.ready = kernel.pure(() => {
      this.starting--;
      this.add();
      this.serveWaiting();
    });
    this.giveUp = kernel.pure(() => this.dropLate());
    const look = kernel.daemon(() => {
      this.scale();
      kernel.schedule(kernel.nowMs + options.periodMs, look);
    });
    if (options.instancesMin < options.instancesMax) kernel.schedule(kernel.nowMs + options.periodMs, look);
  }

  /** Calls `place` with an instance that has room, now or later, or with undefined when none had in time. */
  enter(key: CallKey, place: (instance: Instance | undefined) => void): void {
    this.placeWaits.calls++;
    const instance = this.pending.length > 0 ? undefined : this.freeInstance(key);
    if (instance !== undefined) {
      this.take(instance, place);
      return;
    }
    const { nowMs } = this.kernel;
    this.pending.push({ atMs: nowMs, key, place });
    this.kernel.schedule(nowMs + this.options.pendingMaxMs, this.giveUp);
  }

  /** The request has left: its place is free. */
  leave(instance: Instance): void {
    instance.underWay--;
    if (this.pending.length > 0) this.serveWaiting();
  }

  /** When a processor has done `demandMs` more, after what it has to do already. */
  charge(processor: Processor, demandMs: number): number {
    const { nowMs } = this.kernel;
    const startAtMs = Math.max(nowMs, processor.freeAtMs);
    this.processorWaits.calls++;
    this.processorWaits.waitMs += startAtMs - nowMs;
    this.busyMs += demandMs;
    processor.freeAtMs = startAtMs + demandMs;
    return processor.freeAtMs;
  }

  /** Milliseconds of instances and of busy vCPU so far. */
  usage(): { readonly instanceMs: number; readonly busyMs: number } {
    this.account();
    return { instanceMs: this.instanceMs, busyMs: this.busyMs };
  }

  private take(instance: Instance, place: (instance: Instance) => void): void {
    instance.underWay++;
    if (instance.underWay > this.concurrencyMax) this.concurrencyMax = instance.underWay;
    place(instance);
  }

  /** The one of two that has fewer requests under way; any with room when neither has. Assumed: Google tells no rule. */
  private freeInstance(key: CallKey): Instance | undefined {
    const { instances } = this;
    const { concurrencyMax, pick } = this.options;
    const count = instances.length;
    if (count === 1) return instances[0].underWay < concurrencyMax ? instances[0] : undefined;
    const pairs = Math.floor(pick(key) * count * (count - 1));
    const first = instances[pairs % count];
    const second = instances[((pairs % count) + 1 + Math.floor(pairs / count)) % count];
    const better = first.underWay <= second.underWay ? first : second;
    if (better.underWay < concurrencyMax) return better;
    return instances.find(({ underWay }) => underWay < concurrencyMax);
  }

  private serveWaiting(): void {
    while (this.pending.length > 0) {
      const instance = this.freeInstance(this.pending[0].key);
      if (instance === undefined) return;
      const { atMs, place } = this.pending.shift()!;
      this.placeWaits.waitMs += this.kernel.nowMs - atMs;
      this.take(instance, place);
    }
  }

  private dropLate(): void {
    const { pending, kernel, options } = this;
    while (pending.length > 0 && pending[0].atMs + options.pendingMaxMs <= kernel.nowMs) {
      const { place } = pending.shift()!;
      this.placeWaits.waitMs += options.pendingMaxMs;
      this.placeWaits.refusals++;
      place(undefined);
    }
  }

  private add(): void {
    this.account();
    const processors = Array.from({ length: this.options.vcpu }, (): Processor => {
      const gateway = this.options.createGateway();
      this.gateways.push(gateway);
      return { gateway, freeAtMs: 0 };
    });
    this.instances.push({ processors, underWay: 0, turn: 0 });
    this.instancesMax = Math.max(this.instancesMax, this.instances.length);
  }

  /** Cloud Run's rule: as many instances as bring the last minute's processor use, or the requests under way, to its target. */
  private scale(): void {
    const { kernel, options, instances, looks } = this;
    const { nowMs } = kernel;
    this.account();
    looks.push({ atMs: nowMs, busyMs: this.busyMs, instanceMs: this.instanceMs });
    while (looks.length > 1 && looks[1].atMs <= nowMs - WINDOW_MS) looks.shift();
    const oldest = looks[0];
    const spanMs = nowMs - oldest.atMs;
    const busy = spanMs === 0 ? 0 : (this.busyMs - oldest.busyMs) / (spanMs * options.vcpu);
    const underWay = instances.reduce((sum, instance) => sum + instance.underWay, 0) + this.pending.length;
    const wanted = Math.max(
      busy / options.cpuTarget,
      underWay / (options.concurrencyMax * options.cpuTarget),
    );
    const needed = Math.min(options.instancesMax, Math.max(options.instancesMin, Math.ceil(wanted)));
    const present = instances.length + this.starting;
    for (let i = present; i < needed; i++) this.start();
    if (needed >= instances.length) this.excessSinceMs = Number.POSITIVE_INFINITY;
    else if (this.excessSinceMs === Number.POSITIVE_INFINITY) this.excessSinceMs = nowMs;
    else if (nowMs - this.excessSinceMs >= options.idleMs) this.drop(instances.length - needed);
  }

  private start(): void {
    this.coldStarts++;
    this.starting++;
    this.kernel.schedule(this.kernel.nowMs + this.options.coldStartMs(this.started++), this.ready);
  }

  /** The newest ones go; a request under way there still ends. */
  private drop(count: number): void {
    this.account();
    this.instances.splice(this.instances.length - count, count);
    this.excessSinceMs = Number.POSITIVE_INFINITY;
  }

  private account(): void {
    this.instanceMs += (this.kernel.nowMs - this.changedAtMs) * this.instances.length;
    this.changedAtMs = this.kernel.nowMs;
  }
}

/** The instance's processes take turns. */
export function nextProcessor(instance: Instance): Processor {
  const { processors } = instance;
  return processors[instance.turn++ % processors.length];
}
