// Kernel speed: M/M/10 with pure events and with one async function a customer, and the hold model.
// Each figure stands beside its target; they are ratios of this machine, never tests.

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import { Kernel } from '../simulator/kernel.ts';

const kernelOptions = { startMs: 0, deadlineMs: Number.POSITIVE_INFINITY, everyEventEntering: false };

const SERVERS = 10;
const ARRIVALS_PER_MS = 9;
const exponential = (rate: number, key: readonly number[]) =>
  -Math.log(1 - drawUniform(42, PURPOSE.bench, key)) / rate;

export type KernelRate = { readonly customersPerSecond: number; readonly meanWaitMs: number };

/** M/M/10 at 90 % load. Arrival and departure are pure events. */
export async function mm10Pure(customers: number): Promise<KernelRate> {
  const kernel = new Kernel(kernelOptions);
  const arrivedAt = new Float64Array(customers);
  let busy = 0;
  let head = 0;
  let tail = 0;
  let waitMs = 0;
  const serve = (customer: number) => {
    waitMs += kernel.nowMs - arrivedAt[customer];
    kernel.schedule(kernel.nowMs + exponential(1, [customer, 1]), departure);
  };
  const departure = kernel.pure(() => {
    if (head < tail) serve(head++);
    else busy--;
  });
  const arrival = kernel.pure(customer => {
    arrivedAt[customer] = kernel.nowMs;
    tail++;
    if (customer + 1 < customers)
      kernel.schedule(kernel.nowMs + exponential(ARRIVALS_PER_MS, [customer, 0]), arrival, customer + 1);
    if (busy === SERVERS) return;
    busy++;
    head++;
    serve(customer);
  });
  kernel.schedule(0, arrival, 0);
  const startedAt = performance.now();
  await kernel.run();
  return {
    customersPerSecond: (customers / (performance.now() - startedAt)) * 1000,
    meanWaitMs: waitMs / customers,
  };
}

/** The same queue, one async function a customer that waits for a server and sleeps its service. */
export async function mm10Async(customers: number): Promise<KernelRate> {
  const kernel = new Kernel(kernelOptions);
  const waiting: ((() => void) | undefined)[] = [];
  let head = 0;
  let busy = 0;
  let waitMs = 0;
  const customer = async (index: number) => {
    const arrivedAtMs = kernel.nowMs;
    if (busy === SERVERS) await new Promise<void>(resolve => waiting.push(resolve));
    else busy++;
    waitMs += kernel.nowMs - arrivedAtMs;
    await new Promise<void>(resolve => kernel.resumeAt(kernel.nowMs + exponential(1, [index, 1]), resolve));
    const next = waiting[head];
    if (next === undefined) {
      busy--;
      return;
    }
    waiting[head++] = undefined;
    next();
  };
  const arrival = kernel.entering(index => {
    if (index + 1 < customers)
      kernel.schedule(kernel.nowMs + exponential(ARRIVALS_PER_MS, [index, 0]), arrival, index + 1);
    void customer(index);
  });
  kernel.schedule(0, arrival, 0);
  const startedAt = performance.now();
  await kernel.run();
  return {
    customersPerSecond: (customers / (performance.now() - startedAt)) * 1000,
    meanWaitMs: waitMs / customers,
  };
}

/** The hold model (Vaucher and Duval, 1975): each of `pending` events schedules itself again. Events a second. */
export async function hold(pending: number, holds: number): Promise<number> {
  const kernel = new Kernel(kernelOptions);
  let left = holds;
  const again = kernel.pure(index => {
    if (left-- > 0) kernel.schedule(kernel.nowMs + exponential(1, [index, left]), again, index);
  });
  for (let i = 0; i < pending; i++) kernel.schedule(exponential(1, [i, -1]), again, i);
  const startedAt = performance.now();
  await kernel.run();
  return ((holds + pending) / (performance.now() - startedAt)) * 1000;
}

/** M/M/10 on a plain binary heap without any kernel: what this machine's JavaScript can do. Customers a second. */
export function bareHeap(customers: number): number {
  const times = new Float64Array(SERVERS + 2);
  const kinds = new Int32Array(SERVERS + 2);
  let size = 0;
  const push = (time: number, kind: number) => {
    let i = size++;
    for (let parent = (i - 1) >> 1; i > 0 && times[parent] > time; parent = (i - 1) >> 1) {
      times[i] = times[parent];
      kinds[i] = kinds[parent];
      i = parent;
    }
    times[i] = time;
    kinds[i] = kind;
  };
  const removeFirst = () => {
    const time = times[--size];
    const kind = kinds[size];
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size && times[child + 1] < times[child]) child++;
      if (times[child] >= time) break;
      times[i] = times[child];
      kinds[i] = kinds[child];
      i = child;
    }
    times[i] = time;
    kinds[i] = kind;
  };
  const startedAt = performance.now();
  let arrived = 0;
  let served = 0;
  let busy = 0;
  const serve = (now: number) => push(now + exponential(1, [served++, 1]), 1);
  push(0, 0);
  while (size > 0) {
    const now = times[0];
    const kind = kinds[0];
    removeFirst();
    if (kind === 0) {
      if (++arrived < customers) push(now + exponential(ARRIVALS_PER_MS, [arrived, 0]), 0);
      if (busy < SERVERS) {
        busy++;
        serve(now);
      }
    } else if (served < arrived) serve(now);
    else busy--;
  }
  return (customers / (performance.now() - startedAt)) * 1000;
}
