// The rollout: takes up what an earlier process left, then admits the queue's companies as the limits allow, and ends
// when every company is ready, undone or blocked. The same code runs in virtual and in real time.

import type { Chance, Clock, Journal, Log, Registry, Transport } from '../ports.ts';
import type { Tokens } from '../providers/call.ts';
import { createClients } from '../providers/clients.ts';
import { Admission, type LimitCount, type Rates } from './admission.ts';
import type { Company, Platform } from './company.ts';
import type { StepKind } from './plan.ts';
import { type CompanyProgress, progressOf } from './progress.ts';
import { type ProvisionPorts, provision } from './provision.ts';
import { RetryBudget } from './retry.ts';

export type RolloutPorts = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly registry: Registry;
  readonly log: Log;
};

export type RolloutOptions = {
  /** In the order of the queue; a company's index is its place. */
  readonly companies: readonly Company[];
  readonly platform: Platform;
  readonly tokens: Tokens;
  readonly rates: Rates;
  readonly concurrencyMax: number;
  readonly admissionBacklogMs: number;
  readonly databaseOperationsPerCompany: number;
};

export type StepTime = { readonly kind: StepKind; count: number; totalMs: number };

/** What became of the rollout so far: live while it runs, final when `rollOut` resolves. Times are the clock's. */
export type RolloutState = {
  queuedAtMs: number;
  /** By the company's index. */
  readonly companies: Map<
    number,
    Pick<CompanyProgress, 'state' | 'admittedAtMs' | 'finishedAtMs' | 'reason'>
  >;
  readonly steps: Map<StepKind, StepTime>;
  limits: () => LimitCount[];
  /** An earlier process began it; `steps` and `limits` are only this one's. */
  isResumed: boolean;
};

export function emptyState(): RolloutState {
  return {
    queuedAtMs: -1,
    companies: new Map(),
    steps: new Map(),
    limits: () => [],
    isResumed: false,
  };
}

/** Rejects only on a programmer's error or a broken journal. `state` is filled as the rollout goes. */
export async function rollOut(
  ports: RolloutPorts,
  options: RolloutOptions,
  state: RolloutState,
): Promise<void> {
  const { clock, journal } = ports;
  const before = progressOf(await journal.read());
  const admission = new Admission(clock, options.rates, options.admissionBacklogMs, before.generations > 0);
  state.queuedAtMs = before.generations > 0 ? before.queuedAtMs : clock.nowMs();
  state.limits = () => admission.counts();
  state.isResumed = before.generations > 0;
  await journal.append([{ company: -1, step: '', event: 'opened', atMs: clock.nowMs() }]);
  const provisionPorts: ProvisionPorts = {
    ...ports,
    admission,
    budget: new RetryBudget(),
    append: entries => journal.append(entries),
    verbsOf: createClients(ports, options.platform, options.tokens),
    databaseOperationsPerCompany: options.databaseOperationsPerCompany,
    templates: options.platform.templates,
    generation: before.generations,
    tookMs: (step, ms) => {
      const time = state.steps.get(step.kind) ?? { kind: step.kind, count: 0, totalMs: 0 };
      time.count++;
      time.totalMs += ms;
      state.steps.set(step.kind, time);
    },
  };
  const underWay = new UnderWay(options.concurrencyMax);
  const start = async (company: Company, progress: CompanyProgress | undefined) => {
    const live = {
      state: 'admitted' as CompanyProgress['state'],
      admittedAtMs: progress?.admittedAtMs ?? clock.nowMs(),
      finishedAtMs: -1,
      reason: '',
    };
    state.companies.set(company.index, live);
    Object.assign(live, await provision(provisionPorts, company, progress));
  };
  const isOver = (progress: CompanyProgress) => progress.finishedAtMs >= 0;
  for (const [index, progress] of before.companies)
    if (isOver(progress)) state.companies.set(index, progress);
    else underWay.add(start(options.companies[index], progress));
  for (const company of options.companies) {
    if (before.companies.has(company.index)) continue;
    const askedAtMs = clock.nowMs();
    await underWay.room();
    admission.crowded(clock.nowMs() - askedAtMs);
    await admission.wait();
    underWay.add(start(company, undefined));
  }
  await underWay.allEnded();
}

