// `sandtable gate`: the study of `run`, held against the scenario's targets for a CI job, which reads the exit code,
// `junit.xml` and the Markdown summary.

import { renderMarkdown } from '../reports/markdown.ts';
import type { Asked } from '../reports/report.ts';
import { writeJUnit, writeReport } from '../reports/write.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import {
  appendSummary,
  exitCodeOf,
  expectFile,
  expectSummary,
  INTERRUPTED,
  openReportFolder,
} from './output.ts';
import { type StudyFlags, studyScenario } from './study.ts';

export type GateFlags = StudyFlags & {
  readonly reportDir?: string;
  readonly json?: boolean;
  /** One more place for `junit.xml`. */
  readonly junit?: string;
};

/** The verdict's exit code. Whatever shall be written is looked at before any work is done for it. */
export async function gate(scenario: Scenario, asked: Asked, flags: GateFlags): Promise<number> {
  const summaryPath = process.env.GITHUB_STEP_SUMMARY || undefined;
  if (flags.junit !== undefined) expectFile('--junit', flags.junit);
  if (summaryPath !== undefined) expectSummary(summaryPath);
  const dir = openReportFolder(flags.reportDir, scenario);
  const { report, replications, isInterrupted } = await studyScenario(scenario, asked, flags);
  if (report === null) return INTERRUPTED;
  writeReport(report, replications, dir);
  if (flags.junit !== undefined) writeJUnit(report, flags.junit);
  const markdown = renderMarkdown(report);
  process.stdout.write(flags.json ? `${JSON.stringify(report, undefined, 2)}\n` : markdown);
  if (summaryPath !== undefined) appendSummary(summaryPath, markdown);
  return isInterrupted ? INTERRUPTED : exitCodeOf(report.verdict);
}
