// What a caller may conclude from an outcome, over the wire in virtual time and over HTTP: each case is read off the
// ledger, which alone knows what happened.

import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { startFakes } from '../../fakes/server.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { Network } from '../../simulator/network.ts';
import { Trace } from '../../simulator/trace.ts';
import type { Call, Clock, Outcome, Transport } from '../../src/ports.ts';
import { fastClock } from '../../src/runtime/clock.ts';
import { createTransport } from '../../src/runtime/transport.ts';
import { ZONE_ID } from '../fakes/fakeCall.ts';
import { inVirtualTime } from './virtualTime.ts';

type Wire = { readonly transport: Transport; readonly clock: Clock; readonly cloud: Cloud };
type WireCase = (wire: Wire) => Promise<void>;

const SPEED = 1000;
const SECRETS = 'https://secretmanager.googleapis.com/v1/projects/p/secrets';
const RECORDS = `https://api.cloudflare.com/client/v4/zones/${ZONE_ID}/dns_records`;

function cloudWith(sets: readonly string[]): Cloud {
  const scenario = loadScenario('today', sets);
  return new Cloud(cloudOptionsOf(scenario, new FactValues('mid', scenario.facts), 7));
}

const WIRES: readonly [name: string, run: (sets: readonly string[], each: WireCase) => Promise<void>][] = [
  [
    'in virtual time',
    (sets, each) =>
      inVirtualTime(({ kernel, clock }) => {
        const cloud = cloudWith(sets);
        const network = new Network(kernel, cloud, new Trace());
        return each({ transport: network.transport({ alive: true }), clock, cloud });
      }),
  ],
  [
    'over HTTP',
    async (sets, each) => {
      const cloud = cloudWith(sets);
      const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: SPEED });
      const clock = fastClock(Date.now(), SPEED);
      const msUntil = (atMs: number) => (atMs - clock.nowMs()) / SPEED;
      const transport = createTransport({ fakesUrl: server.url, msUntil });
      try {
        await each({ transport, clock, cloud });
      } finally {
        await transport.close();
        await server.close();
      }
    },
  ],
];

/** Half a day, so that a busy machine is no reason for an unknown; at this speed it is 43 s. */
const WAIT_MS = 12 * 3_600_000;
/** What is waited for until it is over: 3 s at this speed, in which a call arrives on any machine. */
const SHORT_WAIT_MS = 3_000_000;

function createSecret({ clock }: Wire, n: number, more: Partial<Call> = {}): Call {
  return {
    method: 'POST',
    url: `${SECRETS}?secretId=c${n}-api-key`,
    headers: { authorization: `Bearer ${FAKES_TOKEN}`, 'content-type': 'application/json' },
    body: new TextEncoder().encode(
      JSON.stringify({ replication: { automatic: {} }, labels: { company: `c${n}` } }),
    ),
    deadlineAtMs: clock.nowMs() + WAIT_MS,
    key: [n, 0, 0, 0, 0, 0],
    ...more,
  };
}

const bodyOf = (outcome: Outcome) =>
  outcome.kind === 'answered' ? JSON.parse(new TextDecoder().decode(outcome.body)) : outcome;
const statusOf = (outcome: Outcome) => (outcome.kind === 'answered' ? outcome.status : outcome.kind);
const created = ({ cloud }: Wire) => cloud.ledger.entries.map(({ company }) => company);
const fault = (rule: object) => `faults.rules=${JSON.stringify([{ share: 1, ...rule }])}`;
const onCreate = (rule: object) => [fault({ operation: 'secretManager.secrets.create', ...rule })];

/** Nothing comes back, so a call takes until its deadline. */
async function expectSilence(wire: Wire): Promise<void> {
  const call = createSecret(wire, 1, { deadlineAtMs: wire.clock.nowMs() + SHORT_WAIT_MS });
  expect(statusOf(await wire.transport.send(call))).toBe('unknown');
  // A real timer may fire a millisecond early, which is a second of this clock.
  expect(wire.clock.nowMs()).toBeGreaterThan(call.deadlineAtMs - 2 * SPEED);
}

