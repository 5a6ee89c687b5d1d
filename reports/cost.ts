// The bill of a month, a first honest one: what the traffic was measured to use, extrapolated by the day's profile, and
// what companies and agents need by stated rules, times dated list prices. What has no price is listed by name.

import { companiesOf } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { type Bill, type Line, lineOf, type SplitKey } from './bill.ts';
import { checkItems, checksPerMinute, instancesKept } from './checkCost.ts';
import { costFactsOf } from './costFacts.ts';
import { edgeItems } from './edgeCost.ts';
import { fleetItems } from './fleetCost.ts';
import { count, duration } from './format.ts';
import type { TrafficMeasurement } from './measurement.ts';
import { DAYS_PER_MONTH, monthOf, sum } from './month.ts';
import type { CostReport } from './report.ts';
import { storeItems } from './storeCost.ts';

export { COST_FACTS } from './costFacts.ts';

const UNPRICED: readonly string[] = [
  'MongoDB Atlas: backup, data transfer, storage beyond a tier’s own, operations a second',
  'Cloudflare Load Balancing',
  'the way out of answers to health checks',
  'the rounding up to 100 ms of the time in which companies’ services have users’ requests',
  'data that the load balancer processes, Cloud NAT and private connections',
  'traffic between regions',
  'logs kept beyond 30 days, logs other than the audit trail, metrics and alerts',
  'a standby for the loss of a region',
  'SallyPort',
  'what companies’ services call outside of the platform, language models among it',
  'the rollout itself, tests and other environments',
  'support plans, people, taxes',
];

/** Dollars a month of the whole platform and of one company; a function of its arguments alone. */
export function costOf(
  scenario: Scenario,
  traffic: TrafficMeasurement,
  factValue: (id: string) => number,
): CostReport {
  if (!(traffic.measuredMs > 0)) throw new Error('a bill needs traffic that was measured for some time');
  const bill: Bill = {
    scenario,
    companies: companiesOf(scenario),
    traffic,
    month: monthOf(scenario),
    facts: costFactsOf(factValue),
  };
  const items = [...fleetItems(bill), ...checkItems(bill), ...storeItems(bill), ...edgeItems(bill)];
  const lines = items.map(item => lineOf(bill, item));
  return {
    perCompanyUsdMonth: sum(lines.map(({ usdPerMonth }) => usdPerMonth)) / scenario.population.companies,
    lines,
    unpriced: UNPRICED,
    extrapolation: extrapolationOf(bill),
    byLevel: byLevel(bill, lines),
  };
}

function extrapolationOf({ month, traffic }: Bill): string {
  if (month.trafficHours === 0)
    return 'Nothing is due in the traffic’s time, so nothing that grows with traffic could be extrapolated: it is missing.';
  return (
    `What ${duration(traffic.measuredMs)} of traffic used stands for all of the traffic’s time. A month is ${DAYS_PER_MONTH} days ` +
    `alike, weekends too, and worth ${count(month.trafficHours)} hours of that traffic by the day’s profile, hour by hour at the ` +
    'home regions’ local time, without the traffic’s events. Gateway instances follow the load between their fewest and ' +
    'their most, an upper bound where the measured time ran at the fewest. List prices, without commitments; no free ' +
    'tiers but those that a line names.'
  );
}

/** Dollars a month of the mean company of each level, every line split by its key. */
function byLevel({ scenario, companies, traffic }: Bill, lines: readonly Line[]): Record<string, number> {
  const levels = [...new Set(companies.map(({ level }) => level))];
  const weigh = (level: string): Record<SplitKey, number> => {
    const own = companies.filter(company => company.level === level);
    return {
      companies: own.length,
      agents: sum(own.map(({ agents }) => agents)),
      checks: sum(own.map(checksPerMinute)),
      instances: sum(own.map(company => instancesKept(company, scenario))),
      requests: sum(traffic.cells.filter(cell => cell.level === level).map(({ requests }) => requests)),
    };
  };
  const weights = new Map(levels.map(level => [level, weigh(level)]));
  const totalOf = (key: SplitKey) => sum([...weights.values()].map(weight => weight[key]));
  return Object.fromEntries(
    [...weights].map(([level, weight]) => {
      // Without any agent or request the companies share alike.
      const shareOf = (key: SplitKey) => {
        const used = totalOf(key) === 0 ? 'companies' : key;
        return weight[used] / totalOf(used);
      };
      const usd = sum(lines.map(({ usdPerMonth, splitBy }) => usdPerMonth * shareOf(splitBy)));
      return [level, usd / weight.companies];
    }),
  );
}
