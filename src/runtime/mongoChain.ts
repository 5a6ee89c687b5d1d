// Chains of documents in MongoDB: how several processes decide something in turn. Whoever adds to a chain has read its
// newest link, decides by it, and inserts the link of the next number; links are never changed.
//
//     batch 0/1 taken by a ─ batch 0/2 entries ─ batch 0/3 taken by b ─ batch 0/4 entries ─ …
//
// Why that is right: `_id` is `chain/number` and unique, so of all who saw link n as the newest exactly one adds n + 1,
// and what it decided still holds then. All others are told of the duplicate, read what came instead, and decide again.
// So decision and write are one insert, and need neither transactions nor updates that several documents agree on. Reads
// and writes are the majority's (`mongoStores.ts`): nobody decides by a link that a failing server may still take back.

import type { Collection } from 'mongodb';
import { isDuplicate } from './mongoDocument.ts';

export type Link<State> = {
  /** `chain/n` */
  readonly _id: string;
  readonly chain: string;
  /** From 1 on, without gaps. */
  readonly n: number;
  /** Orders links of different chains: grows along a chain, and along what one process wrote. */
  readonly stamp: number;
  readonly state: State;
};

/** The state that follows; undefined adds nothing. Called again whenever another was faster. */
export type Decide<State> = (newest: State | undefined) => State | undefined;

/** Lost races in a row. Each one means that another process went on, so this many are a fault and no bad luck. */
const ATTEMPTS_MAX = 1000;

type Newest<State> = { readonly n: number; readonly stamp: number; readonly state?: State };
const NONE = { n: 0, stamp: 0 };

export class Chains<State> {
  private readonly links: Collection<Link<State>>;
  private readonly stamps: Stamps;
  /** What this process saw last of each chain; there may be newer links by now. */
  private readonly seen = new Map<string, Newest<State>>();
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(links: Collection<Link<State>>, stamps: Stamps) {
    this.links = links;
    this.stamps = stamps;
  }

  async createIndexes(): Promise<void> {
    await this.links.createIndex({ chain: 1, n: -1 });
  }

  /** Durable once it resolves. One addition of this process to a chain after the other: they must not race. */
  add(chain: string, decide: Decide<State>): Promise<State | undefined> {
    const added = (this.last.get(chain) ?? Promise.resolve()).then(() => this.addNow(chain, decide));
    this.last.set(
      chain,
      added.catch(() => {}),
    );
    return added;
  }

  private async addNow(chain: string, decide: Decide<State>): Promise<State | undefined> {
    let newest = this.seen.get(chain);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const isRead = newest === undefined;
      newest ??= await this.newestOf(chain);
      const state = decide(newest.state);
      // A refusal by what this process remembers may be out of date.
      if (state === undefined && isRead) return undefined;
      if (state !== undefined && (await this.insert(chain, newest, state))) return state;
      newest = undefined;
    }
    throw new Error(`others were faster at "${chain}" ${ATTEMPTS_MAX} times`);
  }

  private async newestOf(chain: string): Promise<Newest<State>> {
    const links = this.links.find({ chain } as object).sort({ n: -1 });
    const newest = (await links.limit(1).next()) ?? NONE;
    this.seen.set(chain, newest as Newest<State>);
    return newest as Newest<State>;
  }

  /** False when another has added the link of that number. */
  private async insert(chain: string, before: Newest<State>, state: State): Promise<boolean> {
    const n = before.n + 1;
    const link: Link<State> = {
      _id: `${chain}/${n}`,
      chain,
      n,
      stamp: this.stamps.after(before.stamp),
      state,
    };
    try {
      await this.links.insertOne(link as Parameters<typeof this.links.insertOne>[0]);
    } catch (error) {
      // The write may have had its effect, or not: what is there must be read before the next one.
      this.seen.delete(chain);
      if (isDuplicate(error)) return false;
      throw error;
    }
    this.seen.set(chain, link);
    return true;
  }
}

/** One process's: microseconds of its clock, but never before a stamp that it has seen. */
export class Stamps {
  private latest = 0;

  after(stamp: number): number {
    this.latest = Math.max(this.latest + 1, stamp + 1, Stamps.now());
    return this.latest;
  }

  static now(): number {
    return Math.round((performance.timeOrigin + performance.now()) * 1000);
  }
}
