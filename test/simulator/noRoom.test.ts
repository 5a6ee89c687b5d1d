// A hard quota that is used up: the company in hand is undone, and those of the queue that need the same are not begun, so
// that a full project costs a few companies' calls and not thousands. Raised, and the rollout run again, all are made.

import { describe, expect, it } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN, FAKES_TOKENS } from '../../fakes/fromScenario.ts';
import type { LedgerEntry } from '../../fakes/ledger.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { Network } from '../../simulator/network.ts';
import { Stores } from '../../simulator/stores.ts';
import { Trace } from '../../simulator/trace.ts';
import type { LogLine } from '../../src/ports.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import { emptyState, rollOut } from '../../src/provisioning/rollout.ts';
import { inVirtualTime } from '../ports/virtualTime.ts';
import { leftIn, rolloutOf, type Sets, type SimulateOptions, scenarioOf, witness } from './harness.ts';

const UNDER_WAY_MAX = 5;
const crowd = (companies: number, sets: Sets = {}) =>
  rolloutOf(companies, {
    'provisioning.quotas': 'vendor',
    'provisioning.batchSize': 10,
    'provisioning.concurrencyMax': UNDER_WAY_MAX,
    ...sets,
  });

const count = (outcomes: readonly string[], which: string) =>
  outcomes.filter(outcome => outcome === which).length;

/** Indexes of the companies that a call was ever made for. */
const begunIn = ({ arrivals }: { arrivals: readonly { key: readonly number[] }[] }) =>
  new Set(arrivals.map(({ key }) => key[0]));

describe.each([
  [
    'quota.atlas.roles',
    4,
    4,
    'databaseRole',
    'CUSTOM_ROLES_LIMIT_EXCEEDED',
    'Atlas project 65f1c0a4b7d2e3f40a1b2c01',
  ],
  [
    'quota.atlas.users',
    4,
    4,
    'databaseUser',
    'GROUP_USERS_LIMIT_EXCEEDED',
    'Atlas project 65f1c0a4b7d2e3f40a1b2c01',
  ],
  // The default namespace counts.
  [
    'quota.pinecone.namespaces',
    5,
    4,
    'namespace',
    'namespaces',
    'companies-x1y2z3.svc.gcp-us-central1-4a9f.pinecone.io',
  ],
  ['quota.cloud-run.services', 4, 4, 'service', 'ServicesPerProjectRegion', 'us-west1 of sandtable-platform'],
  ['quota.cloudflare.records-per-zone', 4, 4, 'dnsRecord', 'DNS records', 'mcp.asoos.2100.cool'],
  ['quota.cloudflare.hostnames', 4, 4, 'certificate', 'custom hostnames', 'mcp.asoos.2100.cool'],
])('with room for a few companies by %s', (fact, limit, room, step, quota, scope) => {
  it(`makes ${room} of 60, undoes those that were under way, and begins no other`, async () => {
    const witnessed = await witness(crowd(60), { factOverrides: { [fact]: limit } });
    const { outcome, reasons, violations, full, admittedAtMs, needs } = witnessed.replication.rollout;
    expect(violations).toEqual([]);
    expect(count(outcome, 'ready')).toBe(room);
    const undone = count(outcome, 'undone');
    expect(undone).toBeGreaterThan(0);
    expect(undone).toBeLessThanOrEqual(UNDER_WAY_MAX);
    const notBegun = count(outcome, 'noRoom');
    expect(notBegun).toBe(60 - room - undone);
    expect(full).toEqual([{ step, scope, quota, undone, notBegun }]);
    expect([...begunIn(witnessed)].filter(index => outcome[index] === 'noRoom')).toEqual([]);
    for (const [index, state] of outcome.entries())
      if (state === 'noRoom') {
        expect(reasons[`c${String(index).padStart(5, '0')}`]).toBe(
          `${step}: no room in ${scope}, the quota ${quota} is used up`,
        );
        expect(admittedAtMs[index]).toBe(-1);
      }
    // What the arithmetic over the plan said of it before.
    const need = needs.find(each => each.quota === fact)!;
    expect(need.companiesMax).toBe(limit);
    expect(need.needed - room).toBe(undone + notBegun);
  });
});

