// Does the plan fit? What all companies together need of each thing that the vendors limit by number, by what they count
// it by, and how far down the queue there is room. Pure arithmetic over the plan; nothing has to be run for it.

import { SERVICE_INSTANCES_MAX } from '../limits.ts';
import { type Company, type Place, type Platform, placeOf } from './company.ts';
import type { StepKind } from './plan.ts';
import { scopeOfStep } from './room.ts';
import { registeredDomainOf } from './vendorLimits.ts';

export type Need = {
  /** The limit's id in the catalogue of facts. */
  readonly quota: string;
  /** Of one that is by the week: in all of the rollout's time. */
  readonly limit: number;
  /** Of the project, region or zone that needs most: which one, and how much. */
  readonly scope: string;
  readonly needed: number;
  /** Companies at the head of the queue that there is room for; null when there is room for all. */
  readonly companiesMax: number | null;
};

/**
 * What one company adds to a count, and to which. `each`: it must fit by itself, whatever the others have. `thing`: of the
 * platform's set-up, which the companies share that need it; the first of them adds it.
 */
type Use = {
  readonly quota: string;
  readonly scope: string;
  readonly amount: number;
  readonly each?: true;
  readonly thing?: string;
};

/** `factValue`: of a limit or a price by its id in the catalogue. */
export function needsOf(
  companies: readonly Company[],
  platform: Platform,
  factValue: (fact: string) => number,
  deadlineMs: number,
): Need[] {
  const counts = new Map<string, { quota: string; scope: string; needed: number }>();
  const companiesMax = new Map<string, number>();
  const limits = new Map<string, number>();
  const things = new Set<string>();
  const limitOf = (quota: string) =>
    quota === WEEKLY ? Math.floor(factValue(quota) * (1 + deadlineMs / WEEK_MS)) : factValue(quota);
  for (const company of companies)
    for (const { quota, scope, amount, each, thing } of usesOf(company, platform, factValue)) {
      const key = `${quota} ${scope}`;
      if (thing !== undefined && things.has(`${key} ${thing}`)) continue;
      if (thing !== undefined) things.add(`${key} ${thing}`);
      const count = counts.get(key) ?? { quota, scope, needed: 0 };
      count.needed = each ? Math.max(count.needed, amount) : count.needed + amount;
      counts.set(key, count);
      if (!limits.has(quota)) limits.set(quota, limitOf(quota));
      if (count.needed > limits.get(quota)! && !companiesMax.has(quota))
        companiesMax.set(quota, company.index);
    }
  const largest = Map.groupBy(counts.values(), ({ quota }) => quota);
  return [...largest.values()].map(own => {
    const { quota, scope, needed } = own.reduce((most, each) => (each.needed > most.needed ? each : most));
    return { quota, limit: limits.get(quota)!, scope, needed, companiesMax: companiesMax.get(quota) ?? null };
  });
}

function usesOf(company: Company, platform: Platform, factValue: (fact: string) => number): Use[] {
  const placed = { company, place: placeOf(company, platform) };
  const one = (quota: string, kind: StepKind): Use => ({
    quota,
    scope: scopeOfStep(kind, placed)!,
    amount: 1,
  });
  const { vcpu, memoryGiB } = platform.templates[company.industry].resources;
  const { max: instances } = platform.security?.levels[company.level]?.serviceInstances ?? {
    max: SERVICE_INSTANCES_MAX,
  };
  const service = { scope: scopeOfStep('service', placed)!, each: true } as const;
  const uses: Use[] = [
    { quota: 'quota.cloud-run.cpu', ...service, amount: instances * vcpu },
    { quota: 'quota.cloud-run.memory', ...service, amount: instances * memoryGiB },
    one('quota.cloud-run.services', 'service'),
    // As long as none is changed: a change has two of them serve for a while.
    one('quota.cloud-run.serving-revisions', 'service'),
    one('quota.atlas.users', 'databaseUser'),
    one('quota.atlas.roles', 'databaseRole'),
    one('quota.pinecone.namespaces', 'namespace'),
    ...setUpOf(placed.place, factValue),
  ];
  if (platform.dns === 'wildcard') return uses;
  if (platform.certificateAuthority === 'lets_encrypt')
    uses.push({ quota: WEEKLY, scope: registeredDomainOf(placed.place.zone.domain), amount: 1 });
  return [
    ...uses,
    one('quota.cloudflare.records-per-zone', 'dnsRecord'),
    one('quota.cloudflare.hostnames', 'certificate'),
  ];
}

/** Of new names: a week's are there at once, and as many come in each week that the rollout may take. */
const WEEKLY = 'quota.lets-encrypt.certificates';
const WEEK_MS = 604_800_000;

/** Of the smallest dedicated cluster that there is: how large one must be is for the bill to say. */
const CLUSTER_PRICE = 'price.atlas.m10';

/** What must be there before the company is: its Atlas project, its cluster and its index. All in one organisation. */
function setUpOf(
  { atlasProject, atlasCluster, pineconeHost }: Place,
  factValue: (fact: string) => number,
): Use[] {
  const cluster = `${atlasProject}/${atlasCluster}`;
  const organisation = 'the organisation';
  const thing = (quota: string, scope: string, name: string, amount = 1): Use => ({
    quota,
    scope,
    amount,
    thing: name,
  });
  return [
    thing('quota.atlas.projects', organisation, atlasProject),
    thing('quota.atlas.clusters', `Atlas project ${atlasProject}`, cluster),
    thing('quota.atlas.billing', organisation, cluster, factValue(CLUSTER_PRICE)),
    thing('quota.pinecone.indexes', 'the Pinecone project', pineconeHost),
  ];
}
