// The traffic of a scenario in virtual time, as the rig runs it: the side that `pilot` and `crosscheck` hold their load against.

import type { TrafficMeasurement } from '../reports/measurement.ts';
import type { Calibration } from '../scenarios/calibration.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { createPool } from '../simulator/pool.ts';
import { SandtableError } from '../src/errors.ts';

/** One for each set of overrides, in their order. Its worker is gone when it resolves. Throws INTERRUPTED. */
export async function simulateAsRig(
  scenario: Scenario,
  seed: number,
  calibration: Calibration,
  overrides: readonly Readonly<Record<string, number>>[],
  signal: AbortSignal,
): Promise<TrafficMeasurement[]> {
  const pool = createPool(1);
  signal.addEventListener('abort', pool.stop);
  try {
    const specs = overrides.map(factOverrides => ({
      scenario: { ...scenario, run: { ...scenario.run, phases: ['traffic'] as const } },
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
      if (!replication?.traffic)
        throw new SandtableError('INTERRUPTED', 'the simulation was stopped before it was over');
      return replication.traffic;
    });
  } finally {
    signal.removeEventListener('abort', pool.stop);
    await pool.close();
  }
}
