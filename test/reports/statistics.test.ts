import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  binomialOneSidedHigh,
  binomialOneSidedLow,
  meanInterval,
  predictionInterval,
  proportionLowerUpper,
  quantile,
  quantileBounds,
  rankBounds,
  samplesMinFor,
  sorted,
  summary,
} from '../../reports/statistics.ts';

describe('a quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  test.each([
    [0, 1],
    [0.07, 7],
    [0.5, 50],
    [0.95, 95],
    [0.99, 99],
    [1, 100],
  ])('of 1 to 100 at %d is %d, by nearest rank', (p, expected) => {
    expect(quantile(hundred, p)).toBe(expected);
  });

  test('of one value is that value', () => {
    expect([0, 0.5, 1].map(p => quantile([7], p))).toEqual([7, 7, 7]);
  });

  test('is infinite from the first infinite rank on, never NaN', () => {
    const times = sorted([Infinity, 3, 1, Infinity, 2]);
    expect([0.2, 0.6, 0.61, 1].map(p => quantile(times, p))).toEqual([1, 3, Infinity, Infinity]);
  });

  test('of nothing is a mistake of the caller', () => {
    expect(() => quantile([], 0.5)).toThrow('nothing');
  });
});

describe('the bounds of a quantile', () => {
  const ranks = (n: number, p: number) =>
    quantileBounds(
      Array.from({ length: n }, (_, i) => i + 1),
      p,
      0.95,
    );
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
  /** The chance that at most `k` of `n` lie below the quantile. */
  const atMost = (k: number, n: number, p: number) =>
    Array.from({ length: k + 1 }, (_, i) => choose(n, i) * p ** i * (1 - p) ** (n - i)).reduce(
      (a, b) => a + b,
      0,
    );

  test.each([
    [10, 0.5],
    [20, 0.5],
    [40, 0.9],
    [60, 0.3],
  ])('of %d values at %d are the narrowest ranks that hold it with 95 %% on each side', (n, p) => {
    const { low, high } = ranks(n, p);
    expect(atMost(high - 1, n, p)).toBeGreaterThanOrEqual(0.95);
    expect(atMost(high - 2, n, p)).toBeLessThan(0.95);
    expect(atMost(low - 1, n, p)).toBeLessThanOrEqual(0.05);
    expect(atMost(low, n, p)).toBeGreaterThan(0.05);
  });

  test('need 299 values for an upper one of the P99', () => {
    expect(ranks(298, 0.99).high).toBe(Infinity);
    expect(ranks(299, 0.99).high).toBe(299);
  });

  test('need as many values for a lower one of the P1', () => {
    expect(ranks(298, 0.01).low).toBe(-Infinity);
    expect(ranks(299, 0.01).low).toBe(1);
  });

  test('stand where p^n is no double any more', () => {
    const { low, high } = ranks(100_000, 0.99);
    // The normal approximation: 99,000 ± 1.645 × √990.
    expect(low).toBeGreaterThan(98_940);
    expect(low).toBeLessThan(98_956);
    expect(high).toBeGreaterThan(99_044);
    expect(high).toBeLessThan(99_060);
  });
});

test('a summary counts its companies and is zero over none', () => {
  expect(summary([4, 1, 3, 2])).toEqual({ companies: 4, mean: 2.5, p50: 2, p95: 4, p99: 4, max: 4 });
  expect(summary([])).toEqual({ companies: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 });
});

