// What a window finds that begins in the middle of time: caches as full, sessions as known and quotas as used as steady
// traffic leaves them. Each thing is drawn once, by its own key, when it is first touched; nothing is kept for the rest.
//
//   an entry with a time to live is there when its last load is younger than that: with the rate λ of requests that load
//   or find it, a renewal of (wait for a request, time to live), so with probability λ·ttl / (1 + λ·ttl)

import type { EdgeInitial } from '../fakes/edge.ts';
import type { RedisInitial } from '../fakes/redis.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { PopulationCompany } from '../scenarios/population.ts';
import { ASSETS } from '../scenarios/requests.ts';
import { durationMs, type Scenario, USER_REGIONS } from '../scenarios/scenario.ts';
import { ratePerAgent, trafficOf } from '../scenarios/traffic.ts';

export type InitialState = {
  readonly redis: RedisInitial;
  readonly edge: EdgeInitial;
  /** Whether an instance of the company's service is warm. */
  readonly isWarm: (company: number) => boolean;
  /** Requests of a company in a minute of the clock before the window began. */
  readonly quotaUsed: (company: number, minute: number) => number;
};

/** What is drawn about. */
const CONFIG = 2;
const SESSION = 3;
const EDGE = 4;
const WARM = 5;
const MINUTE_MS = 60_000;

/** `originMs`: when the traffic began; `nowMs`: when the window does. */
export function initialStateOf(
  scenario: Scenario,
  companies: readonly PopulationCompany[],
  seed: number,
  idleMs: number,
  originMs: number,
  nowMs: number,
): InitialState {
  const { caching } = scenario.platform;
  const { kinds, users } = trafficOf(scenario);
  const numbers = new Map(companies.map(({ id, index }) => [id, index]));
  /** Requests a millisecond, by the profile of the moment at which the window begins. */
  const rates = new Map(
    Object.keys(scenario.population.regions).map(region => [
      region,
      ratePerAgent(scenario, region, nowMs - originMs),
    ]),
  );
  const rateOf = ({ region, agents }: PopulationCompany) => rates.get(region)! * agents;
  const draw = (...key: number[]) => drawUniform(seed, PURPOSE.initialState, [nowMs - originMs, ...key]);
  const isThere = (ratePerMs: number, ttlMs: number, ...key: number[]) =>
    draw(...key) * (1 + ratePerMs * ttlMs) < ratePerMs * ttlMs;
  const ttlMs = {
    config: durationMs(caching.configs),
    session: durationMs(caching.sessions),
    edgeAsset: durationMs(caching.edgeAssets),
    edgeConfig: durationMs(caching.edgeConfigs),
  };
  const beforeMs = nowMs - Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  /** The edge answers most assets and configs, and health has no quota. */
  const counted = 1 - kinds.health - kinds.asset - kinds.config;
  const quotaUsed = (company: number, minute: number) =>
    minute === Math.floor(nowMs / MINUTE_MS)
      ? Math.round(rateOf(companies[company]) * counted * Math.min(beforeMs, nowMs - originMs))
      : 0;
  return {
    quotaUsed,
    isWarm: company => draw(WARM, company) < 1 - Math.exp(-rateOf(companies[company]) * idleMs),
    redis: {
      config: id => {
        const company = companies[numbers.get(id)!];
        return isThere(rateOf(company), ttlMs.config, CONFIG, company.index);
      },
      session: (id, agent) => {
        const company = companies[numbers.get(id)!];
        return isThere(rates.get(company.region)!, ttlMs.session, SESSION, company.index, agent);
      },
      count: (id, minute) => quotaUsed(numbers.get(id)!, minute),
    },
    edge: {
      cached: (user, id, name) => {
        const company = companies[numbers.get(id)!];
        const isAsset = name !== '';
        const share = (users[company.region][user] ?? 0) * (isAsset ? kinds.asset / ASSETS : kinds.config);
        const place = isAsset ? Number(/\d+/.exec(name)![0]) : -1;
        const key = [EDGE, company.index, USER_REGIONS.indexOf(user), place];
        return isThere(rateOf(company) * share, isAsset ? ttlMs.edgeAsset : ttlMs.edgeConfig, ...key);
      },
    },
  };
}
