// The limits that calls waited for, as means a replication, and which of them binds the rollout.

import type { Scenario } from '../scenarios/scenario.ts';
import type { LimitMeasurement, RolloutMeasurement } from './measurement.ts';
import type { LimitReport } from './report.ts';

type Provisioning = Scenario['provisioning'];
type RateName = keyof Provisioning['limits'];

type OwnLimiter = {
  /** The scenario's rate for it. */
  readonly rate: RateName;
  /** How a person calls it. */
  readonly title: string;
  /** In the plan of one company that nothing goes wrong for. */
  readonly callsPerCompany: (provisioning: Provisioning) => number;
};

/** The rollout's own limiters. */
export const LIMITERS: Readonly<Record<string, OwnLimiter>> = {
  dnsRecordWrites: {
    rate: 'dnsRecordWritesPerMinute',
    title: 'DNS record writes',
    callsPerCompany: () => 1,
  },
  cloudRunDeploys: {
    rate: 'cloudRunDeploysPerMinute',
    title: 'Cloud Run deployments',
    callsPerCompany: () => 1,
  },
  databaseOperations: {
    rate: 'databaseOperationsPerMinute',
    title: 'database operations',
    callsPerCompany: ({ databaseOperationsPerCompany }) => databaseOperationsPerCompany,
  },
};

/** The vendors' rates that the provisioner keeps, whatever the scenario's are. */
const VENDOR_TITLES: Readonly<Record<string, string>> = {
  cloudflareRequests: 'Cloudflare API calls',
  cloudRunReads: 'Cloud Run reads of a project and region',
  cloudRunWrites: 'Cloud Run writes of a project and region',
  secretManagerReads: 'Secret Manager reads of a project',
  secretManagerWrites: 'Secret Manager writes of a project',
  kmsReads: 'Cloud KMS reads of a project and region',
  kmsWrites: 'Cloud KMS writes of a project and region',
  atlasUserRequests: 'Atlas calls for the database users of a project',
  letsEncryptCertificates: 'new certificates of Let’s Encrypt for a domain',
};

export const titleOfLimit = (name: string): string =>
  name === 'concurrency'
    ? 'companies under way at once'
    : (LIMITERS[name]?.title ?? VENDOR_TITLES[name] ?? name);

/** Empty without a rollout. */
export function limitReports(scenario: Scenario, rollouts: readonly RolloutMeasurement[]): LimitReport[] {
  const all = rollouts.flatMap(({ limits }) => limits);
  const groups = Map.groupBy(all, ({ kind, name }) => `${kind} ${name}`);
  return [...groups.values()].map(group => ({
    ...meansOf(group, rollouts.length),
    ...rateOf(scenario.provisioning, group[0], rollouts[0]),
  }));
}

function meansOf(
  group: readonly LimitMeasurement[],
  replications: number,
): LimitMeasurement & Pick<LimitReport, 'waitMsPerCall'> {
  const total = (of: (limit: LimitMeasurement) => number) => group.reduce((sum, limit) => sum + of(limit), 0);
  const calls = total(limit => limit.calls);
  const waitMs = total(limit => limit.waitMs);
  return {
    name: group[0].name,
    kind: group[0].kind,
    calls: calls / replications,
    waitMs: waitMs / replications,
    refusals: total(limit => limit.refusals) / replications,
    admissionBlockedMs: total(limit => limit.admissionBlockedMs) / replications,
    waitMsPerCall: calls === 0 ? 0 : waitMs / calls,
  };
}

/** From the plan, never from the calls made: a rollout that was given up made fewer, and retries make more. */
function rateOf(
  provisioning: Provisioning,
  { name, kind }: LimitMeasurement,
  { company, bounds }: RolloutMeasurement,
): Pick<LimitReport, 'perMinute' | 'boundMs'> {
  const vendor = kind === 'limiter' && name in VENDOR_TITLES && bounds.find(bound => bound.name === name);
  if (vendor) return { perMinute: vendor.perMinute, boundMs: vendor.boundMs };
  const limiter = kind === 'limiter' ? LIMITERS[name] : undefined;
  const perMinute = limiter === undefined ? null : provisioning.limits[limiter.rate];
  if (limiter === undefined || perMinute === null) return { perMinute: null, boundMs: null };
  const calls = company.length * limiter.callsPerCompany(provisioning);
  // The first call waits for nothing: a limiter has burst 1.
  return { perMinute, boundMs: ((calls - 1) * 60_000) / perMinute };
}

/** The limit that was waited for longest, limiter and quota alike; null when nothing ever waited. */
export function bindingLimitOf(limits: readonly LimitReport[]): string | null {
  return worstLimit(limits)?.name ?? null;
}

/** Summed over its calls; or, where that is longer, before the next company: a slow limit lets none in that would wait. */
export const waitedMs = ({ waitMs, admissionBlockedMs }: LimitReport): number =>
  Math.max(waitMs, admissionBlockedMs);

export function worstLimit(limits: readonly LimitReport[]): LimitReport | undefined {
  const waited = limits.filter(limit => waitedMs(limit) > 0);
  return waited.reduce<LimitReport | undefined>(
    (worst, each) => (worst && waitedMs(worst) >= waitedMs(each) ? worst : each),
    undefined,
  );
}
