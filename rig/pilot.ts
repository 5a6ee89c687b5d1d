// The pilot in real time: the same rollout code as in the simulator, over real HTTP against fake clouds that run as a
// process of their own, with its journal on disk. Killed at any moment and started again, it goes on.

import { auditLedger } from '../fakes/audit.ts';
import { FAKES_TOKEN } from '../fakes/fromScenario.ts';
import type { LedgerEntry } from '../fakes/ledger.ts';
import type { OperationMeasurement, Replication } from '../reports/measurement.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import { companiesOf } from '../scenarios/population.ts';
import { rolloutOptionsOf } from '../scenarios/rolloutOptions.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import type { Log } from '../src/ports.ts';
import { columnsOf, emptyState, rollOut } from '../src/provisioning/rollout.ts';
import { systemChance } from '../src/runtime/chance.ts';
import { fastClock } from '../src/runtime/clock.ts';
import type { Stores } from '../src/runtime/stores.ts';
import { createTransport } from '../src/runtime/transport.ts';

export type PilotOptions = {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fakesUrl: string;
  readonly stores: Stores;
  /** What must be the same for a journal to be resumed: scenario, facts and seed. */
  readonly identity: string;
  readonly log: Log;
  readonly onProgress: (ended: number, planned: number) => void;
};

export type PilotResult = { readonly replication: Replication; readonly speed: number };

type Health = { readonly id: string; readonly nowMs: number; readonly speed: number };
type LedgerPage = {
  readonly entries: readonly LedgerEntry[];
  readonly operations: readonly OperationMeasurement[];
  readonly facts: readonly string[];
};

const LOOK_MS_MAX = 10_000;
const PROGRESS_EVERY_MS = 500;

/** Resolves when every company has ended. Throws FAKES when they cannot be reached, INPUT for a foreign journal. */
export async function runPilot(options: PilotOptions): Promise<PilotResult> {
  const { scenario, seed, fakesUrl, stores, log } = options;
  const health = await look<Health>(fakesUrl, '/_health');
  claim(stores, options.identity, health.id);
  const clock = fastClock(health.nowMs, health.speed);
  const transport = createTransport({ fakesUrl, msUntil: atMs => (atMs - clock.nowMs()) / health.speed });
  const companies = companiesOf(scenario);
  const tokens = { google: FAKES_TOKEN, cloudflare: FAKES_TOKEN, atlas: FAKES_TOKEN, pinecone: FAKES_TOKEN };
  const state = emptyState();
  const ports = {
    clock,
    chance: systemChance,
    transport,
    journal: stores.journal,
    registry: stores.registry,
    log,
  };
  const report = () => {
    const ended = [...state.companies.values()].filter(({ finishedAtMs }) => finishedAtMs >= 0).length;
    options.onProgress(ended, companies.length);
  };
  const timer = setInterval(report, PROGRESS_EVERY_MS);
  try {
    await rollOut(ports, { ...rolloutOptionsOf(scenario), companies, tokens }, state);
  } finally {
    clearInterval(timer);
    await transport.close();
  }
  const columns = columnsOf(state, companies);
  const { entries, operations, facts } = await look<LedgerPage>(fakesUrl, '/_ledger');
  const audited = companies.map((company, i) => ({ ...company, outcome: columns.outcome[i] }));
  const violations = auditLedger(entries, audited, scenario.provisioning.databaseOperationsPerCompany);
  const registered = new Set((await stores.registry.list()).map(({ id }) => id));
  for (const { id, outcome } of audited)
    if (registered.has(id) !== (outcome === 'ready'))
      violations.push(`${id} is ${outcome}, but the registry says otherwise`);
  const rollout = { ...columns, operations, violations };
  return {
    replication: { index: 0, seed: replicationSeed(seed, 0), rollout, facts, hash: '', events: 0 },
    speed: health.speed,
  };
}

/** A journal belongs to one scenario, one seed and one run of the fakes. */
function claim(stores: Stores, identity: string, fakesId: string): void {
  for (const [name, value, what] of [
    ['identity', identity, 'another scenario or seed'],
    ['fakes', fakesId, 'other fakes: these have been started since'],
  ] as const) {
    const before = stores.label(name);
    if (before !== undefined && before !== value)
      throw new SandtableError('FAKES', `the journal belongs to ${what}; start over with --fresh`);
    stores.setLabel(name, value);
  }
}

async function look<T>(fakesUrl: string, path: string): Promise<T> {
  const transport = createTransport({ fakesUrl, bodyBytesMax: Number.POSITIVE_INFINITY });
  try {
    const url = new URL(path, fakesUrl).href;
    const deadlineAtMs = Date.now() + LOOK_MS_MAX;
    const outcome = await transport.send({ method: 'GET', url, headers: {}, deadlineAtMs, key: [-1] });
    if (outcome.kind === 'answered' && outcome.status === 200)
      return JSON.parse(new TextDecoder().decode(outcome.body));
    const reason = outcome.kind === 'answered' ? `status ${outcome.status}` : outcome.reason;
    throw new SandtableError(
      'FAKES',
      `no fakes answer at ${fakesUrl} (${reason}); start them with: sandtable fakes`,
    );
  } finally {
    await transport.close();
  }
}
