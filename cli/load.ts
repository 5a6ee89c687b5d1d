// `sandtable load`: a scenario's traffic over HTTP, with real gateways and k6 on this machine, and its report.

import type { Asked } from '../reports/report.ts';
import { runLoad } from '../rig/load.ts';
import { expectBearable } from '../rig/loadLimits.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { findK6, interruptible, reportOf, say } from './emulated.ts';
import { exitCodeOf, openReportFolder, publish } from './output.ts';

export type LoadFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly strict?: boolean;
  readonly reportDir?: string;
  readonly json?: boolean;
};

export async function load(scenario: Scenario, asked: Asked, flags: LoadFlags): Promise<number> {
  const seed = flags.seed ?? scenario.run.seed;
  expectBearable(scenario, seed);
  const dir = openReportFolder(flags.reportDir, scenario);
  const startedAtMs = Date.now();
  const k6 = await findK6();
  const { replication, facts } = await interruptible(signal =>
    runLoad({ scenario, seed, factOverrides: flags.facts, delays: true, k6, signal, onStage: say }),
  );
  const report = reportOf({
    scenario,
    asked: { ...asked, verb: 'load' },
    seed,
    startedAtMs,
    replication,
    facts,
    factOverrides: flags.facts,
    speed: 1,
  });
  publish(report, [replication], dir, flags.json);
  return flags.strict ? exitCodeOf(report.verdict) : 0;
}
