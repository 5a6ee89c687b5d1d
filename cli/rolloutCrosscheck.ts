// The half of `sandtable crosscheck` that is about a rollout: simulated, then emulated at real speed, then held against each
// other. Without the drawn latencies there is no second part: nothing would be left but loopback.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import type { RolloutMeasurement } from '../reports/measurement.ts';
import { compareRollouts } from '../rig/rolloutCrosscheck.ts';
import { expectBearableRollout } from '../rig/rolloutLimits.ts';
import { runRollout } from '../rig/rolloutRun.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { simulateRolloutAsRig } from './asRig.ts';
import type { Checked } from './crosscheck.ts';
import { interruptible, say } from './emulated.ts';
import { INTERRUPTED } from './output.ts';
import { createProgress } from './progress.ts';
import { rolloutCrosscheckText } from './rolloutCrosscheckText.ts';

/**
 * Of the provisioner's process, P99. It was 4 ms where all agreed; several times what loopback takes says that the machine
 * had something else to do.
 */
const LATE_MS_MAX = 10;

/** Throws INPUT when the rollout is more than one machine or one person bears. */
export async function crosscheckRollout(scenario: Scenario, seed: number): Promise<Checked> {
  say('simulating the rollout');
  const simulated = await interruptible(signal => simulateRolloutAsRig(scenario, seed, signal));
  expectBearableRollout(scenario, simulated);
  say(`provisioning over HTTP, ${Math.ceil(simulated.durationMs / 1000)} s`);
  const { rollout: emulated, lateMs } = await emulate(scenario, seed);
  const report = rolloutReportOf(scenario, simulated, emulated, lateMs);
  process.stdout.write(`${rolloutCrosscheckText(report, { simulated, emulated }, lateMs)}\n\n`);
  const late = `the provisioner was up to ${lateMs.toFixed(1)} ms late (P99), ${LATE_MS_MAX} ms at most would do: other programs use the processor`;
  return { report, invalid: report.verdict === 'INCONCLUSIVE' ? [late] : [] };
}

/** INCONCLUSIVE where a figure is out of tolerance and the machine may be why. */
export function rolloutReportOf(
  scenario: Scenario,
  simulated: RolloutMeasurement,
  emulated: RolloutMeasurement,
  lateMs: number,
): CrosscheckReport {
  const rows = compareRollouts(simulated, emulated);
  return { scenario: scenario.name, verdict: verdictOf(rows, lateMs), rows, withDelays: true };
}

function verdictOf(rows: CrosscheckReport['rows'], lateMs: number): CrosscheckReport['verdict'] {
  if (rows.every(({ within }) => within)) return 'PASS';
  return lateMs > LATE_MS_MAX ? 'INCONCLUSIVE' : 'FAIL';
}

/** Ctrl-C ends it at once: what it has started and written goes with this process. */
async function emulate(scenario: Scenario, seed: number) {
  const progress = createProgress(`${scenario.name}: provisioning over HTTP`, 'companies');
  const interrupt = () => {
    progress.end();
    say('the rollout was stopped before it was over');
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await runRollout({ scenario, seed, speed: 1, onProgress: progress.update });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    progress.end();
  }
}
