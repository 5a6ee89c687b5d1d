// The part of the bill that runs code: the gateways, paid by the instance, and the companies' own services, paid by the
// request. Gateways are counted hour by hour, since a quiet hour still pays for the fewest instances.

import { amountOf, type Bill, type Item, monthly } from './bill.ts';
import { DAYS_PER_MONTH, sum } from './month.ts';

const SECONDS_PER_HOUR = 3600;

export function fleetItems(bill: Bill): Item[] {
  return [...gatewayItems(bill), ...serviceItems(bill)];
}

function gatewayItems(bill: Bill): Item[] {
  const { vcpu, memoryGiB, instancesMin } = bill.scenario.platform.gateway;
  const regions = Object.keys(bill.scenario.platform.regions).sort();
  const perHour = regions.flatMap(region => gatewaysByHour(bill, region));
  const always = instancesMin * perHour.length;
  const secondsOf = (instanceHours: number) => instanceHours * SECONDS_PER_HOUR * DAYS_PER_MONTH;
  const minimum = secondsOf(always);
  const above = secondsOf(sum(perHour) - always);
  const where = `${instancesMin} instances in each of ${regions.length} regions`;
  return [
    {
      item: 'Cloud Run gateways, fewest instances: vCPU',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.run.instance.cpu',
      amount: minimum * vcpu,
      usage: `${amountOf(minimum * vcpu, 'vCPU-s')}: ${where}`,
    },
    {
      item: 'Cloud Run gateways, fewest instances: memory',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.run.instance.memory',
      amount: minimum * memoryGiB,
      usage: `${amountOf(minimum * memoryGiB, 'GiB-s')}: ${where}`,
    },
    {
      item: 'Cloud Run gateways, above the fewest: vCPU',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.run.instance.cpu',
      amount: above * vcpu,
      usage: amountOf(above * vcpu, 'vCPU-s'),
    },
    {
      item: 'Cloud Run gateways, above the fewest: memory',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.run.instance.memory',
      amount: above * memoryGiB,
      usage: amountOf(above * memoryGiB, 'GiB-s'),
    },
  ];
}

/** Instances of a region's gateway in each hour of the day: as the load, between the fewest and the most. */
export function gatewaysByHour({ scenario, traffic, month }: Bill, region: string): number[] {
  const { instancesMin, instancesMax } = scenario.platform.gateway;
  const { fleets, usage, measuredMs } = traffic;
  const home = month.regions.find(({ name }) => name === region);
  const seen = sum(fleets.map(({ instancesMean }) => instancesMean));
  const own = sum(fleets.filter(fleet => fleet.region === region).map(({ instancesMean }) => instancesMean));
  const share = seen === 0 ? (home?.share ?? 0) : own / seen;
  const instances = (usage.gatewayInstanceSeconds / (measuredMs / 1000)) * share;
  return Array.from({ length: 24 }, (_, hour) =>
    Math.min(instancesMax, Math.max(instancesMin, instances * (home?.hours[hour] ?? 0))),
  );
}

function serviceItems(bill: Bill): Item[] {
  const { facts, traffic } = bill;
  const seconds = monthly(bill, traffic.usage.serviceInstanceSeconds);
  const requests = monthly(bill, traffic.usage.serviceRequests);
  const cpu = seconds * facts['service.vcpu'];
  const memory = seconds * facts['service.memory-gib'];
  const shared = { kind: 'shared', splitBy: 'requests' } as const;
  return [
    {
      ...shared,
      item: 'Cloud Run companies’ services: vCPU',
      price: 'price.run.request.cpu',
      amount: cpu,
      usage: `${amountOf(cpu, 'vCPU-s')} with a request under way, ${facts['service.vcpu']} vCPU each`,
    },
    {
      ...shared,
      item: 'Cloud Run companies’ services: memory',
      price: 'price.run.request.memory',
      amount: memory,
      usage: `${amountOf(memory, 'GiB-s')} with a request under way, ${facts['service.memory-gib']} GiB each`,
    },
    {
      ...shared,
      item: 'Cloud Run companies’ services: requests',
      price: 'price.run.request.requests',
      amount: requests / 1e6,
      usage: amountOf(requests / 1e6, 'million requests'),
    },
  ];
}
