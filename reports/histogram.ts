// Durations in bounded memory, mergeable without loss: a DDSketch (Masson, Rim and Lee, 2019) whose every quantile is
// within 0.5 % of a value that was recorded. Between a worker and the reports it travels as plain pairs.

import { DDSketch } from '@datadog/sketches-js';

export const RELATIVE_ACCURACY = 0.005;

/** [value in milliseconds, how many], ascending. */
export type HistogramData = readonly (readonly [number, number])[];

export class Histogram {
  private readonly sketch = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });

  static of(data: HistogramData): Histogram {
    const histogram = new Histogram();
    for (const [ms, count] of data) histogram.sketch.accept(ms, count);
    return histogram;
  }

  /** Milliseconds, not negative. */
  record(ms: number): void {
    this.sketch.accept(ms);
  }

  merge(other: Histogram): void {
    this.sketch.merge(other.sketch);
  }

  get count(): number {
    return this.sketch.count;
  }

  /** Milliseconds that a share `p` of the values does not exceed. NaN of nothing. */
  quantile(p: number): number {
    return this.sketch.getValueAtQuantile(p);
  }

  data(): HistogramData {
    const { store, mapping, zeroCount } = this.sketch;
    const pairs: [number, number][] = zeroCount > 0 ? [[0, zeroCount]] : [];
    for (let i = 0; i < store.bins.length; i++)
      if (store.bins[i] > 0) pairs.push([mapping.value(i + store.offset), store.bins[i]]);
    return pairs;
  }
}
