// A rollout as columns, for the report: what this process knows of it, and what the journal has from all of them.

import type { JournalEntry, LimitCount } from '../ports.ts';
import type { Company } from './company.ts';
import { limitsOf } from './counts.ts';
import { type CompanyProgress, lacksRoom } from './progress.ts';
import type { RolloutState } from './rollout.ts';
import type { Full } from './room.ts';
import { meanTimesOf, type TimelineColumns, timelineOf } from './timeline.ts';
import type { GateReading, WaveState } from './waves.ts';

type Ended = Pick<CompanyProgress, 'state' | 'full'>;
type Outcome = 'ready' | 'undone' | 'blocked' | 'noRoom' | 'unfinished';

/** Companies for which there was no room in one place: how many were refused and undone, and how many not even begun. */
export type FullColumns = Full & { readonly undone: number; readonly notBegun: number };

export type RolloutColumns = {
  readonly company: readonly string[];
  readonly region: readonly string[];
  readonly outcome: readonly Outcome[];
  readonly admittedAtMs: readonly number[];
  readonly finishedAtMs: readonly number[];
  readonly reasons: Readonly<Record<string, string>>;
  readonly durationMs: number;
  /** Of all processes that took part, as the two below. */
  readonly limits: readonly LimitCount[];
  readonly steps: readonly { readonly kind: string; readonly count: number; readonly meanMs: number }[];
  readonly timeline: TimelineColumns;
  /** Empty without gates between waves. */
  readonly waves: readonly WaveColumns[];
  /** In the order in which the queue came to them. */
  readonly full: readonly FullColumns[];
  /** Other processes than those that report took part. */
  readonly isResumed: boolean;
};

/** Times are milliseconds since the companies were queued, or -1; shares are 0 to 1. */
export type WaveColumns = Omit<WaveState, 'reading'> & { readonly reading: GateReading | null };

/**
 * The state at `nowMs` as columns in the order of the queue; times are milliseconds since the companies were queued, or
 * -1. The duration runs from the first admission until the last company ended, or until now while any has not.
 */
export function columnsOf(
  state: RolloutState,
  companies: readonly Company[],
  entries: readonly JournalEntry[],
  nowMs: number,
): RolloutColumns {
  const sinceQueued = (atMs: number | undefined) =>
    atMs === undefined || atMs < 0 ? -1 : atMs - state.queuedAtMs;
  const progress = companies.map(company => state.companies.get(company.index));
  const outcome = progress.map(
    (one): Outcome =>
      one === undefined || one.state === 'admitted' || one.state === 'undoing' ? 'unfinished' : one.state,
  );
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
  const unwritten = [...state.unwritten].flatMap(rows => rows());
  const timeline = timelineOf(entries, unwritten, state.queuedAtMs);
  return {
    company: companies.map(company => company.id),
    region: companies.map(company => company.region),
    outcome,
    admittedAtMs,
    finishedAtMs,
    reasons: Object.fromEntries(reasons),
    durationMs: admitted.length === 0 ? 0 : Math.max(0, last - first),
    limits: limitsOf(entries, state.limits),
    steps: meanTimesOf(timeline),
    timeline,
    waves: hasGates(state)
      ? state.waves.map(wave => ({
          ...wave,
          openedAtMs: sinceQueued(wave.openedAtMs),
          endedAtMs: sinceQueued(wave.endedAtMs),
          decidedAtMs: sinceQueued(wave.decidedAtMs),
          reading: wave.reading ?? null,
        }))
      : [],
    full: fullOf(progress.filter(one => one !== undefined)),
    isResumed: entries.filter(({ event }) => event === 'opened').length > state.limits.size,
  };
}

function fullOf(progress: readonly Ended[]): FullColumns[] {
  const lacking = progress.flatMap(one => (lacksRoom(one) ? [{ ...one.full!, state: one.state }] : []));
  const groups = Map.groupBy(lacking, ({ step, scope, quota }) => `${step} ${scope} ${quota}`);
  return [...groups.values()].map(own => {
    const undone = own.filter(({ state }) => state === 'undone').length;
    const { step, scope, quota } = own[0];
    return { step, scope, quota, undone, notBegun: own.length - undone };
  });
}

const hasGates = ({ waves }: RolloutState): boolean =>
  waves.length > 1 || (waves.length === 1 && waves[0].outcome !== 'open');
