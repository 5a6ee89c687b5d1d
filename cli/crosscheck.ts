// `sandtable crosscheck`: the same traffic in virtual time and over HTTP, with the drawn delays and without them, held
// against each other. `run` and `gate` quote the last one of their scenario.

import type { TrafficMeasurement } from '../reports/measurement.ts';
import type { Asked, CrosscheckReport } from '../reports/report.ts';
import { judgedTraffic } from '../reports/requestCounts.ts';
import { compare } from '../rig/crosscheck.ts';
import type { K6 } from '../rig/k6Binary.ts';
import { type LoadOptions, runLoad } from '../rig/load.ts';
import { expectBearable } from '../rig/loadLimits.ts';
import { NO_DELAYS } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { simulateAsRig } from './asRig.ts';
import { loadCalibration } from './calibration.ts';
import { type CrosscheckDocument, crosscheckPath } from './crosscheckFile.ts';
import { crosscheckText } from './crosscheckText.ts';
import { shownPath, writeDocument } from './document.ts';
import { findK6, interruptible, say } from './emulated.ts';
import { scenarioHash } from './input.ts';
import { openReportFolder } from './output.ts';
import { commitOf, environmentOf } from './provenance.ts';

export type CrosscheckFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly seed?: number;
  /** A file; the project's own calibration when absent. */
  readonly calibration?: string;
  readonly reportDir?: string;
};

export type Side = { readonly simulated: TrafficMeasurement; readonly emulated: TrafficMeasurement };

type Checked = { readonly report: CrosscheckReport; readonly invalid: readonly string[] };

const OUT_OF_TOLERANCE = 1;
const INVALID = 3;

/** 0: both parts are within tolerance; 1: one is not; 3: a load was invalid, and the last crosscheck stands. */
export async function crosscheck(scenario: Scenario, asked: Asked, flags: CrosscheckFlags): Promise<number> {
  const seed = flags.seed ?? scenario.run.seed;
  expectBearable(scenario, seed);
  const loaded = loadCalibration(flags.calibration);
  const path = crosscheckPath(openReportFolder(flags.reportDir, scenario));
  const startedAtMs = Date.now();
  const k6 = await findK6();
  const parts = [true, false].map(withDelays => ({
    withDelays,
    factOverrides: withDelays ? flags.facts : { ...flags.facts, ...NO_DELAYS },
  }));
  const checked = await interruptible(async signal => {
    say('simulating');
    // Before the load begins, which needs the cores.
    const simulated = await simulateAsRig(
      scenario,
      seed,
      loaded.calibration,
      parts.map(({ factOverrides }) => factOverrides),
      signal,
    );
    const all: Checked[] = [];
    for (const [part, { withDelays, factOverrides }] of parts.entries()) {
      const load = { scenario, seed, factOverrides, delays: withDelays, k6, signal, onStage: say };
      const side = { simulated: simulated[part], emulated: await emulate(load) };
      all.push(checkedOf(scenario, side, withDelays));
    }
    return all;
  });
  const invalid = checked.flatMap(each => each.invalid);
  if (invalid.length > 0) {
    say(`a load was invalid, so nothing is written:\n${[...new Set(invalid)].join('\n')}`);
    return INVALID;
  }
  const [withDelays, withoutDelays] = checked.map(({ report }) => report);
  const document: CrosscheckDocument = {
    schemaVersion: 1,
    scenarioHash: scenarioHash(scenario),
    calibrationHash: loaded.hash,
    seed,
    flags: asked.flags,
    commit: commitOf(),
    withDelays,
    withoutDelays,
    environment: environmentOf(startedAtMs, 1),
  };
  writeDocument(path, document);
  process.stdout.write(`Calibration   ${loaded.calibration.source}\nWritten       ${shownPath(path)}\n`);
  return checked.every(({ report }) => report.verdict === 'PASS') ? 0 : OUT_OF_TOLERANCE;
}

async function emulate(options: LoadOptions & { readonly k6: K6 }): Promise<TrafficMeasurement> {
  say(options.delays ? 'loading with the drawn delays' : 'loading without delays');
  const { replication } = await runLoad(options);
  return replication.traffic!;
}

function checkedOf(scenario: Scenario, side: Side, withDelays: boolean): Checked {
  const { wrong, worthless } = judgedTraffic(side.emulated, 'real');
  const invalid = [...wrong, ...worthless];
  const rows = compare(side.simulated, side.emulated, withDelays);
  const isWithin = rows.every(({ within }) => within);
  const verdict = invalid.length > 0 ? 'INCONCLUSIVE' : isWithin ? 'PASS' : 'FAIL';
  const report: CrosscheckReport = { scenario: scenario.name, verdict, rows, withDelays };
  process.stdout.write(`${crosscheckText(report, side)}\n\n`);
  return { report, invalid };
}
