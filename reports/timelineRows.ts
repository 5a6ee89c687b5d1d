// How the report reads a timeline: the rows of one company, what a row's time went to, and a company's longest chain.

import type { TimelineMeasurement } from './measurement.ts';

/** In the order in which a step usually comes to them: that of the charts and tables. */
export const PARTS = ['lost', 'quota', 'limiter', 'calls', 'poll', 'retry'] as const;
export type Part = (typeof PARTS)[number];

/** Milliseconds of each part; together they are the step's time. */
export type Parts = Readonly<Record<Part, number>>;

/** The calls have what the waits leave, with the journal's writes of their intents. */
export function partsOf(timeline: TimelineMeasurement, row: number): Parts {
  const lost = timeline.lostMs[row];
  const quota = timeline.quotaMs[row];
  const limiter = timeline.limiterMs[row];
  const poll = timeline.pollMs[row];
  const retry = timeline.retryMs[row];
  const left = durationOf(timeline, row) - lost - quota - limiter - poll - retry;
  // Waits are of single precision: rounded up, those of a step that did nothing but wait exceed its time by a hair.
  return { lost, quota, limiter, calls: Math.max(0, left), poll, retry };
}

export const durationOf = ({ beganAtMs, endedAtMs }: TimelineMeasurement, row: number): number =>
  endedAtMs[row] - beganAtMs[row];

/** By the company's index: its rows, in the order in which its steps ended. */
export function rowsByCompany({ company }: TimelineMeasurement, companies: number): Uint32Array[] {
  const ends = new Uint32Array(companies);
  for (const index of company) ends[index]++;
  for (let index = 1; index < companies; index++) ends[index] += ends[index - 1];
  const starts = Uint32Array.from(ends, (_, index) => (index === 0 ? 0 : ends[index - 1]));
  const rows = new Uint32Array(company.length);
  const next = starts.slice();
  company.forEach((index, row) => {
    rows[next[index]++] = row;
  });
  return Array.from(ends, (end, index) => rows.subarray(starts[index], end));
}

/**
 * The critical path: of one company's rows those that take longest together and of which none began before the one
 * before it had ended. Steps that follow one another are all on it; of steps side by side the slower ones.
 */
export function longestChain(timeline: TimelineMeasurement, rows: Uint32Array): number[] {
  const { beganAtMs, endedAtMs } = timeline;
  /** By place: the time of the longest chain that ends there, and the place before it in that chain. */
  const chainMs = new Float64Array(rows.length);
  const before = new Int32Array(rows.length);
  /** By place: the end of the longest chain among all up to there; of equal ones the later, which has more steps. */
  const longest = new Int32Array(rows.length);
  for (let place = 0; place < rows.length; place++) {
    let last = place - 1;
    while (last >= 0 && endedAtMs[rows[last]] > beganAtMs[rows[place]]) last--;
    before[place] = last < 0 ? -1 : longest[last];
    chainMs[place] = durationOf(timeline, rows[place]) + (last < 0 ? 0 : chainMs[longest[last]]);
    const isLongest = place === 0 || chainMs[place] >= chainMs[longest[place - 1]];
    longest[place] = isLongest ? place : longest[place - 1];
  }
  const chain: number[] = [];
  let place = rows.length === 0 ? -1 : longest[rows.length - 1];
  for (; place >= 0; place = before[place]) chain.push(rows[place]);
  return chain.reverse();
}
