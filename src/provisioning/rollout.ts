// The rollout: provisioners take its batches in turn, admit their companies as the limits allow, and end when every
// company is ready, undone or blocked, or when a gate between two waves says no. The same code in virtual and in real time.
//
//   wave ─► batches, each under a lease ─► companies ─► dwell ─► gate ─► next wave │ pause │ roll back

import { LOOK_AT_OTHERS_MS } from '../limits.ts';
import type { Chance, Clock, LimitCount, Log, ProvisioningStores, Transport } from '../ports.ts';
import { createClients } from '../providers/clients.ts';
import type { Tokens } from '../providers/credentials.ts';
import { Admission, type Rates } from './admission.ts';
import { type Company, type Platform, placeOf } from './company.ts';
import { CountLog } from './counts.ts';
import { passGate } from './gate.ts';
import { Held, Superseded } from './lease.ts';
import { type CompanyProgress, progressOf, type RolloutProgress } from './progress.ts';
import { type ProvisionPorts, provision, stepsOf } from './provision.ts';
import { RetryBudget } from './retry.ts';
import type { StepRow } from './timeline.ts';
import { UnderWay } from './underWay.ts';
import type { VendorRates } from './vendorLimits.ts';
import { type Batch, batchesOf, type Gate, type Wave, type WaveState } from './waves.ts';

export type RolloutPorts = ProvisioningStores & {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly transport: Transport;
  readonly log: Log;
};

export type RolloutOptions = {
  /** In the order of the queue; a company's index is its place. */
  readonly companies: readonly Company[];
  readonly platform: Platform;
  readonly tokens: Tokens;
  /** Names this provisioner among those that share the rollout. */
  readonly holder: string;
  readonly rates: Rates;
  readonly vendorRates: VendorRates;
  readonly batchSize: number;
  readonly concurrencyMax: number;
  readonly admissionBacklogMs: number;
  readonly databaseOperationsPerCompany: number;
  /** The last one is up to all companies. One wave: no gate. */
  readonly waves: readonly Wave[];
  readonly gate: Gate;
  /** What somebody decided about a rollout that is paused. */
  readonly afterPause: 'resume' | 'rollBack' | undefined;
};

/** What became of the rollout so far: live while it runs, final when `rollOut` resolves. Times are the clock's. */
export type RolloutState = {
  queuedAtMs: number;
  /** By the company's index. */
  readonly companies: Map<
    number,
    Pick<CompanyProgress, 'state' | 'admittedAtMs' | 'finishedAtMs' | 'reason'>
  >;
  /** One for each company that this process has under way: rows of its steps that the journal may not have yet. */
  readonly unwritten: Set<() => StepRow[]>;
  readonly waves: WaveState[];
  /** What this process has counted, by its number among those that took up the rollout. */
  readonly limits: Map<number, () => readonly LimitCount[]>;
};

export function emptyState(): RolloutState {
  return {
    queuedAtMs: -1,
    companies: new Map(),
    unwritten: new Set(),
    waves: [],
    limits: new Map(),
  };
}

/** Rejects only on a programmer's error or a broken journal. `state` is filled as the rollout goes. */
export async function rollOut(
  ports: RolloutPorts,
  options: RolloutOptions,
  state: RolloutState,
): Promise<void> {
  const rollout = await Rollout.open(ports, options, state);
  let from = 0;
  for (const [number, wave] of options.waves.entries()) {
    const companies = options.companies.slice(from, wave.upTo);
    from = wave.upTo;
    const waveState = newWave(wave.upTo, companies.length, ports.clock.nowMs());
    state.waves.push(waveState);
    await rollout.provision(batchesOf(companies, options.batchSize));
    waveState.endedAtMs = lastOf(companies, state);
    if (number === options.waves.length - 1) return;
    await passGate(rollout, { number, wave, companies, state: waveState });
    if (waveState.outcome !== 'passed' && waveState.outcome !== 'resumed') return;
  }
}

const newWave = (upTo: number, companies: number, openedAtMs: number): WaveState => ({
  upTo,
  companies,
  openedAtMs,
  endedAtMs: -1,
  decidedAtMs: -1,
  outcome: 'open',
  reason: '',
  reading: undefined,
});

const lastOf = (companies: readonly Company[], state: RolloutState): number =>
  companies.reduce((last, { index }) => Math.max(last, state.companies.get(index)?.finishedAtMs ?? -1), -1);

/** One provisioner's part in a rollout. */
export class Rollout {
  readonly ports: RolloutPorts;
  readonly options: RolloutOptions;
  readonly state: RolloutState;
  /** What the journal said when this provisioner joined. */
  readonly before: RolloutProgress;
  readonly admission: Admission;
  readonly underWay: UnderWay;
  private readonly counts: CountLog;
  private readonly provisionPorts: Omit<ProvisionPorts, 'append' | 'hold'>;

