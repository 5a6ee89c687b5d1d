// The HTML report's section on where the time of the steps goes: a bar for four companies, and tables of the steps, of
// the path that they hang on, of what was queued, and of the slowest companies.

import { companyCount, count, duration, share } from './format.ts';
import { titleOfLimit } from './limits.ts';
import { type Content, figure, type Html, html, NOTHING, table } from './page.ts';
import type { WithRollout } from './report.ts';
import { PART_TITLES, slowestStepText, timeGoesText } from './sentences.ts';
import { PARTS, type Part } from './timelineRows.ts';
import type { CompanyWaterfall, StepTimeReport, WaterfallReport } from './waterfall.ts';
import { waterfallChart } from './waterfallChart.ts';

const RESUMED =
  'More than one process took part: what one that was stopped did of a step, and until another took it up, is lost to restarts.';

export function waterfallSection(report: WithRollout): Html {
  const { rollout, label } = report;
  const { waterfall } = rollout;
  return html`<h2>Waterfall</h2>
<p>Slowest step: ${slowestStepText(report) ?? 'none'}. The time goes to ${timeGoesText(report) ?? 'nothing'}. All steps of the worst replication are in <code>waterfall.csv</code>.</p>
${rollout.isResumed ? html`<p>${RESUMED}</p>` : NOTHING}
${waterfall.ranked.length === 0 ? NOTHING : html`<div class="figures">${figure(chartCaption(label), waterfallChart(report))}</div>`}
${stepsTable(waterfall, label)}
${pathTable(waterfall, label)}
${queuedTable(waterfall, rollout.companies, label)}
${waterfall.slowest.length === 0 ? NOTHING : slowestTable(waterfall.slowest, label)}`;
}

const chartCaption = (label: string) =>
  `From admission to healthy, in the replication with the fewest completed (${label}): the companies at P50, P95 and P99 of their time, and the slowest. Waits are lower than calls; within a step all stand in the order of the legend, since theirs is not kept.`;

const ENDING_TEXTS = {
  made: '',
  failed: ' (failed)',
  removed: ' (removed)',
  left: ' (not removed)',
  underWay: ' (under way)',
} as const;

const stepName = ({ kind, ending }: StepTimeReport): string => `${kind}${ENDING_TEXTS[ending]}`;

function stepsTable({ steps, parts }: WaterfallReport, label: string): Html {
  const rows = steps.map(step => [
    stepName(step),
    count(step.count),
    ...[step.meanMs, step.p50Ms, step.p95Ms, step.p99Ms, step.maxMs].map(duration),
    ...PARTS.map(part => partText(step.parts[part].meanMs)),
    share(step.share),
    label,
  ]);
  const totals = [
    'share of all',
    ...Array(6).fill(''),
    ...PARTS.map(part => share(parts[part].share)),
    share(1),
    label,
  ];
  const head = [
    'step',
    'count',
    'mean',
    'P50',
    'P95',
    'P99',
    'max',
    ...PARTS.map(titleOfPart),
    'share',
    'label',
  ];
  return table(
    'Time of each step over all replications, and what it goes to on average. Share: of the time of all steps.',
    head,
    steps.length === 0 ? [] : [...rows, totals],
    head.slice(1, -1).map((_, i) => i + 1),
  );
}

const titleOfPart = (part: Part): string => PART_TITLES[part];

const partText = (ms: number): string => (ms === 0 ? '–' : duration(ms));

function pathTable({ criticalPath }: WaterfallReport, label: string): Html {
  if (criticalPath === null) return NOTHING;
  const { steps, all, median, p99 } = criticalPath;
  const columns = [
    { group: all, of: ({ meanMs }: (typeof steps)[number]) => meanMs },
    { group: median, of: ({ medianMs }: (typeof steps)[number]) => medianMs },
    { group: p99, of: ({ p99Ms }: (typeof steps)[number]) => p99Ms },
  ];
  const cell = (ms: number, { meanMs }: { readonly meanMs: number }) =>
    meanMs === 0 ? '–' : `${duration(ms)} (${share(ms / meanMs)})`;
  const rows = steps.map(step => [
    step.kind,
    ...columns.map(
      ({ group, of }): Content =>
        step.kind === group.dominant
          ? html`<strong>${cell(of(step), group)}</strong>`
          : cell(of(step), group),
    ),
    label,
  ]);
  const total = ['whole path', ...columns.map(({ group }) => duration(group.meanMs)), label];
  const head = [
    'step',
    `all ${companyCount(all.companies)}`,
    `${companyCount(median.companies)} around the median`,
    `${companyCount(p99.companies)} from P99 on`,
    'label',
  ];
  return table(
    'Critical path: the longest chain of steps of each company that was completed, on average. Bold: the step that dominates.',
    head,
    [...rows, total],
    [1, 2, 3],
  );
}

function queuedTable({ queued }: WaterfallReport, companies: number, label: string): Html {
  const waited = queued.filter(({ beforeAdmissionMs, insideMs }) => beforeAdmissionMs + insideMs > 0);
  if (waited.length === 0) return NOTHING;
  const rows = waited.map(({ name, kind, beforeAdmissionMs, insideMs }) => [
    `${titleOfLimit(name)} (${kind})`,
    partText(beforeAdmissionMs),
    partText(insideMs),
    partText(insideMs / companies),
    label,
  ]);
  return table(
    'Time queued by limit, means a replication. Before admission: how long it held back the next company.',
    ['limit', 'before admission', 'while provisioning, summed', 'a company', 'label'],
    rows,
    [1, 2, 3],
  );
}

function slowestTable(companies: readonly CompanyWaterfall[], label: string): Html {
  const caption = 'The companies that took longest to end, in the replication with the fewest completed';
  const rows = companies.map(company => [
    company.company,
    company.outcome,
    duration(company.durationMs),
    longestSteps(company),
    label,
  ]);
  return table(caption, ['company', 'outcome', 'time', 'longest steps', 'label'], rows, [2]);
}

const STEPS_SHOWN = 3;

/** `service 31.2 s (waits until ready 24 s), health 4 s (calls 4 s)`. */
function longestSteps({ steps }: CompanyWaterfall): string {
  const longest = steps.toSorted((a, b) => b.endedMs - b.beganMs - (a.endedMs - a.beganMs));
  const texts = longest.slice(0, STEPS_SHOWN).map(({ step, ending, beganMs, endedMs, parts }) => {
    const most = PARTS.reduce((most, part) => (parts[part] > parts[most] ? part : most));
    const ms = endedMs - beganMs;
    return `${step}${ENDING_TEXTS[ending]} ${duration(ms)} (${PART_TITLES[most]} ${duration(parts[most])})`;
  });
  return texts.join(', ');
}
