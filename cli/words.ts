// How an error shows a value, and the right name that is nearest to a wrong one.

import { closest } from 'fastest-levenshtein';

const SHOWN_MAX = 80;

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** `; nearest: a` of the right names, or nothing when there are none. */
export function nearest(name: string, names: readonly string[], prefix = ''): string {
  return names.length === 0 ? '' : `; nearest: ${prefix}${closest(name, [...names])}`;
}
