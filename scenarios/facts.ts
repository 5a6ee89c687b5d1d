// The facts catalogue: every quota, latency and guess in the model, with low, mid and high, source, date and
// confidence. `facts.json` is the data; this file turns it into the values of one run.

import catalogue from './facts.json' with { type: 'json' };

/** source: somebody published it. assumed: our guess. fitted: our guess times the one factor that fits today's mean. */
export type FactBasis = 'source' | 'assumed' | 'fitted';

export type Fact = {
  readonly id: string;
  readonly metric: string;
  readonly unit: string;
  readonly low: number;
  readonly mid: number;
  readonly high: number;
  /** Standard deviation of the logarithm, for durations that are drawn; 0 for a constant. */
  readonly spread: number;
  readonly basis: FactBasis;
  readonly source: string;
  readonly asOf: string;
  readonly confidence: 'high' | 'medium' | 'low' | 'none';
  readonly note?: string;
};

export type FactLevel = 'low' | 'mid' | 'high';

/** A fact as one run used it. */
export type UsedFact = Fact & { readonly value: number; readonly overridden: boolean };

export type UsedValue = { readonly id: string; readonly value: number; readonly overridden: boolean };

export const FACTS: readonly Fact[] = catalogue.facts as readonly Fact[];

/** Overrides that take away every drawn delay: what is left is what processors and queues cost. */
export const NO_DELAYS: Readonly<Record<string, number>> = Object.fromEntries(
  FACTS.filter(({ id, unit }) => unit === 'ms' && /^(?:lat|net|rtt|store|run\.cold)\./.test(id)).map(
    ({ id }) => [id, 0],
  ),
);

/** The one factor on every fitted latency. */
export const FIT_FACTOR = 'fit.latency-factor';

/** The values of one run. It remembers which facts were asked for, so that a report lists just those. */
export class FactValues {
  private readonly values = new Map<string, { value: number; spread: number }>();
  private readonly used = new Set<string>();
  private readonly overrides: Readonly<Record<string, number>>;

  /** `overrides` replaces values by id; an override of a fitted fact is the final value, without the factor. */
  constructor(level: FactLevel, overrides: Readonly<Record<string, number>>) {
    this.overrides = overrides;
    const factor = overrides[FIT_FACTOR] ?? FACTS.find(fact => fact.id === FIT_FACTOR)![level];
    for (const fact of FACTS) {
      const modelled = isFitted(fact) ? fittedValue(fact[level], factor) : fact[level];
      this.values.set(fact.id, { value: overrides[fact.id] ?? modelled, spread: fact.spread });
    }
  }

  get(id: string): { readonly value: number; readonly spread: number } {
    const found = this.values.get(id);
    if (found === undefined) throw new Error(`no fact has the id ${id}`);
    this.used.add(id);
    return found;
  }

  /** What was asked for so far, for who must tell another process. */
  usedValues(): UsedValue[] {
    const ids = [FIT_FACTOR, ...this.usedIds().filter(id => id !== FIT_FACTOR)];
    return ids.map(id => ({ id, value: this.values.get(id)!.value, overridden: id in this.overrides }));
  }

  /** Ids asked for so far, in the catalogue's order. */
  usedIds(): string[] {
    return FACTS.filter(fact => this.used.has(fact.id)).map(fact => fact.id);
  }
}

/** Whether the catalogue has it before the fit; the factor itself is as it stands. */
export const isFitted = ({ basis, id }: Fact): boolean => basis === 'fitted' && id !== FIT_FACTOR;

/** Rounded so that a report shows 232 and not 231.99999999999997; far below what any figure is known to. */
export const fittedValue = (base: number, factor: number): number => Number((base * factor).toPrecision(12));
