// Holds a rollout of virtual time against the same one over HTTP: company by company, call by call, limiter by limiter.
// Pure: `sandtable crosscheck` and `sandtable pilot` run both sides and show the rows.

import type { BoundMeasurement, Comparison, RolloutMeasurement } from '../reports/measurement.ts';
import { POLL_MS } from '../src/limits.ts';
import { comparisonOf } from './crosscheck.ts';

/** To look for a cause by: no tolerance is held against these. Means of the steps that were made. */
export type StepComparison = {
  readonly kind: string;
  readonly simulated: StepTimes;
  readonly emulated: StepTimes;
};

export type StepTimes = { readonly meanMs: number; readonly limiterMs: number; readonly pollMs: number };

/** Both clocks draw the same latencies, so what a company takes differs by what neither draws: loopback, journal, timers. */
const TIME_SHARE = 0.03;
/** HTTP on loopback takes 1 to 3 ms a call; where latencies are set to nothing, that is more than 3 %. */
const LOOPBACK_MS = 3;
/** Of most companies nothing but the share. */
const MOST = { looks: 0, slots: 0 };
/**
 * What comes a few milliseconds later may come behind another company's call, and waits for a slot more; or behind a look,
 * and waits for the next.
 */
const FEW = { looks: 0, slots: 1 };
/** The limiter that binds gives its slots one after another, whoever takes them: only the last company's looks count. */
const WHOLE = { looks: 1, slots: 0 };
const UNLUCKY = { looks: 1, slots: 1 };
/** A look at each of three things that get ready, and a slot at each of the plan's five calls at limiters. */
const UNLUCKIEST = { looks: 3, slots: 5 };
/** A wait is what is left between two moments that both move: by a tenth of it, and a quarter of a slot a call. */
const WAIT_SHARE = 0.1;
const WAIT_SLOTS = 0.25;
/** Reading calls, of which there are as many as it takes until something is ready: one look more or less sees it. */
const LOOKS = /\.(get|list|query|health)$/;
const LOOKS_SHARE = 0.03;
/** What is tried again comes at another moment in either clock, and may meet something else there. */
const DISTURBED_SHARE = 0.05;
const DISTURBED_CALLS = 2;

export function compareRollouts(simulated: RolloutMeasurement, emulated: RolloutMeasurement): Comparison[] {
  return [
    ...endsOf(simulated, emulated),
    ...timesOf(simulated, emulated),
    ...waitsOf(simulated, emulated),
    ...callsOf(simulated, emulated),
  ];
}

function endsOf(simulated: RolloutMeasurement, emulated: RolloutMeasurement): Comparison[] {
  const { length } = simulated.company;
  const alike = simulated.outcome.filter((outcome, i) => outcome === emulated.outcome[i]).length;
  const found = [simulated.violations.length, emulated.violations.length] as const;
  return [
    comparisonOf('companies that ended alike', 'count', [length, alike], 0),
    comparisonOf('violations in the ledger', 'count', found, 0),
  ];
}

function timesOf(simulated: RolloutMeasurement, emulated: RolloutMeasurement): Comparison[] {
  const [mine, theirs] = [readyMs(simulated), readyMs(emulated)];
  const expectedMs = [...mine.values()];
  const loopbackMs = LOOPBACK_MS * callsACompany(simulated);
  const slotMs = Math.max(0, ...simulated.bounds.map(slotMsOf));
  const allowedMs = (ms: number, { looks, slots }: typeof MOST) =>
    Math.max(TIME_SHARE * ms, loopbackMs) + looks * POLL_MS + slots * slotMs;
  const time = (p: number, luck: typeof MOST) => {
    const figures = [quantile(expectedMs, p), quantile([...theirs.values()], p)] as const;
    return comparisonOf(`provisioning P${p * 100}`, 'ms', figures, allowedMs(figures[0], luck));
  };
  const medianMs = quantile(expectedMs, 0.5);
  const own = [...mine].flatMap(([company, ms]) =>
    theirs.has(company) ? [Math.abs(theirs.get(company)! / ms - 1)] : [],
  );
  const deviation = (name: string, p: number, luck: typeof MOST) => {
    const allowed = medianMs === 0 ? 0 : allowedMs(medianMs, luck) / medianMs;
    return comparisonOf(`deviation of one company, ${name}`, 'share', [0, quantile(own, p)], allowed);
  };
  const durations = [simulated.durationMs, emulated.durationMs] as const;
  return [
    time(0.5, MOST),
    time(0.95, FEW),
    time(0.99, UNLUCKY),
    comparisonOf('whole rollout', 'ms', durations, allowedMs(durations[0], WHOLE)),
    deviation('P50', 0.5, MOST),
    deviation('P95', 0.95, UNLUCKY),
    deviation('largest', 1, UNLUCKIEST),
  ];
}

