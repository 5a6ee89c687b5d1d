// `company` as a process, on what a pilot provisioned over HTTP: every change, and what must be refused.

import { beforeAll, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import { setSpeed } from '../../rig/fakesPages.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { newFolder, sandtable, start, until, WELL } from './command.ts';

const SPEED = 25;
const SETS = [
  'population.companies=10',
  'population.regions={"us-west1":4,"us-central1":3,"europe-west1":3}',
  'population.advanced=1',
  'run.phases=["rollout"]',
  'platform.security.levels.DIAMOND.serviceInstances={"min":1,"max":800}',
  'kpis=[{"name":"provisioningShareUnder60s","required":true,"target":{"op":">=","value":0.01}}]',
];
const TEN = SETS.flatMap(set => ['--set', set]);

let url: string;
const folder = newFolder();

const pilot = () => sandtable('pilot', '--fakes', url, '--report-dir', folder, ...TEN);
const argsOf = (...args: string[]) => ['company', ...args, '--fakes', url, '--report-dir', folder, ...TEN];
const company = (...args: string[]) => sandtable(...argsOf(...args));

async function ledger(): Promise<LedgerEntry[]> {
  const page = (await (await fetch(`${url}/_ledger`)).json()) as { entries: LedgerEntry[] };
  return page.entries;
}
const liveOf = async (id: string) => liveResources(await ledger()).filter(one => one.company === id);
const health = async (id: string) => {
  const host = `${id}.mcp.asoos.2100.cool`;
  return (await fetch(`${url}/health`, { headers: { 'x-sandtable-host': host } })).status;
};

beforeAll(async () => {
  const fakes = start('fakes', 'pilot-100', '--port', '0', '--speed', String(SPEED), ...TEN);
  [, url] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
  const { code, stdout, stderr } = await pilot();
  expect(stdout).toContain('10 of 10 companies');
  expect(WELL, stderr).toContain(code);
});

it('shows what journal, registry and clouds say', async () => {
  const { code, stdout } = await company('c00001', 'show');
  expect(stdout).toMatch(/^c00001 {2}ready, active$/m);
  expect(stdout).toMatch(/registry {2}[A-Z]+, c00001\.mcp\.asoos\.2100\.cool$/m);
  expect(stdout).toMatch(/^ {2}done +service$/m);
  expect(stdout).not.toMatch(/^ {2}(absent|unknown|rejected) /m);
  expect(code).toBe(0);
});

it('suspends a company, whose service and credentials are closed, and resumes it', async () => {
  expect(await health('c00002')).toBe(200);
  const suspended = await company('c00002', 'suspend');
  expect(suspended.stdout).toMatch(/^ {2}done +recordSettings:closed\n/);
  expect(suspended.stdout).toMatch(/^c00002 {2}suspend: done$/m);
  expect(suspended.code).toBe(0);
  expect(await health('c00002')).toBe(404);
  const closed = await liveOf('c00002');
  expect(closed.filter(({ kind, detail }) => kind === 'secretVersion' && detail !== 'DISABLED')).toEqual([]);
  expect(closed.find(({ kind }) => kind === 'cryptoKey')?.detail).toMatch(/ DISABLED$/);
  const shown = await company('c00002', 'show');
  expect(shown.stdout).toMatch(/^c00002 {2}ready, suspended$/m);
  expect(shown.stdout).toMatch(/^ {2}done +serviceSettings:closed$/m);
  expect(shown.stdout).toMatch(/^ {2}(absent|rejected) +userAccess:open/m);
  expect((await company('c00002', 'level', 'DIAMOND')).stderr).toMatch(/is suspended: resume it first/);

  const again = await pilot();
  expect(again.stdout).toContain('9 of 10 companies (1 suspended)');
  expect(again.stdout).not.toContain('the registry says otherwise');
  expect(WELL, again.stderr).toContain(again.code);

  expect(await company('c00002', 'resume')).toMatchObject({ code: 0 });
  expect(await health('c00002')).toBe(200);
});

it('gives a company another level, in its labels and its scaling', async () => {
  expect(await company('c00003', 'level', 'DIAMOND')).toMatchObject({ code: 0 });
  const service = (await liveOf('c00003')).find(({ kind }) => kind === 'service')!;
  expect(service.effect).toBe('changed');
  const headers = { 'x-sandtable-host': 'run.googleapis.com', authorization: `Bearer ${FAKES_TOKEN}` };
  const place = companiesOf(loadScenario('pilot-100', SETS))[3].region;
  const path = `v2/projects/sandtable-platform/locations/${place}/services/c00003`;
  expect(await (await fetch(`${url}/${path}`, { headers })).json()).toMatchObject({
    labels: { level: 'diamond' },
    template: { scaling: { minInstanceCount: 1, maxInstanceCount: 800 } },
  });
  const shown = await company('c00003', 'show');
  expect(shown.stdout).toMatch(/level +DIAMOND$/m);
  expect(shown.stdout).toMatch(/registry +DIAMOND, /);
  expect(shown.stdout).toMatch(/^ {2}done +serviceSettings:open$/m);
  expect(shown.stdout).toMatch(/^ {2}done +document$/m);
});

it('decommissions a company, interrupted half way and started again', async () => {
  // Slowly, so that it is not over before it is interrupted.
  await setSpeed(url, 1);
  const first = start(...argsOf('c00004', 'decommission'));
  await until('something of it is gone', async () =>
    (await ledger()).some(({ company: id, effect }) => id === 'c00004' && effect === 'deleted'),
  );
  first.process.kill('SIGINT');
  const interrupted = await first.ended;
  await setSpeed(url, SPEED);
  expect(interrupted.stderr).toMatch(/interrupted; the journal .*run the same command again to go on/);
  expect(interrupted.code).toBe(130);
  expect((await liveOf('c00004')).length).toBeGreaterThan(0);
  expect((await company('c00004', 'show')).stdout).toMatch(/unfinished +decommissioning$/m);
  const meanwhile = await pilot();
  expect(meanwhile.stdout).toContain('9 of 10 companies (1 leaving)');
  expect(WELL, meanwhile.stderr).toContain(meanwhile.code);

  const { code, stdout } = await company('c00004', 'decommission');
  expect(stdout).toMatch(/^c00004 {2}decommission: done$/m);
  expect(code).toBe(0);
  expect((await liveOf('c00004')).filter(({ kind }) => kind !== 'databaseIndex')).toEqual([]);

  const again = await pilot();
  expect(again.stdout).toContain('9 of 10 companies (1 decommissioned)');
  expect(WELL, again.stderr).toContain(again.code);
  expect((await company('c00004', 'resume')).stderr).toMatch(/has been decommissioned/);
});

it.each<[string, string[], RegExp]>([
  ['an unknown id', ['c00010', 'suspend'], /no company "c00010" in pilot-100; nearest: c0000\d/],
  ['an unknown level', ['c00001', 'level', 'DIAMONT'], /no level "DIAMONT"; nearest: DIAMOND/],
  ['no level', ['c00001', 'level'], /level takes one of DIAMOND, /],
  ['an unknown change', ['c00001', 'pause'], /Allowed choices are show, level/],
])('refuses %s', async (_, args, message) => {
  const { code, stdout, stderr } = await company(...args);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([2, '']);
});

it('refuses to change a company that its pilot never provisioned', async () => {
  // A hard quota at the vendor's: no company gets its first secret.
  const sick = `faults.rules=${JSON.stringify([
    { operation: 'secretManager.secrets.create', verdict: 'refuse', status: 400, share: 1 },
  ])}`;
  const args = [...TEN, '--set', sick];
  const fakes = start('fakes', 'pilot-100', '--port', '0', '--speed', String(SPEED), ...args);
  const [, own] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
  const flags = ['--fakes', own, '--report-dir', newFolder(), ...args];
  expect((await sandtable('pilot', ...flags)).stdout).toContain('0 of 10 companies (10 undone)');
  const { code, stderr } = await sandtable('company', 'c00001', 'suspend', ...flags);
  expect(stderr).toBe('sandtable: refused, and nothing was done: c00001 is not ready\n');
  expect(code).toBe(2);
  expect((await sandtable('company', 'c00001', 'show', ...flags)).stdout).toMatch(
    /^c00001 {2}undone, active$/m,
  );
});

it('refuses fakes elsewhere, a folder without a journal and another seed', async () => {
  const elsewhere = ['company', 'c00001', 'show', '--fakes', 'http://example.com', ...TEN];
  const before = (await ledger()).length;
  const away = await sandtable(...elsewhere);
  expect(away.stderr).toMatch(/example\.com/);
  expect(away).toMatchObject({ code: 2, stdout: '' });
  const none = ['company', 'c00001', 'suspend', '--fakes', url, '--report-dir', newFolder(), ...TEN];
  const refused = await sandtable(...none);
  expect(refused.stderr).toMatch(/there is no journal in .*provision first with sandtable pilot/);
  expect(refused.code).toBe(2);
  const seed = await company('c00001', 'suspend', '--seed', '77');
  expect(seed.stderr).toMatch(/belongs to another scenario or seed/);
  expect(seed.code).toBe(2);
  expect(await ledger()).toHaveLength(before);
});
