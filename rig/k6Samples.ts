// k6's stream of samples, folded as it comes into the figures of one run: cells, lateness, and a record for each request.
// k6 itself keeps every sample and merges no percentiles; here they are mergeable histograms. `rig/k6.ts` feeds it.

import { Histogram, type HistogramData } from '../reports/histogram.ts';
import type { TrafficCell } from '../reports/measurement.ts';
import type { LoadPlan, Outcome, Schedule } from '../scenarios/loadPlan.ts';
import { REQUEST_KINDS } from '../scenarios/scenario.ts';

/** By the request's number in the schedule. */
export type LoadRecords = {
  /** From the due time to the last byte; NaN for a request that was never sent. */
  readonly responseMs: Float64Array;
  /** How long after its due time it was sent; NaN likewise. */
  readonly latenessMs: Float64Array;
  /** 0: no answer, or never sent. */
  readonly status: Uint16Array;
};

export type LoadFigures = {
  /** Over the measured part of the schedule, by region, level and kind. */
  readonly cells: readonly TrafficCell[];
  readonly latenessMs: HistogramData;
  /** Over all of the schedule. */
  readonly due: number;
  readonly sent: number;
  /** Iterations that k6 could not start for want of a virtual user. */
  readonly dropped: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly records: LoadRecords;
  /** Sentences on what makes the run worthless; empty when nothing does. */
  readonly violations: readonly string[];
};

export type SamplesFold = {
  /** One line of k6's JSON output. */
  line(text: string): void;
  figures(): LoadFigures;
};

type Sample = {
  readonly data: {
    readonly value: number;
    readonly tags?: Readonly<Record<string, string>>;
    readonly metadata?: Readonly<Record<string, string>>;
  };
};

/** A generator later than this, for more than this share of requests, did not send the scenario's traffic. */
const LATE_MS = 50;
const LATE_SHARE_MAX = 0.01;
const OUTCOMES: readonly Outcome[] = ['ok', 'refused', 'error', 'unreachable', 'timeout', 'foreign'];

export function createSamplesFold(plan: LoadPlan, schedule: Schedule): SamplesFold {
  const { requests } = schedule;
  const responseMs = new Float64Array(requests).fill(Number.NaN);
  const latenessMs = new Float64Array(requests).fill(Number.NaN);
  const status = new Uint16Array(requests);
  /** Index in OUTCOMES, plus one; 0 until the request has been answered or given up. */
  const outcomes = new Uint8Array(requests);
  let dropped = 0;

  const answered = ({ data: { value, tags, metadata } }: Sample) => {
    const index = indexOf(metadata, requests);
    const outcome = OUTCOMES.indexOf(tags?.outcome as Outcome);
    if (outcome < 0) throw new Error(`k6 names an outcome that there is not: ${tags?.outcome}`);
    if (outcomes[index] !== 0) throw new Error(`k6 reports request ${index} twice`);
    if (tags?.kind !== REQUEST_KINDS[schedule.kind[index]])
      throw new Error(`k6 sent ${tags?.kind} as request ${index}: its schedule is another one`);
    responseMs[index] = value;
    status[index] = Number(metadata?.status);
    outcomes[index] = outcome + 1;
  };
  const handlers: Readonly<Record<string, (sample: Sample) => void>> = {
    response_ms: answered,
    refused_ms: answered,
    lateness_ms: ({ data }) => {
      latenessMs[indexOf(data.metadata, requests)] = data.value;
    },
    dropped_iterations: ({ data }) => {
      dropped += data.value;
    },
  };

  return {
    line: text => {
      // Most lines are k6's own metrics and are not even parsed; k6 writes the metric's name first. A line cut short is
      // the last one of a k6 that was killed.
      const name = /^\{"metric":"(\w+)","type":"Point".*\}$/.exec(text)?.[1];
      if (name !== undefined && Object.hasOwn(handlers, name)) handlers[name](JSON.parse(text));
    },
    figures: () => {
      const records = { responseMs, latenessMs, status };
      const counted = Object.fromEntries(OUTCOMES.map(name => [name, 0])) as Record<Outcome, number>;
      for (const outcome of outcomes) if (outcome > 0) counted[OUTCOMES[outcome - 1]]++;
      const sent = outcomes.reduce((sum, outcome) => sum + (outcome > 0 ? 1 : 0), 0);
      const lateness = latenessMs.filter(ms => !Number.isNaN(ms));
      return {
        cells: cellsOf(plan, schedule, outcomes, responseMs),
        latenessMs: histogramOf(lateness),
        due: requests,
        sent,
        dropped,
        outcomes: counted,
        records,
        violations: violationsOf({ due: requests, sent, dropped, foreign: counted.foreign, lateness }),
      };
    },
  };
}

function indexOf(metadata: Readonly<Record<string, string>> | undefined, requests: number): number {
  const index = Number(metadata?.index);
  if (!Number.isInteger(index) || index < 0 || index >= requests)
    throw new Error(`k6 reports a request that is not in the schedule: ${metadata?.index}`);
  return index;
}

/** A refusal is no answer and has no response time; a request that was never sent is an error without one. */
function cellsOf(
  plan: LoadPlan,
  schedule: Schedule,
  outcomes: Uint8Array,
  responseMs: Float64Array,
): TrafficCell[] {
  const cells = new Map<
    string,
    { requests: number; errors: number; refused: number; histogram: Histogram }
  >();
  for (let i = 0; i < schedule.requests; i++) {
    if (schedule.dueUs[i] < plan.leadInMs * 1000) continue;
    const { name } = plan.arrivals.regions[schedule.region[i]];
    const key = [name, plan.companies[schedule.company[i]].level, REQUEST_KINDS[schedule.kind[i]]].join(' ');
    let cell = cells.get(key);
    if (cell === undefined)
      cells.set(key, (cell = { requests: 0, errors: 0, refused: 0, histogram: new Histogram() }));
    const outcome = outcomes[i] === 0 ? undefined : OUTCOMES[outcomes[i] - 1];
    cell.requests++;
    if (outcome === 'refused') cell.refused++;
    else if (outcome !== 'ok') cell.errors++;
    if (outcome !== 'refused' && outcome !== undefined) cell.histogram.record(responseMs[i]);
  }
  return [...cells.keys()].sort().map(key => {
    const [region, level, kind] = key.split(' ');
    const { requests, errors, refused, histogram } = cells.get(key)!;
    return { region, level, kind, requests, errors, refused, responseMs: histogram.data() };
  });
}

function histogramOf(values: Float64Array): HistogramData {
  const histogram = new Histogram();
  // Sent before it was due only by the coarseness of the clock.
  for (const ms of values) histogram.record(Math.max(0, ms));
  return histogram.data();
}

type Run = {
  readonly due: number;
  readonly sent: number;
  readonly dropped: number;
  readonly foreign: number;
  readonly lateness: Float64Array;
};

function violationsOf({ due, sent, dropped, foreign, lateness }: Run): string[] {
  const late = lateness.filter(ms => ms > LATE_MS).length;
  const found: string[] = [];
  if (dropped > 0) found.push(`k6 dropped ${dropped} iterations for want of virtual users`);
  if (sent !== due) found.push(`k6 sent ${sent} of ${due} requests that were due`);
  if (late > LATE_SHARE_MAX * lateness.length)
    found.push(
      `${late} of ${lateness.length} requests were sent more than ${LATE_MS} ms late: the load generator was too slow`,
    );
  if (foreign > 0) found.push(`${foreign} answers to tools/call lack the mark of the company that was asked`);
  return found;
}
