// One step of one company: make its resource and wait until it is ready, or take it away again.
//
//   in doubt after a crash? ─► look ─► there: done
//                               └► not there ─► create ─► done | pending (look again) | exists (look)
//                                                ├► unknown: look │ transient: wait, again │ rejected: failed
//                                                └► broken, or never ready: take it away, create again

import {
  ATTEMPTS_MAX,
  CALL_DEADLINE_MS,
  POLL_MS,
  READY_MAX_MS,
  REFUSALS_MAX,
  REMAKES_MAX,
  STALE_MAX_MS,
} from '../limits.ts';
import type { Chance, Clock, Wait } from '../ports.ts';
import type { Admission, Placed, Verb } from './admission.ts';
import type { Step } from './plan.ts';
import type { StepProgress } from './progress.ts';
import type { RetryBudget } from './retry.ts';
import type { StepWaits } from './timeline.ts';
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
  /**
   * Makes durable that a call may land until `deadlineAtMs`; `remaking`: one that takes the resource away. Rejects when
   * another provisioner has the company now.
   */
  readonly intent: (deadlineAtMs: number, event?: 'intent' | 'remaking') => Promise<void>;
  /** Rejects when this provisioner may not act for the company any more. */
  readonly hold: () => Promise<void>;
  /** Called once, when the step has asked its limiter for the first time. */
  readonly asked: () => void;
  /** Hears of every wait but that for an answer. */
  readonly waits: StepWaits;
};

export type Made =
  | { readonly kind: 'done'; readonly id: string }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** It had no room for another one. */
      readonly quota?: string;
    };

/** What a call comes to once no quota refuses it any more. */
type Settled = Exclude<CloudResult, { kind: 'throttled' }>;

/** `remake`: a removal by a step that makes its resource again. */
const VERB_KEYS: Readonly<Record<Verb | 'remake', number>> = { create: 0, find: 1, remove: 2, remake: 3 };

/**
 * Makes the step's resource. Ends in `done` once it is ready, or in `failed`, after which it must be unmade. What is broken
 * or never gets ready is taken away and made again, a few times.
 */
export async function makeStep(ports: StepPorts, context: StepContext): Promise<Made> {
  const calls = new StepCalls(ports, context, VERB_KEYS.remake);
  const remakes = { stuck: 0, broken: 0 };
  let { before } = context;
  // A removal of an earlier process would take away what is made now.
  if (before?.state === 'remaking')
    await sleepUntil(ports.clock, before.deadlineAtMs, context.waits, 'retry');
  for (;;) {
    const made = await makeOnce(ports, context, calls, before);
    if (made.kind === 'done' || made.kind === 'failed') return made;
    const { kind, id, reason } = made;
    const { create, remove } = context.verbs;
    if (create === undefined || remove === undefined || ++remakes[kind] > REMAKES_MAX[kind])
      return { kind: 'failed', reason };
    calls.startOver();
    const madeByMs = Math.max(calls.madeByMs, before?.deadlineAtMs ?? 0);
    const left = await takeAway(ports, context, calls, id, madeByMs);
    if (left !== undefined)
      return { kind: 'failed', reason: `${reason}; it could not be taken away: ${left}` };
    calls.startOver();
    before = undefined;
  }
}

/** What is there and will not do: it must go before it is made again. */
type Spoilt = { readonly kind: 'stuck' | 'broken'; readonly id: string | undefined; readonly reason: string };

