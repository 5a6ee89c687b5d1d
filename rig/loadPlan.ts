// The load plan of a scenario: what k6 needs to send each request when it is due, with as many virtual users as that takes
// and no more. `rig/k6.ts` runs it.

import {
  type LoadPlan,
  REST_MS,
  REST_PER_SLOT,
  requestsOf,
  type Schedule,
  scheduleOf,
} from '../scenarios/loadPlan.ts';
import { companiesOf, type PopulationCompany } from '../scenarios/population.ts';
import { durationMs, type KpiName, type Scenario, type ScenarioKpi } from '../scenarios/scenario.ts';
import { arrivalPlanOf, SLOT_MS } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';
import { hostnameOf } from '../src/provisioning/company.ts';

export type LoadPlanOptions = {
  readonly scenario: Scenario;
  /** Of the replication. */
  readonly seed: number;
  /** Base address of the gateway by home region: of this machine only. */
  readonly urls: Readonly<Record<string, string>>;
  readonly tokenOf: (company: PopulationCompany) => string;
  /** Of the schedule, for warming up; sent and not measured. */
  readonly leadInMs?: number;
  /** Expected time from a request to its answer, generously: virtual users are provided for it. */
  readonly inFlightMs?: number;
};

/** Iterations of k6 that start so late still wait for their requests. */
const MARGIN_MS = 250;
/** After the gateway's own time-out, so that its answer is the one that counts. */
const TIMEOUT_MARGIN_MS = 1000;
/** Twice the target of P95: the mean is far below. */
const IN_FLIGHT_MS = 1000;
/** For answers that take longer than expected. */
const VUS_SPARE = 10;
/** At about 0.35 MB each. */
const VUS_MAX = 5000;
/** k6 numbers about 30,000 a second before it begins, and keeps each in memory. */
const REQUESTS_MAX = 1_000_000;
const ADDRESS = /^http:\/\/127\.0\.0\.1:\d{1,5}$/;

/** Throws INPUT when a region has no address of this machine, or when k6 would need more than one machine gives. */
export function loadPlanOf(options: LoadPlanOptions): LoadPlan {
  const { scenario, seed, urls, tokenOf, leadInMs = 0, inFlightMs = IN_FLIGHT_MS } = options;
  const arrivals = arrivalPlanOf(scenario, seed);
  const requests = requestsOf(arrivals);
  if (requests > REQUESTS_MAX)
    throw new SandtableError(
      'INPUT',
      `${requests} requests are more than one k6 can send (${REQUESTS_MAX}): shorten traffic.duration or the population`,
    );
  const addresses = arrivals.regions.map(({ name }) => urls[name] ?? '');
  checkAddresses(addresses);
  const pace = Array.from({ length: arrivals.slots }, (_, slot) =>
    // An empty slot keeps the pace going: what rounding pushes out of one slot then starts in the next.
    Math.max(
      1,
      arrivals.regions.reduce((sum, { counts }) => sum + counts[slot], 0),
    ),
  );
  return {
    arrivals,
    urls: addresses,
    companies: companiesOf(scenario).map(company => ({
      id: company.id,
      host: hostnameOf(company, scenario.platform),
      level: company.level,
      token: tokenOf(company),
    })),
    leadInMs,
    timeoutMs: durationMs(scenario.platform.gateway.requestTimeout) + TIMEOUT_MARGIN_MS,
    pace,
    requests,
    thresholds: thresholdsOf(scenario, Object.keys(urls)),
    ...headStartOf(scheduleOf(arrivals), startsMsOf(pace, requests), inFlightMs),
  };
}

/** k6 must never reach anything but this machine: it would be a load test of somebody else's. Throws INPUT. */
export function checkAddresses(urls: readonly string[]): void {
  for (const url of urls)
    if (!ADDRESS.test(url))
      throw new SandtableError(
        'INPUT',
        `k6 sends to http://127.0.0.1:PORT only, not to ${url === '' ? 'a region without address' : url}`,
      );
}

/** When each iteration starts, in milliseconds since k6 began: the k-th of n in a slot starts at (k + 1) / n of it. */
export function startsMsOf(pace: readonly number[], requests: number): Float64Array {
  const starts = new Float64Array(requests);
  let next = 0;
  for (const [slot, count] of pace.entries())
    for (let k = 1; k <= count && next < requests; k++) starts[next++] = (slot + k / count) * SLOT_MS;
  for (let k = 1; next < requests; k++)
    starts[next++] = pace.length * SLOT_MS + Math.min(REST_MS, (k / REST_PER_SLOT) * SLOT_MS);
  return starts;
}

/**
 * Iterations start evenly and requests are due at random, so an iteration may start before or after its request is due.
 * The lead moves all requests back until none is due before its iteration has started; the virtual users are as many as
 * then wait and are under way at once.
 */
export function headStartOf(
  { requests, dueUs }: Schedule,
  startsMs: Float64Array,
  inFlightMs: number,
): { leadMs: number; vus: number } {
  let behindMs = 0;
  for (let i = 0; i < requests; i++) behindMs = Math.max(behindMs, startsMs[i] - dueUs[i] / 1000);
  const leadMs = Math.ceil(behindMs) + MARGIN_MS;
  let atOnceMax = 0;
  let ended = 0;
  for (let i = 0; i < requests; i++) {
    while (leadMs + dueUs[ended] / 1000 + inFlightMs <= startsMs[i]) ended++;
    atOnceMax = Math.max(atOnceMax, i + 1 - ended);
  }
  const vus = atOnceMax + VUS_SPARE;
  if (vus > VUS_MAX)
    throw new SandtableError(
      'INPUT',
      `k6 would need ${vus} virtual users, and one machine carries ${VUS_MAX}: lower the rate of the traffic`,
    );
  return { leadMs, vus };
}

/** The required KPIs that k6 can judge by itself, over what is measured. */
function thresholdsOf({ kpis }: Scenario, regions: readonly string[]): Record<string, string[]> {
  const expressions: Partial<Record<KpiName, (kpi: ScenarioKpi) => [string, string][]>> = {
    responseTimeMsP95: ({ target: { op, value } }) => [['response_ms{phase:measured}', `p(95)${op}${value}`]],
    responseTimeMsP99WorstRegion: ({ target: { op, value } }) =>
      regions.map(region => [`response_ms{phase:measured,region:${region}}`, `p(99)${op}${value}`]),
    errorRate: ({ target: { op, value } }) => [['request_errors{phase:measured}', `rate${op}${value}`]],
  };
  const thresholds: Record<string, string[]> = { dropped_iterations: ['count==0'] };
  for (const kpi of kpis.filter(({ required }) => required))
    for (const [metric, expression] of expressions[kpi.name]?.(kpi) ?? [])
      thresholds[metric] = [...(thresholds[metric] ?? []), expression];
  return thresholds;
}
