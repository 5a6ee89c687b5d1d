// Admission: a company starts only while, at every limiter and gate, what is already promised to admitted companies
// would take no longer than the backlog allowed. So waiting happens before admission and provisioning stays short.

import type { Clock, LimitCount, Slots } from '../ports.ts';
import type { Company, Place } from './company.ts';
import { Gate, Limiter } from './limiter.ts';
import type { LimiterName, Step, StepKind } from './plan.ts';
import { burstOf, scopeOf, tollsOf, type VendorRates } from './vendorLimits.ts';

/** Calls a minute; null for no limit. */
export type Rates = Readonly<Record<LimiterName, number | null>>;

/** How soon admission looks again: at a limiter when it is due, and at a gate, which may open at any moment, after a while. */
const LOOK_AGAIN_MIN_MS = { limiter: 1, gate: 100 };
const LOOK_AGAIN_MAX_MS = 1000;

/** One line a limit: those of its scopes, of the gates that stand for one quota, or of several provisioners, together. */
export function summed(counts: readonly LimitCount[]): LimitCount[] {
  return [...Map.groupBy(counts, ({ kind, name }) => `${kind} ${name}`).values()].map(own => {
    const sum = (of: (count: LimitCount) => number) => own.reduce((total, each) => total + of(each), 0);
    return {
      ...own[0],
      calls: sum(({ calls }) => calls),
      waitMs: sum(({ waitMs }) => waitMs),
      refusals: sum(({ refusals }) => refusals),
      admissionBlockedMs: sum(({ admissionBlockedMs }) => admissionBlockedMs),
    };
  });
}

/** A company and its place: what the vendors' limits are counted by. */
export type Placed = { readonly company: Company; readonly place: Place };

/** A limiter that a call needs slots of. */
type Due = { readonly limiter: Limiter; readonly slots: number };

export type Verb = 'create' | 'find' | 'remove';

export class Admission {
  private readonly clock: Clock;
  private readonly slots: Slots;
  private readonly backlogMaxMs: number;
  private readonly limiters: ReadonlyMap<LimiterName, Limiter>;
  private readonly vendorRates: VendorRates;
  /** By limit and scope. */
  private readonly vendorLimiters = new Map<string, Limiter>();
  private readonly gates = new Map<string, Gate>();
  /** Steps of admitted companies that have not passed their gate yet, by kind. */
  private readonly ahead = new Map<StepKind, number>();
  /** Steps under way that have. */
  private readonly passed = new Set<Step>();
  private crowdedMs = 0;

  constructor(clock: Clock, slots: Slots, rates: Rates, vendorRates: VendorRates, backlogMaxMs: number) {
    this.clock = clock;
    this.slots = slots;
    this.vendorRates = vendorRates;
    this.backlogMaxMs = backlogMaxMs;
    const limiters = new Map<LimiterName, Limiter>();
    for (const [name, perMinute] of Object.entries(rates) as [LimiterName, number | null][])
      if (perMinute !== null) limiters.set(name, new Limiter(name, perMinute, slots));
    this.limiters = limiters;
  }

  /** Waits until the next company, of which these steps are to be made or taken away, may start. */
  async wait(steps: readonly Step[], placed: Placed, verb: Verb = 'create'): Promise<void> {
    const due = steps.flatMap(step => this.dueFor(step, verb, placed).map(({ limiter }) => limiter));
    const limiters = new Set(due);
    for (;;) {
      const blocker = this.blocker(limiters);
      if (blocker === undefined) return;
      const waitMs = Math.min(blocker.waitMs, LOOK_AGAIN_MAX_MS);
      blocker.limit.heldBack(waitMs);
      await this.clock.sleep(waitMs);
    }
  }

  /** Promises the limiters the calls of an admitted company's steps. */
  admit(steps: readonly Step[], placed: Placed, verb: Verb = 'create'): void {
    for (const step of steps) {
      if (verb === 'create') this.ahead.set(step.kind, (this.ahead.get(step.kind) ?? 0) + 1);
      for (const { limiter, slots } of this.dueFor(step, verb, placed)) limiter.promised += slots;
    }
  }

  /** No quota refuses the step's call any more: what it still waits for takes no turn at a gate. */
  pass(step: Step): void {
    if (this.passed.has(step)) return;
    this.passed.add(step);
    this.ahead.set(step.kind, this.ahead.get(step.kind)! - 1);
  }

  /** Takes back what `admit` promised for a step: it is done, or the company has been given up. */
  release(step: Step, asked: boolean, placed: Placed, verb: Verb = 'create'): void {
    if (verb === 'create' && !this.passed.delete(step))
      this.ahead.set(step.kind, this.ahead.get(step.kind)! - 1);
    if (!asked) for (const { limiter, slots } of this.dueFor(step, verb, placed)) limiter.promised -= slots;
  }

  /** The moment at which a call of the step may leave; the first of its creations uses up its promise. */
  async reserve(step: Step, verb: Verb, first: boolean, placed: Placed): Promise<number> {
    let atMs = this.clock.nowMs();
    for (const { limiter, slots } of this.dueFor(step, verb, placed)) {
      if (first) limiter.promised -= slots;
      atMs = await limiter.reserve(atMs, slots);
    }
    return atMs;
  }