async function makeOnce(
  { clock }: StepPorts,
  { verbs, waits }: StepContext,
  calls: StepCalls,
  before: StepProgress | undefined,
): Promise<Made | Spoilt> {
  /** From the first look that found it unready: waiting for a quota is no sign of one that does not get ready. */
  let readyByMs: number | undefined;
  const { create } = verbs;
  let id = before?.id;
  let look = before !== undefined || create === undefined || verbs.nameless === true;
  /** It has been there, or may be there without a name to ask by: until then, a look that does not see it is not believed. */
  let absentFromMs = before !== undefined && verbs.nameless ? before.deadlineAtMs + STALE_MAX_MS : 0;
  if (before !== undefined && verbs.nameless) await sleepUntil(clock, before.deadlineAtMs, waits, 'retry');
  for (;;) {
    const result =
      look || create === undefined
        ? await calls.call('find', attempt => verbs.find(attempt, id))
        : await calls.call('create', create);
    switch (result.kind) {
      case 'done':
        return result;
      case 'rejected':
        return { ...result, kind: 'failed' };
      case 'broken':
        return { kind: 'broken', id, reason: result.reason };
      case 'exists':
        look = true;
        break;
      case 'absent':
      case 'pending': {
        const isDoubtful = result.kind === 'absent' && clock.nowMs() < absentFromMs;
        if (isDoubtful && verbs.nameless) {
          await sleepUntil(clock, absentFromMs, waits, 'poll');
          break;
        }
        look = result.kind === 'pending' || create === undefined || isDoubtful;
        if (!look) break;
        readyByMs ??= clock.nowMs() + READY_MAX_MS;
        if (clock.nowMs() >= readyByMs)
          return { kind: 'stuck', id, reason: `not ready within ${READY_MAX_MS} ms` };
        if (result.kind === 'pending') {
          calls.startOver();
          id = result.id || id;
          absentFromMs = Math.max(calls.madeByMs, before?.deadlineAtMs ?? 0) + STALE_MAX_MS;
        }
        await waits.during('poll', clock.sleep(POLL_MS));
        break;
      }
      case 'unknown':
        // What cannot be asked for by name must have run out before it may be made again.
        if (verbs.nameless) {
          await sleepUntil(clock, calls.lastDeadlineAtMs, waits, 'retry');
          absentFromMs = calls.madeByMs + STALE_MAX_MS;
        }
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
  const { before } = context;
  // A creation that is still under way would land after its removal and be nobody's.
  if (before?.state === 'intent' && context.verbs.remove !== undefined)
    await sleepUntil(ports.clock, before.deadlineAtMs, context.waits, 'retry');
  const calls = new StepCalls(ports, context, VERB_KEYS.remove);
  return takeAway(ports, context, calls, before?.id, before?.deadlineAtMs ?? 0);
}

/** `madeByMs`: from then on no creation can land any more. */
async function takeAway(
  { clock }: StepPorts,
  { verbs: { remove }, waits }: StepContext,
  calls: StepCalls,
  id: string | undefined,
  madeByMs: number,
): Promise<string | undefined> {
  if (remove === undefined) return undefined;
  const goneByMs = clock.nowMs() + READY_MAX_MS;
  for (;;) {
    const result = await calls.call('remove', attempt => remove(attempt, id));
    if (result.kind === 'done') return undefined;
    if (result.kind === 'absent') {
      // So soon after its creation it may only not be visible yet.
      if (clock.nowMs() >= madeByMs + STALE_MAX_MS) return undefined;
      await sleepUntil(clock, madeByMs + STALE_MAX_MS, waits, 'poll');
      continue;
    }
    if (result.kind === 'rejected' || result.kind === 'broken') return result.reason;
    if (clock.nowMs() >= goneByMs) return `not gone within ${READY_MAX_MS} ms`;
    if (result.kind === 'pending') {
      calls.startOver();
      await waits.during('poll', clock.sleep(POLL_MS));
    }
    const failure = await calls.settle(result);
    if (failure !== undefined) return failure;
  }
}

/** The calls of one step: their keys, limits, gates and retries. */
class StepCalls {
  lastDeadlineAtMs = 0;
  /** When the last creation had landed, if it ever did. */
  madeByMs = 0;
  private readonly ports: StepPorts;
  private readonly context: StepContext;
  private readonly removeKey: number;
  private calls = 0;
  private retries = 0;
  private asked = false;
  /** The removal is under way: the next `remove` only looks, and needs the slots of a look. */
  private isGoing = false;

  constructor(ports: StepPorts, context: StepContext, removeKey: number) {
    this.ports = ports;
    this.context = context;
    this.removeKey = removeKey;
  }

  /** Gives the tries anew: to what is made again, and after a look that saw it under way, since there are many of these. */
  startOver(): void {
    this.retries = 0;
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
          const { quota } = result;
          return { kind: 'rejected', reason: `the quota ${quota} refused it ${refusals} times`, quota };
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
    const atMs = await this.reserve(this.isGoing ? 'find' : verb);
    const deadlineAtMs = atMs + CALL_DEADLINE_MS;
    if (verb === 'create') await intent(deadlineAtMs);
    if (verb === 'remove' && this.removeKey === VERB_KEYS.remake) await intent(deadlineAtMs, 'remaking');
    await sleepUntil(clock, atMs, waits, 'limiter');
    await hold();
    this.lastDeadlineAtMs = deadlineAtMs;
    if (verb === 'create') this.madeByMs = deadlineAtMs;
    const verbKey = verb === 'remove' ? this.removeKey : VERB_KEYS[verb];
    const result = await send({ key: [...this.context.key, verbKey, this.calls++], deadlineAtMs });
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
