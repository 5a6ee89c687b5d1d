// A process that changes companies: reads what the journal knows, and carries out one change after the other of each
// company, under the same limits as a rollout. The entry points beside this file say what can be asked.

import { CHANGES_UNDER_WAY_MAX, LOOK_AT_OTHERS_MS } from '../limits.ts';
import type { JournalEntry, LimitCount } from '../ports.ts';
import { createClients, type VerbsOf } from '../providers/clients.ts';
import type { Tokens } from '../providers/credentials.ts';
import { Admission, type Placed, type Rates } from '../provisioning/admission.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import { Held, Superseded } from '../provisioning/lease.ts';
import { type CompanyProgress, progressOf } from '../provisioning/progress.ts';
import { stepsOf } from '../provisioning/provision.ts';
import { RetryBudget } from '../provisioning/retry.ts';
import type { RolloutPorts } from '../provisioning/rollout.ts';
import type { VendorRates } from '../provisioning/vendorLimits.ts';
import { type CarryOutPorts, type ChangeEnded, carryOut, verbOf } from './carryOut.ts';
import { type Change, changeOf } from './change.ts';
import { changePlanOf } from './changePlan.ts';
import { type History, historiesOf, newHistory } from './history.ts';

export type OperationsOptions = {
  /** As they were provisioned, in the order of the queue. */
  readonly companies: readonly Company[];
  readonly platform: Platform;
  readonly tokens: Tokens;
  /** Names this process among those that share the journal. */
  readonly holder: string;
  readonly rates: Rates;
  readonly vendorRates: VendorRates;
  readonly admissionBacklogMs: number;
  readonly databaseOperationsPerCompany: number;
};

/** Rejects only on a broken journal. A change that an earlier process left unfinished waits for `takeUp`. */
export async function openOperations(ports: RolloutPorts, options: OperationsOptions): Promise<Operations> {
  const { journal, clock } = ports;
  const event = 'opened';
  await journal.append([{ company: -1, step: '', event, atMs: clock.nowMs(), id: options.holder }]);
  // Taken first: what is written between the two is then read twice, and not never.
  const { mark } = await journal.changedSince();
  return new Operations(ports, options, await journal.read(), mark);
}

export class Operations {
  readonly ports: RolloutPorts;
  readonly options: OperationsOptions;
  readonly verbsOf: VerbsOf;
  readonly generation: number;
  readonly admission: Admission;
  private readonly carryOutPorts: Omit<CarryOutPorts, 'append' | 'hold'>;
  private readonly byId: ReadonlyMap<string, Company>;
  /** Of the journal: everything before it is known. */
  private mark: number;
  /** As the journal had it last; read anew before each change. */
  private readonly progress: Map<number, CompanyProgress>;
  private readonly histories: Map<number, History>;
  private readonly busy = new Set<number>();
  private turnsLeft = CHANGES_UNDER_WAY_MAX;
  private readonly waiting: (() => void)[] = [];
  /** Admission is one company's after the other: each must see what was promised to those before it. */
  private admitted: Promise<void> = Promise.resolve();

  /** `mark`: of the journal, not later than the entries were read. */
  constructor(
    ports: RolloutPorts,
    options: OperationsOptions,
    entries: readonly JournalEntry[],
    mark: number,
  ) {
    const { clock, chance, log, slots } = ports;
    const { platform, rates, vendorRates, holder } = options;
    const { companies, openedBy } = progressOf(entries);
    this.ports = ports;
    this.options = options;
    this.generation = openedBy.lastIndexOf(holder);
    this.mark = mark;
    this.progress = companies;
    this.histories = historiesOf(entries);
    this.byId = new Map(options.companies.map(company => [company.id, company]));
    this.admission = new Admission(clock, slots, rates, vendorRates, options.admissionBacklogMs);
    this.verbsOf = createClients(ports, platform, options.tokens, this.generation);
    this.carryOutPorts = {
      ...{ clock, chance, log, platform, generation: this.generation },
      admission: this.admission,
      budget: new RetryBudget(),
      verbsOf: this.verbsOf,
    };
  }

