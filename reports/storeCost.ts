// The part of the bill that keeps data: MongoDB Atlas and Redis by size in each region, Firestore and Pinecone by what is
// kept and used. How large anything is follows from companies and agents by assumed sizes; the usage says by which rule.

import { atlasSizeOf } from './atlasSize.ts';
import { amountOf, type Bill, type Item, monthly, monthlyRequests } from './bill.ts';
import { REDIS_TIERS } from './costFacts.ts';
import { gatewaysByHour } from './fleetCost.ts';
import { count } from './format.ts';
import { HOURS_PER_MONTH, type RegionMonth, sum } from './month.ts';

const GIB = 2 ** 30;
const GB = 1e9;
/** The vendor's fixed tier of a sharded cluster's config servers, on Atlas' page of limits. */
const CONFIG_SERVERS = 'price.atlas.m30';

export function storeItems(bill: Bill): Item[] {
  const { regions } = bill.month;
  return [
    ...regions.flatMap(region => atlasItems(bill, region)),
    ...regions.map(region => redisItem(bill, region)),
    ...firestoreItems(bill),
    ...pineconeItems(bill),
  ];
}

function atlasItems(bill: Bill, region: RegionMonth): Item[] {
  const { facts } = bill;
  /** One for each Atlas project of the region; its companies are spread evenly over them, and the gateways ask all. */
  const clusters = bill.scenario.platform.regions[region.name].atlas.length;
  const { gateways, services } = processesOf(bill, region);
  const needs = {
    memoryGiB:
      (recordBytes(bill, region) * facts['atlas.hot-share']) / facts['atlas.cache-share'] / GIB / clusters,
    connections: (gateways + services / clusters) * facts['atlas.connections-per-instance'],
    collections: (region.companies * facts['atlas.collections-per-company']) / clusters,
  };
  const { tier, replicaSets } = atlasSizeOf(needs, facts);
  const name = tier.toUpperCase();
  const kind = { kind: 'perCompany', splitBy: 'agents' } as const;
  const cluster: Item = {
    ...kind,
    item: `MongoDB Atlas, ${region.name}`,
    price: `price.atlas.${tier}`,
    amount: clusters * replicaSets * HOURS_PER_MONTH,
    usage:
      `${clusters === 1 ? '' : `${count(clusters)} clusters, each `}${replicaSets === 1 ? `one ${name}` : `${count(replicaSets)} ${name}s`}, the smallest that holds` +
      ` ${amountOf(needs.memoryGiB, 'GiB of memory')}, ${amountOf(needs.connections, 'connections')}` +
      ` and ${amountOf(needs.collections, 'collections and indexes')}; operations a second are no part of the rule`,
  };
  if (replicaSets === 1) return [cluster];
  const servers: Item = {
    ...kind,
    item: `MongoDB Atlas, ${region.name}: config servers`,
    price: CONFIG_SERVERS,
    amount: clusters * HOURS_PER_MONTH,
    usage: clusters === 1 ? 'one M30' : `${count(clusters)} of one M30`,
  };
  return [cluster, servers];
}

function recordBytes({ facts }: Bill, { agents, companies }: RegionMonth): number {
  return agents * facts['bytes.agent-record'] + companies * facts['bytes.company-record'];
}

/**
 * Processes with connections in the busiest hour: the gateways', one for each vCPU, and the services' instances: one for
 * each company, since an idle one is kept for a while, or as many as are busy.
 */
function processesOf(bill: Bill, region: RegionMonth): { gateways: number; services: number } {
  const { usage, measuredMs } = bill.traffic;
  const gateways = Math.max(...gatewaysByHour(bill, region.name)) * bill.scenario.platform.gateway.vcpu;
  const busy =
    (usage.serviceInstanceSeconds / (measuredMs / 1000)) * region.share * Math.max(...region.hours);
  return { gateways, services: Math.max(region.companies, busy) };
}