/** Summed over the calls, for each limiter or quota that either side waited for. */
function waitsOf(simulated: RolloutMeasurement, emulated: RolloutMeasurement): Comparison[] {
  const waited = [...simulated.limits, ...emulated.limits].filter(({ waitMs }) => waitMs > 0);
  return [...new Set(waited.map(({ name }) => name))].map(name => {
    const waits = [simulated, emulated].map(({ limits }) => {
      const own = limits.filter(limit => limit.name === name);
      return { calls: sum(own.map(({ calls }) => calls)), waitMs: sum(own.map(({ waitMs }) => waitMs)) };
    });
    const bound = simulated.bounds.find(each => each.name === name);
    const slotMs = bound === undefined ? POLL_MS : slotMsOf(bound);
    const allowedMs = WAIT_SHARE * waits[0].waitMs + WAIT_SLOTS * slotMs * waits[0].calls;
    return comparisonOf(`waits for ${name}`, 'ms', [waits[0].waitMs, waits[1].waitMs], allowedMs);
  });
}

function callsOf(simulated: RolloutMeasurement, emulated: RolloutMeasurement): Comparison[] {
  const sides = [simulated, emulated].map(callsByOperation);
  const isDisturbed = triedAgain(simulated);
  return [...new Set(sides.flatMap(side => [...side.keys()]))].map(operation => {
    const calls = sides.map(side => side.get(operation) ?? 0);
    const lookAllowed = LOOKS.test(operation) ? Math.max(1, LOOKS_SHARE * calls[0]) : 0;
    const allowed = isDisturbed ? Math.max(DISTURBED_CALLS, DISTURBED_SHARE * calls[0]) : lookAllowed;
    return comparisonOf(`calls of ${operation}`, 'count', [calls[0], calls[1]], allowed);
  });
}

/** In the order of the simulated steps, each by its kind; of one that a side has not made, zeros. */
export function compareSteps(simulated: RolloutMeasurement, emulated: RolloutMeasurement): StepComparison[] {
  const [mine, theirs] = [stepTimes(simulated), stepTimes(emulated)];
  const none: StepTimes = { meanMs: 0, limiterMs: 0, pollMs: 0 };
  return [...new Set([...mine.keys(), ...theirs.keys()])].map(kind => ({
    kind,
    simulated: mine.get(kind) ?? none,
    emulated: theirs.get(kind) ?? none,
  }));
}

function stepTimes({ timeline }: RolloutMeasurement): Map<string, StepTimes> {
  const { steps, step, endings, ending, beganAtMs, endedAtMs, limiterMs, pollMs } = timeline;
  const rows = [...step.keys()].filter(row => endings[ending[row]] === 'made');
  const byKind = Map.groupBy(rows, row => steps[step[row]].kind);
  const meanOf = (own: readonly number[], of: (row: number) => number) => sum(own.map(of)) / own.length;
  return new Map(
    [...byKind].map(([kind, own]) => [
      kind,
      {
        meanMs: meanOf(own, row => endedAtMs[row] - beganAtMs[row]),
        limiterMs: meanOf(own, row => limiterMs[row]),
        pollMs: meanOf(own, row => pollMs[row]),
      },
    ]),
  );
}

/** Admission to healthy, by the company's place, of those that are ready. */
function readyMs({ outcome, admittedAtMs, finishedAtMs }: RolloutMeasurement): Map<number, number> {
  const ready = [...outcome.keys()].filter(i => outcome[i] === 'ready');
  return new Map(ready.map(i => [i, finishedAtMs[i] - admittedAtMs[i]]));
}

function callsByOperation({ operations }: RolloutMeasurement): Map<string, number> {
  const calls = new Map<string, number>();
  for (const each of operations) calls.set(each.operation, (calls.get(each.operation) ?? 0) + each.calls);
  return calls;
}

const callsACompany = ({ operations, company }: RolloutMeasurement): number =>
  sum(operations.map(({ calls }) => calls)) / company.length;

/** Between two calls of a limit. */
const slotMsOf = ({ perMinute }: BoundMeasurement): number => 60_000 / perMinute;

/** Whether anything went wrong, or was refused by a quota. */
const triedAgain = ({ timeline, operations }: RolloutMeasurement): boolean =>
  operations.some(({ refusedByQuota }) => refusedByQuota > 0) ||
  timeline?.retryMs.some(ms => ms > 0) === true;

/** Nearest rank; 0 of nothing. */
function quantile(values: readonly number[], p: number): number {
  if (values.length === 0) return 0;
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(p * values.length - 1e-9) - 1)];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
