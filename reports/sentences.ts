// The sentences that every renderer says, so that terminal, Markdown and HTML cannot disagree.

import {
  companyCount,
  count,
  duration,
  durationRange,
  grouped,
  oneLine,
  rate,
  share,
  signedShare,
} from './format.ts';
import { titleOfLimit, waitedMs, worstLimit } from './limits.ts';
import {
  hasRollout,
  hasTraffic,
  type KpiReport,
  type LimitReport,
  type Report,
  type WithRollout,
} from './report.ts';
import { PARTS, type Part } from './timelineRows.ts';
import { trafficBreaksFirst } from './trafficSentences.ts';

/** How every renderer calls what a step's time goes to. */
export const PART_TITLES: Readonly<Record<Part, string>> = {
  lost: 'lost to restarts',
  quota: 'quotas of the clouds',
  limiter: 'our own limiters',
  calls: 'calls',
  poll: 'waits until ready',
  retry: 'waits after faults',
};

export const PARTIAL = 'interrupted: what stands here is what had finished by then';

/** `1 of 4 required KPIs`, or what overrules the KPIs. */
export function verdictReason(report: Report): string {
  const wrong = wrongText(report);
  if (wrong !== null) return wrong;
  const required = report.kpis.filter(kpi => kpi.required);
  if (required.length === 0) return 'the scenario requires no KPI';
  const such = required.filter(kpi => kpi.verdict === report.verdict).length;
  return `${such} of ${required.length} required ${required.length === 1 ? 'KPI' : 'KPIs'}`;
}

/** What fails a run whatever its KPIs say; null when nothing does. */
export function wrongText({ rollout, traffic }: Report): string | null {
  const found = rollout?.violationCount ?? 0;
  const violations = found === 1 ? 'a violation' : `${grouped(found)} violations`;
  const wrong = [
    found > 0 ? `the audit of the ledger found ${violations}` : '',
    traffic !== null && traffic.countViolations.length > 0 ? 'the request counts disagree' : '',
  ].filter(Boolean);
  return wrong.length === 0 ? null : wrong.join(', and ');
}

/** Whatever is wrong or makes figures worthless: the sentences that are kept, and how many there were. */
export function violationsOf({ rollout, traffic }: Report): {
  readonly texts: readonly string[];
  readonly count: number;
} {
  const ofTraffic = traffic === null ? [] : [...traffic.countViolations, ...traffic.worthless];
  return {
    texts: [...(rollout?.violations ?? []), ...ofTraffic],
    count: (rollout?.violationCount ?? 0) + ofTraffic.length,
  };
}

/** `10,000 companies   20,000,000 agents   3 regions`, for any separator. */
export function sizeTexts({ companies, agents, regions }: Report): string[] {
  const regionCount = Object.keys(regions).length;
  return [
    companyCount(companies),
    `${grouped(agents)} ${agents === 1 ? 'agent' : 'agents'}`,
    `${regionCount} ${regionCount === 1 ? 'region' : 'regions'}`,
  ];
}

/** `emulated ×20`. */
export const labelText = ({ label, speed }: Report): string => (speed === 1 ? label : `${label} ×${speed}`);

/** Null where time did not run faster. */
export function speedText({ speed }: Report): string | null {
  if (speed === 1) return null;
  return `time ran ${speed} times faster than real: what local HTTP takes is multiplied by ${speed} in every provisioning time`;
}

export function changesText({ changes }: Report): string | null {
  return changes.length === 0 ? null : oneLine(changes.join(' '));
}

/** `… and 7 more`; null when all are shown. */
export const moreText = (total: number, shown: number): string | null =>
  total > shown ? `… and ${grouped(total - shown)} more` : null;

/** What stands behind a KPI's verdict; empty when nothing needs saying. */
export function kpiNote(kpi: KpiReport, report: Report): string {
  return [
    kpi.reason,
    kpi.survivesInputs === false ? 'another side of the target at low or high facts' : '',
    ...(kpi.name === 'provisioningMsP99' && hasRollout(report) ? provisioningNotes(kpi, report) : []),
    kpi.required ? '' : 'informative',
  ]
    .filter(Boolean)
    .join('; ');
}

