// A calibration as its user has it: a document that the simulator takes, made by load on a real gateway process.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadCalibration } from '../../cli/calibration.ts';
import { ANSWERERS } from '../../scenarios/calibration.ts';
import { REQUEST_KINDS } from '../../scenarios/scenario.ts';
import { newFolder, start } from './command.ts';

// A generator that was late, on a busy machine, ends a calibration: then it is made again.
const PATIENT = { timeout: 300_000, retry: 2 };

test(
  'writes a document that can be charged by, says how to use it, and leaves nothing else',
  PATIENT,
  async () => {
    const folder = newFolder();
    const out = join(folder, 'calibration.json');
    const { code, stdout } = await start('calibrate', '--requests', '20', '--out', out).ended;
    expect(code).toBe(0);
    expect(stdout).toContain(`sandtable run peak-hour --calibration ${out}`);
    const { calibration } = loadCalibration(out);
    expect(calibration.source).toContain('emulated on loopback');
    for (const kind of REQUEST_KINDS) expect(calibration.demand[kind].high).toBeGreaterThan(0);
    // A call to a service costs more than an answer that the gateway gives by itself.
    expect(calibration.demand['tools/call'].ms).toBeGreaterThan(calibration.demand.health.ms);
    for (const answerer of ANSWERERS) expect(calibration.rigOverheadMs[answerer].ms).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual(['calibration.json']);
  },
);

test('refuses a place that takes no file before it does any work', async () => {
  const { code, stderr } = await start('calibrate', '--out', join(newFolder(), 'absent', 'x.json')).ended;
  expect(code).toBe(2);
  expect(stderr).toContain('--out');
});
