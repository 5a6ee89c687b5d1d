// Growth in waves, with a gate between two of them: what a gate reads, what it does when it says no, and that neither a
// crash nor a second provisioner changes its mind.

import { describe, expect, it } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKENS } from '../../fakes/fromScenario.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import { Network } from '../../simulator/network.ts';
import { Stores } from '../../simulator/stores.ts';
import { Trace } from '../../simulator/trace.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import { emptyState, rollOut } from '../../src/provisioning/rollout.ts';
import { inVirtualTime } from '../ports/virtualTime.ts';
import { leftIn, rolloutOf, type Sets, witness } from './harness.ts';

const HOUR_MS = 3_600_000;
const gate = { readyShareMin: 1, provisioningP99Max: '60s', healthyShareMin: 1, onFailure: 'pause' };
const waves = {
  steps: [
    { upTo: 5, dwell: '1h' },
    { upTo: 15, dwell: '24h' },
    { upTo: 30, dwell: '0s' },
  ],
  gate,
};
const inWaves = (sets: Sets = {}) =>
  rolloutOf(30, { 'provisioning.waves': waves, 'provisioning.batchSize': 10, 'run.deadline': '7d', ...sets });

/** Company 7, of the second wave, cannot have its database user. */
const BROKEN = {
  operation: 'atlas.databaseUsers.create',
  verdict: 'refuse',
  status: 400,
  share: 1,
  companies: [7],
};
const rollBack = { 'provisioning.waves': { ...waves, gate: { ...gate, onFailure: 'rollBack' } } };
/** A company that a crash found at a secret's version is in doubt for the call's deadline and a stale read's age. */
const patient = (onFailure: string) => ({
  'provisioning.waves': { ...waves, gate: { ...gate, provisioningP99Max: '120s', onFailure } },
});

