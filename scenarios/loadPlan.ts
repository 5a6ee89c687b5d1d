// What k6 reads before it sends a scenario's arrivals in real time, and the one order in which k6 and Node both number
// them. `rig/loadPlan.ts` makes the plan, `k6/load.ts` carries it out; here are integers and text alone.

import { type ArrivalPlan, arrivalsOfSlot, SLOT_MS } from './traffic.ts';

/** JSON. Times are milliseconds; `leadMs` and `leadInMs` are different things, see there. */
export type LoadPlan = {
  readonly arrivals: ArrivalPlan;
  /** Base address of each region's gateway, in the order of `arrivals.regions`. */
  readonly urls: readonly string[];
  /** By position in the queue. */
  readonly companies: readonly LoadCompany[];
  /** A request is due so long after k6 began: the head start of the iterations, which wait for their requests. */
  readonly leadMs: number;
  /** Requests due in the first part of the schedule warm the platform up; they are sent, but not measured. */
  readonly leadInMs: number;
  /** After so long without a whole answer a request is a time-out. */
  readonly timeoutMs: number;
  /** Iterations to start in each slot, then in a rest of `REST_MS`. */
  readonly pace: readonly number[];
  /** All of k6's virtual users; each has one request under way or waits for one to be due. */
  readonly vus: number;
  readonly requests: number;
  /** k6's expressions by its metrics. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
};

export type LoadCompany = {
  readonly id: string;
  readonly host: string;
  readonly level: string;
  readonly token: string;
};

/** `refused` is the quota's 429. `foreign` is an answer without the mark of the company that was asked. */
export type Outcome = 'ok' | 'refused' | 'error' | 'unreachable' | 'timeout' | 'foreign';

/** k6 works out the last iterations of a slot in floating point; one that slips out of the last slot lands here. */
export const REST_MS = 100;
export const REST_PER_SLOT = 40;

/** Every request of the plan in the order in which they are due; the i-th is sent by k6's iteration i. */
export type Schedule = {
  readonly requests: number;
  /** Microseconds since the traffic began. */
  readonly dueUs: Float64Array;
  /** Index in the plan's regions. */
  readonly region: Uint16Array;
  /** As in `Arrivals`, whose key is [company, -2, region, slot, n]. */
  readonly n: Int32Array;
  readonly company: Int32Array;
  readonly agent: Int32Array;
  readonly kind: Uint8Array;
  readonly user: Uint8Array;
};

const SLOT_US = SLOT_MS * 1000;
/** More regions than that would not leave room for an arrival's place in the sorted number. */
const REGIONS_MAX = 1024;
const PLACES_MAX = 2 ** 22;

export function scheduleOf(plan: ArrivalPlan): Schedule {
  const requests = requestsOf(plan);
  const schedule = {
    requests,
    dueUs: new Float64Array(requests),
    region: new Uint16Array(requests),
    n: new Int32Array(requests),
    company: new Int32Array(requests),
    agent: new Int32Array(requests),
    kind: new Uint8Array(requests),
    user: new Uint8Array(requests),
  };
  let next = 0;
  for (let slot = 0; slot < plan.slots; slot++) {
    const arrivals = plan.regions.map((_, region) => arrivalsOfSlot(plan, region, slot));
    const order = mergedOrder(arrivals.map(({ offsetUs }) => offsetUs));
    for (const place of order) {
      const region = Math.floor(place / PLACES_MAX) % REGIONS_MAX;
      const i = place % PLACES_MAX;
      const from = arrivals[region];
      schedule.dueUs[next] = slot * SLOT_US + from.offsetUs[i];
      schedule.region[next] = region;
      schedule.n[next] = from.n[i];
      schedule.company[next] = from.company[i];
      schedule.agent[next] = from.agent[i];
      schedule.kind[next] = from.kind[i];
      schedule.user[next] = from.user[i];
      next++;
    }
  }
  return schedule;
}

export function requestsOf({ regions }: ArrivalPlan): number {
  return regions.reduce((sum, { counts }) => counts.reduce((before, count) => before + count, sum), 0);
}

/** One sorted number an arrival: when it is due in its slot, then its region, then its place there. */
function mergedOrder(offsetsUs: readonly Int32Array[]): Float64Array {
  const order = new Float64Array(offsetsUs.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const [region, offsets] of offsetsUs.entries())
    for (let i = 0; i < offsets.length; i++)
      order[next++] = (offsets[i] * REGIONS_MAX + region) * PLACES_MAX + i;
  return order.sort();
}
