// What a journal says: a fold of its entries into the state of each company. Pure; recovery starts from here.

import type { JournalEntry } from '../ports.ts';

export type StepProgress = {
  readonly state: 'intent' | 'remaking' | 'done' | 'removed';
  /** After this moment the journaled call can no longer land. */
  readonly deadlineAtMs: number;
  readonly id: string | undefined;
};

export type CompanyProgress = {
  state: 'admitted' | 'undoing' | 'ready' | 'undone' | 'blocked';
  admittedAtMs: number;
  finishedAtMs: number;
  reason: string;
  /** Until when the times of its steps account for its time: the latest end of one, or its admission. */
  timedUntilMs: number;
  readonly steps: Map<string, StepProgress>;
};

/** What became of the gate after a wave. */
export type WaveProgress = {
  readonly event: 'passed' | 'paused' | 'resumed' | 'rolledBack';
  readonly atMs: number;
  readonly reason: string;
};

export type RolloutProgress = {
  /** Processes that took up this rollout, in order; their numbers keep the keys of their calls apart. */
  readonly openedBy: string[];
  /** When the first of them queued every company. */
  queuedAtMs: number;
  /** By the wave's number, its latest event. */
  readonly waves: Map<string, WaveProgress>;
  readonly companies: Map<number, CompanyProgress>;
};

export function progressOf(entries: readonly JournalEntry[]): RolloutProgress {
  const rollout: RolloutProgress = { openedBy: [], queuedAtMs: -1, waves: new Map(), companies: new Map() };
  for (const entry of entries) {
    const { event, atMs } = entry;
    if (event === 'opened') {
      if (rollout.openedBy.push(entry.id ?? '') === 1) rollout.queuedAtMs = atMs;
      continue;
    }
    if (event === 'passed' || event === 'paused' || event === 'resumed' || event === 'rolledBack') {
      rollout.waves.set(entry.step, { event, atMs, reason: entry.reason ?? '' });
      continue;
    }
    let company = rollout.companies.get(entry.company);
    if (company === undefined) {
      company = {
        state: 'admitted',
        admittedAtMs: entry.atMs,
        finishedAtMs: -1,
        reason: '',
        timedUntilMs: entry.atMs,
        steps: new Map(),
      };
      rollout.companies.set(entry.company, company);
    }
    apply(company, entry);
  }
  return rollout;
}

export function apply(company: CompanyProgress, entry: JournalEntry): void {
  const before = company.steps.get(entry.step);
  if (entry.time !== undefined || entry.event === 'undoing') company.timedUntilMs = entry.atMs;
  switch (entry.event) {
    case 'intent':
    case 'remaking':
    case 'done':
    case 'removed':
      company.steps.set(entry.step, {
        state: entry.event,
        deadlineAtMs: entry.deadlineAtMs ?? before?.deadlineAtMs ?? 0,
        // What is made anew has a new id: the old one would name something that is gone.
        id: entry.event === 'intent' ? undefined : (entry.id ?? before?.id),
      });
      return;
    case 'undoing':
      company.state = 'undoing';
      company.reason = entry.reason ?? '';
      return;
    case 'ready':
    case 'undone':
    case 'blocked':
      company.state = entry.event;
      company.finishedAtMs = entry.atMs;
      if (entry.reason !== undefined) company.reason = entry.reason;
      return;
    default:
    // Of a company's later life: src/operations/history.ts.
  }
}
