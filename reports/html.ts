// The report as one file that needs nothing else: every section in reading order, every figure with its label.

import {
  completionsChart,
  provisioningQuantileChart,
  queuedQuantileChart,
  stepsChart,
  waitsChart,
} from './charts.ts';
import {
  count,
  duration,
  durationRange,
  grouped,
  KPI_TITLES,
  kpiFigure,
  kpiRange,
  kpiTarget,
} from './format.ts';
import { titleOfLimit } from './limits.ts';
import { type Content, figure, type Html, html, page, table } from './page.ts';
import type { Report, Summary, Verdict } from './report.ts';
import {
  biggestGuessText,
  breaksFirst,
  CROSSCHECK,
  changesText,
  completedText,
  kpiNote,
  labelText,
  moreText,
  observedText,
  PARTIAL,
  rolloutTime,
  slowestBound,
  speedText,
  verdictReason,
} from './sentences.ts';

export function renderHtml(report: Report): string {
  const sections = [
    header,
    kpis,
    rollout,
    charts,
    limits,
    steps,
    observed,
    assumptions,
    facts,
    replications,
    environment,
  ];
  return page(
    `${report.scenario}: ${report.verdict}`,
    sections.map(section => section(report)),
  );
}

const badge = (verdict: Verdict): Html => html`<span class="badge ${verdict}">${verdict}</span>`;

const NOTHING = html``;
const VIOLATIONS_SHOWN = 20;

function header(report: Report): Html {
  const { scenario, description, verdict, partial, whatIf } = report;
  const [changes, speed] = [changesText(report), speedText(report)];
  return html`<header>
<h1>${scenario}</h1>
<p class="soft">${description}</p>
<p class="verdict">${badge(verdict)} ${verdictReason(report)}</p>
${partial ? html`<p class="alert"><strong>Partial report:</strong> ${PARTIAL}.</p>` : NOTHING}
${speed === null ? NOTHING : html`<p class="alert">Note that ${speed}.</p>`}
${violations(report.rollout)}
${definitions([
  ['Figures', `${labelText(report)}, unless a line says otherwise`],
  ...told('Changed', changes),
  ['Seed', report.seed],
  ['Replications', report.replications.length],
  ['Commit', html`<code>${report.commit}</code>`],
  ['Breaks first', breaksFirst(report)],
  ['Biggest guess', biggestGuessText(report)],
  ['Crosscheck', CROSSCHECK],
  ...told('Try', whatIf),
])}
</header>`;
}

const told = (name: string, command: string | null): [string, Content][] =>
  command === null ? [] : [[name, html`<code>${command}</code>`]];

function violations({ violationCount, violations }: Report['rollout']): Html {
  if (violationCount === 0) return NOTHING;
  const list = (texts: readonly string[]) => html`<ul>${texts.map(text => html`<li>${text}</li>`)}</ul>`;
  const shown = violations.slice(0, VIOLATIONS_SHOWN);
  const more = moreText(violationCount, shown.length);
  const unlisted = moreText(violationCount, violations.length);
  return html`<div class="alert"><p><strong>The audit of the ledger found:</strong></p>${list(shown)}${
    more === null
      ? NOTHING
      : html`<details><summary>${more}</summary>${list(violations.slice(VIOLATIONS_SHOWN))}${unlisted === null ? NOTHING : html`<p>${unlisted}, not listed</p>`}</details>`
  }</div>`;
}

function definitions(items: readonly (readonly [string, Content])[]): Html {
  return html`<dl>${items.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>`;
}

function kpis(report: Report): Html {
  const rows = report.kpis.map(kpi => [
    KPI_TITLES[kpi.name],
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
    badge(kpi.verdict),
    kpi.label,
    kpiNote(kpi, report),
  ]);
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs', 'verdict', 'label', 'note'];
  return html`<h2>KPIs</h2>
${table('KPIs. Sampling: 95 % interval over replications (of a single one: over its companies), which decides. Inputs: all facts low to all facts high.', head, rows, [1, 2, 3, 4])}`;
}