const CASES: readonly [behaviour: string, sets: readonly string[], each: WireCase][] = [
  [
    'carries the answer: status and body, and the effect has happened',
    [],
    async wire => {
      const outcome = await wire.transport.send(createSecret(wire, 1));
      expect(statusOf(outcome)).toBe(200);
      expect(bodyOf(outcome)).toMatchObject({ name: expect.any(String), labels: { company: 'c1' } });
      expect(created(wire)).toEqual(['c1']);
    },
  ],
  [
    'carries method, query, headers and body to the vendor as they are',
    [],
    async wire => {
      await wire.transport.send(createSecret(wire, 1));
      const bearer = { authorization: `Bearer ${FAKES_TOKEN}` };
      const { body: _, ...get } = createSecret(wire, 1, { method: 'GET', url: `${SECRETS}/c1-api-key` });
      expect(bodyOf(await wire.transport.send({ ...get, headers: bearer }))).toMatchObject({
        labels: { company: 'c1' },
      });
      expect(statusOf(await wire.transport.send({ ...get, headers: {} }))).toBe(401);
      expect(statusOf(await wire.transport.send({ ...get, headers: bearer, method: 'DELETE' }))).toBe(200);
      expect(statusOf(await wire.transport.send({ ...get, headers: bearer }))).toBe(404);
    },
  ],
  [
    "names an answer's headers in lower case",
    ['faults.quotas=[{"name":"few","operations":["cloudflare.dnsRecords.list"],"perMinute":0.001}]'],
    async wire => {
      const { body: _, ...list } = createSecret(wire, 1, { method: 'GET', url: RECORDS });
      // The quota tolerates a call one interval early.
      for (let n = 0; n < 2; n++) expect(statusOf(await wire.transport.send(list))).toBe(200);
      const refused = await wire.transport.send(list);
      expect(refused).toMatchObject({ kind: 'answered', status: 429 });
      expect(refused).toHaveProperty(
        'headers',
        expect.objectContaining({ 'retry-after': expect.stringMatching(/^\d+$/) }),
      );
    },
  ],
  [
    "takes a vendor's refusal for an answer, without effect",
    onCreate({ verdict: 'refuse', status: 503 }),
    async wire => {
      expect(statusOf(await wire.transport.send(createSecret(wire, 1)))).toBe(503);
      expect(created(wire)).toEqual([]);
    },
  ],
  [
    'says unknown of a lost answer, whose effect has happened',
    onCreate({ verdict: 'loseAnswer' }),
    async wire => {
      await expectSilence(wire);
      expect(created(wire)).toEqual(['c1']);
    },
  ],
  [
    'says unknown of a lost request, which has no effect',
    onCreate({ verdict: 'loseRequest' }),
    async wire => {
      await expectSilence(wire);
      expect(created(wire)).toEqual([]);
    },
  ],
  [
    'says unknown at the deadline of an answer that comes later, whose effect has happened',
    onCreate({ verdict: 'delayAnswer', delayMs: 2 * WAIT_MS }),
    async wire => {
      const deadlineAtMs = wire.clock.nowMs() + SHORT_WAIT_MS;
      const call = createSecret(wire, 1, { deadlineAtMs });
      expect(statusOf(await wire.transport.send(call))).toBe('unknown');
      const { clock } = wire;
      // A real timer may fire a millisecond early, which is a second of this clock.
      expect(clock.nowMs()).toBeGreaterThan(deadlineAtMs - 2 * SPEED);
      // Before the answer comes.
      expect(clock.nowMs()).toBeLessThan(deadlineAtMs + WAIT_MS);
      expect(created(wire)).toEqual(['c1']);
    },
  ],
  [
    'waits for a late answer that comes before the deadline',
    onCreate({ verdict: 'delayAnswer', delayMs: 120_000 }),
    async wire => {
      const beganAtMs = wire.clock.nowMs();
      expect(statusOf(await wire.transport.send(createSecret(wire, 1)))).toBe(200);
      expect(wire.clock.nowMs() - beganAtMs).toBeGreaterThan(120_000 - 2 * SPEED);
    },
  ],
  [
    'gives no answer to a call whose deadline has passed',
    [],
    async wire => {
      const call = createSecret(wire, 1, { deadlineAtMs: wire.clock.nowMs() - 1 });
      expect(['refused', 'unknown']).toContain(statusOf(await wire.transport.send(call)));
    },
  ],
  [
    'gives each of many calls at once its own answer',
    [],
    async wire => {
      const numbers = Array.from({ length: 200 }, (_, n) => n);
      const outcomes = await Promise.all(numbers.map(n => wire.transport.send(createSecret(wire, n))));
      expect(outcomes.map(outcome => bodyOf(outcome).labels?.company)).toEqual(numbers.map(n => `c${n}`));
      expect(new Set(created(wire)).size).toBe(200);
    },
  ],
  [
    'answers 501 for a host that no fake stands for',
    [],
    async wire => {
      const call = createSecret(wire, 1, { url: 'https://api.example.com/v1/secrets' });
      expect(statusOf(await wire.transport.send(call))).toBe(501);
    },
  ],
];

describe.each(WIRES)('the transport %s', (_name, run) => {
  it.each(CASES)('%s', (_behaviour, sets, each) => run(sets, each));
});

it('the same calls leave the same ledger on both wires', async () => {
  const ledgers: unknown[] = [];
  for (const [, run] of WIRES)
    await run(onCreate({ verdict: 'loseAnswer', share: 0.5 }), async wire => {
      // At once, since each that is lost takes as long as its caller waits.
      const deadlineAtMs = wire.clock.nowMs() + SHORT_WAIT_MS;
      const calls = Array.from({ length: 30 }, (_, n) => createSecret(wire, n, { deadlineAtMs }));
      const outcomes = (await Promise.all(calls.map(wire.transport.send))).map(statusOf);
      expect(new Set(outcomes)).toEqual(new Set([200, 'unknown']));
      ledgers.push({
        outcomes,
        effects: new Set(wire.cloud.ledger.entries.map(({ n: _n, atMs: _at, ...effect }) => effect)),
        operations: wire.cloud.operations(),
      });
    });
  expect(ledgers[1]).toEqual(ledgers[0]);
});

it('over HTTP nobody listening is refused: certainly no effect', async () => {
  const server = await startFakes({ cloud: cloudWith([]), port: 0, vendorPorts: false, speed: SPEED });
  await server.close();
  const transport = createTransport({ fakesUrl: server.url });
  const clock = { nowMs: Date.now, sleep: async () => {}, after: () => () => {} };
  const outcome = await transport.send(createSecret({ transport, clock, cloud: cloudWith([]) }, 1));
  await transport.close();
  expect(outcome).toMatchObject({ kind: 'refused' });
});

it('a caller that died in virtual time hears nothing, but what it sent lands', () =>
  inVirtualTime(async ({ kernel, clock }) => {
    const cloud = cloudWith([]);
    const generation = { alive: true };
    const transport = new Network(kernel, cloud, new Trace()).transport(generation);
    let heard = false;
    const wire = { transport, clock, cloud };
    void transport.send(createSecret(wire, 1)).then(() => (heard = true));
    generation.alive = false;
    await clock.sleep(WAIT_MS);
    expect(heard).toBe(false);
    expect(created(wire)).toEqual(['c1']);
  }));