function provisioningNotes(kpi: KpiReport, { rollout }: WithRollout): string[] {
  const { companies, mean } = rollout.queuedMs;
  const notReady = companyCount(rollout.companies - rollout.completed);
  return [
    kpi.value === 'infinite' ? `${notReady} are not ready` : '',
    companies > 0 ? `queued before: ${duration(mean)} on average` : '',
  ];
}

/** Of a rollout that is not complete: its own end, which says nothing of the time that it would have needed. */
function incompleteTime({ rollout, replications }: WithRollout): string {
  const { companies, completed, unfinished, worstReplication } = rollout;
  const end = unfinished > 0 ? 'given up' : 'ended';
  const { durationMs } = replications[worstReplication];
  return `${end} after ${duration(durationMs!)}, ${grouped(completed)} of ${companyCount(companies)} completed`;
}

/** `167 min ± 1.3 s, +0.2 % over the 167 min that Cloud Run deployments, 60 a minute, need at least`; null without a rollout. */
export function rolloutTime(report: Report): string | null {
  if (!hasRollout(report)) return null;
  const { rollout, limits } = report;
  const { durationMs, durationMsSampling, dwellMs } = rollout;
  const resumed = rollout.isResumed ? '; more than one process took part' : '';
  if (rollout.completed < rollout.companies) return `${incompleteTime(report)}${resumed}`;
  const sampling =
    durationMsSampling === null
      ? ''
      : ` ± ${duration((durationMsSampling.high - durationMsSampling.low) / 2)}`;
  const bound = slowestBound(limits);
  const over =
    bound === undefined || bound.boundMs === 0
      ? ''
      : `, ${signedShare((durationMs - dwellMs) / bound.boundMs! - 1)} over the ${duration(bound.boundMs!)} that ${limitTitle(bound)}, need at least`;
  const between = dwellMs === 0 ? '' : `, ${duration(dwellMs)} of it between waves`;
  return `${duration(durationMs)}${sampling}${between}${over}${resumed}`;
}

/** The limiter that bounds the rollout's duration; undefined when no limiter of ours has a rate. */
export function slowestBound(limits: readonly LimitReport[]): LimitReport | undefined {
  const bounded = limits.filter(limit => limit.boundMs !== null);
  return bounded.reduce<LimitReport | undefined>(
    (a, b) => (a && a.boundMs! >= b.boundMs! ? a : b),
    undefined,
  );
}

/** `17 → 100 → 1,000 companies: 2 of 2 gates passed`, or where it stopped and why; null without gates. */
export function wavesText({ rollout }: Report): string | null {
  if (rollout === null || rollout.waves.length === 0) return null;
  const { waves } = rollout;
  const sizes = `${waves.map(({ upTo }) => grouped(upTo)).join(' → ')} companies`;
  const stopped = waves.find(({ outcome }) => outcome === 'paused' || outcome === 'rolledBack');
  if (stopped !== undefined) {
    const what = stopped.outcome === 'paused' ? 'paused' : 'rolled back';
    return `${sizes}: ${what} after ${grouped(stopped.upTo)}: ${oneLine(stopped.reason)}`;
  }
  const gates = waves.slice(0, -1);
  const passed = gates.filter(({ outcome }) => outcome === 'passed').length;
  return `${sizes}: ${passed} of ${gates.length} gates passed`;
}

export function completedText({ rollout }: Report): string | null {
  if (rollout === null) return null;
  const { companies, completed, undone, blocked, noRoom, unfinished } = rollout;
  const { suspended, leaving, decommissioned } = rollout;
  const states = {
    ...{ undone, blocked, 'not begun for want of room': noRoom, unfinished },
    ...{ suspended, leaving, decommissioned },
  };
  const others = Object.entries(states).filter(([, n]) => n > 0);
  const rest = others.map(([name, n]) => `${grouped(n)} ${name}`).join(', ');
  return `${grouped(completed)} of ${companyCount(companies)}${rest && ` (${rest})`}`;
}

