// The entry of a simulation worker: one replication at a time, sealed off from the machine while it runs.

import type { Replication } from '../reports/measurement.ts';
import { PARTS } from './progress.ts';
import { type RunSpec, runReplication } from './run.ts';
import { seal } from './seal.ts';

export type WorkerTask = {
  readonly spec: RunSpec;
  /** Shared with the main thread: element 0 is the stop flag, element 1 + `slot` how many parts of PARTS are done. */
  readonly shared: Int32Array;
  readonly slot: number;
};

// Taken before the seal.
const immediate = setImmediate;

/** Runs a replication. Undefined when the stop flag ended it. A stray rejection fails the run that made it. */
export default async function work({ spec, shared, slot }: WorkerTask): Promise<Replication | undefined> {
  let stray: { readonly cause: unknown } | undefined;
  const onStray = (cause: unknown) => {
    stray ??= { cause };
  };
  const poll = (done: number) => {
    Atomics.store(shared, 1 + slot, Math.floor(done * PARTS));
    return Atomics.load(shared, 0) !== 0;
  };
  process.on('unhandledRejection', onStray);
  const unseal = seal();
  try {
    const replication = await runReplication(spec, { poll });
    // One real turn of the event loop: whatever was left un-awaited has been reported after it.
    await new Promise<void>(resolve => immediate(resolve));
    if (stray !== undefined) throw stray.cause;
    return replication;
  } finally {
    unseal();
    process.off('unhandledRejection', onStray);
  }
}
