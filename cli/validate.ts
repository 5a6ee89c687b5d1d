// `sandtable validate FILE`: whether a document is a scenario that can run.

import { existsSync } from 'node:fs';
import { loadScenario } from './input.ts';

/** The line that says so; throws an INPUT error that lists every problem. A name without a file is a scenario's. */
export function validateFile(file: string): string {
  const { name, population, kpis } = loadScenario(
    existsSync(file) && !/[/\\]/.test(file) ? `./${file}` : file,
  );
  const regions = Object.keys(population.regions).length;
  const counts = [
    count(population.companies, 'company', 'companies'),
    count(regions, 'region', 'regions'),
    count(kpis.length, 'KPI', 'KPIs'),
  ];
  return `OK  ${name}: ${counts.join(', ')}`;
}

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
