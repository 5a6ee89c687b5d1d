// A pilot with its journal and registry in MongoDB, as its users run it: processes share a rollout that knows none of them
// by its machine, and take over the companies of one that is killed.

import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import { newFolder, start, until } from '../cli/command.ts';
import { inDatabase, missing } from '../ports/mongo.ts';

const TWELVE_COMPANIES = [
  'population.companies=12',
  'population.regions={"us-west1":4,"us-central1":4,"europe-west1":4}',
  'population.advanced=1',
  'run.phases=["rollout"]',
].flatMap(change => ['--set', change]);

describe.skipIf(missing !== undefined)('the pilot with its stores in MongoDB', () => {
  it('is shared by two, of which one is killed, and every resource is there once', () =>
    inDatabase(async ({ url: stores, open }) => {
      const folders = [newFolder(), newFolder()];
      const fakes = start('fakes', 'pilot-100', ...TWELVE_COMPANIES, '--port', '0', '--speed', '10');
      const [, fakesUrl] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
      const live = async () => {
        const page = (await (await fetch(`${fakesUrl}/_ledger`)).json()) as { entries: LedgerEntry[] };
        return liveResources(page.entries).map(({ kind, name }) => `${kind} ${name}`);
      };
      const [killed, other] = folders.map(folder =>
        start(
          ...['pilot', '--fakes', fakesUrl, '--stores', stores, '--report-dir', folder],
          ...TWELVE_COMPANIES,
        ),
      );
      const { journal, registry } = await open();
      await until('one of them works under a lease, and some resources are there', async () => {
        const entries = await journal.read();
        const opened = entries.filter(({ event }) => event === 'opened');
        return opened.length === 2 && (await live()).length > 20;
      });
      killed.process.kill('SIGKILL');
      await killed.ended;
      const { stdout, stderr } = await other.ended;
      expect(stdout, stderr).toContain('12 of 12 companies');
      const report = JSON.parse(readFileSync(join(folders[1], 'report.json'), 'utf8'));
      expect(report.rollout).toMatchObject({ companies: 12, completed: 12 });
      // The steps of the one that was killed are in it.
      expect(report.rollout.waterfall.steps).toContainEqual(
        expect.objectContaining({ kind: 'document', ending: 'made', count: 12 }),
      );
      const resources = await live();
      expect(new Set(resources).size).toBe(resources.length);
      expect(await registry.list()).toHaveLength(12);
      // Two processes of one machine, by their numbers and by its name.
      const holders = (await journal.read({ from: -1, to: 0 })).map(({ id }) => id);
      expect(holders.sort()).toEqual(
        [killed, other].map(({ process }) => `process ${process.pid} on ${hostname()}`).sort(),
      );
      expect(folders.flatMap(folder => readdirSync(folder)).filter(name => name.includes('sqlite'))).toEqual(
        [],
      );
    }));
});
