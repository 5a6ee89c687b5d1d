// The report as a CI job's summary: verdict, KPIs and the few lines that explain them.

import { KPI_TITLES, kpiFigure, kpiRange, kpiTarget, oneLine } from './format.ts';
import type { Report } from './report.ts';
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
  speedText,
  verdictReason,
} from './sentences.ts';

const LINES_SHOWN = 20;

export function renderMarkdown(report: Report): string {
  const { scenario, verdict, seed, replications, commit, partial, rollout, whatIf } = report;
  const violations = rollout.violations.slice(0, LINES_SHOWN);
  const notReady = rollout.notReady.slice(0, LINES_SHOWN);
  const blocks = [
    `## ${verdict}: ${escapeMarkdown(scenario)}`,
    `**${verdictReason(report)}.** ${labelText(report)}, seed ${seed}, replications: ${replications.length}, commit ${escapeMarkdown(commit)}.`,
    partial ? `**Partial**, ${PARTIAL}.` : '',
    kpiTable(report),
    list([
      ['Changed', changesText(report)],
      ['Speed', speedText(report)],
      ['Rollout', rolloutTime(report)],
      ['Completed', completedText(report)],
      ['Breaks first', breaksFirst(report)],
      ['Observed', observedText(report)],
      ['Biggest guess', biggestGuessText(report)],
      ['Crosscheck', CROSSCHECK],
    ]),
    list([
      ...notReady.map(({ company, reason }): [string, string] => ['Not ready', `${company}: ${reason}`]),
      ['Not ready', moreText(rollout.companies - rollout.completed, notReady.length)],
    ]),
    list([
      ...violations.map((text): [string, string] => ['Violation', text]),
      ['Violation', moreText(rollout.violationCount, violations.length)],
    ]),
    whatIf === null ? '' : `Try:\n\n    ${oneLine(whatIf)}`,
  ];
  return `${blocks.filter(Boolean).join('\n\n')}\n`;
}

function kpiTable(report: Report): string {
  const rows = report.kpis.map(kpi => [
    KPI_TITLES[kpi.name],
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
    kpi.verdict,
    kpi.label,
    kpiNote(kpi, report),
  ]);
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs', 'verdict', 'label', 'note'];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(row => line(row.map(escapeMarkdown)))].join(
    '\n',
  );
}

function list(items: readonly (readonly [string, string | null])[]): string {
  const told = items.filter(([, text]) => text !== null);
  return told.map(([name, text]) => `- **${name}:** ${escapeMarkdown(text!)}`).join('\n');
}

/** Text stays text: no tag, table cell, link, mention of a user, emphasis or second line. */
function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]|#]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/@/g, '&#64;');
}
