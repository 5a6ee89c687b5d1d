// Simulation workers: replications are independent jobs, merged by index, so the number of workers changes no result.

import { Piscina } from 'piscina';
import type { Replication } from '../reports/measurement.ts';
import { PARTS } from './progress.ts';
import type { RunSpec } from './run.ts';
import type { WorkerTask } from './worker.ts';

/** Old space of one worker: a rollout of 10,000 companies needs a third of it. */
const WORKER_MEMORY_MB = 1024;
/** A request lives for about 9,000 others: with less room each would be copied twice before it dies. */
const YOUNG_MEMORY_MB = 96;
const PROGRESS_EVERY_MS = 200;

export type Pool = {
  /** Runs all; those that a stop ended are undefined. `onProgress` hears how many runs are done, shares included. */
  run(specs: readonly RunSpec[], onProgress: (done: number) => void): Promise<(Replication | undefined)[]>;
  /** Ends the runs under way soon, and all later ones. */
  stop(): void;
  close(): Promise<void>;
};

export function createPool(workers: number): Pool {
  const piscina = new Piscina({
    filename: new URL('./worker.ts', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MB, maxYoungGenerationSizeMb: YOUNG_MEMORY_MB },
    // A worker that blocks on Atomics between jobs would never see a message of the sealed run's own turn.
    atomics: 'disabled',
  });
  const stopped = new Set<Int32Array>();
  let isStopped = false;
  return {
    async run(specs, onProgress) {
      const shared = new Int32Array(new SharedArrayBuffer(4 * (1 + specs.length)));
      stopped.add(shared);
      if (isStopped) shared[0] = 1;
      const report = () => onProgress(shared.subarray(1).reduce((sum, parts) => sum + parts, 0) / PARTS);
      const timer = setInterval(report, PROGRESS_EVERY_MS);
      try {
        const tasks = specs.map((spec, slot): WorkerTask => ({ spec, shared, slot }));
        return await Promise.all(tasks.map(task => piscina.run(task) as Promise<Replication | undefined>));
      } finally {
        clearInterval(timer);
        stopped.delete(shared);
      }
    },
    stop() {
      isStopped = true;
      for (const shared of stopped) Atomics.store(shared, 0, 1);
    },
    close: () => piscina.close({ force: true }),
  };
}
