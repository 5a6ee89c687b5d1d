// A map that cannot grow without end: what was written first goes first. The caches among the fakes keep their entries
// in one, as a cache evicts what it has no room for.

export class BoundedMap<Value> {
  private readonly values = new Map<string, Value>();
  private readonly entriesMax: number;

  constructor(entriesMax: number) {
    this.entriesMax = entriesMax;
  }

  get size(): number {
    return this.values.size;
  }

  get(key: string): Value | undefined {
    return this.values.get(key);
  }

  /** A key that is written again counts as new. */
  set(key: string, value: Value): void {
    this.values.delete(key);
    if (this.values.size >= this.entriesMax) this.values.delete(this.values.keys().next().value!);
    this.values.set(key, value);
  }
}
