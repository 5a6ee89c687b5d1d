// What takes two fields of a scenario to be wrong, in what its traffic meets: fleets, security, arrivals.

import { durationMs, type Scenario, type ScenarioTraffic } from '../scenarios/scenario.ts';
import { type Rule, shares, unlisted, when } from './rule.ts';
import { nearest, show } from './words.ts';

/** A rule on a traffic section that is there. */
const onTraffic = (
  needs: readonly string[],
  find: (traffic: ScenarioTraffic, scenario: Scenario) => string[],
): Rule => ({
  needs,
  find: scenario => (scenario.traffic === undefined ? [] : find(scenario.traffic, scenario)),
});

/** Arrivals of one region in one second that a key can number. */
const ARRIVALS_A_SECOND_MAX = 2 ** 22;

export const TRAFFIC_RULES: readonly Rule[] = [
  {
    needs: ['population.levels', 'platform.security.levels'],
    find: ({ population, platform }) =>
      unlisted('population.levels', population.levels, 'platform.security.levels', platform.security.levels),
  },
  {
    needs: ['platform.security'],
    find: ({ platform: { security } }) => {
      const pools = Object.keys(security.verificationPools);
      return Object.entries(security.levels).flatMap(([level, { verificationPool }]) =>
        when(
          !pools.includes(verificationPool),
          `platform.security.levels.${level}.verificationPool is ${show(verificationPool)}; it must be one of ${pools.map(show).join(', ')}${nearest(verificationPool, pools)}`,
        ),
      );
    },
  },
  {
    needs: ['platform.gateway'],
    find: ({ platform: { gateway } }) => [
      ...when(
        gateway.instancesMax < gateway.instancesMin,
        `platform.gateway.instancesMax is ${gateway.instancesMax}; it must be at least platform.gateway.instancesMin, ${gateway.instancesMin}`,
      ),
      ...when(
        durationMs(gateway.requestTimeout) === 0,
        `platform.gateway.requestTimeout is ${show(gateway.requestTimeout)}; it must be longer than nothing`,
      ),
    ],
  },
  {
    needs: ['run.phases', 'traffic'],
    find: ({ run: { phases }, traffic }) => [
      ...when(
        phases.includes('traffic') && traffic === undefined,
        'traffic is missing; run.phases has "traffic", which needs it',
      ),
      ...when(
        phases.join() !== [...new Set(phases)].sort().join(),
        `run.phases is ${show(phases)}; it must be ["rollout"], ["traffic"] or ["rollout","traffic"]`,
      ),
    ],
  },
  {
    needs: ['run.phases', 'population.agents'],
    find: ({ run: { phases }, population: { agents } }) =>
      when(
        phases.includes('traffic') && agents === 0,
        'population.agents is 0; traffic needs an agent at least',
      ),
  },
  onTraffic(['traffic.kinds'], ({ kinds }) => shares('traffic.kinds', kinds)),
  onTraffic(['traffic.users', 'population.regions'], ({ users }, { population }) => [
    ...unlisted('population.regions', population.regions, 'traffic.users', users),
    ...Object.entries(users).flatMap(([region, parts]) => shares(`traffic.users.${region}`, parts)),
  ]),
  onTraffic(['traffic.duration', 'traffic.sample'], ({ duration, sample }) => {
    const wholeSeconds = (path: string, text: string, leastMs: number) =>
      when(
        durationMs(text) % 1000 !== 0 || durationMs(text) < leastMs,
        `${path} is ${show(text)}; it must be whole seconds${leastMs > 0 ? ', at least 1s' : ''}`,
      );
    const problems = wholeSeconds('traffic.duration', duration, 1000);
    if (sample === null) return problems;
    return [
      ...problems,
      ...wholeSeconds('traffic.sample.leadIn', sample.leadIn, 0),
      ...wholeSeconds('traffic.sample.measured', sample.measured, 1000),
      ...when(
        sample.windows * durationMs(sample.measured) > durationMs(duration),
        `traffic.sample measures ${sample.windows} × ${sample.measured}; it must fit into traffic.duration, ${duration}; null simulates all of it`,
      ),
    ];
  }),
  onTraffic(['traffic.events', 'population.regions'], ({ events }, { population }) =>
    events.flatMap(({ regions = [] }, i) =>
      regions.flatMap((region, j) =>
        when(
          !Object.hasOwn(population.regions, region),
          `traffic.events.${i}.regions.${j} is ${show(region)}; population.regions has no such region${nearest(region, Object.keys(population.regions))}`,
        ),
      ),
    ),
  ),
  onTraffic(
    ['traffic', 'population.agents'],
    ({ requestsPerAgentHour, profile, season, events }, { population }) => {
      const factor =
        Math.max(...profile) *
        season *
        events.reduce((product, event) => product * Math.max(1, event.factor), 1);
      const aSecond = (population.agents * requestsPerAgentHour * factor) / 3600;
      return when(
        aSecond > ARRIVALS_A_SECOND_MAX,
        `traffic.requestsPerAgentHour is ${requestsPerAgentHour}; with population.agents, profile, season and events that is up to ${Math.round(aSecond)} requests a second, and at most ${ARRIVALS_A_SECOND_MAX} can be told apart`,
      );
    },
  ),
];
