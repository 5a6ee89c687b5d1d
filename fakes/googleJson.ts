// What Google's JSON leaves out: a field that has the default of its type is not written, so that a client finds no
// `labels` where there are none, and no 0 and no false. A message that is there is written, though it be empty.

import { isObject } from './service.ts';

/** Maps, unlike messages, are not there when they are empty. */
const MAPS = ['labels', 'annotations', 'limits'];
/** Fields of which the vendor knows whether they were set: the default is written as well. */
const SET_OR_NOT = ['manualInstanceCount', 'value'];

export function withoutDefaults(value: Record<string, unknown>): Record<string, unknown>;
export function withoutDefaults(value: unknown): unknown;
export function withoutDefaults(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(each => withoutDefaults(each));
  if (!isObject(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value))
    if (SET_OR_NOT.includes(name) || !isDefault(name, item))
      kept[name] = MAPS.includes(name) ? item : withoutDefaults(item);
  return kept;
}

function isDefault(name: string, item: unknown): boolean {
  if (Array.isArray(item)) return item.length === 0;
  if (isObject(item)) return MAPS.includes(name) && Object.keys(item).length === 0;
  return !item;
}
