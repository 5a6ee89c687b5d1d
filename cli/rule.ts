// What a rule on a scenario is, and the sentences that several of them say.

import type { Scenario } from '../scenarios/scenario.ts';
import { nearest, show } from './words.ts';

/** A rule is asked only when the fields that it `needs` are what the schema says. */
export type Rule = { readonly needs: readonly string[]; readonly find: (scenario: Scenario) => string[] };

const SUM_TOLERANCE = 1e-9;

export const when = (isWrong: boolean, text: string): string[] => (isWrong ? [text] : []);
export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

export function shares(path: string, values: Readonly<Record<string, number>>): string[] {
  const sum = total(values);
  return when(Math.abs(sum - 1) > SUM_TOLERANCE, `${path} adds up to ${sum}; shares must add up to 1`);
}

export function unlisted(path: string, names: object, where: string, known: object): string[] {
  return Object.keys(names)
    .filter(name => !Object.hasOwn(known, name))
    .map(name => `${path}.${name} has no entry in ${where}${nearest(name, Object.keys(known), `${where}.`)}`);
}

export function repeated(path: string, items: readonly { readonly name: string }[]): string[] {
  const names = items.map(({ name }) => name);
  return names.flatMap((name, i) =>
    when(names.indexOf(name) < i, `${path}.${i}.name is ${show(name)}; it is there twice`),
  );
}
