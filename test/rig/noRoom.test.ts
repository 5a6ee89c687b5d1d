// A project with room for six of forty companies, over HTTP and with real processes: few are begun for nothing, and once
// somebody has raised the limit by the vendor's own call, the same pilot makes the rest.

import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { newFolder, sandtable, start, until } from '../cli/command.ts';
import { type Fakes, ledgerOf, pageOf, registered, reportIn, startFakes } from './batch.ts';

const COMPANIES = 40;
const ROOM = 6;
const UNDER_WAY_MAX = 5;
const SETS = [
  ...[`population.companies=${COMPANIES}`, `population.regions={"us-west1":${COMPANIES}}`],
  ...['population.advanced=4', 'run.phases=["rollout"]', 'provisioning.quotas=vendor'],
  ...['provisioning.batchSize=10', `provisioning.concurrencyMax=${UNDER_WAY_MAX}`],
  `facts={"quota.atlas.roles":${ROOM}}`,
  'kpis=[{"name":"provisioningShareUnder60s","required":true,"target":{"op":">=","value":0.0001}}]',
];
const FLAGS = SETS.flatMap(set => ['--set', set]);
const [{ project }] = loadScenario('pilot-100', SETS).platform.regions['us-west1'].atlas;

const argsOf = ({ url }: Fakes, folder: string) => [
  'pilot',
  '--fakes',
  url,
  '--report-dir',
  folder,
  ...FLAGS,
];

async function raise({ url }: Fakes): Promise<void> {
  const limit = 'atlas.project.security.databaseAccess.customRoles';
  const { status } = await fetch(`${url}/api/atlas/v2/groups/${project}/limits/${limit}`, {
    method: 'PATCH',
    headers: {
      ...{ 'x-sandtable-host': 'cloud.mongodb.com', authorization: `Bearer ${FAKES_TOKEN}` },
      ...{ accept: 'application/vnd.atlas.2025-03-12+json', 'content-type': 'application/json' },
    },
    body: JSON.stringify({ value: 1000 }),
  });
  expect(status).toBe(200);
}

/** Companies of which anything was ever made. */
const begunIn = async (fakes: Fakes) => new Set((await ledgerOf(fakes)).map(({ company }) => company));

const rolesRefused = async (fakes: Fakes) =>
  (await pageOf(fakes)).operations
    .filter(({ operation }) => operation === 'atlas.customDbRoles.create')
    .reduce((sum, { refusedByQuota }) => sum + refusedByQuota, 0);

describe.concurrent('the pilot on a project that is full', () => {
  it('leaves the companies without room alone, and makes them when it is run again after the limit was raised', async () => {
    const fakes = await startFakes(...FLAGS);
    const folder = newFolder();
    const first = await sandtable(...argsOf(fakes, folder));
    const { rollout } = reportIn(folder);
    expect(first.stdout, first.stderr).toMatch(
      /Completed +6 of 40 companies \(\d undone, \d\d not begun for want of room\)/,
    );
    expect(first.stdout).toMatch(
      /No room +databaseRole in Atlas project \w+, by the quota CUSTOM_ROLES_LIMIT_EXCEEDED: 34 companies/,
    );
    expect(first.stdout).toContain('once there is room, the same command on the same fakes begins them');
    expect(rollout).toMatchObject({ completed: ROOM, violations: [], unfinished: 0, blocked: 0 });
    expect(rollout!.undone).toBeLessThanOrEqual(UNDER_WAY_MAX);
    expect((await begunIn(fakes)).size).toBe(ROOM + rollout!.undone);
    expect(await rolesRefused(fakes)).toBe(rollout!.undone);
    const [need] = rollout!.needs.filter(({ quota }) => quota === 'quota.atlas.roles');
    expect(need.needed - need.limit).toBe(rollout!.undone + rollout!.noRoom);

    const without = ['company', 'c00039', 'show', '--fakes', fakes.url, '--report-dir', folder, ...FLAGS];
    expect((await sandtable(...without)).stdout).toMatch(
      /^c00039 {2}noRoom, active\n {2}reason {4}databaseRole: no room in Atlas project /,
    );

    const again = await sandtable(...argsOf(fakes, folder));
    expect(again.stdout, again.stderr).toMatch(/Completed +6 of 40 companies/);
    expect(await rolesRefused(fakes)).toBe(rollout!.undone + 1);

    await raise(fakes);
    const raised = await sandtable(...argsOf(fakes, folder));
    expect(raised.stdout, raised.stderr).toMatch(/Completed +40 of 40 companies\n/);
    expect(raised.stdout).not.toContain('No room');
    expect(raised.code).toBe(0);
    expect(await registered(folder)).toHaveLength(COMPANIES);
    const roles = liveResources(await ledgerOf(fakes)).filter(({ kind }) => kind === 'databaseRole');
    expect(new Set(roles.map(({ company }) => company)).size).toBe(COMPANIES);
  });

  it('is settled by two pilots, of which one is killed and started again', async () => {
    const fakes = await startFakes(...FLAGS);
    const folder = newFolder();
    const [killed, other] = [start(...argsOf(fakes, folder)), start(...argsOf(fakes, folder))];
    await until('a company has been refused', async () => (await rolesRefused(fakes)) > 0 && true);
    killed.process.kill('SIGKILL');
    const { stdout, stderr } = await other.ended;
    expect(stdout, stderr).toMatch(/Completed +6 of 40 companies/);
    const again = await sandtable(...argsOf(fakes, folder));
    expect(again.stdout, again.stderr).toMatch(/Completed +6 of 40 companies/);
    expect(reportIn(folder).rollout).toMatchObject({ completed: ROOM, violations: [], unfinished: 0 });
    // Those under way of each, and one that shows how it stands for each process that came later.
    expect(await rolesRefused(fakes)).toBeLessThanOrEqual(2 * UNDER_WAY_MAX + 2);
    expect((await begunIn(fakes)).size).toBeLessThanOrEqual(ROOM + 2 * UNDER_WAY_MAX + 2);
  });
});