  private constructor(
    ports: RolloutPorts,
    options: RolloutOptions,
    state: RolloutState,
    before: RolloutProgress,
  ) {
    this.ports = ports;
    this.options = options;
    this.state = state;
    this.before = before;
    const { clock, slots } = ports;
    const { rates, vendorRates, admissionBacklogMs, databaseOperationsPerCompany, platform } = options;
    this.admission = new Admission(clock, slots, rates, vendorRates, admissionBacklogMs);
    this.underWay = new UnderWay(options.concurrencyMax);
    state.queuedAtMs = before.queuedAtMs;
    const generation = before.openedBy.lastIndexOf(options.holder);
    const counts = () => this.admission.counts();
    state.limits.set(generation, counts);
    this.counts = new CountLog(clock, generation, counts);
    this.provisionPorts = {
      ...ports,
      platform,
      admission: this.admission,
      budget: new RetryBudget(),
      verbsOf: createClients(ports, platform, options.tokens, generation),
      databaseOperationsPerCompany,
      generation,
      unwritten: state.unwritten,
    };
  }

  static async open(ports: RolloutPorts, options: RolloutOptions, state: RolloutState): Promise<Rollout> {
    const { journal, clock } = ports;
    const opened = {
      company: -1,
      step: '',
      event: 'opened',
      atMs: clock.nowMs(),
      id: options.holder,
    } as const;
    await journal.append([opened]);
    return new Rollout(ports, options, state, progressOf(await journal.read({ from: -1, to: 0 })));
  }

  /** What a company's work needs while its batch, or the gate over it, is held. */
  portsUnder(held: Held): ProvisionPorts {
    const append: ProvisionPorts['append'] = entries => held.append(this.counts.with(entries));
    return { ...this.provisionPorts, append, hold: held.check };
  }

  /** Ends when every company of the batches is ready, undone or blocked, whoever made it so. */
  async provision(batches: readonly Batch[]): Promise<void> {
    const { ports, options, underWay } = this;
    let left = batches;
    while (left.length > 0) {
      /** Held by another, or taken over by one. */
      const others: Batch[] = [];
      for (const batch of left) {
        const held = await Held.take(ports, batch.name, options.holder);
        if (held === undefined) others.push(batch);
        else await this.start(batch, held, () => others.push(batch));
      }
      await underWay.allEnded();
      left = others;
      if (left.length > 0) await ports.clock.sleep(LOOK_AT_OTHERS_MS);
    }
  }

  /** Starts the batch's companies one by one, as they are admitted; those that had been admitted before go first. */
  private async start(batch: Batch, held: Held, onLost: () => void): Promise<void> {
    const { admission, underWay, state, ports, options } = this;
    const before = held.epoch === 1 ? undefined : await this.progressIn(batch.companies);
    let open = 1;
    let isLost = false;
    const close = async () => {
      if (--open > 0 || isLost) return;
      await held.end();
    };
    const add = (company: Company, progress: CompanyProgress | undefined) => {
      open++;
      const work = this.work(company, progress, held).catch(error => {
        if (!(error instanceof Superseded)) throw error;
        if (isLost) return;
        isLost = true;
        ports.log({ event: 'batch lost', batch: batch.name, reason: error.message });
        onLost();
      });
      underWay.add(work.then(close));
    };
    const fresh: Company[] = [];
    for (const company of batch.companies) {
      const progress = before?.get(company.index);
      if (progress === undefined) fresh.push(company);
      else if (progress.finishedAtMs >= 0) state.companies.set(company.index, progress);
      else add(company, progress);
    }
    for (const company of fresh) {
      if (isLost) break;
      const isFull = underWay.isFull();
      const askedAtMs = ports.clock.nowMs();
      await underWay.room();
      // Real clocks move between two lines.
      if (isFull) admission.crowded(ports.clock.nowMs() - askedAtMs);
      const placed = { company, place: placeOf(company, options.platform) };
      await admission.wait(stepsOf(options, company), placed);
      add(company, undefined);
    }
    await close();
  }

  private async work(company: Company, progress: CompanyProgress | undefined, held: Held): Promise<void> {
    const live = {
      state: 'admitted' as CompanyProgress['state'],
      admittedAtMs: progress?.admittedAtMs ?? this.ports.clock.nowMs(),
      finishedAtMs: -1,
      reason: '',
    };
    this.state.companies.set(company.index, live);
    Object.assign(live, await provision(this.portsUnder(held), company, progress));
  }

  /** What the journal knows of companies that follow each other in the queue. */
  async progressIn(companies: readonly Company[]): Promise<RolloutProgress['companies']> {
    const range = { from: companies[0].index, to: companies.at(-1)!.index + 1 };
    return progressOf(await this.ports.journal.read(range)).companies;
  }
}
