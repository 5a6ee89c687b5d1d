// Whether the plan fits what the vendors allow, in sentences: which limit, at how many companies, what would raise it; and
// for whom a run found no room.

import { companyCount, count, grouped } from './format.ts';
import type { NeedMeasurement } from './measurement.ts';
import { HOURS_PER_MONTH } from './month.ts';
import type { CostReport, Report } from './report.ts';

type Limited = {
  readonly title: string;
  /** What somebody can do about it. `times`: how often the limit is needed; `needed`: how much of it. */
  readonly raise: (times: number, needed: number) => string;
};

const several = (what: string, path: string) => (times: number) => `${times} times as many ${what} (${path})`;
/** `max`: the most that the vendor's own call sets the limit to. */
const atlasProjects = (max: number) => (times: number, needed: number) => {
  const timesRaised = Math.ceil(needed / max);
  const raised = `set to ${grouped(max)} by the Admin API`;
  return `${times} times as many Atlas projects (platform.regions), or ${
    timesRaised === 1 ? `a limit ${raised}` : `${timesRaised} times as many with their limits ${raised}`
  }`;
};
const wildcard = 'platform.dns=wildcard needs none';

const LIMITED: Readonly<Record<string, Limited>> = {
  'quota.cloud-run.services': {
    title: 'Cloud Run services of a project and region',
    raise: several('projects', 'platform.googleProjects'),
  },
  'quota.cloud-run.cpu': {
    title: 'vCPU that one service may have in a project and region',
    raise: () => 'a higher CpuAllocPerProjectRegion, or fewer instances a service',
  },
  'quota.cloud-run.memory': {
    title: 'GiB that one service may have in a project and region',
    raise: () => 'a higher MemAllocPerProjectRegion, or fewer instances a service',
  },
  'quota.cloud-run.serving-revisions': {
    title: 'Cloud Run revisions that serve in a project and region',
    raise: several('projects', 'platform.googleProjects'),
  },
  'quota.atlas.projects': {
    title: 'projects of an Atlas organisation',
    raise: () =>
      'a limit raised by MongoDB, or fewer projects with more users and roles each, set by the Admin API',
  },
  'quota.atlas.clusters': {
    title: 'clusters of an Atlas project',
    raise: atlasProjects(90),
  },
  'quota.atlas.billing': {
    title: 'USD an hour for the clusters of an Atlas organisation',
    raise: () => 'a limit raised by MongoDB, or fewer clusters (platform.regions)',
  },
  'quota.atlas.users': {
    title: 'database users of an Atlas project',
    raise: atlasProjects(900),
  },
  'quota.atlas.roles': {
    title: 'custom roles of an Atlas project',
    raise: atlasProjects(1_400),
  },
  'quota.cloudflare.records-per-zone': {
    title: 'DNS records of a Cloudflare zone',
    raise: times =>
      `${times} times as many zones (platform.zones), an Enterprise contract, or one wildcard record: ${wildcard}`,
  },
  'quota.cloudflare.hostnames': {
    title: 'custom hostnames of a Cloudflare zone',
    raise: times =>
      `${times} times as many zones (platform.zones), an Enterprise contract, or one wildcard record: ${wildcard}`,
  },
  'quota.lets-encrypt.certificates': {
    title: 'new certificates of Let’s Encrypt for a domain until run.deadline',
    raise: () =>
      `another authority (platform.certificateAuthority=google), or one wildcard record: ${wildcard}`,
  },
  'quota.pinecone.namespaces': {
    title: 'namespaces of a Pinecone index',
    raise: () => 'a second index for the region',
  },
  'quota.pinecone.indexes': {
    title: 'indexes of a Pinecone project',
    raise: () => 'another plan of the vendor, or a second project',
  },
};

const NOT_ENFORCED =
  'this run enforces none of these (provisioning.quotas); a placement that fits, under all of them: sandtable run rollout-vendor';

export const unmet = (needs: readonly NeedMeasurement[]): NeedMeasurement[] =>
  needs.filter(({ needed, limit }) => needed > limit);

/** Atlas' clusters as the bill has them, where there is one: the plan alone takes each for the smallest there is. */
export function billedNeeds(needs: readonly NeedMeasurement[], cost: CostReport | null): NeedMeasurement[] {
  const atlas = (cost?.lines ?? []).filter(({ item }) => item.startsWith('MongoDB Atlas,'));
  const usdPerHour = atlas.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0) / HOURS_PER_MONTH;
  return needs.map(need =>
    need.quota === 'quota.atlas.billing' && usdPerHour > need.needed
      ? { ...need, needed: Math.round(usdPerHour * 100) / 100 }
      : need,
  );
}

/** One sentence for each limit that the plan does not fit; the first to be reached comes first. */
export function capacityTexts({ rollout }: Report): string[] {
  if (rollout === null) return [];
  return unmet(rollout.needs)
    .sort((a, b) => (a.companiesMax ?? 0) - (b.companiesMax ?? 0))
    .map(needText);
}

/** For a plan that does not fit, in a run that does not care. */
export const capacityNote = ({ rollout }: Report): string | null =>
  rollout === null || rollout.enforcesNeeds || unmet(rollout.needs).length === 0 ? null : NOT_ENFORCED;

/** One sentence for each place in which there was no room, the one with the most companies first. */
export function noRoomTexts({ rollout }: Report): string[] {
  return (rollout?.full ?? []).map(({ step, scope, quota, undone, notBegun }) => {
    const companies = companyCount(undone + notBegun);
    return `${step} in ${scope}, by the quota ${quota}: ${companies}, ${grouped(notBegun)} not begun, ${grouped(undone)} begun and undone`;
  });
}

/** What becomes of those companies; null where there are none, or nothing can be gone on with. */
export const noRoomNote = ({ rollout, clock }: Report): string | null =>
  clock === 'virtual' || (rollout?.full ?? []).length === 0
    ? null
    : 'once there is room, the same command on the same fakes begins them';

function needText({ quota, limit, scope, needed, companiesMax }: NeedMeasurement): string {
  const { title, raise } = LIMITED[quota];
  // What the bill says needs more than the plan alone has no place in the queue.
  const room = companiesMax === null ? '' : `; room for ${grouped(companiesMax)} companies`;
  return `${title}: ${count(limit)}, the plan needs ${count(needed)} in ${scope}${room}; would do: ${raise(Math.ceil(needed / limit), needed)}`;
}

export const titleOfNeed = (quota: string): string => LIMITED[quota]?.title ?? quota;
