// The limits that calls waited for, as means a replication, and which of them binds the rollout.

import type { Scenario } from '../scenarios/scenario.ts';
import type { LimitMeasurement, Replication } from './measurement.ts';
import type { LimitReport } from './report.ts';

type RateName = keyof Scenario['provisioning']['limits'];

/** The rollout's own limiters: the scenario's rate for each, and how a person calls it. */
export const LIMITERS: Readonly<Record<string, { readonly rate: RateName; readonly title: string }>> = {
  dnsRecordWrites: { rate: 'dnsRecordWritesPerMinute', title: 'DNS record writes' },
  cloudRunDeploys: { rate: 'cloudRunDeploysPerMinute', title: 'Cloud Run deployments' },
  databaseOperations: { rate: 'databaseOperationsPerMinute', title: 'database operations' },
};

export const titleOfLimit = (name: string): string =>
  name === 'concurrency' ? 'companies under way at once' : (LIMITERS[name]?.title ?? name);

export function limitReports(scenario: Scenario, replications: readonly Replication[]): LimitReport[] {
  const all = replications.flatMap(({ rollout }) => rollout.limits);
  const groups = Map.groupBy(all, ({ kind, name }) => `${kind} ${name}`);
  return [...groups.values()].map(group => limitReport(scenario, group, replications.length));
}

function limitReport(
  scenario: Scenario,
  group: readonly LimitMeasurement[],
  replications: number,
): LimitReport {
  const total = (of: (limit: LimitMeasurement) => number) => group.reduce((sum, limit) => sum + of(limit), 0);
  const { name, kind } = group[0];
  const calls = total(limit => limit.calls);
  const waitMs = total(limit => limit.waitMs);
  const rate = kind === 'limiter' ? LIMITERS[name]?.rate : undefined;
  const perMinute = rate === undefined ? null : scenario.provisioning.limits[rate];
  return {
    name,
    kind,
    calls: calls / replications,
    waitMs: waitMs / replications,
    refusals: total(limit => limit.refusals) / replications,
    admissionBlockedMs: total(limit => limit.admissionBlockedMs) / replications,
    waitMsPerCall: calls === 0 ? 0 : waitMs / calls,
    perMinute,
    // The first call waits for nothing: a limiter has burst 1.
    boundMs: perMinute === null ? null : (Math.max(calls / replications - 1, 0) * 60_000) / perMinute,
  };
}

/** The limit with the largest summed wait, limiter and quota alike; null when nothing ever waited. */
export function bindingLimitOf(limits: readonly LimitReport[]): string | null {
  return worstLimit(limits)?.name ?? null;
}

export function worstLimit(limits: readonly LimitReport[]): LimitReport | undefined {
  const waited = limits.filter(limit => limit.waitMs > 0);
  return waited.reduce<LimitReport | undefined>(
    (worst, each) => (worst && worst.waitMs >= each.waitMs ? worst : each),
    undefined,
  );
}
