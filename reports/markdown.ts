// The report as a CI job's summary: verdict, KPIs and the few lines that explain them.

import { KPI_TITLES, kpiFigure, kpiRange, kpiTarget, oneLine } from './format.ts';
import type { Report } from './report.ts';
import {
  biggestGuessText,
  breaksFirst,
  CROSSCHECK,
  completedText,
  kpiNote,
  observedText,
  PARTIAL,
  rolloutTime,
  verdictReason,
  whatIf,
} from './sentences.ts';

const VIOLATIONS_SHOWN = 20;

export function renderMarkdown(report: Report): string {
  const { scenario, verdict, seed, replications, label, commit, partial, rollout } = report;
  const tryIt = whatIf(report);
  const blocks = [
    `## ${verdict}: ${escapeMarkdown(scenario)}`,
    `**${verdictReason(report)}.** ${label}, seed ${seed}, replications: ${replications.length}, commit ${escapeMarkdown(commit)}.`,
    partial ? `**Partial**, ${PARTIAL}.` : '',
    kpiTable(report),
    list([
      ['Rollout', rolloutTime(report)],
      ['Completed', completedText(report)],
      ['Breaks first', breaksFirst(report)],
      ['Observed', observedText(report)],
      ['Biggest guess', biggestGuessText(report)],
      ['Crosscheck', CROSSCHECK],
    ]),
    list(rollout.violations.slice(0, VIOLATIONS_SHOWN).map(text => ['Violation', text])),
    tryIt === null ? '' : `Try:\n\n    ${tryIt}`,
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
