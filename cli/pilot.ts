// `sandtable pilot`: a batch provisioned over HTTP in real time, resumable, with its report and exit code.

import { join } from 'node:path';
import { pino } from 'pino';
import { buildReport } from '../reports/build.ts';
import { runPilot } from '../rig/pilot.ts';
import { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { openStores } from '../src/runtime/stores.ts';
import { scenarioHash } from './input.ts';
import { exitCodeOf, INTERRUPTED, openReportFolder, publish } from './output.ts';
import { createProgress } from './progress.ts';
import { commitOf, environmentOf } from './provenance.ts';

export type PilotFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly fakes: string;
  readonly fresh?: boolean;
  readonly seed?: number;
  readonly reportDir?: string;
  readonly json?: boolean;
};

export async function pilot(scenario: Scenario, flags: PilotFlags): Promise<number> {
  const dir = openReportFolder(flags.reportDir, scenario);
  const journalPath = join(dir, 'journal.sqlite');
  const stores = openStores(journalPath, flags.fresh);
  const startedAtMs = Date.now();
  const seed = flags.seed ?? scenario.run.seed;
  const overrides = { ...scenario.facts, ...flags.facts };
  const log = pino(
    { base: null },
    pino.destination({ dest: join(dir, 'pilot.log'), sync: false, mkdir: true }),
  );
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
    const { replication, speed } = await runPilot({
      scenario,
      seed,
      fakesUrl: flags.fakes,
      stores,
      identity: `${scenarioHash({ ...scenario, facts: overrides })} ${seed}`,
      log: line => log.info(line),
      onProgress: progress.update,
    });
    progress.end();
    if (speed !== 1)
      console.error(
        `time ran ${speed} times faster than real, as the fakes do: times are in their milliseconds`,
      );
    const values = new FactValues('mid', overrides);
    const report = buildReport({
      scenario,
      scenarioHash: scenarioHash(scenario),
      seed,
      commit: commitOf(),
      clock: 'real',
      label: 'emulated',
      partial: false,
      replications: [replication],
      inputs: null,
      factValue: id => values.get(id).value,
      overridden: Object.keys(overrides),
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
