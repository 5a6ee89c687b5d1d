// A simulation worker: what is planted inside a run fails that run and no other; and how many workers there are
// changes no result.

import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import calibration from '../../scenarios/calibration.json' with { type: 'json' };
import { createPool } from '../../simulator/pool.ts';
import type { RunSpec } from '../../simulator/run.ts';
import type { PlantName, RunsReport } from './fixtures/runs.ts';
import { rolloutOf, simulate } from './harness.ts';

const scenario = rolloutOf(2);
const specOf = (index: number): RunSpec => ({
  scenario,
  index,
  seed: 100 + index,
  factLevel: 'mid',
  factOverrides: {},
  everyEventEntering: false,
  calibration,
  asRig: false,
});

describe('a run in a worker', () => {
  it.each<[PlantName, RegExp]>([
    ['a rejection that nobody awaits', /^nobody awaits this$/],
    ['a rejection long after its cause', /^nobody awaits this$/],
    ['a throw', /^thrown inside$/],
    ['the clock of the machine', /^globalThis.Date was used inside a simulation/],
    ['the chance of the machine', /^Math.random was used inside a simulation/],
    ['a timer of the machine', /^globalThis.setTimeout was used inside a simulation/],
    ['the settings of the machine', /^process.env was used inside a simulation/],
    ['the locale of the machine', /^String.prototype.localeCompare was used inside a simulation/],
  ])('fails by %s, and the next one does not', async (plant, message) => {
    const workerData = { spec: specOf(0), plant };
    const worker = new Worker(new URL('./fixtures/runs.ts', import.meta.url), { workerData });
    const report = await new Promise<RunsReport>((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    expect(report.failure).toMatch(message);
    const { hash } = await simulate(scenario, { seed: 100 });
    expect(report).toMatchObject({ hash, clockWorks: true });
  });
});

describe('a pool', () => {
  it('gives what runs in this process give, in their order, with one worker and with two', async () => {
    const specs = [3, 1, 2, 0].map(specOf);
    const expected = [];
    for (const { index, seed } of specs) expected.push(await simulate(scenario, { index, seed }));
    for (const workers of [1, 2]) {
      const pool = createPool(workers);
      expect(await pool.run(specs, () => {})).toEqual(expected);
      await pool.close();
    }
  });

  it('gives nothing for runs that were stopped', async () => {
    const pool = createPool(1);
    pool.stop();
    expect(await pool.run([specOf(0), specOf(1)], () => {})).toEqual([undefined, undefined]);
    await pool.close();
  });
});
