// The pilot as its users run it: two processes, real HTTP, a journal on disk, and a SIGKILL at the worst moments. What
// must hold is read off the fakes' ledger, with a count of our own.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import type { Report } from '../../reports/report.ts';
import { newFolder, sandtable, start, WELL } from '../cli/command.ts';
import {
  argsOf,
  companies,
  everyId,
  expectTimed,
  kindsOf,
  ledgerOf,
  planned,
  reached,
  registered,
  reportIn,
  SMALL_BATCHES,
  SPEED,
  startFakes,
} from './batch.ts';

function expectWhole(entries: readonly LedgerEntry[]): void {
  const live = liveResources(entries);
  expect(live.filter(({ company }) => !companies.some(({ id }) => id === company))).toEqual([]);
  const found = Object.fromEntries(companies.map(({ id }) => [id, {} as Record<string, number>]));
  for (const { company, kind } of live) found[company][kind] = (found[company][kind] ?? 0) + 1;
  expect(found).toEqual(
    Object.fromEntries(companies.map(({ id, configuration }) => [id, kindsOf(configuration)])),
  );
  expect(new Set(live.map(({ kind, name }) => `${kind} ${name}`)).size).toBe(planned);
  // One enabled version for each secret, and not two for one and none for another.
  const secretOf = (name: string) => name.slice(0, name.lastIndexOf('/versions/'));
  const versions = live.filter(({ kind }) => kind === 'secretVersion').map(({ name }) => secretOf(name));
  const secrets = live.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
  expect(versions.sort()).toEqual(secrets.sort());
}

const byName = (one: { readonly name: string }, other: { readonly name: string }) =>
  one.name < other.name ? -1 : 1;

