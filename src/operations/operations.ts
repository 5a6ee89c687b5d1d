// A process that changes companies: reads what the journal knows, and carries out one change after the other of each
// company, under the same limits as a rollout. The entry points beside this file say what can be asked.

import type { Tokens } from '../providers/call.ts';
import { createClients, type VerbsOf } from '../providers/clients.ts';
import { Admission, type LimitCount, type Rates } from '../provisioning/admission.ts';
import type { Company, Platform } from '../provisioning/company.ts';
import { planOf, type Step } from '../provisioning/plan.ts';
import { type CompanyProgress, progressOf } from '../provisioning/progress.ts';
import { RetryBudget } from '../provisioning/retry.ts';
import type { RolloutPorts } from '../provisioning/rollout.ts';
import { type CarryOutPorts, type ChangeEnded, carryOut } from './carryOut.ts';
import { type Change, changeOf, nameOf } from './change.ts';
import { type History, historiesOf, newHistory } from './history.ts';

export type OperationsOptions = {
  /** As they were provisioned, in the order of the queue. */
  readonly companies: readonly Company[];
  readonly platform: Platform;
  readonly tokens: Tokens;
  readonly rates: Rates;
  readonly admissionBacklogMs: number;
  readonly databaseOperationsPerCompany: number;
};

/** Rejects only on a broken journal. A change that an earlier process left unfinished waits for `takeUp`. */
export async function openOperations(ports: RolloutPorts, options: OperationsOptions): Promise<Operations> {
  const entries = await ports.journal.read();
  const { companies, generations } = progressOf(entries);
  const histories = historiesOf(entries);
  await ports.journal.append([{ company: -1, step: '', event: 'opened', atMs: ports.clock.nowMs() }]);
  return new Operations(ports, options, companies, histories, generations);
}

export class Operations {
  readonly ports: RolloutPorts;
  readonly options: OperationsOptions;
  readonly verbsOf: VerbsOf;
  readonly generation: number;
  private readonly carryOutPorts: CarryOutPorts;
  private readonly admission: Admission;
  private readonly byId: ReadonlyMap<string, Company>;
  private readonly progress: ReadonlyMap<number, CompanyProgress>;
  private readonly histories: Map<number, History>;
  private readonly busy = new Set<number>();
  /** Admission is one company's after the other: each must see what was promised to those before it. */
  private admitted: Promise<void> = Promise.resolve();

  constructor(
    ports: RolloutPorts,
    options: OperationsOptions,
    progress: ReadonlyMap<number, CompanyProgress>,
    histories: Map<number, History>,
    generation: number,
  ) {
    const { clock, chance, journal, log } = ports;
    this.ports = ports;
    this.options = options;
    this.generation = generation;
    this.progress = progress;
    this.histories = histories;
    this.byId = new Map(options.companies.map(company => [company.id, company]));
    this.admission = new Admission(clock, options.rates, options.admissionBacklogMs, generation > 0);
    this.verbsOf = createClients(ports, options.platform, options.tokens);
    this.carryOutPorts = {
      ...{ clock, chance, log, generation },
      admission: this.admission,
      budget: new RetryBudget(),
      append: entries => journal.append(entries),
      verbsOf: this.verbsOf,
    };
  }

  /** Carries out one change, after the one that an earlier process left unfinished. Rejects only on a broken journal. */
  async change(id: string, change: Change): Promise<ChangeEnded> {
    const company = this.byId.get(id);
    const progress = company && this.progress.get(company.index);
    if (company === undefined || progress?.state !== 'ready') return this.refuse(`${id} is not ready`);
    if (this.busy.has(company.index)) return this.refuse(`another change of ${id} is under way`);
    this.busy.add(company.index);
    try {
      const history = this.historyOf(company);
      const left = history.change && changeOf(history.change.name);
      if (left !== undefined) {
        const ended = await this.begin(company, left, progress, history);
        if (nameOf(left) === nameOf(change) || ended.state === 'failed') return ended;
      }
      const refusal = refusalOf(change, history) ?? this.unknownLevel(change);
      if (refusal !== undefined) return this.refuse(`${id} ${refusal}`);
      if (isSo(change, history, company)) return this.ended('done', '');
      return await this.begin(company, change, progress, history);
    } finally {
      this.busy.delete(company.index);
    }
  }

  /** Ends every change that an earlier process left unfinished. */
  async takeUp(): Promise<ChangeEnded[]> {
    const left = this.options.companies.flatMap(({ id, index }) => {
      const name = this.histories.get(index)?.change?.name;
      return name === undefined ? [] : [this.change(id, changeOf(name))];
    });
    return Promise.all(left);
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

  planOf(company: Company): Step[] {
    const { databaseOperationsPerCompany, platform } = this.options;
    return planOf(company, databaseOperationsPerCompany, platform.templates[company.industry].secrets);
  }

  counts(): LimitCount[] {
    return this.admission.counts();
  }

  private async begin(
    company: Company,
    change: Change,
    progress: CompanyProgress,
    history: History,
  ): Promise<ChangeEnded> {
    this.admitted = this.admitted.then(() => this.admission.wait());
    await this.admitted;
    const wanted = asNow(company, history);
    const target = change.kind === 'level' ? { ...wanted, level: change.level } : wanted;
    return carryOut(this.carryOutPorts, target, change, this.planOf(company), { progress, history });
  }

  private unknownLevel(change: Change): string | undefined {
    const levels = this.options.platform.security?.levels;
    if (change.kind !== 'level' || levels === undefined || Object.hasOwn(levels, change.level))
      return undefined;
    return `cannot have the level ${change.level}, which there is not`;
  }

  private historyOf({ index }: Company): History {
    let history = this.histories.get(index);
    if (history === undefined) this.histories.set(index, (history = newHistory()));
    return history;
  }

  private refuse(reason: string): ChangeEnded {
    return this.ended('refused', reason);
  }

  private ended(state: ChangeEnded['state'], reason: string): ChangeEnded {
    return { state, reason, finishedAtMs: this.ports.clock.nowMs() };
  }
}

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
