// The arrivals are one schedule for every reader: whole numbers, in order, in the mix and at the rate that a scenario says.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { REQUEST_KINDS, type ScenarioTraffic, USER_REGIONS } from '../../scenarios/scenario.ts';
import { arrivalPlanOf, arrivalsOfSlot, ratePerAgent } from '../../scenarios/traffic.ts';

const base = loadScenario('peak-hour');
const small = loadScenario('pilot-100');
const withTraffic = (traffic: Partial<ScenarioTraffic>, scenario = base) => ({
  ...scenario,
  traffic: { ...scenario.traffic!, ...traffic },
});
const sum = (values: readonly number[]) => values.reduce((before, value) => before + value, 0);

/** Five standard deviations of a Poisson count: a fair one is outside once in two million times. */
const band = (mean: number) => 5 * Math.sqrt(mean);

describe('the arrivals', () => {
  it('are at the rate of the agents, their hour of the day and the season', () => {
    const scenario = withTraffic({ duration: '60s', season: 1.5 });
    const { regions } = arrivalPlanOf(scenario, 1);
    for (const { name, counts, agentsUpTo } of regions) {
      const agents = agentsUpTo.at(-1)!;
      const expected = sum(
        counts.map((_, slot) => agents * ratePerAgent(scenario, name, (slot + 0.5) * 1000) * 1000),
      );
      expect(Math.abs(sum(counts) - expected), name).toBeLessThan(band(expected));
    }
    // 17:00 UTC is 9:00 in us-west1, where the profile has 0.96.
    const hourly = ratePerAgent(withTraffic({ season: 2 }), 'us-west1', 0) * 3_600_000;
    expect(hourly).toBeCloseTo(scenario.traffic.requestsPerAgentHour * 0.96 * 2 * (0.96 / 0.96), 6);
  });

  it('rise by the factor of an event, where and while it lasts', () => {
    const event = { at: '10s', duration: '20s', factor: 3, regions: ['us-west1'] };
    const plan = arrivalPlanOf(withTraffic({ duration: '60s', events: [event] }), 1);
    const plain = arrivalPlanOf(withTraffic({ duration: '60s' }), 1);
    const west = plan.regions.findIndex(({ name }) => name === 'us-west1');
    for (const [region, { counts }] of plan.regions.entries()) {
      const inEvent = sum(counts.slice(10, 30)) / sum(plain.regions[region].counts.slice(10, 30));
      expect(inEvent).toBeCloseTo(region === west ? 3 : 1, 1);
      expect(counts.slice(30)).toEqual(plain.regions[region].counts.slice(30));
    }
  });

  it('are Poisson: from second to second their number varies as much as its mean', () => {
    const { regions } = arrivalPlanOf(withTraffic({ duration: '1h', profile: Array(24).fill(1) }), 3);
    for (const scenario of [withTraffic({ profile: Array(24).fill(1) }, small), undefined]) {
      const all =
        scenario === undefined
          ? regions
          : arrivalPlanOf(withTraffic({ ...scenario.traffic, duration: '1h' }, small), 3).regions;
      for (const { counts } of all) {
        const mean = sum(counts) / counts.length;
        const variance = sum(counts.map(count => (count - mean) ** 2)) / (counts.length - 1);
        // Of 3,600 seconds the ratio has a standard deviation of √(2 / 3,599) = 2.4 %.
        expect(Math.abs(variance / mean - 1)).toBeLessThan(0.12);
      }
    }
  });

  it('come in order, inside their second, each number once, from agents of their region', () => {
    const plan = arrivalPlanOf(small, 5);
    const companies = companiesOf(small);
    for (const [region, { name, counts, companies: own, agentsUpTo }] of plan.regions.entries())
      for (let slot = 0; slot < 20; slot++) {
        const arrivals = arrivalsOfSlot(plan, region, slot);
        expect(arrivals.count).toBe(counts[slot]);
        expect([...arrivals.n].sort((a, b) => a - b)).toEqual([...Array(counts[slot]).keys()]);
        for (let i = 0; i < arrivals.count; i++) {
          if (i > 0) expect(arrivals.offsetUs[i]).toBeGreaterThanOrEqual(arrivals.offsetUs[i - 1]);
          expect(arrivals.offsetUs[i]).toBeGreaterThanOrEqual(0);
          expect(arrivals.offsetUs[i]).toBeLessThan(1_000_000);
          expect(companies[arrivals.company[i]].region).toBe(name);
          const place = own.indexOf(arrivals.company[i]);
          expect(arrivals.agent[i]).toBeLessThan(agentsUpTo[place]);
          expect(arrivals.agent[i]).toBeGreaterThanOrEqual(agentsUpTo[place - 1] ?? 0);
        }
      }
  });

  it('have the mix of kinds and of users', () => {
    const scenario = withTraffic({ duration: '10s' });
    const plan = arrivalPlanOf(scenario, 9);
    for (const [region, { name }] of plan.regions.entries()) {
      const kinds = REQUEST_KINDS.map(() => 0);
      const users = USER_REGIONS.map(() => 0);
      for (let slot = 0; slot < 10; slot++) {
        const arrivals = arrivalsOfSlot(plan, region, slot);
        for (let i = 0; i < arrivals.count; i++) {
          kinds[arrivals.kind[i]]++;
          users[arrivals.user[i]]++;
        }
      }
      const all = sum(kinds);
      for (const [i, kind] of REQUEST_KINDS.entries()) {
        const expected = all * scenario.traffic.kinds[kind];
        expect(Math.abs(kinds[i] - expected), `${name} ${kind}`).toBeLessThan(band(expected));
      }
      for (const [i, user] of USER_REGIONS.entries()) {
        const expected = all * (scenario.traffic.users[name][user] ?? 0);
        expect(Math.abs(users[i] - expected), `${name} ${user}`).toBeLessThanOrEqual(band(expected));
      }
    }
  });

  it('survive a trip through JSON, as k6 reads them, and are another with another seed', () => {
    const plan = arrivalPlanOf(small, 5);
    const read = JSON.parse(JSON.stringify(plan));
    expect(arrivalsOfSlot(read, 1, 3)).toEqual(arrivalsOfSlot(plan, 1, 3));
    expect(arrivalPlanOf(small, 6)).not.toEqual(plan);
    const isWhole = (value: unknown): boolean =>
      Array.isArray(value) ? value.every(isWhole) : typeof value !== 'number' || Number.isSafeInteger(value);
    expect(plan.regions.every(region => Object.values(region).every(isWhole))).toBe(true);
  });

  it('of the companies follow their agents', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), seed => {
        const plan = arrivalPlanOf(withTraffic({ duration: '5s' }), seed);
        const companies = companiesOf(base);
        const largest = companies.reduce((most, company) => (company.agents > most.agents ? company : most));
        const region = plan.regions.findIndex(({ name }) => name === largest.region);
        let all = 0;
        let own = 0;
        for (let slot = 0; slot < 5; slot++) {
          const arrivals = arrivalsOfSlot(plan, region, slot);
          all += arrivals.count;
          own += arrivals.company.filter(company => company === largest.index).length;
        }
        const expected = (all * largest.agents) / plan.regions[region].agentsUpTo.at(-1)!;
        expect(Math.abs(own - expected)).toBeLessThan(band(expected));
      }),
      { numRuns: 5 },
    );
  });
});
