// What `crosscheck` writes of a rollout, and what `run` makes of the file that it finds beside its report.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastCrosscheck } from '../../cli/crosscheckFile.ts';
import { loadScenario, scenarioHash } from '../../cli/input.ts';
import type { CrosscheckReport } from '../../reports/crosscheckReport.ts';
import type { Report } from '../../reports/report.ts';
import { newFolder, sandtable } from './command.ts';

const SCENARIO = loadScenario('crosscheck-rollout');

const ROLLOUT: CrosscheckReport = {
  scenario: 'crosscheck-rollout',
  verdict: 'PASS',
  rows: [
    {
      figure: 'provisioning P95',
      simulated: 40_000,
      emulated: 40_400,
      deviation: 0.01,
      tolerance: 0.05,
      within: true,
      unit: 'ms',
    },
  ],
  withDelays: true,
};
const DOCUMENT = {
  schemaVersion: 1,
  scenarioHash: scenarioHash(SCENARIO),
  rollout: ROLLOUT,
  withDelays: null,
};

/** A folder with that as its last crosscheck. */
function folderWith(document: unknown): string {
  const folder = newFolder();
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  writeFileSync(join(folder, 'crosscheck.json'), text);
  return folder;
}

const reportIn = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
const run = (folder: string, ...flags: string[]) =>
  sandtable(
    ...['run', 'crosscheck-rollout', '--replications', '1', '--workers', '1', '--report-dir', folder],
    ...flags,
  );

describe('the last crosscheck', () => {
  it('is that of the rollout, of the traffic, or of both', () => {
    const none = { rollout: null, traffic: null };
    expect(lastCrosscheck(folderWith(DOCUMENT), SCENARIO)).toEqual({ ...none, rollout: ROLLOUT });
    const both = { ...DOCUMENT, withDelays: { ...ROLLOUT, verdict: 'FAIL' } };
    expect(lastCrosscheck(folderWith(both), SCENARIO).traffic!.verdict).toBe('FAIL');
    const { rollout: _, ...older } = both;
    expect(lastCrosscheck(folderWith(older), SCENARIO).rollout).toBeNull();
    expect(lastCrosscheck(newFolder(), SCENARIO)).toEqual(none);
  });

  it.each([
    ['another scenario', { ...DOCUMENT, scenarioHash: 'f'.repeat(64) }],
    ['another version', { ...DOCUMENT, schemaVersion: 2 }],
    ['nothing', null],
  ])('of %s is none', (_what, document) => {
    expect(lastCrosscheck(folderWith(document), SCENARIO)).toEqual({ rollout: null, traffic: null });
  });

  it.each<[string, unknown, RegExp]>([
    ['is no JSON', '{"schemaVersion": 1,', /JSON/],
    ['has no rows', { ...DOCUMENT, rollout: { ...ROLLOUT, rows: undefined } }, /'rows'/],
    ['has another verdict', { ...DOCUMENT, rollout: { ...ROLLOUT, verdict: 'GOOD' } }, /\/verdict must/],
    [
      'has a figure that is no number',
      { ...DOCUMENT, rollout: { ...ROLLOUT, rows: [{ ...ROLLOUT.rows[0], emulated: 'slow' }] } },
      /\/rows\/0\/emulated must be number/,
    ],
  ])('that %s is refused, with what to do', (_what, document, why) => {
    const folder = folderWith(document);
    expect(() => lastCrosscheck(folder, SCENARIO)).toThrow(why);
    expect(() => lastCrosscheck(folder, SCENARIO)).toThrow(
      /crosscheck\.json cannot be read: .*; delete it, or make it again with: sandtable crosscheck crosscheck-rollout/,
    );
  });
});

describe('sandtable run', () => {
  it('quotes the crosscheck of its rollout, and not that of a changed one', async () => {
    const folder = folderWith(DOCUMENT);
    const { stdout } = await run(folder);
    expect(stdout).toMatch(/^Crosscheck {7}PASS, 1 of 1 figures within tolerance.*provisioning P95, \+1 %/m);
    expect(reportIn(folder)).toMatchObject({ rolloutCrosscheck: ROLLOUT, verdict: 'PASS' });
    const changed = await run(folder, '--set', 'provisioning.batchSize=10');
    expect(changed.stdout).toMatch(/^Crosscheck {7}none yet: sandtable crosscheck crosscheck-rollout$/m);
    expect(reportIn(folder).rolloutCrosscheck).toBeNull();
  });

  it('says nothing of a rollout whose crosscheck was out of tolerance', async () => {
    const folder = folderWith({ ...DOCUMENT, rollout: { ...ROLLOUT, verdict: 'FAIL' } });
    const { code, stdout } = await run(folder, '--strict');
    expect(stdout).toMatch(/^NO_DATA/m);
    expect(stdout).toContain('the simulated verdicts on the rollout are void');
    expect(code).toBe(3);
  });
});

describe('sandtable crosscheck', () => {
  it('of a rollout ends by its verdict, and writes what run quotes unless its machine was late', async () => {
    const folder = newFolder();
    const three = [
      'population.companies=3',
      'population.regions={"us-west1":1,"us-central1":1,"europe-west1":1}',
      'population.advanced=1',
    ].flatMap(set => ['--set', set]);
    const quick = ['--fact', 'fit.latency-factor=0.2', '--fact', 'net.vendor-one-way=5'];
    const args = ['crosscheck', 'crosscheck-rollout', ...three, ...quick, '--report-dir', folder];
    const { code, stdout, stderr } = await sandtable(...args);
    expect(stdout, stderr).toMatch(
      /^crosscheck-rollout, the same rollout of 3 companies: (PASS|FAIL|INCONCLUSIVE)$/m,
    );
    // What must be equal is, on whatever machine this is.
    expect(stdout).toMatch(/^companies that ended alike +3 +3 +\+0 % +0 % +within$/m);
    expect(stdout).toMatch(/^calls of cloudRun\.services\.create +3 +3 .*within$/m);
    const path = join(folder, 'crosscheck.json');
    if (code === 3) {
      expect(stderr).toMatch(/invalid, so nothing is written:\nthe provisioner was up to .* ms late/);
      expect(existsSync(path)).toBe(false);
      return;
    }
    const written = JSON.parse(readFileSync(path, 'utf8'));
    const set = loadScenario(
      'crosscheck-rollout',
      three.filter(arg => arg !== '--set'),
    );
    expect(lastCrosscheck(folder, set).rollout).toEqual(written.rollout);
    expect(written).toMatchObject({ withDelays: null, withoutDelays: null, seed: 42 });
    expect(written.flags).toContain('--fact fit.latency-factor=0.2');
    expect(code).toBe({ PASS: 0, FAIL: 1 }[written.rollout.verdict as 'PASS' | 'FAIL']);
  });
});
