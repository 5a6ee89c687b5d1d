// What the simulated users saw, counted as it happens: response times by region, level and kind, and the quota of each
// company held against the plan's, not against what the gateway believes.

import { QuotaTally } from '../fakes/quotaTally.ts';
import { Histogram } from '../reports/histogram.ts';
import type { TrafficCell } from '../reports/measurement.ts';
import type { PopulationCompany } from '../scenarios/population.ts';
import { REQUEST_KINDS, type Scenario } from '../scenarios/scenario.ts';

type Cell = {
  readonly region: string;
  readonly level: string;
  readonly kind: string;
  requests: number;
  errors: number;
  refused: number;
  readonly responseMs: Histogram;
};

const TOO_MANY_REQUESTS = 429;
const ERROR_FROM = 400;

export class Tally {
  private readonly cells = new Map<number, Cell>();
  private readonly companies: readonly PopulationCompany[];
  /** Of a company's cells, by its position in the queue: region and level in alphabetical order. */
  private readonly places: readonly number[];
  readonly quota: QuotaTally;

  constructor(scenario: Scenario, companies: readonly PopulationCompany[]) {
    this.companies = companies;
    const { levels: byLevel } = scenario.platform.security;
    this.quota = new QuotaTally(company => byLevel[companies[company].level].requestsPerMinute);
    const regions = Object.keys(scenario.population.regions).sort();
    const levels = Object.keys(byLevel).sort();
    this.places = companies.map(
      ({ region, level }) => regions.indexOf(region) * levels.length + levels.indexOf(level),
    );
  }

  /** An answer at its user; status 0 stands for none. */
  ended(company: number, kind: number, status: number, responseMs: number): void {
    const cell = this.cellOf(company, kind);
    cell.requests++;
    // Every request is a valid one: whatever is neither served nor refused by its own quota went wrong.
    if (status === 0 || (status >= ERROR_FROM && status !== TOO_MANY_REQUESTS)) cell.errors++;
    if (status === TOO_MANY_REQUESTS) cell.refused++;
    else cell.responseMs.record(responseMs);
  }

  figures(): { cells: TrafficCell[]; withinQuota: number; servedWithinQuota: number } {
    const cells = [...this.cells.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, cell]) => ({ ...cell, responseMs: cell.responseMs.data() }));
    return { cells, ...this.quota.figures() };
  }

  private cellOf(company: number, kind: number): Cell {
    const key = this.places[company] * REQUEST_KINDS.length + kind;
    let cell = this.cells.get(key);
    if (cell === undefined) {
      const { region, level } = this.companies[company];
      cell = {
        region,
        level,
        kind: REQUEST_KINDS[kind],
        requests: 0,
        errors: 0,
        refused: 0,
        responseMs: new Histogram(),
      };
      this.cells.set(key, cell);
    }
    return cell;
  }
}
