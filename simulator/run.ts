// One replication: the phases of a scenario, one after the other, each in a world of its own.

import type { Replication } from '../reports/measurement.ts';
import type { Calibration } from '../scenarios/calibration.ts';
import { type FactLevel, FactValues } from '../scenarios/facts.ts';
import type { Phase, Scenario } from '../scenarios/scenario.ts';
import { simulateRollout } from './rollout.ts';
import { simulateTraffic } from './traffic.ts';

export type RunSpec = {
  readonly scenario: Scenario;
  /** Number of the replication; its own seed follows from it and the scenario's. */
  readonly index: number;
  readonly seed: number;
  readonly factLevel: FactLevel;
  readonly factOverrides: Readonly<Record<string, number>>;
  readonly everyEventEntering: boolean;
  /** What a request costs the gateway's processors, and the rig's way beside them. */
  readonly calibration: Calibration;
  /**
   * Traffic as the rig runs it, to be held against it: one single-process gateway a region, caches cold, services warm,
   * all of the time, and the rig's overhead on each request. `NO_DELAYS` among the overrides takes the injected delays away, there as here.
   */
  readonly asRig: boolean;
};

export type RunHooks = {
  /** Hears the share of the replication that is done, 0 to 1; true stops the run. */
  readonly poll?: (done: number) => boolean;
  /** Crashes a provisioner, each in its turn, before these events, counted from the start of the rollout. */
  readonly crashAtEvents?: readonly number[];
  /** Holds a provisioner still for a time. */
  readonly pauses?: readonly {
    readonly atEvent: number;
    readonly provisioner: number;
    readonly forMs: number;
  }[];
};

/** Undefined when `poll` stopped the run. Rejects with SIMULATION when it cannot go on. */
export async function runReplication(spec: RunSpec, hooks: RunHooks): Promise<Replication | undefined> {
  const { scenario, index, seed } = spec;
  const { phases } = scenario.run;
  const facts = new FactValues(spec.factLevel, { ...scenario.facts, ...spec.factOverrides });
  const hooksOf = (phase: Phase): RunHooks => {
    const before = phases.indexOf(phase);
    const { poll } = hooks;
    return { ...hooks, ...(poll && { poll: done => poll((before + done) / phases.length) }) };
  };
  const rollout = phases.includes('rollout') ? await simulateRollout(spec, facts, hooksOf('rollout')) : null;
  if (rollout === undefined) return undefined;
  const traffic = phases.includes('traffic') ? await simulateTraffic(spec, facts, hooksOf('traffic')) : null;
  if (traffic === undefined) return undefined;
  return {
    index,
    seed,
    rollout: rollout?.rollout ?? null,
    traffic: traffic?.traffic ?? null,
    facts: facts.usedIds(),
    hash: [rollout, traffic].flatMap(phase => phase?.hash ?? []).join('-'),
    events: (rollout?.events ?? 0) + (traffic?.events ?? 0),
  };
}
