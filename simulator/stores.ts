// The platform's own stores in virtual time: in memory, with a drawn latency, and outliving the process that writes.

import { logNormalOfMeanOne } from '../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { CompanyRecord, Journal, JournalEntry, Registry } from '../src/ports.ts';
import type { Kernel } from './kernel.ts';
import type { Generation } from './machine.ts';

/** Numbers of the two stores in the keys of their draws. */
const JOURNAL = 1;
const REGISTRY = 2;

export class Stores {
  readonly entries: JournalEntry[] = [];
  readonly records = new Map<string, CompanyRecord>();
  private readonly kernel: Kernel;
  private readonly facts: FactValues;
  private readonly seed: number;

  constructor(kernel: Kernel, facts: FactValues, seed: number) {
    this.kernel = kernel;
    this.facts = facts;
    this.seed = seed;
  }

  journal(generation: Generation): Journal {
    const after = this.access(generation, 'store.journal', JOURNAL);
    return {
      append: entries => after(entries[0]?.company ?? -1, () => void this.entries.push(...entries)),
      read: () => after(-1, () => [...this.entries]),
    };
  }

  registry(generation: Generation): Registry {
    const after = this.access(generation, 'store.registry', REGISTRY);
    const numberOf = (id: string) => Number(id.slice(1));
    return {
      put: record => after(numberOf(record.id), () => void this.records.set(record.id, record)),
      get: id => after(numberOf(id), () => this.records.get(id)),
      delete: id => after(numberOf(id), () => void this.records.delete(id)),
      list: () => after(-1, () => [...this.records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
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
          if (generation.alive) resolve(result);
        });
      });
    };
  }
}
