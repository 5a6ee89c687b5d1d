// What the time of every step went to. The provisioner notes each step of each company when it ends, made or removed;
// the report draws its waterfall from that. Columns in typed arrays, since a large rollout has 170,000 such rows.

import type { Clock } from '../ports.ts';
import type { Company } from './company.ts';
import type { Step, StepKind } from './plan.ts';

/**
 * limiter: for a slot of our own limiter. quota: before a gate, for its turn or for the moment that a vendor named.
 * retry: after a fault, until the next try or until a call in doubt has run out. poll: between two looks at something
 * that is not ready.
 */
const NO_WAITS = { limiter: 0, quota: 0, retry: 0, poll: 0 };
export type Wait = keyof typeof NO_WAITS;

/** The waits of one step under way. What they leave of its time are its calls and their intents' way into the journal. */
export class StepWaits {
  readonly ms: Record<Wait, number> = { ...NO_WAITS };
  private readonly clock: Pick<Clock, 'nowMs'>;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.clock = clock;
  }

  /** Passes on what `done` comes to, and counts the time until then. */
  async during<T>(wait: Wait, done: Promise<T>): Promise<T> {
    const beganAtMs = this.clock.nowMs();
    try {
      return await done;
    } finally {
      this.ms[wait] += this.clock.nowMs() - beganAtMs;
    }
  }
}

/** left: it could not be removed. */
const ENDINGS = ['made', 'failed', 'removed', 'left'] as const;
export type StepEnding = (typeof ENDINGS)[number];

export type EndedStep = {
  readonly ending: StepEnding;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly waits: StepWaits;
};

/** A row for each step that ended, in the order of their ends. */
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
};

type Rows = Omit<TimelineColumns, 'steps' | 'endings'>;

const ROWS_AT_FIRST = 1024;

export class StepTimeline {
  private rows = emptyRows(ROWS_AT_FIRST);
  private count = 0;
  private readonly steps: { readonly id: string; readonly kind: StepKind }[] = [];
  private readonly places = new Map<string, number>();

  /** Called once for each step that this process took up, when it is over. */
  ended(company: Company, step: Step, { ending, beganAtMs, endedAtMs, waits }: EndedStep): void {
    if (this.count === this.rows.company.length) this.rows = resized(this.rows, 2 * this.count);
    const { rows } = this;
    const row = this.count++;
    rows.company[row] = company.index;
    rows.step[row] = this.placeOf(step);
    rows.ending[row] = ENDINGS.indexOf(ending);
    rows.beganAtMs[row] = beganAtMs;
    rows.endedAtMs[row] = endedAtMs;
    rows.limiterMs[row] = waits.ms.limiter;
    rows.quotaMs[row] = waits.ms.quota;
    rows.retryMs[row] = waits.ms.retry;
    rows.pollMs[row] = waits.ms.poll;
  }

  /** A copy of the rows so far. `queuedAtMs`: the clock's time from which theirs count. */
  columns(queuedAtMs: number): TimelineColumns {
    const rows = resized(this.rows, this.count);
    for (let row = 0; row < this.count; row++) {
      rows.beganAtMs[row] -= queuedAtMs;
      rows.endedAtMs[row] -= queuedAtMs;
    }
    return { steps: [...this.steps], endings: ENDINGS, ...rows };
  }

  /** How many steps of each kind were made, and how long that took on average. */
  means(): { readonly kind: StepKind; readonly count: number; readonly meanMs: number }[] {
    const times = new Map<StepKind, { count: number; totalMs: number }>();
    for (let row = 0; row < this.count; row++) {
      if (ENDINGS[this.rows.ending[row]] !== 'made') continue;
      const { kind } = this.steps[this.rows.step[row]];
      const time = times.get(kind) ?? { count: 0, totalMs: 0 };
      time.count++;
      time.totalMs += this.rows.endedAtMs[row] - this.rows.beganAtMs[row];
      times.set(kind, time);
    }
    return [...times].map(([kind, { count, totalMs }]) => ({ kind, count, meanMs: totalMs / count }));
  }

  private placeOf({ id, kind }: Step): number {
    let place = this.places.get(id);
    if (place === undefined) {
      place = this.steps.push({ id, kind }) - 1;
      this.places.set(id, place);
    }
    return place;
  }
}

function emptyRows(count: number): Rows {
  return {
    company: new Uint32Array(count),
    step: new Uint16Array(count),
    ending: new Uint8Array(count),
    beganAtMs: new Float64Array(count),
    endedAtMs: new Float64Array(count),
    limiterMs: new Float32Array(count),
    quotaMs: new Float32Array(count),
    retryMs: new Float32Array(count),
    pollMs: new Float32Array(count),
  };
}

/** The same rows with room for more, or cut to the first ones. */
function resized(from: Rows, count: number): Rows {
  const to = emptyRows(count);
  for (const name of Object.keys(to) as (keyof Rows)[]) to[name].set(from[name].subarray(0, count));
  return to;
}
