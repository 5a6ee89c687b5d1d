// The machine's clock, and one that runs faster. Both keep the promises of the port: never early, at most once.

import type { Clock } from '../ports.ts';

/** A longer timer would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = clockOf(() => Date.now(), 1);

/** A clock that shows `nowMs` now and runs `speed` times faster than the machine's: that of fakes in a hurry. */
export function fastClock(nowMs: number, speed: number): Clock {
  const startedAt = performance.now();
  return clockOf(() => nowMs + (performance.now() - startedAt) * speed, speed);
}

function clockOf(nowMs: () => number, speed: number): Clock {
  const after = (ms: number, run: () => void): (() => void) => {
    const atMs = nowMs() + ms;
    let timer: NodeJS.Timeout;
    // A timer may fire a millisecond early against the clock that it is measured by: then it is set once more.
    const wait = () => {
      const leftMs = Math.max(0, Math.ceil((atMs - nowMs()) / speed));
      timer = setTimeout(() => (nowMs() < atMs ? wait() : run()), Math.min(leftMs, TIMER_MS_MAX));
    };
    wait();
    return () => clearTimeout(timer);
  };
  const sleep = (ms: number) =>
    ms > 0 ? new Promise<void>(resolve => after(ms, resolve)) : Promise.resolve();
  return { nowMs, sleep, after };
}
