// The only ways in which the platform's code reaches the world. Two runtimes bind them: `simulator/` in virtual
// time and `src/runtime/` in real time. Every call that has an effect is async; time is milliseconds since the epoch.

/** Names one call: integers such as [company, step, verb, attempt]. The same call has the same key in every run. */
export type CallKey = readonly number[];

export type Clock = {
  nowMs(): number;
  /** Resolves `ms` milliseconds later; never early, never rejects. */
  sleep(ms: number): Promise<void>;
  /** Calls `run` once, `ms` milliseconds later, unless the function that it returns was called before. */
  after(ms: number, run: () => void): () => void;
};

/** The only source of chance. Keyed, so that one call more or less shifts no other draw. */
export type Chance = {
  /** Uniform in [0, 1). */
  uniform(key: CallKey): number;
  /** A fresh random secret: 43 characters, base64url of 32 bytes. */
  secret(key: CallKey): string;
};

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, with the vendor's own host. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** After this moment the caller no longer waits and the outcome is `unknown`. */
  readonly deadlineAtMs: number;
  readonly key: CallKey;
};

export type Answer = {
  readonly kind: 'answered';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** `refused`: certainly without effect (connection refused). `unknown`: it may have had its effect, or may yet. */
export type Outcome =
  | Answer
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

export type Transport = { send(call: Call): Promise<Outcome> };

/** Vendors whose calls need a credential. */
export type Vendor = 'google' | 'cloudflare' | 'atlas' | 'pinecone';

export type Credentials = {
  get(vendor: Vendor): Promise<string>;
  /** Another one in place of the refused one, or the same when there is none. Who asks meanwhile gets the same answer. */
  renew(vendor: Vendor, refused: string): Promise<string>;
};

/** What a step waited for, in milliseconds; lost: with a process that ended in the middle of it. */
export type Wait = 'limiter' | 'quota' | 'retry' | 'poll' | 'lost';

/** What the time of a step went to, until the moment of its entry. */
export type StepTime = { readonly beganAtMs: number; readonly waitMs: Readonly<Record<Wait, number>> };

/** What one process has seen of a limit: a limiter of our own, or a quota that a cloud refused us by. */
export type LimitCount = {
  readonly name: string;
  readonly kind: 'limiter' | 'quota';
  readonly calls: number;
  readonly waitMs: number;
  readonly refusals: number;
  readonly admissionBlockedMs: number;
};

export type ProcessCounts = {
  /** The process's number among those that opened the rollout. */
  readonly process: number;
  readonly limits: readonly LimitCount[];
};

/**
 * One line of a rollout's history. `intent` (or `remaking`) stands before an effect and carries the moment after which
 * the call can no longer land; `done` after it, with what the cloud answered (a resource's id, never a secret).
 */
export type JournalEntry = {
  /** Index of the company; -1 for the rollout's own events. */
  readonly company: number;
  /** The step's id in the company's plan; empty for the company's own events. */
  readonly step: string;
  readonly event:
    | 'opened' // a process took up the rollout; the first one queued every company
    | 'admitted'
    | 'intent'
    | 'remaking' // what a step made is being taken away, to be made again
    | 'done'
    | 'undoing' // `step`: the one that failed, if one did
    | 'removed'
    | 'ready'
    | 'undone'
    | 'blocked' // `step`: the one that could not be removed
    | 'blocked'
    | 'noRoom' // a company was not begun; `step`, `id`, `reason` as of `full`
    | 'full' // no room for what `step` makes: `id` says where, `reason` the quota; of the company refused, and of all
    | 'roomAgain' // one was made there since
    | 'passed' // the gate after a wave
    | 'paused'
    | 'resumed'
    | 'rolledBack'
    | 'changing' // a change of a company that was ready has begun; `id` names it
    | 'changed'
    | 'failed' // the change has ended before its end; what it has done so far stands
    | 'decommissioned';
  readonly atMs: number;
  readonly deadlineAtMs?: number;
  readonly id?: string;
  readonly reason?: string;
  /** Of a step that ended: made, failed, removed or left. */
  readonly time?: StepTime;
  /** Now and then: what the process that wrote it had counted by then. */
  readonly counts?: ProcessCounts;
};

/** A part of a rollout that one provisioner works on at a time. `epoch` grows each time that it is taken. */
export type Lease = {
  readonly name: string;
  readonly holder: string;
  readonly epoch: number;
  readonly untilMs: number;
};

export type Leases = {
  /** Undefined while another holds it beyond `nowMs`. A holder that takes its own again gets the next epoch. */
  take(name: string, holder: string, nowMs: number, untilMs: number): Promise<Lease | undefined>;
  /** Moves its end; undefined when it has been taken by another since. */
  extend(lease: Lease, untilMs: number): Promise<Lease | undefined>;
  /** Ends it now for whoever comes next; without effect when it was lost. */
  end(lease: Lease): Promise<void>;
};

/** Append-only. Entries are durable, all or none and in order, once `append` resolves. */
export type Journal = {
  /** False: `lease` has been taken by another since, and nothing was written. */
  append(entries: readonly JournalEntry[], lease?: Lease): Promise<boolean>;
  /** Of the companies `from` ≤ index < `to`, where -1 is the rollout itself; of all when absent. */
  read(range?: { readonly from: number; readonly to: number }): Promise<readonly JournalEntry[]>;
  /**
   * The companies of which something was written since an earlier answer's `mark`, and the next one. None is left out; one
   * may be named again. Without a mark: none, and the mark to begin with.
   */
  changedSince(mark?: number): Promise<{ readonly companies: readonly number[]; readonly mark: number }>;
};

/** Slots of a rate that several provisioners share. */
export type Slots = {
  /** The next slot of `limit`: not before `nowMs`, nor before `intervalMs` after the slot before. */
  take(limit: string, nowMs: number, intervalMs: number): Promise<number>;
  /** No slot before `atMs` from now on: a vendor has said when to come back. */
  hold(limit: string, atMs: number): Promise<void>;
};

/** The platform's own list of companies. */
export type CompanyRecord = {
  readonly id: string;
  readonly region: string;
  readonly level: string;
  readonly industry: string;
  readonly hostname: string;
  readonly serviceUri: string;
  readonly registeredAtMs: number;
  /** Its users are turned away until it is resumed. */
  readonly isSuspended?: true;
};

/** What provisioners that share a rollout share. */
export type ProvisioningStores = {
  readonly journal: Journal;
  readonly leases: Leases;
  readonly slots: Slots;
  readonly registry: Registry;
};

export type Registry = {
  /** Writes or replaces the record of that id. */
  put(record: CompanyRecord): Promise<void>;
  get(id: string): Promise<CompanyRecord | undefined>;
  delete(id: string): Promise<void>;
  list(): Promise<readonly CompanyRecord[]>;
};

/** What the gateway needs to know of a company: from the record, and kept in the cache. */
export type CompanyConfig = {
  readonly id: string;
  readonly level: string;
  /** Origin of the company's own service, such as `https://c00042-….a.run.app`. */
  readonly serviceUri: string;
  /** As in its record. */
  readonly isSuspended?: true;
};

/** The gateways' view of the companies' records: MongoDB, sharded by company. */
export type CompanyRecords = {
  find(company: string, key: CallKey): Promise<CompanyConfig | undefined>;
};

export type AdmitRequest = {
  readonly company: string;
  readonly requestsPerMinute: number;
  /** Of the MCP session, when the request names one. */
  readonly session: string | undefined;
  readonly key: CallKey;
};

export type Admission = {
  /** Undefined: within the quota. */
  readonly retryAfterMs: number | undefined;
  /** The company that the session belongs to; undefined when it is not known here. */
  readonly sessionCompany: string | undefined;
  readonly config: CompanyConfig | undefined;
};

/** A region's cache: Redis. `admit` is one pipelined trip. The quota counts by the clock's whole minute. */
export type GatewayCache = {
  admit(request: AdmitRequest): Promise<Admission>;
  putConfig(config: CompanyConfig, ttlMs: number, key: CallKey): Promise<void>;
  putSession(session: string, company: string, ttlMs: number, key: CallKey): Promise<void>;
};

/** Checks signatures, and nothing else: claims are the core's. */
export type Verifier = { isSigned(token: string, keyId: string, key: CallKey): Promise<boolean> };

/** One line of a company's audit trail. */
export type AuditRecord = {
  readonly atMs: number;
  readonly company: string;
  readonly requestId: string;
  readonly kind: string;
  readonly status: number;
  readonly durationMs: number;
};

/** Durable once it resolves; all or none. */
export type AuditTrail = { append(records: readonly AuditRecord[]): Promise<void> };

export type LogLine = {
  readonly event: string;
  readonly company?: string;
  readonly [field: string]: unknown;
};
export type Log = (line: LogLine) => void;
