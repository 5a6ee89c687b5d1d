// The injected waits of one call, one after the other. Node's timers tick in milliseconds and are late by part of one; over
// several waits that would add up to more than what is measured. So each wait is shortened by what the one before was
// too long. Time that real work took is no such lateness, and is never made up for.

export type Timeline = {
  /** Resolves about `ms` later; at once where there is nothing to wait for. */
  wait(ms: number): Promise<void>;
};

/** A timer's own lateness; what goes beyond it is a busy process. */
const LATE_MS_MAX = 1.5;
/** A timer takes a millisecond at least: less than half of that is left to the next wait. */
const WAIT_MS_MIN = 0.5;

export function createTimeline(sleep: (ms: number) => Promise<unknown>): Timeline {
  /** Negative where a wait was too short. */
  let lateMs = 0;
  return {
    wait: async ms => {
      const waitMs = ms - lateMs;
      if (waitMs < WAIT_MS_MIN) {
        lateMs = -waitMs;
        return;
      }
      const dueAt = performance.now() + waitMs;
      await sleep(waitMs);
      lateMs = Math.min(performance.now() - dueAt, LATE_MS_MAX);
    },
  };
}
