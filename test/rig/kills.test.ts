// The outer net of the pilot: real processes on real sockets, of which one is killed or held still at any moment. What
// must hold is what holds of a run that nobody disturbs. More kills, or others, and what they came to:
//   KILLS=50 KILLS_SEED=7 vitest run test/rig/kills.test.ts -t killed

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import type { LedgerPage } from '../../rig/fakesPages.ts';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';
import { CALL_DEADLINE_MS, LEASE_MS } from '../../src/limits.ts';
import { openStores, type Stores } from '../../src/runtime/stores.ts';
import { newFolder, type Running, sandtable, start, until, WELL } from '../cli/command.ts';
import { inDatabase, missing } from '../ports/mongo.ts';
import {
  argsOf,
  companies,
  everyId,
  expectTimed,
  type Fakes,
  ledgerOf,
  pageOf,
  planned,
  registered,
  reportIn,
  SMALL_BATCHES,
  startFakes,
} from './batch.ts';

const KILLS = Number(process.env.KILLS ?? 5);
const SEED = Number(process.env.KILLS_SEED ?? 1);
/** Of what a test here may take on a busy machine, and for each start of a pilot there. */
const TEST_MS_MAX = 600_000;
const START_MS_MAX = 20_000;
/** The last effects are left out, lest the pilot ends before the kill. */
const EFFECTS_MAX = 0.97 * planned;

/** Moments of the same seed, as numbers of effects, in their order. */
const moments = (count: number): number[] =>
  Array.from({ length: count }, (_, i) =>
    Math.floor(drawUniform(SEED, PURPOSE.fault, [i]) * EFFECTS_MAX),
  ).sort((one, other) => one - other);

type Run = {
  /** Live resources by company, sorted. */
  readonly left: ReturnType<typeof leftOf>;
  readonly calls: number;
  readonly realMs: number;
};

let undisturbed: Run;
beforeAll(async () => {
  const fakes = await startFakes();
  const startedAtMs = performance.now();
  const { code, stderr } = await sandtable(...argsOf(fakes, newFolder()));
  expect(WELL, stderr).toContain(code);
  undisturbed = await runOf(fakes, startedAtMs);
});

async function runOf(fakes: Fakes, startedAtMs: number): Promise<Run> {
  const { entries, operations } = await pageOf(fakes);
  return { left: leftOf(entries), calls: callsIn(operations), realMs: performance.now() - startedAtMs };
}

const callsIn = (operations: LedgerPage['operations']): number =>
  operations.reduce((sum, { calls }) => sum + calls, 0);

/** A version's number says how many came before it, which is counted apart. */
const withoutVersion = (name: string): string => name.replace(/\/versions\/\d+$/, '/versions/N');

function leftOf(entries: readonly LedgerEntry[]): Record<string, string[]> {
  const left: Record<string, string[]> = Object.fromEntries(companies.map(({ id }) => [id, []]));
  for (const { company, kind, name } of liveResources(entries)) {
    left[company] ??= [];
    left[company].push(`${kind} ${withoutVersion(name)}`);
  }
  for (const resources of Object.values(left)) resources.sort();
  return left;
}

/** Creations of a resource, where there is not exactly one. Versions of one secret count as one resource. */
function madeOften(entries: readonly LedgerEntry[]): Record<string, number> {
  const made = new Map<string, number>();
  for (const { kind, name, effect } of entries) {
    const resource = `${kind} ${withoutVersion(name)}`;
    if (effect === 'created') made.set(resource, (made.get(resource) ?? 0) + 1);
  }
  return Object.fromEntries([...made].filter(([, times]) => times !== 1));
}

/**
 * As after a run that nobody disturbed, and nothing was made twice on the way there. That goes for a secret's versions too,
 * which no name protects: who finds the intent of an addition in the journal waits until it can no longer land, and
 * looks, before it adds another.
 */
function expectAsUndisturbed(entries: readonly LedgerEntry[]): void {
  expect(leftOf(entries)).toEqual(undisturbed.left);
  expect(madeOften(entries)).toEqual({});
  expect(entries.filter(({ effect }) => effect === 'deleted')).toEqual([]);
}

const healthOf = async ({ url }: Fakes) =>
  (await (await fetch(`${url}/_health`)).json()) as { effects: number; nowMs: number };

