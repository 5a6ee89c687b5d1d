// The rest of the bill: Cloudflare and the way out, the companies' secrets and keys, logs and images.

import { amountOf, type Bill, type Item, monthly } from './bill.ts';
import type { PriceFact } from './costFacts.ts';
import { count } from './format.ts';
import { DAYS_PER_MONTH, HOURS_PER_MONTH } from './month.ts';

const GIB = 2 ** 30;
const GB = 1e9;

/** As the provisioner makes them: an advanced company has two more. A test holds the two together. */
const SECRETS = { basic: 2, advanced: 4 };

const EGRESS_TIERS: readonly { upToGiB: number; price: PriceFact; name: string }[] = [
  { upToGiB: 1024, price: 'price.egress.to-1-tib', name: 'first TiB' },
  { upToGiB: 10 * 1024, price: 'price.egress.to-10-tib', name: '2nd to 10th TiB' },
  { upToGiB: Infinity, price: 'price.egress.above-10-tib', name: 'above 10 TiB' },
];

export function edgeItems(bill: Bill): Item[] {
  return [...cloudflareItems(bill), ...egressItems(bill), ...secretItems(bill), ...otherItems(bill)];
}

function cloudflareItems({ scenario, facts }: Bill): Item[] {
  const { companies } = scenario.population;
  const free = facts['allowance.cloudflare.hostnames'];
  const paid = Math.max(0, companies - free);
  return [
    {
      item: 'Cloudflare: plan',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.cloudflare.plan',
      amount: 1,
      usage: 'one zone',
    },
    {
      item: 'Cloudflare: custom hostnames',
      kind: 'perCompany',
      splitBy: 'companies',
      price: 'price.cloudflare.hostname',
      amount: paid,
      usage: `${count(paid)} of ${count(companies)}: ${count(free)} are free`,
    },
  ];
}

/** A line for each tier that the month reaches into. */
function egressItems(bill: Bill): Item[] {
  const gib = monthly(bill, bill.traffic.usage.egressBytes) / GIB;
  return EGRESS_TIERS.flatMap(({ upToGiB, price, name }, i) => {
    const fromGiB = i === 0 ? 0 : EGRESS_TIERS[i - 1].upToGiB;
    const amount = Math.min(gib, upToGiB) - fromGiB;
    if (amount <= 0) return [];
    const usage = amountOf(amount, 'GiB');
    return [
      { item: `Egress to the edge: ${name}`, kind: 'shared', splitBy: 'requests', price, amount, usage },
    ];
  });
}

function secretItems({ scenario, facts }: Bill): Item[] {
  const { companies, advanced } = scenario.population;
  const secrets = (companies - advanced) * SECRETS.basic + advanced * SECRETS.advanced;
  const starts = facts['service.starts-per-day'];
  const accesses = secrets * starts * DAYS_PER_MONTH;
  const operations = companies * starts * DAYS_PER_MONTH;
  const each = `${count(starts)} starts a day and company`;
  const kind = { kind: 'perCompany', splitBy: 'companies' } as const;
  return [
    {
      ...kind,
      item: 'Secret Manager: versions',
      price: 'price.secret.version',
      amount: secrets,
      usage: `${amountOf(secrets, 'active versions')}: ${SECRETS.basic} a company, ${SECRETS.advanced} an advanced one`,
    },
    {
      ...kind,
      item: 'Secret Manager: accesses',
      price: 'price.secret.access',
      amount: accesses / 1e4,
      usage: `${count(accesses)}: each secret at each of ${each}`,
    },
    {
      ...kind,
      item: 'Cloud KMS: key versions',
      price: 'price.kms.version',
      amount: companies,
      usage: `${amountOf(companies, 'active versions')}: one a company`,
    },
    {
      ...kind,
      item: 'Cloud KMS: operations',
      price: 'price.kms.operation',
      amount: operations / 1e4,
      usage: `${count(operations)}: one at each of ${each}`,
    },
  ];
}

function otherItems(bill: Bill): Item[] {
  const { facts, scenario, traffic } = bill;
  const logged = monthly(bill, traffic.usage.auditBytes) / GIB;
  const free = facts['allowance.logging'];
  const paid = Math.max(0, logged - free);
  // The gateway has an image too.
  const images = new Set(Object.values(scenario.platform.templates).map(({ image }) => image)).size + 1;
  const stored = (images * facts['artifact.versions'] * facts['bytes.image']) / GB;
  const rules = Object.keys(scenario.platform.regions).length;
  return [
    {
      item: 'Cloud Logging: audit trails',
      kind: 'shared',
      splitBy: 'requests',
      price: 'price.logging',
      amount: paid,
      usage: `${count(paid)} of ${amountOf(logged, 'GiB')}: ${count(free)} are free`,
    },
    {
      item: 'Artifact Registry: images',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.artifact',
      amount: stored,
      usage: `${amountOf(stored, 'GB')}: ${count(images)} images, ${count(facts['artifact.versions'])} versions of each`,
    },
    {
      item: 'Load balancer: forwarding rules',
      kind: 'fixed',
      splitBy: 'companies',
      price: 'price.lb.rule',
      amount: rules * HOURS_PER_MONTH,
      usage: `${count(rules)}, one a region`,
    },
  ];
}
