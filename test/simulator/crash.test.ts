// The provisioner dies before every single event of a rollout, and the next process must end where an undisturbed
// one ends: nothing twice, nothing lost, nothing left behind.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Scenario } from '../../scenarios/scenario.ts';
import { leftIn, rolloutOf, type Sets, type Witnessed, witness } from './harness.ts';

const indexes = { 'provisioning.databaseOperationsPerCompany': 4 };
const refusing = (operation: string, status: number) => ({
  ...indexes,
  'faults.rules': [{ operation, verdict: 'refuse', status, share: 1, companies: [0] }],
});

/** In time for the deadline of 15 s, but not for the life of the process that sent it. */
const late = (operation: string) => ({ operation, verdict: 'delayRequest', delayMs: 10_000, share: 1 });

type Case = {
  readonly name: string;
  readonly scenario: Scenario;
  readonly outcome: readonly string[];
  /** A call of a dead process may only arrive while it was on its way already; some milliseconds when absent. */
  readonly onItsWayMaxMs?: number;
};

const UNDONE = ['undone', 'ready', 'ready'];
const READY = ['ready', 'ready', 'ready'];

/** The first company's service fails to start, and its certificate times out, while the rollout is young. */
const BROKEN = ['cloudRun.services.create', 'cloudflare.customHostnames.create'].map(operation => ({
  operation,
  verdict: 'breakHalfway',
  share: 1,
  untilMs: 30_000,
  companies: [0],
}));

const CASES: readonly Case[] = [
  { name: 'a batch of three', scenario: rolloutOf(3, indexes), outcome: READY },
  {
    name: 'a small batch of the plan, ten',
    scenario: rolloutOf(10, indexes),
    outcome: Array(10).fill('ready'),
  },
  {
    name: 'a batch whose first company is refused its database user',
    scenario: rolloutOf(3, refusing('atlas.databaseUsers.create', 400)),
    outcome: UNDONE,
  },
  {
    name: 'a batch whose first company is refused its certificate',
    scenario: rolloutOf(3, refusing('cloudflare.customHostnames.create', 400)),
    outcome: UNDONE,
  },
  {
    name: 'a batch whose secrets take ten seconds to arrive, long after a crash',
    scenario: rolloutOf(3, { ...indexes, 'faults.rules': [late('secretManager.versions.add')] }),
    outcome: READY,
    onItsWayMaxMs: 11_000,
  },
  {
    name: 'a batch whose first company has its service made again',
    scenario: rolloutOf(3, { ...indexes, 'faults.rules': BROKEN }),
    outcome: READY,
  },
  {
    name: 'a batch whose tokens expire after ten seconds',
    scenario: rolloutOf(3, {
      ...indexes,
      'faults.rules': ['secretManager.*', 'kms.*', 'firestore.*', 'cloudRun.*', 'atlas.*'].map(operation => ({
        operation,
        verdict: 'expireToken',
        share: 1,
        fromMs: 10_000,
      })),
    }),
    outcome: READY,
  },
  {
    name: 'a batch whose first company is undone while creations are still on their way',
    scenario: rolloutOf(3, {
      ...indexes,
      'faults.rules': [
        { operation: 'cloudRun.services.create', verdict: 'refuse', status: 400, share: 1, companies: [0] },
        late('pinecone.namespaces.create'),
        late('atlas.databaseUsers.create'),
      ],
    }),
    outcome: UNDONE,
    onItsWayMaxMs: 11_000,
  },
];

/** The third integer of a call's key. */
const generationOf = (key: readonly number[]): number => key[2];

const ON_ITS_WAY_MAX_MS = 200;

/** Calls that a dead process sent. */
function callsOfTheDead({ arrivals }: Witnessed, onItsWayMaxMs: number): unknown[] {
  let newest = 0;
  let bornAtMs = 0;
  return arrivals.filter(({ atMs, key }) => {
    if (generationOf(key) > newest) {
      newest = generationOf(key);
      bornAtMs = atMs;
    }
    return generationOf(key) < newest && atMs > bornAtMs + onItsWayMaxMs;
  });
}

