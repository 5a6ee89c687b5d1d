// What a journal says: a fold of its entries into the state of each company. Pure; recovery starts from here.

import type { JournalEntry } from '../ports.ts';
import { type Full, fullOf, fullText } from './room.ts';

export type StepProgress = {
  readonly state: 'intent' | 'remaking' | 'done' | 'removed';
  /** After this moment the journaled call can no longer land. */
  readonly deadlineAtMs: number;
  readonly id: string | undefined;
};

export type CompanyProgress = {
  /** noRoom: it was not begun, since a quota that it needs is used up. */
  state: 'admitted' | 'undoing' | 'ready' | 'undone' | 'blocked' | 'noRoom';
  /** -1 for one that was never admitted. */
  admittedAtMs: number;
  finishedAtMs: number;
  reason: string;
  /** Until when the times of its steps account for its time: the latest end of one, or its admission. */
  timedUntilMs: number;
  /** What it found no room for, or was not begun for. */
  full?: Full | undefined;
  readonly steps: Map<string, StepProgress>;
};

/** Not begun, or undone, since there was no room for it: where there is, it may be begun anew, as it holds nothing. */
export const lacksRoom = ({ state, full }: Pick<CompanyProgress, 'state' | 'full'>): boolean =>
  full !== undefined && (state === 'noRoom' || state === 'undone');

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
  /** What there was no room for when it was last tried, by step and scope. */
  readonly full: Map<string, Full>;
  readonly companies: Map<number, CompanyProgress>;
};

export function progressOf(entries: readonly JournalEntry[]): RolloutProgress {
  const rollout: RolloutProgress = {
    openedBy: [],
    queuedAtMs: -1,
    waves: new Map(),
    full: new Map(),
    companies: new Map(),
  };
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
    if (entry.company < 0) {
      const full = fullOf(entry);
      if (event === 'full') rollout.full.set(`${full.step} ${full.scope}`, full);
      if (event === 'roomAgain') rollout.full.delete(`${full.step} ${full.scope}`);
      continue;
    }
    let company = rollout.companies.get(entry.company);
    if (company === undefined) {
      company = {
        state: 'admitted',
        admittedAtMs: -1,
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
    case 'admitted':
      // Perhaps for the second time: it holds nothing of the first.
      company.state = 'admitted';
      company.admittedAtMs = entry.atMs;
      company.finishedAtMs = -1;
      company.reason = '';
      company.full = undefined;
      company.timedUntilMs = entry.atMs;
      company.steps.clear();
      return;
    case 'noRoom':
      company.state = 'noRoom';
      company.finishedAtMs = entry.atMs;
      company.full = fullOf(entry);
      company.reason = fullText(company.full);
      return;
    case 'full':
      company.full = fullOf(entry);
      return;
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
