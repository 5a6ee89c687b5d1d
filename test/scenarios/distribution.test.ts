// Log-normal draws: the mean is 1 whatever the spread, and the quantiles are those of the formula.

import { describe, expect, it } from 'vitest';
import { logNormalOfMeanOne, normalQuantile } from '../../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';

/** Every spread of the catalogue, and a wide one. */
const SPREADS = [0.3, 0.4, 0.5, 1];
const GRID = 100_000;

describe('the normal quantile', () => {
  it.each([
    [0.5, 0],
    [0.841344746, 1],
    [0.975, 1.959963985],
    [0.9, 1.281551566],
    [0.999, 3.090232306],
    [0.9999, 3.719016485],
    [1e-9, -5.997807015],
    [1e-15, -7.941345326],
  ])('at %f is the published %f', (p, expected) => {
    expect(normalQuantile(p)).toBeCloseTo(expected, 5);
    if (p > 1e-6) expect(normalQuantile(1 - p)).toBeCloseTo(-expected, 5);
  });
});

describe.each(SPREADS)('a log-normal of spread %f', spread => {
  const values = Array.from({ length: GRID }, (_, i) => logNormalOfMeanOne(spread, (i + 0.5) / GRID));

  it('has a mean of 1', () => {
    expect(values.reduce((sum, value) => sum + value, 0) / GRID).toBeCloseTo(1, 4);
  });

  it('grows with its uniform', () => {
    expect(values.every((value, i) => i === 0 || value >= values[i - 1])).toBe(true);
  });

  it.each([0.05, 0.25, 0.5, 0.75, 0.95, 0.99])('has the quantile of the formula at %f', p => {
    const exact = Math.exp(spread * normalQuantile(p) - (spread * spread) / 2);
    expect(Math.abs(logNormalOfMeanOne(spread, p) / exact - 1)).toBeLessThan(0.005);
  });

  it('has the spread that it was asked for', () => {
    const logs = values.map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / GRID;
    const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / GRID;
    expect(Math.abs(Math.sqrt(variance) / spread - 1)).toBeLessThan(0.005);
  });

  it('is finite and positive at both ends', () => {
    for (const uniform of [0, 1 - Number.EPSILON / 2]) {
      const value = logNormalOfMeanOne(spread, uniform);
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(100);
    }
  });

  it('keeps its mean over real draws', () => {
    const count = 20_000;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += logNormalOfMeanOne(spread, drawUniform(7, PURPOSE.operation, [i]));
    // Four standard errors of the mean.
    const tolerance = 4 * Math.sqrt(Math.expm1(spread * spread) / count);
    expect(Math.abs(sum / count - 1)).toBeLessThan(tolerance);
  });
});

describe('a log-normal without spread', () => {
  it('is constant', () => {
    expect([0, 0.3, 0.999].map(uniform => logNormalOfMeanOne(0, uniform))).toEqual([1, 1, 1]);
  });
});