/** The pilot works on the journal, and there are so many effects; or it has ended. */
function effectsUnder(pilot: Running, stores: Pick<Stores, 'journal'>, fakes: Fakes, effects: number) {
  return until(`process ${pilot.process.pid} works on, and there are ${effects} effects`, async () => {
    if (pilot.process.exitCode !== null) return true;
    const opened = await stores.journal.read({ from: -1, to: 0 });
    const isOpen = opened.some(({ id }) => id?.startsWith(`process ${pilot.process.pid}`));
    return isOpen && (await healthOf(fakes)).effects >= effects;
  });
}

/**
 * Starts the pilot once for each moment, and kills it there. One that this process was too slow to catch has ended well, and
 * nothing is left to kill; the first moments are far from the end.
 */
async function killAt(all: readonly number[], fakes: Fakes, folder: string): Promise<void> {
  const stores = openStores(join(folder, 'journal.sqlite'));
  let kills = 0;
  for (const effects of all) {
    const pilot = start(...argsOf(fakes, folder));
    await effectsUnder(pilot, stores, fakes, effects);
    pilot.process.kill('SIGKILL');
    const { signal, code, stderr } = await pilot.ended;
    if (signal === 'SIGKILL') kills++;
    else expect(WELL, stderr).toContain(code);
  }
  stores.close();
  expect(kills).toBeGreaterThanOrEqual(all.length - 1);
}

describe.concurrent('a batch over HTTP', () => {
  it(
    `ends as if nothing had happened, killed ${KILLS} times at moments drawn from seed ${SEED}`,
    async () => {
      const fakes = await startFakes();
      const folder = newFolder();
      const all = moments(KILLS);
      console.log(`seed ${SEED}: ${KILLS} kills, each once there are so many effects: ${all.join(' ')}`);
      const startedAtMs = performance.now();
      await killAt(all, fakes, folder);
      const { code, stdout, stderr } = await sandtable(...argsOf(fakes, folder));
      const { calls, realMs } = await runOf(fakes, startedAtMs);
      console.log(
        `${KILLS} kills and starts again: ${calls} calls and ${seconds(realMs)}; ` +
          `undisturbed ${undisturbed.calls} calls and ${seconds(undisturbed.realMs)}`,
      );
      expectAsUndisturbed(await ledgerOf(fakes));
      expect(await registered(folder)).toEqual(everyId);
      expect(reportIn(folder).rollout).toMatchObject({ completed: 100, violations: [] });
      expect(stdout).toContain('more than one process took part');
      expectTimed(reportIn(folder));
      expect(reportIn(folder).rollout!.waterfall.parts.lost.meanMs).toBeGreaterThan(0);
      expect(reportIn(folder).rollout!.bindingLimit).not.toBeNull();
      expect(WELL, stderr).toContain(code);
    },
    TEST_MS_MAX + KILLS * START_MS_MAX,
  );

  it('ends as if nothing had happened, its two pilots held still in turn for longer than their leases', async () => {
    const fakes = await startFakes();
    const folder = newFolder();
    const path = join(folder, 'journal.sqlite');
    const stores = openStores(path);
    const pilots = [folder, folder].map(each => start(...argsOf(fakes, each, ...SMALL_BATCHES)));
    await holdInTurn(pilots, stores, fakes, () => isFree(path));
    stores.close();
    expectAsUndisturbed(await ledgerOf(fakes));
    expect(await registered(folder)).toEqual(everyId);
    expect(readFileSync(join(folder, 'pilot.log'), 'utf8')).toContain('batch lost');
  });

  it.skipIf(missing !== undefined)('ends so with its stores in MongoDB, too', { timeout: TEST_MS_MAX }, () =>
    inDatabase(async ({ url, open }) => {
      // Slower than elsewhere: each call waits until its intent is written, which takes this wire a while on a busy machine.
      const fakes = await startFakes('--speed', '5');
      const stores = await open();
      const folders = [newFolder(), newFolder()];
      const pilots = folders.map(folder =>
        start(...argsOf(fakes, folder, '--stores', url, ...SMALL_BATCHES)),
      );
      await holdInTurn(pilots, stores, fakes, () => true);
      expectAsUndisturbed(await ledgerOf(fakes));
      expect((await stores.registry.list()).map(({ id }) => id).sort()).toEqual(everyId);
      expect(readFileSync(join(folders[0], 'pilot.log'), 'utf8')).toContain('batch lost');
    }),
  );

  it('ends with each company ready or undone, and says which, when clouds fail in every way and it is killed twice', async () => {
    const fakes = await startFakes('--set', `faults.rules=${JSON.stringify(SICK)}`);
    const folder = newFolder();
    await killAt(moments(2), fakes, folder);
    const { code, stderr } = await sandtable(...argsOf(fakes, folder));
    const { entries, operations } = await pageOf(fakes);
    const left = Object.entries(leftOf(entries));
    const ready = left.filter(([, resources]) => resources.length > 0);
    expect(Object.fromEntries(ready)).toEqual(
      Object.fromEntries(ready.map(([id]) => [id, undisturbed.left[id]])),
    );
    expect(await registered(folder)).toEqual(ready.map(([id]) => id).sort());
    const { rollout } = reportIn(folder);
    expect(rollout).toMatchObject({ completed: ready.length, undone: 100 - ready.length, violations: [] });
    expect(rollout!.undone).toBeGreaterThan(0);
    // Else nothing has failed now and then.
    expect(callsIn(operations)).toBeGreaterThan(1.1 * undisturbed.calls);
    expect(WELL, stderr).toContain(code);
  });
});

