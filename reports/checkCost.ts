// The part of the bill that runs without any user: the monitor's checks of the companies' services, and the instances
// that a level keeps warm. The monitor asks day and night; what it asks of vendors' APIs costs nothing.

import type { PopulationCompany } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { amountOf, type Bill, type Item } from './bill.ts';
import { count } from './format.ts';
import { HOURS_PER_MONTH, sum } from './month.ts';

const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600;

/** As the monitor asks each company's service, by level. A test holds the two together. */
const CHECKS_PER_MINUTE = { DIAMOND: 2, others: 1 };

export const checksPerMinute = ({ level }: Pick<PopulationCompany, 'level'>): number =>
  level === 'DIAMOND' ? CHECKS_PER_MINUTE.DIAMOND : CHECKS_PER_MINUTE.others;

/** Instances of its own service that are kept for a company whatever it is asked. */
export const instancesKept = ({ level }: PopulationCompany, { platform }: Scenario): number =>
  platform.security.levels[level]?.serviceInstances?.min ?? 0;

export function checkItems(bill: Bill): Item[] {
  return [...healthItems(bill), ...keptItems(bill)];
}

/** Each check is taken to come alone: beside a request that is under way anyway it would cost less. */
function healthItems({ companies, facts }: Bill): Item[] {
  const checks = (sum(companies.map(checksPerMinute)) * SECONDS_PER_MONTH) / 60;
  const step = facts['run.billing-step'];
  const billedMs = Math.ceil(facts['lat.company-service.warm'] / step) * step;
  const seconds = (checks * billedMs) / 1000;
  const cpu = seconds * facts['service.vcpu'];
  const memory = seconds * facts['service.memory-gib'];
  const kind = { kind: 'perCompany', splitBy: 'checks' } as const;
  const each = `${count(billedMs)} ms of an instance for each check`;
  return [
    {
      ...kind,
      item: 'Cloud Run health checks: requests',
      price: 'price.run.request.requests',
      amount: checks / 1e6,
      usage: `${amountOf(checks / 1e6, 'million requests')}: each company once a minute, DIAMOND twice`,
    },
    {
      ...kind,
      item: 'Cloud Run health checks: vCPU',
      price: 'price.run.request.cpu',
      amount: cpu,
      usage: `${amountOf(cpu, 'vCPU-s')}: ${each}`,
    },
    {
      ...kind,
      item: 'Cloud Run health checks: memory',
      price: 'price.run.request.memory',
      amount: memory,
      usage: `${amountOf(memory, 'GiB-s')}: ${each}`,
    },
  ];
}

/** All month at the price of idle ones; while one has a request under way, the dearer price of that is paid as well. */
function keptItems({ scenario, companies, facts }: Bill): Item[] {
  const kept = sum(companies.map(company => instancesKept(company, scenario)));
  if (kept === 0) return [];
  const seconds = kept * SECONDS_PER_MONTH;
  const cpu = seconds * facts['service.vcpu'];
  const memory = seconds * facts['service.memory-gib'];
  const kind = { kind: 'perCompany', splitBy: 'instances' } as const;
  const each = `${count(kept)} instances, taken to be idle all month`;
  return [
    {
      ...kind,
      item: 'Cloud Run companies’ services kept warm: vCPU',
      price: 'price.run.request.idle-cpu',
      amount: cpu,
      usage: `${amountOf(cpu, 'vCPU-s')}: ${each}`,
    },
    {
      ...kind,
      item: 'Cloud Run companies’ services kept warm: memory',
      price: 'price.run.request.idle-memory',
      amount: memory,
      usage: `${amountOf(memory, 'GiB-s')}: ${each}`,
    },
  ];
}
