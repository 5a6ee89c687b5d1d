// What a request takes through the rig at light load, by who answers it: k6, edge, gateway and fakes as in any load, without
// delays. `sandtable calibrate` takes the gateway's demand from it; the rest is what the simulator charges as the rig's.

import { ANSWERERS, type Answerer } from '../scenarios/calibration.ts';
import { REQUEST_KINDS, type RequestKind, type Scenario } from '../scenarios/scenario.ts';
import { trafficOf } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';
import { withoutQuotas } from './calibrate.ts';
import type { K6 } from './k6Binary.ts';
import { runLoad } from './load.ts';

export type RigTimesOptions = {
  /** Of one region. */
  readonly scenario: Scenario;
  /** With each answerer, in one round, after as many to warm up. */
  readonly requests: number;
  readonly rounds: number;
  readonly k6: Pick<K6, 'path'>;
  /** Ends it early: it then throws INTERRUPTED. */
  readonly signal?: AbortSignal;
  readonly onStage?: (stage: string) => void;
};

/** The kind whose requests each of them answers. A config is the edge's but for the first of a company. */
export const KIND_OF: Readonly<Record<Answerer, RequestKind>> = {
  edge: 'config',
  gateway: 'health',
  service: 'tools/call',
};
/** Of each kind: one is answered long before the next is due, and the rig is as idle as under a scenario for it. */
const REQUESTS_A_SECOND = 10;
/** Of a round: its processes are new, and so is their code to the compiler. */
const WARM_UP_SHARE = 0.5;
/** So few that nearly every config is at the edge. */
const COMPANIES = 5;
const USERS = 'us-central';
const HOUR_S = 3600;
const HOURS = 24;

/** Milliseconds from when a request is due until its last byte: the median of each round. */
export async function measureRigTimes(options: RigTimesOptions): Promise<Record<Answerer, number[]>> {
  const { requests, rounds, k6, signal, onStage = () => {} } = options;
  const scenario = lightTraffic(options.scenario, requests);
  const gatewayOptions = withoutQuotas(scenario);
  const timesMs: Record<Answerer, number[]> = { edge: [], gateway: [], service: [] };
  for (let round = 0; round < rounds; round++) {
    onStage(`the rig at light load, round ${round + 1} of ${rounds}`);
    const load = { scenario, seed: round, factOverrides: {}, delays: false, gatewayOptions, k6 };
    const { run } = await runLoad({ ...load, ...(signal && { signal }) });
    const wrong = [
      ...run.violations,
      ...(run.outcomes.ok === run.due ? [] : ['not every request was served']),
    ];
    if (wrong.length > 0)
      throw new SandtableError('K6', `a calibration needs a load without trouble: ${wrong.join('; ')}`);
    const { dueUs, kind } = run.schedule;
    const fromUs = WARM_UP_SHARE * run.measuredMs * 1000;
    for (const answerer of ANSWERERS) {
      const wanted = REQUEST_KINDS.indexOf(KIND_OF[answerer]);
      const own = run.records.responseMs.filter((_, i) => kind[i] === wanted && dueUs[i] >= fromUs).sort();
      timesMs[answerer].push(own[Math.floor(own.length / 2)]);
    }
  }
  return timesMs;
}

/** The three kinds in equal parts, one request every 33 ms on average. */
function lightTraffic(scenario: Scenario, requests: number): Scenario {
  const { population } = scenario;
  const [region] = Object.keys(population.regions);
  const kinds = Object.fromEntries(REQUEST_KINDS.map(kind => [kind, 0])) as Record<RequestKind, number>;
  for (const answerer of ANSWERERS) kinds[KIND_OF[answerer]] = 1 / ANSWERERS.length;
  const perHour = REQUESTS_A_SECOND * ANSWERERS.length * HOUR_S;
  return {
    ...scenario,
    population: { ...population, companies: COMPANIES, advanced: 0, regions: { [region]: COMPANIES } },
    traffic: {
      ...trafficOf(scenario),
      duration: `${Math.ceil(requests / REQUESTS_A_SECOND / (1 - WARM_UP_SHARE))}s`,
      requestsPerAgentHour: perHour / population.agents,
      profile: Array(HOURS).fill(1),
      season: 1,
      events: [],
      kinds,
      users: { [region]: { [USERS]: 1 } },
    },
  };
}
