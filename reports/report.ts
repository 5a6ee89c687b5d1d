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
  /** The high end is infinite when companies that are not ready reach into it. */
  readonly sampling: {
    readonly low: number | 'infinite';
    readonly high: number | 'infinite';
    readonly confidence: number;
  } | null;
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
  /** Index of the replication with the fewest completed; these four, `notReady` and `completions` are its own. */
  readonly worstReplication: number;
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
  /** Companies that are not ready, with the reason; the first 100. */
  readonly notReady: readonly { readonly company: string; readonly reason: string }[];
  /** Means a replication. */
  readonly steps: readonly StepMeasurement[];
  /** Means a replication. */
  readonly operations: readonly OperationMeasurement[];
  /** Distinct ones that the audit of the ledger found in any replication, all of them. */
  readonly violationCount: number;
  /** The first 100 of those. */
  readonly violations: readonly string[];
  /** For the charts: quantiles 0, 1, … 100 % of provisioningMs and queuedMs, and completions over time. */
  readonly provisioningMsQuantiles: readonly number[];
  readonly queuedMsQuantiles: readonly number[];
  readonly completions: readonly { readonly atMs: number; readonly companies: number }[];
};

/** A limit, over all replications: means a replication. */
export type LimitReport = LimitMeasurement & {
  readonly waitMsPerCall: number;
  /** The scenario's rate for it; null where the rate is not ours. */
  readonly perMinute: number | null;
  /** The fewest milliseconds that its rate needs for the whole rollout, whatever was called; null where the rate is not ours. */
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
  /** Null where time ran faster than real: local HTTP time is then multiplied too. */
  readonly withinFivePercent: boolean | null;
  readonly withinPrediction: boolean | null;
};

export type Assumption = { readonly id: string; readonly text: string };

/** What was typed. */
export type Asked = {
  /** A scenario's name or file. */
  readonly scenario: string;
  /** The flags that change the result, each with its value: `--set run.seed=7`, `--seed 9`. */
  readonly flags: readonly string[];
};

export type Report = {
  readonly schemaVersion: 1;
  readonly scenario: string;
  readonly description: string;
  /** The flags that changed the scenario or the seed, as they were typed. */
  readonly changes: readonly string[];
  /** The command that made this report, quoted for a shell; a pilot's lacks the address of its fakes. */
  readonly command: string;
  readonly scenarioHash: string;
  /** Null: nothing in this run was calibrated. */
  readonly calibrationHash: string | null;
  readonly seed: number;
  readonly commit: string;
  readonly clock: 'virtual' | 'real';
  /** 1: virtual time, or real time as it is. Else the fakes' clock ran so many times faster than real. */
  readonly speed: number;
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
  /** A command that tries twice the rate of the limiter that binds; null where that would help little. */
  readonly whatIf: string | null;
  /** Sections of the contract that this version does not fill. */
  readonly crosscheck: null;
  readonly traffic: null;
  readonly fleet: null;
  readonly cost: null;
  readonly environment: {
    readonly startedAt: string;
    readonly wallMs: number;
    readonly node: string;
    readonly platform: string;
    readonly workers: number;
    readonly peakMemoryBytes: number;
  };
};