it('goes on with the companies of other places', async () => {
  const scenario = scenarioOf({
    'population.companies': 60,
    'population.regions': { 'us-west1': 40, 'us-central1': 4, 'europe-west1': 16 },
    'population.advanced': 6,
    'provisioning.quotas': 'vendor',
    'provisioning.concurrencyMax': UNDER_WAY_MAX,
  });
  const { replication } = await witness(scenario, { factOverrides: { 'quota.atlas.roles': 5 } });
  const { outcome, region, full, violations } = replication.rollout;
  expect(violations).toEqual([]);
  const readyIn = (name: string) => outcome.filter((one, i) => one === 'ready' && region[i] === name).length;
  expect([readyIn('us-west1'), readyIn('us-central1'), readyIn('europe-west1')]).toEqual([5, 4, 5]);
  expect(full.map(({ undone, notBegun }) => undone + notBegun).sort()).toEqual([11, 35]);
});

it('takes the room that a company gives up which is undone for something else', async () => {
  // The first two have a role, and their services fail for good after the others have found no room for one.
  const broken = [0, 1].map(company => ({
    ...{ operation: 'cloudRun.services.create', verdict: 'refuse', status: 400, share: 1 },
    companies: [company],
  }));
  const { replication } = await witness(crowd(30, { 'faults.rules': broken }), {
    factOverrides: { 'quota.atlas.roles': 4 },
  });
  const { outcome, violations } = replication.rollout;
  expect(violations).toEqual([]);
  expect(count(outcome, 'ready')).toBe(4);
  expect(outcome.slice(0, 2)).toEqual(['undone', 'undone']);
});

it('takes a rate that never opens for a quota that is used up', async () => {
  const never = { name: 'never', operations: ['pinecone.namespaces.create'], perMinute: 0.0001 };
  const { replication } = await witness(crowd(40, { 'faults.quotas': [never], 'run.deadline': '24h' }));
  const { outcome, full, violations } = replication.rollout;
  expect(violations).toEqual([]);
  // It lets two calls through before it refuses.
  expect([count(outcome, 'ready'), count(outcome, 'undone') + count(outcome, 'noRoom')]).toEqual([2, 38]);
  expect(count(outcome, 'undone')).toBeLessThanOrEqual(UNDER_WAY_MAX);
  expect(full).toMatchObject([{ step: 'namespace', quota: 'never' }]);
});

/** Companies without a trace, by what they were told. */
function expectSettled(
  { replication: { rollout } }: Awaited<ReturnType<typeof witness>>,
  room: number,
  what: object,
): void {
  const { outcome, violations } = rollout;
  expect({ ...what, violations, ready: count(outcome, 'ready') }).toEqual({
    ...what,
    violations: [],
    ready: room,
  });
  expect({ ...what, others: outcome.filter(one => !['ready', 'undone', 'noRoom'].includes(one)) }).toEqual({
    ...what,
    others: [],
  });
}