const summaryOf = ({ replication: { rollout }, entries }: Witnessed) => ({
  outcome: rollout.outcome,
  violations: rollout.violations,
  left: leftIn(entries),
});

describe.each(CASES)('$name', ({ scenario, outcome, onItsWayMaxMs = ON_ITS_WAY_MAX_MS }) => {
  let undisturbed: Witnessed;
  let expected: ReturnType<typeof summaryOf>;

  beforeAll(async () => {
    undisturbed = await witness(scenario);
    expected = summaryOf(undisturbed);
  });

  it('ends as planned when nothing happens', () => {
    expect(expected.outcome).toEqual(outcome);
    expect(expected.violations).toEqual([]);
    // The company that was undone keeps at most its index, which Atlas cannot drop.
    const ofFirst = expected.left.filter(
      name => name.endsWith(' c00000') && !name.startsWith('databaseIndex'),
    );
    expect(ofFirst.length > 0).toBe(outcome[0] === 'ready');
  });

  it('ends the same after a crash before any of its events', async () => {
    const { events } = undisturbed.replication;
    const wrong: unknown[] = [];
    for (let event = 0; event < events; event++) {
      const witnessed = await witness(scenario, { hooks: { crashAtEvents: [event] } });
      const seen = summaryOf(witnessed);
      if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ event, ...seen });
      const ghosts = callsOfTheDead(witnessed, onItsWayMaxMs);
      if (ghosts.length > 0) wrong.push({ event, ghosts });
    }
    expect(wrong).toEqual([]);
  });

  it('ends the same after two crashes and after five', async () => {
    const { events } = undisturbed.replication;
    const crashes = (length: number) =>
      fc.array(fc.nat(2 * events), { minLength: length, maxLength: length });
    await fc.assert(
      fc.asyncProperty(fc.oneof(crashes(2), crashes(5)), async crashAtEvents => {
        expect(summaryOf(await witness(scenario, { hooks: { crashAtEvents } }))).toEqual(expected);
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

const REFUSABLE = ['kms.cryptoKeys.create', 'atlas.databaseUsers.create', 'cloudRun.services.create'];
const refusals = REFUSABLE.map(operation => ({
  operation,
  verdict: 'refuse',
  status: 400,
  share: 0.5,
  companies: [0],
}));

const someLate = REFUSABLE.map(operation => ({ ...late(operation), share: 0.5 }));

/** A removal of a dead process would arrive when the next one has long made the service again, and it is ready. */
const removalsLate = {
  facts: { 'lat.cloud-run.deploy': 2000, 'lat.cloud-run.delete': 500 },
  'faults.rules': [
    { ...BROKEN[0], untilMs: 9000 },
    { ...late('cloudRun.services.delete'), share: 0.5 },
  ],
};

describe.each<[string, Sets, readonly string[]]>([
  [
    'on a wire so slow',
    { facts: { 'net.vendor-one-way': 3000 }, 'faults.rules': refusals },
    ['ready', 'undone'],
  ],
  ['with some creations so late', { 'faults.rules': [...refusals, ...someLate] }, ['ready', 'undone']],
  ['with some removals so late', removalsLate, ['ready']],
])('a batch %s that calls land long after their process died', (_, sets, expected) => {
  const scenario = rolloutOf(2, { ...indexes, ...sets });

  it('leaves nothing of a company that is undone and nothing twice, whenever the crash comes', async () => {
    const wrong: unknown[] = [];
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 8; seed++) {
      const { events } = (await witness(scenario, { seed })).replication;
      for (let event = 0; event < events; event++) {
        const { replication } = await witness(scenario, { seed, hooks: { crashAtEvents: [event] } });
        const { outcome, violations } = replication.rollout;
        outcomes.add(outcome[0]);
        if (violations.length > 0 || outcome[1] !== 'ready') wrong.push({ seed, event, outcome, violations });
      }
    }
    expect(wrong).toEqual([]);
    expect(outcomes).toEqual(new Set(expected));
  });
});
