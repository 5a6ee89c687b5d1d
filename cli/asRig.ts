// Traffic and rollout of a scenario in virtual time, as the rig runs them: the side that `pilot` and `crosscheck` hold what
// they emulate against.

import type { Replication, RolloutMeasurement, TrafficMeasurement } from '../reports/measurement.ts';
import type { Calibration } from '../scenarios/calibration.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { Phase, Scenario } from '../scenarios/scenario.ts';
import { createPool } from '../simulator/pool.ts';
import { SandtableError } from '../src/errors.ts';
import { loadCalibration } from './calibration.ts';

type Overrides = Readonly<Record<string, number>>;

/** One for each set of overrides, in their order. Its worker is gone when it resolves. Throws INTERRUPTED. */
export async function simulateAsRig(
  scenario: Scenario,
  seed: number,
  calibration: Calibration,
  overrides: readonly Overrides[],
  signal: AbortSignal,
): Promise<TrafficMeasurement[]> {
  const replications = await simulate(phaseOf(scenario, 'traffic'), seed, calibration, overrides, signal);
  return replications.map(({ traffic }) => traffic!);
}

/** The rig has one provisioner. Throws INTERRUPTED. */
export async function simulateRolloutAsRig(
  scenario: Scenario,
  seed: number,
  signal: AbortSignal,
): Promise<RolloutMeasurement> {
  const { calibration } = loadCalibration();
  const alone = { ...scenario, provisioning: { ...scenario.provisioning, provisioners: 1 } };
  const [{ rollout }] = await simulate(phaseOf(alone, 'rollout'), seed, calibration, [{}], signal);
  return rollout!;
}

const phaseOf = (scenario: Scenario, phase: Phase): Scenario => ({
  ...scenario,
  run: { ...scenario.run, phases: [phase] },
});

async function simulate(
  scenario: Scenario,
  seed: number,
  calibration: Calibration,
  overrides: readonly Overrides[],
  signal: AbortSignal,
): Promise<Replication[]> {
  const pool = createPool(1);
  signal.addEventListener('abort', pool.stop);
  try {
    const specs = overrides.map(factOverrides => ({
      scenario,
      index: 0,
      seed: replicationSeed(seed, 0),
      factLevel: 'mid' as const,
      factOverrides,
      everyEventEntering: false,
      calibration,
      asRig: true,
    }));
    const replications = await pool.run(specs, () => {});
    return replications.map(replication => {
      if (replication === undefined)
        throw new SandtableError('INTERRUPTED', 'the simulation was stopped before it was over');
      return replication;
    });
  } finally {
    signal.removeEventListener('abort', pool.stop);
    await pool.close();
  }
}
