// What the commands that load a machine share: k6, progress, and the report of a run over HTTP.

import { buildReport } from '../reports/build.ts';
import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import type { Replication, RolloutMeasurement, TrafficMeasurement } from '../reports/measurement.ts';
import type { Asked, Report } from '../reports/report.ts';
import { type K6, resolveK6 } from '../rig/k6Binary.ts';
import { FactValues, type UsedValue } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { loadCalibration } from './calibration.ts';
import { scenarioHash } from './input.ts';
import { commitOf, environmentOf } from './provenance.ts';

export const say = (line: string): void => console.error(`sandtable: ${line}`);

export const findK6 = (): Promise<K6> =>
  resolveK6({ log: ({ message, event }) => say(typeof message === 'string' ? message : event) });

export type EmulatedRun = {
  readonly scenario: Scenario;
  readonly asked: Asked;
  readonly seed: number;
  readonly startedAtMs: number;
  readonly replication: Replication;
  /** What gateways and fakes drew from. */
  readonly facts: readonly UsedValue[];
  readonly factOverrides: Readonly<Record<string, number>>;
  /** Of the rollout. */
  readonly speed: number;
  /** The same traffic in virtual time. */
  readonly simulatedTraffic?: TrafficMeasurement;
  /** The same rollout, and how both agree. */
  readonly simulatedRollout?: { readonly rollout: RolloutMeasurement; readonly crosscheck: CrosscheckReport };
};

export function reportOf(run: EmulatedRun): Report {
  const { scenario, asked, seed, facts, factOverrides } = run;
  const overrides = { ...scenario.facts, ...factOverrides };
  const drawn = new Map(facts.map(({ id, value }) => [id, value]));
  const values = new FactValues('mid', overrides);
  const overridden = new Set([
    ...Object.keys(overrides),
    ...facts.filter(fact => fact.overridden).map(({ id }) => id),
  ]);
  return buildReport({
    scenario,
    scenarioHash: scenarioHash(scenario),
    calibrationHash: run.simulatedTraffic === undefined ? null : loadCalibration().hash,
    seed,
    commit: commitOf(),
    clock: 'real',
    label: 'emulated',
    asked,
    speed: run.speed,
    partial: false,
    replications: [run.replication],
    inputs: null,
    factValue: id => drawn.get(id) ?? values.get(id).value,
    overridden: [...overridden],
    ...(run.simulatedTraffic && { simulatedTraffic: run.simulatedTraffic }),
    ...(run.simulatedRollout && {
      simulatedRollout: run.simulatedRollout.rollout,
      rolloutCrosscheck: run.simulatedRollout.crosscheck,
    }),
    environment: environmentOf(run.startedAtMs, 1),
  });
}

/** Runs `work` with a signal that Ctrl-C aborts. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
