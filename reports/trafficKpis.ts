// The KPIs of traffic: how fast requests are answered, how many fail, who is served, and what a company costs.

import { costOf } from './cost.ts';
import { grouped, requestCount } from './format.ts';
import { Histogram, type HistogramData, RELATIVE_ACCURACY } from './histogram.ts';
import { sum } from './meanTraffic.ts';
import {
  type Advice,
  adviceOf,
  assessMean,
  assessShare,
  CONFIDENCE,
  decided,
  type KpiInput,
  type Measure,
  type Part,
  widened,
} from './measure.ts';
import type { Replication, TrafficCell, TrafficMeasurement } from './measurement.ts';
import type { Interval } from './report.ts';
import { judgedTraffic } from './requestCounts.ts';
import { rankBounds, samplesMinFor } from './statistics.ts';

const NO_TRAFFIC = 'this run has no traffic: sandtable run peak-hour';
const LARGER = 'a longer time of traffic';

/** All requests together; the mean of the replications' values decides, by its t interval. */
export const RESPONSE_P95: Measure = {
  isTraffic: true,
  lack: (replications, input) =>
    lackOf(replications, input) || tooFew(replications, ({ cells }) => [{ name: '', cells }], 0.95),
  value: replication => responsesOf(trafficOf(replication).cells).quantile(0.95),
  assess: (values, input, target) => {
    const advice = adviceOf(input, LARGER);
    return (
      assessMean(values, target, advice, RELATIVE_ACCURACY) ??
      assessOne(values[0], [trafficOf(input.replications[0]).cells], 0.95, target, advice)
    );
  },
};

export const RESPONSE_P99_WORST_REGION: Measure = {
  isTraffic: true,
  lack: (replications, input) => lackOf(replications, input) || tooFew(replications, regionsOf, 0.99),
  value: replication =>
    Math.max(...regionsOf(trafficOf(replication)).map(({ cells }) => responsesOf(cells).quantile(0.99))),
  assess: (values, input, target) => {
    const advice = adviceOf(input, LARGER);
    const regions = regionsOf(trafficOf(input.replications[0])).map(({ cells }) => cells);
    return (
      assessMean(values, target, advice, RELATIVE_ACCURACY) ??
      assessOne(values[0], regions, 0.99, target, advice)
    );
  },
};

export const ERROR_RATE: Measure = shareMeasure(
  ({ cells }) => ({ hits: sum(cells, ({ errors }) => errors), of: sum(cells, ({ requests }) => requests) }),
  'no request was due',
  (hits, of) => `${grouped(hits)} ${hits === 1 ? 'error' : 'errors'} in ${requestCount(of)} prove`,
);

export const SERVED_SHARE: Measure = shareMeasure(
  ({ servedWithinQuota, withinQuota }) => ({ hits: servedWithinQuota, of: withinQuota }),
  'no request was within its quota',
  (hits, of) => `${grouped(hits)} of ${requestCount(of)} within quota prove`,
);

export const AVAILABILITY: Measure = {
  isTraffic: true,
  lack: () => 'only a study of 30 days can prove it',
  value: neverAsked,
  assess: neverAsked,
};

/** Modelled from what was used; it is as sure as that usage, so one replication alone decides nothing. */
export const COST: Measure = {
  label: 'modelled',
  isTraffic: true,
  lack: (replications, input) =>
    lackOf(replications, input) ||
    (replications.every(replication => trafficOf(replication).measuredMs > 0)
      ? ''
      : 'no traffic was measured'),
  value: (replication, { scenario, factValue }) =>
    costOf(scenario, trafficOf(replication), factValue).perCompanyUsdMonth,
  assess: (values, input, target) =>
    assessMean(values, target, adviceOf(input, LARGER)) ?? {
      value: values[0],
      sampling: null,
      verdict: 'INCONCLUSIVE',
      reason:
        input.label === 'emulated'
          ? 'one run shows no spread: sandtable run simulates replications'
          : 'one replication shows no spread; use --replications 5',
    },
};

function neverAsked(): never {
  throw new Error('a KPI that always lacks data has no value');
}

