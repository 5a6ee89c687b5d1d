// One step of one company: make its resource and wait until it is ready, or take it away again.
//
//   in doubt after a crash? ─► look ─► there: done
//                               └► not there ─► create ─► done | pending (look again) | exists (look)
//                                                └► unknown: look │ transient: wait, again │ rejected: failed

import { ATTEMPTS_MAX, CALL_DEADLINE_MS, POLL_MS, READY_MAX_MS, REFUSALS_MAX } from '../limits.ts';
import type { Chance, Clock } from '../ports.ts';
import type { Admission, Placed, Verb } from './admission.ts';
import type { Step } from './plan.ts';
import type { StepProgress } from './progress.ts';
import type { RetryBudget } from './retry.ts';
import type { StepWaits, Wait } from './timeline.ts';
import type { Attempt, CloudResult, Verbs } from './verbs.ts';

export type StepPorts = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly admission: Admission;
  readonly budget: RetryBudget;
};

/** The step within its company: what names its calls and journals its intents. */
export type StepContext = {
  readonly step: Step;
  readonly verbs: Verbs;
  readonly placed: Placed;
  /** [company, step, generation]: every call's key starts with it. */
  readonly key: readonly number[];
  /** What the journal knew of the step when this process took it up. */
  readonly before: StepProgress | undefined;
  /** Makes durable that a call may land until `deadlineAtMs`. Rejects when another provisioner has the company now. */
  readonly intent: (deadlineAtMs: number) => Promise<void>;
  /** Rejects when this provisioner may not act for the company any more. */
  readonly hold: () => Promise<void>;
  /** Called once, when the step has asked its limiter for the first time. */
  readonly asked: () => void;
  /** Hears of every wait but that for an answer. */
  readonly waits: StepWaits;
};