/** `Cloud Run deployments, 60 a minute`. */
export function limitTitle({ name, kind, perMinute }: LimitReport): string {
  const often = perMinute === null ? '' : `, ${rate(perMinute)}`;
  return `${oneLine(titleOfLimit(name))}${kind === 'quota' ? ' (a quota of the cloud)' : ''}${often}`;
}

/** Of what was run; with both phases, each by its name. */
export function breaksFirst(report: Report): string {
  const ofRollout = hasRollout(report) ? rolloutBreaksFirst(report) : null;
  const ofTraffic = hasTraffic(report) ? trafficBreaksFirst(report) : null;
  if (ofRollout === null || ofTraffic === null) return ofRollout ?? ofTraffic ?? 'nothing was run';
  return `rollout: ${ofRollout}; traffic: ${ofTraffic}`;
}

function rolloutBreaksFirst({ limits, rollout }: WithRollout): string {
  const limit = worstLimit(limits);
  if (limit === undefined) return 'nothing: no call waited for a limit';
  // Calls hardly wait for this one: companies do, before they are admitted.
  if (waitedMs(limit) > limit.waitMs || limit.calls === 0)
    return `${limitTitle(limit)}: admission was held for ${duration(waitedMs(limit))}`;
  const refusals = limit.refusals === 1 ? 'refusal' : 'refusals';
  const refused = limit.refusals > 0 ? `, ${count(limit.refusals)} ${refusals}` : '';
  const isComplete = rollout.completed === rollout.companies;
  const bound =
    limit.boundMs === null || !isComplete ? '' : `; ${duration(limit.boundMs)} at best for this rollout`;
  return `${limitTitle(limit)}: ${duration(limit.waitMsPerCall)} of waiting a call${refused}${bound}`;
}

/** `service: 12.3 s on average, 31 s at P99, 55 % of the time of all steps`; null where no step was made. */
export function slowestStepText({ rollout }: Report): string | null {
  const made = rollout?.waterfall.steps.filter(({ ending }) => ending === 'made') ?? [];
  if (made.length === 0) return null;
  const slowest = made.reduce((most, step) => (step.meanMs > most.meanMs ? step : most));
  const { kind, meanMs, p99Ms } = slowest;
  return `${oneLine(kind)}: ${duration(meanMs)} on average, ${duration(p99Ms)} at P99, ${share(slowest.share)} of the time of all steps`;
}

/** `calls 52 %, waits until ready 37 %, our own limiters 11 %`, the largest first; null where no step has ended. */
export function timeGoesText({ rollout }: Report): string | null {
  if (rollout === null || rollout.waterfall.steps.length === 0) return null;
  const { waterfall } = rollout;
  const spent = PARTS.filter(part => waterfall.parts[part].share > 0);
  const ordered = spent.toSorted((a, b) => waterfall.parts[b].share - waterfall.parts[a].share);
  return ordered.map(part => `${PART_TITLES[part]} ${share(waterfall.parts[part].share)}`).join(', ');
}

export function observedText({ observed, label, speed }: Report): string | null {
  if (observed === null) return null;
  const { expectation, provisioningMsMean, deviation, companies, prediction, withinPrediction } = observed;
  const side =
    observed.withinFivePercent === null
      ? `not judged at ${speed} times real speed`
      : observed.withinFivePercent
        ? 'within 5 %'
        : 'more than 5 % off';
  const batch =
    prediction === null
      ? ''
      : `; a batch of ${companyCount(companies)} has its mean in ${durationRange(prediction)}: ${withinPrediction ? 'it does' : 'it does not'}`;
  return `${duration(provisioningMsMean)} (measured) against ${duration(expectation)} (${label}): ${signedShare(deviation)}, ${side}${batch}`;
}

export function biggestGuessText({ biggestGuess, rollout }: Report): string | null {
  if (rollout === null) return null;
  if (biggestGuess === null) return 'none: no guess moves the mean provisioning time';
  const { metric, label, shareOfMean } = biggestGuess;
  return `${metric} (${label}): its range moves mean provisioning time by ${share(shareOfMean)}`;
}
