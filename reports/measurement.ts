// What one run of a scenario measured, as plain columns: the only thing that a runtime hands to the reports.

export type CompanyOutcome = 'ready' | 'undone' | 'blocked' | 'unfinished';

/** One limit that calls waited for: a limiter of our own, or a quota that a cloud refused us by. */
export type LimitMeasurement = {
  readonly name: string;
  readonly kind: 'limiter' | 'quota';
  readonly calls: number;
  /** Summed over all calls: the wait at the limiter, or Retry-After and the queue behind it. */
  readonly waitMs: number;
  readonly refusals: number;
  /** For how long this limit held back the admission of the next company. */
  readonly admissionBlockedMs: number;
};

export type StepMeasurement = { readonly kind: string; readonly count: number; readonly meanMs: number };

export type OperationMeasurement = {
  readonly operation: string;
  readonly calls: number;
  readonly refusedByQuota: number;
  /** Summed time from arrival to answer. */
  readonly latencyMs: number;
  /** Catalogue id of that latency. */
  readonly fact: string;
};

export type RolloutMeasurement = {
  /** Columns over the companies in the order of the queue; times are milliseconds since the rollout began, or -1. */
  readonly company: readonly string[];
  readonly region: readonly string[];
  readonly outcome: readonly CompanyOutcome[];
  readonly admittedAtMs: readonly number[];
  readonly finishedAtMs: readonly number[];
  /** Why a company is not ready, by company id. */
  readonly reasons: Readonly<Record<string, string>>;
  /** First admission until the last company ended, or until the run was given up. */
  readonly durationMs: number;
  readonly limits: readonly LimitMeasurement[];
  readonly steps: readonly StepMeasurement[];
  readonly operations: readonly OperationMeasurement[];
  /** What the ledger's audit found wrong; empty when nothing is. */
  readonly violations: readonly string[];
  /** Limits and steps are then empty: what an earlier process waited for is not kept. */
  readonly isResumed: boolean;
};

export type Replication = {
  readonly index: number;
  readonly seed: number;
  readonly rollout: RolloutMeasurement;
  /** Ids of the facts that the run asked for. */
  readonly facts: readonly string[];
  /** Fold of every (time, call, answer) of the run, in hexadecimal. Empty in real time. */
  readonly hash: string;
  /** Kernel events; 0 in real time. */
  readonly events: number;
};
