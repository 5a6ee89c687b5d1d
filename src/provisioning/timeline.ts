// What the time of every step went to. The provisioner writes it into the journal where a step ends, made or removed; the
// report draws its waterfall from that, whichever processes took part. Columns in typed arrays, since a large rollout
// has 170,000 such rows.

import type { Clock, JournalEntry, StepTime, Wait } from '../ports.ts';
import { kindOf, type StepKind } from './plan.ts';

/**
 * limiter: for a slot of our own limiter. quota: before a gate, for its turn or for the moment that a vendor named.
 * retry: after a fault, until the next try or until a call in doubt has run out. poll: between two looks at something
 * that is not ready, or that may not be visible yet. lost: what an earlier process did of the step, and until it was
 * taken up again.
 */
const NO_WAITS: StepTime['waitMs'] = { limiter: 0, quota: 0, retry: 0, poll: 0, lost: 0 };

/** The waits of one step under way. What they leave of its time are its calls and their intents' way into the journal. */
export class StepWaits {
  readonly ms: Record<Wait, number>;
  readonly beganAtMs: number;
  private readonly clock: Pick<Clock, 'nowMs'>;
  private under: Wait | undefined;
  private sinceMs = 0;

  /** `timedUntilMs`: until when there are times, of a company that an earlier process had under way. */
  constructor(clock: Pick<Clock, 'nowMs'>, timedUntilMs = Number.POSITIVE_INFINITY) {
    this.clock = clock;
    const nowMs = clock.nowMs();
    this.beganAtMs = Math.min(nowMs, timedUntilMs);
    this.ms = { ...NO_WAITS, lost: nowMs - this.beganAtMs };
  }

  /** Passes on what `done` comes to, and counts the time until then. */
  async during<T>(wait: Wait, done: Promise<T>): Promise<T> {
    this.sinceMs = this.clock.nowMs();
    this.under = wait;
    try {
      return await done;
    } finally {
      this.ms[wait] += this.clock.nowMs() - this.sinceMs;
      this.under = undefined;
    }
  }

  /** So far, with the wait that is not over. */
  time(): StepTime {
    const { beganAtMs, under } = this;
    const waitMs = { ...this.ms };
    if (under !== undefined) waitMs[under] += this.clock.nowMs() - this.sinceMs;
    return { beganAtMs, waitMs };
  }
}

/** left: it could not be removed. underWay: it had not ended when the rollout was given up. */
const ENDINGS = ['made', 'failed', 'removed', 'left', 'underWay'] as const;
export type StepEnding = (typeof ENDINGS)[number];

const ENDING_OF: Partial<Record<JournalEntry['event'], StepEnding>> = {
  done: 'made',
  undoing: 'failed',
  removed: 'removed',
  blocked: 'left',
};

export type StepRow = {
  /** Index of the company. */
  readonly company: number;
  readonly step: string;
  readonly ending: StepEnding;
  readonly endedAtMs: number;
  readonly time: StepTime;
};

/** Shared: most entries have none. */
const NO_ROWS: readonly StepRow[] = [];

/** None of an entry that ends no step, or whose time nobody took: that of a change. */
export function rowsIn({ company, step, event, atMs, time }: JournalEntry): readonly StepRow[] {
  const ending = ENDING_OF[event];
  return time === undefined || ending === undefined
    ? NO_ROWS
    : [{ company, step, ending, endedAtMs: atMs, time }];
}

/** A row for each step that ended or is under way, in the order of their ends. */
export type TimelineColumns = {
  /** The plans' steps; a row's `step` is an index into these. */
  readonly steps: readonly { readonly id: string; readonly kind: StepKind }[];
  /** A row's `ending` is an index into these. */
  readonly endings: readonly StepEnding[];
  /** Index of the company. */
  readonly company: Uint32Array;
  readonly step: Uint16Array;
  readonly ending: Uint8Array;
  /** Milliseconds since the companies were queued. */
  readonly beganAtMs: Float64Array;
  readonly endedAtMs: Float64Array;
  /** How much of the time between went to each kind of wait; single precision is a hundredth of a millisecond in a minute. */
  readonly limiterMs: Float32Array;
  readonly quotaMs: Float32Array;
  readonly retryMs: Float32Array;
  readonly pollMs: Float32Array;
  /** An outage may have days. */
  readonly lostMs: Float64Array;
};

/**
 * `unwritten`: rows that the journal may not have yet, each company's in their order. `queuedAtMs`: the clock's time
 * from which theirs count.
 */
export function timelineOf(
  entries: readonly JournalEntry[],
  unwritten: readonly StepRow[],
  queuedAtMs: number,
): TimelineColumns {
  const written = entries.flatMap(rowsIn);
  const rows = [...written, ...notIn(written, unwritten)].sort((a, b) => a.endedAtMs - b.endedAtMs);
  const places = new Map<string, number>();
  const columns = {
    company: new Uint32Array(rows.length),
    step: new Uint16Array(rows.length),
    ending: new Uint8Array(rows.length),
    beganAtMs: new Float64Array(rows.length),
    endedAtMs: new Float64Array(rows.length),
    limiterMs: new Float32Array(rows.length),
    quotaMs: new Float32Array(rows.length),
    retryMs: new Float32Array(rows.length),
    pollMs: new Float32Array(rows.length),
    lostMs: new Float64Array(rows.length),
  };
  rows.forEach(({ company, step, ending, endedAtMs, time: { beganAtMs, waitMs } }, row) => {
    let place = places.get(step);
    if (place === undefined) places.set(step, (place = places.size));
    columns.company[row] = company;
    columns.step[row] = place;
    columns.ending[row] = ENDINGS.indexOf(ending);
    columns.beganAtMs[row] = beganAtMs - queuedAtMs;
    columns.endedAtMs[row] = endedAtMs - queuedAtMs;
    columns.limiterMs[row] = waitMs.limiter;
    columns.quotaMs[row] = waitMs.quota;
    columns.retryMs[row] = waitMs.retry;
    columns.pollMs[row] = waitMs.poll;
    columns.lostMs[row] = waitMs.lost;
  });
  return { steps: [...places.keys()].map(id => ({ id, kind: kindOf(id) })), endings: ENDINGS, ...columns };
}

/**
 * A company's steps follow one another. So one that began before another of its rows had ended has been written since,
 * or was taken over by another process.
 */
function notIn(written: readonly StepRow[], unwritten: readonly StepRow[]): StepRow[] {
  if (unwritten.length === 0) return [];
  const endedAtMs = new Map(written.map(({ company, endedAtMs }) => [company, endedAtMs]));
  return unwritten.filter(row => {
    const isNew = row.time.beganAtMs >= (endedAtMs.get(row.company) ?? 0);
    if (isNew) endedAtMs.set(row.company, row.endedAtMs);
    return isNew;
  });
}

/** How many steps of each kind were made, and how long that took on average. */
export function meanTimesOf({
  steps,
  step,
  ending,
  beganAtMs,
  endedAtMs,
}: TimelineColumns): { readonly kind: StepKind; readonly count: number; readonly meanMs: number }[] {
  const made = ENDINGS.indexOf('made');
  const times = new Map<StepKind, { count: number; totalMs: number }>();
  ending.forEach((each, row) => {
    if (each !== made) return;
    const { kind } = steps[step[row]];
    const time = times.get(kind) ?? { count: 0, totalMs: 0 };
    time.count++;
    time.totalMs += endedAtMs[row] - beganAtMs[row];
    times.set(kind, time);
  });
  return [...times].map(([kind, { count, totalMs }]) => ({ kind, count, meanMs: totalMs / count }));
}
