// Two promises of a rollout that hold whatever the clouds do: nothing has an effect before the journal knows of it, and
// no secret is ever written down outside the vault.

import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { auditLedger } from '../../fakes/audit.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN, FAKES_TOKENS } from '../../fakes/fromScenario.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { startFakes } from '../../fakes/server.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import { Network } from '../../simulator/network.ts';
import { Stores } from '../../simulator/stores.ts';
import { Trace } from '../../simulator/trace.ts';
import type { Call, Journal, JournalEntry, LogLine } from '../../src/ports.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import { emptyState, rollOut } from '../../src/provisioning/rollout.ts';
import { systemChance } from '../../src/runtime/chance.ts';
import { createTransport } from '../../src/runtime/transport.ts';
import { inVirtualTime, START_MS } from '../ports/virtualTime.ts';

const SMALL = [
  'population.companies=6',
  'population.regions.us-west1=6',
  'provisioning.concurrencyMax=6',
  'population.advanced=2',
];
/** Answers lost, calls refused and delayed, and one company that can never be completed. */
const SICK = `faults.rules=${JSON.stringify([
  { operation: 'cloudRun.services.create', verdict: 'refuse', status: 400, share: 1, companies: [3] },
  { operation: 'secretManager.versions.add', verdict: 'loseAnswer', share: 0.5 },
  { operation: 'atlas.*', verdict: 'refuse', status: 500, share: 0.2 },
  { operation: 'cloudflare.*', verdict: 'loseAnswer', share: 0.2 },
  { operation: 'pinecone.*', verdict: 'loseRequest', share: 0.2 },
])}`;

type Watch = {
  /** Stands in for the journal; `durable` are the entries whose append has resolved. */
  readonly journal?: (real: Journal, durable: readonly JournalEntry[]) => Journal;
  /** Put into the clouds before the rollout starts. */
  readonly plant?: (cloud: Cloud) => void;
  /** Told of each call before it goes. `own`: what is durable of its company; `step`: the id of its step. */
  readonly sending?: (call: Call, step: string, own: readonly JournalEntry[]) => void;
};

/** A small rollout in virtual time, and everything that it left behind. */
async function smallRollout(sets: readonly string[], watch: Watch = {}) {
  const scenario = loadScenario('today', [...SMALL, ...sets]);
  const facts = new FactValues('mid', scenario.facts);
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, 7));
  watch.plant?.(cloud);
  const companies = companiesOf(scenario);
  const options = {
    ...rolloutOptionsOf(scenario, new FactValues('mid', {})),
    holder: 'provisioner',
    afterPause: undefined,
  };
  const durable: JournalEntry[] = [];
  const logged: LogLine[] = [];
  const secrets: string[] = [];
  const sent: Call[] = [];
  const state = emptyState();
  let columns = columnsOf(state, companies, [], 0);
  const run = inVirtualTime(async ({ kernel, clock }) => {
    const generation = { alive: true };
    const stores = new Stores(kernel, facts, 7);
    const wire = new Network(kernel, cloud, new Trace()).transport(generation);
    const { journal: real, ...others } = stores.all(generation);
    const noting: Journal = {
      ...real,
      append: async (entries, lease) => {
        const written = await real.append(entries, lease);
        if (written) durable.push(...entries);
        return written;
      },
    };
    const ports = {
      clock,
      chance: {
        uniform: () => 0.5,
        secret: (key: readonly number[]) => {
          const secret = systemChance.secret(key);
          secrets.push(secret);
          return secret;
        },
      },
      transport: {
        send: (call: Call) => {
          const [index, place] = call.key;
          const step = planOf(companies[index], options.databaseOperationsPerCompany)[place].id;
          watch.sending?.(
            call,
            step,
            durable.filter(({ company }) => company === index),
          );
          sent.push(call);
          return wire.send(call);
        },
      },
      journal: watch.journal?.(noting, durable) ?? noting,
      ...others,
      log: (line: LogLine) => void logged.push(line),
    };
    await rollOut(ports, { ...options, companies, tokens: FAKES_TOKENS }, state);
    columns = columnsOf(state, companies, durable, clock.nowMs());
    return [...stores.records.values()];
  });
  const records = await run.catch(error => {
    if (error.code !== 'SIMULATION') throw error;
    return undefined;
  });
  return { scenario, companies, cloud, durable, logged, secrets, sent, columns, records };
}