describe('a rollout whose project is full', () => {
  const factOverrides = { 'quota.atlas.roles': 3 };
  const options = (more: SimulateOptions = {}) => ({ factOverrides, ...more });

  it('ends the same after a crash before any of its events, and begins a few companies more at most', async () => {
    const scenario = crowd(12, { 'provisioning.concurrencyMax': 3 });
    const undisturbed = await witness(scenario, options());
    const { events } = undisturbed.replication;
    const beganAt: number[] = [];
    for (let event = 0; event < events; event++) {
      const crashed = await witness(scenario, options({ hooks: { crashAtEvents: [event] } }));
      expectSettled(crashed, 3, { event });
      expect(leftIn(crashed.entries).length).toBe(leftIn(undisturbed.entries).length);
      beganAt.push(begunIn(crashed).size);
    }
    // Those that there is room for, those that were under way, and the one that shows whether there is room again.
    expect(Math.max(...beganAt)).toBeLessThanOrEqual(3 + 3 + 1);
  });

  it('costs each further process one company', async () => {
    const scenario = crowd(60);
    const undisturbed = await witness(scenario, options());
    const { events } = undisturbed.replication;
    const crashAtEvents = [0.5, 0.6, 0.7, 0.8, 0.9].map(share => Math.floor(share * events));
    const crashed = await witness(scenario, options({ hooks: { crashAtEvents } }));
    expectSettled(crashed, 3, {});
    expect(begunIn(crashed).size).toBeLessThanOrEqual(begunIn(undisturbed).size + crashAtEvents.length);
  });

  it('is settled by two provisioners together, held still or not', async () => {
    const scenario = crowd(60, { 'provisioning.provisioners': 2 });
    const together = await witness(scenario, options());
    expectSettled(together, 3, {});
    expect(begunIn(together).size).toBeLessThanOrEqual(3 + 2 * UNDER_WAY_MAX + 2);
    const { events } = together.replication;
    for (let atEvent = 20; atEvent < events; atEvent += Math.ceil(events / 25)) {
      const pauses = [{ atEvent, provisioner: atEvent % 2, forMs: 61_000 }];
      expectSettled(await witness(scenario, options({ hooks: { pauses } })), 3, { atEvent });
    }
  });
});

it('is known to a provisioner that was held still while the other found it out', async () => {
  const scenario = crowd(60, { 'provisioning.provisioners': 2 });
  const held = { atEvent: 6, provisioner: 1, forMs: 3_600_000 };
  const witnessed = await witness(scenario, {
    factOverrides: { 'quota.atlas.roles': 3 },
    hooks: { pauses: [held] },
  });
  expectSettled(witnessed, 3, {});
  // It had joined before there was anything to know, and comes to the other's batches when all is over.
  const { operations } = witnessed.replication.rollout;
  const refused = operations.reduce((sum, { refusedByQuota }) => sum + refusedByQuota, 0);
  expect(refused).toBe(count(witnessed.replication.rollout.outcome, 'undone'));
  expect(begunIn(witnessed).size).toBeLessThanOrEqual(3 + UNDER_WAY_MAX);
  expect(new Set(witnessed.arrivals.map(({ key }) => key[2])).size).toBe(1);
});

type Ran = {
  readonly outcome: readonly string[];
  readonly full: readonly { readonly undone: number; readonly notBegun: number }[];
  readonly waves: readonly string[];
  readonly left: string[];
  readonly entries: readonly LedgerEntry[];
  readonly logged: readonly LogLine[];
  /** Companies that this process made a call for. */
  readonly begun: ReadonlySet<number>;
};
type Process = {
  /** What the limit on roles is set to before this process begins. */
  readonly raisedTo?: number;
  /** And what it is set to while it works. */
  readonly later?: { readonly raisedTo: number; readonly afterMs: number };
  readonly afterPause?: 'resume' | 'rollBack';
};

const ROLES_LIMIT = 'atlas.project.security.databaseAccess.customRoles';

/** Somebody sets the project's limit, by the vendor's own call. */
function raise(cloud: Cloud, project: string, value: number, nowMs: number): void {
  const answer = cloud.arrive(
    {
      ...{ method: 'PATCH', host: 'cloud.mongodb.com', query: new URLSearchParams(), key: [9_999, 0, 0, 0] },
      path: `/api/atlas/v2/groups/${project}/limits/${ROLES_LIMIT}`,
      headers: {
        authorization: `Bearer ${FAKES_TOKEN}`,
        accept: 'application/vnd.atlas.2025-03-12+json',
        'content-type': 'application/json',
      },
      body: new TextEncoder().encode(JSON.stringify({ value })),
    },
    nowMs,
  );
  expect(answer?.reply.status).toBe(200);
}