  /** Learns what other processes have done to companies since it last did. Rejects only on a broken journal. */
  async catchUp(): Promise<void> {
    const { companies, mark } = await this.ports.journal.changedSince(this.mark);
    this.mark = mark;
    for (const index of companies) {
      // What is known of a company that is being changed here is kept up to date by the change.
      if (this.busy.has(index)) continue;
      const entries = await this.read(index);
      if (!this.busy.has(index)) this.know(index, entries);
    }
  }

  /** Carries out one change, after the one that an earlier process left unfinished. Rejects only on a broken journal. */
  async change(id: string, change: Change): Promise<ChangeEnded> {
    const company = this.byId.get(id);
    if (company === undefined) return this.refuse(`${id} is not ready`);
    if (this.busy.has(company.index)) return this.refuse(`another change of ${id} is under way`);
    return this.alone(company, async () => {
      const held = await Held.take(this.ports, leaseOf(company), this.options.holder);
      if (held === undefined) return this.refuse(`another process is changing ${id}`);
      return this.under(held, () => this.changeHeld(company, change, held));
    });
  }

  /** Ends every change that an earlier process left unfinished, once its lease is over. */
  async takeUp(): Promise<ChangeEnded[]> {
    const left = this.options.companies.filter(({ index }) => this.histories.get(index)?.change);
    const ended = await Promise.all(left.map(company => this.takeUpOne(company)));
    return ended.flatMap(one => one ?? []);
  }

  /** The company as it is now; undefined when it is not there, or is not to be served. */
  serving(id: string): Company | undefined {
    const company = this.byId.get(id);
    if (company === undefined || this.progress.get(company.index)?.state !== 'ready') return undefined;
    const history = this.histories.get(company.index);
    return history === undefined || history.life === 'active' ? asNow(company, history) : undefined;
  }

  isBusy(id: string): boolean {
    const company = this.byId.get(id);
    return company !== undefined && this.busy.has(company.index);
  }

  /** What a step of the company gave, the latest. */
  idOf(id: string, stepId: string): string {
    return this.progress.get(this.byId.get(id)!.index)?.steps.get(stepId)?.id ?? '';
  }

  /** Healings of the company that began after `sinceMs`, by this process or an earlier one. */
  healingsSince(id: string, sinceMs: number): number {
    const healedAtMs = this.histories.get(this.byId.get(id)!.index)?.healedAtMs ?? [];
    return healedAtMs.filter(atMs => atMs > sinceMs).length;
  }

  placed(company: Company): Placed {
    return { company, place: placeOf(company, this.options.platform) };
  }

  counts(): LimitCount[] {
    return this.admission.counts();
  }

  /** Undefined when whoever held it has ended its change meanwhile. */
  private async takeUpOne(company: Company): Promise<ChangeEnded | undefined> {
    const { ports, options, busy } = this;
    if (busy.has(company.index)) return undefined;
    return this.alone(company, async () => {
      for (;;) {
        const held = await Held.take(ports, leaseOf(company), options.holder);
        if (held !== undefined) return this.under(held, () => this.endLeft(company, held));
        await ports.clock.sleep(LOOK_AT_OTHERS_MS);
      }
    });
  }

  /** The only work on the company in this process, and one of so many on all. */
  private async alone<T>({ index }: Company, work: () => Promise<T>): Promise<T> {
    this.busy.add(index);
    if (this.turnsLeft > 0) this.turnsLeft--;
    else await new Promise<void>(resolve => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      this.busy.delete(index);
      const next = this.waiting.shift();
      if (next === undefined) this.turnsLeft++;
      else next();
    }
  }

