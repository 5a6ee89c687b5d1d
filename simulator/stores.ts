// The platform's own stores in virtual time: in memory, with a drawn latency, and outliving the process that writes.

import { logNormalOfMeanOne } from '../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type {
  CompanyRecord,
  Journal,
  JournalEntry,
  Lease,
  Leases,
  ProvisioningStores,
  Registry,
  Slots,
} from '../src/ports.ts';
import type { Kernel } from './kernel.ts';
import { type Generation, reach } from './machine.ts';

/** Numbers of the stores in the keys of their draws. */
const JOURNAL = 1;
const REGISTRY = 2;
const LEASES = 3;
const SLOTS = 4;

/** The key of what belongs to no company. */
const ROLLOUT = -1;

export class Stores {
  readonly entries: JournalEntry[] = [];
  /** By company, the places of its entries. */
  private readonly places = new Map<number, number[]>();
  readonly records = new Map<string, CompanyRecord>();
  private readonly held = new Map<string, Lease>();
  private readonly nextAtMs = new Map<string, number>();
  private readonly kernel: Kernel;
  private readonly facts: FactValues;
  private readonly seed: number;

  constructor(kernel: Kernel, facts: FactValues, seed: number) {
    this.kernel = kernel;
    this.facts = facts;
    this.seed = seed;
  }

  all(generation: Generation): ProvisioningStores {
    return {
      journal: this.journal(generation),
      leases: this.leases(generation),
      slots: this.slots(generation),
      registry: this.registry(generation),
    };
  }

  private journal(generation: Generation): Journal {
    const after = this.access(generation, 'store.journal', JOURNAL);
    return {
      append: (entries, lease) =>
        after(entries[0]?.company ?? ROLLOUT, () => {
          if (lease !== undefined && !this.isNewest(lease)) return false;
          this.write(entries);
          return true;
        }),
      read: range =>
        after(ROLLOUT, () =>
          range === undefined ? [...this.entries] : this.entriesOf(range.from, range.to),
        ),
      changedSince: mark =>
        after(ROLLOUT, () => {
          const newer = this.entries.slice(mark ?? this.entries.length).map(({ company }) => company);
          const companies = [...new Set(newer)].filter(company => company !== ROLLOUT);
          return { companies, mark: this.entries.length };
        }),
    };
  }

  private write(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      const places = this.places.get(entry.company);
      if (places === undefined) this.places.set(entry.company, [this.entries.length]);
      else places.push(this.entries.length);
      this.entries.push(entry);
    }
  }

  private entriesOf(from: number, to: number): JournalEntry[] {
    const places: number[] = [];
    for (const [company, own] of this.places) if (company >= from && company < to) places.push(...own);
    return places.sort((a, b) => a - b).map(place => this.entries[place]);
  }

  private leases(generation: Generation): Leases {
    const after = this.access(generation, 'store.journal', LEASES);
    return {
      take: (name, holder, nowMs, untilMs) =>
        after(ROLLOUT, () => {
          const held = this.held.get(name);
          if (held !== undefined && held.untilMs > nowMs && held.holder !== holder) return undefined;
          const lease = { name, holder, epoch: (held?.epoch ?? 0) + 1, untilMs };
          this.held.set(name, lease);
          return lease;
        }),
      extend: (lease, untilMs) =>
        after(ROLLOUT, () => {
          if (!this.isNewest(lease)) return undefined;
          const extended = { ...lease, untilMs };
          this.held.set(lease.name, extended);
          return extended;
        }),
      end: lease =>
        after(ROLLOUT, () => {
          if (this.isNewest(lease)) this.held.set(lease.name, { ...lease, untilMs: 0 });
        }),
    };
  }

  private slots(generation: Generation): Slots {
    const after = this.access(generation, 'store.journal', SLOTS);
    const nextOf = (limit: string) => this.nextAtMs.get(limit) ?? Number.NEGATIVE_INFINITY;
    return {
      take: (limit, nowMs, intervalMs) =>
        after(ROLLOUT, () => {
          const atMs = Math.max(nowMs, nextOf(limit));
          this.nextAtMs.set(limit, atMs + intervalMs);
          return atMs;
        }),
      hold: (limit, atMs) =>
        after(ROLLOUT, () => void this.nextAtMs.set(limit, Math.max(atMs, nextOf(limit)))),
    };
  }

  private isNewest({ name, epoch }: Lease): boolean {
    return this.held.get(name)?.epoch === epoch;
  }

  private registry(generation: Generation): Registry {
    const after = this.access(generation, 'store.registry', REGISTRY);
    const numberOf = (id: string) => Number(id.slice(1));
    return {
      put: record => after(numberOf(record.id), () => void this.records.set(record.id, record)),
      get: id => after(numberOf(id), () => this.records.get(id)),
      delete: id => after(numberOf(id), () => void this.records.delete(id)),
      list: () => after(ROLLOUT, () => [...this.records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
    };
  }

  /** Does the work after the store's latency, whether or not the caller still lives, and tells only a living one. */
  private access(generation: Generation, fact: string, store: number) {
    const { value, spread } = this.facts.get(fact);
    const counts = new Map<number, number>();
    return <T>(company: number, work: () => T): Promise<T> => {
      const count = counts.get(company) ?? 0;
      counts.set(company, count + 1);
      const uniform = drawUniform(this.seed, PURPOSE.store, [store, company, count]);
      const atMs = this.kernel.nowMs + value * logNormalOfMeanOne(spread, uniform);
      return new Promise(resolve => {
        this.kernel.resumeAt(atMs, () => {
          const result = work();
          reach(generation, () => resolve(result));
        });
      });
    };
  }
}
