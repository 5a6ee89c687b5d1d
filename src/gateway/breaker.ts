// Leaves a company's failing service in peace. One circuit a company, a pure state machine:
//
//   closed ── so many failures within the window ──► open ── after the reset time, the next request ──► trial
//   (nothing stored once no failure is recent)        ▲                                                  │
//   closed ◄── success ───────────────────────────────┴── failure ──────────────────────────────────────┘
//
// Only the trial's own outcome ends a trial: a late answer to a request of before says nothing new.

import type { GatewayOptions } from './options.ts';

export type BreakerOptions = GatewayOptions['circuitBreaker'];

export type Circuit =
  /** Moments of its recent failures, ascending, fewer than the threshold. */
  | { readonly state: 'closed'; readonly failedAtMs: readonly number[] }
  | { readonly state: 'open'; readonly untilMs: number }
  | { readonly state: 'trial' };

/** How a request may go on: as usual, as the one trial, or not before some time has passed. */
export type Passage =
  | { readonly kind: 'usual' }
  | { readonly kind: 'trial' }
  | { readonly kind: 'refused'; readonly retryAfterMs: number };

const USUAL: Passage = { kind: 'usual' };
const TRIAL: Passage = { kind: 'trial' };
const CLOSED: Circuit = { state: 'closed', failedAtMs: [] };
/** How long a trial takes is not known; most services answer within that time, or not at all. */
const TRIAL_RETRY_MS = 1000;

export function passageOf(circuit: Circuit, nowMs: number): Passage {
  if (circuit.state === 'closed') return USUAL;
  if (circuit.state === 'trial') return { kind: 'refused', retryAfterMs: TRIAL_RETRY_MS };
  return nowMs < circuit.untilMs ? { kind: 'refused', retryAfterMs: circuit.untilMs - nowMs } : TRIAL;
}

/** The circuit after the outcome of a request that went on by that passage. */
export function circuitAfter(
  circuit: Circuit,
  passage: Passage,
  hasSucceeded: boolean,
  nowMs: number,
  { failureThreshold, resetTimeoutMs, monitoringWindowMs }: BreakerOptions,
): Circuit {
  const open: Circuit = { state: 'open', untilMs: nowMs + resetTimeoutMs };
  if (passage.kind === 'trial') return hasSucceeded ? CLOSED : open;
  if (hasSucceeded || circuit.state !== 'closed') return circuit;
  const failedAtMs = [...circuit.failedAtMs.filter(atMs => atMs > nowMs - monitoringWindowMs), nowMs];
  return failedAtMs.length < failureThreshold ? { state: 'closed', failedAtMs } : open;
}

/** The circuits of all companies. Holds those with a failure in the last two windows, and those that are not closed. */
export class Breakers {
  private readonly options: BreakerOptions;
  private readonly circuits = new Map<string, Circuit>();
  private sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: BreakerOptions) {
    this.options = options;
  }

  get size(): number {
    return this.circuits.size;
  }

  /** Asks for a way to the company's service. Whoever is let through must `report`, lest a trial never ends. */
  ask(company: string, nowMs: number): Passage {
    const circuit = this.circuits.get(company);
    if (circuit === undefined) return USUAL;
    const passage = passageOf(circuit, nowMs);
    if (passage.kind === 'trial') this.circuits.set(company, { state: 'trial' });
    return passage;
  }

  /** Returns the state that the circuit has changed to, when it has. */
  report(
    company: string,
    passage: Passage,
    hasSucceeded: boolean,
    nowMs: number,
  ): Circuit['state'] | undefined {
    if (hasSucceeded && passage.kind === 'usual') return undefined;
    const before = this.circuits.get(company) ?? CLOSED;
    const after = circuitAfter(before, passage, hasSucceeded, nowMs, this.options);
    if (after === CLOSED) this.circuits.delete(company);
    else this.circuits.set(company, after);
    this.sweep(nowMs);
    return after.state === before.state ? undefined : after.state;
  }

  /** Once a window, so that a failure costs no walk over all companies. */
  private sweep(nowMs: number): void {
    const { monitoringWindowMs } = this.options;
    if (nowMs - this.sweptAtMs < monitoringWindowMs) return;
    this.sweptAtMs = nowMs;
    for (const [company, circuit] of this.circuits)
      if (circuit.state === 'closed' && circuit.failedAtMs.at(-1)! <= nowMs - monitoringWindowMs)
        this.circuits.delete(company);
  }
}
