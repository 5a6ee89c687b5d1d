// Runs the real rollout in virtual time, in this process and unsealed: scenarios are `pilot-100` with sets.

import { loadScenario } from '../../cli/input.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { Ledger, type LedgerEntry, liveResources } from '../../fakes/ledger.ts';
import type { Replication, RolloutMeasurement } from '../../reports/measurement.ts';
import calibration from '../../scenarios/calibration.json' with { type: 'json' };
import type { Scenario } from '../../scenarios/scenario.ts';
import { type RunHooks, type RunSpec, runReplication } from '../../simulator/run.ts';
import type { CallKey } from '../../src/ports.ts';

/** Values by path: a document's, or text such as `"2h"`. */
export type Sets = Readonly<Record<string, unknown>>;

/** A rollout alone, unless the sets have other phases. */
export function scenarioOf(sets: Sets, name = 'pilot-100'): Scenario {
  const texts = Object.entries({ 'run.phases': ['rollout'], ...sets }).map(
    ([path, value]) => `${path}=${JSON.stringify(value)}`,
  );
  return loadScenario(name, texts);
}

/** So many companies in one region, a tenth of them advanced. */
export function rolloutOf(companies: number, sets: Sets = {}): Scenario {
  return scenarioOf({
    'population.companies': companies,
    'population.regions': { 'us-west1': companies },
    'population.advanced': Math.ceil(companies / 10),
    ...sets,
  });
}

export type SimulateOptions = Partial<Omit<RunSpec, 'scenario'>> & { readonly hooks?: Partial<RunHooks> };

export type RolledOut = Replication & { readonly rollout: RolloutMeasurement };

/** One replication of a rollout, run to its end. */
export async function simulate(scenario: Scenario, options: SimulateOptions = {}): Promise<RolledOut> {
  const { hooks, ...spec } = options;
  const replication = await runReplication(
    {
      scenario,
      index: 0,
      seed: 1,
      factLevel: 'mid',
      factOverrides: {},
      everyEventEntering: false,
      calibration,
      asRig: false,
      ...spec,
    },
    hooks ?? {},
  );
  if (replication === undefined) throw new Error('the run was stopped');
  const { rollout } = replication;
  if (rollout === null) throw new Error('the scenario has no rollout');
  return { ...replication, rollout };
}

export type Witnessed = {
  readonly replication: RolledOut;
  readonly entries: readonly LedgerEntry[];
  /** Every call that reached the clouds. */
  readonly arrivals: readonly { readonly atMs: number; readonly key: CallKey }[];
  /** Calls that each of the scenario's fault rules has hit. */
  readonly faultHits: readonly number[];
};

/** The same, with the calls that reached the fakes and what these wrote into their ledger. One at a time. */
export async function witness(scenario: Scenario, options: SimulateOptions = {}): Promise<Witnessed> {
  const { write } = Ledger.prototype;
  const { arrive } = Cloud.prototype;
  const arrivals: { atMs: number; key: CallKey }[] = [];
  let entries: readonly LedgerEntry[] = [];
  let cloud: Cloud | undefined;
  Ledger.prototype.write = function (entry) {
    // The clouds' own: a stale read is answered by a copy that has another.
    if (cloud?.ledger === this) entries = this.entries;
    write.call(this, entry);
  };
  Cloud.prototype.arrive = function (request, nowMs) {
    cloud = this;
    arrivals.push({ atMs: nowMs, key: request.key });
    return arrive.call(this, request, nowMs);
  };
  try {
    const replication = await simulate(scenario, options);
    return { replication, entries, arrivals, faultHits: cloud?.faultHits() ?? [] };
  } finally {
    Ledger.prototype.write = write;
    Cloud.prototype.arrive = arrive;
  }
}

/** What is left in the clouds, sorted; versions lose their numbers, since a retry may have raised them. */
export function leftIn(entries: readonly LedgerEntry[]): string[] {
  return liveResources(entries)
    .map(({ kind, name, company }) => `${kind} ${name.replace(/\/versions\/\d+$/, '/versions/*')} ${company}`)
    .sort();
}
