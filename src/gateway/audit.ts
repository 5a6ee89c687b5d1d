// The audit trail's way out: records are gathered and appended many at once, in order, one append under way at a time.
// A failed append is told and tried again; records wait for that up to a limit, and what is beyond it is counted as lost.

import type { AuditRecord, AuditTrail, Clock, Log } from '../ports.ts';

export type AuditCounts = {
  /** Records handed in. */
  readonly taken: number;
  /** Of these: not durable yet. */
  readonly pending: number;
  /** Of these: dropped, since too many were pending. */
  readonly lost: number;
  readonly failedAppends: number;
};

/** An append starts when so many wait, or this long after the first of them. */
const BATCH_RECORDS = 100;
const BATCH_AGE_MS_MAX = 1000;
/** What gathers during a slow append goes in one, up to this: 200 kB. */
const APPEND_RECORDS_MAX = 1000;
/** About 2 MB: ten seconds of an instance at its full rate of 1,000 requests a second. */
const PENDING_RECORDS_MAX = 10_000;

export class AuditBuffer {
  private readonly clock: Clock;
  private readonly trail: AuditTrail;
  private readonly log: Log;
  /** Oldest first; an append that is under way has its records still in front. */
  private readonly pending: AuditRecord[] = [];
  private taken = 0;
  private lost = 0;
  private failedAppends = 0;
  private appending: Promise<boolean> | undefined;
  private cancelTimer: (() => void) | undefined;
  /** Set after a failed append: then only the timer tries again, not every new record. */
  private isFailing = false;

  constructor(clock: Clock, trail: AuditTrail, log: Log) {
    this.clock = clock;
    this.trail = trail;
    this.log = log;
  }

  add(record: AuditRecord): void {
    this.taken++;
    if (this.pending.length >= PENDING_RECORDS_MAX) {
      this.lost++;
      return;
    }
    this.pending.push(record);
    this.next();
  }

  /** For a shutdown: tries to append all there is. What could not be appended stays pending. */
  async flush(): Promise<void> {
    await this.appending;
    while (this.pending.length > 0) if (!(await (this.appending ?? this.start()))) return;
  }

  counts(): AuditCounts {
    const { taken, lost, failedAppends } = this;
    return { taken, pending: this.pending.length, lost, failedAppends };
  }

  /** Starts an append if it is due, else sees to it that one will be. */
  private next(): void {
    if (this.appending !== undefined || this.pending.length === 0) return;
    if (this.pending.length >= BATCH_RECORDS && !this.isFailing) void this.start();
    else this.cancelTimer ??= this.clock.after(BATCH_AGE_MS_MAX, this.onTimer);
  }

  private readonly onTimer = (): void => {
    this.cancelTimer = undefined;
    if (this.appending === undefined) void this.start();
  };

  /** Resolves to whether the records in front are durable now. */
  private start(): Promise<boolean> {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.appending = this.append(this.pending.slice(0, APPEND_RECORDS_MAX)).then(() => {
      this.appending = undefined;
      this.next();
      return !this.isFailing;
    });
    return this.appending;
  }

  /** Never rejects. */
  private async append(records: readonly AuditRecord[]): Promise<void> {
    try {
      await this.trail.append(records);
      this.pending.splice(0, records.length);
      this.isFailing = false;
    } catch {
      this.failedAppends++;
      this.isFailing = true;
      this.log({ event: 'audit append failed', records: this.pending.length, lost: this.lost });
    }
  }
}