/** The verb in a call's key: [company, step, generation, verb, …]. */
const VERB = { create: 0, find: 1, remove: 2 } as const;

describe.each([
  ['well', []],
  ['sick', [SICK]],
])('with clouds that are %s', (health, sets) => {
  it('no call creates before its intent is durable, and none removes before the undoing is', async () => {
    const creating: Call[] = [];
    const removing: Call[] = [];
    await smallRollout(sets, {
      sending: (call, step, own) => {
        const verb = call.key[3];
        if (verb === VERB.create) {
          const intent = own.findLast(one => one.event === 'intent' && one.step === step);
          expect(intent?.deadlineAtMs, step).toBeGreaterThanOrEqual(call.deadlineAtMs);
          creating.push(call);
        }
        if (verb === VERB.remove) {
          expect(own.some(({ event }) => event === 'undoing')).toBe(true);
          removing.push(call);
        }
        expect(own.some(({ event }) => event === 'admitted') || verb === VERB.find).toBe(true);
      },
    });
    expect(creating.length).toBeGreaterThan(6 * 10);
    expect(removing.length > 0).toBe(health === 'sick');
  });

  it('the rollout ends as it should, each company whole or without a trace', async () => {
    const { cloud, companies, columns, scenario, records } = await smallRollout(sets);
    const { outcome } = columns;
    const undone = health === 'sick' ? 3 : -1;
    expect(outcome).toEqual(companies.map(({ index }) => (index === undone ? 'undone' : 'ready')));
    const audited = companies.map((company, i) => ({ ...company, outcome: outcome[i] }));
    const operations = scenario.provisioning.databaseOperationsPerCompany;
    expect(
      auditLedger(cloud.ledger.entries, audited, { databaseOperationsPerCompany: operations, dns: 'record' }),
    ).toEqual([]);
    const ready = companies.filter((_, i) => outcome[i] === 'ready').map(({ id }) => id);
    expect(records?.map(({ id }) => id).sort()).toEqual(ready);
  });

  it('no secret and no credential is in the journal, the log, the registry, the ledger or the report', async () => {
    const { secrets, durable, logged, records, cloud, columns } = await smallRollout(sets);
    expect(secrets.length).toBeGreaterThanOrEqual(6 * 2);
    expect(logged.length).toBeGreaterThanOrEqual(6);
    const written = JSON.stringify([durable, logged, records, cloud.ledger.entries, columns]);
    for (const secret of [...secrets, FAKES_TOKEN])
      for (const form of [
        secret,
        btoa(secret),
        encodeURIComponent(secret),
        Buffer.from(secret).toString('hex'),
      ])
        expect(written).not.toContain(form);
  });
});

describe('a name in the clouds that another owner holds', () => {
  const { platform } = loadScenario('today', SMALL);
  const group = `/api/atlas/v2/groups/${platform.regions['us-west1'].atlas[0].project}`;
  const anyAction = (db: string) => ({ action: 'FIND', resources: [{ db, collection: '' }] });
  const FOREIGN = [
    {
      kind: 'databaseUser',
      step: 'databaseUser',
      path: `${group}/databaseUsers`,
      body: {
        databaseName: 'admin',
        username: 'c00003',
        password: 'long enough for them',
        roles: [{ databaseName: 'admin', roleName: 'readAnyDatabase' }],
        labels: [{ key: 'company', value: 'someone-else' }],
      },
      name: 'c00003',
    },
    {
      kind: 'databaseRole',
      step: 'databaseRole',
      path: `${group}/customDBRoles/roles`,
      body: { roleName: 'company-c00003', actions: [anyAction('another-database')] },
      name: 'company-c00003',
    },
  ];

  it.each(FOREIGN)('survives the undoing of the company: $kind', async ({ kind, step, path, body, name }) => {
    const { columns, cloud, sent } = await smallRollout([], {
      plant: cloud => {
        const answer = cloud.arrive(
          {
            method: 'POST',
            host: 'cloud.mongodb.com',
            path,
            query: new URLSearchParams(),
            headers: {
              authorization: `Bearer ${FAKES_TOKEN}`,
              accept: 'application/vnd.atlas.2025-03-12+json',
              'content-type': 'application/json',
            },
            body: new TextEncoder().encode(JSON.stringify(body)),
            key: [99, 0, 0, 0, 0, 0],
          },
          START_MS,
        );
        expect(answer?.reply.status).toBeLessThan(300);
      },
    });
    expect(columns.outcome).toEqual(['ready', 'ready', 'ready', 'undone', 'ready', 'ready']);
    expect(columns.reasons).toEqual({ c00003: `${step}: the name ${name} is held by another` });
    const effects = cloud.ledger.entries.filter(one => one.kind === kind && one.name.endsWith(`/${name}`));
    expect(effects.map(({ effect }) => effect)).toEqual(['created']);
    const removals = sent.filter(({ method, url }) => method === 'DELETE' && url.endsWith(`/${name}`));
    expect(removals).toEqual([]);
    // Everything else of the company is gone.
    const left = liveResources(cloud.ledger.entries).filter(one => /\bc00003\b/.test(JSON.stringify(one)));
    expect(left.map(one => one.kind)).toEqual([kind]);
  });
});

