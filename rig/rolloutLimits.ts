// How long a rollout may take, and how many calls a second it may make, to be held against virtual time over real HTTP: asked
// before it begins, so that nobody waits for hours, or for a run that the machine alone makes late.

import type { RolloutMeasurement } from '../reports/measurement.ts';
import { FactValues } from '../scenarios/facts.ts';
import { companiesOf } from '../scenarios/population.ts';
import { CROSSCHECK_ROLLOUT_MS_MAX, rolloutOptionsOf } from '../scenarios/rolloutOptions.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { arithmeticOf } from '../src/provisioning/arithmetic.ts';

/** On average. A call takes provisioner and fakes two to three milliseconds of a processor, and nothing may queue for it. */
const CALLS_A_SECOND_MAX = 150;

/** Throws INPUT when the limits' own arithmetic makes it longer than anybody waits. */
export function expectShort(scenario: Scenario): void {
  const facts = new FactValues('mid', scenario.facts);
  const options = { ...rolloutOptionsOf(scenario, facts), companies: companiesOf(scenario) };
  const { bounds } = arithmeticOf(options, id => facts.get(id).value);
  const dwellMs = options.waves.slice(0, -1).reduce((sum, wave) => sum + wave.dwellMs, 0);
  const boundMs = Math.max(0, ...bounds.map(bound => bound.boundMs)) + dwellMs;
  if (boundMs > CROSSCHECK_ROLLOUT_MS_MAX)
    throw tooLong(scenario, `at least ${minutes(boundMs)} by its limits`);
}

/** The same of what virtual time says of it, latencies, faults and all. */
export function expectBearableRollout(scenario: Scenario, simulated: RolloutMeasurement): void {
  const { durationMs, operations } = simulated;
  if (durationMs > CROSSCHECK_ROLLOUT_MS_MAX)
    throw tooLong(scenario, `${minutes(durationMs)} in virtual time`);
  const calls = operations.reduce((sum, each) => sum + each.calls, 0);
  const perSecond = Math.round((calls * 1000) / Math.max(durationMs, 1));
  if (perSecond > CALLS_A_SECOND_MAX)
    throw new SandtableError(
      'INPUT',
      `the rollout of ${scenario.name} makes ${perSecond} calls a second to the clouds; one machine takes ${CALLS_A_SECOND_MAX} without being late, so lower provisioning.limits or provisioning.concurrencyMax`,
    );
}

const tooLong = ({ name }: Scenario, howLong: string) =>
  new SandtableError(
    'INPUT',
    `the rollout of ${name} takes ${howLong}, and over HTTP as long in real time; a crosscheck takes ${minutes(CROSSCHECK_ROLLOUT_MS_MAX)} at most: lower population.companies, or hold the same code against HTTP in small with: sandtable crosscheck crosscheck-rollout`,
  );

const minutes = (ms: number): string => `${Math.ceil(ms / 60_000)} min`;
