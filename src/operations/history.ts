// What a journal says of a company's life after it was ready: a fold of its entries. Pure; a change that an earlier
// process left unfinished is taken up from here.

import type { JournalEntry } from '../ports.ts';
import type { RolloutColumns } from '../provisioning/columns.ts';
import type { Company } from '../provisioning/company.ts';
import type { StepProgress } from '../provisioning/progress.ts';
import { type Change, changeOf } from './change.ts';

export type ChangeProgress = {
  /** As `nameOf` gives it. */
  readonly name: string;
  readonly steps: Map<string, StepProgress>;
};

export type History = {
  /** leaving: its decommissioning has begun, and nothing else can be done to it any more. */
  life: 'active' | 'suspended' | 'leaving' | 'gone';
  /** Undefined: as it was provisioned. */
  level: string | undefined;
  /** Its last change came to its end; one that failed has left it between two states. */
  isWhole: boolean;
  /** Changes that have begun so far; it keeps the keys of their calls apart. */
  changes: number;
  /** When each healing began, the first one first. */
  readonly healedAtMs: number[];
  /** Begun and not ended. */
  change: ChangeProgress | undefined;
};

export const newHistory = (): History => ({
  life: 'active',
  level: undefined,
  isWhole: true,
  changes: 0,
  healedAtMs: [],
  change: undefined,
});

/** By the company's index; a company that was never changed is not in it. */
export function historiesOf(entries: readonly JournalEntry[]): Map<number, History> {
  const histories = new Map<number, History>();
  for (const entry of entries) {
    let history = histories.get(entry.company);
    if (history === undefined && entry.event === 'changing')
      histories.set(entry.company, (history = newHistory()));
    if (history !== undefined) note(history, entry);
  }
  return histories;
}

export function note(history: History, entry: JournalEntry): void {
  const { change } = history;
  switch (entry.event) {
    case 'changing':
      history.changes++;
      history.change = { name: entry.id!, steps: new Map() };
      if (changeOf(entry.id!).kind === 'healing') history.healedAtMs.push(entry.atMs);
      history.life = lifeDuring(changeOf(entry.id!), history.life);
      return;
    case 'intent':
    case 'remaking':
    case 'done':
    case 'removed':
      change?.steps.set(entry.step, {
        state: entry.event,
        deadlineAtMs: entry.deadlineAtMs ?? 0,
        id: entry.id,
      });
      return;
    case 'changed':
      if (change !== undefined) end(history, change.name);
      return;
    case 'failed':
      if (change !== undefined && leavesHalves(changeOf(change.name))) history.isWhole = false;
      history.change = undefined;
      return;
    case 'decommissioned':
      history.life = 'gone';
      history.change = undefined;
  }
}

/** Who is to go is treated so from the first moment, so that nothing is checked or mended meanwhile. */
function lifeDuring({ kind }: Change, before: History['life']): History['life'] {
  if (kind === 'decommissioning') return 'leaving';
  return kind === 'suspension' ? 'suspended' : before;
}

/** The others only bring back what should have been there. */
const leavesHalves = ({ kind }: Change): boolean => kind !== 'healing' && kind !== 'retargeting';

function end(history: History, name: string): void {
  const change = changeOf(name);
  history.change = undefined;
  if (leavesHalves(change)) history.isWhole = true;
  if (change.kind === 'level') history.level = change.level;
  if (change.kind === 'resumption') history.life = 'active';
}

/** What became of a company that had been ready. */
const LATER = {
  active: 'ready',
  suspended: 'suspended',
  leaving: 'leaving',
  gone: 'decommissioned',
} as const;

export type Lives = {
  readonly outcome: readonly (RolloutColumns['outcome'][number] | (typeof LATER)[keyof typeof LATER])[];
  readonly reasons: Readonly<Record<string, string>>;
};

/** A rollout's outcomes as they are now, after what was done to its companies since; and why one is not ready. */
export function livesOf(
  { outcome, reasons }: Pick<RolloutColumns, 'outcome' | 'reasons'>,
  companies: readonly Company[],
  entries: readonly JournalEntry[],
): Lives {
  const histories = historiesOf(entries);
  const now = outcome.map((state, i) => {
    const life = histories.get(companies[i].index)?.life ?? 'active';
    return state === 'ready' ? LATER[life] : state;
  });
  const later = now.flatMap((state, i) =>
    outcome[i] === 'ready' && state !== 'ready' ? [[companies[i].id, `${state} after it was ready`]] : [],
  );
  return { outcome: now, reasons: { ...reasons, ...Object.fromEntries(later) } };
}
