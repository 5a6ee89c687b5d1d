// What the simulated users saw, counted as it happens: response times by region, level and kind, and the quota of each
// company held against the plan's, not against what the gateway believes.

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

/** Requests of one company in one minute of the clock: those that its quota has room for, and those that were served. */
export type QuotaMinute = { room: number; within: number; served: number };

const MINUTE_MS = 60_000;
/** Minutes since the epoch stay below it. */
const MINUTES_MAX = 2 ** 27;
const TOO_MANY_REQUESTS = 429;
const ERROR_FROM = 400;

export class Tally {
  private readonly cells = new Map<number, Cell>();
  private readonly companies: readonly PopulationCompany[];
  private readonly levels: Scenario['platform']['security']['levels'];
  /** Of a company's cells, by its position in the queue: region and level in alphabetical order. */
  private readonly places: readonly number[];
  private withinQuota = 0;
  private servedWithinQuota = 0;
  private minutes = new Map<number, QuotaMinute>();

  constructor(scenario: Scenario, companies: readonly PopulationCompany[]) {
    this.companies = companies;
    this.levels = scenario.platform.security.levels;
    const regions = Object.keys(scenario.population.regions).sort();
    const levels = Object.keys(this.levels).sort();
    this.places = companies.map(
      ({ region, level }) => regions.indexOf(region) * levels.length + levels.indexOf(level),
    );
  }

  /** A request of the company that counts towards its quota arrives. `before`: what was used before the window began. */
  arrived(company: number, atMs: number, before: (minute: number) => number): QuotaMinute {
    const minute = Math.floor(atMs / MINUTE_MS);
    const key = company * MINUTES_MAX + minute;
    let entry = this.minutes.get(key);
    if (entry === undefined) {
      const { requestsPerMinute } = this.levels[this.companies[company].level];
      entry = { room: Math.max(0, requestsPerMinute - before(minute)), within: 0, served: 0 };
      this.minutes.set(key, entry);
    }
    if (entry.within < entry.room) entry.within++;
    return entry;
  }

  /** Counted for the quota's KPI only: served by the edge, or free of quota. */
  free(isServed: boolean): void {
    this.withinQuota++;
    if (isServed) this.servedWithinQuota++;
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

  /** The window is over: what its companies were served beyond their quota is nobody's merit. */
  endWindow(): void {
    for (const { within, served } of this.minutes.values()) {
      this.withinQuota += within;
      this.servedWithinQuota += Math.min(within, served);
    }
    this.minutes = new Map();
  }

  figures(): { cells: TrafficCell[]; withinQuota: number; servedWithinQuota: number } {
    const cells = [...this.cells.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, cell]) => ({ ...cell, responseMs: cell.responseMs.data() }));
    return { cells, withinQuota: this.withinQuota, servedWithinQuota: this.servedWithinQuota };
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
