// What the platform may rely on in its chance: the drawn one of a simulation and the machine's.

import { describe, expect, it, vi } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import calibration from '../../scenarios/calibration.json' with { type: 'json' };
import { runReplication } from '../../simulator/run.ts';
import type { CallKey, Chance } from '../../src/ports.ts';
import type { RolloutPorts } from '../../src/provisioning/rollout.ts';
import { systemChance } from '../../src/runtime/chance.ts';

let program: (ports: RolloutPorts) => Promise<void>;
vi.mock('../../src/provisioning/rollout.ts', async original => ({
  ...(await original<object>()),
  rollOut: (ports: RolloutPorts) => program(ports),
}));

async function simulated(seed: number): Promise<Chance> {
  let found: Chance | undefined;
  program = async ({ chance }) => {
    found = chance;
  };
  const spec = {
    index: 0,
    seed,
    factLevel: 'mid',
    factOverrides: {},
    everyEventEntering: false,
    calibration,
    asRig: false,
  } as const;
  await runReplication({ ...spec, scenario: loadScenario('today') }, {});
  return found!;
}

const CHANCES: readonly [name: string, chance: () => Promise<Chance>][] = [
  ['of a simulation', () => simulated(7)],
  ['of the machine', async () => systemChance],
];
const KEYS: CallKey[] = Array.from({ length: 2000 }, (_, n) => [n >> 5, n & 31, 0, 1]);

describe.each(CHANCES)('the chance %s', (_name, open) => {
  it('is uniform in [0, 1)', async () => {
    const { uniform } = await open();
    const draws = KEYS.map(uniform);
    expect(draws.every(draw => draw >= 0 && draw < 1)).toBe(true);
    // Each tenth expects 200 of 2,000 draws, with a deviation of 13; a fair one leaves the band once in 10^8 runs.
    for (let tenth = 0; tenth < 10; tenth++) {
      const inTenth = draws.filter(draw => Math.floor(draw * 10) === tenth).length;
      expect(Math.abs(inTenth - 200)).toBeLessThan(80);
    }
  });

  it('gives secrets of 32 bytes in base64url, no two alike', async () => {
    const { secret } = await open();
    const secrets = KEYS.slice(0, 300).map(secret);
    for (const one of secrets) {
      expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(one, 'base64url')).toHaveLength(32);
    }
    expect(new Set(secrets).size).toBe(300);
    expect(new Set(secrets.join('')).size).toBe(64);
  });
});

describe('the chance of a simulation', () => {
  it('gives a key the same draw whatever was drawn before, and in every run', async () => {
    const [a, b] = [await simulated(7), await simulated(7)];
    const backwards = KEYS.toReversed().map(a.uniform).toReversed();
    expect(KEYS.map(b.uniform)).toEqual(backwards);
    expect(a.secret([1, 2])).toBe(b.secret([1, 2]));
  });

  it('gives other keys and other seeds other draws', async () => {
    const [a, b] = [await simulated(7), await simulated(8)];
    expect(new Set(KEYS.map(a.uniform)).size).toBe(KEYS.length);
    expect(KEYS.filter(key => a.uniform(key) === b.uniform(key))).toEqual([]);
    expect(a.secret([1])).not.toBe(b.secret([1]));
  });
});

it('the chance of the machine never repeats itself, not even for one key', () => {
  const keys = Array.from({ length: 100 }, () => [1, 2, 3]);
  expect(new Set(keys.map(systemChance.uniform)).size).toBe(100);
  expect(new Set(keys.map(systemChance.secret)).size).toBe(100);
});
