// The machine's clock as a gateway of the rig has it: moved, on the first request, so that this one arrives at its own place
// after a whole minute. Quotas count whole minutes, and a run that straddles a minute otherwise would count otherwise.

import type { Clock } from '../src/ports.ts';
import { systemClock } from '../src/runtime/clock.ts';

export type RigClock = Clock & {
  /** The first request has come; later calls change nothing. */
  anchor(): void;
};

const MINUTE_MS = 60_000;

/** Null leaves the clock where it is. */
export function createRigClock(firstRequestAtMs: number | null): RigClock {
  let offsetMs = 0;
  let isAnchored = firstRequestAtMs === null;
  const realMs = () => performance.timeOrigin + performance.now();
  return {
    ...systemClock,
    nowMs: () => realMs() + offsetMs,
    anchor: () => {
      if (isAnchored) return;
      isAnchored = true;
      const nowMs = realMs();
      // Forwards by less than a minute and the first request's place: no token runs out by it.
      offsetMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS + firstRequestAtMs! - nowMs;
    },
  };
}
