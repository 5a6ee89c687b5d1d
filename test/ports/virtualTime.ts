// Virtual time for tests: the kernel as a worker drives it, with the clock that its code would have.

import { virtualClock } from '../../simulator/clock.ts';
import { Kernel } from '../../simulator/kernel.ts';
import type { Clock } from '../../src/ports.ts';

export const START_MS = 1_767_225_600_000;
const DEADLINE_MS = 30 * 24 * 3_600_000;

export type VirtualTime = {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Milliseconds since the start. */
  readonly elapsedMs: () => number;
};

/** Runs `program` until it ends. Whatever it waits for must be in virtual time. */
export async function inVirtualTime<T>(program: (time: VirtualTime) => Promise<T> | T): Promise<T> {
  const kernel = new Kernel({
    startMs: START_MS,
    deadlineMs: START_MS + DEADLINE_MS,
    everyEventEntering: false,
  });
  const clock = virtualClock(kernel, { alive: true });
  let result: { readonly value: T } | undefined;
  await kernel.run(async () => {
    result = { value: await program({ kernel, clock, elapsedMs: () => kernel.nowMs - START_MS }) };
  });
  return result!.value;
}
