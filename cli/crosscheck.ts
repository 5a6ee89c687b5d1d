// `sandtable crosscheck`: the same scenario in virtual time and over HTTP, held against each other, each of its phases by
// itself. `run` and `gate` quote the last one of their scenario.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import type { Asked } from '../reports/report.ts';
import { expectBearable } from '../rig/loadLimits.ts';
import { expectShort } from '../rig/rolloutLimits.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { loadCalibration } from './calibration.ts';
import { type CrosscheckDocument, crosscheckPath } from './crosscheckFile.ts';
import { shownPath, writeDocument } from './document.ts';
import { say } from './emulated.ts';
import { scenarioHash } from './input.ts';
import { openReportFolder } from './output.ts';
import { commitOf, environmentOf } from './provenance.ts';
import { crosscheckRollout } from './rolloutCrosscheck.ts';
import { crosscheckTraffic } from './trafficCrosscheck.ts';

export type CrosscheckFlags = {
  readonly facts: Readonly<Record<string, number>>;
  readonly seed?: number;
  /** A file; the project's own calibration when absent. */
  readonly calibration?: string;
  readonly reportDir?: string;
};

/** `invalid`: what makes the emulated side worthless. */
export type Checked = { readonly report: CrosscheckReport; readonly invalid: readonly string[] };

const OUT_OF_TOLERANCE = 1;
const INVALID = 3;

/** 0: all parts are within tolerance; 1: one is not; 3: an emulated side was invalid, and the last crosscheck stands. */
export async function crosscheck(scenario: Scenario, asked: Asked, flags: CrosscheckFlags): Promise<number> {
  const { facts } = flags;
  const { phases } = scenario.run;
  const seed = flags.seed ?? scenario.run.seed;
  const overridden = { ...scenario, facts: { ...scenario.facts, ...facts } };
  if (phases.includes('rollout')) expectShort(overridden);
  if (phases.includes('traffic')) expectBearable(scenario, seed);
  const loaded = loadCalibration(flags.calibration);
  const path = crosscheckPath(openReportFolder(flags.reportDir, scenario));
  const startedAtMs = Date.now();
  const rollout = phases.includes('rollout') ? await crosscheckRollout(overridden, seed) : null;
  const traffic = phases.includes('traffic') ? await crosscheckTraffic(scenario, seed, facts, loaded) : null;
  const checked = [...(rollout === null ? [] : [rollout]), ...(traffic ?? [])];
  const invalid = new Set(checked.flatMap(each => each.invalid));
  if (invalid.size > 0) {
    const what = rollout !== null && rollout.invalid.length > 0 ? 'the rollout over HTTP' : 'a load';
    say(`${what} was invalid, so nothing is written:\n${[...invalid].join('\n')}`);
    return INVALID;
  }
  const document: CrosscheckDocument = {
    schemaVersion: 1,
    scenarioHash: scenarioHash(scenario),
    calibrationHash: loaded.hash,
    seed,
    flags: asked.flags,
    commit: commitOf(),
    rollout: rollout?.report ?? null,
    withDelays: traffic?.[0].report ?? null,
    withoutDelays: traffic?.[1].report ?? null,
    environment: environmentOf(startedAtMs, 1),
  };
  writeDocument(path, document);
  const { source } = loaded.calibration;
  process.stdout.write(
    `${traffic === null ? '' : `Calibration   ${source}\n`}Written       ${shownPath(path)}\n`,
  );
  return checked.every(({ report }) => report.verdict === 'PASS') ? 0 : OUT_OF_TOLERANCE;
}
