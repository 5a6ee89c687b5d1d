// Google's gapic clients speak of enumerations by number, its other clients by name. Inside a fake they have names.

import { isObject } from './service.ts';

/** Names by field, in the order of their numbers from 0. */
export type Enumerations = Readonly<Record<string, readonly string[]>>;

/** The query by which a client asks for numbers. */
export const asksForNumbers = (query: URLSearchParams): boolean =>
  query.get('$alt') === 'json;enum-encoding=int';

/** The same with names for numbers. A number that stands for none is left, and refused by who checks it. */
export const withNames = (enumerations: Enumerations, value: unknown): unknown =>
  eachField(enumerations, value, (names, item) =>
    typeof item === 'number' ? (names[item] ?? item) : undefined,
  );

/** The same with numbers for names. */
export const withNumbers = (enumerations: Enumerations, value: unknown): unknown =>
  eachField(enumerations, value, (names, item) => {
    const number = names.indexOf(item as string);
    return number >= 0 ? number : undefined;
  });

type Translate = (names: readonly string[], item: unknown) => unknown;

function eachField(enumerations: Enumerations, value: unknown, translate: Translate): unknown {
  if (Array.isArray(value)) return value.map(item => eachField(enumerations, item, translate));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const names = Object.hasOwn(enumerations, name) ? enumerations[name] : undefined;
      return [name, (names && translate(names, item)) ?? eachField(enumerations, item, translate)];
    }),
  );
}
