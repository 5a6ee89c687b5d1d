// Which parts of the traffic's time are simulated: all of it, or windows at random places, one in each of as many equal
// strata, each with a lead-in that is not measured.

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import { durationMs, type ScenarioTraffic } from '../scenarios/scenario.ts';
import { SLOT_MS } from '../scenarios/traffic.ts';

/** In slots since the traffic began: simulated from `from`, measured from `measuredFrom` until `until`. */
export type TimeWindow = { readonly from: number; readonly measuredFrom: number; readonly until: number };

/** What a window's place is drawn for. */
const PLACE = 1;

export function timeWindowsOf(sample: ScenarioTraffic['sample'], slots: number, seed: number): TimeWindow[] {
  if (sample === null) return [{ from: 0, measuredFrom: 0, until: slots }];
  const leadIn = Math.ceil(durationMs(sample.leadIn) / SLOT_MS);
  const measured = Math.min(slots, Math.ceil(durationMs(sample.measured) / SLOT_MS));
  const windows = Math.min(sample.windows, Math.floor(slots / measured));
  return Array.from({ length: windows }, (_, window) => {
    const first = Math.floor((window * slots) / windows);
    const room = Math.floor(((window + 1) * slots) / windows) - first - measured;
    const uniform = drawUniform(seed, PURPOSE.initialState, [PLACE, window]);
    const measuredFrom = first + Math.floor(uniform * (room + 1));
    return { from: Math.max(0, measuredFrom - leadIn), measuredFrom, until: measuredFrom + measured };
  });
}
