// The half of `sandtable crosscheck` that is about traffic: the same requests in virtual time and over HTTP, with the drawn
// delays and without them.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import type { TrafficMeasurement } from '../reports/measurement.ts';
import { judgedTraffic } from '../reports/requestCounts.ts';
import { compare } from '../rig/crosscheck.ts';
import type { K6 } from '../rig/k6Binary.ts';
import { type LoadOptions, runLoad } from '../rig/load.ts';
import { NO_DELAYS } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { simulateAsRig } from './asRig.ts';
import type { LoadedCalibration } from './calibration.ts';
import type { Checked } from './crosscheck.ts';
import { findK6, interruptible, say } from './emulated.ts';
import { trafficCrosscheckText } from './trafficCrosscheckText.ts';

export type Side = { readonly simulated: TrafficMeasurement; readonly emulated: TrafficMeasurement };

/** With delays, and without. */
export async function crosscheckTraffic(
  scenario: Scenario,
  seed: number,
  facts: Readonly<Record<string, number>>,
  { calibration }: LoadedCalibration,
): Promise<[Checked, Checked]> {
  const k6 = await findK6();
  const overrides = [facts, { ...facts, ...NO_DELAYS }];
  return await interruptible(async signal => {
    say('simulating the traffic');
    // Before the load begins, which needs the cores.
    const simulated = await simulateAsRig(scenario, seed, calibration, overrides, signal);
    const check = async (part: 0 | 1): Promise<Checked> => {
      const delays = part === 0;
      const factOverrides = overrides[part];
      const load = { scenario, seed, factOverrides, delays, k6, signal, onStage: say };
      return checkedOf(scenario, { simulated: simulated[part], emulated: await emulate(load) }, delays);
    };
    return [await check(0), await check(1)];
  });
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
  process.stdout.write(`${trafficCrosscheckText(report, side)}\n\n`);
  return { report, invalid };
}
