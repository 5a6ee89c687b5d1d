// Two ways to wait before a call. A limiter keeps a rate that we know; a gate learns from refusals of a quota that we
// did not know. Both sum up the waiting, so that the binding limit is found from what was observed.

import type { Clock, Slots } from '../ports.ts';

/** Calls leave one interval apart, in the order of asking, shared by all provisioners of the rollout: burst 1 unless told. */
export class Limiter {
  readonly name: string;
  readonly intervalMs: number;
  private readonly slots: Slots;
  /** How much earlier than its slot a call may leave. */
  private readonly earlyMs: number;
  /** By what the limit is counted. */
  private readonly scope: string;
  calls = 0;
  waitMs = 0;
  blockedMs = 0;
  /** Calls of admitted companies that have not asked for their slot yet. */
  promised = 0;
  /** The first slot that is free, as this provisioner knows it. */
  private nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, perMinute: number, slots: Slots, scope = '', burst = 1) {
    this.name = name;
    this.intervalMs = 60_000 / perMinute;
    this.slots = slots;
    this.earlyMs = (burst - 1) * this.intervalMs;
    this.scope = scope === '' ? name : `${name} ${scope}`;
  }

  /**
   * Takes the next slots and says when the last of them is. All at once: calls that took theirs in turns would all wait
   * for the last ones, and then leave closer together than the rate allows.
   */
  async reserve(nowMs: number, slots = 1): Promise<number> {
    this.calls += slots;
    const firstAtMs = await this.slots.take(this.scope, nowMs, slots * this.intervalMs);
    const lastAtMs = firstAtMs + (slots - 1) * this.intervalMs;
    this.nextAtMs = Math.max(this.nextAtMs, lastAtMs + this.intervalMs);
    const atMs = Math.max(nowMs, lastAtMs - this.earlyMs);
    this.waitMs += atMs - nowMs;
    return atMs;
  }

  /** The vendor has refused a call that the limiter let go: nobody asks again before the moment that it named. */
  async refused(atMs: number): Promise<void> {
    this.nextAtMs = Math.max(this.nextAtMs, atMs);
    await this.slots.hold(this.scope, atMs);
  }

  /** Notes for how long it held back the admission of the next company. */
  heldBack(ms: number): void {
    this.blockedMs += ms;
  }

  /** How long everything promised so far would take. */
  backlogMs(nowMs: number): number {
    const slotsMs = Math.max(0, this.nextAtMs - nowMs) + this.promised * this.intervalMs;
    return Math.max(0, slotsMs - this.earlyMs);
  }
}

/** Weight of the newest passage in the gate's estimate of how long one takes. */
const PASSAGE_WEIGHT = 0.3;

/** So many turns in a row that no quota refused show that it is no longer short, and the gate opens. */
const CALM_TURNS = 5;

export type QuotaCount = { calls: number; waitMs: number; refusals: number; blockedMs: number };

const noWaits = (): QuotaCount => ({ calls: 0, waitMs: 0, refusals: 0, blockedMs: 0 });

/**
 * One kind of call that a quota has refused: from then on such calls go one at a time, in order, and after a refusal
 * none goes before the moment that the vendor named, until the quota has been calm for a while.
 */
export class Gate {
  /** By the quota's name, as the vendor's latest refusal gave it. */
  readonly quotas = new Map<string, QuotaCount>();
  private readonly clock: Clock;
  private isOpen = true;
  private openAtMs = 0;
  private calmTurns = 0;
  private isTaken = false;
  private readonly waiting: ((hasTurn: boolean) => void)[] = [];
  private passageMs = 0;
  private enteredAtMs = 0;
  private current = noWaits();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Resolves to true when it is this call's turn, which needs a `leave`; to false when the gate is open to all. */
  async enter(): Promise<boolean> {
    if (this.isOpen) return false;
    const askedAtMs = this.clock.nowMs();
    const hasTurn = this.isTaken ? await new Promise<boolean>(resolve => this.waiting.push(resolve)) : true;
    this.current.waitMs += this.clock.nowMs() - askedAtMs;
    if (!hasTurn) return false;
    this.isTaken = true;
    this.enteredAtMs = this.clock.nowMs();
    this.calmTurns++;
    await this.reopened();
    return true;
  }

  /** For the call whose turn it is: resolves when the vendor allows the next try. */
  async reopened(): Promise<void> {
    const askedAtMs = this.clock.nowMs();
    // A call that left before the gate stood may be refused late, and move the moment.
    for (let leftMs = this.openAtMs - askedAtMs; leftMs > 0; leftMs = this.openAtMs - this.clock.nowMs())
      await this.clock.sleep(leftMs);
    this.current.waitMs += this.clock.nowMs() - askedAtMs;
    this.current.calls++;
  }

  leave(): void {
    const passageMs = this.clock.nowMs() - this.enteredAtMs;
    this.passageMs += (passageMs - this.passageMs) * (this.passageMs === 0 ? 1 : PASSAGE_WEIGHT);
    if (this.calmTurns >= CALM_TURNS) {
      this.isOpen = true;
      this.isTaken = false;
      for (const resume of this.waiting.splice(0)) resume(false);
      return;
    }
    const next = this.waiting.shift();
    if (next === undefined) this.isTaken = false;
    else next(true);
  }

  refused(quota: string, retryAfterMs: number): void {
    let count = this.quotas.get(quota);
    if (count === undefined) this.quotas.set(quota, (count = noWaits()));
    this.current = count;
    count.refusals++;
    this.isOpen = false;
    this.calmTurns = 0;
    this.openAtMs = Math.max(this.openAtMs, this.clock.nowMs() + retryAfterMs);
  }

  /** Calls that wait for their turn. */
  get queued(): number {
    return this.waiting.length + (this.isTaken ? 1 : 0);
  }

  /** Notes for how long it held back the admission of the next company. */
  heldBack(ms: number): void {
    this.current.blockedMs += ms;
  }

  /** How long `calls` more would take, by the passages seen so far. */
  backlogMs(nowMs: number, calls: number): number {
    return this.isOpen ? 0 : Math.max(0, this.openAtMs - nowMs) + calls * this.passageMs;
  }
}