describe('intervals of Student’s t', () => {
  // Tables: t(0.975) is 12.7062 with 1 degree of freedom, 2.7764 with 4, 2.2622 with 9.
  test.each([
    [[0, 2], 12.7062],
    [[1, 2, 3, 4, 5], (2.7764 * Math.sqrt(2.5)) / Math.sqrt(5)],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], (2.2622 * Math.sqrt(82.5 / 9)) / Math.sqrt(10)],
  ])('of the mean of %j is ± %d', (values, half) => {
    const middle = values.reduce((a, b) => a + b) / values.length;
    const { low, high } = meanInterval(values, 0.95)!;
    expect([low, high]).toEqual([expect.closeTo(middle - half, 3), expect.closeTo(middle + half, 3)]);
  });

  test('of one further replication are wider by √(n + 1)', () => {
    const values = [1, 2, 3, 4, 5];
    const [inner, outer] = [meanInterval(values, 0.95)!, predictionInterval(values, 0.95)!];
    expect(outer.high - 3).toBeCloseTo((inner.high - 3) * Math.sqrt(6), 9);
  });

  test('need two values', () => {
    expect(
      [[], [1]].flatMap(values => [meanInterval(values, 0.95), predictionInterval(values, 0.95)]),
    ).toEqual([null, null, null, null]);
  });

  test('of equal values are a point, whatever the rounding', () => {
    const { low, high } = meanInterval([0.1, 0.1, 0.1], 0.95)!;
    expect(low).toBe(high);
  });

  test('contain the mean', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 2, maxLength: 40 }),
        values => {
          const { low, high } = meanInterval(values, 0.95)!;
          const { mean } = summary(values);
          return low <= mean && mean <= high;
        },
      ),
    );
  });
});

describe('exact bounds of a share', () => {
  test.each([
    [100, 100, 0.9705],
    [299, 299, 0.99003],
    [0, 100, 0],
    [1, 1, 0.05],
    [95, 100, 0.8977],
  ])('%d of %d prove at least %d at 95 %%', (successes, n, low) => {
    expect(binomialOneSidedLow(successes, n, 0.95)).toBeCloseTo(low, 4);
  });

  test('mirror each other', () => {
    expect(binomialOneSidedHigh(5, 100, 0.95)).toBeCloseTo(1 - binomialOneSidedLow(95, 100, 0.95), 9);
    expect([binomialOneSidedHigh(100, 100, 0.95), binomialOneSidedHigh(0, 100, 0.95)]).toEqual([
      1,
      expect.closeTo(0.0295, 4),
    ]);
  });

  // Clopper and Pearson: 8 of 10 lie in 0.4439–0.9748 at 95 %.
  test('agree with the published interval of 8 of 10', () => {
    const { low, high } = proportionLowerUpper(8, 10, 0.95);
    expect([low, high]).toEqual([expect.closeTo(0.4439, 4), expect.closeTo(0.9748, 4)]);
  });

  test('leave exactly 5 % of chance beyond, by summing the binomial', () => {
    const low = binomialOneSidedLow(9940, 10_000, 0.95);
    let term = low ** 10_000;
    let beyond = term;
    for (let k = 10_000; k > 9940; k--) beyond += term *= (k / (10_001 - k)) * ((1 - low) / low);
    expect(beyond).toBeCloseTo(0.05, 6);
  });
});

describe('ranks that bound a quantile', () => {
  test('are those of the sorted values, also of a million', () => {
    const n = 1_000_000;
    const { low, high } = rankBounds(n, 0.95, 0.95);
    // Normal approximation: 950,000 ± 1.645 × 218.
    expect(low).toBeGreaterThan(950_000 - 362);
    expect(low).toBeLessThan(950_000 - 355);
    expect(high).toBeGreaterThan(950_000 + 355);
    expect(high).toBeLessThan(950_000 + 362);
  });

  test.each([0.95, 0.99])('of P%d need so many values that one in twenty samples lies below it', p => {
    const n = samplesMinFor(p);
    expect([p ** n < 0.05, p ** (n - 1) < 0.05]).toEqual([true, false]);
    expect(rankBounds(n, p, 0.95).high).toBe(n);
    expect(rankBounds(n - 1, p, 0.95).high).toBeNull();
  });
});

test('the bounds of a share hold for a few errors in millions of requests', () => {
  // Poisson: none in n proves 3.00/n, three prove 7.75/n at most.
  expect(binomialOneSidedHigh(0, 10_000_000, 0.95) * 10_000_000).toBeCloseTo(-Math.log(0.05), 4);
  expect(binomialOneSidedHigh(3, 10_000_000, 0.95) * 10_000_000).toBeCloseTo(7.7537, 3);
});