function rollout(report: Report): Html {
  const { provisioningMs, queuedMs, notReady } = report.rollout;
  const cells = (name: string, { companies, mean, p50, p95, p99, max }: Summary) => [
    name,
    ...(companies === 0 ? Array(5).fill('–') : [mean, p50, p95, p99, max].map(duration)),
    report.label,
  ];
  const times = [cells('admission to healthy', provisioningMs), cells('queued before admission', queuedMs)];
  const regions = Object.entries(report.regions).map(
    ([region, companies]) => `${region} ${grouped(companies)}`,
  );
  return html`<h2>Rollout</h2>
${definitions([
  ['Duration', `${rolloutTime(report)} (${report.label})`],
  ['Completed', `${completedText(report)}, in the replication with the fewest`],
  ['Regions', regions.join(', ')],
])}
${table('Times of the companies that were completed, over all replications', ['time', 'mean', 'P50', 'P95', 'P99', 'max', 'label'], times, [1, 2, 3, 4, 5])}
${notReady.length === 0 ? NOTHING : notReadyTable(notReady)}`;
}

function notReadyTable(notReady: Report['rollout']['notReady']): Html {
  const rows = notReady.map(({ company, reason }) => [company, reason]);
  const caption = 'Companies that are not ready, at most 100, in the replication with the fewest completed';
  return html`<details><summary>${caption}</summary>${table(caption, ['company', 'reason'], rows)}</details>`;
}

function charts(report: Report): Html {
  const { rollout, label } = report;
  const bound = slowestBound(report.limits);
  const allowed = bound ? ` The dashed line is the pace that ${titleOfLimit(bound.name)} allow.` : '';
  const drawn = [
    rollout.provisioningMs.companies > 0 && [
      figure(`Provisioning time by share of companies (${label}).`, provisioningQuantileChart(report)),
      figure(
        `Completions over time, in the replication with the fewest (${label}).${allowed}`,
        completionsChart(report),
      ),
    ],
    rollout.queuedMs.companies > 0 &&
      figure(`Time queued before admission by share of companies (${label}).`, queuedQuantileChart(report)),
    report.limits.length > 0 &&
      figure(`Summed wait by limit, mean a replication (${label}).`, waitsChart(report)),
    rollout.steps.length > 0 && figure(`Mean time of each provisioning step (${label}).`, stepsChart(report)),
  ];
  return html`<h2>Charts</h2>\n<div class="figures">${drawn.flat().filter(each => each !== false)}</div>`;
}

function limits({ limits, rollout, label }: Report): Html {
  const rows = limits.map(limit => [
    limit.name === rollout.bindingLimit
      ? html`${titleOfLimit(limit.name)} <strong>(binding)</strong>`
      : titleOfLimit(limit.name),
    limit.kind,
    limit.perMinute === null ? '–' : grouped(limit.perMinute),
    count(limit.calls),
    duration(limit.waitMs),
    limit.calls === 0 ? '–' : duration(limit.waitMsPerCall),
    count(limit.refusals),
    duration(limit.admissionBlockedMs),
    limit.boundMs === null ? '–' : duration(limit.boundMs),
    label,
  ]);
  const head = [
    'limit',
    'kind',
    'a minute',
    'calls',
    'summed wait',
    'wait a call',
    'refusals',
    'admission held',
    'at best',
    'label',
  ];
  return html`<h2>Limits</h2>
${table('Limits, means a replication. At best: the time that the rate alone needs for the calls of the whole plan.', head, rows, [2, 3, 4, 5, 6, 7, 8])}`;
}

