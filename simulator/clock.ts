// The clock of a process in virtual time. What a generation waits for never comes once it is dead.

import type { Clock } from '../src/ports.ts';
import type { Kernel } from './kernel.ts';
import { type Generation, reach } from './machine.ts';

export function virtualClock(kernel: Kernel, generation: Generation): Clock {
  return {
    nowMs: () => kernel.nowMs,
    sleep: ms =>
      new Promise(resolve => {
        kernel.resumeAt(kernel.nowMs + ms, () => reach(generation, resolve));
      }),
    after: (ms, run) => {
      let isPending = true;
      const slot = kernel.resumeAt(kernel.nowMs + ms, () => {
        isPending = false;
        reach(generation, run);
      });
      return () => {
        // Once it has fired, the slot may name another event.
        if (!isPending) return;
        isPending = false;
        kernel.cancel(slot);
      };
    },
  };
}
