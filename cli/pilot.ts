// `sandtable pilot`: a batch provisioned over HTTP in real time, resumable, with its report and exit code.

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { buildReport } from '../reports/build.ts';
import type { Asked } from '../reports/report.ts';
import { expectEmpty, reachFakes, runPilot } from '../rig/pilot.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { openStores } from '../src/runtime/stores.ts';
import { scenarioHash } from './input.ts';
import { exitCodeOf, INTERRUPTED, openReportFolder, publish } from './output.ts';
import { createProgress } from './progress.ts';
import { commitOf, environmentOf } from './provenance.ts';

export type PilotFlags = {
  readonly fakes: string;
  readonly fresh?: boolean;
  readonly seed?: number;
  readonly reportDir?: string;
  readonly json?: boolean;
};

export async function pilot(scenario: Scenario, asked: Asked, flags: PilotFlags): Promise<number> {
  const fakes = await reachFakes(flags.fakes);
  if (flags.fresh) expectEmpty(fakes);
  const dir = openReportFolder(flags.reportDir, scenario);
  const journalPath = join(dir, 'journal.sqlite');
  const stores = openStores(journalPath, flags.fresh);
  const startedAtMs = Date.now();
  const seed = flags.seed ?? scenario.run.seed;
  const log = openLog(join(dir, 'pilot.log'));
  const progress = createProgress(`${scenario.name}: provisioning over HTTP`, 'companies');
  const interrupt = () => {
    progress.end();
    console.error(
      `sandtable: interrupted; the journal ${journalPath} keeps what was done: run the same command again to go on`,
    );
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const { replication, speed, facts } = await runPilot({
      scenario,
      seed,
      fakesUrl: flags.fakes,
      fakes,
      stores,
      identity: `${scenarioHash(scenario)} ${seed}`,
      log: line => log.info(line),
      onProgress: progress.update,
    });
    progress.end();
    const values = new Map(facts.map(fact => [fact.id, fact.value]));
    const report = buildReport({
      scenario,
      scenarioHash: scenarioHash(scenario),
      seed,
      commit: commitOf(),
      clock: 'real',
      label: 'emulated',
      asked,
      speed,
      partial: false,
      replications: [replication],
      inputs: null,
      factValue: id => values.get(id)!,
      overridden: facts.filter(({ overridden }) => overridden).map(({ id }) => id),
      environment: environmentOf(startedAtMs, 1),
    });
    publish(report, dir, flags.json);
    return exitCodeOf(report.verdict);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    progress.end();
    stores.close();
  }
}

function openLog(path: string): Logger {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new SandtableError(
      'INPUT',
      `the log ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  return pino({ base: null }, pino.destination({ dest: path, sync: false }));
}
