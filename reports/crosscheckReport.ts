// What a crosscheck came to, as `crosscheck.json` keeps it and a report quotes it.

import type { Comparison } from './measurement.ts';

/** The same requests, or the same rollout, in virtual time and over HTTP. */
export type CrosscheckReport = {
  readonly scenario: string;
  /** FAIL: a figure is out of tolerance. */
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  readonly rows: readonly Comparison[];
  /** Whether the drawn delays of network, stores and services were waited for; without them the processor decides. */
  readonly withDelays: boolean;
};