export type Made =
  | { readonly kind: 'done'; readonly id: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** What a call comes to once no quota refuses it any more. */
type Settled = Exclude<CloudResult, { kind: 'throttled' }>;

const VERB_KEYS: Readonly<Record<Verb, number>> = { create: 0, find: 1, remove: 2 };

/** Makes the step's resource. Ends in `done` once it is ready, or in `failed`, after which it must be unmade. */
export async function makeStep(ports: StepPorts, context: StepContext): Promise<Made> {
  const { clock } = ports;
  const { verbs, before, waits } = context;
  /** From the first look that found it unready: waiting for a quota is no sign of one that does not get ready. */
  let readyByMs: number | undefined;
  const { create } = verbs;
  let id = before?.id;
  let look = before !== undefined || create === undefined || verbs.nameless === true;
  if (before !== undefined && verbs.nameless) await sleepUntil(clock, before.deadlineAtMs, waits, 'retry');
  const calls = new StepCalls(ports, context);
  for (;;) {
    const result =
      look || create === undefined
        ? await calls.call('find', attempt => verbs.find(attempt, id))
        : await calls.call('create', create);
    switch (result.kind) {
      case 'done':
        return result;
      case 'rejected':
        return { kind: 'failed', reason: result.reason };
      case 'exists':
        look = true;
        break;
      case 'absent':
      case 'pending':
        look = result.kind === 'pending' || create === undefined;
        if (!look) break;
        readyByMs ??= clock.nowMs() + READY_MAX_MS;
        if (clock.nowMs() >= readyByMs)
          return { kind: 'failed', reason: `not ready within ${READY_MAX_MS} ms` };
        if (result.kind === 'pending') id = result.id || id;
        await waits.during('poll', clock.sleep(POLL_MS));
        break;
      case 'unknown':
        // What cannot be asked for by name must have run out before it may be made again.
        if (verbs.nameless) await sleepUntil(clock, calls.lastDeadlineAtMs, waits, 'retry');
        look = true;
        break;
      case 'transient':
    }
    const failure = await calls.settle(result);
    if (failure !== undefined) return { kind: 'failed', reason: failure };
  }
}

/** Takes the step's resource away. Undefined once it is gone; otherwise why it is not. */
export async function unmakeStep(ports: StepPorts, context: StepContext): Promise<string | undefined> {
  const { clock } = ports;
  const { verbs, before, waits } = context;
  const { remove } = verbs;
  if (remove === undefined) return undefined;
  // A creation that is still under way would land after its removal and be nobody's.
  if (before?.state === 'intent') await sleepUntil(clock, before.deadlineAtMs, waits, 'retry');
  const goneByMs = clock.nowMs() + READY_MAX_MS;
  const calls = new StepCalls(ports, context);
  for (;;) {
    const result = await calls.call('remove', attempt => remove(attempt, before?.id));
    if (result.kind === 'done' || result.kind === 'absent') return undefined;
    if (result.kind === 'rejected') return result.reason;
    if (clock.nowMs() >= goneByMs) return `not gone within ${READY_MAX_MS} ms`;
    if (result.kind === 'pending') await waits.during('poll', clock.sleep(POLL_MS));
    const failure = await calls.settle(result);
    if (failure !== undefined) return failure;
  }
}

/** The calls of one step: their keys, limits, gates and retries. */
class StepCalls {
  lastDeadlineAtMs = 0;
  private readonly ports: StepPorts;
  private readonly context: StepContext;
  private calls = 0;
  private retries = 0;
  private asked = false;
  /** The removal is under way: the next `remove` only looks, and needs no slot. */
  private isGoing = false;

  constructor(ports: StepPorts, context: StepContext) {
    this.ports = ports;
    this.context = context;
  }

  /** One call, after its gate. One that a quota refuses keeps its turn and tries again when the vendor says. */
  async call(verb: Verb, send: (attempt: Attempt) => Promise<CloudResult>): Promise<Settled> {
    const { admission } = this.ports;
    const { step, placed, waits } = this.context;
    let gate = admission.gateOf(step.kind, verb);
    let hasTurn = gate !== undefined && (await waits.during('quota', gate.enter()));
    try {
      for (let refusals = 1; ; refusals++) {
        const result = await this.callOnce(verb, send);
        if (result.kind !== 'throttled' || refusals === REFUSALS_MAX) {
          if (verb === 'create') admission.pass(step);
          if (result.kind !== 'throttled') return result;
          return { kind: 'rejected', reason: `the quota ${result.quota} refused it ${refusals} times` };
        }
        gate = await admission.refused(step, verb, result.quota, result.retryAfterMs, placed);
        if (hasTurn) await waits.during('quota', gate.reopened());
        else hasTurn = await waits.during('quota', gate.enter());
      }
    } finally {
      if (hasTurn) gate!.leave();
    }
  }

  /** After its limiters' slots; a creation leaves its intent in the journal first. */
  private async callOnce(verb: Verb, send: (attempt: Attempt) => Promise<CloudResult>): Promise<CloudResult> {
    const { clock } = this.ports;
    const { intent, hold, waits } = this.context;
    const atMs = this.isGoing ? clock.nowMs() : await this.reserve(verb);
    const deadlineAtMs = atMs + CALL_DEADLINE_MS;
    if (verb === 'create') await intent(deadlineAtMs);
    await sleepUntil(clock, atMs, waits, 'limiter');
    await hold();
    this.lastDeadlineAtMs = deadlineAtMs;
    const result = await send({ key: [...this.context.key, VERB_KEYS[verb], this.calls++], deadlineAtMs });
    this.isGoing = verb === 'remove' && result.kind === 'pending';
    return result;
  }

  /** Waits out what a result asks for. Says why the step has failed once its tries are used up. */
  async settle(result: Settled): Promise<string | undefined> {
    const { clock, chance, budget } = this.ports;
    if (result.kind !== 'transient' && result.kind !== 'unknown' && result.kind !== 'exists')
      return undefined;
    if (++this.retries >= ATTEMPTS_MAX) {
      const reason = result.kind === 'exists' ? 'the name is taken and cannot be found' : result.reason;
      return `given up after ${ATTEMPTS_MAX} tries: ${reason}`;
    }
    // A name that is taken is asked for at once; taken and not to be found, it may not be visible yet.
    if (result.kind !== 'exists' || this.retries > 1) {
      const backoffMs = budget.backoffMs(chance, [...this.context.key, this.calls], this.retries);
      await this.context.waits.during('retry', clock.sleep(backoffMs));
    }
    return undefined;
  }

  private reserve(verb: Verb): Promise<number> {
    const { admission, budget } = this.ports;
    const { step, placed } = this.context;
    const first = verb === 'create' && !this.asked;
    if (first) {
      this.asked = true;
      this.context.asked();
      budget.earn();
    }
    return admission.reserve(step, verb, first, placed);
  }
}

/** Counts as a wait of that kind only where there is something to wait for: real clocks move between two lines. */
async function sleepUntil(clock: Clock, atMs: number, waits: StepWaits, wait: Wait): Promise<void> {
  const waitMs = atMs - clock.nowMs();
  if (waitMs > 0) await waits.during(wait, clock.sleep(waitMs));
}
