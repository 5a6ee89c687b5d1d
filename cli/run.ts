// `sandtable run`: a study of a scenario in virtual time, and its report.

import { availableParallelism } from 'node:os';
import { buildReport } from '../reports/build.ts';
import { assessKpis } from '../reports/kpis.ts';
import type { Replication } from '../reports/measurement.ts';
import type { Asked } from '../reports/report.ts';
import { verdictOf } from '../reports/verdict.ts';
import { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { createPool } from '../simulator/pool.ts';
import { study } from '../simulator/replications.ts';
import { scenarioHash } from './input.ts';
import { exitCodeOf, INTERRUPTED, openReportFolder, publish } from './output.ts';
import { createProgress } from './progress.ts';
import { commitOf, environmentOf } from './provenance.ts';

export type RunFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly replications?: number;
  readonly workers?: number;
  readonly entering?: boolean;
  readonly strict?: boolean;
  readonly reportDir?: string;
  readonly json?: boolean;
};

/** The exit code. Ctrl-C ends the runs under way and reports what had finished. */
export async function run(scenario: Scenario, asked: Asked, flags: RunFlags): Promise<number> {
  const dir = openReportFolder(flags.reportDir, scenario);
  const startedAtMs = Date.now();
  const seed = flags.seed ?? scenario.run.seed;
  const workers = flags.workers ?? availableParallelism();
  const pool = createPool(workers);
  const progress = createProgress(`${scenario.name}: simulating`, 'companies');
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
      isClear: replications => isClear(scenario, replications),
      onProgress: progress.update,
    });
    progress.end();
    if (replications.length === 0) {
      console.error('sandtable: interrupted before a replication had finished; there is nothing to report');
      return INTERRUPTED;
    }
    const overrides = { ...scenario.facts, ...flags.facts };
    const values = new FactValues('mid', overrides);
    const report = buildReport({
      scenario,
      scenarioHash: scenarioHash(scenario),
      seed,
      commit: commitOf(),
      clock: 'virtual',
      label: 'simulated',
      asked,
      speed: 1,
      partial: isPartial,
      replications,
      inputs,
      factValue: id => values.get(id).value,
      overridden: Object.keys(overrides),
      environment: environmentOf(startedAtMs, workers),
    });
    publish(report, dir, flags.json);
    if (isInterrupted) return INTERRUPTED;
    return flags.strict ? exitCodeOf(report.verdict) : 0;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    progress.end();
    await pool.close();
  }
}

function isClear(scenario: Scenario, replications: readonly Replication[]): boolean {
  return verdictOf(assessKpis(scenario, replications, null, 'simulated')) !== 'INCONCLUSIVE';
}
