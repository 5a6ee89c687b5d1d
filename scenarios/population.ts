// The companies of a scenario in the order of the queue. A function of the scenario alone, never of the run's seed, so
// that all replications share one population; and of its values, never of the order in which a document lists them.

import { drawUint32, PURPOSE } from './draw.ts';
import { LEVELS, type Scenario } from './scenario.ts';

export type PopulationCompany = {
  /** Position in the queue, from 0. */
  readonly index: number;
  /** `c00042`. */
  readonly id: string;
  readonly region: string;
  readonly level: string;
  readonly industry: string;
  readonly configuration: 'basic' | 'advanced';
};

/** What a shuffle is for: two of them never share a draw. */
const LEVEL = 1;
const INDUSTRY = 2;

/** Exact counts of every region, level, industry and configuration; inside a batch the higher levels come first. */
export function companiesOf({ population, provisioning }: Scenario): PopulationCompany[] {
  const { companies, advanced } = population;
  const regions = interleave(population.regions, companies);
  const levels = shuffle(apportion(population.levels, companies), LEVEL);
  const industries = shuffle(apportion(population.industries, companies), INDUSTRY);
  sortBatches(levels, provisioning.batchSize);
  return regions.map((region, index) => ({
    index,
    id: `c${String(index).padStart(5, '0')}`,
    region,
    level: levels[index],
    industry: industries[index],
    configuration: isSpread(index, advanced, companies) ? 'advanced' : 'basic',
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

/** `total` names in the given shares: whole parts first, what is left to the largest remainders. */
function apportion(shares: Readonly<Record<string, number>>, total: number): string[] {
  const names = Object.keys(shares).sort();
  const counts = new Map(names.map(name => [name, Math.floor(shares[name] * total)]));
  const remainder = (name: string) => shares[name] * total - counts.get(name)!;
  const byRemainder = names.toSorted((a, b) => remainder(b) - remainder(a));
  let left = total - names.reduce((sum, name) => sum + counts.get(name)!, 0);
  for (const name of byRemainder) if (left-- > 0) counts.set(name, counts.get(name)! + 1);
  return names.flatMap(name => Array.from({ length: counts.get(name)! }, () => name));
}

function shuffle(names: readonly string[], purpose: number): string[] {
  const draws = names.map((_, index) => drawUint32(0, PURPOSE.population, [purpose, index]));
  const order = names.map((_, index) => index).sort((a, b) => draws[a] - draws[b] || a - b);
  return order.map(index => names[index]);
}

function sortBatches(levels: string[], batchSize: number): void {
  const rank = (level: string) => (LEVELS as readonly string[]).indexOf(level);
  for (let start = 0; start < levels.length; start += batchSize) {
    const batch = levels.slice(start, start + batchSize).sort((a, b) => rank(a) - rank(b));
    for (let i = 0; i < batch.length; i++) levels[start + i] = batch[i];
  }
}

/** Whether `index` is one of `part` positions that lie evenly among `total`. */
function isSpread(index: number, part: number, total: number): boolean {
  return Math.floor(((index + 1) * part) / total) > Math.floor((index * part) / total);
}
