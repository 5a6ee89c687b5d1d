// `run` and `fakes` as processes: what they print and write, and how they stop.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { INTERRUPTED } from '../../cli/output.ts';
import { run } from '../../cli/run.ts';
import type { Report } from '../../reports/report.ts';
import { newFolder, sandtable, start, until } from './command.ts';

const reportIn = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
/** What must be the same to the byte. */
const withoutEnvironment = (folder: string) => JSON.stringify({ ...reportIn(folder), environment: null });

const page = async <T>(url: string, path: string): Promise<T> =>
  (await (await fetch(url + path)).json()) as T;

describe.concurrent('sandtable run', () => {
  it('prints the report as JSON and nothing else, and writes it in four forms', async () => {
    const folder = newFolder();
    const { code, stdout, stderr } = await sandtable(
      ...['run', 'today', '--replications', '3', '--workers', '1', '--json', '--report-dir', folder],
    );
    // A run that takes long says how far it is.
    expect(stderr).toMatch(/^(today: simulating: .*\n)*$/);
    expect(JSON.parse(stdout)).toEqual(reportIn(folder));
    expect(reportIn(folder)).toMatchObject({
      scenario: 'today',
      clock: 'virtual',
      label: 'simulated',
      partial: false,
      seed: 42,
    });
    expect(reportIn(folder).replications).toHaveLength(3);
    expect(readdirSync(folder).sort()).toEqual(
      expect.arrayContaining(['junit.xml', 'report.html', 'report.md']),
    );
    expect(code).toBe(0);
  });

  it.each([
    ['PASS', 0, ['pilot-100', '--replications', '2']],
    ['FAIL', 1, ['pilot-100', '--replications', '1', '--fact', 'fit.latency-factor=10']],
    ['INCONCLUSIVE', 3, ['today', '--replications', '1']],
    [
      'NO_DATA',
      3,
      ['today', '--replications', '1', '--set', 'kpis.0.required=false', '--set', 'kpis.1.required=true'],
    ],
  ])('ends a strict run with the verdict %s in %d', async (verdict, code, args) => {
    const folder = newFolder();
    const ended = await sandtable('run', ...args, '--strict', '--workers', '1', '--report-dir', folder);
    expect(reportIn(folder).verdict).toBe(verdict);
    expect(ended.stdout).toMatch(new RegExp(`^${verdict} `, 'm'));
    expect(ended.code).toBe(code);
  });

  it('reports the same to the byte whatever the workers, and with every event entering', async () => {
    const folders = await Promise.all(
      [['--workers', '1'], ['--workers', '2'], ['--entering']].map(async flags => {
        const folder = newFolder();
        const args = ['run', 'pilot-100', '--replications', '2', '--report-dir', folder, ...flags];
        expect((await sandtable(...args)).code).toBe(0);
        return folder;
      }),
    );
    const [first, ...others] = folders.map(withoutEnvironment);
    for (const other of others) expect(other).toBe(first);
  });

  it('draws other figures from another seed, and comes to the same verdict', async () => {
    const [first, second] = await Promise.all(
      ['42', '43'].map(async seed => {
        const folder = newFolder();
        await sandtable('run', 'pilot-100', '--replications', '1', '--seed', seed, '--report-dir', folder);
        return reportIn(folder);
      }),
    );
    expect([first.seed, second.seed]).toEqual([42, 43]);
    expect(second.replications).not.toEqual(first.replications);
    expect(second.rollout!.durationMs).not.toEqual(first.rollout!.durationMs);
    expect(second.verdict).toBe(first.verdict);
  });
});

it('an interrupted run reports what had finished, and says that it is partial', async () => {
  const folder = newFolder();
  const running = start(
    'run',
    'pilot-100',
    '--replications',
    '1000',
    '--workers',
    '1',
    '--report-dir',
    folder,
  );
  // A line of progress comes every ten seconds; on a slow machine the first may tell of part of a replication.
  await running.printed(/pilot-100: simulating: [1-9]\d*(\.\d+)? of 1002 replications/);
  running.process.kill('SIGINT');
  const { code, stdout } = await running.ended;
  const report = reportIn(folder);
  expect(report.partial).toBe(true);
  expect(report.replications.length).toBeGreaterThan(0);
  expect(report.replications.length).toBeLessThan(1000);
  expect(stdout).toMatch(/interrupted|partial/i);
  expect(code).toBe(130);
});

it('a run that is interrupted before anything has finished says so, and writes no report', async () => {
  const folder = newFolder();
  const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
  const before = new Set(process.listeners('SIGINT'));
  const flags = { facts: {}, entering: false, strict: false, json: false, workers: 1, reportDir: folder };
  const code = run(loadScenario('load-1000'), { scenario: 'load-1000', flags: [] }, flags);
  const stop = process.listeners('SIGINT').find(listener => !before.has(listener))!;
  stop('SIGINT');
  expect(await code).toBe(INTERRUPTED);
  expect(complaint.mock.calls.join()).toContain('interrupted before a replication had finished');
  complaint.mockRestore();
  expect(readdirSync(folder)).toEqual([]);
  expect(process.listeners('SIGINT')).toEqual([...before]);
});

describe('sandtable fakes', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'prints where it listens, answers, and stops on %s',
    async signal => {
      const running = start('fakes', 'today', '--port', '0', '--print-env', '--speed', '1000');
      const [, url] = await running.printed(/export SANDTABLE_FAKES_URL=(http:\/\/127\.0\.0\.1:\d+)\n/);
      const health = await page<{ id: string }>(url, '/_health');
      expect(health).toEqual({ id: expect.any(String), nowMs: expect.any(Number), speed: 1000, effects: 0 });
      const ledger = await page(url, '/_ledger');
      expect(ledger).toMatchObject({ id: health.id, entries: [], operations: [] });
      running.process.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const lines = stdout.trimEnd().split('\n');
      for (const line of lines) expect(line).toMatch(/^export [A-Z_]+=\S+$/);
      const addresses = lines.flatMap(line => /=(http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1] ?? []);
      expect(addresses.length).toBeGreaterThan(5);
      for (const address of new Set(addresses)) await expect(fetch(address)).rejects.toThrow();
    },
  );

  it('prints a table for people, with the address of the ledger', async () => {
    const running = start('fakes', '--port', '0', '--speed', '10');
    const [, ledger] = await running.printed(/ledger {2}(http:\S+)\n/);
    expect((await fetch(ledger)).status).toBe(200);
    expect((await running.printed(/pilot-100, at 10 times the speed/)).length).toBe(1);
    running.process.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  it('stops while calls are under way, and leaves no caller waiting', async () => {
    const running = start('fakes', 'today', '--port', '0', '--speed', '1', '--fact', 'lat.resolver=60000');
    const [, url] = await running.printed(/ {2}all +(http:\S+) /);
    const outcomes = Array.from({ length: 5 }, () =>
      fetch(`${url}/dns-query?name=a.example`, {
        headers: { 'x-sandtable-host': 'cloudflare-dns.com' },
      }).then(
        () => 'answered',
        () => 'hung up',
      ),
    );
    await until('the calls have arrived', async () => {
      const { operations } = await page<{ operations: { calls: number }[] }>(url, '/_ledger');
      return operations.some(({ calls }) => calls === 5);
    });
    running.process.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    expect(await Promise.all(outcomes)).toEqual(Array(5).fill('hung up'));
  });
});