describe('waves', () => {
  it('begin after the dwell of the one before, once it has passed its gate', async () => {
    const { replication } = await witness(inWaves());
    const { rollout } = replication;
    expect(rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
    expect(rollout.waves.map(({ outcome, companies }) => [outcome, companies])).toEqual([
      ['passed', 5],
      ['passed', 10],
      ['open', 15],
    ]);
    const [first, second] = rollout.waves;
    expect(first.reading).toMatchObject({ readyShare: 1, healthyShare: 1 });
    expect(first.endedAtMs).toBe(Math.max(...rollout.finishedAtMs.slice(0, 5)));
    expect(Math.min(...rollout.admittedAtMs.slice(5))).toBeGreaterThanOrEqual(first.endedAtMs + HOUR_MS);
    expect(Math.min(...rollout.admittedAtMs.slice(15))).toBeGreaterThanOrEqual(
      second.endedAtMs + 24 * HOUR_MS,
    );
  });

  it('pause when one shows too little, with the reason, and nothing more is begun', async () => {
    const { replication, entries } = await witness(inWaves({ 'faults.rules': [BROKEN] }));
    const { rollout } = replication;
    expect(rollout.waves.map(({ outcome }) => outcome)).toEqual(['passed', 'paused']);
    expect(rollout.waves[1].reason).toBe('ready 90 % of 100 %; provisioning P99 never of at most 60 s');
    expect(rollout.outcome.slice(0, 15).filter(outcome => outcome === 'ready')).toHaveLength(14);
    expect(new Set(rollout.outcome.slice(15))).toEqual(new Set(['unfinished']));
    expect(entries.some(({ company }) => company === 'c00015')).toBe(false);
  });

  it('pause when companies fell ill during the dwell', async () => {
    const ill = {
      operation: 'companyService.health',
      verdict: 'refuse',
      status: 503,
      share: 1,
      companies: [2],
      fromMs: HOUR_MS / 2,
    };
    const { replication } = await witness(inWaves({ 'faults.rules': [ill] }));
    expect(replication.rollout.waves).toMatchObject([
      { outcome: 'paused', reason: 'healthy 80 % of 100 %', reading: { readyShare: 1, healthyShare: 0.8 } },
    ]);
  });

  it('are rolled back when the scenario says so: nothing of the wave is left, all of the ones before', async () => {
    const { replication, entries } = await witness(inWaves({ ...rollBack, 'faults.rules': [BROKEN] }));
    const { rollout } = replication;
    expect(rollout.waves.map(({ outcome }) => outcome)).toEqual(['passed', 'rolledBack']);
    expect(rollout.outcome.slice(0, 5)).toEqual(Array(5).fill('ready'));
    expect(rollout.outcome.slice(5, 15)).toEqual(Array(10).fill('undone'));
    expect(rollout.reasons.c00008).toMatch(/^wave 2 was rolled back: ready 90 %/);
    expect(rollout.violations).toEqual([]);
    const owners = new Set(leftIn(entries).map(line => line.split(' ').at(-1)));
    expect([...owners].sort()).toEqual(['c00000', 'c00001', 'c00002', 'c00003', 'c00004']);
  });

  it.each([
    ['that pass', inWaves(patient('pause'))],
    ['of which one is rolled back', inWaves({ ...patient('rollBack'), 'faults.rules': [BROKEN] })],
  ])('%s end the same after a crash at any moment', async (_name, scenario) => {
    const undisturbed = await witness(scenario);
    const { events, rollout } = undisturbed.replication;
    for (let event = 1; event < events; event += Math.ceil(events / 80)) {
      const run = await witness(scenario, { hooks: { crashAtEvents: [event] } });
      expect(run.replication.rollout.outcome).toEqual(rollout.outcome);
      expect(run.replication.rollout.waves.map(({ outcome }) => outcome)).toEqual(
        rollout.waves.map(({ outcome }) => outcome),
      );
      expect(leftIn(run.entries)).toEqual(leftIn(undisturbed.entries));
      expect(run.replication.rollout.violations).toEqual([]);
    }
  });

  it('have one decision, whoever of two provisioners makes it', async () => {
    const two = { 'provisioning.provisioners': 2 };
    const passed = await witness(inWaves(two));
    expect(passed.replication.rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
    const undone = await witness(inWaves({ ...two, ...rollBack, 'faults.rules': [BROKEN] }));
    expect(undone.replication.rollout.waves.map(({ outcome }) => outcome)).toEqual(['passed', 'rolledBack']);
    expect(undone.replication.rollout.outcome.slice(5, 15)).toEqual(Array(10).fill('undone'));
    expect(undone.replication.rollout.violations).toEqual([]);
  });
});

/** A rollout of one process after the other, each with what its user decided. */
async function decided(decisions: readonly (undefined | 'resume' | 'rollBack')[]) {
  const scenario = inWaves({ 'faults.rules': [BROKEN] });
  const companies = companiesOf(scenario);
  const facts = new FactValues('mid', scenario.facts);
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, 7));
  return await inVirtualTime(async ({ kernel, clock }) => {
    const stores = new Stores(kernel, facts, 7);
    const outcomes: string[][] = [];
    let columns = columnsOf(emptyState(), companies, [], 0);
    for (const afterPause of decisions) {
      const generation = { alive: true };
      const state = emptyState();
      const ports = {
        clock,
        chance: { uniform: () => 0.5, secret: () => 'A'.repeat(43) },
        transport: new Network(kernel, cloud, new Trace()).transport(generation),
        ...stores.all(generation),
        log: () => {},
      };
      const options = {
        ...rolloutOptionsOf(scenario, facts),
        companies,
        tokens: FAKES_TOKENS,
        holder: 'provisioner',
        afterPause,
      };
      await rollOut(ports, options, state);
      columns = columnsOf(state, companies, stores.entries, clock.nowMs());
      outcomes.push(columns.waves.map(({ outcome }) => outcome));
    }
    return { outcomes, columns, left: leftIn(cloud.ledger.entries) };
  });
}

describe('a rollout that is paused', () => {
  it('stays so until somebody decides', async () => {
    const { outcomes, columns } = await decided([undefined, undefined]);
    expect(outcomes).toEqual([
      ['passed', 'paused'],
      ['passed', 'paused'],
    ]);
    expect(columns.outcome[15]).toBe('unfinished');
  });

  it('goes on when it is resumed, and is not paused there again', async () => {
    const { outcomes, columns } = await decided([undefined, 'resume', undefined]);
    expect(outcomes.slice(1)).toEqual([
      ['passed', 'resumed', 'open'],
      ['passed', 'resumed', 'open'],
    ]);
    expect(columns.outcome.filter(outcome => outcome === 'ready')).toHaveLength(29);
  });

  it('ends when it is rolled back, with what passed before', async () => {
    const { outcomes, columns, left } = await decided([undefined, 'rollBack', undefined]);
    expect(outcomes.slice(1)).toEqual([
      ['passed', 'rolledBack'],
      ['passed', 'rolledBack'],
    ]);
    expect(columns.outcome.slice(5, 15)).toEqual(Array(10).fill('undone'));
    expect(left.filter(line => /c000(0[5-9]|1\d)$/.test(line))).toEqual([]);
  });
});
