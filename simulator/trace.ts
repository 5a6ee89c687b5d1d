// A running hash over every call that arrived at the clouds: when, which and how it was answered. Two runs that differ
// in what they do differ here.

const floats = new Float64Array(1);
const words = new Uint32Array(floats.buffer);

export class Trace {
  private hash = 0x811c9dc5;

  fold(timeMs: number, value: number, key: readonly number[]): void {
    floats[0] = timeMs;
    this.word(words[0]);
    this.word(words[1]);
    this.word(value);
    for (let i = 0; i < key.length; i++) this.word(key[i]);
  }

  hex(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }

  /** One step of FNV-1a over a 32-bit word, with a rotation so that high bits come down. */
  private word(value: number): void {
    const mixed = Math.imul(this.hash ^ value, 0x01000193);
    this.hash = (mixed << 13) | (mixed >>> 19);
  }
}