function steps({ rollout, label }: Report): Html {
  const stepRows = rollout.steps.map(step => [step.kind, count(step.count), duration(step.meanMs), label]);
  const operationRows = rollout.operations.map(each => [
    each.operation,
    count(each.calls),
    count(each.refusedByQuota),
    each.calls === 0 ? '–' : duration(each.latencyMs / each.calls),
    html`<code>${each.fact}</code>`,
    label,
  ]);
  return html`<h2>Steps and calls</h2>
${table('Provisioning steps, a replication', ['step', 'count', 'mean time', 'label'], stepRows, [1, 2])}
${table('Calls to the clouds, a replication', ['operation', 'calls', 'refused by quota', 'mean latency', 'fact', 'label'], operationRows, [1, 2, 3])}`;
}

function observed(report: Report): Html {
  const text = observedText(report);
  if (text === null || report.observed === null) return NOTHING;
  const { source, expectationSampling } = report.observed;
  return html`<h2>Against production</h2>
${definitions([
  ['Mean provisioning time', text],
  ['Interval of the expectation', expectationSampling === null ? '–' : durationRange(expectationSampling)],
  ['Source', source],
])}`;
}

function assumptions({ assumptions }: Report): Html {
  const rows = assumptions.map(({ id, text }) => [html`<code>${id}</code>`, text]);
  return html`<h2>Assumptions</h2>\n${table('What no public source gives', ['id', 'assumption'], rows)}`;
}

function facts({ facts }: Report): Html {
  const rows = facts.map(fact => [
    html`<code>${fact.id}</code>`,
    fact.metric,
    `${fact.value} ${fact.unit}`,
    fact.low === fact.high ? '–' : `${fact.low} / ${fact.mid} / ${fact.high}`,
    fact.overridden ? `${fact.basis}, overridden` : fact.basis,
    fact.confidence,
    html`<span class="whole">${fact.asOf}</span>`,
    fact.note === undefined ? fact.source : `${fact.source} (${fact.note})`,
  ]);
  const head = ['id', 'metric', 'value', 'low / mid / high', 'label', 'confidence', 'as of', 'source'];
  return html`<h2>Facts</h2>\n${table('Catalogue entries that this run used', head, rows, [2, 3])}`;
}

function replications(report: Report): Html {
  const names = report.kpis.map(kpi => kpi.name);
  const unitOf = (name: string) => report.kpis.find(kpi => kpi.name === name)!.unit;
  const rows = report.replications.map(({ seed, kpis, durationMs, meanProvisioningMs, events, hash }) => [
    seed,
    ...names.map(name => kpiFigure(kpis[name] ?? null, unitOf(name))),
    duration(meanProvisioningMs),
    duration(durationMs),
    grouped(events),
    html`<code>${hash}</code>`,
    report.label,
  ]);
  const head = [
    'seed',
    ...names.map(name => KPI_TITLES[name]),
    'mean provisioning',
    'rollout',
    'events',
    'hash',
    'label',
  ];
  const numeric = Array.from({ length: names.length + 3 }, (_, i) => i + 1);
  return html`<h2>Replications</h2>\n${table('Independent replications', head, rows, numeric)}`;
}

function environment(report: Report): Html {
  const { environment, clock, command, speed, scenarioHash, calibrationHash, schemaVersion } = report;
  const { startedAt, wallMs, node, platform, workers, peakMemoryBytes } = environment;
  return html`<h2>Environment</h2>
${definitions([
  ['Command', html`<code>${command}</code>`],
  ['Clock', speed === 1 ? clock : `${clock}, ×${speed}`],
  ['Scenario hash', html`<code>${scenarioHash}</code>`],
  ['Calibration hash', calibrationHash ?? 'nothing was calibrated'],
  ['Started', startedAt],
  ['Wall time', duration(wallMs)],
  ['Node', `${node} on ${platform}`],
  ['Workers', workers],
  ['Peak memory', `${count(Math.round(peakMemoryBytes / 1_000_000))} MB`],
  ['Report schema', schemaVersion],
])}`;
}
