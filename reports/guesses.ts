// What the figures rest on: the facts of a run, those of them that are guesses, and the guess that matters most.

import {
  FACTS,
  type Fact,
  type FactLevel,
  FactValues,
  FIT_FACTOR,
  fittedValue,
  isFitted,
  type UsedFact,
} from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { RolloutMeasurement } from './measurement.ts';
import type { Assumption, Report, RolloutReport, TrafficReport } from './report.ts';

export type FactInput = {
  /** A fact's value in the replications, which run with all facts at mid. */
  readonly factValue: (id: string) => number;
  /** Ids of facts whose value the scenario or a flag gave. */
  readonly overridden: readonly string[];
};

/** Time that no single operation's latency carries, as so many times the fact's value a company. */
const WAITS: Readonly<Record<string, (callsPerCompany: number) => number>> = {
  'net.vendor-one-way': callsPerCompany => 2 * callsPerCompany,
  'lat.cloud-run.deploy': () => 1,
  // The propagation of the record runs beside it and is shorter.
  'lat.cloudflare.certificate': () => 1,
};

/** A fact's value with all facts low or all high; what was given stays as it was given. */
export function factValuesAt(level: FactLevel, { factValue, overridden }: FactInput): FactInput['factValue'] {
  const values = new FactValues(level, Object.fromEntries(overridden.map(id => [id, factValue(id)])));
  return id => values.get(id).value;
}

/** In the catalogue's order. The fit's factor belongs to every fitted fact, whoever asked for it. */
export function usedFacts(ids: Iterable<string>, input: FactInput): UsedFact[] {
  const used = new Set(ids);
  if (FACTS.some(fact => used.has(fact.id) && isFitted(fact))) used.add(FIT_FACTOR);
  const factor = factorOf(input);
  return FACTS.filter(fact => used.has(fact.id)).map(fact => {
    const overridden = input.overridden.includes(fact.id);
    const range = isFitted(fact) && !overridden ? scaled(fact, factor) : {};
    return { ...fact, ...range, value: input.factValue(fact.id), overridden };
  });
}

type Levels = Pick<Fact, 'low' | 'mid' | 'high'>;

/** A factor that was given is known. */
function factorOf({ factValue, overridden }: FactInput): Levels {
  if (!overridden.includes(FIT_FACTOR)) return FACTS.find(fact => fact.id === FIT_FACTOR)!;
  const given = factValue(FIT_FACTOR);
  return { low: given, mid: given, high: given };
}

/** The catalogue has a fitted fact before the fit; runs draw from it times the factor. */
function scaled({ low, mid, high }: Levels, factor: Levels): Levels {
  return {
    low: fittedValue(low, factor.low),
    mid: fittedValue(mid, factor.mid),
    high: fittedValue(high, factor.high),
  };
}

/** How long the rollout waits for an answer. */
export const CALL_DEADLINE_MS = 15_000;

/** One line a guess: the facts that nobody published, and what the model assumes beside the catalogue. */
export function assumptionsOf(
  { population }: Scenario,
  facts: readonly UsedFact[],
  rollout: RolloutReport | null,
  traffic: TrafficReport | null,
): Assumption[] {
  const guesses = facts
    .filter(fact => fact.basis !== 'source')
    .map(fact => ({ id: fact.id, text: textOf(fact) }));
  const fixed: Assumption[] = [];
  if (population.advanced > 0 && rollout !== null)
    fixed.push({
      id: 'assumption.advanced-secrets',
      text: 'advanced companies are basic ones with two secrets more',
    });
  if (traffic !== null)
    fixed.push({
      id: 'assumption.arrival-share',
      text: 'which part of a request keeps a processor busy before its waits, and which after them, is a guess',
    });
  if (facts.some(fact => fact.spread > 0))
    fixed.push({
      id: 'assumption.spreads',
      text: 'the spread of every drawn duration is a guess (log-normal)',
    });
  const late = (rollout?.operations ?? []).filter(
    ({ calls, latencyMs }) => latencyMs > calls * CALL_DEADLINE_MS,
  );
  const names = [...new Set(late.map(({ operation }) => operation))].join(', ');
  if (names !== '')
    fixed.push({
      id: 'assumption.call-deadline',
      text: `calls of ${names} take longer than their caller waits (15 s): their time is cut off there`,
    });
  return [...guesses, ...fixed];
}

function textOf({ metric, value, unit, basis, overridden }: UsedFact): string {
  return `${metric}: ${value} ${unit} (${basis}${overridden ? ', overridden' : ''})`;
}

/**
 * The guess whose range moves mean provisioning time most, to first order: the time that rests on it × its relative
 * range. All fitted latencies move together with the fit's factor. An overridden value is the user's, no guess.
 */
export function biggestGuessOf(
  rollouts: readonly RolloutMeasurement[],
  facts: readonly UsedFact[],
  provisioningMsMean: number,
): Report['biggestGuess'] {
  if (provisioningMsMean === 0) return null;
  const free = facts.filter(fact => fact.basis !== 'source' && !fact.overridden);
  const factor = free.find(fact => fact.id === FIT_FACTOR);
  const guesses = free
    .filter(fact => !isFitted(fact) && fact.id !== FIT_FACTOR)
    .map(fact => ({ fact, parts: [fact] }));
  if (factor !== undefined) guesses.push({ fact: factor, parts: free.filter(isFitted) });
  const ranked = guesses
    .map(({ fact, parts }) => ({ fact, ms: millisecondsOn(rollouts, parts) * relativeRange(fact) }))
    .sort((a, b) => b.ms - a.ms);
  if (ranked.length === 0 || ranked[0].ms === 0) return null;
  const { fact, ms } = ranked[0];
  const label = fact.id === FIT_FACTOR ? 'fitted' : 'assumed';
  return { id: fact.id, metric: fact.metric, label, shareOfMean: ms / provisioningMsMean };
}

/** Milliseconds of one company's provisioning that rest on these facts. */
function millisecondsOn(rollouts: readonly RolloutMeasurement[], facts: readonly UsedFact[]): number {
  const ids = new Set(facts.map(fact => fact.id));
  const companies = rollouts.reduce((total, { company }) => total + company.length, 0);
  const operations = rollouts.flatMap(rollout => rollout.operations);
  const callsPerCompany = operations.reduce((total, { calls }) => total + calls, 0) / companies;
  const inOperations = operations.reduce(
    (total, { fact, latencyMs }) => total + (ids.has(fact) ? latencyMs : 0),
    0,
  );
  const inWaits = facts.reduce(
    (total, { id, value }) => total + (WAITS[id]?.(callsPerCompany) ?? 0) * value,
    0,
  );
  return inOperations / companies + inWaits;
}

const relativeRange = ({ low, mid, high }: Fact): number => (high - low) / mid;
