// The clients of Cloudflare, its resolver, Atlas and Pinecone, against the fakes.

import { describe, expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { cloudflare } from '../../fakes/cloudflare.ts';
import { dnsResolver } from '../../fakes/dnsResolver.ts';
import { pinecone } from '../../fakes/pinecone.ts';
import type { QuotaRule } from '../../fakes/quota.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Call, Transport } from '../../src/ports.ts';
import {
  databaseIndexVerbs,
  databaseRoleVerbs,
  databaseUserVerbs,
  disableDatabaseUser,
} from '../../src/providers/atlas.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { certificateVerbs, dnsRecordVerbs } from '../../src/providers/cloudflare.ts';
import { namespaceVerbs } from '../../src/providers/pinecone.ts';
import { propagationVerbs } from '../../src/providers/resolver.ts';
import { secretVerbs, secretVersionVerbs } from '../../src/providers/secretManager.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../../src/provisioning/verbs.ts';
import {
  createWorld,
  DOMAIN,
  DURATION_MS,
  effectsOf,
  NOW_MS,
  TOKEN,
  transportTo,
} from '../fakes/fakeCall.ts';
import { answered } from '../fakes/harness.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const other: Company = { ...company, id: 'c00043' };
const good = fixedCredentials(TOKEN);
const attempt: Attempt = { key: [1, 0], deadlineAtMs: NOW_MS + 15_000 };
const TARGET = 'c00001-abc-uw.a.run.app';
const chance = { uniform: () => 0, secret: () => 'A'.repeat(43) };

/** The fakes, a transport to them that records the calls, and a clock. */
function open(rules: readonly QuotaRule[] = []) {
  const world = createWorld();
  const zone = cloudflare(world);
  const services = [zone.service, dnsResolver(zone), atlas(world), pinecone(world), secretManager(world)];
  const clock = { nowMs: NOW_MS };
  const calls: Call[] = [];
  const wire = transportTo(services, () => clock.nowMs, rules);
  const transport: Transport = {
    send: call => {
      calls.push(call);
      return wire.send(call);
    },
  };
  return { world, clock, calls, transport, send: createSend(transport, good) };
}

type Case = {
  readonly name: string;
  readonly verbs: (send: Send, whose: Company) => Verbs;
  readonly operation: string;
  readonly slow?: true;
};

const CASES: Case[] = [
  {
    name: 'DNS record',
    verbs: (send, whose) => dnsRecordVerbs(send, whose, platform, TARGET),
    operation: 'cloudflare.dnsRecords.create',
  },
  {
    name: 'certificate',
    verbs: (send, whose) => certificateVerbs(send, whose, platform),
    operation: 'cloudflare.customHostnames.create',
    slow: true,
  },
  {
    name: 'database role',
    verbs: (send, whose) => databaseRoleVerbs(send, whose, platform),
    operation: 'atlas.customDbRoles.create',
  },
  {
    name: 'database user',
    verbs: (send, whose) => databaseUserVerbs(send, whose, platform),
    operation: 'atlas.databaseUsers.create',
  },
  {
    name: 'namespace',
    verbs: (send, whose) => namespaceVerbs(send, whose, platform),
    operation: 'pinecone.namespaces.create',
  },
];

/** What a database user stands on. */
async function prepare(send: Send): Promise<void> {
  await secretVerbs(send, company, platform, 'database-password').create!(attempt);
  await secretVersionVerbs(send, company, platform, 'database-password', chance).create!(attempt);
}

async function prepareFor(item: Case, send: Send): Promise<void> {
  await prepare(send);
  if (item.name === 'database user') await databaseRoleVerbs(send, company, platform).create!(attempt);
  // No certificate is issued for a name that does not point at the zone.
  if (item.name === 'certificate') await dnsRecordVerbs(send, company, platform, TARGET).create!(attempt);
}

describe.each(CASES)('$name', item => {
  test('is absent, then made, then found, then removed, then absent again', async () => {
    const { send, clock, world } = open();
    await prepareFor(item, send);
    const before = world.ledger.entries.length;
    const { create, find, remove } = item.verbs(send, company);
    expect(await find(attempt, undefined)).toEqual({ kind: 'absent' });
    const made = await create!(attempt);
    expect(made.kind).toBe(item.slow ? 'pending' : 'done');
    clock.nowMs += DURATION_MS;
    const { id } = made as Extract<CloudResult, { kind: 'done' }>;
    expect(id).not.toBe('');
    expect(await find(attempt, undefined)).toEqual({ kind: 'done', id });
    expect(await find(attempt, id)).toEqual({ kind: 'done', id });
    expect(await create!(attempt)).toEqual({ kind: 'exists' });
    expect((await remove!(attempt, id)).kind).toBe('done');
    expect(await remove!(attempt, id)).toEqual({ kind: 'absent' });
    expect(await remove!(attempt, undefined)).toEqual({ kind: 'absent' });
    expect(await find(attempt, id)).toEqual({ kind: 'absent' });
    expect(effectsOf(world).slice(before)).toEqual([
      expect.stringMatching(/^created .* c00001$/),
      expect.stringMatching(/^deleted .* c00001$/),
    ]);
  });

  test('is removed without its id as well, each call under a key of its own', async () => {
    const { send, world, calls } = open();
    await prepareFor(item, send);
    const { create, remove } = item.verbs(send, company);
    await create!(attempt);
    calls.length = 0;
    expect((await remove!(attempt, undefined)).kind).toBe('done');
    expect(new Set(calls.map(call => call.key.join())).size).toBe(calls.length);
    expect(effectsOf(world).at(-1)).toMatch(/^deleted/);
  });

  test('is throttled under the name of the quota', async () => {
    const { send } = open([{ name: 'test-quota', operations: [item.operation], perMinute: 1, scope: 'all' }]);
    await prepareFor(item, send);
    const { create, remove } = item.verbs(send, company);
    const results: CloudResult[] = [];
    for (let i = 0; i < 3; i++) {
      results.push(await create!(attempt));
      await remove!(attempt, undefined);
    }
    expect(results.at(-1)).toEqual({ kind: 'throttled', quota: 'test-quota', retryAfterMs: 60_000 });
  });

  test('with a wrong token is rejected, and no secret is in the reason', async () => {
    const { send, transport } = open();
    await prepareFor(item, send);
    const wrong = fixedCredentials(vendor => (vendor === 'google' ? TOKEN : 'other'));
    const result = await item.verbs(createSend(transport, wrong), company).create!(attempt);
    expect(result).toEqual({
      kind: 'rejected',
      reason: `the credential for ${item.operation.split('.')[0]} is refused, and there is no other`,
    });
  });

  test.each(['create', 'find', 'remove'] as const)(
    'a %s that is not answered, or not in full, is never taken for an answer',
    async verb => {
      const outcomes = [
        { outcome: { kind: 'refused', reason: 'ECONNREFUSED' }, kinds: ['transient'] },
        { outcome: { kind: 'unknown', reason: 'ECONNRESET' }, kinds: ['unknown'] },
        {
          outcome: { kind: 'answered', status: 503, headers: {}, body: new Uint8Array() },
          kinds: ['unknown'],
        },
        // An answer without a body tells a creation's id to nobody; where none is needed its status is enough.
        {
          outcome: { kind: 'answered', status: 200, headers: {}, body: new TextEncoder().encode('{"a') },
          kinds: ['unknown', 'done'],
        },
      ] as const;
      for (const { outcome, kinds } of outcomes) {
        const { create, find, remove } = item.verbs(createSend({ send: async () => outcome }, good), company);
        const result = await {
          create: () => create!(attempt),
          find: () => find(attempt, undefined),
          remove: () => remove!(attempt, 'x'),
        }[verb]();
        expect(kinds).toContain(result.kind);
        if (verb === 'find' && outcome.kind === 'answered') expect(result.kind).toBe('unknown');
      }
    },
  );
});

describe("another's resource of the same name", () => {
  /** Sends as the other company would, but under the first one's name. */
  const forged =
    (send: Send): Send =>
    (spec, ...rest) =>
      send(
        {
          ...spec,
          body: JSON.parse(
            JSON.stringify(spec.body ?? {})
              .replaceAll(`"c00001"`, `"c00043"`)
              .replaceAll('company=c00001', 'company=c00043'),
          ),
        },
        ...rest,
      );

  test.each(CASES.filter(({ name }) => name.startsWith('DNS') || name === 'certificate'))(
    '$name is neither found to be ours nor removed',
    async ({ verbs }) => {
      const { send, world } = open();
      await verbs(forged(send), company).create!(attempt);
      expect(effectsOf(world)[0]).toMatch(new RegExp(`${other.id}$`));
      expect((await verbs(send, company).find(attempt, undefined)).kind).toBe('rejected');
      expect(await verbs(send, company).remove!(attempt, undefined)).toEqual({ kind: 'absent' });
      expect(world.ledger.entries).toHaveLength(1);
    },
  );

  test('a role for another database is not ours', async () => {
    const { send } = open();
    await databaseRoleVerbs(forged(send), company, platform).create!(attempt);
    expect((await databaseRoleVerbs(send, company, platform).find(attempt, undefined)).kind).toBe('rejected');
  });

  test('a user with another label is not ours', async () => {
    const { send } = open();
    await prepareFor(CASES[3], send);
    const relabelled: Send = (spec, ...rest) => {
      const body =
        spec.body && 'labels' in spec.body
          ? { ...spec.body, labels: [{ key: 'company', value: other.id }] }
          : spec.body;
      return send({ ...spec, ...(body && { body }) }, ...rest);
    };
    await databaseUserVerbs(relabelled, company, platform).create!(attempt);
    expect((await databaseUserVerbs(send, company, platform).find(attempt, undefined)).kind).toBe('rejected');
  });
});

describe('a certificate', () => {
  const answering = (ssl: string, status = 'pending') =>
    createSend(
      {
        send: async () => {
          const result = {
            id: 'a'.repeat(32),
            hostname: 'h',
            ssl: { status: ssl },
            status,
            custom_metadata: { company: 'c00001' },
          };
          return {
            kind: 'answered',
            status: 200,
            headers: {},
            body: new TextEncoder().encode(JSON.stringify({ success: true, result })),
          };
        },
      },
      good,
    );

  test.each([
    ['initializing', 'pending', 'pending'],
    ['pending_issuance', 'pending', 'pending'],
    ['pending_deployment', 'pending', 'pending'],
    ['active', 'active', 'done'],
    ['validation_timed_out', 'pending', 'broken'],
    ['issuance_timed_out', 'pending', 'broken'],
    ['expired', 'active', 'broken'],
    ['deleted', 'deleted', 'broken'],
    ['active', 'blocked', 'rejected'],
    ['active', 'pending', 'pending'],
    ['active', 'active_redeploying', 'done'],
    ['active', 'deleted', 'broken'],
    ['active', 'pending_deletion', 'broken'],
  ])('in state %s of a hostname that is %s is %s', async (ssl, status, kind) => {
    expect(
      (await certificateVerbs(answering(ssl, status), company, platform).find(attempt, 'a'.repeat(32))).kind,
    ).toBe(kind);
  });
});

describe('propagation', () => {
  test('is pending until resolvers see the record', async () => {
    const { send, clock } = open();
    const { find, create } = propagationVerbs(send, company, platform, TARGET);
    expect(create).toBeUndefined();
    const id = `c00001.${DOMAIN}`;
    expect(await find(attempt, undefined)).toEqual({ kind: 'pending', id });
    await dnsRecordVerbs(send, company, platform, TARGET).create!(attempt);
    expect(await find(attempt, undefined)).toEqual({ kind: 'pending', id });
    clock.nowMs += DURATION_MS;
    expect(await find(attempt, undefined)).toEqual({ kind: 'done', id });
  });

  test('is tried again when the resolver fails', async () => {
    const body = new TextEncoder().encode('{"Status":2}');
    const send = createSend(
      { send: async () => ({ kind: 'answered', status: 200, headers: {}, body }) },
      good,
    );
    expect((await propagationVerbs(send, company, platform, TARGET).find(attempt, undefined)).kind).toBe(
      'transient',
    );
  });
});

describe('a database index', () => {
  test('is made any number of times to the same effect, since nothing tells whether it is there', async () => {
    const { send, world } = open();
    const first = databaseIndexVerbs(send, company, platform, '0');
    const second = databaseIndexVerbs(send, company, platform, '1');
    for (const create of [first.create!, first.create!, second.create!, second.create!])
      expect((await create(attempt)).kind).toBe('done');
    expect((await first.find(attempt, undefined)).kind).toBe('absent');
    expect(effectsOf(world)).toHaveLength(2);
    expect(first.remove).toBeUndefined();
  });
});

test('a database user whose password cannot be seen in the vault yet is tried again', async () => {
  const { send, world } = open();
  expect((await databaseUserVerbs(send, company, platform).create!(attempt)).kind).toBe('transient');
  expect(effectsOf(world)).toEqual([]);
});

test('a DNS record that points elsewhere is rejected', async () => {
  const { send } = open();
  await dnsRecordVerbs(send, company, platform, TARGET).create!(attempt);
  const elsewhere = dnsRecordVerbs(send, company, platform, 'other.a.run.app');
  expect((await elsewhere.find(attempt, undefined)).kind).toBe('rejected');
});

describe('an answer in another shape than the vendor documents', () => {
  const OF_ANY = ['null', '1', '"x"', '[]', '{}', '<html>', ''];
  const OF_CLOUDFLARE = ['null', '[null]', '{}', '"x"'].map(result => `{"result":${result}}`);
  const OF_THE_RESOLVER = ['null', '"x"', '[null]'].map(answer => `{"Status":0,"Answer":${answer}}`);
  const OF_ATLAS = ['null', '"x"', '[null]', '[{}]'].flatMap(list =>
    ['actions', 'labels', 'roles'].map(name => `{"${name}":${list}}`),
  );
  const REFUSALS = ['"x"', '{}', '[null]'].flatMap(each => [
    `{"errors":${each}}`,
    `{"parameters":${each},"errorCode":${each},"message":${each}}`,
  ]);
  const texts = [...OF_ANY, ...OF_CLOUDFLARE, ...OF_THE_RESOLVER, ...OF_ATLAS, ...REFUSALS];
  const all: Case[] = [
    ...CASES,
    {
      name: 'propagation',
      verbs: (send, whose) => propagationVerbs(send, whose, platform, TARGET),
      operation: 'dnsResolver.query',
    },
  ];

  test.each(all)('stops no $name, and is never taken for one of ours', async ({ verbs }) => {
    for (const text of texts)
      for (const status of [200, 400, 403, 409, 429, 500]) {
        const body = new TextEncoder().encode(text);
        const wire: Transport = { send: async () => ({ kind: 'answered', status, headers: {}, body }) };
        const { create, find, remove } = verbs(createSend(wire, good), company);
        const what = `${status} ${text}`;
        for (const act of [create, remove])
          if (act !== undefined) expect((await act(attempt, undefined)).kind, what).toMatch(/^[a-z]+$/);
        const found = await find(attempt, undefined);
        expect(['done', 'exists'], what).not.toContain(found.kind);
      }
  });
});

describe('a change of Atlas that another one came before', () => {
  const contended = answered(atlas(createWorld()).contended!());
  /** Reads are answered by the fake, writes are not published. */
  const overtaken = (transport: Transport) =>
    createSend({ send: async call => (call.method === 'GET' ? transport.send(call) : contended) }, good);
  const transient = { kind: 'transient', reason: '409 AUTOMATION_CONFIG_CONCURRENT_MODIFICATION' };

  test.each<[string, (send: Send) => Promise<CloudResult>]>([
    ['a new role', send => databaseRoleVerbs(send, other, platform).create!(attempt)],
    ['the end of a role', send => databaseRoleVerbs(send, company, platform).remove!(attempt, undefined)],
    ['the end of a user', send => databaseUserVerbs(send, company, platform).remove!(attempt, undefined)],
    ['a suspension', send => disableDatabaseUser(send, company, platform, attempt)],
  ])('is made again, since it had no effect: %s', async (_what, change) => {
    const { send, transport, world } = open();
    await prepareFor(CASES[3], send);
    expect((await databaseUserVerbs(send, company, platform).create!(attempt)).kind).toBe('done');
    const before = world.ledger.entries.length;
    expect(await change(overtaken(transport))).toEqual(transient);
    expect(world.ledger.entries).toHaveLength(before);
  });
});
