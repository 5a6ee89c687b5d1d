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

/** Whose effects a service's reads show besides its own. */
const SEES: Readonly<Record<string, readonly string[]>> = {
  dnsResolver: ['cloudflare'],
  companyService: ['cloudRun', 'cloudflare'],
};

export class Replica {
  private readonly replay: (call: Executed) => Served;
  private readonly lagMs: number;
  /** Services whose effects somebody may read here; the rest need not be executed. */
  private readonly shown = new Set<string>();
  private ahead: Executed[] = [];

  /** `operation`: what it answers, by a rule. */
  constructor(replay: (call: Executed) => Served, lagMs: number, operation: string) {
    this.replay = replay;
    this.lagMs = lagMs;
    this.alsoFor(operation);
  }

  alsoFor(operation: string): void {
    const service = operation.includes('.') ? operation.split('.')[0] : '*';
    for (const shown of [service, ...(SEES[service] ?? [])]) this.shown.add(shown);
  }

  /** A call of a service that had its effect. A rule may be for all services: `*`. */
  note(call: Executed, service: string): void {
    if (!this.shown.has(service) && !this.shown.has('*')) return;
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
