// The first screen: verdict, KPI table and what to look at next.

import { styleText } from 'node:util';
import { companyCount, grouped, KPI_TITLES, kpiFigure, kpiRange, kpiTarget, oneLine } from './format.ts';
import type { Report, Verdict } from './report.ts';
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

export type TerminalOptions = {
  /** Where the HTML report was written. */
  readonly reportPath: string;
  readonly color: boolean;
};

const COLORS = { PASS: 'green', FAIL: 'red', INCONCLUSIVE: 'yellow', NO_DATA: 'yellow' } as const;
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
  const { scenario, seed, replications, rollout, regions, partial } = report;
  const times = replications.length === 1 ? 'replication' : 'replications';
  const run = `sandtable  ${oneLine(scenario)}   seed ${seed}   ${grouped(replications.length)} ${times}`;
  const regionCount = Object.keys(regions).length;
  const changes = changesText(report);
  const speed = speedText(report);
  return [
    `${run.padEnd(63)}${labelText(report).toUpperCase()}`,
    `${companyCount(rollout.companies)}   ${regionCount} ${regionCount === 1 ? 'region' : 'regions'}`,
    ...(changes === null ? [] : [`Changed   ${changes}`]),
    ...(speed === null ? [] : [`Speed     ${speed}`]),
    ...(partial ? [`PARTIAL   ${PARTIAL}`] : []),
  ];
}

function kpiTable(report: Report, paint: (verdict: Verdict) => string): string[] {
  const head = ['KPI', 'target', 'value', 'sampling', 'inputs'];
  const rows = report.kpis.map(kpi => [
    KPI_TITLES[kpi.name],
    kpiTarget(kpi),
    kpiFigure(kpi.value, kpi.unit),
    kpiRange(kpi.sampling, kpi.unit),
    kpiRange(kpi.inputs, kpi.unit),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column].length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('   ')}   `;
  const body = report.kpis.map((kpi, i) =>
    `${line(rows[i])}${paint(kpi.verdict)}  ${kpiNote(kpi, report)}`.trimEnd(),
  );
  return [`${line(head)}verdict`, ...body];
}

/** One `Name   sentence` a line; a name without a sentence is left out. */
function named(report: Report, reportPath: string): string[] {
  const { violationCount, notReady } = report.rollout;
  const violations = report.rollout.violations.slice(0, VIOLATIONS_SHOWN);
  const lines: [string, string | null][] = [
    ['Rollout', rolloutTime(report)],
    ['Completed', completedText(report)],
    ['Not ready', notReady.length === 0 ? null : `${notReady[0].company}: ${oneLine(notReady[0].reason)}`],
    ['Breaks first', breaksFirst(report)],
    ['Observed', observedText(report)],
    ['Biggest guess', biggestGuessText(report)],
    ['Crosscheck', CROSSCHECK],
    ...violations.map((text): [string, string] => ['Violation', oneLine(text)]),
    ['', moreText(violationCount, violations.length)],
    ['Report', reportPath],
    ['Try', report.whatIf && oneLine(report.whatIf)],
  ];
  return lines.filter(([, text]) => text !== null).map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`);
}
