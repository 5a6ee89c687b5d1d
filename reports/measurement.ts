// What one run of a scenario measured, as plain columns: the only thing that a runtime hands to the reports.

import type { HistogramData } from './histogram.ts';

/** noRoom: never begun, since a vendor's limit on how many there may be was reached. */
export type CompanyOutcome = 'ready' | 'undone' | 'blocked' | 'noRoom' | 'unfinished' | LaterOutcome;
/** What became since of a company that had been ready; `leaving`: its decommissioning has not ended. */
export type LaterOutcome = 'suspended' | 'leaving' | 'decommissioned';

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

/** left: it could not be removed. underWay: it had not ended when the rollout was given up. */
export type StepEnding = 'made' | 'failed' | 'removed' | 'left' | 'underWay';

/** What the time of the steps went to: a row for each that ended or is under way, in the order of their ends. */
export type TimelineMeasurement = {
  /** The plans' steps; a row's `step` is an index into these. */
  readonly steps: readonly { readonly id: string; readonly kind: string }[];
  /** A row's `ending` is an index into these. */
  readonly endings: readonly StepEnding[];
  /** Index into the columns over the companies, whose times these share. */
  readonly company: Uint32Array;
  readonly step: Uint16Array;
  readonly ending: Uint8Array;
  readonly beganAtMs: Float64Array;
  readonly endedAtMs: Float64Array;
  /** Of the time between: for a slot of our own limiter. */
  readonly limiterMs: Float32Array;
  /** Before a quota's gate: its queue, or the moment that the vendor named. */
  readonly quotaMs: Float32Array;
  /** After a fault: back-off, or until a call in doubt had run out. */
  readonly retryMs: Float32Array;
  /** Between two looks at what is not ready yet. */
  readonly pollMs: Float32Array;
  /** What a process that was stopped did of it, until another took it up. */
  readonly lostMs: Float64Array;
};

export type OperationMeasurement = {
  readonly operation: string;
  readonly calls: number;
  readonly refusedByQuota: number;
  /** Summed time from arrival to answer. */
  readonly latencyMs: number;
  /** Catalogue id of that latency. */
  readonly fact: string;
};

/** Companies that a vendor's limit on how many there may be has kept out, in one project, region or zone. */
export type FullMeasurement = {
  /** The vendor's name for it. */
  readonly quota: string;
  /** Kind of the step that it refused. */
  readonly step: string;
  readonly scope: string;
  /** Begun, refused and undone. */
  readonly undone: number;
  readonly notBegun: number;
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
  /** What all companies need of each thing that the vendors limit by number. */
  readonly needs: readonly NeedMeasurement[];
  /** The least time that each limit's calls take. */
  readonly bounds: readonly BoundMeasurement[];
  /** Empty without gates between waves. */
  readonly waves: readonly WaveMeasurement[];
  /** What there was no room for. */
  readonly full: readonly FullMeasurement[];
  readonly timeline: TimelineMeasurement;
  /** Other processes than those that report took part. */
  readonly isResumed: boolean;
};

/** Of the plan, not of the run: arithmetic. */
export type NeedMeasurement = {
  /** The limit's id in the catalogue of facts. */
  readonly quota: string;
  readonly limit: number;
  /** Of the project, region or zone that needs most: which one, and how much. */
  readonly scope: string;
  readonly needed: number;
  /** Companies at the head of the queue that there is room for; null when there is room for all. */
  readonly companiesMax: number | null;
};

/** Of the plan, not of the run: arithmetic. */
export type BoundMeasurement = {
  readonly name: string;
  readonly perMinute: number;
  /** The project, region or zone with most calls; `all` for a limit of the whole rollout. */
  readonly scope: string;
  readonly calls: number;
  readonly boundMs: number;
};

/** Times are milliseconds since the rollout began, or -1; shares are 0 to 1. */
export type WaveMeasurement = {
  /** Companies provisioned once it is over, and its own. */
  readonly upTo: number;
  readonly companies: number;
  readonly openedAtMs: number;
  readonly endedAtMs: number;
  readonly decidedAtMs: number;
  /** What its gate came to; the last wave has none and stays open. */
  readonly outcome: 'open' | 'passed' | 'paused' | 'resumed' | 'rolledBack';
  readonly reason: string;
  /** What its gate read; null when this process did not read it. */
  readonly reading: {
    readonly readyShare: number;
    /** Infinite when a company of the wave did not become ready. */
    readonly provisioningMsP99: number;
    readonly healthyShare: number;
  } | null;
};

