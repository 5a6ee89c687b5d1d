// What every part of the bill is made of: the facts, the month, what was used of each thing in it, and lines.

import type { PopulationCompany } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { CostFacts, PriceFact } from './costFacts.ts';
import { count } from './format.ts';
import type { TrafficMeasurement } from './measurement.ts';
import type { Month } from './month.ts';
import type { CostLine } from './report.ts';

export type Bill = {
  readonly scenario: Scenario;
  readonly companies: readonly PopulationCompany[];
  readonly traffic: TrafficMeasurement;
  readonly month: Month;
  readonly facts: CostFacts;
};

/** `checks`: of their health. `instances`: kept warm. */
export type SplitKey = 'companies' | 'agents' | 'requests' | 'checks' | 'instances';

/** `amount` of what the price is for; `usage` says it in words, and where it comes from. */
export type Item = {
  readonly item: string;
  readonly kind: CostLine['kind'];
  readonly splitBy: SplitKey;
  readonly price: PriceFact;
  readonly amount: number;
  readonly usage: string;
};

export type Line = CostLine & { readonly splitBy: SplitKey };

export function lineOf({ facts }: Bill, { item, kind, splitBy, price, amount, usage }: Item): Line {
  return { item, usdPerMonth: amount * facts[price], kind, splitBy, usage, fact: price, label: 'modelled' };
}

/** A month of what was used in the measured time. */
export function monthly({ month, traffic }: Bill, used: number): number {
  return (used / (traffic.measuredMs / 3_600_000)) * month.trafficHours;
}

/** Requests of one kind in a month, those that the companies' quotas refused left out. */
export function monthlyRequests(bill: Bill, kind: string): number {
  const cells = bill.traffic.cells.filter(cell => cell.kind === kind);
  return monthly(
    bill,
    cells.reduce((total, { requests, refused }) => total + requests - refused, 0),
  );
}

/** `1,600,000 vCPU-s`. */
export const amountOf = (amount: number, unit: string): string => `${count(amount)} ${unit}`;
