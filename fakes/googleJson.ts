// What Google's JSON leaves out: a field that has the default of its type is not written, so that a client finds no
// `labels` where there are none, and no 0 and no false. A message that is there is written, though it be empty.

/** Maps, unlike messages, are not there when they are empty. */
const MAPS = new Set(['labels', 'annotations', 'limits']);
/** Fields of which the vendor knows whether they were set: the default is written as well. */
const SET_OR_NOT = new Set(['manualInstanceCount', 'value']);

export function withoutDefaults(message: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  // Plain objects; `Object.entries` would take twice as long, and every answer comes through here.
  for (const name in message) {
    const value = message[name];
    if (SET_OR_NOT.has(name) || !isDefault(name, value)) kept[name] = MAPS.has(name) ? value : fieldOf(value);
  }
  return kept;
}

function fieldOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? value.map(fieldOf) : withoutDefaults(value as Record<string, unknown>);
}

function isDefault(name: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  if (Array.isArray(value)) return value.length === 0;
  return MAPS.has(name) && Object.keys(value).length === 0;
}
