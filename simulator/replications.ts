// A study of one scenario: independent replications in rounds, until the verdict is clear or the rounds are used up,
// with one run at each end of the facts' ranges beside them.

import type { Replication } from '../reports/measurement.ts';
import type { Calibration } from '../scenarios/calibration.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { FactLevel } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { Pool } from './pool.ts';
import type { RunSpec } from './run.ts';

export type StudyOptions = {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly factOverrides: Readonly<Record<string, number>>;
  /** So many and no more; without it the scenario's first round, doubled while `isClear` says no. */
  readonly replications: number | undefined;
  readonly everyEventEntering: boolean;
  readonly calibration: Calibration;
  readonly isClear: (replications: readonly Replication[]) => boolean;
  /** Replications done so far, the shares of those under way included, and replications planned so far. */
  readonly onProgress: (done: number, planned: number) => void;
};

export type Study = {
  /** In the order of their index; those that had finished when the study was stopped. */
  readonly replications: readonly Replication[];
  /** The first replication with all facts low and all facts high. */
  readonly inputs: { readonly low: Replication; readonly high: Replication } | null;
  readonly isPartial: boolean;
};

export async function study(pool: Pool, options: StudyOptions): Promise<Study> {
  const { scenario, replications: fixed } = options;
  const replicationsMax = fixed ?? scenario.run.replicationsMax;
  let ends: readonly (Replication | undefined)[] = [];
  const replications: (Replication | undefined)[] = [];
  let count = fixed ?? scenario.run.replications;
  for (;;) {
    const specs = range(replications.length, count).map(index => specOf(options, index, 'mid'));
    const isFirst = replications.length === 0;
    if (isFirst) specs.push(specOf(options, 0, 'low'), specOf(options, 0, 'high'));
    const before = replications.length + (isFirst ? 0 : 2);
    const results = await pool.run(specs, done => options.onProgress(before + done, before + specs.length));
    if (isFirst) ends = results.splice(-2);
    replications.push(...results);
    const finished = replications.filter(replication => replication !== undefined);
    const isPartial = finished.length < replications.length || ends.includes(undefined);
    if (isPartial || count >= replicationsMax || options.isClear(finished)) {
      const [low, high] = ends;
      return { replications: finished, inputs: low && high ? { low, high } : null, isPartial };
    }
    count = Math.min(replicationsMax, count * 2);
  }
}

function specOf(options: StudyOptions, index: number, factLevel: FactLevel): RunSpec {
  const { scenario, seed, factOverrides, everyEventEntering, calibration } = options;
  return {
    scenario,
    index,
    seed: replicationSeed(seed, index),
    factLevel,
    factOverrides,
    everyEventEntering,
    calibration,
    asRig: false,
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