  /** Whoever takes the lease over goes on with what is unfinished here. */
  private async under<T>(held: Held, work: () => Promise<T>): Promise<T | ChangeEnded> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      return this.refuse('another process has taken it over');
    } finally {
      await held.end();
    }
  }

  private async changeHeld(company: Company, change: Change, held: Held): Promise<ChangeEnded> {
    const { id } = company;
    const left = await this.endLeft(company, held);
    const progress = this.progress.get(company.index);
    if (progress?.state !== 'ready') return this.refuse(`${id} is not ready`);
    const history = this.historyOf(company);
    if (left?.state === 'failed' || (left !== undefined && isSo(change, history, company))) return left;
    const refusal = refusalOf(change, history) ?? this.unknownLevel(change);
    if (refusal !== undefined) return this.refuse(`${id} ${refusal}`);
    if (isSo(change, history, company)) return this.ended('done', '');
    return this.begin(company, change, progress, history, held);
  }

  /** Ends the change that the journal says is unfinished; undefined when there is none. */
  private async endLeft(company: Company, held: Held): Promise<ChangeEnded | undefined> {
    const { index } = company;
    this.know(index, await this.read(index));
    const progress = this.progress.get(index);
    if (progress === undefined) return undefined;
    const history = this.historyOf(company);
    const name = history.change?.name;
    return name === undefined ? undefined : this.begin(company, changeOf(name), progress, history, held);
  }

  private async begin(
    company: Company,
    change: Change,
    progress: CompanyProgress,
    history: History,
    held: Held,
  ): Promise<ChangeEnded> {
    const { admission, options } = this;
    const now = asNow(company, history);
    const target = change.kind === 'level' ? { ...now, level: change.level } : now;
    const whole = stepsOf(options, company);
    const placed = this.placed(company);
    const steps = changePlanOf(change, whole).map(({ step }) => step);
    this.admitted = this.admitted.then(() => admission.wait(steps, placed, verbOf(change)));
    await this.admitted;
    const ports = { ...this.carryOutPorts, append: held.append, hold: held.check };
    return carryOut(ports, target, change, whole, { progress, history });
  }

  private read(index: number): Promise<readonly JournalEntry[]> {
    return this.ports.journal.read({ from: index, to: index + 1 });
  }

  /** `entries`: all of the company's. */
  private know(index: number, entries: readonly JournalEntry[]): void {
    const progress = progressOf(entries).companies.get(index);
    if (progress === undefined) return;
    this.progress.set(index, progress);
    this.histories.set(index, historiesOf(entries).get(index) ?? newHistory());
  }

  private historyOf({ index }: Company): History {
    return this.histories.get(index) ?? newHistory();
  }

  private unknownLevel(change: Change): string | undefined {
    const levels = this.options.platform.security?.levels;
    if (change.kind !== 'level' || levels === undefined || Object.hasOwn(levels, change.level))
      return undefined;
    return `cannot have the level ${change.level}, which there is not`;
  }

  private refuse(reason: string): ChangeEnded {
    return this.ended('refused', reason);
  }

  private ended(state: ChangeEnded['state'], reason: string): ChangeEnded {
    return { state, reason, finishedAtMs: this.ports.clock.nowMs() };
  }
}

const leaseOf = ({ id }: Company): string => `company ${id}`;

const asNow = (company: Company, history: History | undefined): Company =>
  history?.level === undefined ? company : { ...company, level: history.level };

/** Why a company in this state cannot be changed so; undefined when it can. */
function refusalOf({ kind }: Change, { life }: History): string | undefined {
  if (kind === 'decommissioning') return undefined;
  if (life === 'gone') return 'has been decommissioned';
  if (life === 'leaving') return 'is being decommissioned';
  const mayBeSuspended = kind === 'suspension' || kind === 'resumption';
  return life === 'suspended' && !mayBeSuspended ? 'is suspended: resume it first' : undefined;
}

/** It is as asked already, and nothing needs to be done. */
function isSo(change: Change, { life, level, isWhole }: History, company: Company): boolean {
  if (!isWhole) return false;
  switch (change.kind) {
    case 'level':
      return (level ?? company.level) === change.level;
    case 'suspension':
      return life === 'suspended';
    case 'resumption':
      return life === 'active';
    case 'decommissioning':
      return life === 'gone';
    case 'retargeting':
    case 'healing':
      return false;
  }
}