  /**
   * The moment at which a look of somebody who need not look now may leave. Undefined while it would come later than the
   * backlog allowed, so that those who must call find no queue of looks before them: then it takes no slot.
   */
  async reserveSoon(step: Step, placed: Placed): Promise<number | undefined> {
    const nowMs = this.clock.nowMs();
    const due = this.dueFor(step, 'find', placed);
    const gate = this.gateOf(step.kind, 'find');
    const backlogs = due.map(({ limiter }) => limiter.backlogMs(nowMs));
    if (gate !== undefined) backlogs.push(gate.backlogMs(nowMs, gate.queued));
    if (backlogs.some(backlogMs => backlogMs > this.backlogMaxMs)) return undefined;
    // Promised until the slots are known, so that those who ask at the same moment see each other.
    for (const { limiter, slots } of due) limiter.promised += slots;
    let atMs = nowMs;
    for (const { limiter, slots } of due) {
      atMs = await limiter.reserve(atMs, slots);
      limiter.promised -= slots;
    }
    return atMs;
  }

  /** The gate before calls of this kind, if a quota has ever refused one. */
  gateOf(kind: StepKind, verb: string): Gate | undefined {
    return this.gates.get(`${kind}.${verb}`);
  }

  /** Notes a refusal: it holds back the call's limiters, for all provisioners, and puts a gate before all of its kind. */
  async refused(step: Step, verb: Verb, quota: string, retryAfterMs: number, placed: Placed): Promise<Gate> {
    const key = `${step.kind}.${verb}`;
    let gate = this.gates.get(key);
    if (gate === undefined) this.gates.set(key, (gate = new Gate(this.clock)));
    gate.refused(quota, retryAfterMs);
    const atMs = this.clock.nowMs() + retryAfterMs;
    for (const { limiter } of this.dueFor(step, verb, placed)) await limiter.refused(atMs);
    return gate;
  }

  /** Notes how long the next company could not start since as many as may be were under way. */
  crowded(waitMs: number): void {
    this.crowdedMs += waitMs;
  }

  /** One line a limiter and a quota; gates before several kinds of call may stand for one quota. */
  counts(): LimitCount[] {
    const limiters = [...this.limiters.values(), ...this.vendorLimiters.values()];
    const crowded = { name: 'concurrency', kind: 'limiter', calls: 0, refusals: 0 } as const;
    return summed([
      ...limiters.map(({ name, calls, waitMs, blockedMs }): LimitCount => {
        return { name, kind: 'limiter', calls, waitMs, refusals: 0, admissionBlockedMs: blockedMs };
      }),
      ...(this.crowdedMs > 0
        ? [{ ...crowded, waitMs: this.crowdedMs, admissionBlockedMs: this.crowdedMs }]
        : []),
      ...[...this.gates.values()].flatMap(({ quotas }) =>
        [...quotas].map(([name, { calls, waitMs, refusals, blockedMs }]): LimitCount => {
          return { name, kind: 'quota', calls, waitMs, refusals, admissionBlockedMs: blockedMs };
        }),
      ),
    ]);
  }

  /** The slots that one call of the step needs: of the vendor's rate first, since the plan's own is the last to wait for. */
  private dueFor(step: Step, verb: Verb, placed: Placed): Due[] {
    const due: Due[] = [];
    for (const toll of tollsOf(step.kind)) {
      const vendor = toll[verb] > 0 ? this.vendorLimiter(toll.limit, placed) : undefined;
      if (vendor !== undefined) due.push({ limiter: vendor, slots: toll[verb] });
    }
    const isCounted = verb === 'create' || (verb === 'remove' && step.limitsRemoval === true);
    const own = isCounted && step.limiter ? this.limiters.get(step.limiter) : undefined;
    if (own !== undefined) due.push({ limiter: own, slots: 1 });
    return due;
  }

  private vendorLimiter(name: keyof VendorRates, { company, place }: Placed): Limiter | undefined {
    const perMinute = this.vendorRates[name];
    if (perMinute === null) return undefined;
    const scope = scopeOf(name, company, place);
    const key = `${name} ${scope}`;
    let limiter = this.vendorLimiters.get(key);
    if (limiter === undefined)
      this.vendorLimiters.set(
        key,
        (limiter = new Limiter(name, perMinute, this.slots, scope, burstOf(name, perMinute))),
      );
    return limiter;
  }

  /** The limit that is furthest over the backlog allowed, and how long until it is worth looking again. */
  private blocker(
    limiters: ReadonlySet<Limiter>,
  ): { readonly limit: Limiter | Gate; readonly waitMs: number } | undefined {
    const nowMs = this.clock.nowMs();
    let worst: { limit: Limiter | Gate; waitMs: number } | undefined;
    const consider = (limit: Limiter | Gate, backlogMs: number, lookAgainMs: number) => {
      const excessMs = backlogMs - this.backlogMaxMs;
      if (excessMs <= 0) return;
      const waitMs = Math.max(excessMs, lookAgainMs);
      if (worst === undefined || waitMs > worst.waitMs) worst = { limit, waitMs };
    };
    for (const limiter of limiters) consider(limiter, limiter.backlogMs(nowMs), LOOK_AGAIN_MIN_MS.limiter);
    for (const [key, gate] of this.gates) {
      const [kind, verb] = key.split('.') as [StepKind, string];
      // What waits for its turn there are creations; a company that is taken away or looked after waits by itself.
      if (verb !== 'create') continue;
      consider(gate, gate.backlogMs(nowMs, this.ahead.get(kind) ?? 0), LOOK_AGAIN_MIN_MS.gate);
    }
    return worst;
  }
}
