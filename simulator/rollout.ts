// The rollout in virtual time: builds a world from a scenario and a seed, lets the real provisioner run in it, measures.

import { auditLedger } from '../fakes/audit.ts';
import { Cloud } from '../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKENS } from '../fakes/fromScenario.ts';
import type { RolloutMeasurement } from '../reports/measurement.ts';
import { drawUint32, drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import { companiesOf } from '../scenarios/population.ts';
import { rolloutOptionsOf } from '../scenarios/rolloutOptions.ts';
import { durationMs } from '../scenarios/scenario.ts';
import type { CallKey, Chance } from '../src/ports.ts';
import { arithmeticOf } from '../src/provisioning/arithmetic.ts';
import { columnsOf } from '../src/provisioning/columns.ts';
import { emptyState, type RolloutState, rollOut } from '../src/provisioning/rollout.ts';
import { virtualClock } from './clock.ts';
import { Kernel, VIRTUAL_START_MS } from './kernel.ts';
import { type Generation, Machine } from './machine.ts';
import { Network } from './network.ts';
import type { RunHooks, RunSpec } from './run.ts';
import { Stores } from './stores.ts';
import { Trace } from './trace.ts';

export type RolloutRun = {
  readonly rollout: RolloutMeasurement;
  readonly hash: string;
  readonly events: number;
};

/** Undefined when `poll`, which hears the share that is done, stopped it. Rejects with SIMULATION when it cannot go on. */
export async function simulateRollout(
  { scenario, seed, everyEventEntering }: RunSpec,
  facts: FactValues,
  hooks: RunHooks,
): Promise<RolloutRun | undefined> {
  const companies = companiesOf(scenario);
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, seed));
  const trace = new Trace();
  const { provisioners } = scenario.provisioning;
  /** By provisioner; what a crashed one knew is gone. */
  const states: RolloutState[] = Array.from({ length: provisioners }, emptyState);
  let ended = 0;
  const deadlineAtMs = VIRTUAL_START_MS + durationMs(scenario.run.deadline);
  const kernel = new Kernel({
    startMs: VIRTUAL_START_MS,
    deadlineMs: deadlineAtMs,
    everyEventEntering,
    ...(hooks.poll && { poll: () => hooks.poll!(ended / companies.length) }),
    ...disturbed(hooks, () => machines),
  });
  const network = new Network(kernel, cloud, trace);
  const stores = new Stores(kernel, facts, seed);
  const options = {
    ...rolloutOptionsOf(scenario, facts),
    companies,
    tokens: FAKES_TOKENS,
    afterPause: undefined,
  };
  const program = (provisioner: number) => (generation: Generation) => {
    const state = emptyState();
    states[provisioner] = state;
    const ports = {
      clock: virtualClock(kernel, generation),
      chance: virtualChance(seed),
      transport: network.transport(generation),
      ...stores.all(generation),
      log: () => void ended++,
    };
    return rollOut(ports, { ...options, holder: `provisioner ${provisioner + 1}` }, state);
  };
  const machines = states.map((_, provisioner) => new Machine(kernel, program(provisioner)));
  // A rollout that is not over by its deadline is reported with its companies unfinished.
  const { promise: over, resolve: giveUp, reject } = Promise.withResolvers<void>();
  kernel.schedule(
    deadlineAtMs,
    kernel.daemon(() => giveUp()),
  );
  const finished = await kernel.run(() => {
    Promise.all(machines.map(machine => machine.run())).then(() => giveUp(), reject);
    return over;
  });
  if (!finished) return undefined;
  const state = mergedStates(states);
  const columns = columnsOf(state, companies, stores.entries, kernel.nowMs);
  const audited = companies.map((company, i) => ({
    ...company,
    outcome: columns.outcome[i],
    templateSecrets: scenario.platform.templates[company.industry].secrets.length,
  }));
  const violations = auditLedger(cloud.ledger.entries, audited, {
    databaseOperationsPerCompany: options.databaseOperationsPerCompany,
    dns: scenario.platform.dns,
  });
  const arithmetic = arithmeticOf(options, id => facts.get(id).value);
  const rollout = { ...columns, ...arithmetic, operations: cloud.operations(), violations };
  return { rollout, hash: trace.hex(), events: kernel.events };
}

/** What happens to the provisioners before an event. */
function disturbed(
  { crashAtEvents = [], pauses = [] }: RunHooks,
  machines: () => readonly Machine[],
): { readonly beforeEvent?: (event: number) => void } {
  if (crashAtEvents.length + pauses.length === 0) return {};
  const crashes = new Set(crashAtEvents);
  return {
    beforeEvent: event => {
      if (crashes.has(event)) machines()[event % machines().length].crash();
      for (const { atEvent, provisioner, forMs } of pauses)
        if (atEvent === event) machines()[provisioner].pause(forMs);
    },
  };
}

/** What provisioners that shared a rollout know of it together. */
function mergedStates(states: readonly RolloutState[]): RolloutState {
  const merged = { ...emptyState(), queuedAtMs: Math.max(...states.map(({ queuedAtMs }) => queuedAtMs)) };
  for (const state of states) {
    for (const [index, company] of state.companies) {
      const known = merged.companies.get(index);
      if (known === undefined || isNewer(company, known)) merged.companies.set(index, company);
    }
  }
  const waves = states.toSorted((a, b) => b.waves.length - a.waves.length)[0].waves;
  return {
    ...merged,
    unwritten: new Set(states.flatMap(({ unwritten }) => [...unwritten])),
    waves,
    limits: new Map(states.flatMap(({ limits }) => [...limits])),
  };
}

type Seen = { readonly admittedAtMs: number; readonly finishedAtMs: number };

/** One may know of a company's end, and another that it was begun anew since. */
const isNewer = (one: Seen, than: Seen): boolean =>
  one.admittedAtMs === than.admittedAtMs
    ? one.finishedAtMs > than.finishedAtMs
    : one.admittedAtMs > than.admittedAtMs;

/** 32 bytes as 43 characters of six bits, five of them from each draw of 32 bits. */
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function virtualChance(seed: number): Chance {
  const base64url = (key: CallKey) => {
    let text = '';
    for (let draw = 0; text.length < 43; draw++) {
      let bits = drawUint32(seed, PURPOSE.secret, [...key, draw]);
      for (let i = 0; i < 5 && text.length < 43; i++, bits >>>= 6) text += BASE64URL[bits & 63];
    }
    return text;
  };
  return {
    uniform: key => drawUniform(seed, PURPOSE.jitter, key),
    secret: base64url,
  };
}
