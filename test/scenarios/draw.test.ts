// Keyed chance: uniform in every bit, without a trace of one key in its neighbour's draw, the same everywhere.

import { describe, expect, it } from 'vitest';
import { drawUint32, drawUniform, PURPOSE } from '../../scenarios/draw.ts';

const DRAWS = 1 << 16;

/** Sum of (seen − expected)² / expected over cells of equal probability. */
function chiSquare(cells: ArrayLike<number>): number {
  const counts = Array.from(cells);
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Where chi-square of `cells` cells lies in all but 1 of 10,000 samples on each side (Wilson and Hilferty, 1931). */
function chiSquareRange(cells: number): { low: number; high: number } {
  const freedom = cells - 1;
  const at = (z: number) => freedom * (1 - 2 / (9 * freedom) + z * Math.sqrt(2 / (9 * freedom))) ** 3;
  return { low: at(-3.719), high: at(3.719) };
}

/** Too even is as wrong as too uneven. */
function expectUniform(cells: ArrayLike<number>): void {
  const { low, high } = chiSquareRange(cells.length);
  const seen = chiSquare(cells);
  expect(seen).toBeGreaterThan(low);
  expect(seen).toBeLessThan(high);
}

const BYTES = [0, 8, 16, 24];

/** Keys as they occur: of one company after another, of one call after another, of far apart companies. */
const KEYS: readonly [string, (i: number) => readonly number[]][] = [
  ['one number', i => [i]],
  ['company after company', i => [i, 3, 0, 0, 0, 0]],
  ['call after call', i => [i >> 6, (i >> 2) & 15, 0, i & 3, 0, 0]],
  ['powers of two', i => [i << 16, i & 1]],
  ['negative numbers', i => [-1 - i, -1]],
];

describe.each(KEYS)('draws by %s', (_, keyOf) => {
  it.each(BYTES)('are uniform in the eight bits from bit %i', shift => {
    for (const seed of [0, 1, 42, 0xffffffff]) {
      const cells = new Uint32Array(256);
      for (let i = 0; i < DRAWS; i++)
        cells[(drawUint32(seed, PURPOSE.operation, keyOf(i)) >>> shift) & 255]++;
      expectUniform(cells);
    }
  });

  it("are independent of the neighbour's draw", () => {
    for (const shift of BYTES) {
      const cells = new Uint32Array(256);
      let before = drawUint32(1, PURPOSE.operation, keyOf(0)) >>> shift;
      for (let i = 1; i <= DRAWS; i++) {
        const draw = drawUint32(1, PURPOSE.operation, keyOf(i)) >>> shift;
        cells[((before & 15) << 4) | (draw & 15)]++;
        before = draw;
      }
      expectUniform(cells);
    }
  });

  it.each<[string, (key: readonly number[]) => number]>([
    ['another purpose', key => drawUint32(1, PURPOSE.duration, key)],
    ['the next seed', key => drawUint32(2, PURPOSE.operation, key)],
    ['a longer key', key => drawUint32(1, PURPOSE.operation, [...key, 0])],
    ['a key in another order', key => drawUint32(1, PURPOSE.operation, [7, ...key])],
  ])('are independent of those with %s', (_, other) => {
    for (const shift of BYTES) {
      const cells = new Uint32Array(256);
      for (let i = 0; i < DRAWS; i++) {
        const draw = drawUint32(1, PURPOSE.operation, keyOf(i)) >>> shift;
        cells[((draw & 15) << 4) | ((other(keyOf(i)) >>> shift) & 15)]++;
      }
      expectUniform(cells);
    }
  });

  it('give uniforms in [0, 1) that fill the interval', () => {
    const cells = new Uint32Array(256);
    for (let i = 0; i < DRAWS; i++) {
      const uniform = drawUniform(1, PURPOSE.operation, keyOf(i));
      expect(uniform >= 0 && uniform < 1).toBe(true);
      cells[Math.floor(uniform * 256)]++;
    }
    expectUniform(cells);
  });
});

describe('a draw', () => {
  it('changes half of its bits when one bit of its key changes', () => {
    let changed = 0;
    let compared = 0;
    for (let i = 0; i < 2000; i++)
      for (let bit = 0; bit < 32; bit += 5) {
        let difference =
          drawUint32(1, PURPOSE.fault, [i, 4]) ^ drawUint32(1, PURPOSE.fault, [i ^ (1 << bit), 4]);
        for (; difference !== 0; difference &= difference - 1) changed++;
        compared += 32;
      }
    expect(Math.abs(changed / compared - 0.5)).toBeLessThan(0.005);
  });

  it('has 53 bits as a uniform, of which the low ones are chance too', () => {
    const cells = new Uint32Array(256);
    for (let i = 0; i < DRAWS; i++) {
      const bits = drawUniform(1, PURPOSE.jitter, [i]) * 2 ** 53;
      expect(Number.isInteger(bits)).toBe(true);
      cells[bits % 256]++;
    }
    expectUniform(cells);
  });

  it('never has a purpose that another use has', () => {
    const purposes = Object.values(PURPOSE);
    expect(new Set(purposes).size).toBe(purposes.length);
  });

  it('takes whole numbers of 32 bits: what lies beyond them says nothing', () => {
    expect(drawUint32(2 ** 32 + 1, 1, [2 ** 32 + 5])).toBe(drawUint32(1, 1, [5]));
  });

  it.each<[number, number, readonly number[], number, number]>([
    [0, 0, [], 1746965550, 0.40674711292526455],
    [42, 1, [0], 2161690687, 0.5033078324148139],
    [42, 5, [7, 3, 0, 1, 2, 0], 3981284945, 0.9269651358204523],
    [4294967295, 11, [-1, 2147483647], 4094286329, 0.9532753169090641],
  ])('of (%i, %i, %j) is the same everywhere, today and later', (seed, purpose, key, integer, uniform) => {
    expect(drawUint32(seed, purpose, key)).toBe(integer);
    expect(drawUniform(seed, purpose, key)).toBe(uniform);
  });
});
