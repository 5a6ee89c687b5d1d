// Admission: a company starts only while, at every limiter and gate, what is already promised to admitted companies
// would take no longer than the backlog allowed. So waiting happens before admission and provisioning stays short.

import type { Clock } from '../ports.ts';
import { Gate, Limiter } from './limiter.ts';
import type { LimiterName, Step, StepKind } from './plan.ts';

/** Calls a minute; null for no limit. */
export type Rates = Readonly<Record<LimiterName, number | null>>;

export type LimitCount = {
  readonly name: string;
  readonly kind: 'limiter' | 'quota';
  readonly calls: number;
  readonly waitMs: number;
  readonly refusals: number;
  readonly admissionBlockedMs: number;
};

/** How soon admission looks again: a gate has no interval to wait for, and may open at any moment. */
const LOOK_AGAIN_MIN_MS = 100;
const LOOK_AGAIN_MAX_MS = 1000;

const NO_WAITS = { calls: 0, waitMs: 0, refusals: 0, admissionBlockedMs: 0 };

export class Admission {
  private readonly clock: Clock;
  private readonly backlogMaxMs: number;
  private readonly limiters: ReadonlyMap<LimiterName, Limiter>;
  private readonly gates = new Map<string, Gate>();
  /** Steps of admitted companies that have not passed their gate yet, by kind. */
  private readonly ahead = new Map<StepKind, number>();
  /** Steps under way that have. */
  private readonly passed = new Set<Step>();
  private crowdedMs = 0;

  constructor(clock: Clock, rates: Rates, backlogMaxMs: number, resumed: boolean) {
    this.clock = clock;
    this.backlogMaxMs = backlogMaxMs;
    const limiters = new Map<LimiterName, Limiter>();
    for (const [name, perMinute] of Object.entries(rates) as [LimiterName, number | null][])
      if (perMinute !== null)
        limiters.set(name, new Limiter(name, perMinute, clock.nowMs() + (resumed ? 60_000 / perMinute : 0)));
    this.limiters = limiters;
  }

  /** Waits until the next company may start. */
  async wait(): Promise<void> {
    for (;;) {
      const blocker = this.blocker();
      if (blocker === undefined) return;
      const waitMs = Math.min(blocker.waitMs, LOOK_AGAIN_MAX_MS);
      blocker.limit.heldBack(waitMs);
      await this.clock.sleep(waitMs);
    }
  }

  /** Promises the limiters the calls of an admitted company's steps. */
  admit(steps: readonly Step[]): void {
    for (const step of steps) {
      this.ahead.set(step.kind, (this.ahead.get(step.kind) ?? 0) + 1);
      const limiter = this.limiterOf(step);
      if (limiter) limiter.promised++;
    }
  }

  /** No quota refuses the step's call any more: what it still waits for takes no turn at a gate. */
  pass(step: Step): void {
    if (this.passed.has(step)) return;
    this.passed.add(step);
    this.ahead.set(step.kind, this.ahead.get(step.kind)! - 1);
  }

  /** Takes back what `admit` promised for a step: it is done, or the company has been given up. */
  release(step: Step, asked: boolean): void {
    if (!this.passed.delete(step)) this.ahead.set(step.kind, this.ahead.get(step.kind)! - 1);
    const limiter = this.limiterOf(step);
    if (limiter && !asked) limiter.promised--;
  }

  /** The slot of one call; the first of a step uses up its promise. */
  reserve(step: Step, first: boolean): number {
    const nowMs = this.clock.nowMs();
    const limiter = this.limiterOf(step);
    if (!limiter) return nowMs;
    if (first) limiter.promised--;
    return limiter.reserve(nowMs);
  }

  /** The gate before calls of this kind, if a quota has ever refused one. */
  gateOf(kind: StepKind, verb: string): Gate | undefined {
    return this.gates.get(`${kind}.${verb}`);
  }

  /** Notes a refusal, and puts a gate before all further calls of this kind. */
  refused(kind: StepKind, verb: string, quota: string, retryAfterMs: number): Gate {
    const key = `${kind}.${verb}`;
    let gate = this.gates.get(key);
    if (gate === undefined) this.gates.set(key, (gate = new Gate(this.clock)));
    gate.refused(quota, retryAfterMs);
    return gate;
  }

  /** Notes how long the next company could not start since as many as may be were under way. */
  crowded(waitMs: number): void {
    this.crowdedMs += waitMs;
  }

  /** One line a limiter and a quota; gates before several kinds of call may stand for one quota. */
  counts(): LimitCount[] {
    const counts = [...this.limiters.values()].map(({ name, calls, waitMs, blockedMs }): LimitCount => {
      return { name, kind: 'limiter', calls, waitMs, refusals: 0, admissionBlockedMs: blockedMs };
    });
    if (this.crowdedMs > 0)
      counts.push({
        ...NO_WAITS,
        name: 'concurrency',
        kind: 'limiter',
        waitMs: this.crowdedMs,
        admissionBlockedMs: this.crowdedMs,
      });
    const quotas = new Map<string, LimitCount>();
    for (const gate of this.gates.values())
      for (const [name, { calls, waitMs, refusals, blockedMs }] of gate.quotas) {
        const sum = quotas.get(name) ?? NO_WAITS;
        quotas.set(name, {
          name,
          kind: 'quota',
          calls: sum.calls + calls,
          waitMs: sum.waitMs + waitMs,
          refusals: sum.refusals + refusals,
          admissionBlockedMs: sum.admissionBlockedMs + blockedMs,
        });
      }
    return [...counts, ...quotas.values()];
  }

  private limiterOf({ limiter }: Step): Limiter | undefined {
    return limiter && this.limiters.get(limiter);
  }

  /** The limit that is furthest over the backlog allowed, and how long until it is worth looking again. */
  private blocker(): { readonly limit: Limiter | Gate; readonly waitMs: number } | undefined {
    const nowMs = this.clock.nowMs();
    let worst: { limit: Limiter | Gate; waitMs: number } | undefined;
    const consider = (limit: Limiter | Gate, backlogMs: number, lookAgainMs: number) => {
      const excessMs = backlogMs - this.backlogMaxMs;
      if (excessMs <= 0) return;
      const waitMs = Math.max(excessMs, lookAgainMs);
      if (worst === undefined || waitMs > worst.waitMs) worst = { limit, waitMs };
    };
    for (const limiter of this.limiters.values())
      consider(limiter, limiter.backlogMs(nowMs), limiter.intervalMs);
    for (const [key, gate] of this.gates) {
      const [kind, verb] = key.split('.') as [StepKind, string];
      // What is promised are creations; a company that is undone or looked after again waits by itself.
      if (verb !== 'create') continue;
      consider(gate, gate.backlogMs(nowMs, this.ahead.get(kind) ?? 0), LOOK_AGAIN_MIN_MS);
    }
    return worst;
  }
}
