// A copy of the clouds that lags behind them: it executes every call that had its effect, `lagMs` later. A stale read is
// answered by it, so that one fault serves all fakes and an answer is what the vendor would have said then.

import type { FaultRule } from '../scenarios/scenario.ts';
import type { FakeRequest, Served } from './service.ts';

/** A call that the clouds let through, when, and what went wrong in it. */
export type Executed = {
  readonly request: FakeRequest;
  readonly atMs: number;
  readonly fault: FaultRule | undefined;
};

export class Replica {
  private readonly replay: (call: Executed) => Served;
  private readonly lagMs: number;
  private ahead: Executed[] = [];

  constructor(replay: (call: Executed) => Served, lagMs: number) {
    this.replay = replay;
    this.lagMs = lagMs;
  }

  note(call: Executed): void {
    this.catchUp(call.atMs);
    this.ahead.push(call);
  }

  /** What a read that arrives now gets to see. */
  read(request: FakeRequest, nowMs: number): Served {
    this.catchUp(nowMs);
    return this.replay({ request, atMs: nowMs - this.lagMs, fault: undefined });
  }

  private catchUp(nowMs: number): void {
    const due = this.ahead.findIndex(({ atMs }) => atMs > nowMs - this.lagMs);
    for (const call of this.ahead.splice(0, due < 0 ? this.ahead.length : due)) this.replay(call);
  }
}
