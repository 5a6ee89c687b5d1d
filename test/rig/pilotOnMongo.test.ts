// A pilot with its journal and registry in MongoDB, as its users run it: another process goes on where the first one was
// held up for too long, and the first one, awake again, finds that it may write nothing more.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import { newFolder, sandtable, start, until } from '../cli/command.ts';
import { inDatabase, missing } from '../ports/mongo.ts';

const TWELVE_COMPANIES = [
  'population.companies=12',
  'population.regions={"us-west1":4,"us-central1":4,"europe-west1":4}',
  'population.advanced=1',
  'run.phases=["rollout"]',
].flatMap(change => ['--set', change]);

describe.skipIf(missing !== undefined)('the pilot with its stores in MongoDB', () => {
  it('goes on in another process when the first sleeps, which then stops, and every resource is there once', () =>
    inDatabase(async ({ url: stores, open }) => {
      const folder = newFolder();
      const fakes = start('fakes', 'pilot-100', ...TWELVE_COMPANIES, '--port', '0', '--speed', '10');
      const [, fakesUrl] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
      const live = async () => {
        const page = (await (await fetch(`${fakesUrl}/_ledger`)).json()) as { entries: LedgerEntry[] };
        return liveResources(page.entries).map(({ kind, name }) => `${kind} ${name}`);
      };
      const args = ['pilot', '--fakes', fakesUrl, '--stores', stores, '--report-dir', folder];
      const first = start(...args, ...TWELVE_COMPANIES);
      await until('some resources are there', async () => (await live()).length > 30);
      first.process.kill('SIGSTOP');
      const second = await sandtable(...args, ...TWELVE_COMPANIES);
      expect(second.stdout).toContain('the rollout was resumed');
      const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
      expect(report.rollout).toMatchObject({ companies: 12, completed: 12, violations: [] });
      const resources = await live();
      expect(new Set(resources).size).toBe(resources.length);
      const { registry } = await open();
      expect((await registry.list()).map(({ id }) => id)).toHaveLength(12);
      expect(readdirSync(folder).filter(name => name.includes('sqlite'))).toEqual([]);

      first.process.kill('SIGCONT');
      const { code, stderr } = await first.ended;
      expect(stderr).toMatch(/sandtable: another process has taken over the journal in MongoDB/);
      expect(code).toBe(2);
      expect(await live()).toEqual(resources);
    }));
});
