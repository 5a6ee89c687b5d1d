// A rollout in real time on its own, for a crosscheck: fakes in a process of their own, a journal in a temporary file, the
// pilot's own code. Nothing of it outlives the run, however that ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { RolloutMeasurement } from '../reports/measurement.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { holderOf, openStores } from '../src/runtime/stores.ts';
import { readHealth } from './fakesPages.ts';
import { startFakesProcess } from './fakesProcess.ts';
import { runPilot } from './pilot.ts';

export type RolloutRunOptions = {
  /** What the fakes and the limiters draw from is in its facts. */
  readonly scenario: Scenario;
  readonly seed: number;
  /** 1: what it takes can be held against virtual time. */
  readonly speed: number;
  readonly onProgress: (ended: number, planned: number) => void;
};

export type RolloutRun = {
  readonly rollout: RolloutMeasurement;
  /** By how much this process was late for what it had to do, in real milliseconds: P99 over the run. */
  readonly lateMs: number;
};

/** Finer than the lateness that is looked for. */
const LOOK_EVERY_MS = 5;

export async function runRollout({
  scenario,
  seed,
  speed,
  onProgress,
}: RolloutRunOptions): Promise<RolloutRun> {
  const folder = mkdtempSync(join(tmpdir(), 'sandtable rollout '));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const stores = openStores(join(folder, 'journal.sqlite'));
  const late = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  try {
    const fakes = await startFakesProcess({
      scenario,
      seed: replicationSeed(seed, 0),
      factOverrides: {},
      adopted: false,
      delays: true,
      speed,
    });
    try {
      const health = await readHealth(fakes.url);
      late.enable();
      const { replication } = await runPilot({
        scenario,
        seed,
        fakesUrl: fakes.url,
        fakes: health,
        stores,
        holder: holderOf(process.pid),
        identity: `${scenario.name} ${seed}`,
        log: () => {},
        afterPause: undefined,
        onProgress,
      });
      late.disable();
      const lateMs = Math.max(0, late.percentile(99) / 1e6 - LOOK_EVERY_MS);
      return { rollout: replication.rollout!, lateMs };
    } finally {
      await fakes.stop();
    }
  } finally {
    late.disable();
    stores.close();
    process.off('exit', removeFolder);
    removeFolder();
  }
}