/** The companies under way: never more than `max` after a `room()`; the first error ends the rollout. */
class UnderWay {
  private readonly max: number;
  private count = 0;
  private error: { readonly cause: unknown } | undefined;
  private wake: (() => void) | undefined;

  constructor(max: number) {
    this.max = max;
  }

  add(work: Promise<void>): void {
    this.count++;
    work
      .catch(cause => {
        this.error ??= { cause };
      })
      .finally(() => {
        this.count--;
        this.wake?.();
      });
  }

  room(): Promise<void> {
    return this.until(() => this.count < this.max);
  }

  allEnded(): Promise<void> {
    return this.until(() => this.count === 0);
  }

  private async until(enough: () => boolean): Promise<void> {
    while (this.error === undefined && !enough()) await new Promise<void>(resolve => (this.wake = resolve));
    this.wake = undefined;
    if (this.error !== undefined) throw this.error.cause;
  }
}

export type RolloutColumns = {
  readonly company: readonly string[];
  readonly region: readonly string[];
  readonly outcome: readonly ('ready' | 'undone' | 'blocked' | 'unfinished')[];
  readonly admittedAtMs: readonly number[];
  readonly finishedAtMs: readonly number[];
  readonly reasons: Readonly<Record<string, string>>;
  readonly durationMs: number;
  /** Empty, like `steps`, when the rollout was resumed: waits are not journaled, and a part would mislead. */
  readonly limits: readonly LimitCount[];
  readonly steps: readonly { readonly kind: string; readonly count: number; readonly meanMs: number }[];
  readonly isResumed: boolean;
};

/**
 * The state at `nowMs` as columns in the order of the queue; times are milliseconds since the companies were queued, or
 * -1. The duration runs from the first admission until the last company ended, or until now while any has not.
 */
export function columnsOf(state: RolloutState, companies: readonly Company[], nowMs: number): RolloutColumns {
  const sinceQueued = (atMs: number | undefined) =>
    atMs === undefined || atMs < 0 ? -1 : atMs - state.queuedAtMs;
  const progress = companies.map(company => state.companies.get(company.index));
  const outcome = progress.map(one => {
    const over = one?.state === 'ready' || one?.state === 'undone' || one?.state === 'blocked';
    return over ? (one.state as 'ready' | 'undone' | 'blocked') : 'unfinished';
  });
  const admittedAtMs = progress.map(one => sinceQueued(one?.admittedAtMs));
  const finishedAtMs = progress.map(one => sinceQueued(one?.finishedAtMs));
  const admitted = admittedAtMs.filter(atMs => atMs >= 0);
  const first = admitted.reduce((least, atMs) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  const last = outcome.includes('unfinished')
    ? sinceQueued(nowMs)
    : finishedAtMs.reduce((most, atMs) => Math.max(most, atMs), 0);
  const reasons = companies.flatMap((company, i) => {
    const reason = progress[i]?.reason;
    return reason ? [[company.id, reason]] : [];
  });
  return {
    company: companies.map(company => company.id),
    region: companies.map(company => company.region),
    outcome,
    admittedAtMs,
    finishedAtMs,
    reasons: Object.fromEntries(reasons),
    durationMs: admitted.length === 0 ? 0 : Math.max(0, last - first),
    limits: state.isResumed ? [] : state.limits(),
    steps: state.isResumed ? [] : stepsOf(state),
    isResumed: state.isResumed,
  };
}

function stepsOf(state: RolloutState): RolloutColumns['steps'] {
  return [...state.steps.values()].map(({ kind, count, totalMs }) => ({
    kind,
    count,
    meanMs: totalMs / count,
  }));
}
