// `sandtable run`: a study of a scenario in virtual time, and its report.

import type { Asked } from '../reports/report.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { exitCodeOf, INTERRUPTED, openReportFolder, publish } from './output.ts';
import { type StudyFlags, studyScenario } from './study.ts';

export type RunFlags = StudyFlags & {
  readonly strict?: boolean;
  readonly reportDir?: string;
  readonly json?: boolean;
};

/** The exit code. Ctrl-C ends the runs under way and reports what had finished. */
export async function run(scenario: Scenario, asked: Asked, flags: RunFlags): Promise<number> {
  const dir = openReportFolder(flags.reportDir, scenario);
  const { report, replications, isInterrupted } = await studyScenario(scenario, asked, flags);
  if (report !== null) publish(report, replications, dir, flags.json);
  if (report === null || isInterrupted) return INTERRUPTED;
  return flags.strict ? exitCodeOf(report.verdict) : 0;
}
