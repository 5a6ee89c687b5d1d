// The report as a CI job's summary: verdict, KPIs and the few lines that explain them.

import { capacityNote, capacityTexts, noRoomNote, noRoomTexts } from './capacity.ts';
import { crosscheckText, simulatedRolloutText } from './crosscheckSentences.ts';
import { kpiFigure, kpiRange, kpiTarget, oneLine, usd } from './format.ts';
import { KPI_SHAPES } from './kpiShape.ts';
import type { Report } from './report.ts';
import {
  biggestGuessText,
  breaksFirst,
  changesText,
  completedText,
  kpiNote,
  labelText,
  moreText,
  observedText,
  PARTIAL,
  rolloutTime,
  sizeTexts,
  slowestStepText,
  speedText,
  timeGoesText,
  verdictReason,
  violationsOf,
  wavesText,
} from './sentences.ts';
import { costText, fleetText, slowestWaitsText, trafficText } from './trafficSentences.ts';

const LINES_SHOWN = 20;
const NO_ROOM_SHOWN = 10;
const COST_LINES_SHOWN = 5;

export function renderMarkdown(report: Report): string {
  const { scenario, verdict, seed, replications, commit, partial, rollout, whatIf } = report;
  const violations = violationsOf(report);
  const shown = violations.texts.slice(0, LINES_SHOWN);
  const noRoom = noRoomTexts(report);
  const notReady = rollout?.notReady.slice(0, LINES_SHOWN) ?? [];
  const blocks = [
    `## ${verdict}: ${escapeMarkdown(scenario)}`,
    `**${verdictReason(report)}.** ${labelText(report)}, seed ${seed}, replications: ${replications.length}, commit ${escapeMarkdown(commit)}; ${sizeTexts(report).join(', ')}.`,
    partial ? `**Partial**, ${PARTIAL}.` : '',
    kpiTable(report),
    list([
      ['Changed', changesText(report)],
      ['Speed', speedText(report)],
      ['Rollout', rolloutTime(report)],
      ['Waves', wavesText(report)],
      ['Completed', completedText(report)],
      ['Simulated', simulatedRolloutText(report)],
      ['Traffic', trafficText(report)],
      ['Fleet', fleetText(report)],
      ['Slowest waits', slowestWaitsText(report)],
      ...noRoom.slice(0, NO_ROOM_SHOWN).map((text): [string, string] => ['No room', oneLine(text)]),
      ['No room', moreText(noRoom.length, NO_ROOM_SHOWN)],
      ['No room', noRoomNote(report)],
      ...capacityTexts(report).map((text): [string, string] => ['Does not fit', oneLine(text)]),
      ['Not checked', capacityNote(report)],
      ['Breaks first', breaksFirst(report)],
      ['Slowest step', slowestStepText(report)],
      ['Time goes to', timeGoesText(report)],
      ['Cost', costText(report)],
      ['Observed', observedText(report)],
      ['Biggest guess', biggestGuessText(report)],
      ['Crosscheck', crosscheckText(report)],
    ]),
    costLines(report),
    list([
      ...notReady.map(({ company, reason }): [string, string] => ['Not ready', `${company}: ${reason}`]),
      ['Not ready', rollout && moreText(rollout.companies - rollout.completed, notReady.length)],
    ]),
    list([
      ...shown.map((text): [string, string] => ['Violation', text]),
      ['Violation', moreText(violations.count, shown.length)],
    ]),
    whatIf === null ? '' : `Try:\n\n    ${oneLine(whatIf)}`,
  ];
  return `${blocks.filter(Boolean).join('\n\n')}\n`;
}

function kpiTable(report: Report): string {
  const rows = report.kpis.map(kpi => [
    KPI_SHAPES[kpi.name].title,
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
    kpi.verdict,
    kpi.label,
    kpiNote(kpi, report),
  ]);
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs', 'verdict', 'label', 'note'];
  return table(head, rows);
}

/** The largest items of the bill; empty without one. */
function costLines({ cost, companies }: Report): string {
  if (cost === null || cost.lines.length === 0) return '';
  const largest = cost.lines.toSorted((a, b) => b.usdPerMonth - a.usdPerMonth).slice(0, COST_LINES_SHOWN);
  const rows = largest.map(({ item, usdPerMonth, usage, label }) => [
    item,
    usd(usdPerMonth),
    usd(usdPerMonth / companies),
    usage,
    label,
  ]);
  return table(['largest items', 'a month', 'a company', 'usage', 'label'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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