const SERVICES = [
  ...['secretManager', 'kms', 'atlas', 'firestore', 'pinecone', 'cloudRun', 'cloudflare'],
  ...['dnsResolver', 'companyService'],
];
const FAULTS = [
  { verdict: 'loseAnswer' },
  { verdict: 'loseRequest' },
  // Longer than a caller waits.
  { verdict: 'delayAnswer', delayMs: CALL_DEADLINE_MS + 5000 },
  { verdict: 'twice' },
  { verdict: 'refuse', status: 503 },
];
/** Two refusals of the same operations would draw alike and the second never hit, so theirs are written differently. */
const SICK = [
  // For good, so that some companies cannot be completed.
  { verdict: 'refuse', status: 400, operation: 'cloudflare.customHostnames.create', share: 0.05 },
  ...SERVICES.flatMap(service => [
    ...FAULTS.map(fault => ({ ...fault, operation: `${service}.*`, share: 0.03 })),
    { verdict: 'refuse', status: 429, retryAfterMs: 2000, operation: `${service}*`, share: 0.03 },
  ]),
];

const HOLDS = 3;

/**
 * The last hold goes on until the other pilot has ended, which it cannot without the batches of the one that is held; nor
 * if that one is in the middle of a write to a file that both share. Those before may well hold up both.
 */
async function holdInTurn(
  pilots: readonly Running[],
  stores: Pick<Stores, 'journal'>,
  fakes: Fakes,
  canOthersWrite: () => boolean,
): Promise<void> {
  for (let hold = 0; hold < HOLDS; hold++) {
    const [held, other] = hold % 2 === 0 ? pilots : pilots.toReversed();
    // In the first half of each third: the other gets through nearly a third while this one is held.
    const share = (hold + drawUniform(SEED, PURPOSE.bench, [hold]) / 2) / HOLDS;
    await effectsUnder(held, stores, fakes, share * planned);
    held.process.kill('SIGSTOP');
    if (hold < HOLDS - 1) {
      const { nowMs } = await healthOf(fakes);
      await until(
        'its leases have run out',
        async () => (await healthOf(fakes)).nowMs > nowMs + 1.1 * LEASE_MS,
      );
    } else {
      await until('it is held between two writes', async () => {
        if (canOthersWrite()) return true;
        held.process.kill('SIGCONT');
        await delay(1);
        held.process.kill('SIGSTOP');
        return false;
      });
      const { stdout, stderr } = await other.ended;
      expect(stdout, stderr).toContain('100 of 100 companies');
    }
    held.process.kill('SIGCONT');
  }
  for (const { ended } of pilots) {
    const { code, stdout, stderr } = await ended;
    expect(stdout, stderr).toContain('100 of 100 companies');
    expect(WELL, stderr).toContain(code);
  }
}

/** Nobody is in the middle of a write to the file, or at least not for long. */
function isFree(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: 1000 });
  try {
    database.exec('BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
