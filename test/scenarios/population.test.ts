// The population is exact, the same in every run, and evenly mixed along the queue.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { LEVELS, type Scenario } from '../../scenarios/scenario.ts';
import type { Company } from '../../src/provisioning/company.ts';

const base = loadScenario('pilot-100');

function scenarioOf(
  population: Partial<Scenario['population']>,
  batchSize: 10 | 50 | 200 | 500 = 50,
): Scenario {
  return {
    ...base,
    population: { ...base.population, ...population },
    provisioning: { ...base.provisioning, batchSize },
  };
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Weights as shares that add up to 1. */
function sharesOf(names: readonly string[], weights: readonly number[]): Record<string, number> {
  const sum = weights.reduce((a, b) => a + b, 0);
  return Object.fromEntries(names.map((name, i) => [name, weights[i] / sum]));
}

describe('a population', () => {
  it('has the exact counts of every region, level, industry and configuration', () => {
    const companies: readonly Company[] = companiesOf(loadScenario('rollout-10000'));
    expect(tally(companies.map(({ region }) => region))).toEqual({
      'us-west1': 4000,
      'us-central1': 3000,
      'europe-west1': 3000,
    });
    expect(tally(companies.map(({ level }) => level))).toEqual({
      DIAMOND: 200,
      EMERALD: 800,
      SAPPHIRE: 2000,
      OPAL: 3000,
      ONYX: 4000,
    });
    expect(tally(companies.map(({ industry }) => industry))).toEqual({
      healthcare: 2000,
      finance: 2000,
      retail: 2000,
      manufacturing: 1500,
      education: 1000,
      default: 1500,
    });
    expect(tally(companies.map(({ configuration }) => configuration))).toEqual({
      basic: 8824,
      advanced: 1176,
    });
  });

  it('of 17 gives what is left over to the largest remainders', () => {
    const companies = companiesOf(loadScenario('today'));
    expect(tally(companies.map(({ level }) => level))).toEqual({ EMERALD: 1, SAPPHIRE: 4, OPAL: 5, ONYX: 7 });
    expect(
      companies.filter(({ configuration }) => configuration === 'advanced').map(({ index }) => index),
    ).toEqual([8, 16]);
  });

  it('is in the order of the queue, with an id of five digits', () => {
    const companies = companiesOf(base);
    expect(companies.map(({ index }) => index)).toEqual(companies.map((_, i) => i));
    expect([companies[0].id, companies[42].id]).toEqual(['c00000', 'c00042']);
  });

  it('depends neither on the seed nor on the order in which a document lists its names', () => {
    const reversed = (counts: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(counts).reverse());
    const { regions, levels, industries } = base.population;
    const other = scenarioOf({
      regions: reversed(regions),
      levels: reversed(levels),
      industries: reversed(industries),
    });
    expect(companiesOf({ ...other, run: { ...base.run, seed: 7 } })).toEqual(companiesOf(base));
  });

  it('mixes level, industry and region independently of each other', () => {
    const companies = companiesOf(loadScenario('rollout-10000'));
    for (const [key, share] of Object.entries(base.population.industries)) {
      const inOne = companies.filter(({ level, region }) => level === 'ONYX' && region === 'us-west1');
      const part = inOne.filter(({ industry }) => industry === key).length / inOne.length;
      // Four standard deviations of a share of 1,600.
      expect(Math.abs(part - share)).toBeLessThan(0.04);
    }
  });

  it('has, in each batch, the higher levels first', () => {
    for (const batchSize of [10, 50, 200, 500] as const) {
      const ranks = companiesOf(scenarioOf({}, batchSize)).map(({ level }) =>
        (LEVELS as readonly string[]).indexOf(level),
      );
      for (let start = 0; start < ranks.length; start += batchSize) {
        const batch = ranks.slice(start, start + batchSize);
        expect(batch).toEqual(batch.toSorted((a, b) => a - b));
      }
    }
  });

  it('is exact and evenly mixed whatever the counts and shares', () => {
    const counts = fc
      .array(fc.nat(60), { minLength: 1, maxLength: 6 })
      .filter(array => array.some(count => count > 0));
    const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(counts, weights, fc.nat(100), (sizes, weighted, percent) => {
        const regions = Object.fromEntries(sizes.map((size, i) => [`region-a${i}`, size]));
        const companies = sizes.reduce((sum, size) => sum + size, 0);
        const advanced = Math.floor((companies * percent) / 100);
        const levels = sharesOf(LEVELS, weighted);
        const list = companiesOf(scenarioOf({ companies, regions, advanced, levels, industries: levels }));
        expect(list).toHaveLength(companies);
        const inLevels = tally(list.map(({ level }) => level));
        for (const level of LEVELS)
          expect(Math.abs((inLevels[level] ?? 0) - levels[level] * companies)).toBeLessThan(1);
        for (const [region, size] of Object.entries(regions)) {
          let seen = 0;
          for (const company of list) {
            if (company.region === region) seen++;
            expect(Math.abs(seen - (size * (company.index + 1)) / companies)).toBeLessThan(sizes.length);
          }
          expect(seen).toBe(size);
        }
        let seenAdvanced = 0;
        for (const { index, configuration } of list) {
          if (configuration === 'advanced') seenAdvanced++;
          expect(seenAdvanced).toBe(Math.floor(((index + 1) * advanced) / companies));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the agents of a population', () => {
  it('sum exactly and are heavy-tailed: the larger half of the companies has most of them', () => {
    const companies = companiesOf(loadScenario('peak-hour'));
    const agents = companies.map(company => company.agents).sort((a, b) => b - a);
    const sum = (counts: readonly number[]) => counts.reduce((before, count) => before + count, 0);
    expect(sum(agents)).toBe(20_000_000);
    expect(agents.every(Number.isInteger)).toBe(true);
    // Of a log-normal with σ = 1 the largest tenth has Φ(1 − 1.2816) = 38.9 %.
    expect(sum(agents.slice(0, 1000)) / 20_000_000).toBeCloseTo(0.389, 2);
    expect(agents[0] / agents[5000]).toBeGreaterThan(40);
  });

  it('are more in a higher level', () => {
    const companies = companiesOf(loadScenario('peak-hour'));
    const least = (level: string) =>
      Math.min(...companies.filter(company => company.level === level).map(({ agents }) => agents));
    const most = (level: string) =>
      Math.max(...companies.filter(company => company.level === level).map(({ agents }) => agents));
    for (const [i, level] of LEVELS.slice(1).entries())
      expect(most(level)).toBeLessThanOrEqual(least(LEVELS[i]));
  });

  it('sum exactly whatever the numbers are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (count, agents, agentsSpread) => {
          const companies = companiesOf(
            scenarioOf({
              companies: count,
              regions: { 'us-west1': count },
              advanced: 0,
              agents,
              agentsSpread,
            }),
          );
          expect(companies.reduce((sum, company) => sum + company.agents, 0)).toBe(agents);
          expect(companies.every(company => company.agents >= 0)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});
