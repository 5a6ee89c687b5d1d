// Holds the traffic of virtual time against the same traffic over HTTP, figure by figure. Pure: `sandtable crosscheck` runs
// both sides, shows the rows and judges by them. Rollouts: rolloutCrosscheck.ts.

import { Histogram } from '../reports/histogram.ts';
import type { Comparison, RequestCounts, TrafficCell, TrafficMeasurement } from '../reports/measurement.ts';

/** To look for a cause by: no tolerance is held against these. */
export type KindComparison = {
  readonly kind: string;
  readonly simulated: { readonly answers: number; readonly p50Ms: number };
  readonly emulated: { readonly answers: number; readonly p50Ms: number };
};

export type CountComparison = {
  readonly count: keyof RequestCounts;
  readonly simulated: number;
  readonly emulated: number;
};

type Figure = {
  readonly figure: string;
  readonly unit: Comparison['unit'];
  readonly isJudged: boolean;
  /** Allowed: the larger of a share of the simulated figure and of an amount in the figure's own unit. */
  readonly relative: number;
  readonly floor: number;
  readonly of: (traffic: TrafficMeasurement) => number;
};

/** Where drawn delays make most of a response time, both clocks draw the same ones. */
const WITH_DELAYS = { responseMs: 0.03, floorMs: 0, throughput: 0.01, isP99Judged: true };
/**
 * Without them the simulator has the gateway's demand and one constant for the rig's own way. That way takes some
 * milliseconds and is no constant: four processes share two cores and wake each other up, so 10 % of it would be less
 * than it varies by. Its worst hundredth is a matter of the machine, not of the model.
 */
const WITHOUT_DELAYS = { responseMs: 0.1, floorMs: 2, throughput: 0.02, isP99Judged: false };
const SHARE_TOLERANCE = 0.001;

export function compare(
  simulated: TrafficMeasurement,
  emulated: TrafficMeasurement,
  withDelays: boolean,
): Comparison[] {
  return figuresOf(withDelays).map(({ figure, unit, isJudged, relative, floor, of }) => {
    const [expected, seen] = [of(simulated), of(emulated)];
    const allowed = isJudged ? Math.max(relative * expected, floor) : null;
    return comparisonOf(figure, unit, [expected, seen], allowed);
  });
}

/** `allowed`: either way, in the figure's own unit; null where it is shown and not judged. */
export function comparisonOf(
  figure: string,
  unit: Comparison['unit'],
  [simulated, emulated]: readonly [number, number],
  allowed: number | null,
): Comparison {
  const off = emulated - simulated;
  // A share that is zero has no multiple, and one near zero is in no sensible proportion.
  const base = unit === 'share' || simulated === 0 ? 1 : simulated;
  return {
    figure,
    simulated,
    emulated,
    deviation: off / base,
    tolerance: allowed === null ? null : allowed / base,
    within: allowed === null || Math.abs(off) <= allowed,
    unit,
  };
}

function figuresOf(withDelays: boolean): Figure[] {
  const { responseMs, floorMs, throughput, isP99Judged } = withDelays ? WITH_DELAYS : WITHOUT_DELAYS;
  const floorText = floorMs === 0 ? '' : ` (${floorMs} ms are always allowed)`;
  const percentile = (p: number, isJudged = true): Figure => ({
    figure: `P${p * 100} response time${isJudged ? floorText : ''}`,
    unit: 'ms',
    isJudged,
    relative: responseMs,
    floor: floorMs,
    of: ({ cells }) => quantileOf(cells, p),
  });
  const shareOf = (figure: string, hits: (cell: TrafficCell) => number): Figure => ({
    figure,
    unit: 'share',
    isJudged: true,
    relative: 0,
    floor: SHARE_TOLERANCE,
    of: ({ cells }) => {
      const requests = sumOf(cells, cell => cell.requests);
      return requests === 0 ? 0 : sumOf(cells, hits) / requests;
    },
  });
  return [
    percentile(0.5),
    percentile(0.95),
    percentile(0.99, isP99Judged),
    {
      figure: 'good answers a second',
      unit: 'perSecond',
      isJudged: true,
      relative: throughput,
      floor: 0,
      of: ({ cells, measuredMs }) =>
        measuredMs === 0
          ? 0
          : (sumOf(cells, ({ requests, errors, refused }) => requests - errors - refused) * 1000) /
            measuredMs,
    },
    shareOf('errors', ({ errors }) => errors),
    shareOf('refused by quota (429)', ({ refused }) => refused),
  ];
}

/** In the order of the simulated cells; a kind that only one side has answers of is there with none on the other. */
export function compareKinds(simulated: TrafficMeasurement, emulated: TrafficMeasurement): KindComparison[] {
  const kinds = new Set([...simulated.cells, ...emulated.cells].map(({ kind }) => kind));
  const sideOf = ({ cells }: TrafficMeasurement, kind: string) => {
    const own = cells.filter(cell => cell.kind === kind);
    return { answers: responsesOf(own).count, p50Ms: quantileOf(own, 0.5) };
  };
  return [...kinds].map(kind => ({
    kind,
    simulated: sideOf(simulated, kind),
    emulated: sideOf(emulated, kind),
  }));
}

/** What each side counted at each place that a request passes. */
export function compareCounts(
  simulated: TrafficMeasurement,
  emulated: TrafficMeasurement,
): CountComparison[] {
  return (Object.keys(simulated.counts) as (keyof RequestCounts)[]).map(count => ({
    count,
    simulated: simulated.counts[count],
    emulated: emulated.counts[count],
  }));
}

/** 0 of no answer. */
function quantileOf(cells: readonly TrafficCell[], p: number): number {
  const responses = responsesOf(cells);
  return responses.count === 0 ? 0 : responses.quantile(p);
}

function responsesOf(cells: readonly TrafficCell[]): Histogram {
  const all = new Histogram();
  for (const { responseMs } of cells) all.merge(Histogram.of(responseMs));
  return all;
}

const sumOf = (cells: readonly TrafficCell[], of: (cell: TrafficCell) => number): number =>
  cells.reduce((sum, cell) => sum + of(cell), 0);
