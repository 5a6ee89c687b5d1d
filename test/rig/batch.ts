// The batch of 100 companies as the tests of the pilot run it: fakes of their own, a pilot as a process, and what the
// ledger must hold afterwards, with a count of its own.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import type { Report } from '../../reports/report.ts';
import type { LedgerPage } from '../../rig/fakesPages.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { openStores } from '../../src/runtime/stores.ts';
import { type Running, start, until } from '../cli/command.ts';

/** At which a call has a second of the machine's until its deadline: on a busy one few are late and sent again. */
export const SPEED = 15;
export const companies = companiesOf(loadScenario('pilot-100'));
export const everyId = companies.map(({ id }) => id).sort();

/** Kinds of a company's resources, and how many of each. */
export const kindsOf = (configuration: 'basic' | 'advanced') => ({
  ...{ secret: configuration === 'advanced' ? 4 : 2, secretVersion: configuration === 'advanced' ? 4 : 2 },
  ...{ cryptoKey: 1, databaseRole: 1, databaseUser: 1, document: 1, namespace: 1 },
  ...{ service: 1, dnsRecord: 1, certificate: 1 },
});

/** Resources of all companies. */
export const planned = companies.reduce(
  (sum, { configuration }) => sum + Object.values(kindsOf(configuration)).reduce((a, b) => a + b),
  0,
);

/**
 * A company that was under way at a kill is late, since the fakes' clock runs on while the process is down; and on a
 * busy machine all are. So one in time is enough, and the exit code is one of WELL when all else is.
 */
const LENIENT = [
  ...['--set', 'run.phases=["rollout"]'],
  ...[
    '--set',
    'kpis=[{"name":"provisioningShareUnder60s","required":true,"target":{"op":">=","value":0.0001}}]',
  ],
];

export type Fakes = { readonly url: string; readonly running: Running };

export async function startFakes(...flags: string[]): Promise<Fakes> {
  const running = start('fakes', 'pilot-100', '--port', '0', '--speed', String(SPEED), ...flags);
  const [, url] = await running.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
  return { url, running };
}

export async function pageOf({ url }: Fakes): Promise<LedgerPage> {
  return (await (await fetch(`${url}/_ledger`)).json()) as LedgerPage;
}

export const ledgerOf = async (fakes: Fakes): Promise<readonly LedgerEntry[]> =>
  (await pageOf(fakes)).entries;

export const argsOf = ({ url }: Fakes, folder: string, ...flags: string[]) => [
  ...['pilot', '--fakes', url, '--report-dir', folder],
  ...LENIENT,
  ...flags,
];

export const reportIn = (folder: string): Report =>
  JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

/** So that two pilots have some each. */
export const SMALL_BATCHES = ['--set', 'provisioning.batchSize=10'];

/**
 * The waterfall says where all of the time of all companies went, whichever processes had them. Between two steps are
 * some lines of code, in which a busy machine may stop for a moment, many times as long for the pilot's clock.
 */
export function expectTimed({ rollout }: Report): void {
  const { waterfall, provisioningMs } = rollout!;
  const stepsMs = Object.values(waterfall.parts).reduce((sum, { meanMs }) => sum + meanMs, 0);
  expect(stepsMs).toBeLessThan(provisioningMs.mean + 1);
  expect(stepsMs).toBeGreaterThan(0.97 * provisioningMs.mean);
  const made = waterfall.steps.filter(({ ending }) => ending === 'made');
  for (const kind of ['cryptoKey', 'service', 'dnsRecord', 'certificate', 'health', 'registration'])
    expect(made).toContainEqual(expect.objectContaining({ kind, count: 100 }));
}

export function reached(fakes: Fakes, share: number): Promise<true> {
  return until(
    `${share} of the resources are there`,
    async () => liveResources(await ledgerOf(fakes)).length >= share * planned && true,
  );
}

export async function registered(folder: string): Promise<string[]> {
  const { registry, close } = openStores(join(folder, 'journal.sqlite'));
  const listed = await registry.list();
  close();
  return listed.map(({ id }) => id);
}