/** One process after the other on one journal and the same clouds, with room for `roles` companies at first. */
async function inTurn(scenario: Scenario, roles: number, processes: readonly Process[]) {
  const companies = companiesOf(scenario);
  const facts = new FactValues('mid', { ...scenario.facts, 'quota.atlas.roles': roles });
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, 7));
  const [{ project }] = scenario.platform.regions['us-west1'].atlas;
  return await inVirtualTime(async ({ kernel, clock }) => {
    const stores = new Stores(kernel, facts, 7);
    const ran: Ran[] = [];
    for (const { raisedTo, later, afterPause } of processes) {
      if (raisedTo !== undefined) raise(cloud, project, raisedTo, clock.nowMs());
      if (later) clock.after(later.afterMs, () => raise(cloud, project, later.raisedTo, clock.nowMs()));
      const generation = { alive: true };
      const state = emptyState();
      const logged: LogLine[] = [];
      const begun = new Set<number>();
      const wire = new Network(kernel, cloud, new Trace()).transport(generation);
      const ports = {
        clock,
        chance: { uniform: () => 0.5, secret: () => 'A'.repeat(43) },
        transport: {
          send: (call: Parameters<typeof wire.send>[0]) => {
            begun.add(call.key[0]);
            return wire.send(call);
          },
        },
        ...stores.all(generation),
        log: (line: LogLine) => void logged.push(line),
      };
      const options = { ...rolloutOptionsOf(scenario, facts), companies, tokens: FAKES_TOKENS };
      await rollOut(ports, { ...options, holder: 'provisioner', afterPause }, state);
      const { outcome, full, waves } = columnsOf(state, companies, stores.entries, clock.nowMs());
      const { entries } = cloud.ledger;
      ran.push({
        outcome,
        full,
        waves: waves.map(wave => wave.outcome),
        left: leftIn(entries),
        entries,
        logged,
        begun,
      });
    }
    return ran;
  });
}

describe('the same rollout run again', () => {
  it('begins one company to see whether there is room, and no other when there is none', async () => {
    const [first, second, third] = await inTurn(crowd(60), 3, [{}, {}, {}]);
    for (const again of [second, third]) {
      expect(count(again.outcome, 'ready')).toBe(3);
      expect(count(again.outcome, 'noRoom') + count(again.outcome, 'undone')).toBe(57);
      expect(again.begun.size).toBe(1);
      expect(again.left).toEqual(first.left);
    }
  });

  it('completes all of them, those that were undone for it included, once the limit is raised', async () => {
    const [first, second, third] = await inTurn(crowd(60), 3, [{}, { raisedTo: 100 }, {}]);
    expect(count(first.outcome, 'ready')).toBe(3);
    expect(second.outcome).toEqual(Array(60).fill('ready'));
    expect(second.full).toEqual([]);
    expect(second.left.filter(line => line.startsWith('databaseRole'))).toHaveLength(60);
    // It knows of it, and looks no more.
    expect(third.outcome).toEqual(Array(60).fill('ready'));
    expect([...third.begun]).toEqual([]);
  });

  it('fills what was raised by little, and stops again', async () => {
    const [, second] = await inTurn(crowd(60), 3, [{}, { raisedTo: 9 }]);
    expect(count(second.outcome, 'ready')).toBe(9);
    expect(second.begun.size).toBeLessThanOrEqual(6 + UNDER_WAY_MAX);
  });
});

