// The few formulas behind a report: quantiles, means and exact bounds of a share. Pure, over plain numbers.

import jstat from 'jstat';
import { mean, sampleStandardDeviation } from 'simple-statistics';
import type { Interval, Summary } from './report.ts';

const { studentt, beta } = jstat.jStat;

/** 0.07 × 100 is 7.000000000000001 in doubles; so much over a whole rank is rounding. */
const RANK_ROUNDING = 1e-9;

/** Ascending; `Infinity` sorts last. */
export const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

/**
 * Nearest rank: the smallest value that at least a share `p` of the values does not exceed. It is always a time that
 * some company really took, and it stays defined beside `Infinity`, where interpolation (type 7) yields NaN.
 */
export function quantile(ascending: ArrayLike<number>, p: number): number {
  if (ascending.length === 0) throw new Error('a quantile of nothing');
  const rank = Math.ceil(p * ascending.length - RANK_ROUNDING);
  return ascending[Math.min(Math.max(rank, 1), ascending.length) - 1];
}

/**
 * Where the quantile `p` of the population behind a sample lies, whatever its distribution: two order statistics, each
 * a one-sided bound with this confidence (Hahn and Meeker, Statistical Intervals, 1991, chapter 5). Infinite on a
 * side where the sample is too small for a bound.
 */
export function quantileBounds(ascending: ArrayLike<number>, p: number, confidence: number): Interval {
  const { low, high } = rankBounds(ascending.length, p, confidence);
  return {
    low: low === null ? -Infinity : ascending[low - 1],
    high: high === null ? Infinity : ascending[high - 1],
  };
}

/** The ranks of those order statistics among `n` values, from 1; null where there is none. */
export function rankBounds(
  n: number,
  p: number,
  confidence: number,
): { readonly low: number | null; readonly high: number | null } {
  // How many of the sample lie above the quantile is binomial (n, 1 − p); by logarithms, since p^n may underflow.
  let logTerm = n * Math.log(p);
  let atMost = Math.exp(logTerm);
  let above = 0;
  let high: number | null = null;
  while (atMost < confidence && above < n) {
    if (atMost <= 1 - confidence) high = n - above;
    logTerm += Math.log(((n - above) / (above + 1)) * ((1 - p) / p));
    above++;
    atMost += Math.exp(logTerm);
  }
  return { low: above < n ? n - above : null, high };
}

/** So many values have their largest below a quantile `p` with less than 5 % chance: fewer say nothing of it. */
export const samplesMinFor = (p: number): number => Math.ceil(Math.log(0.05) / Math.log(p));

/** Of completed companies alone: the caller leaves out those without a time. All zeros over no companies. */
export function summary(values: readonly number[]): Summary {
  const ascending = sorted(values);
  const companies = ascending.length;
  if (companies === 0) return { companies, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  const at = (p: number) => quantile(ascending, p);
  return {
    companies,
    mean: mean(values as number[]),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  };
}

/** The interval of the mean of independent replications (Student's t); null for fewer than two. */
export function meanInterval(values: readonly number[], confidence: number): Interval | null {
  return tInterval(values, confidence, Math.sqrt(1 / values.length));
}

/** Where one further replication falls (Student's t; sd × √(1 + 1/n)); null for fewer than two. */
export function predictionInterval(values: readonly number[], confidence: number): Interval | null {
  return tInterval(values, confidence, Math.sqrt(1 + 1 / values.length));
}

function tInterval(values: readonly number[], confidence: number, widths: number): Interval | null {
  if (values.length < 2) return null;
  const middle = mean(values as number[]);
  if (allEqual(values)) return { low: middle, high: middle };
  const half =
    studentt.inv((1 + confidence) / 2, values.length - 1) *
    sampleStandardDeviation(values as number[]) *
    widths;
  return { low: middle - half, high: middle + half };
}

export const allEqual = (values: readonly number[]): boolean => values.every(value => value === values[0]);

/** Exact two-sided interval of a share (Clopper and Pearson, 1934). */
export function proportionLowerUpper(successes: number, n: number, confidence: number): Interval {
  const oneSided = (1 + confidence) / 2;
  return {
    low: binomialOneSidedLow(successes, n, oneSided),
    high: binomialOneSidedHigh(successes, n, oneSided),
  };
}

/** The share that `successes` of `n` prove at least: 100 of 100 prove 0.9705 at 95 %. */
export function binomialOneSidedLow(successes: number, n: number, confidence: number): number {
  return successes === 0 ? 0 : beta.inv(1 - confidence, successes, n - successes + 1);
}

/** The share that `successes` of `n` prove at most. */
export function binomialOneSidedHigh(successes: number, n: number, confidence: number): number {
  return successes === n ? 1 : beta.inv(confidence, successes + 1, n - successes);
}
