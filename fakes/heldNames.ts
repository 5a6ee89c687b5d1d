// Names that stay taken for a time after their resource was deleted: a creation that carries one is refused.

import type { FaultRule } from '../scenarios/scenario.ts';
import type { LedgerEntry } from './ledger.ts';
import type { FakeRequest } from './service.ts';

type Held = {
  readonly collection: string;
  readonly names: readonly string[];
  readonly untilMs: number;
  readonly rule: FaultRule;
};

const decoder = new TextDecoder();

export class HeldNames {
  private held: Held[] = [];

  get isEmpty(): boolean {
    return this.held.length === 0;
  }

  /** `entries`: the effects of the deletion that the rule hit. */
  hold(operation: string, entries: readonly LedgerEntry[], untilMs: number, rule: FaultRule): void {
    const collection = collectionOf(operation);
    const deleted = entries.filter(({ effect }) => effect === 'deleted').map(({ name }) => name);
    // What was in it has gone with it, and nobody makes that by its name: a secret's version is called 1.
    const own = deleted.filter(name => !deleted.some(other => name.startsWith(`${other}/`)));
    for (const name of own) this.held.push({ collection, names: [name, lastOf(name)], untilMs, rule });
  }

  /** The rule by which the creation carries a name that is still taken: in its query, or as a text of its body. */
  ruleOn(operation: string, { query, body }: FakeRequest, nowMs: number): FaultRule | undefined {
    this.held = this.held.filter(({ untilMs }) => nowMs < untilMs);
    const values = [...query.values()];
    const text = decoder.decode(body);
    return this.held.find(
      ({ collection, names }) =>
        collection === collectionOf(operation) &&
        names.some(name => values.includes(name) || text.includes(JSON.stringify(name))),
    )?.rule;
  }
}

/** `cloudRun.services` of `cloudRun.services.create`. */
const collectionOf = (operation: string) => operation.slice(0, operation.lastIndexOf('.'));
/** The ledger's names are paths, or a record's type and name. */
const lastOf = (name: string) => name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf(' ')) + 1);
