// What a crosscheck came to, as `crosscheck.json` keeps it and a report quotes it.

/** The same requests, or the same rollout, in virtual time and over HTTP. */
export type CrosscheckReport = {
  readonly scenario: string;
  /** FAIL: a figure is out of tolerance. */
  readonly verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE';
  readonly rows: readonly {
    readonly figure: string;
    readonly simulated: number;
    readonly emulated: number;
    /** Emulated over simulated, less 1; of a share, the difference. */
    readonly deviation: number;
    /** Null: shown, not judged; such a row is within. */
    readonly tolerance: number | null;
    readonly within: boolean;
    readonly unit: 'ms' | 'share' | 'perSecond' | 'count';
  }[];
  /** Whether the drawn delays of network, stores and services were waited for; without them the processor decides. */
  readonly withDelays: boolean;
};
