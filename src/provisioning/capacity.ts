// Does the plan fit? What all companies together need of each thing that the vendors limit by number, by what they count
// it by, and how far down the queue there is room. Pure arithmetic over the plan; nothing has to be run for it.

import { SERVICE_INSTANCES_MAX } from '../limits.ts';
import { type Company, type Place, type Platform, placeOf } from './company.ts';

export type Need = {
  /** The limit's id in the catalogue of facts. */
  readonly quota: string;
  readonly limit: number;
  /** Of the project, region or zone that needs most: which one, and how much. */
  readonly scope: string;
  readonly needed: number;
  /** Companies at the head of the queue that there is room for; null when there is room for all. */
  readonly companiesMax: number | null;
};

/** What one company adds to a count, and to which; `each`: it must fit by itself, whatever the others have. */
type Use = { readonly quota: string; readonly scope: string; readonly amount: number; readonly each?: true };

/** `limitOf`: a limit's value by its id in the catalogue. */
export function needsOf(
  companies: readonly Company[],
  platform: Platform,
  limitOf: (quota: string) => number,
): Need[] {
  const counts = new Map<string, { quota: string; scope: string; needed: number }>();
  const companiesMax = new Map<string, number>();
  const limits = new Map<string, number>();
  for (const company of companies)
    for (const { quota, scope, amount, each } of usesOf(company, placeOf(company, platform), platform)) {
      const key = `${quota} ${scope}`;
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

function usesOf(company: Company, place: Place, platform: Platform): Use[] {
  const { zone, googleProject, atlasProject, pineconeHost } = place;
  const one = (quota: string, scope: string): Use => ({ quota, scope, amount: 1 });
  const { vcpu, memoryGiB } = platform.templates[company.industry].resources;
  const { max: instances } = platform.security?.levels[company.level]?.serviceInstances ?? {
    max: SERVICE_INSTANCES_MAX,
  };
  const service = { scope: `${company.region} of ${googleProject}`, each: true } as const;
  const uses: Use[] = [
    { quota: 'quota.cloud-run.cpu', ...service, amount: instances * vcpu },
    { quota: 'quota.cloud-run.memory', ...service, amount: instances * memoryGiB },
    one('quota.cloud-run.services', `${company.region} of ${googleProject}`),
    one('quota.atlas.users', `Atlas project ${atlasProject}`),
    one('quota.atlas.roles', `Atlas project ${atlasProject}`),
    one('quota.pinecone.namespaces', pineconeHost),
  ];
  if (platform.dns === 'wildcard') return uses;
  return [
    ...uses,
    one('quota.cloudflare.records-per-zone', zone.domain),
    one('quota.cloudflare.hostnames', 'the account'),
  ];
}
