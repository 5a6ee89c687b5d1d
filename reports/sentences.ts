// The sentences that every renderer says, so that terminal, Markdown and HTML cannot disagree.

import { count, duration, durationRange, grouped, oneLine, share, signedShare } from './format.ts';
import { LIMITERS, titleOfLimit, worstLimit } from './limits.ts';
import type { KpiReport, LimitReport, Report } from './report.ts';

export const CROSSCHECK =
  'none yet for rollouts: this version holds no simulated rollout against an emulated one';
export const PARTIAL = 'interrupted: what stands here is what had finished by then';

/** `1 of 4 required KPIs`, or what overrules the KPIs. */
export function verdictReason({ verdict, kpis, rollout }: Report): string {
  const { length } = rollout.violations;
  if (length > 0)
    return `the audit of the ledger found ${length === 1 ? 'a violation' : `${grouped(length)} violations`}`;
  const required = kpis.filter(kpi => kpi.required);
  if (required.length === 0) return 'the scenario requires no KPI';
  const such = required.filter(kpi => kpi.verdict === verdict).length;
  return `${such} of ${required.length} required ${required.length === 1 ? 'KPI' : 'KPIs'}`;
}

/** What stands behind a KPI's verdict; empty when nothing needs saying. */
export function kpiNote(kpi: KpiReport, { rollout }: Report): string {
  const { companies, mean } = rollout.queuedMs;
  const queued = kpi.name === 'provisioningMsP99' && companies > 0;
  return [
    kpi.reason,
    kpi.value === 'infinite' ? `${count(rollout.companies - rollout.completed)} companies are not ready` : '',
    kpi.survivesInputs === false ? 'another side of the target at low or high facts' : '',
    queued ? `queued before: ${duration(mean)} on average` : '',
    kpi.required ? '' : 'informative',
  ]
    .filter(Boolean)
    .join('; ');
}

/** `167 min ± 1.3 s, +0.2 % over the 167 min that Cloud Run deployments, 60 a minute, need at least`. */
export function rolloutTime({ rollout, limits }: Report): string {
  const { durationMs, durationMsSampling } = rollout;
  const sampling =
    durationMsSampling === null
      ? ''
      : ` ± ${duration((durationMsSampling.high - durationMsSampling.low) / 2)}`;
  const bound = slowestBound(limits);
  const over =
    bound === undefined || bound.boundMs === 0 || rollout.completed < rollout.companies
      ? ''
      : `, ${signedShare(durationMs / bound.boundMs! - 1)} over the ${duration(bound.boundMs!)} that ${limitTitle(bound)}, need at least`;
  return `${duration(durationMs)}${sampling}${over}`;
}

/** The limiter that bounds the rollout's duration; undefined when no limiter of ours has a rate. */
export function slowestBound(limits: readonly LimitReport[]): LimitReport | undefined {
  const bounded = limits.filter(limit => limit.boundMs !== null);
  return bounded.reduce<LimitReport | undefined>(
    (a, b) => (a && a.boundMs! >= b.boundMs! ? a : b),
    undefined,
  );
}

export function completedText({ rollout }: Report): string {
  const { companies, completed, undone, blocked, unfinished } = rollout;
  const others = Object.entries({ undone, blocked, unfinished }).filter(([, n]) => n > 0);
  const rest = others.map(([name, n]) => `${grouped(n)} ${name}`).join(', ');
  return `${grouped(completed)} of ${grouped(companies)} companies${rest && ` (${rest})`}`;
}

/** `Cloud Run deployments, 60 a minute`. */
export function limitTitle({ name, kind, perMinute }: LimitReport): string {
  const rate = perMinute === null ? '' : `, ${grouped(perMinute)} a minute`;
  return `${oneLine(titleOfLimit(name))}${kind === 'quota' ? ' (a quota of the cloud)' : ''}${rate}`;
}

export function breaksFirst({ limits, rollout }: Report): string {
  if (rollout.isResumed)
    return 'not known: the rollout was resumed, and what its first process waited for is not kept';
  const limit = worstLimit(limits);
  if (limit === undefined) return 'nothing: no call waited for a limit';
  if (limit.calls === 0) return `${limitTitle(limit)}: ${duration(limit.waitMs)} of waiting in all`;
  const refused = limit.refusals > 0 ? `, ${count(limit.refusals)} refusals` : '';
  const bound = limit.boundMs === null ? '' : `; ${duration(limit.boundMs)} at best for this rollout`;
  return `${limitTitle(limit)}: ${duration(limit.waitMsPerCall)} of waiting a call${refused}${bound}`;
}

export function observedText({ observed, label }: Report): string | null {
  if (observed === null) return null;
  const { expectation, provisioningMsMean, deviation, companies, prediction, withinPrediction } = observed;
  const side = observed.withinFivePercent ? 'within 5 %' : 'more than 5 % off';
  const batch =
    prediction === null
      ? ''
      : `; a batch of ${companies} has its mean in ${durationRange(prediction)}: ${withinPrediction ? 'it does' : 'it does not'}`;
  return `${duration(provisioningMsMean)} (measured) against ${duration(expectation)} (${label}): ${signedShare(deviation)}, ${side}${batch}`;
}

export function biggestGuessText({ biggestGuess }: Report): string {
  if (biggestGuess === null) return 'none: no guess moves the mean provisioning time';
  const { metric, label, shareOfMean } = biggestGuess;
  return `${metric} (${label}): its range moves mean provisioning time by ${share(shareOfMean)}`;
}

/** One what-if: twice the rate of the limiter that binds; null where that rate is not the scenario's to change. */
export function whatIf({ scenario, limits }: Report): string | null {
  const limit = worstLimit(limits);
  if (limit === undefined || limit.perMinute === null) return null;
  const { rate } = LIMITERS[limit.name];
  return `sandtable run ${oneLine(scenario)} --set provisioning.limits.${rate}=${limit.perMinute * 2}`;
}
