// `report.json`, the contract that CI jobs read. Additions are free; a change of meaning raises `schemaVersion`.
// Whatever depends on the wall clock or on the machine stands in `environment`.

import type { UsedFact } from '../scenarios/facts.ts';
import type { KpiName } from '../scenarios/scenario.ts';
import type { CrosscheckReport } from './crosscheckReport.ts';
import type {
  FleetMeasurement,
  FullMeasurement,
  LimitMeasurement,
  NeedMeasurement,
  OperationMeasurement,
  RequestCounts,
  StepMeasurement,
  WaitMeasurement,
} from './measurement.ts';
import type { WaveReport } from './rolloutReport.ts';
import type { WaterfallReport } from './waterfall.ts';

export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'NO_DATA';

/** Where a figure comes from. `fitted` marks an assumption that one factor fits to an observation. */
export type Label = 'simulated' | 'emulated' | 'modelled' | 'assumed' | 'fitted' | 'measured';

export type Interval = { readonly low: number; readonly high: number };

export type KpiReport = {
  readonly name: KpiName;
  /** Null with NO_DATA. `"infinite"` when undone, refused or unfinished companies reach into the quantile. */
  readonly value: number | 'infinite' | null;
  readonly unit: 'ms' | 'share' | 'usd';
  readonly target: { readonly op: '<' | '>='; readonly value: number };
  /** The high end is infinite when companies that are not ready reach into it. Null where one run says nothing of it. */
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
  /** Index of the replication with the fewest completed; these five, `notReady` and `completions` are its own. */
  readonly worstReplication: number;
  readonly completed: number;
  readonly undone: number;
  readonly blocked: number;
  readonly noRoom: number;
  /** These three had been ready. */
  readonly suspended: number;
  readonly leaving: number;
  readonly decommissioned: number;
  readonly unfinished: number;
  /** Mean over replications, with the interval of that mean. */
  readonly durationMs: number;
  readonly durationMsSampling: Interval | null;
  /** Of the duration, what was waited between waves: mean over replications. */
  readonly dwellMs: number;
  /** What the plan needs of each thing that the vendors limit by number. */
  readonly needs: readonly NeedMeasurement[];
  /** The clouds of this run enforced those limits. */
  readonly enforcesNeeds: boolean;
  /** Of the worst replication: what there was no room for, the most companies first. */
  readonly full: readonly FullMeasurement[];
  /** Of the worst replication; empty without gates between waves. */
  readonly waves: readonly WaveReport[];
  /** The limit that was waited for longest, summed over its calls or before admission; null when nothing ever waited. */
  readonly bindingLimit: string | null;
  /** Other processes took part; what one was doing when it was stopped is lost time in the waterfall. */
  readonly isResumed: boolean;
  /** Admission to healthy. */
  readonly provisioningMs: Summary;
  /** Queued to admission; no part of provisioningMs. */
  readonly queuedMs: Summary;
  /** The same rollout in virtual time, beside an emulated one; null elsewhere. */
  readonly simulated: SimulatedRolloutReport | null;
  /** Companies that are not ready, with the reason; the first 100. */
  readonly notReady: readonly { readonly company: string; readonly reason: string }[];
  /** Means a replication. */
  readonly steps: readonly StepMeasurement[];
  readonly waterfall: WaterfallReport;
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

export type SimulatedRolloutReport = Pick<
  RolloutReport,
  'completed' | 'durationMs' | 'provisioningMs' | 'queuedMs'
>;

/** Requests of all replications together; their times are all zero when there is no request. */
export type ResponseReport = {
  readonly requests: number;
  readonly errors: number;
  /** 429 by the company's own quota. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
};

export type KindReport = ResponseReport & { readonly kind: string };

/** A place where requests wait: means a replication. */
export type WaitReport = WaitMeasurement & {
  /** Over all requests, also those that never came here. */
  readonly waitMsPerRequest: number;
};

export type TrafficReport = ResponseReport & {
  /** Mean a replication: the time in which requests were due and measured. */
  readonly measuredMs: number;
  readonly requestsPerSecond: number;
  /** Share of the traffic's whole duration that was measured. */
  readonly sampledShare: number;
  readonly withinQuota: number;
  readonly servedWithinQuota: number;
  readonly cells: readonly (ResponseReport & {
    readonly region: string;
    readonly level: string;
    readonly kind: string;
  })[];
  /** By home region, with the quantiles 0, 1, … 100 % of the response time for the chart. */
  readonly regions: readonly (ResponseReport & {
    readonly region: string;
    readonly quantilesMs: readonly number[];
  })[];
  readonly kinds: readonly KindReport[];
  /** The same traffic in virtual time, beside an emulated run; null elsewhere. */
  readonly simulatedKinds: readonly KindReport[] | null;
  /** The one with the largest summed wait first. */
  readonly waits: readonly WaitReport[];
  /** Awaited ports a request, on average. */
  readonly waitsPerRequest: number;
  /** Summed over all replications. */
  readonly counts: RequestCounts;
  /** How late the load generator sent what was due; null in virtual time. */
  readonly latenessMs: { readonly p50: number; readonly p99: number } | null;
  /** Counts that disagree, in any replication: they fail the run. */
  readonly countViolations: readonly string[];
  /** What else makes the run worthless, a late generator or dropped requests: its KPIs then say nothing. */
  readonly worthless: readonly string[];
};

/** One region's gateway: means a replication, `instancesMax` and `concurrencyMax` the largest of any. */
export type FleetReport = FleetMeasurement;

export type CostLine = {
  readonly item: string;
  readonly usdPerMonth: number;
  readonly kind: 'fixed' | 'shared' | 'perCompany';
  /** What it is split over the companies by. */
  readonly splitBy: string;
  /** How much is used a month, in words. */
  readonly usage: string;
  /** Catalogue id of the price. */
  readonly fact: string;
  readonly label: 'modelled';
};

export type CostReport = {
  readonly perCompanyUsdMonth: number;
  readonly lines: readonly CostLine[];
  /** What costs money and has no line. */
  readonly unpriced: readonly string[];
  /** How a month follows from the measured time, in words. */
  readonly extrapolation: string;
  /** Dollars a month of one company of that level. */
  readonly byLevel?: Readonly<Record<string, number>>;
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
  /** The command; `run` or `pilot`, by the clock, when absent. */
  readonly verb?: 'run' | 'gate' | 'load' | 'pilot' | 'crosscheck';
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
    /** Of the rollout; null without one. */
    readonly durationMs: number | null;
    readonly meanProvisioningMs: number | null;
    /** Null without traffic. */
    readonly requests: number | null;
  }[];
  /** Null where no rollout was run. */
  readonly rollout: RolloutReport | null;
  /** Null where no traffic was run, as are `fleet` and `cost`. */
  readonly traffic: TrafficReport | null;
  readonly fleet: readonly FleetReport[] | null;
  readonly cost: CostReport | null;
  /** The last one of this scenario's traffic; null: none yet. */
  readonly crosscheck: CrosscheckReport | null;
  /** The last one of its rollout; of a pilot at real speed its own. Null: none. */
  readonly rolloutCrosscheck: CrosscheckReport | null;
  readonly limits: readonly LimitReport[];
  readonly observed: ObservedReport | null;
  /** The uncertain fact with the largest range in mean provisioning time, to first order; null without a rollout. */
  readonly biggestGuess: {
    readonly id: string;
    readonly metric: string;
    readonly label: Label;
    readonly shareOfMean: number;
  } | null;
  readonly assumptions: readonly Assumption[];
  readonly facts: readonly UsedFact[];
  readonly companies: number;
  readonly agents: number;
  /** Companies by home region. */
  readonly regions: Readonly<Record<string, number>>;
  /** A command that tries twice the rate of the limiter that binds; null where that would help little. */
  readonly whatIf: string | null;
  readonly environment: {
    readonly startedAt: string;
    readonly wallMs: number;
    readonly node: string;
    readonly platform: string;
    readonly workers: number;
    readonly peakMemoryBytes: number;
  };
};

export type WithRollout = Report & { readonly rollout: RolloutReport };
export type WithTraffic = Report & { readonly traffic: TrafficReport };

export const hasRollout = (report: Report): report is WithRollout => report.rollout !== null;
export const hasTraffic = (report: Report): report is WithTraffic => report.traffic !== null;
