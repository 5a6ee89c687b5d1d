// The monitor: checks every company that is to be served when it is due, and has those healed that have failed a few
// times in a row. What it could not check in time is counted, never silently left out.

import { CHECK_FAILURES_MAX, CHECKS_UNDER_WAY_MAX } from '../limits.ts';
import type { Company } from '../provisioning/company.ts';
import { type CheckRecord, check } from './check.ts';
import { type HealRecord, heal } from './heal.ts';
import type { Operations } from './operations.ts';
import { type CheckKind, checksDue, dueAfterMs, slotOf } from './schedule.ts';

export type WatchOptions = {
  /** Asked at each slot; true ends the watch once what is under way has ended. */
  readonly isOver: () => boolean;
  /** Hears every check and every healing. */
  readonly record: (record: CheckRecord | HealRecord) => void;
  /** Only looks when false. */
  readonly heals: boolean;
};

export type WatchCounts = {
  checks: number;
  failed: number;
  unknown: number;
  /** Due while as many as may be were under way. */
  dropped: number;
  healings: number;
  alerts: number;
};

/** Resolves when it is over. Rejects only on a broken journal. */
export async function watch(operations: Operations, options: WatchOptions): Promise<WatchCounts> {
  return new Watch(operations, options).run();
}

class Watch {
  private readonly operations: Operations;
  private readonly options: WatchOptions;
  private readonly counts: WatchCounts = {
    ...{ checks: 0, failed: 0, unknown: 0, dropped: 0, healings: 0, alerts: 0 },
  };
  /** Failures in a row, by company and check. */
  private readonly failures = new Map<string, number>();
  /** Companies that a person has been told of, until a check of theirs succeeds. */
  private readonly alerted = new Set<string>();
  private readonly healing = new Set<string>();
  private readonly underWay = new Set<Promise<void>>();
  private healTurns = 0;
  private broken: { readonly cause: unknown } | undefined;

  constructor(operations: Operations, options: WatchOptions) {
    this.operations = operations;
    this.options = options;
  }

  async run(): Promise<WatchCounts> {
    const { clock } = this.operations.ports;
    const { companies } = this.operations.options;
    const startedAtMs = clock.nowMs();
    for (let i = 0; this.broken === undefined; i++) {
      const waitMs = startedAtMs + dueAfterMs(i, companies.length) - clock.nowMs();
      if (waitMs > 0) await clock.sleep(waitMs);
      if (this.options.isOver()) break;
      this.visit(i, companies.length);
    }
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    if (this.broken !== undefined) throw this.broken.cause;
    return this.counts;
  }

  private visit(slotNumber: number, companies: number): void {
    const slot = slotOf(slotNumber, companies);
    const company = this.operations.serving(this.operations.options.companies[slot.company].id);
    if (company === undefined) return;
    const { dns } = this.operations.options.platform;
    for (const kind of checksDue(slot, company.level)) {
      // Under a wildcard there is one certificate for all of them, which the vendor sees to.
      if (kind === 'certificate' && dns === 'wildcard') continue;
      if (this.underWay.size >= CHECKS_UNDER_WAY_MAX) this.counts.dropped++;
      else this.start(this.checkOnce(company, kind, slot.lap));
    }
  }

  private start(work: Promise<void>): void {
    const noted: Promise<void> = work
      .catch(cause => {
        this.broken ??= { cause };
      })
      .finally(() => void this.underWay.delete(noted));
    this.underWay.add(noted);
  }

  private async checkOnce(company: Company, kind: CheckKind, turn: number): Promise<void> {
    const record = await check(this.operations, company, kind, turn);
    const { id } = company;
    // What was changed meanwhile was not checked as it is now.
    if (this.operations.serving(id) === undefined || this.operations.isBusy(id)) return;
    this.options.record(record);
    this.counts.checks++;
    const name = `${id} ${kind}`;
    if (record.state === 'unknown') this.counts.unknown++;
    if (record.state === 'healthy') {
      this.failures.delete(name);
      this.alerted.delete(name);
    }
    if (record.state !== 'failed') return;
    this.counts.failed++;
    const failures = (this.failures.get(name) ?? 0) + 1;
    this.failures.set(name, failures);
    if (failures >= CHECK_FAILURES_MAX[kind] && this.options.heals) await this.mend(id, kind);
  }

  /** Its failures count anew from then on: a remedy is given the time to help. */
  private async mend(id: string, kind: CheckKind): Promise<void> {
    if (this.healing.has(id)) return;
    this.healing.add(id);
    try {
      const record = await heal(this.operations, id, kind, this.healTurns++);
      this.note(record, `${id} ${kind}`);
    } finally {
      this.healing.delete(id);
    }
  }

  private note(record: HealRecord, name: string): void {
    const { outcome, remedy, company, cause, symptom } = record;
    if (remedy !== '') {
      this.counts.healings++;
      this.failures.delete(name);
    }
    if (outcome === 'alert') {
      // Said once, not at every check.
      if (this.alerted.has(name)) return;
      this.alerted.add(name);
      this.counts.alerts++;
      this.operations.ports.log({ event: 'alert', company, symptom, cause });
    }
    this.options.record(record);
  }
}
