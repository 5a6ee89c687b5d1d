// What `run` and `gate` share: a study of a scenario in virtual time, with progress and Ctrl-C, and the report of it.

import { availableParallelism } from 'node:os';
import { buildReport } from '../reports/build.ts';
import { assessKpis } from '../reports/kpis.ts';
import type { InputRuns } from '../reports/measure.ts';
import type { Replication } from '../reports/measurement.ts';
import type { Asked, Report } from '../reports/report.ts';
import { verdictOf } from '../reports/verdict.ts';
import { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { createPool } from '../simulator/pool.ts';
import { study } from '../simulator/replications.ts';
import { loadCalibration } from './calibration.ts';
import { type LastCrosscheck, lastCrosscheck } from './crosscheckFile.ts';
import { scenarioHash } from './input.ts';
import { reportFolderOf } from './output.ts';
import { createProgress } from './progress.ts';
import { commitOf, environmentOf } from './provenance.ts';

export type StudyFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly replications?: number;
  readonly workers?: number;
  readonly entering?: boolean;
  /** A file; the project's own calibration when absent. */
  readonly calibration?: string;
  /** The report's folder, which has the last crosscheck of the scenario too. */
  readonly reportDir?: string;
};

export type StudyOutcome = {
  /** Null: interrupted before a replication had finished; standard error has said so. */
  readonly report: Report | null;
  /** Those that had finished, which the report was built from. */
  readonly replications: readonly Replication[];
  /** Ctrl-C ended the runs under way: the report has what had finished. */
  readonly isInterrupted: boolean;
};

export async function studyScenario(
  scenario: Scenario,
  asked: Asked,
  flags: StudyFlags,
): Promise<StudyOutcome> {
  const { calibration, hash } = loadCalibration(flags.calibration);
  const startedAtMs = Date.now();
  const seed = flags.seed ?? scenario.run.seed;
  const workers = flags.workers ?? availableParallelism();
  const last = lastCrosscheck(reportFolderOf(flags.reportDir, scenario), scenario);
  const kpiInput = kpiInputOf(scenario, flags.facts, last);
  const pool = createPool(workers);
  const progress = createProgress(`${scenario.name}: simulating`, 'replications');
  let isInterrupted = false;
  const stop = () => {
    isInterrupted = true;
    pool.stop();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const { replications, inputs, isPartial } = await study(pool, {
      scenario,
      seed,
      factOverrides: flags.facts,
      replications: flags.replications,
      everyEventEntering: flags.entering === true,
      calibration,
      isClear: replications => verdictOf(assessKpis(kpiInput(replications, null))) !== 'INCONCLUSIVE',
      onProgress: (done, planned) => progress.update(Math.floor(done * 10) / 10, planned),
    });
    progress.end();
    if (replications.length === 0) {
      console.error('sandtable: interrupted before a replication had finished; there is nothing to report');
      return { report: null, replications, isInterrupted: true };
    }
    const report = buildReport({
      ...kpiInput(replications, inputs),
      asked,
      scenarioHash: scenarioHash(scenario),
      calibrationHash: hash,
      seed,
      commit: commitOf(),
      speed: 1,
      partial: isPartial,
      environment: environmentOf(startedAtMs, workers),
    });
    return { report, replications, isInterrupted };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    progress.end();
    await pool.close();
  }
}

/** What KPIs are assessed from, after each round and at the end. */
function kpiInputOf(scenario: Scenario, facts: StudyFlags['facts'], last: LastCrosscheck) {
  const overrides = { ...scenario.facts, ...facts };
  const values = new FactValues('mid', overrides);
  return (replications: readonly Replication[], inputs: InputRuns | null) => ({
    scenario,
    replications,
    inputs,
    label: 'simulated' as const,
    clock: 'virtual' as const,
    crosscheck: last.traffic,
    rolloutCrosscheck: last.rollout,
    factValue: (id: string) => values.get(id).value,
    overridden: Object.keys(overrides),
  });
}
