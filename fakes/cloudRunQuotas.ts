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
import { invalid } from './cloudRunRefusals.ts';
import type { Share } from './companyInstances.ts';
import { googleExhausted } from './google.ts';
import type { FakeReply, World } from './service.ts';

const MIB_BYTES = 1_048_576;

/** At most so many services and serving revisions of a region. Counting them all at each creation would take ever longer. */
type AtMost = { services: number; serving: number };

/** How many of them there may be: services, and revisions that serve. `self` is the one that is changed. */
export function createCountRefusal(world: World) {
  const counted = new Map<string, AtMost>();
  return (
    region: string,
    deployments: Iterable<Deployment>,
    self: Deployment | undefined,
    spec: Spec,
    nowMs: number,
  ): FakeReply | undefined => {
    const servicesMax = world.valueOf('quota.cloud-run.services');
    const revisionsMax = world.valueOf('quota.cloud-run.serving-revisions');
    const own = new Set((spec.traffic ?? []).map(({ revision = 'latest' }) => revision)).size || 1;
    const atMost = counted.get(region) ?? { services: 0, serving: 0 };
    counted.set(region, atMost);
    atMost.services++;
    atMost.serving += own;
    if (atMost.services <= servicesMax && atMost.serving <= revisionsMax) return undefined;
    atMost.services = 1;
    atMost.serving = own;
    for (const other of deployments) {
      if (other === self || !isAlive(other, nowMs)) continue;
      atMost.services++;
      atMost.serving += servingCount(other, nowMs);
    }
    if (atMost.services > servicesMax) return exhausted('ServicesPerProjectRegion', servicesMax);
    return atMost.serving > revisionsMax
      ? exhausted('ServingRevisionsPerProjectRegion', revisionsMax)
      : undefined;
  };
}

/** Most services have never been changed, and there are thousands of them. */
const servingCount = (deployment: Deployment, nowMs: number) =>
  deployment.revisions.length === 1 ? 1 : servingRevisions(deployment, nowMs).size;

/** The vendor documents the numbers, and not the names of these two quotas: assumed. */
const exhausted = (quota: string, max: number) => googleExhausted('run.googleapis.com', quota, max);

/** How many instances a revision may have: refused as a wrong value, in the vendor's words, which name the quotas. */
export function allocationRefusal(
  world: World,
  request: string,
  { template, scaling }: Spec,
): FakeReply | undefined {
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
    ({ quota: name, each, allowed }) => `${name} requested: ${instances * each} allowed: ${allowed}`,
  );
  const [{ quota, what }] = violated;
  const message = `Max instances must be set to ${most} or fewer to set the requested total ${what}.`;
  const description = [message, '', 'Quota violated:', ...lines].join('\n');
  const field = 'service.template.scaling.max_instance_count';
  return { ...invalid(request, field, description), latency: 'lat.refusal', quota };
}

/** What each instance takes of the project's part of its region. */
export function shareOf(deployment: Deployment, nowMs: number): Share {
  const { spec } = observedAt(deployment, nowMs) ?? desiredAt(deployment, nowMs);
  const [region] = deployment.name.split('/services/');
  return { region, vcpu: Number(vcpuOf(spec.template)) };
}
