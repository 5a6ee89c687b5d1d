// A rollout in real time on its own, for a crosscheck: fakes in a process of their own, a journal in a temporary file, the
// pilot's own code. Nothing of it outlives the run, however that ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** As in `PilotResult`. */
  readonly lateMs: number;
};

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
      const { replication, lateMs } = await runPilot({
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
      return { rollout: replication.rollout!, lateMs };
    } finally {
      await fakes.stop();
    }
  } finally {
    stores.close();
    process.off('exit', removeFolder);
    removeFolder();
  }
}