describe('a wave with companies for which there is no room', () => {
  const gate = { readyShareMin: 1, provisioningP99Max: '600s', healthyShareMin: 1, onFailure: 'pause' };
  const steps = [
    { upTo: 10, dwell: '1h' },
    { upTo: 30, dwell: '0s' },
  ];
  const inWaves = (onFailure: string, sets: Sets = {}) =>
    crowd(30, {
      'provisioning.waves': { steps, gate: { ...gate, onFailure } },
      'run.deadline': '7d',
      ...sets,
    });

  it('does not pass its gate, and waits for somebody to decide, whatever is raised meanwhile', async () => {
    const [first, second] = await inTurn(inWaves('pause'), 4, [{}, { raisedTo: 100 }]);
    for (const { waves, outcome } of [first, second]) {
      expect(waves).toEqual(['paused']);
      expect(count(outcome, 'ready')).toBe(4);
      expect(count(outcome.slice(10), 'unfinished')).toBe(20);
    }
    expect(second.begun.size).toBe(0);
  });

  it('is completed first when it is resumed with the limit raised', async () => {
    const raised = { raisedTo: 100, afterPause: 'resume' } as const;
    const [, second] = await inTurn(inWaves('pause'), 4, [{}, raised]);
    expect(second.waves).toEqual(['resumed', 'open']);
    expect(second.outcome).toEqual(Array(30).fill('ready'));
  });

  it('is followed by one that looks whether there is room again, where so few lack it that it passes', async () => {
    const grown = [
      { upTo: 100, dwell: '1h' },
      { upTo: 120, dwell: '0s' },
    ];
    const lenient = { ...gate, readyShareMin: 0.99, onFailure: 'pause' };
    const scenario = crowd(120, {
      'provisioning.waves': { steps: grown, gate: lenient },
      facts: { 'quota.atlas.users': 900 },
      'run.deadline': '7d',
    });
    for (const raisedTo of [undefined, 200]) {
      const process = raisedTo === undefined ? {} : { later: { raisedTo, afterMs: 3_600_000 } };
      const [{ waves, outcome, begun }] = await inTurn(scenario, 99, [process]);
      expect(waves).toEqual(['passed', 'open']);
      expect(count(outcome.slice(0, 100), 'ready')).toBe(99);
      expect(count(outcome.slice(100), 'ready')).toBe(raisedTo === undefined ? 0 : 20);
      // Of the second wave the one that shows it, and nobody else where there is none.
      expect([...begun].filter(index => index >= 100)).toHaveLength(raisedTo === undefined ? 1 : 20);
    }
  });

  it('is rolled back, and none of its companies is begun any more', async () => {
    const [first, second] = await inTurn(inWaves('rollBack'), 4, [{}, { raisedTo: 100 }]);
    for (const { waves, outcome, left } of [first, second]) {
      expect(waves).toEqual(['rolledBack']);
      expect(count(outcome, 'ready')).toBe(0);
      expect(left).toEqual([]);
    }
    expect(second.begun.size).toBe(0);
  });

  it.each(['pause', 'rollBack'])(
    'ends the same after a crash at any moment, and with two provisioners: %s',
    async onFailure => {
      for (const provisioners of [1, 2]) {
        const scenario = inWaves(onFailure, { 'provisioning.provisioners': provisioners });
        const options = { factOverrides: { 'quota.atlas.roles': 4 } };
        const undisturbed = await witness(scenario, options);
        const { events } = undisturbed.replication;
        const ready = onFailure === 'pause' ? 4 : 0;
        expect(count(undisturbed.replication.rollout.outcome, 'ready')).toBe(ready);
        for (let event = 1; event < events; event += Math.ceil(events / 60)) {
          const run = await witness(scenario, { ...options, hooks: { crashAtEvents: [event] } });
          const { outcome, violations, waves } = run.replication.rollout;
          expect({ event, violations }).toEqual({ event, violations: [] });
          expect([count(outcome, 'ready'), waves.map(wave => wave.outcome)]).toEqual([
            ready,
            [onFailure === 'pause' ? 'paused' : 'rolledBack'],
          ]);
        }
      }
    },
  );
});
