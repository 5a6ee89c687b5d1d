// The companies of a scenario in the order of the queue. A function of the scenario alone, never of the run's seed, so
// that all replications share one population; and of its values, never of the order in which a document lists them.

import { normalQuantile } from './distribution.ts';
import { drawUint32, PURPOSE } from './draw.ts';
import { LEVELS, type Scenario } from './scenario.ts';

export type PopulationCompany = {
  /** Position in the queue, from 0. */
  readonly index: number;
  /** `c00042`. */
  readonly id: string;
  readonly region: string;
  /** Position among the companies of its region, from 0. */
  readonly ordinal: number;
  readonly level: string;
  readonly industry: string;
  readonly configuration: 'basic' | 'advanced';
  readonly agents: number;
};

/** What a shuffle is for: two of them never share a draw. */
const LEVEL = 1;
const INDUSTRY = 2;
const SIZE = 3;

/** Exact counts of every region, level, industry and configuration; inside a batch the higher levels come first. */
export function companiesOf({ population, provisioning }: Scenario): PopulationCompany[] {
  const { companies, advanced } = population;
  const regions = interleave(population.regions, companies);
  const levels = shuffle(apportion(population.levels, companies), LEVEL);
  const industries = shuffle(apportion(population.industries, companies), INDUSTRY);
  sortBatches(levels, provisioning.batchSize);
  const agents = agentsOf(levels, population.agents, population.agentsSpread);
  const ordinals = ordinalsOf(regions);
  return regions.map((region, index) => ({
    index,
    id: `c${String(index).padStart(5, '0')}`,
    region,
    ordinal: ordinals[index],
    level: levels[index],
    industry: industries[index],
    configuration: isSpread(index, advanced, companies) ? 'advanced' : 'basic',
    agents: agents[index],
  }));
}

/**
 * One name a position, so that every beginning of the queue has the mix of the whole: the name that is furthest behind
 * its share comes next (smooth weighted round robin). Each name comes exactly as often as `counts` says.
 */
function interleave(counts: Readonly<Record<string, number>>, total: number): string[] {
  const names = Object.keys(counts).sort();
  const credit = names.map(() => 0);
  return Array.from({ length: total }, () => {
    let first = 0;
    for (let i = 0; i < names.length; i++) {
      credit[i] += counts[names[i]];
      if (credit[i] > credit[first]) first = i;
    }
    credit[first] -= total;
    return names[first];
  });
}

function ordinalsOf(regions: readonly string[]): number[] {
  const counts = new Map<string, number>();
  return regions.map(region => {
    const ordinal = counts.get(region) ?? 0;
    counts.set(region, ordinal + 1);
    return ordinal;
  });
}

/** `total` names in the given shares. */
function apportion(shares: Readonly<Record<string, number>>, total: number): string[] {
  const names = Object.keys(shares).sort();
  const counts = wholeParts(
    names.map(name => shares[name]),
    total,
  );
  return names.flatMap((name, i) => Array.from({ length: counts[i] }, () => name));
}

/** Whole numbers in the proportion of `shares`, which add up to 1: what rounding down leaves goes to the largest remainders. */
function wholeParts(shares: readonly number[], total: number): number[] {
  const parts = shares.map(share => Math.floor(share * total));
  const left = total - parts.reduce((sum, part) => sum + part, 0);
  const byRemainder = shares
    .map((share, i) => ({ i, remainder: share * total - parts[i] }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) parts[i]++;
  return parts;
}

/**
 * Agents by company: quantiles of a log-normal, one each, that sum to `total` exactly. Larger companies have the higher
 * levels (assumed); within a level a shuffle decides.
 */
function agentsOf(levels: readonly string[], total: number, spread: number): number[] {
  const draws = levels.map((_, index) => drawUint32(0, PURPOSE.population, [SIZE, index]));
  const order = levels
    .map((_, index) => index)
    .sort((a, b) => rank(levels[a]) - rank(levels[b]) || draws[a] - draws[b] || a - b);
  const weights = order.map((_, place) => Math.exp(-spread * normalQuantile((place + 0.5) / order.length)));
  const sum = weights.reduce((before, weight) => before + weight, 0);
  const parts = wholeParts(
    weights.map(weight => weight / sum),
    total,
  );
  const agents = levels.map(() => 0);
  for (const [place, index] of order.entries()) agents[index] = parts[place];
  return agents;
}

const rank = (level: string): number => (LEVELS as readonly string[]).indexOf(level);

function shuffle(names: readonly string[], purpose: number): string[] {
  const draws = names.map((_, index) => drawUint32(0, PURPOSE.population, [purpose, index]));
  const order = names.map((_, index) => index).sort((a, b) => draws[a] - draws[b] || a - b);
  return order.map(index => names[index]);
}

function sortBatches(levels: string[], batchSize: number): void {
  for (let start = 0; start < levels.length; start += batchSize) {
    const batch = levels.slice(start, start + batchSize).sort((a, b) => rank(a) - rank(b));
    for (let i = 0; i < batch.length; i++) levels[start + i] = batch[i];
  }
}

/** Whether `index` is one of `part` positions that lie evenly among `total`. */
function isSpread(index: number, part: number, total: number): boolean {
  return Math.floor(((index + 1) * part) / total) > Math.floor((index * part) / total);
}
