// What the processes of a rollout count at its limits, kept in the journal: so a report has the limits of all of them,
// those that ended before their time included.

import type { Clock, JournalEntry, LimitCount } from '../ports.ts';
import { summed } from './admission.ts';

/** A process that is killed takes with it what it counted since: little of a rollout, which takes minutes at least. */
const COUNT_EVERY_MS = 5000;

/** With the last of these, a process has counted all that it will. */
const ENDS: ReadonlySet<JournalEntry['event']> = new Set(['ready', 'undone', 'blocked']);

/** One process's counts so far, which travel with what it writes of its companies: they are no write of their own. */
export class CountLog {
  private readonly clock: Pick<Clock, 'nowMs'>;
  /** Of this process, among those that opened the rollout. */
  private readonly number: number;
  private readonly counts: () => readonly LimitCount[];
  private nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'nowMs'>, number: number, counts: () => readonly LimitCount[]) {
    this.clock = clock;
    this.number = number;
    this.counts = counts;
  }

  /** The entries, and behind them the counts where they are due or a company ends. */
  after(entries: readonly JournalEntry[]): readonly JournalEntry[] {
    const atMs = this.clock.nowMs();
    if (atMs < this.nextAtMs && !entries.some(({ event }) => ENDS.has(event))) return entries;
    this.nextAtMs = atMs + COUNT_EVERY_MS;
    const { number, counts } = this;
    return [
      ...entries,
      { company: -1, step: '', event: 'counted', atMs, id: String(number), limits: counts() },
    ];
  }
}

/** Of all processes together. `own`: by number, those that can still say themselves what they have counted. */
export function limitsOf(
  entries: readonly JournalEntry[],
  own: ReadonlyMap<number, () => readonly LimitCount[]>,
): LimitCount[] {
  const latest = new Map([...own].map(([number, counts]) => [number, counts()]));
  for (const { event, id, limits } of entries)
    if (event === 'counted' && !own.has(Number(id))) latest.set(Number(id), limits!);
  return summed([...latest.values()].flat());
}