describe('a call sent after its deadline', () => {
  const call = (deadlineAtMs: number): Call => ({
    method: 'POST',
    url: 'https://secretmanager.googleapis.com/v1/projects/p/secrets?secretId=late',
    headers: { authorization: `Bearer ${FAKES_TOKEN}`, 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify({ replication: { automatic: {} } })),
    deadlineAtMs,
    key: [0, 0, 0, 0, 0, 0],
  });
  const fakeCloud = () => {
    const scenario = loadScenario('today', []);
    return new Cloud(cloudOptionsOf(scenario, new FactValues('mid', scenario.facts), 7));
  };
  const refused = { kind: 'refused', reason: 'the deadline had passed before it was sent' };

  it('is refused in virtual time, and never arrives', () =>
    inVirtualTime(async ({ kernel, clock, elapsedMs }) => {
      const cloud = fakeCloud();
      const { send } = new Network(kernel, cloud, new Trace()).transport({ alive: true });
      await clock.sleep(5000);
      expect(await send(call(clock.nowMs() - 1))).toEqual(refused);
      expect(elapsedMs()).toBe(5000);
      await clock.sleep(600_000);
      expect(cloud.operations()).toEqual([]);
      // At its deadline it may still go, and its caller can no longer know.
      expect(await send(call(clock.nowMs()))).toMatchObject({ kind: 'unknown' });
      await clock.sleep(600_000);
      expect(cloud.ledger.entries).toHaveLength(1);
    }));

  it('is refused over HTTP, and never arrives', async () => {
    const cloud = fakeCloud();
    const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: 1000 });
    const transport = createTransport({ fakesUrl: server.url, msUntil: atMs => atMs });
    try {
      expect(await transport.send(call(-1))).toEqual(refused);
      expect(await transport.send(call(10_000))).toMatchObject({ kind: 'answered', status: 200 });
      // What went later has arrived, and nothing else.
      expect(cloud.operations().map(({ calls }) => calls)).toEqual([1]);
      expect(cloud.ledger.entries).toHaveLength(1);
    } finally {
      await transport.close();
      await server.close();
    }
  });
});

describe('a journal that never answers', () => {
  it.each([0, 1, 2, 5, 20])('keeps every call back that needs it, after %d appends', async answered => {
    let appends = 0;
    const { sent, durable, records } = await smallRollout([], {
      journal: real => ({
        ...real,
        append: entries => (appends++ < answered ? real.append(entries) : new Promise(() => {})),
      }),
    });
    expect(records).toBeUndefined();
    const intents = durable.filter(({ event }) => event === 'intent');
    // A creation may send more than one call: the last place of their keys tells them apart.
    const creations = sent
      .filter(({ key }) => key[3] === VERB.create)
      .map(({ key }) => key.slice(0, -1).join());
    expect(new Set(creations).size).toBe(intents.length);
    if (answered <= 1) expect(sent).toEqual([]);
  });
});

it('a journal that cannot be read keeps everything back, and ends the rollout with its error', async () => {
  const broken = smallRollout([], {
    journal: real => ({ ...real, read: () => Promise.reject(new Error('the disk is gone')) }),
  });
  await expect(broken).rejects.toThrow('the disk is gone');
});

it('a journal that breaks in the middle ends the rollout with its error', async () => {
  let appends = 0;
  const broken = smallRollout([], {
    journal: real => ({
      ...real,
      append: entries =>
        ++appends > 30 ? Promise.reject(new Error('the disk is full')) : real.append(entries),
    }),
  });
  await expect(broken).rejects.toThrow('the disk is full');
});
