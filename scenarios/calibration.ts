// What one request costs the gateway's processor, by kind: measured on loopback by `sandtable calibrate`, charged by
// the simulator. A hashed input of every simulated result.

import type { RequestKind } from './scenario.ts';

export type Demand = {
  /** Milliseconds of one processor for a whole request, and the 95 % interval of that mean. */
  readonly ms: number;
  readonly low: number;
  readonly high: number;
};

export type Calibration = {
  /** Of the machine that it was made on, and how. */
  readonly source: string;
  readonly asOf: string;
  readonly demand: Readonly<Record<RequestKind, Demand>>;
  /** Share of the demand that is charged on a request's arrival; the rest before its reply. Assumed. */
  readonly arrivalShare: number;
};
