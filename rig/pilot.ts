// The pilot in real time: the same rollout code as in the simulator, over real HTTP against fake clouds that run as a
// process of their own, with its journal on disk. Killed at any moment and started again, it goes on.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { auditLedger } from '../fakes/audit.ts';
import { FAKES_TOKENS } from '../fakes/fromScenario.ts';
import type { Replication } from '../reports/measurement.ts';
import { drawUniform, PURPOSE, replicationSeed } from '../scenarios/draw.ts';
import { FactValues, type UsedValue } from '../scenarios/facts.ts';
import { companiesOf } from '../scenarios/population.ts';
import { rolloutOptionsOf } from '../scenarios/rolloutOptions.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { livesOf } from '../src/operations/history.ts';
import type { Chance, Log } from '../src/ports.ts';
import { arithmeticOf } from '../src/provisioning/arithmetic.ts';
import { columnsOf } from '../src/provisioning/columns.ts';
import { emptyState, rollOut } from '../src/provisioning/rollout.ts';
import { systemChance } from '../src/runtime/chance.ts';
import { fastClock } from '../src/runtime/clock.ts';
import type { MongoStores } from '../src/runtime/mongoStores.ts';
import type { Stores } from '../src/runtime/stores.ts';
import { createTransport } from '../src/runtime/transport.ts';
import { type Health, readLedger } from './fakesPages.ts';

export type PilotOptions = {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fakesUrl: string;
  /** As `readHealth` found them. */
  readonly fakes: Health;
  readonly stores: Stores | MongoStores;
  /** Names this process among all that share the stores. */
  readonly holder: string;
  /** What must be the same for a journal to be resumed: scenario and seed. */
  readonly identity: string;
  readonly log: Log;
  /** What is to become of a rollout that a gate has paused. */
  readonly afterPause: 'resume' | 'rollBack' | undefined;
  readonly onProgress: (ended: number, planned: number) => void;
};

export type PilotResult = {
  readonly replication: Replication;
  readonly speed: number;
  /** What the fakes, which alone know the facts, drew from. */
  readonly facts: readonly UsedValue[];
  /** By how much this process was late for what it had to do, in real milliseconds: P99 while it provisioned. */
  readonly lateMs: number;
};

const PROGRESS_EVERY_MS = 500;
/** Finer than any lateness that matters. */
const LATENESS_EVERY_MS = 5;

/** Resolves when every company has ended. Throws FAKES when the journal and the fakes do not belong together. */
export async function runPilot(options: PilotOptions): Promise<PilotResult> {
  const { scenario, seed, fakesUrl, fakes, stores, log } = options;
  await claim(options);
  const clock = fastClock(fakes.nowMs, fakes.speed);
  const transport = createTransport({ fakesUrl, msUntil: atMs => (atMs - clock.nowMs()) / fakes.speed });
  const companies = companiesOf(scenario);
  const state = emptyState();
  const planned = new FactValues('mid', scenario.facts);
  const rolloutOptions = { ...rolloutOptionsOf(scenario, planned), companies };
  const ports = {
    clock,
    chance: chanceOf(seed),
    transport,
    ...stores,
    log,
  };
  const report = () => {
    const ended = [...state.companies.values()].filter(({ finishedAtMs }) => finishedAtMs >= 0).length;
    options.onProgress(ended, companies.length);
  };
  const timer = setInterval(report, PROGRESS_EVERY_MS);
  const lateness = monitorEventLoopDelay({ resolution: LATENESS_EVERY_MS });
  lateness.enable();
  try {
    await rollOut(
      ports,
      {
        ...rolloutOptions,
        tokens: FAKES_TOKENS,
        holder: options.holder,
        afterPause: options.afterPause,
      },
      state,
    );
  } finally {
    clearInterval(timer);
    lateness.disable();
    await transport.close();
  }
  const journal = await stores.journal.read();
  const provisioned = columnsOf(state, companies, journal, clock.nowMs());
  const columns = { ...provisioned, ...livesOf(provisioned, companies, journal) };
  const { id, entries, operations, facts } = await readLedger(fakesUrl);
  if (id !== fakes.id)
    throw new SandtableError('FAKES', 'the fakes were restarted during the pilot: start over with --fresh');
  const audited = companies.map((company, i) => ({
    ...company,
    outcome: columns.outcome[i],
    templateSecrets: scenario.platform.templates[company.industry].secrets.length,
  }));
  const violations = auditLedger(entries, audited, {
    databaseOperationsPerCompany: scenario.provisioning.databaseOperationsPerCompany,
    dns: scenario.platform.dns,
  });
  const registered = new Set((await stores.registry.list()).map(({ id }) => id));
  // One on its way out may be there still, or no more.
  for (const { id, outcome } of audited)
    if (outcome !== 'leaving' && registered.has(id) !== (outcome === 'ready' || outcome === 'suspended'))
      violations.push(`${id} is ${outcome}, but the registry says otherwise`);
  const arithmetic = arithmeticOf(rolloutOptions, id => planned.get(id).value);
  const rollout = { ...columns, ...arithmetic, operations, violations };
  return {
    replication: {
      index: 0,
      seed: replicationSeed(seed, 0),
      rollout,
      traffic: null,
      facts: facts.map(({ id }) => id),
      hash: '',
      events: 0,
    },
    speed: fakes.speed,
    facts,
    lateMs: Math.max(0, lateness.percentile(99) / 1e6 - LATENESS_EVERY_MS),
  };
}

/** Secrets are the system's; what a call waits for before it is tried again is as long as in virtual time. */
const chanceOf = (seed: number): Chance => ({
  ...systemChance,
  uniform: key => drawUniform(replicationSeed(seed, 0), PURPOSE.jitter, key),
});

/** Throws FAKES when a new rollout would meet what an earlier one made: it would find instead of make. */
export function expectEmpty({ effects }: Health): void {
  if (effects > 0)
    throw refused(
      `the fakes hold ${effects} effects of another rollout: restart them, or resume its journal`,
    );
}

/** A journal belongs to one scenario, one seed and one run of the fakes. */
async function claim({ stores, identity, fakes }: PilotOptions): Promise<void> {
  const before = { identity: await stores.label('identity'), fakes: await stores.label('fakes') };
  if (before.identity === undefined) expectEmpty(fakes);
  else if (before.identity !== identity)
    throw refused(
      'the journal belongs to another scenario or seed; to start over, restart the fakes and use --fresh',
    );
  else if (before.fakes !== fakes.id)
    throw refused(
      'the journal belongs to other fakes: these have been started since; start over with --fresh',
    );
  await stores.setLabel('fakes', fakes.id);
  await stores.setLabel('identity', identity);
}

/** Throws FAKES unless the journal is of a pilot of this scenario and seed on these fakes, that has begun. */
export async function expectClaimed({
  stores,
  identity,
  fakes,
}: Pick<PilotOptions, 'stores' | 'identity' | 'fakes'>): Promise<void> {
  const before = await stores.label('identity');
  if (before === undefined)
    throw refused('nothing was provisioned there: run sandtable pilot with --fakes first');
  if (before !== identity)
    throw refused('the journal belongs to another scenario or seed: give those of its pilot');
  if ((await stores.label('fakes')) !== fakes.id)
    throw refused('the journal belongs to other fakes: these have been started since');
}

const refused = (why: string) => new SandtableError('FAKES', why);
