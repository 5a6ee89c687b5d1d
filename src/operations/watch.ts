// The monitor: checks every company that is to be served when it is due, and has those healed that have failed a few
// times in a row. What it could not check in time is counted, never silently left out. Checks that call a vendor come as
// often as its rate lets them; what other processes did to companies is learnt once a lap.

import { CHECK_FAILURES_MAX, CHECKS_UNDER_WAY_MAX } from '../limits.ts';
import type { Company } from '../provisioning/company.ts';
import { type CheckRecord, check } from './check.ts';
import { type HealRecord, heal } from './heal.ts';
import { intervalsOf, stretchesOf } from './intervals.ts';
import type { Operations } from './operations.ts';
import { type CheckKind, checksDue, dueAfterMs, type Slot, type Stretches, slotOf } from './schedule.ts';

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
  /** By the schedule, of companies that were to be served then. */
  readonly due: Record<CheckKind, number>;
  /** Due while as many as may be were under way. */
  dropped: number;
  /** Due while its vendor's limits were taken. */
  heldBack: number;
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
  private readonly stretches: Stretches;
  private readonly counts: WatchCounts = {
    due: { service: 0, database: 0, certificate: 0 },
    ...{ checks: 0, failed: 0, unknown: 0, dropped: 0, heldBack: 0, healings: 0, alerts: 0 },
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
    const { companies, platform, vendorRates } = operations.options;
    this.operations = operations;
    this.options = options;
    this.stretches = stretchesOf(intervalsOf(companies, platform, vendorRates));
  }

  async run(): Promise<WatchCounts> {
    const { clock } = this.operations.ports;
    const { companies } = this.operations.options;
    const startedAtMs = clock.nowMs();
    let i = 0;
    for (; this.broken === undefined; i++) {
      const waitMs = startedAtMs + dueAfterMs(i, companies.length) - clock.nowMs();
      if (waitMs > 0) await clock.sleep(waitMs);
      if (this.options.isOver()) break;
      if (i % companies.length === 0) this.start(this.operations.catchUp());
      this.visit(slotOf(i, companies.length));
    }
    // A watch that is late when it ends has missed these. The one at which it was over is none of its own.
    for (i++; startedAtMs + dueAfterMs(i, companies.length) < clock.nowMs(); i++)
      this.dueIn(slotOf(i, companies.length));
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    if (this.broken !== undefined) throw this.broken.cause;
    return this.counts;
  }

  private visit(slot: Slot): void {
    const { company, kinds } = this.dueIn(slot);
    for (const kind of kinds) {
      if (this.underWay.size >= CHECKS_UNDER_WAY_MAX) this.counts.dropped++;
      else this.start(this.checkOnce(company!, kind, slot.lap));
    }
  }

  /** The checks of a slot, counted. */
  private dueIn(slot: Slot): { readonly company?: Company; readonly kinds: readonly CheckKind[] } {
    const { companies, platform } = this.operations.options;
    const company = this.operations.serving(companies[slot.company].id);
    if (company === undefined) return { kinds: [] };
    const kinds = checksDue(slot, company.level, this.stretches).filter(
      // Under a wildcard there is one certificate for all of them, which the vendor sees to.
      kind => kind !== 'certificate' || platform.dns === 'record',
    );
    for (const kind of kinds) this.counts.due[kind]++;
    return { company, kinds };
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
    if (record.state === 'heldBack') {
      this.counts.heldBack++;
      return;
    }
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
