// How much of Cloud Run one project may have in one region, checked before a deployment has its effect. The vendor
// refuses one whose instances could need more than the region allows; those of other services do not count there.

import { memoryMibOf, vcpuOf } from './cloudRunChecks.ts';
import {
  type Deployment,
  desiredAt,
  isAlive,
  observedAt,
  type Spec,
  servingRevisions,
} from './cloudRunDeployment.ts';
import type { Share } from './companyInstances.ts';
import { googleQuotaExhausted } from './google.ts';
import type { FakeReply, World } from './service.ts';

const MIB_BYTES = 1_048_576;

/** How many of them there may be: services, and revisions that serve. `self` is the one that is changed. */
export function countRefusal(
  world: World,
  region: Iterable<Deployment>,
  self: Deployment | undefined,
  spec: Spec,
  nowMs: number,
): FakeReply | undefined {
  const others = [...region].filter(each => each !== self && isAlive(each, nowMs));
  const servicesMax = world.valueOf('quota.cloud-run.services');
  if (others.length >= servicesMax) return exhausted('ServicesPerProjectRegion', 'services', servicesMax);
  const revisionsMax = world.valueOf('quota.cloud-run.serving-revisions');
  const named = new Set((spec.traffic ?? []).map(({ revision = 'latest' }) => revision));
  const serving = others.reduce((sum, each) => sum + servingRevisions(each, nowMs).size, named.size || 1);
  return serving > revisionsMax
    ? exhausted('ServingRevisionsPerProjectRegion', 'revisions serving traffic', revisionsMax)
    : undefined;
}

/** The vendor documents the numbers, and neither the names nor the words of these two refusals: assumed. */
const exhausted = (quota: string, what: string, max: number) =>
  googleQuotaExhausted('run.googleapis.com', quota, `Quota exceeded: ${max} ${what} per project and region.`);

/** What is wrong with the most instances that a revision may have, in the vendor's words; it names its quotas. */
export function allocationProblem(world: World, { template, scaling }: Spec): string | undefined {
  const instances = template.scaling?.maxInstanceCount ?? scaling?.maxInstanceCount;
  // A service that names no number gets what the region allows: assumed.
  if (instances === undefined) return undefined;
  const allocations = [
    {
      quota: 'CpuAllocPerProjectRegion',
      what: 'CPU',
      each: Number(vcpuOf(template)) * 1000,
      allowed: world.valueOf('quota.cloud-run.cpu') * 1000,
    },
    {
      quota: 'MemAllocPerProjectRegion',
      what: 'memory',
      each: memoryMibOf(template) * MIB_BYTES,
      allowed: world.valueOf('quota.cloud-run.memory') * 1024 * MIB_BYTES,
    },
  ];
  const violated = allocations.filter(({ each, allowed }) => instances * each > allowed);
  if (violated.length === 0) return undefined;
  const most = Math.min(...violated.map(({ each, allowed }) => Math.floor(allowed / each)));
  const lines = violated.map(
    ({ quota, each, allowed }) => `${quota} requested: ${instances * each} allowed: ${allowed}`,
  );
  return [
    `Max instances must be set to ${most} or fewer to set the requested total ${violated[0].what}.`,
    '',
    'Quota violated:',
    ...lines,
  ].join('\n');
}

/** What each instance takes of the project's part of its region. */
export function shareOf(deployment: Deployment, nowMs: number): Share {
  const { spec } = observedAt(deployment, nowMs) ?? desiredAt(deployment, nowMs);
  const [region] = deployment.name.split('/services/');
  return { region, vcpu: Number(vcpuOf(spec.template)) };
}
