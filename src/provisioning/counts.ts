// What the processes of a rollout count at its limits, kept in the journal: so a report has the limits of all of them,
// those that ended before their time included.

import type { Clock, JournalEntry, LimitCount } from '../ports.ts';
import { summed } from './admission.ts';

/** A process that is killed takes with it what it counted since: little of a rollout, which takes minutes at least. */
const COUNT_EVERY_MS = 5000;

/** With the last of these, a process has counted all that it will. */
const ENDS: ReadonlySet<JournalEntry['event']> = new Set(['ready', 'undone', 'blocked']);

/**
 * One process's counts so far, which travel with what it writes of its companies: they are no write of their own, and
 * whoever reads the rollout's own entries, over and over, reads none of them.
 */
export class CountLog {
  private readonly clock: Pick<Clock, 'nowMs'>;
  private readonly process: number;
  private readonly counts: () => readonly LimitCount[];
  private nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'nowMs'>, process: number, counts: () => readonly LimitCount[]) {
    this.clock = clock;
    this.process = process;
    this.counts = counts;
  }

  /** The entries, the last of them with the counts where these are due or a company ends. */
  with(entries: readonly JournalEntry[]): readonly JournalEntry[] {
    const atMs = this.clock.nowMs();
    if (atMs < this.nextAtMs && !entries.some(({ event }) => ENDS.has(event))) return entries;
    this.nextAtMs = atMs + COUNT_EVERY_MS;
    const counts = { process: this.process, limits: this.counts() };
    return entries.map((entry, i) => (i === entries.length - 1 ? { ...entry, counts } : entry));
  }
}

/** Of all processes together. `own`: by number, those that can say themselves what they have counted. */
export function limitsOf(
  entries: readonly JournalEntry[],
  own: ReadonlyMap<number, () => readonly LimitCount[]>,
): LimitCount[] {
  const latest = new Map([...own].map(([process, counts]) => [process, counts()]));
  // Of two appends at once the journal may have the later one first.
  const counted = entries.filter(({ counts }) => counts !== undefined).sort((a, b) => a.atMs - b.atMs);
  for (const { counts } of counted)
    if (!own.has(counts!.process)) latest.set(counts!.process, counts!.limits);
  return summed([...latest.values()].flat());
}
