// What one request costs the gateway's processor, by kind, and what the rig's own way adds to it: measured on loopback by
// `sandtable calibrate`, charged by the simulator. A hashed input of every simulated result.

import type { RequestKind } from './scenario.ts';

/** Who answers a request: the edge from its cache, the gateway by itself, or a company's service behind it. */
export const ANSWERERS = ['edge', 'gateway', 'service'] as const;
export type Answerer = (typeof ANSWERERS)[number];

/** Milliseconds, the mean over rounds with its 95 % interval. */
export type CalibratedMs = {
  readonly ms: number;
  readonly low: number;
  readonly high: number;
};

export type Calibration = {
  /** Of the machine that it was made on, and how. */
  readonly source: string;
  readonly asOf: string;
  /** Of one processor, for a whole request. */
  readonly demand: Readonly<Record<RequestKind, CalibratedMs>>;
  /** Share of the demand that is charged on a request's arrival; the rest before its reply. Assumed. */
  readonly arrivalShare: number;
  /**
   * What a request takes through the rig at light load beyond its demand: HTTP between k6, gateway and fakes, and
   * processes and processors that have to wake up. Charged only where the simulator plays the rig.
   */
  readonly rigOverheadMs: Readonly<Record<Answerer, CalibratedMs>>;
};
