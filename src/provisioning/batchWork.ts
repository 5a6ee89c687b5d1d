// One provisioner's work on one batch, under its lease. Companies start one by one, as they are admitted; one that a hard
// quota has no room for is turned away, without a call. The lease ends with the last of them.

import { type Company, placeOf } from './company.ts';
import { type Held, Superseded } from './lease.ts';
import type { CompanyProgress, RolloutProgress } from './progress.ts';
import { provision, stepsOf } from './provision.ts';
import type { Rollout } from './rollout.ts';
import { entryOf, type Full, fullText, wantsOf } from './room.ts';
import type { Batch } from './waves.ts';

/** What stands in the journal of the batch; `mayBeginAgain`: those too for which there was no room before. */
export type Before = {
  readonly companies: RolloutProgress['companies'];
  readonly mayBeginAgain: boolean;
};

type TurnedAway = { readonly company: Company; readonly full: Full; readonly atMs: number };

export class BatchWork {
  private readonly rollout: Rollout;
  private readonly batch: Batch;
  private readonly held: Held;
  private readonly onLost: () => void;
  private open = 1;
  private isLost = false;

  /** `onLost`: called once, when another provisioner has taken the batch over. */
  constructor(rollout: Rollout, batch: Batch, held: Held, onLost: () => void) {
    this.rollout = rollout;
    this.batch = batch;
    this.held = held;
    this.onLost = onLost;
  }

  /** Resolves when all have started that may; those that had been admitted before go first. */
  async start(before: Before | undefined): Promise<void> {
    const fresh = this.takeUp(before);
    const turnedAway: TurnedAway[] = [];
    for (const company of fresh) {
      if (this.isLost) break;
      const answer = await this.admit(company);
      if (answer === 'begin') this.add(company, undefined);
      else if (answer !== 'later') turnedAway.push(this.away(company, answer));
    }
    if (!this.isLost) await this.turnAway(turnedAway).catch(error => this.lost(error));
    await this.close();
  }

  /** Says which companies are still to begin. */
  private takeUp(before: Before | undefined): Company[] {
    const { state } = this.rollout;
    const fresh: Company[] = [];
    for (const company of this.batch.companies) {
      const progress = before?.companies.get(company.index);
      if (progress === undefined) fresh.push(company);
      else if (progress.finishedAtMs < 0) this.add(company, progress);
      else {
        state.companies.set(company.index, progress);
        if (before?.mayBeginAgain && this.rollout.lacksRoom(company)) fresh.push(company);
      }
    }
    return fresh;
  }

  /** Waits until the company may start; or says what it has no room for, or that this will show later. */
  private async admit(company: Company): Promise<'begin' | 'later' | Full> {
    const { admission, underWay, ports, options, room } = this.rollout;
    const placed = { company, place: placeOf(company, options.platform) };
    const steps = stepsOf(options, company);
    const wants = wantsOf(steps, placed);
    const before = room.ask(wants);
    if (before !== 'begin') return before;
    const isFull = underWay.isFull();
    const askedAtMs = ports.clock.nowMs();
    await underWay.room();
    // Real clocks move between two lines.
    if (isFull) admission.crowded(ports.clock.nowMs() - askedAtMs);
    await admission.wait(steps, placed);
    // One that was under way may have been refused meanwhile.
    const now = room.ask(wants);
    if (now === 'begin') room.begin(company.index, wants);
    return now;
  }

  private add(company: Company, progress: CompanyProgress | undefined): void {
    this.open++;
    const work = this.work(company, progress).catch(error => this.lost(error));
    this.rollout.underWay.add(work.then(() => this.close()));
  }

  private async work(company: Company, progress: CompanyProgress | undefined): Promise<void> {
    const { rollout, held } = this;
    const { state, ports, room, begun } = rollout;
    const live = {
      state: 'admitted' as CompanyProgress['state'],
      admittedAtMs: progress?.admittedAtMs ?? ports.clock.nowMs(),
      finishedAtMs: -1,
      reason: '',
      full: progress?.full,
    };
    begun.add(company.index);
    state.companies.set(company.index, live);
    try {
      Object.assign(live, await provision(rollout.portsUnder(held), company, progress));
    } finally {
      room.ended(company.index);
    }
  }

  private away(company: Company, full: Full): TurnedAway {
    return { company, full, atMs: this.rollout.ports.clock.nowMs() };
  }

  /** One write for the whole batch. Who was turned away before, or undone for it, stays as it is. */
  private async turnAway(turnedAway: readonly TurnedAway[]): Promise<void> {
    const { state, ports } = this.rollout;
    const fresh = turnedAway.filter(({ company }) => !state.companies.has(company.index));
    if (fresh.length === 0) return;
    await this.held.append(
      fresh.map(({ company, full, atMs }) => entryOf('noRoom', company.index, full, atMs)),
    );
    for (const { company, full, atMs } of fresh) {
      const reason = fullText(full);
      state.companies.set(company.index, {
        state: 'noRoom',
        admittedAtMs: -1,
        finishedAtMs: atMs,
        reason,
        full,
      });
      ports.log({ event: 'company noRoom', company: company.id, reason });
    }
  }

  private lost(error: unknown): void {
    if (!(error instanceof Superseded)) throw error;
    if (this.isLost) return;
    this.isLost = true;
    this.rollout.ports.log({ event: 'batch lost', batch: this.batch.name, reason: error.message });
    this.onLost();
  }

  private async close(): Promise<void> {
    if (--this.open > 0 || this.isLost) return;
    await this.held.end();
  }
}
