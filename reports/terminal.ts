// The first screen: verdict, KPI table and what to look at next.

import { styleText } from 'node:util';
import { capacityNote, capacityTexts, noRoomNote, noRoomTexts } from './capacity.ts';
import { crosscheckText, simulatedRolloutText } from './crosscheckSentences.ts';
import { grouped, kpiFigure, kpiRange, kpiTarget, oneLine } from './format.ts';
import { KPI_SHAPES } from './kpiShape.ts';
import type { KpiReport, Report, Verdict } from './report.ts';
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

export type TerminalOptions = {
  /** Where the HTML report was written. */
  readonly reportPath: string;
  readonly color: boolean;
};

const COLORS = { PASS: 'green', FAIL: 'red', INCONCLUSIVE: 'yellow', NO_DATA: 'yellow' } as const;
const CAPACITY_SHOWN = 3;
const VIOLATIONS_SHOWN = 5;
const NAME_WIDTH = 17;

export function renderTerminal(report: Report, options: TerminalOptions): string {
  const paint = (verdict: Verdict) =>
    options.color ? styleText(COLORS[verdict], verdict, { validateStream: false }) : verdict;
  const lines = [
    ...header(report),
    `${paint(report.verdict)}   ${verdictReason(report)}`,
    ...kpiTable(report, paint),
    ...named(report, options.reportPath),
  ];
  return `${lines.join('\n')}\n`;
}

function header(report: Report): string[] {
  const { scenario, seed, replications, partial } = report;
  const times = replications.length === 1 ? 'replication' : 'replications';
  const run = `sandtable  ${oneLine(scenario)}   seed ${seed}   ${grouped(replications.length)} ${times}`;
  const changes = changesText(report);
  const speed = speedText(report);
  return [
    `${run.padEnd(63)}${labelText(report).toUpperCase()}`,
    sizeTexts(report).join('   '),
    ...(changes === null ? [] : [`Changed   ${changes}`]),
    ...(speed === null ? [] : [`Speed     ${speed}`]),
    ...(partial ? [`PARTIAL   ${PARTIAL}`] : []),
  ];
}

function kpiTable(report: Report, paint: (verdict: Verdict) => string): string[] {
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs'];
  const rows = report.kpis.map(kpi => [
    KPI_SHAPES[kpi.name].title,
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column].length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('   ')}   `;
  const body = report.kpis.map((kpi, i) =>
    `${line(rows[i])}${paint(kpi.verdict)}  ${oneLine(note(kpi, report))}`.trimEnd(),
  );
  return [`${line(head)}verdict`, ...body];
}

/** The vendors' limits that the plan does not fit; whether this run checks them is the scenario's. */
const doesNotFit = (report: Report) => few('Does not fit', capacityTexts(report), capacityNote(report));

const noRoom = (report: Report) => few('No room', noRoomTexts(report), noRoomNote(report));

function few(name: string, texts: readonly string[], note: string | null): [string, string][] {
  const shown = texts.slice(0, CAPACITY_SHOWN);
  const more = texts.length > shown.length ? [`and ${texts.length - shown.length} more in the report`] : [];
  return [...shown, ...more, ...(note === null ? [] : [note])].map((text, i) => [
    i === 0 ? name : '',
    oneLine(text),
  ]);
}

/** There is no column for labels: one that is not the run's stands among the notes. */
function note(kpi: KpiReport, report: Report): string {
  const label = kpi.value === null || kpi.label === report.label ? '' : kpi.label;
  return [label, kpiNote(kpi, report)].filter(Boolean).join('; ');
}

/** One `Name   sentence` a line; a name without a sentence is left out. */
function named(report: Report, reportPath: string): string[] {
  const notReady = report.rollout?.notReady ?? [];
  const violations = violationsOf(report);
  const shown = violations.texts.slice(0, VIOLATIONS_SHOWN);
  const lines: [string, string | null][] = [
    ['Rollout', rolloutTime(report)],
    ['Waves', wavesText(report)],
    ['Completed', completedText(report)],
    ['Simulated', simulatedRolloutText(report)],
    ['Not ready', notReady.length === 0 ? null : `${notReady[0].company}: ${oneLine(notReady[0].reason)}`],
    ['Traffic', trafficText(report)],
    ['Fleet', fleetText(report)],
    ['Slowest waits', slowestWaitsText(report)],
    ...noRoom(report),
    ...doesNotFit(report),
    ['Breaks first', breaksFirst(report)],
    ['Slowest step', slowestStepText(report)],
    ['Time goes to', timeGoesText(report)],
    ['Cost', costText(report)],
    ['Observed', observedText(report)],
    ['Biggest guess', biggestGuessText(report)],
    ['Crosscheck', crosscheckText(report)],
    ...shown.map((text): [string, string] => ['Violation', oneLine(text)]),
    ['', moreText(violations.count, shown.length)],
    ['Report', reportPath],
    ['Try', report.whatIf && oneLine(report.whatIf)],
  ];
  return lines.filter(([, text]) => text !== null).map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`);
}
