// How much load one machine takes without its generator, its gateways and its fakes running late: asked before a load
// begins, so that nobody waits for a run that could only be invalid.

import { replicationSeed } from '../scenarios/draw.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { arrivalPlanOf } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';

/** Requests in any one second, of all regions. Two cores run k6, three gateways and the fakes: beyond it they queue. */
const REQUESTS_A_SECOND_MAX = 400;
const REQUESTS_MAX = 200_000;

/** Throws INPUT with what to change. */
export function expectBearable(scenario: Scenario, seed: number): void {
  if (scenario.traffic === undefined)
    throw new SandtableError('INPUT', `${scenario.name} has no traffic, and so nothing to load with`);
  const { regions, slots } = arrivalPlanOf(scenario, replicationSeed(seed, 0));
  const bySecond = Array.from({ length: slots }, (_, slot) =>
    regions.reduce((sum, { counts }) => sum + counts[slot], 0),
  );
  const most = Math.max(...bySecond);
  const all = bySecond.reduce((sum, requests) => sum + requests, 0);
  const { agents } = scenario.population;
  const { requestsPerAgentHour, duration } = scenario.traffic;
  if (most > REQUESTS_A_SECOND_MAX)
    throw new SandtableError(
      'INPUT',
      `population.agents is ${agents} and traffic.requestsPerAgentHour ${requestsPerAgentHour}: up to ${most} requests a second; one machine takes ${REQUESTS_A_SECOND_MAX}, so lower one of them, or simulate with: sandtable run ${scenario.name}`,
    );
  if (all > REQUESTS_MAX)
    throw new SandtableError(
      'INPUT',
      `traffic.duration is ${JSON.stringify(duration)}: ${all} requests in all; a load has ${REQUESTS_MAX} at most`,
    );
}
