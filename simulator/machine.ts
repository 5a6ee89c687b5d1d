// A simulated process with generations. A crash happens between two kernel events: the dead generation's code never
// runs again, since nothing that it waits for ever settles; what it sent before still lands.

import type { Kernel } from './kernel.ts';

/** `held`: what reaches a process that is paused, until it goes on. */
export type Generation = { alive: boolean; held?: (() => void)[] | undefined };

/** Lets a living process hear of something; one that is paused hears of it once it goes on. */
export function reach(generation: Generation, run: () => void): void {
  if (!generation.alive) return;
  if (generation.held === undefined) run();
  else generation.held.push(run);
}

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

  /** Holds the process still where it waits, as a virtual machine that is moved; its calls that are out still land. */
  pause(forMs: number): void {
    const { generation, kernel } = this;
    if (!generation.alive || generation.held !== undefined) return;
    generation.held = [];
    kernel.resumeAt(kernel.nowMs + forMs, () => {
      const { held = [] } = generation;
      generation.held = undefined;
      for (const run of held) reach(generation, run);
    });
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
