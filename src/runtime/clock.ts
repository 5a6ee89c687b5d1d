// The machine's clock.

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

/** A timer may fire a millisecond early against the clock that it is measured by; `sleep` must not. */
async function sleepUntil(atMs: number, nowMs: () => number, speed: number): Promise<void> {
  for (let leftMs = atMs - nowMs(); leftMs > 0; leftMs = atMs - nowMs())
    await delay(Math.ceil(leftMs / speed));
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: ms => sleepUntil(Date.now() + ms, Date.now, 1),
};

/** A clock that shows `nowMs` now and runs `speed` times faster than the machine's: that of fakes in a hurry. */
export function fastClock(nowMs: number, speed: number): Clock {
  const startedAt = performance.now();
  const now = () => nowMs + (performance.now() - startedAt) * speed;
  return { nowMs: now, sleep: ms => sleepUntil(now() + ms, now, speed) };
}
