// `report.json`, the contract that CI jobs read. Additions are free; a change of meaning raises `schemaVersion`.
// Whatever depends on the wall clock or on the machine stands in `environment`.

import type { UsedFact } from '../scenarios/facts.ts';
import type { KpiName } from '../scenarios/scenario.ts';
import type { LimitMeasurement, OperationMeasurement, StepMeasurement } from './measurement.ts';

export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'NO_DATA';

/** Where a figure comes from. `fitted` marks an assumption that one factor fits to an observation. */
export type Label = 'simulated' | 'emulated' | 'modelled' | 'assumed' | 'fitted' | 'measured';

export type Interval = { readonly low: number; readonly high: number };

export type KpiReport = {
  readonly name: KpiName;
  /** Null with NO_DATA. `"infinite"` when undone, refused or unfinished companies reach into the quantile. */
  readonly value: number | 'infinite' | null;
  readonly unit: 'ms' | 'share';
  readonly target: { readonly op: '<' | '>='; readonly value: number };
  readonly sampling: (Interval & { readonly confidence: number }) | null;
  /** The same seed with all facts low and all facts high. */
  readonly inputs: { readonly low: number | 'infinite'; readonly high: number | 'infinite' } | null;
  /** Whether the verdict is the same at both ends of `inputs`; null without them. */
  readonly survivesInputs: boolean | null;
  readonly required: boolean;
  readonly verdict: Verdict;
  readonly label: Label;
  /** Why there is no data or no conclusion, and what would give one; empty otherwise. */
  readonly reason: string;
};

/** Over the companies of all replications that have such a time; all zeros when none has. */
export type Summary = {
  readonly companies: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

export type RolloutReport = {
  readonly companies: number;
  /** These four: of the replication with the fewest completed. */
  readonly completed: number;
  readonly undone: number;
  readonly blocked: number;
  readonly unfinished: number;
  /** Mean over replications, with the interval of that mean. */
  readonly durationMs: number;
  readonly durationMsSampling: Interval | null;
  /** The limit with the largest summed wait; null when nothing ever waited, or the rollout was resumed. */
  readonly bindingLimit: string | null;
  /** An earlier process began the rollout; what its calls waited for is not known, so there are no limits and steps. */
  readonly isResumed: boolean;
  /** Admission to healthy. */
  readonly provisioningMs: Summary;
  /** Queued to admission; no part of provisioningMs. */
  readonly queuedMs: Summary;
  /** Companies that are not ready, with the reason; the first 100 of replication 0. */
  readonly notReady: readonly { readonly company: string; readonly reason: string }[];
  /** Means a replication. */
  readonly steps: readonly StepMeasurement[];
  /** Means a replication. */
  readonly operations: readonly OperationMeasurement[];
  /** What the audit of the ledger found wrong in any replication; the first 100. */
  readonly violations: readonly string[];
  /** For the charts: quantiles 0, 1, … 100 % of provisioningMs and queuedMs, and completions over time, replication 0. */
  readonly provisioningMsQuantiles: readonly number[];
  readonly queuedMsQuantiles: readonly number[];
  readonly completions: readonly { readonly atMs: number; readonly companies: number }[];
};

/** A limit, over all replications: means a replication. */
export type LimitReport = LimitMeasurement & {
  readonly waitMsPerCall: number;
  /** The scenario's rate for it; null where the rate is not ours. */
  readonly perMinute: number | null;
  /** The fewest milliseconds that its rate needs for this rollout; null where the rate is not ours. */
  readonly boundMs: number | null;
};

/** The model held against what production showed. */
export type ObservedReport = {
  readonly provisioningMsMean: number;
  readonly label: 'measured';
  readonly source: string;
  readonly companies: number;
  readonly expectation: number;
  readonly expectationSampling: Interval | null;
  readonly deviation: number;
  /** Where the mean of one such batch falls with 95 % confidence. */
  readonly prediction: Interval | null;
  readonly withinFivePercent: boolean;
  readonly withinPrediction: boolean | null;
};

export type Assumption = { readonly id: string; readonly text: string };

export type Report = {
  readonly schemaVersion: 1;
  readonly scenario: string;
  readonly description: string;
  readonly scenarioHash: string;
  /** Null: nothing in this run was calibrated. */
  readonly calibrationHash: string | null;
  readonly seed: number;
  readonly commit: string;
  readonly clock: 'virtual' | 'real';
  readonly label: Label;
  readonly verdict: Verdict;
  /** True when the run was interrupted: what stands here is what had finished by then. */
  readonly partial: boolean;
  readonly kpis: readonly KpiReport[];
  readonly replications: readonly {
    readonly seed: number;
    readonly hash: string;
    readonly events: number;
    readonly kpis: Readonly<Record<string, number | 'infinite'>>;
    readonly durationMs: number;
    readonly meanProvisioningMs: number;
  }[];
  readonly rollout: RolloutReport;
  readonly limits: readonly LimitReport[];
  readonly observed: ObservedReport | null;
  /** The uncertain fact with the largest range in mean provisioning time, to first order. */
  readonly biggestGuess: {
    readonly id: string;
    readonly metric: string;
    readonly label: Label;
    readonly shareOfMean: number;
  } | null;
  readonly assumptions: readonly Assumption[];
  readonly facts: readonly UsedFact[];
  readonly regions: Readonly<Record<string, number>>;
  readonly environment: {
    readonly startedAt: string;
    readonly wallMs: number;
    readonly node: string;
    readonly platform: string;
    readonly workers: number;
    readonly peakMemoryBytes: number;
  };
};
