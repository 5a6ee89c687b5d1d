// `sandtable scenarios`: the project's own scenarios, the smallest first.

import { loadScenario, scenarioNames } from './input.ts';

/** One line a scenario: name, companies, what it answers. */
export function listScenarios(): string {
  const scenarios = scenarioNames()
    .map(name => loadScenario(name))
    .sort((a, b) => a.population.companies - b.population.companies);
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  const line = (name: string, companies: string, answers: string) =>
    `${name.padEnd(width)}  ${companies.padStart(9)}  ${answers}`;
  const lines = scenarios.map(({ name, population, description }) =>
    line(name, String(population.companies), description),
  );
  return [line('scenario', 'companies', 'what it answers'), ...lines].join('\n');
}