/** Requests of one home region, level and kind, due in the measured time. */
export type TrafficCell = {
  readonly region: string;
  readonly level: string;
  readonly kind: string;
  readonly requests: number;
  /** Time-outs, resets, requests that were never sent, and every answer but a good one and 429. */
  readonly errors: number;
  /** 429 by the company's own quota: no error, and no answer. */
  readonly refused: number;
  /** From the moment at which a request was due at its user to the last byte; a time-out at its full duration. */
  readonly responseMs: HistogramData;
};

/** One region's gateway over the measured time. */
export type FleetMeasurement = {
  readonly region: string;
  readonly instancesMean: number;
  readonly instancesMax: number;
  readonly coldStarts: number;
  /** Share of the instances' vCPU that was busy. */
  readonly cpuUtilisation: number;
  /** Requests under way in one instance, at most. */
  readonly concurrencyMax: number;
};

/** A place where requests wait: a verification pool, an instance's processor, a fleet without a free place. */
export type WaitMeasurement = {
  readonly name: string;
  readonly calls: number;
  /** Summed over the calls. */
  readonly waitMs: number;
  /** Turned away because the queue was full. */
  readonly refusals: number;
};

/** What the traffic used in the measured time; prices are in the facts catalogue. */
export type UsageMeasurement = {
  /** Instances of all gateways × seconds; each has `vcpu` and `memoryGiB`. */
  readonly gatewayInstanceSeconds: number;
  /** Seconds in which an instance of a company's own service had a request under way, over all of them. */
  readonly serviceInstanceSeconds: number;
  readonly gatewayRequests: number;
  readonly serviceRequests: number;
  readonly cacheTrips: number;
  readonly recordReads: number;
  readonly auditBytes: number;
  /** From the gateways to the edge. */
  readonly egressBytes: number;
};

/** The same requests, counted independently at each place that they pass: see `trafficViolations`. */
export type RequestCounts = {
  /** By the schedule. */
  readonly due: number;
  /** By the users: k6, or the simulated ones. */
  readonly sent: number;
  /** Answered at the edge from its cache. */
  readonly edgeHits: number;
  /** Calls of the gateway's `handle`. */
  readonly handled: number;
  /** Calls of `handle` that ended. */
  readonly answered: number;
  /** Calls from the gateways to the companies' services. */
  readonly forwarded: number;
  /** Requests that the companies' services have in the ledger. */
  readonly ledger: number;
  /** Records in the audit trails. */
  readonly audited: number;
};

export type TrafficMeasurement = {
  /** Time in which requests were due and measured. */
  readonly measuredMs: number;
  /** Share of the traffic's whole duration that was simulated, lead-ins left out. 1: all of it. */
  readonly sampledShare: number;
  readonly cells: readonly TrafficCell[];
  /** Requests that the companies' quotas had room for, and those of them that were answered without an error. */
  readonly withinQuota: number;
  readonly servedWithinQuota: number;
  readonly fleets: readonly FleetMeasurement[];
  readonly waits: readonly WaitMeasurement[];
  readonly usage: UsageMeasurement;
  readonly counts: RequestCounts;
  /** Awaited ports a request, on average. */
  readonly waitsPerRequest: number;
  /** How late the load generator sent requests; empty in virtual time. */
  readonly latenessMs: HistogramData;
  /** Sentences on what makes this run worthless: a late generator, dropped requests, counts that disagree. */
  readonly violations: readonly string[];
};

export type Replication = {
  readonly index: number;
  readonly seed: number;
  /** Null where the scenario has no such phase. */
  readonly rollout: RolloutMeasurement | null;
  readonly traffic: TrafficMeasurement | null;
  /** Ids of the facts that the run asked for. */
  readonly facts: readonly string[];
  /** Fold of every (time, call, answer) of the run, in hexadecimal. Empty in real time. */
  readonly hash: string;
  /** Kernel events; 0 in real time. */
  readonly events: number;
};

/** One figure of both clocks, in a crosscheck. */
export type Comparison = {
  readonly figure: string;
  readonly simulated: number;
  readonly emulated: number;
  /** Emulated over simulated, less 1; of a share, the difference. */
  readonly deviation: number;
  /** Of the deviation, in the same terms; null: shown, not judged. */
  readonly tolerance: number | null;
  /** True as well where nothing is judged. */
  readonly within: boolean;
  readonly unit: 'ms' | 'share' | 'perSecond' | 'count';
};
