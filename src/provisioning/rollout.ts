// The rollout: provisioners take its batches in turn, admit their companies as the limits allow, and end when every company
// is ready, undone, blocked or without room, or when a gate between two waves says no. The same code in both clocks.
//
//   wave ─► batches, each under a lease ─► companies ─► dwell ─► gate ─► next wave │ pause │ roll back

import { LOOK_AT_OTHERS_MS } from '../limits.ts';
import type { Chance, Clock, LimitCount, Log, ProvisioningStores, Transport } from '../ports.ts';
import { createClients } from '../providers/clients.ts';
import type { Tokens } from '../providers/credentials.ts';
import { Admission, type Rates } from './admission.ts';
import { BatchWork } from './batchWork.ts';
import { type Company, type Platform, placeOf } from './company.ts';
import { CountLog } from './counts.ts';
import { passGate } from './gate.ts';
import { Held } from './lease.ts';
import { type CompanyProgress, lacksRoom, progressOf, type RolloutProgress } from './progress.ts';
import { type ProvisionPorts, stepsOf } from './provision.ts';
import { RetryBudget } from './retry.ts';
import { Room, wantsOf } from './room.ts';
import type { StepRow } from './timeline.ts';
import { UnderWay } from './underWay.ts';
import type { VendorRates } from './vendorLimits.ts';
import {
  type AfterPause,
  type Batch,
  batchesOf,
  type Gate,
  isStopped,
  nameOfWave,
  type Wave,
  type WaveState,
} from './waves.ts';

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
  readonly afterPause: AfterPause;
};

/** What became of the rollout so far: live while it runs, final when `rollOut` resolves. Times are the clock's. */
export type RolloutState = {
  queuedAtMs: number;
  /** By the company's index. */
  readonly companies: Map<
    number,
    Pick<CompanyProgress, 'state' | 'admittedAtMs' | 'finishedAtMs' | 'reason' | 'full'>
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
  await throughWaves(rollout);
  await rollout.lookAgain(options.companies);
}

async function throughWaves(rollout: Rollout): Promise<void> {
  const { ports, options, state } = rollout;
  let from = 0;
  for (const [number, wave] of options.waves.entries()) {
    const companies = options.companies.slice(from, wave.upTo);
    from = wave.upTo;
    const waveState = newWave(wave.upTo, companies.length, ports.clock.nowMs());
    state.waves.push(waveState);
    // The dwell before it is days.
    if (number > 0) rollout.room.doubt();
    await rollout.provision(batchesOf(companies, options.batchSize), nameOfWave(number));
    waveState.endedAtMs = lastOf(companies, state);
    if (number === options.waves.length - 1) return;
    await passGate(rollout, { number, wave, companies, state: waveState });
    if (waveState.outcome !== 'passed' && waveState.outcome !== 'resumed') return;
  }
}

/** Of the journal: what concerns no single company. */
const OF_ALL = { from: -1, to: 0 };

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
  readonly room: Room;
  /** Indexes of the companies that this process has begun or taken up: none is begun by it a second time. */
  readonly begun = new Set<number>();
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
    this.room = new Room(before.full.values());
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
      room: this.room,
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
    return new Rollout(ports, options, state, progressOf(await journal.read(OF_ALL)));
  }

  /** What a company's work needs while its batch, or the gate over it, is held. */
  portsUnder(held: Held): ProvisionPorts {
    const append: ProvisionPorts['append'] = entries => held.append(this.counts.with(entries));
    return { ...this.provisionPorts, append, hold: held.check };
  }

  /** Ends when every company of the batches is ready, undone, blocked or without room, whoever made it so. */
  async provision(batches: readonly Batch[], wave: string): Promise<void> {
    const { ports, options, underWay } = this;
    let left = batches;
    let mayBeginAgain = true;
    while (left.length > 0) {
      /** Held by another, or taken over by one. */
      const others = new Set<Batch>();
      for (const batch of left) {
        const held = await Held.take(ports, batch.name, options.holder);
        if (held === undefined) others.add(batch);
        else mayBeginAgain = await this.start(batch, held, wave, () => others.add(batch));
      }
      await underWay.allEnded();
      left = batches.filter(batch => others.has(batch) || this.hasWork(batch, mayBeginAgain));
      if (others.size > 0) await ports.clock.sleep(LOOK_AT_OTHERS_MS);
    }
  }

  /** Of a batch that this process has been through: one of its companies may begin now, or is not known to have ended. */
  private hasWork({ companies }: Batch, mayBeginAgain: boolean): boolean {
    return companies.some(company => {
      if (!this.state.companies.has(company.index)) return true;
      if (!mayBeginAgain) return false;
      const placed = { company, place: placeOf(company, this.options.platform) };
      return (
        this.lacksRoom(company) && this.room.ask(wantsOf(stepsOf(this.options, company), placed)) === 'begin'
      );
    });
  }

  /** False: the wave was stopped, and nobody begins in it any more for whom there was no room before. */
  private async start(batch: Batch, held: Held, wave: string, onLost: () => void): Promise<boolean> {
    const work = new BatchWork(this, batch, held, onLost);
    // Nobody has worked on it before.
    if (held.epoch === 1) {
      await work.start(undefined);
      return true;
    }
    const { full, waves } = progressOf(await this.ports.journal.read(OF_ALL));
    this.room.learn(full.values());
    const mayBeginAgain = !isStopped(waves.get(wave), this.options.afterPause);
    await work.start({ companies: await this.progressIn(batch.companies), mayBeginAgain });
    return mayBeginAgain;
  }

  /** It ended so, and this process may begin it, which none does twice. */
  lacksRoom({ index }: Company): boolean {
    const known = this.state.companies.get(index);
    return known !== undefined && lacksRoom(known) && !this.begun.has(index);
  }

  /** Reads anew what became of companies of which some had no room: another provisioner may have begun them since. */
  async lookAgain(companies: readonly Company[]): Promise<void> {
    const { state } = this;
    const isLacking = ({ index }: Company) => {
      const known = state.companies.get(index);
      return known !== undefined && lacksRoom(known);
    };
    if (!companies.some(isLacking)) return;
    for (const [index, progress] of await this.progressIn(companies)) state.companies.set(index, progress);
  }

  /** What the journal knows of companies that follow each other in the queue. */
  async progressIn(companies: readonly Company[]): Promise<RolloutProgress['companies']> {
    const range = { from: companies[0].index, to: companies.at(-1)!.index + 1 };
    return progressOf(await this.ports.journal.read(range)).companies;
  }
}
