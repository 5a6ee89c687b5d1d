// So many verifications at once and no more; the next ones wait in a bounded queue, first come, first served. Each
// waiter has exactly one outcome: its turn, or its deadline, at that very moment.

import type { Clock } from '../ports.ts';

export type WaitFigures = {
  readonly name: string;
  /** That had their turn, at once or after a wait. */
  readonly calls: number;
  /** Sum over all that waited, whatever came of it. */
  readonly waitMs: number;
  /** Turned away: the queue was full, or the deadline passed in it. */
  readonly refusals: number;
};

type Waiter = {
  readonly askedAtMs: number;
  readonly settle: (hasTurn: boolean) => void;
  cancelDeadline: () => void;
};

export class Pool {
  private readonly name: string;
  private readonly size: number;
  private readonly queueMax: number;
  private readonly clock: Clock;
  private busy = 0;
  /** In the order of asking. Nobody waits while a place is free. */
  private readonly waiting = new Set<Waiter>();
  private calls = 0;
  private waitMs = 0;
  private refusals = 0;

  constructor(name: string, { size, queueMax }: { size: number; queueMax: number }, clock: Clock) {
    this.name = name;
    this.size = size;
    this.queueMax = queueMax;
    this.clock = clock;
  }

  /** Takes a place that is free; false when there is none, then ask `queue`. Who has a place must `leave`. */
  enter(): boolean {
    if (this.busy >= this.size) return false;
    this.busy++;
    this.calls++;
    return true;
  }

  /** Resolves to true with the caller's turn, which has a place, or to false at the deadline. Undefined: it is full. */
  queue(deadlineAtMs: number): Promise<boolean> | undefined {
    if (this.waiting.size >= this.queueMax) {
      this.refusals++;
      return undefined;
    }
    return new Promise(settle => {
      const askedAtMs = this.clock.nowMs();
      const waiter: Waiter = { askedAtMs, settle, cancelDeadline: () => {} };
      this.waiting.add(waiter);
      waiter.cancelDeadline = this.clock.after(deadlineAtMs - askedAtMs, () => this.giveUp(waiter));
    });
  }

  /** Hands the place on to whoever waits longest. */
  leave(): void {
    if (this.waiting.size === 0) {
      this.busy--;
      return;
    }
    const [next] = this.waiting;
    next.cancelDeadline();
    this.end(next);
    this.calls++;
    next.settle(true);
  }

  figures(): WaitFigures {
    const { name, calls, waitMs, refusals } = this;
    return { name, calls, waitMs, refusals };
  }

  private giveUp(waiter: Waiter): void {
    this.end(waiter);
    this.refusals++;
    waiter.settle(false);
  }

  private end(waiter: Waiter): void {
    this.waiting.delete(waiter);
    this.waitMs += this.clock.nowMs() - waiter.askedAtMs;
  }
}
