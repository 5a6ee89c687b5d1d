// The report as one file that needs nothing else: every section in reading order, every figure with its label.

import { costSection } from './costSection.ts';
import { crosscheckSection } from './crosscheckSection.ts';
import { crosscheckText } from './crosscheckSentences.ts';
import { count, duration, durationRange, grouped, kpiFigure, kpiRange, kpiTarget } from './format.ts';
import { KPI_SHAPES } from './kpiShape.ts';
import { type Content, definitions, type Html, html, NOTHING, page, table } from './page.ts';
import { hasRollout, hasTraffic, type Report, type Verdict } from './report.ts';
import { callsSection, chartsSection, limitsSection, rolloutSection } from './rolloutSection.ts';
import {
  biggestGuessText,
  breaksFirst,
  changesText,
  kpiNote,
  labelText,
  moreText,
  observedText,
  PARTIAL,
  sizeTexts,
  speedText,
  verdictReason,
} from './sentences.ts';
import { fleetSection, trafficSection } from './trafficSection.ts';
import { costText } from './trafficSentences.ts';
import { waterfallSection } from './waterfallSection.ts';

export function renderHtml(report: Report): string {
  const sections = [
    header,
    kpis,
    rollout,
    traffic,
    costSection,
    crosscheckSection,
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

function rollout(report: Report): Html {
  if (!hasRollout(report)) return NOTHING;
  const sections = [rolloutSection, chartsSection, limitsSection, waterfallSection, callsSection];
  return html`${sections.map(section => section(report))}`;
}

function traffic(report: Report): Html {
  if (!hasTraffic(report)) return NOTHING;
  return html`${[trafficSection(report), fleetSection(report)]}`;
}

const badge = (verdict: Verdict): Html => html`<span class="badge ${verdict}">${verdict}</span>`;

const VIOLATIONS_SHOWN = 20;

function header(report: Report): Html {
  const { scenario, description, verdict, partial, whatIf } = report;
  const [changes, speed] = [changesText(report), speedText(report)];
  return html`<header>
<h1>${scenario}</h1>
<p class="verdict">${badge(verdict)} ${verdictReason(report)}</p>
<p class="soft">${description}</p>
${partial ? html`<p class="alert"><strong>Partial report:</strong> ${PARTIAL}.</p>` : NOTHING}
${speed === null ? NOTHING : html`<p class="alert">Note that ${speed}.</p>`}
${auditViolations(report)}
${trafficViolations(report)}
${definitions([
  ['Figures', `${labelText(report)}, unless a line says otherwise`],
  ...told('Changed', changes),
  ['Seed', report.seed],
  ['Replications', report.replications.length],
  ['Commit', html`<code>${report.commit}</code>`],
  ['Size', sizeTexts(report).join(', ')],
  ['Breaks first', breaksFirst(report)],
  ...said('Cost', costText(report)),
  ...said('Biggest guess', biggestGuessText(report)),
  ['Crosscheck', crosscheckText(report)],
  ...told('Try', whatIf),
])}
</header>`;
}

const told = (name: string, command: string | null): [string, Content][] =>
  command === null ? [] : [[name, html`<code>${unbroken(command)}</code>`]];

/** No line ends within the `--` of a flag. */
const unbroken = (text: string): Content =>
  text.split(/(--[\w-]+)/).map((part, i) => (i % 2 === 0 ? part : html`<span class="whole">${part}</span>`));

const said = (name: string, text: string | null): [string, Content][] =>
  text === null ? [] : [[name, text]];

function trafficViolations({ traffic }: Report): Html {
  const alert = (title: string, texts: readonly string[]) =>
    texts.length === 0
      ? NOTHING
      : html`<div class="alert"><p><strong>${title}</strong></p><ul>${texts.map(text => html`<li>${text}</li>`)}</ul></div>`;
  return html`${alert('The request counts disagree:', traffic?.countViolations ?? [])}${alert('This traffic proves nothing:', traffic?.worthless ?? [])}`;
}

function auditViolations({ rollout }: Report): Html {
  if (rollout === null || rollout.violationCount === 0) return NOTHING;
  const { violationCount, violations } = rollout;
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

function kpis(report: Report): Html {
  const rows = report.kpis.map(kpi => [
    KPI_SHAPES[kpi.name].title,
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
    badge(kpi.verdict),
    kpi.label,
    unbroken(kpiNote(kpi, report)),
  ]);
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs', 'verdict', 'label', 'note'];
  return html`<h2>KPIs</h2>
${table('KPIs. Sampling: 95 % interval over replications (of a single one: over its companies or requests), which decides. Inputs: all facts low to all facts high.', head, rows, [1, 2, 3, 4])}`;
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
    html`<span class="source">${fact.source}, ${fact.asOf}${fact.note === undefined ? '' : ` (${fact.note})`}</span>`,
  ]);
  const head = ['id', 'metric', 'value', 'low / mid / high', 'label', 'confidence', 'source, as of'];
  return html`<h2>Facts</h2>\n${table('Catalogue entries that this run used', head, rows)}`;
}

function replications(report: Report): Html {
  const measured = report.kpis.filter(({ name }) => report.replications.some(({ kpis }) => name in kpis));
  const columns: Column[] = [
    ...measured.map(
      ({ name, unit }): Column => [KPI_SHAPES[name].title, ({ kpis }) => kpiFigure(kpis[name] ?? null, unit)],
    ),
    ...(hasRollout(report) ? ROLLOUT_COLUMNS : []),
    ...(hasTraffic(report) ? TRAFFIC_COLUMNS : []),
    ['events', ({ events }) => grouped(events)],
  ];
  const rows = report.replications.map(each => [
    each.seed,
    ...columns.map(([, of]) => of(each)),
    html`<code>${each.hash}</code>`,
    report.label,
  ]);
  const head = ['seed', ...columns.map(([title]) => title), 'hash', 'label'];
  const numeric = columns.map((_, i) => i + 1);
  return html`<h2>Replications</h2>\n${table('Independent replications', head, rows, numeric)}`;
}

type Column = [string, (replication: Report['replications'][number]) => string];

const ROLLOUT_COLUMNS: readonly Column[] = [
  ['mean provisioning', ({ meanProvisioningMs }) => duration(meanProvisioningMs!)],
  ['rollout', ({ durationMs }) => duration(durationMs!)],
];
const TRAFFIC_COLUMNS: readonly Column[] = [['requests', ({ requests }) => grouped(requests!)]];

function environment(report: Report): Html {
  const { environment, clock, command, speed, scenarioHash, calibrationHash, schemaVersion } = report;
  const { startedAt, wallMs, node, platform, workers, peakMemoryBytes } = environment;
  return html`<h2>Environment</h2>
${definitions([
  ['Command', html`<code>${unbroken(command)}</code>`],
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
