// The arrivals of a scenario: one schedule for the simulator, k6 and Node. What floating point decides (how many requests
// fall into a second) is decided once, in `arrivalPlanOf`; all that follows is integers, so every reader of the plan sees
// the same requests to the bit. Inside a second arrivals are uniform, between seconds independent: a Poisson process.

import { normalQuantile } from './distribution.ts';
import { drawUint32, drawUniform, PURPOSE } from './draw.ts';
import { companiesOf } from './population.ts';
import { durationMs, REQUEST_KINDS, type Scenario, type ScenarioTraffic, USER_REGIONS } from './scenario.ts';

export const SLOT_MS = 1000;
const SLOT_US = 1_000_000;
const UINT32 = 4_294_967_296;
/** Above this mean the normal approximation of a Poisson count, corrected for skew, is off by less than one. */
const POISSON_EXACT_MAX = 200;
/** Offset and number of an arrival in one double: 2^20 µs × 2^22 arrivals a second. */
const NUMBERS_MAX = 2 ** 22;

export type RegionPlan = {
  readonly name: string;
  /** Arrivals in each slot. */
  readonly counts: readonly number[];
  /** Positions in the queue of the companies whose home it is. */
  readonly companies: readonly number[];
  /** Agents of those companies up to and with each. */
  readonly agentsUpTo: readonly number[];
  /** By the order of USER_REGIONS: a draw below the first bound is the first one's. */
  readonly usersUpTo: readonly number[];
};

/** JSON, integers only. */
export type ArrivalPlan = {
  /** Of the replication. */
  readonly seed: number;
  readonly slots: number;
  readonly regions: readonly RegionPlan[];
  /** By the order of REQUEST_KINDS. */
  readonly kindsUpTo: readonly number[];
};

/** The arrivals of one region in one second, in the order in which they are due. Their key: [company, -2, region, slot, n]. */
export type Arrivals = {
  readonly count: number;
  /** Microseconds since the slot began. */
  readonly offsetUs: Int32Array;
  /** Number of the arrival in its slot, which its draws belong to. */
  readonly n: Int32Array;
  /** Position in the queue. */
  readonly company: Int32Array;
  /** Number in the home region. */
  readonly agent: Int32Array;
  /** Index in REQUEST_KINDS. */
  readonly kind: Uint8Array;
  /** Index in USER_REGIONS. */
  readonly user: Uint8Array;
};

/** Second place of a request's key; a provisioning step's is its number, from 0. */
export const TRAFFIC_KEY = -2;

/** What a draw decides about an arrival. */
const OFFSET = 0;
const AGENT = 1;
const KIND = 2;
const USER = 3;

export function arrivalPlanOf(scenario: Scenario, seed: number): ArrivalPlan {
  const traffic = trafficOf(scenario);
  const companies = companiesOf(scenario);
  const slots = Math.ceil(durationMs(traffic.duration) / SLOT_MS);
  const names = Object.keys(scenario.population.regions).sort();
  return {
    seed,
    slots,
    kindsUpTo: boundsOf(REQUEST_KINDS.map(kind => traffic.kinds[kind])),
    regions: names.map((name, region) => {
      const own = companies.filter(company => company.region === name);
      let sum = 0;
      const agentsUpTo = own.map(({ agents }) => (sum += agents));
      return {
        name,
        companies: own.map(({ index }) => index),
        agentsUpTo,
        usersUpTo: boundsOf(USER_REGIONS.map(user => traffic.users[name]?.[user] ?? 0)),
        counts: Array.from({ length: slots }, (_, slot) =>
          poisson(
            sum * ratePerAgent(scenario, name, (slot + 0.5) * SLOT_MS) * SLOT_MS,
            drawUniform(seed, PURPOSE.arrivalCount, [region, slot]),
          ),
        ),
      };
    }),
  };
}

export function arrivalsOfSlot(plan: ArrivalPlan, region: number, slot: number): Arrivals {
  const { seed, kindsUpTo, regions } = plan;
  const { counts, companies, agentsUpTo, usersUpTo } = regions[region];
  const count = counts[slot];
  const agents = agentsUpTo.length === 0 ? 0 : agentsUpTo[agentsUpTo.length - 1];
  const draw = (n: number, what: number) => drawUint32(seed, PURPOSE.arrival, [region, slot, n, what]);
  const order = new Float64Array(count);
  for (let n = 0; n < count; n++)
    order[n] = Math.floor((draw(n, OFFSET) * SLOT_US) / UINT32) * NUMBERS_MAX + n;
  order.sort();
  const arrivals = {
    count,
    offsetUs: new Int32Array(count),
    n: new Int32Array(count),
    company: new Int32Array(count),
    agent: new Int32Array(count),
    kind: new Uint8Array(count),
    user: new Uint8Array(count),
  };
  for (let i = 0; i < count; i++) {
    const n = order[i] % NUMBERS_MAX;
    const agent = Math.floor((draw(n, AGENT) / UINT32) * agents);
    arrivals.offsetUs[i] = Math.floor(order[i] / NUMBERS_MAX);
    arrivals.n[i] = n;
    arrivals.agent[i] = agent;
    arrivals.company[i] = companies[firstAbove(agentsUpTo, agent)];
    arrivals.kind[i] = firstAbove(kindsUpTo, draw(n, KIND));
    arrivals.user[i] = firstAbove(usersUpTo, draw(n, USER));
  }
  return arrivals;
}

/** The section that a run with traffic has; a rule of validation. */
export function trafficOf({ traffic, name }: Scenario): ScenarioTraffic {
  if (traffic === undefined) throw new Error(`the scenario ${name} has no traffic`);
  return traffic;
}

/** Requests a millisecond of one agent in a home region, so many milliseconds after the traffic began. */
export function ratePerAgent(scenario: Scenario, region: string, atMs: number): number {
  const { startHourUtc, requestsPerAgentHour, profile, season, events } = trafficOf(scenario);
  const hour = startHourUtc + scenario.platform.regions[region].utcOffsetHours + atMs / 3_600_000;
  const local = ((hour % 24) + 24) % 24;
  const before = Math.floor(local);
  const after = profile[(before + 1) % 24];
  let factor = (profile[before] + (after - profile[before]) * (local - before)) * season;
  for (const event of events) {
    const sinceMs = atMs - durationMs(event.at);
    const isHit = event.regions === undefined || event.regions.includes(region);
    if (isHit && sinceMs >= 0 && sinceMs < durationMs(event.duration)) factor *= event.factor;
  }
  return (requestsPerAgentHour * factor) / 3_600_000;
}

/** Upper bounds of shares that add up to 1, in 2^32 parts; the last one that has a share takes what rounding leaves. */
function boundsOf(shares: readonly number[]): number[] {
  let sum = 0;
  const bounds = shares.map(share => Math.round((sum += share) * UINT32));
  const last = shares.findLastIndex(share => share > 0);
  return bounds.map((bound, i) => (i >= last ? UINT32 : bound));
}

function firstAbove(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The quantile `uniform` of a Poisson distribution: by its sum where the mean is small, else by Cornish and Fisher (1938). */
function poisson(mean: number, uniform: number): number {
  if (mean > POISSON_EXACT_MAX) {
    const z = normalQuantile(Math.max(uniform, 2 ** -53));
    return Math.max(0, Math.floor(mean + Math.sqrt(mean) * z + (z * z - 1) / 6 + 0.5));
  }
  let term = Math.exp(-mean);
  let sum = term;
  let count = 0;
  while (sum <= uniform && term > 0) {
    count++;
    term *= mean / count;
    sum += term;
  }
  return count;
}
