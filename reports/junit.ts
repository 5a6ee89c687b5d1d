// The report as a CI server's test result: one suite, one case a KPI. What is required and fails is a failure, what is
// required and says nothing an error, and what only informs is never worse than skipped.

import { kpiFigure, kpiRange, kpiTarget, oneLine } from './format.ts';
import type { KpiReport, Report, Verdict } from './report.ts';
import { kpiNote, labelText, verdictReason, violationsOf, wrongText } from './sentences.ts';

type Outcome = {
  readonly tag: 'failure' | 'error' | 'skipped';
  readonly verdict: Verdict;
  readonly message: string;
  /** Where it is more than the message. */
  readonly text?: string;
};
type Case = { readonly name: string; readonly outcome: Outcome | null };

export function renderJUnit(report: Report): string {
  const { scenario, environment } = report;
  const cases = [
    ...report.kpis.map(kpi => ({ name: kpi.name, outcome: outcomeOf(kpi, report) })),
    ...overruling(report),
  ];
  const of = (tag: Outcome['tag']) => cases.filter(({ outcome }) => outcome?.tag === tag).length;
  const counts = {
    tests: cases.length,
    failures: of('failure'),
    errors: of('error'),
    skipped: of('skipped'),
    time: environment.wallMs / 1000,
  };
  const suite = { name: scenario, ...counts, timestamp: environment.startedAt };
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites${attributes({ name: 'sandtable', ...counts })}>
  <testsuite${attributes(suite)}>
    <properties>
${properties(report)}
    </properties>
${cases.map(each => testcase(each, scenario)).join('\n')}
  </testsuite>
</testsuites>
`;
}

/** Null passes. */
function outcomeOf(kpi: KpiReport, report: Report): Outcome | null {
  const { verdict, required } = kpi;
  if (verdict === 'PASS') return null;
  const message = [verdict, figures(kpi), kpiNote(kpi, report)].filter(Boolean).join(': ');
  const tag = !required ? 'skipped' : verdict === 'FAIL' ? 'failure' : 'error';
  return { tag, verdict, message };
}

/** `612 ms (595–630 ms), target < 500 ms`; empty without a value. */
function figures(kpi: KpiReport): string {
  if (kpi.value === null) return '';
  const sampling = kpi.sampling === null ? '' : ` (${kpiRange(kpi.sampling, kpi.unit)})`;
  return `${kpiFigure(kpi.value, kpi.unit)}${sampling}, target ${kpiTarget(kpi)}`;
}

/** A verdict that no KPI explains has a case of its own: else a failed run would read as passed. */
function overruling(report: Report): Case[] {
  const wrong = wrongText(report);
  const text = violationsOf(report).texts.join('\n');
  if (wrong !== null)
    return [{ name: 'violations', outcome: { tag: 'failure', verdict: 'FAIL', message: wrong, text } }];
  const isExplained =
    report.verdict === 'PASS' || report.kpis.some(kpi => kpi.required && kpi.verdict !== 'PASS');
  if (isExplained) return [];
  const { verdict } = report;
  const message = `${verdict}: ${verdictReason(report)}`;
  return [{ name: 'verdict', outcome: { tag: 'error', verdict, message } }];
}

function properties(report: Report): string {
  const values = {
    verdict: report.verdict,
    seed: report.seed,
    commit: report.commit,
    label: labelText(report),
    clock: report.clock,
    scenarioHash: report.scenarioHash,
    calibrationHash: report.calibrationHash ?? 'none',
    replications: report.replications.length,
    partial: String(report.partial),
    command: report.command,
  };
  return Object.entries(values)
    .map(([name, value]) => `      <property${attributes({ name, value })}/>`)
    .join('\n');
}

function testcase({ name, outcome }: Case, scenario: string): string {
  const start = `    <testcase${attributes({ name, classname: `sandtable.${scenario}`, time: 0 })}`;
  if (outcome === null) return `${start}/>`;
  const { tag, verdict, message, text = message } = outcome;
  // Readers show a skipped case's message alone.
  const body =
    tag === 'skipped'
      ? `<skipped${attributes({ message })}/>`
      : `<${tag}${attributes({ message, type: verdict })}>${escapeXml(text)}</${tag}>`;
  return `${start}>\n      ${body}\n    </testcase>`;
}

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(oneLine(String(value)))}"`)
    .join('');

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 knows no way to write most control characters, lone surrogates or the two noncharacters. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n]|[\uFFFE\uFFFF]/gu, '')
    .replace(/[&<>"']/g, character => ENTITIES[character]);
}
