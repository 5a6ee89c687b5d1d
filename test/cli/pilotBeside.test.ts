// A pilot's rollout beside the same one in virtual time: at real speed it stands there, elsewhere the report says why not.
// The machine may be busy, so what must be equal is judged, and no time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../reports/report.ts';
import { newFolder, sandtable } from './command.ts';

/** Three companies, and clouds that answer five times sooner. */
const QUICK = [
  'run.phases=["rollout"]',
  'population.companies=3',
  'population.regions={"us-west1":1,"us-central1":1,"europe-west1":1}',
  'population.advanced=1',
  'facts={"fit.latency-factor":0.2}',
].flatMap(set => ['--set', set]);

const reportIn = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

describe.concurrent('a pilot', () => {
  it('at real speed stands beside its simulation, row by row', async () => {
    const folder = newFolder();
    const { stdout } = await sandtable('pilot', 'pilot-100', ...QUICK, '--report-dir', folder);
    const { rollout, rolloutCrosscheck } = reportIn(folder);
    expect(rollout!.simulated).toMatchObject({ completed: 3, provisioningMs: { companies: 3 } });
    expect(rollout!.simulated!.durationMs).toBeGreaterThan(1000);
    const rows = rolloutCrosscheck!.rows.filter(({ unit, tolerance }) => unit === 'count' && tolerance === 0);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter(({ within }) => !within)).toEqual([]);
    expect(stdout).toMatch(/^Simulated {8}.*; provisioning P50 /m);
    expect(stdout).toMatch(/^Crosscheck {7}(PASS|FAIL|INCONCLUSIVE), \d+ of \d+ figures within tolerance/m);
    expect(stdout).not.toContain('void');
  });

  it('that is in a hurry does not, and says why', async () => {
    const folder = newFolder();
    const args = ['pilot', 'pilot-100', ...QUICK, '--speed', '20', '--report-dir', folder];
    const { stdout } = await sandtable(...args);
    expect(reportIn(folder)).toMatchObject({ rolloutCrosscheck: null, rollout: { simulated: null } });
    expect(stdout).toMatch(/^Crosscheck {7}none at ×20, where what local HTTP takes is multiplied/m);
    expect(stdout).not.toMatch(/^Simulated/m);
  });
});
