// A simulated process with generations. A crash happens between two kernel events: the dead generation's code never
// runs again, since nothing that it waits for ever settles; what it sent before still lands.

import type { Kernel } from './kernel.ts';

export type Generation = { alive: boolean };

export class Machine {
  private readonly kernel: Kernel;
  private readonly program: (generation: Generation) => Promise<void>;
  private readonly ended = Promise.withResolvers<void>();
  private generation: Generation = { alive: false };

  /** `program` builds all of its process's state anew each time, so that nothing survives a crash but the stores. */
  constructor(kernel: Kernel, program: (generation: Generation) => Promise<void>) {
    this.kernel = kernel;
    this.program = program;
  }

  /** Resolves when a generation's program has ended, rejects with what it threw. */
  run(): Promise<void> {
    this.start();
    return this.ended.promise;
  }

  /** Stops the process where it waits and starts its next generation at once. */
  crash(): void {
    if (!this.generation.alive) return;
    this.generation.alive = false;
    this.kernel.resumeAt(this.kernel.nowMs, () => this.start());
  }

  private start(): void {
    const generation = { alive: true };
    this.generation = generation;
    this.program(generation).then(
      () => this.end(generation, () => this.ended.resolve()),
      error => this.end(generation, () => this.ended.reject(error)),
    );
  }

  private end(generation: Generation, settle: () => void): void {
    if (!generation.alive) return;
    generation.alive = false;
    settle();
  }
}
