// `gate` as a CI job has it: exit code, summary and test report.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gate } from '../../cli/gate.ts';
import { loadScenario } from '../../cli/input.ts';
import type { Report } from '../../reports/report.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { newFolder, sandtable } from './command.ts';

const reportIn = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

/** Seventeen companies, one replication; nothing else is quick enough for so many cases. */
const QUICK = ['today', '--replications', '1', '--workers', '1'];

describe.concurrent('sandtable gate', () => {
  it.each([
    ['PASS', 0, ['--set', 'kpis.0.target.value=0.5']],
    ['FAIL', 1, ['--set', 'kpis.0.target.value=0.5', '--fact', 'fit.latency-factor=10']],
    ['INCONCLUSIVE', 3, []],
    ['NO_DATA', 3, ['--set', 'kpis.0.required=false', '--set', 'kpis.1.required=true']],
  ])('ends %s in %d', async (verdict, code, changes) => {
    const folder = newFolder();
    const ended = await sandtable('gate', ...QUICK, ...changes, '--report-dir', folder);
    // A run that takes long says how far it is.
    expect(ended.stderr).toMatch(/^(today: simulating: .*\n)*$/);
    expect(reportIn(folder).verdict).toBe(verdict);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe(readFileSync(join(folder, 'report.md'), 'utf8'));
    expect(ended.stdout).toMatch(new RegExp(`^## ${verdict.replace('_', '\\\\?_')}: today\n`));
    expect(readdirSync(folder).sort()).toEqual([
      'junit.xml',
      'report.html',
      'report.json',
      'report.md',
      'waterfall.csv',
    ]);
  });

  it('comes to the same figures as a run', async () => {
    const [one, two] = [newFolder(), newFolder()];
    const args = [...QUICK, '--seed', '7', '--report-dir'];
    await Promise.all([sandtable('run', ...args, one), sandtable('gate', ...args, two)]);
    const figures = (folder: string) => ({ ...reportIn(folder), environment: null, command: '' });
    expect(figures(two)).toEqual(figures(one));
    expect(reportIn(two).command).toBe('sandtable gate today --seed 7');
  });

  it('writes junit.xml in another place too', async () => {
    const folder = newFolder();
    const junit = join(newFolder(), 'results.xml');
    await sandtable('gate', ...QUICK, '--report-dir', folder, '--junit', junit);
    expect(readFileSync(junit, 'utf8')).toBe(readFileSync(join(folder, 'junit.xml'), 'utf8'));
    expect(readFileSync(junit, 'utf8')).toMatch(/<error message="INCONCLUSIVE: .*" type="INCONCLUSIVE">/);
  });

  it('prints the report as JSON on demand', async () => {
    const folder = newFolder();
    const { stdout } = await sandtable('gate', ...QUICK, '--json', '--report-dir', folder);
    expect(JSON.parse(stdout)).toEqual(reportIn(folder));
  });

  it.each([
    ['an empty place', () => '', /--junit is empty/],
    [
      'a folder that is not there',
      () => join(newFolder(), 'no', 'junit.xml'),
      /--junit .* cannot be written \(ENOENT\)/,
    ],
    ['a folder', newFolder, /--junit .* cannot be written \(it is no file\)/],
  ])('refuses %s for junit.xml before any work', async (_what, place, message) => {
    const report = join(newFolder(), 'report');
    const ended = await sandtable('gate', ...QUICK, '--report-dir', report, '--junit', place());
    expect(ended.stderr).toMatch(message);
    expect([ended.code, ended.stdout, existsSync(report)]).toEqual([2, '', false]);
  });

  it('has no baseline yet, and says so', async () => {
    const { code, stderr } = await sandtable('gate', ...QUICK, '--baseline', 'x.json');
    expect(stderr).toContain("unknown option '--baseline'");
    expect(code).toBe(2);
  });
});

describe('the summary of a CI job', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  const asked = { verb: 'gate', scenario: 'today', flags: [] } as const;
  const scenario = (): Scenario => loadScenario('today');
  const flags = (reportDir: string) => ({ facts: {}, replications: 1, workers: 1, reportDir });
  const silence = () => vi.spyOn(process.stdout, 'write').mockImplementation(() => true);

  it('is added to, after what other steps said', async () => {
    const out = silence();
    const [folder, file] = [newFolder(), join(newFolder(), 'summary.md')];
    writeFileSync(file, '# Other steps\n\n');
    vi.stubEnv('GITHUB_STEP_SUMMARY', file);
    expect(await gate(scenario(), asked, flags(folder))).toBe(3);
    const markdown = readFileSync(join(folder, 'report.md'), 'utf8');
    expect(readFileSync(file, 'utf8')).toBe(`# Other steps\n\n${markdown}\n`);
    expect(out.mock.calls.map(([text]) => text)).toEqual([markdown]);
  });

  it('is left alone where CI names none', async () => {
    silence();
    vi.stubEnv('GITHUB_STEP_SUMMARY', '');
    expect(await gate(scenario(), asked, flags(newFolder()))).toBe(3);
  });

  it.each([
    ['is a folder', (folder: string) => folder, 'EISDIR'],
    ['lies in a folder that is not there', (folder: string) => join(folder, 'no', 'summary.md'), 'ENOENT'],
  ])('that %s is an error of the input, before any work', async (_what, place, code) => {
    const folder = newFolder();
    mkdirSync(join(folder, 'taken'));
    vi.stubEnv('GITHUB_STEP_SUMMARY', place(join(folder, 'taken')));
    const report = join(folder, 'report');
    await expect(gate(scenario(), asked, flags(report))).rejects.toMatchObject({
      code: 'INPUT',
      message: expect.stringMatching(`which GITHUB_STEP_SUMMARY names, cannot be written \\(${code}\\)`),
    });
    expect(existsSync(report)).toBe(false);
  });
});
