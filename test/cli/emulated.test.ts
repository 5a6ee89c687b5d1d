// `load`, `pilot` and `crosscheck` as processes, with the real k6: how they end, what they write, and that nothing of theirs
// outlives them. The figures are of a busy machine, so none of them is judged here.

import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Report } from '../../reports/report.ts';
import { resolveK6 } from '../../rig/k6Binary.ts';
import { isAlive } from '../processes.ts';
import { newFolder, sandtable, start, until } from './command.ts';

/** Building k6 takes some minutes on a machine that has none. */
const K6_MS_MAX = 900_000;
const EXIT_CODES = { PASS: 0, FAIL: 1, INCONCLUSIVE: 3, NO_DATA: 3 };
/** Some 15 requests a second to three companies, one a region. */
const THREE_COMPANIES = [
  'population.companies=3',
  'population.regions={"us-west1":1,"us-central1":1,"europe-west1":1}',
  'population.advanced=1',
  'population.agents=6000',
  'population.agentsSpread=0',
  'traffic.requestsPerAgentHour=9.6',
  'traffic.duration=3s',
].flatMap(change => ['--set', change]);

let k6: string;
beforeAll(async () => {
  k6 = (await resolveK6({ log: ({ message }) => console.error(message) })).path;
}, K6_MS_MAX);
afterEach(() => {
  vi.unstubAllEnvs();
});

const reportIn = (folder: string): Report => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

/** But for what the generator of a busy machine did not get to, which the report says. */
function expectCountedAlike({ traffic }: Report): void {
  const { due, sent, edgeHits, handled, answered, forwarded, ledger } = traffic!.counts;
  expect(due).toBeGreaterThan(20);
  if (sent !== due) expect(traffic!.worthless).toContain(`${due} requests were due and ${sent} were sent`);
  expect([edgeHits + handled, answered, ledger]).toEqual([sent, handled, forwarded]);
  expect(forwarded).toBeGreaterThan(0);
  expect([traffic!.requests, traffic!.errors, traffic!.countViolations]).toEqual([due, due - sent, []]);
}

/** For every command that is started from here on: a k6 that runs this in `sh` first, with the real one as $K6. */
function stubK6(script: string): void {
  const path = join(newFolder(), 'k6');
  writeFileSync(path, `#!/bin/sh\nK6='${k6}'\n[ "$1" = run ] || exec "$K6" "$@"\n${script}\n`);
  chmodSync(path, 0o755);
  vi.stubEnv('K6_BIN', path);
}

/** From here on each process of a command leaves its id in the folder that this returns, and its files in `temporary`. */
function stubProcesses(temporary: string): string {
  const ids = newFolder();
  const code = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(`${ids}/`)} + process.pid, '');`;
  vi.stubEnv('NODE_OPTIONS', `--import data:text/javascript,${encodeURIComponent(code)}`);
  stubK6(`: > '${ids}'/$$; : > '${ids}/k6'\nexec "$K6" "$@"`);
  vi.stubEnv('TMPDIR', temporary).stubEnv('TEMP', temporary);
  return ids;
}

describe('sandtable load', () => {
  it('reports what it emulated, each request counted alike wherever it passed', async () => {
    const folder = newFolder();
    const args = ['load', 'crosscheck-light', ...THREE_COMPANIES, '--seed', '7', '--report-dir', folder];
    const { code, stdout, stderr } = await sandtable(...args);
    expect(stderr).toMatch(/^(sandtable: .*\n)+$/);
    expect(stdout).toMatch(/^sandtable {2}crosscheck-light +seed 7 .*EMULATED$/m);
    const report = reportIn(folder);
    expect(report).toMatchObject({
      clock: 'real',
      label: 'emulated',
      seed: 7,
      partial: false,
      rollout: null,
    });
    expectCountedAlike(report);
    expect(readdirSync(folder).sort()).toEqual(['junit.xml', 'report.html', 'report.json', 'report.md']);
    expect(code).toBe(0);
  });
});

describe('sandtable pilot', () => {
  it('with its own fakes provisions, loads what it provisioned and ends in its verdict', async () => {
    const folder = newFolder();
    const args = ['pilot', 'pilot-100', ...THREE_COMPANIES, '--speed', '40', '--report-dir', folder];
    const { code } = await sandtable(...args);
    const report = reportIn(folder);
    expect(report).toMatchObject({ clock: 'real', label: 'emulated', speed: 40, partial: false });
    expect(report.rollout).toMatchObject({ companies: 3, completed: 3, violations: [] });
    expectCountedAlike(report);
    const sum = (kinds: readonly { readonly requests: number }[]) =>
      kinds.reduce((all, { requests }) => all + requests, 0);
    expect(sum(report.traffic!.simulatedKinds!)).toBe(report.traffic!.counts.due);
    expect(code).toBe(EXIT_CODES[report.verdict]);
  });
});

describe('sandtable crosscheck', () => {
  const args = (folder: string) => ['crosscheck', 'crosscheck-light', '--report-dir', folder];

  it.each([
    ['while its gateways start', async (ids: string) => readdirSync(ids).length > 2],
    ['while k6 runs', async (ids: string) => existsSync(join(ids, 'k6'))],
  ])('that is interrupted %s ends in 130, and leaves neither a process nor a file', async (_when, isThen) => {
    const [folder, temporary] = [newFolder(), newFolder()];
    const ids = stubProcesses(temporary);
    const running = start(...args(folder));
    await until('it is under way', () => isThen(ids));
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/\nsandtable: .*stopped before .*\n$/);
    expect(code).toBe(130);
    const processes = readdirSync(ids).filter(name => name !== 'k6');
    expect(processes.length).toBeGreaterThan(2);
    // Those that it killed on its way out end after it, by a moment.
    await until('none of them is left', async () => !processes.some(id => isAlive(Number(id))));
    expect([readdirSync(folder), readdirSync(temporary)]).toEqual([[], []]);
  });

  it('of a rollout that is interrupted while it provisions leaves nothing either', async () => {
    const [folder, temporary] = [newFolder(), newFolder()];
    const ids = stubProcesses(temporary);
    const running = start('crosscheck', 'crosscheck-rollout', '--report-dir', folder);
    // The command and its fakes; a journal is there once it provisions.
    await until(
      'it provisions',
      async () => readdirSync(temporary).length > 0 && readdirSync(ids).length > 1,
    );
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/\nsandtable: the rollout was stopped before it was over\n$/);
    expect(code).toBe(130);
    const processes = readdirSync(ids);
    await until('all are gone', async () => !processes.some(id => isAlive(Number(id))));
    expect([readdirSync(folder), readdirSync(temporary)]).toEqual([[], []]);
  });

  it('of which a load was invalid ends in 3, and lets the last one stand', async () => {
    const folder = newFolder();
    const last = join(folder, 'crosscheck.json');
    writeFileSync(last, '{}');
    // A generator that is held still for half of its time.
    stubK6(
      [
        '"$K6" "$@" & id=$!',
        'while kill -0 $id 2>&-; do sleep 0.2; kill -STOP $id; sleep 0.2; kill -CONT $id; done 2>&-',
        'wait $id',
      ].join('\n'),
    );
    const { code, stdout, stderr } = await sandtable(...args(folder), ...THREE_COMPANIES);
    expect(stderr).toMatch(
      /a load was invalid, so nothing is written:\n(?:k6 sent \d+ of \d+ requests .*\n)?.* ms late: /,
    );
    expect(stdout).not.toContain('Written');
    expect(code).toBe(3);
    expect([readdirSync(folder), readFileSync(last, 'utf8')]).toEqual([['crosscheck.json'], '{}']);
  });
});
