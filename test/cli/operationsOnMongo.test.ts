// `company` and `watch` with the pilot's stores in MongoDB: processes that share nothing but the address change a company
// beside a watch, which hears of it; and one that is stopped half way is ended by the next.

import { describe, expect, it } from 'vitest';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import { inDatabase, missing } from '../ports/mongo.ts';
import { newFolder, sandtable, start, until } from './command.ts';

const FOUR = [
  'population.companies=4',
  'population.regions={"us-west1":4}',
  'population.advanced=1',
  'run.phases=["rollout"]',
  'facts={"quota.atlas.refill.users":1}',
].flatMap(set => ['--set', set]);
/** A dozen processes, one after the other, on a busy machine. */
const PATIENCE_MS = 240_000;
const SERVICES = '/v2/projects/sandtable-platform/locations/us-west1/services';

describe.skipIf(missing !== undefined)('companies whose pilot had its stores in MongoDB', () => {
  it(
    'are changed, watched and mended by processes that each have a folder of their own',
    () =>
      inDatabase(async ({ url: stores, open }) => {
        const fakes = start('fakes', 'pilot-100', '--port', '0', '--speed', '25', ...FOUR);
        const [, url] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
        const where = () => ['--fakes', url, '--stores', stores, '--report-dir', newFolder(), ...FOUR];
        const company = (...args: string[]) => sandtable('company', ...args, ...where());
        const ledger = async () =>
          ((await (await fetch(`${url}/_ledger`)).json()) as { entries: LedgerEntry[] }).entries;
        const deleteService = async (id: string) => {
          const headers = {
            'x-sandtable-host': 'run.googleapis.com',
            authorization: `Bearer ${FAKES_TOKEN}`,
          };
          const answer = await fetch(`${url}${SERVICES}/${id}`, { method: 'DELETE', headers });
          expect(answer.status).toBe(200);
        };

        // Nothing was provisioned there yet.
        const early = await company('c00001', 'show');
        expect(early.stderr).toMatch(/nothing was provisioned there/);
        expect(early.code).toBe(2);

        const pilot = await sandtable('pilot', ...where());
        // How fast they were is a matter of the machine.
        expect(pilot.stdout, pilot.stderr).toContain('4 of 4 companies');
        const { registry, journal } = await open();
        const levelOf = async (id: string) => (await registry.get(id))?.level;

        const other = (await levelOf('c00001')) === 'DIAMOND' ? 'OPAL' : 'DIAMOND';
        expect(await company('c00001', 'level', other)).toMatchObject({ code: 0 });
        expect(await levelOf('c00001')).toBe(other);

        const watching = start('watch', ...where(), '--for', '24h');
        await until('the watch has opened the journal', async () => {
          const opened = (await journal.read({ from: -1, to: 0 })).filter(({ event }) => event === 'opened');
          return opened.length === 3;
        });
        expect(await company('c00002', 'suspend')).toMatchObject({ code: 0 });
        expect(await registry.get('c00002')).toMatchObject({ isSuspended: true });
        await deleteService('c00003');
        await watching.printed(/c00003 {2}service remedy service: mended/);
        watching.process.kill('SIGINT');
        const { stdout, code } = await watching.ended;
        expect(stdout).toMatch(/every 8\.5 min would do; these clouds have no such limit/);
        // Closed by somebody else, it is no company to mend.
        expect(stdout).not.toMatch(/c00002 .*(diagnosis|remedy|ALERT)/);
        expect(stdout).toMatch(/unhealthy +none\n/);
        expect(code).toBe(130);

        const first = start('company', 'c00000', 'decommission', ...where());
        await until('something of it is gone', async () =>
          (await ledger()).some(({ company: id, effect }) => id === 'c00000' && effect === 'deleted'),
        );
        first.process.kill('SIGINT');
        expect((await first.ended).code).toBe(130);
        // A lease in MongoDB runs out by itself.
        const ended = await until('the lease of the stopped one is over', async () => {
          const again = await company('c00000', 'decommission');
          return again.code === 0 && again;
        });
        expect(ended.stdout).toMatch(/^c00000 {2}decommission: done$/m);
        const left = liveResources(await ledger()).filter(({ company: id }) => id === 'c00000');
        expect(left.filter(({ kind }) => kind !== 'databaseIndex')).toEqual([]);
        expect((await registry.list()).map(({ id }) => id).sort()).toEqual(['c00001', 'c00002', 'c00003']);
        expect((await company('c00002', 'resume')).code).toBe(0);
      }),
    PATIENCE_MS,
  );
});