/** Every agent has a session, and every company's configuration is cached. */
function redisItem({ facts }: Bill, region: RegionMonth): Item {
  const bytes = region.agents * facts['bytes.session'] + region.companies * facts['bytes.answer.config'];
  const gib = Math.max(1, Math.ceil(bytes / facts['redis.fill'] / GIB));
  const instances = Math.ceil(gib / facts['quota.redis.size']);
  const each = Math.ceil(gib / instances);
  const tier = REDIS_TIERS.find(({ gibMax }) => each <= gibMax)!;
  const size = `${count(each)} GiB, tier ${tier.name.toUpperCase()}`;
  return {
    item: `Memorystore Redis, ${region.name}`,
    kind: 'perCompany',
    splitBy: 'agents',
    price: `price.redis.${tier.name}`,
    amount: instances * each * HOURS_PER_MONTH,
    usage: `${instances === 1 ? size : `${count(instances)} of ${size}`}: a session of every agent, every company’s configuration`,
  };
}

function firestoreItems(bill: Bill): Item[] {
  const { facts, traffic, scenario } = bill;
  const calls = monthly(bill, traffic.usage.serviceRequests);
  const reads = calls * facts['firestore.reads-per-call'];
  const writes = calls * facts['firestore.writes-per-call'];
  const gib = (scenario.population.agents * facts['firestore.bytes-per-agent']) / GIB;
  return [
    {
      item: 'Firestore: reads',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.firestore.read',
      amount: reads / 1e5,
      usage: `${amountOf(reads / 1e6, 'million')}: ${facts['firestore.reads-per-call']} a request to a company’s service`,
    },
    {
      item: 'Firestore: writes',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.firestore.write',
      amount: writes / 1e5,
      usage: `${amountOf(writes / 1e6, 'million')}: ${facts['firestore.writes-per-call']} a request to a company’s service`,
    },
    {
      item: 'Firestore: storage',
      kind: 'perCompany',
      splitBy: 'agents',
      price: 'price.firestore.storage',
      amount: gib,
      usage: amountOf(gib, 'GiB'),
    },
  ];
}

function pineconeItems(bill: Bill): Item[] {
  const { facts, scenario } = bill;
  const calls = monthlyRequests(bill, 'tools/call');
  const gb = (scenario.population.agents * bytesPerAgent(bill)) / GB;
  const reads = calls * facts['pinecone.queries-per-tool-call'] * readUnitsPerQuery(bill);
  const written = calls * facts['pinecone.vectors-written-per-tool-call'];
  const writes =
    ((written * facts['pinecone.bytes-per-vector']) / 1000) * facts['pinecone.write-units-per-kb'];
  const used: Item[] = [
    {
      item: 'Pinecone: storage',
      kind: 'perCompany',
      splitBy: 'agents',
      price: 'price.pinecone.storage',
      amount: gb,
      usage: amountOf(gb, 'GB'),
    },
    {
      item: 'Pinecone: read units',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.pinecone.read',
      amount: reads / 1e6,
      usage: `${amountOf(reads / 1e6, 'million')}: ${facts['pinecone.queries-per-tool-call']} queries a tools/call, by the size of the company’s namespace`,
    },
    {
      item: 'Pinecone: write units',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.pinecone.write',
      amount: writes / 1e6,
      usage: `${amountOf(writes / 1e6, 'million')}: ${facts['pinecone.vectors-written-per-tool-call']} vectors a tools/call`,
    },
  ];
  const minimum = facts['price.pinecone.minimum'];
  const spent = sum(used.map(({ amount, price }) => amount * facts[price]));
  return [
    ...used,
    {
      item: 'Pinecone: rest of the monthly minimum',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.pinecone.minimum',
      amount: Math.max(0, 1 - spent / minimum),
      usage: `${count(minimum)} dollars at least`,
    },
  ];
}

const bytesPerAgent = ({ facts }: Bill): number =>
  facts['pinecone.vectors-per-agent'] * facts['pinecone.bytes-per-vector'];

/** Agents ask alike, so a large company's namespace is asked more often, and each of its queries costs more. */
function readUnitsPerQuery(bill: Bill): number {
  const { companies, facts } = bill;
  const agents = sum(companies.map(company => company.agents));
  const units = companies.map(company =>
    Math.max(
      facts['pinecone.read-units-min'],
      ((company.agents * bytesPerAgent(bill)) / GB) * facts['pinecone.read-units-per-gb'],
    ),
  );
  return agents === 0 ? 0 : sum(units.map((unit, i) => unit * companies[i].agents)) / agents;
}