function shareMeasure(
  partOf: (traffic: TrafficMeasurement) => Part,
  none: string,
  prove: (hits: number, of: number) => string,
): Measure {
  return {
    isTraffic: true,
    lack: (replications, input) =>
      lackOf(replications, input) ||
      (replications.some(replication => partOf(trafficOf(replication)).of === 0) ? none : ''),
    value: replication => {
      const { hits, of } = partOf(trafficOf(replication));
      return hits / of;
    },
    assess: (_, input, target) =>
      assessShare(
        input.replications.map(replication => partOf(trafficOf(replication))),
        target,
        adviceOf(input, LARGER),
        prove,
      ),
  };
}

/** Without traffic, or with traffic that proves nothing, there is no figure. */
function lackOf(replications: readonly Replication[], { clock }: Pick<KpiInput, 'clock'>): string {
  const traffics = replications.map(({ traffic }) => traffic);
  if (traffics.includes(null)) return NO_TRAFFIC;
  const worthless = traffics.flatMap(traffic => judgedTraffic(traffic!, clock).worthless);
  return worthless.length === 0 ? '' : `this traffic proves nothing: ${worthless[0]}`;
}

type Group = { readonly name: string; readonly cells: readonly TrafficCell[] };

/** Names the smallest group of any replication that has too few answers for a quantile `p`. */
function tooFew(
  replications: readonly Replication[],
  groupsOf: (traffic: TrafficMeasurement) => readonly Group[],
  p: number,
): string {
  const needed = samplesMinFor(p);
  const sizes = replications
    .map(trafficOf)
    .flatMap(groupsOf)
    .map(({ name, cells }) => ({ name, count: responsesOf(cells).count }));
  const smallest = sizes.reduce((a, b) => (b.count < a.count ? b : a), { name: '', count: Infinity });
  if (smallest.count >= needed && sizes.length > 0) return '';
  const where = smallest.name === '' ? '' : ` of ${smallest.name}`;
  const answers = sizes.length === 0 ? 0 : smallest.count;
  const prove = answers === 1 ? 'proves' : 'prove';
  return `${grouped(answers)} ${answers === 1 ? 'answer' : 'answers'}${where} ${prove} no P${p * 100}: it needs ${needed} (${p}^${needed} < 5 %)`;
}

/**
 * Of one run: two order statistics of its requests, as if they were independent. They are not, since they share its
 * queues: that interval is too narrow, and batches of requests, which would show by how much, are not kept apart. Of
 * several groups the largest bounds count.
 */
function assessOne(
  value: number,
  groups: readonly (readonly TrafficCell[])[],
  p: number,
  target: Parameters<Measure['assess']>[2],
  { narrowsOne }: Advice,
) {
  const bounds = groups.map(cells => responseBounds(responsesOf(cells), p));
  const low = Math.max(...bounds.map(each => each.low));
  const high = Math.max(...bounds.map(each => each.high));
  const open = `the interval over the requests of one run, which are not independent, straddles the target; ${narrowsOne}`;
  return decided(value, widened({ low, high }, RELATIVE_ACCURACY), target, open);
}

function responseBounds(responses: Histogram, p: number): Interval {
  const { low, high } = rankBounds(responses.count, p, CONFIDENCE);
  const data = responses.data();
  return { low: low === null ? 0 : atRank(data, low), high: high === null ? Infinity : atRank(data, high) };
}

/** The value of that rank, from 1. */
function atRank(data: HistogramData, rank: number): number {
  let below = 0;
  for (const [ms, count] of data) {
    below += count;
    if (below >= rank) return ms;
  }
  throw new Error(`a histogram has no rank ${rank}`);
}

/** Response times of all these cells together. */
export function responsesOf(cells: readonly TrafficCell[]): Histogram {
  const all = new Histogram();
  for (const { responseMs } of cells) all.merge(Histogram.of(responseMs));
  return all;
}

function regionsOf({ cells }: TrafficMeasurement): Group[] {
  return [...Map.groupBy(cells, ({ region }) => region)].map(([name, cells]) => ({ name, cells }));
}

/** Of a replication that has some. */
const trafficOf = ({ traffic }: Replication): TrafficMeasurement => traffic!;
