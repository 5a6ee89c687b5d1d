// A small platform in virtual time for tests: companies are provisioned by the real rollout, and a program then operates
// them. A crash kills whichever process is there; the next one takes up the rollout, and the program begins anew.

import { auditLedger } from '../../fakes/audit.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN, FAKES_TOKENS } from '../../fakes/fromScenario.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf, type PopulationCompany } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { virtualClock } from '../../simulator/clock.ts';
import { Kernel, VIRTUAL_START_MS } from '../../simulator/kernel.ts';
import { Machine } from '../../simulator/machine.ts';
import { Network } from '../../simulator/network.ts';
import { Stores } from '../../simulator/stores.ts';
import { Trace } from '../../simulator/trace.ts';
import { type Operations, openOperations } from '../../src/operations/operations.ts';
import type { Call, CallKey, Clock, LogLine } from '../../src/ports.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import { emptyState, rollOut } from '../../src/provisioning/rollout.ts';
import { systemChance } from '../../src/runtime/chance.ts';

const SEED = 7;
const DEADLINE_MS = 400 * 24 * 3_600_000;

export type World = {
  readonly operations: Operations;
  readonly clock: Clock;
  readonly cloud: Cloud;
  /** Something done to the clouds by somebody else, at once: the status and body of the answer. */
  readonly meddle: (method: string, url: string, body?: object) => { status: number; body: unknown };
  readonly companies: readonly PopulationCompany[];
  readonly stores: Stores;
};

export type Ran = {
  readonly cloud: Cloud;
  readonly companies: readonly PopulationCompany[];
  readonly stores: Stores;
  readonly logged: readonly LogLine[];
  /** Every call that was sent, with how many entries of the journal were durable then. */
  readonly sent: readonly (Call & { readonly durable: number })[];
  /** Events until the program first began, and in all. */
  readonly began: number;
  readonly events: number;
  /** What the audit finds, by what became of each company in the rollout. */
  readonly violations: (gone?: readonly string[], suspended?: readonly string[]) => string[];
};

/**
 * Runs until the program has ended. `crashAtEvents`: counted from the start of the rollout. `beside`: what another operator
 * does from the rollout's beginning on.
 */
export async function runWorld(
  scenario: Scenario,
  program: (world: World) => Promise<void>,
  crashAtEvents: readonly number[] = [],
  beside?: (world: World) => Promise<void>,
): Promise<Ran> {
  const facts = new FactValues('mid', scenario.facts);
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, SEED));
  const companies = companiesOf(scenario);
  const crashes = new Set(crashAtEvents);
  const logged: LogLine[] = [];
  const sent: (Call & { readonly durable: number })[] = [];
  let began = -1;
  const kernel = new Kernel({
    startMs: VIRTUAL_START_MS,
    deadlineMs: VIRTUAL_START_MS + DEADLINE_MS,
    everyEventEntering: false,
    ...(crashes.size > 0 && { beforeEvent: (event: number) => crashes.has(event) && machine.crash() }),
  });
  const network = new Network(kernel, cloud, new Trace());
  const stores = new Stores(kernel, facts, SEED);
  const options = {
    ...rolloutOptionsOf(scenario, facts),
    ...{ companies, tokens: FAKES_TOKENS, holder: 'operator', afterPause: undefined },
  };
  let state = emptyState();
  const meddle = (method: string, url: string, body?: object) =>
    meddleWith(cloud, kernel.nowMs, method, url, body);
  const machine = new Machine(kernel, async generation => {
    const clock = virtualClock(kernel, generation);
    const wire = network.transport(generation);
    const ports = {
      clock,
      chance: { uniform: () => 0.5, secret: systemChance.secret },
      transport: {
        send: (call: Call) => {
          sent.push({ ...call, durable: stores.entries.length });
          return wire.send(call);
        },
      },
      ...stores.all(generation),
      log: (line: LogLine) => void logged.push(line),
    };
    state = emptyState();
    const worldOf = async (holder: string): Promise<World> => {
      const operations = await openOperations(ports, { ...options, holder });
      return { operations, clock, cloud, meddle, companies, stores };
    };
    const besides = beside && worldOf('another operator').then(beside);
    await rollOut(ports, options, state);
    const world = await worldOf(options.holder);
    if (began < 0) began = kernel.events;
    await Promise.all([program(world), besides]);
  });
  await kernel.run(() => machine.run());
  const violations = (gone: readonly string[] = [], suspended: readonly string[] = []) => {
    const { outcome } = columnsOf(state, companies, [], kernel.nowMs);
    const audited = companies.map((company, i) => ({
      ...company,
      outcome: gone.includes(company.id)
        ? ('decommissioned' as const)
        : suspended.includes(company.id)
          ? ('suspended' as const)
          : outcome[i],
    }));
    return auditLedger(cloud.ledger.entries, audited, {
      databaseOperationsPerCompany: scenario.provisioning.databaseOperationsPerCompany,
      dns: scenario.platform.dns,
    });
  };
  return { cloud, companies, stores, logged, sent, began, events: kernel.events, violations };
}

const MEDDLER: CallKey = [9_999, 0, 0, 0, 0, 0];

function meddleWith(cloud: Cloud, nowMs: number, method: string, url: string, body?: object) {
  const { host, pathname, searchParams } = new URL(url);
  const answer = cloud.arrive(
    {
      ...{ method, host, path: pathname, query: searchParams, key: MEDDLER },
      headers: {
        authorization: `Bearer ${FAKES_TOKEN}`,
        accept: host === 'cloud.mongodb.com' ? 'application/vnd.atlas.2025-03-12+json' : 'application/json',
        'content-type': 'application/json',
      },
      body: body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body)),
    },
    nowMs,
  );
  if (answer === undefined) throw new Error(`${method} ${url} got lost`);
  return { status: answer.reply.status, body: answer.reply.body };
}