describe.concurrent('the pilot', () => {
  it.each([
    ['clouds that are well', [33, 66], []],
    [
      'clouds that lose answers',
      [50],
      [
        '--set',
        `faults.rules=${JSON.stringify([
          { operation: 'secretManager.versions.add', verdict: 'loseAnswer', share: 0.1 },
          { operation: 'cloudRun.services.create', verdict: 'loseAnswer', share: 0.1 },
          { operation: 'cloudflare.*', verdict: 'loseRequest', share: 0.03 },
        ])}`,
      ],
    ],
  ])(
    'with %s it is killed at %j % of the way, goes on and ends with every resource once',
    async (_how, percents, sick) => {
      const fakes = await startFakes(...sick);
      const folder = newFolder();
      for (const percent of percents) {
        const pilot = start(...argsOf(fakes, folder));
        await reached(fakes, percent / 100);
        pilot.process.kill('SIGKILL');
        expect(await pilot.ended).toMatchObject({ signal: 'SIGKILL' });
        expect(readdirSync(folder)).not.toContain('report.json');
      }
      const { code, stdout, stderr } = await sandtable(...argsOf(fakes, folder));
      expect(stdout).toContain(`EMULATED ×${SPEED}`);
      expect(stdout).toContain('more than one process took part');
      expectTimed(reportIn(folder));
      expectWhole(await ledgerOf(fakes));
      expect(await registered(folder)).toEqual(everyId);
      expect(reportIn(folder)).toMatchObject({
        scenario: 'pilot-100',
        clock: 'real',
        label: 'emulated',
        speed: SPEED,
        partial: false,
        rollout: { completed: 100, violations: [] },
      });
      expect(WELL, stderr).toContain(code);
    },
  );

  it('goes on after Ctrl-C, and starts over only when told to', async () => {
    const fakes = await startFakes();
    const folder = newFolder();
    const first = start(...argsOf(fakes, folder));
    await reached(fakes, 0.1);
    // Held still, so that it cannot end before the other has been refused.
    first.process.kill('SIGSTOP');
    const second = await sandtable(...argsOf(fakes, folder, '--fresh'));
    expect(second.stderr).toMatch(/^sandtable: the fakes hold \d+ effects of another rollout: .*\n$/);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    first.process.kill('SIGINT');
    first.process.kill('SIGCONT');
    const interrupted = await first.ended;
    expect(interrupted.stderr).toMatch(/interrupted; the journal .* keeps what was done/);
    expect(interrupted.code).toBe(130);

    const otherSeed = await sandtable(...argsOf(fakes, folder, '--seed', '7'));
    expect(otherSeed.stderr).toMatch(
      /another scenario or seed; to start over, restart the fakes and use --fresh/,
    );
    expect(otherSeed.code).toBe(2);

    fakes.running.process.kill('SIGTERM');
    await fakes.running.ended;
    const restarted = await startFakes();
    const stale = await sandtable(...argsOf(restarted, folder));
    expect(stale.stderr).toMatch(/other fakes: .* start over with --fresh/);
    expect(stale).toMatchObject({ code: 2, stdout: '' });
    expect(await ledgerOf(restarted)).toEqual([]);

    const { code, stderr } = await sandtable(...argsOf(restarted, folder, '--fresh'));
    expectWhole(await ledgerOf(restarted));
    expect(await registered(folder)).toEqual(everyId);
    expect(WELL, stderr).toContain(code);

    const nowhere = { ...restarted, url: 'http://127.0.0.1:1' };
    expect((await sandtable(...argsOf(nowhere, folder, '--fresh'))).code).toBe(2);
    expect(await registered(folder)).toEqual(everyId);
  });

  it('shares a rollout with another that is started on the same journal', async () => {
    const fakes = await startFakes();
    const folder = newFolder();
    const args = [...argsOf(fakes, folder, ...SMALL_BATCHES), '--json'];
    const both = [start(...args), start(...args)];
    const reports = (await Promise.all(both.map(({ ended }) => ended))).map(
      ({ stdout }) => JSON.parse(stdout) as Report,
    );
    for (const report of reports) {
      expect(report.rollout).toMatchObject({ completed: 100, isResumed: true });
      expectTimed(report);
    }
    // Each has the whole: its own part and the other's.
    const [one, other] = reports.map(({ rollout }) => rollout!);
    expect(other.waterfall.steps).toEqual(one.waterfall.steps);
    const countsOf = ({ limits }: Report) =>
      limits.map(({ name, kind, calls, waitMs }) => ({ name, kind, calls, waitMs })).sort(byName);
    expect(countsOf(reports[1])).toEqual(countsOf(reports[0]));
    // One each, and another for each that was refused or made again.
    const deploys = reports[0].limits.find(
      ({ name, kind }) => name === 'cloudRunDeploys' && kind === 'limiter',
    );
    expect(deploys!.calls).toBeGreaterThanOrEqual(100);
    expectWhole(await ledgerOf(fakes));
    expect(await registered(folder)).toEqual(everyId);
  });

  it('pauses at a gate between waves, stays paused, and is resumed or rolled back when told to', async () => {
    const sets = [
      '--set',
      'provisioning.waves={"steps":[{"upTo":10,"dwell":"2s"},{"upTo":100,"dwell":"0s"}],"gate":{"readyShareMin":1,"provisioningP99Max":"1s","healthyShareMin":1,"onFailure":"pause"}}',
    ];
    const fakes = await startFakes();
    const folder = newFolder();
    const decide = (...flags: string[]) => sandtable(...argsOf(fakes, folder, ...sets, ...flags));
    const paused = await decide();
    expect(paused.stderr).toMatch(/paused after 10 companies, provisioning P99 .* of at most 1 s; to go on/);
    expect(paused.code).toBe(1);
    const after = (await registered(folder)).length;
    expect(after).toBe(10);
    const still = await decide();
    expect(still.stderr).toMatch(/paused after 10 companies/);
    const rolledBack = await decide('--after-pause', 'roll-back');
    expect(rolledBack.stdout).toMatch(/rolled back after 10/);
    expect(await registered(folder)).toEqual([]);
    expect(liveResources(await ledgerOf(fakes))).toEqual([]);
  });
});
