// A suspended company's user, key and secrets are of no use to anybody, stay where they are, and come back.

import { describe, expect, it } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { kms } from '../../fakes/kms.ts';
import { liveResources } from '../../fakes/ledger.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { Outcome, Transport } from '../../src/ports.ts';
import {
  databaseRoleVerbs,
  databaseUserVerbs,
  disableDatabaseUser,
  enableDatabaseUser,
} from '../../src/providers/atlas.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { cryptoKeyVerbs, disableKey, enableKey } from '../../src/providers/kms.ts';
import {
  accessSecret,
  disableSecretVersions,
  enableSecretVersions,
  secretVerbs,
  secretVersionVerbs,
} from '../../src/providers/secretManager.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../../src/provisioning/verbs.ts';
import { answered, createWorld, fakeTransport, TOKEN } from '../fakes/harness.ts';
import { ATLAS_PROJECT, company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const attempt: Attempt = { key: [1, 2, 0, 0], deadlineAtMs: 15_000 };
const chance = { uniform: () => 0, secret: () => 'open sesame' };
const PASSWORD = 'database-password';

type Act = (send: Send, whose?: Company) => Promise<CloudResult>;
type Kind = {
  readonly name: string;
  readonly make: (send: Send) => Promise<unknown>;
  readonly disable: Act;
  readonly enable: Act;
  /** As the fake has it, in a word. */
  readonly state: (send: Send) => Promise<string>;
  readonly verbs: (send: Send) => Verbs;
};

const read = async (send: Send, url: string) => {
  const headers = { authorization: `Bearer ${TOKEN}`, accept: 'application/vnd.atlas.2025-03-12+json' };
  const answer = await send({ method: 'GET', url, headers }, attempt);
  return answer.kind === 'answered' ? JSON.parse(new TextDecoder().decode(answer.body)) : {};
};

const secretOf = (send: Send) => secretVerbs(send, company, platform, PASSWORD);
const keyOf = (send: Send) => cryptoKeyVerbs(send, company, platform);
const userOf = (send: Send) => databaseUserVerbs(send, company, platform);
const makeSecret = async (send: Send) => {
  await secretOf(send).create!(attempt);
  await secretVersionVerbs(send, company, platform, PASSWORD, chance).create!(attempt);
};

const KINDS: readonly Kind[] = [
  {
    name: 'secret',
    make: makeSecret,
    disable: (send, whose = company) => disableSecretVersions(send, whose, platform, PASSWORD, attempt),
    enable: (send, whose = company) => enableSecretVersions(send, whose, platform, PASSWORD, attempt),
    state: async send => {
      const result = await accessSecret(send, company, platform, PASSWORD, attempt);
      return result.kind === 'value' ? 'usable' : 'useless';
    },
    verbs: secretOf,
  },
  {
    name: 'cryptoKey',
    make: send => keyOf(send).create!(attempt),
    disable: (send, whose = company) => disableKey(send, whose, platform, attempt),
    enable: (send, whose = company) => enableKey(send, whose, platform, attempt),
    state: async send => {
      const ring = 'projects/p/locations/us-west1/keyRings/companies';
      const { primary } = await read(send, `https://cloudkms.googleapis.com/v1/${ring}/cryptoKeys/c00001`);
      return primary.state === 'ENABLED' ? 'usable' : 'useless';
    },
    verbs: keyOf,
  },
  {
    name: 'databaseUser',
    make: async send => {
      await makeSecret(send);
      await databaseRoleVerbs(send, company, platform).create!(attempt);
      await userOf(send).create!(attempt);
    },
    disable: (send, whose = company) => disableDatabaseUser(send, whose, platform, attempt),
    enable: (send, whose = company) => enableDatabaseUser(send, whose, platform, attempt),
    state: async send => {
      const group = `https://cloud.mongodb.com/api/atlas/v2/groups/${ATLAS_PROJECT}`;
      const { roles } = await read(send, `${group}/databaseUsers/admin/c00001`);
      return JSON.stringify(roles).includes('company-c00001') ? 'usable' : 'useless';
    },
    verbs: userOf,
  },
];

function setUp() {
  const world = createWorld();
  const transport = fakeTransport([secretManager(world), kms(world), atlas(world)]);
  return { world, transport, send: createSend(transport, fixedCredentials(TOKEN)) };
}

describe.each(KINDS)('a suspended $name', ({ name, make, disable, enable, state, verbs }) => {
  it('is of no use, is still there, and comes back', async () => {
    const { send, world } = setUp();
    await make(send);
    expect(await state(send)).toBe('usable');
    for (const round of [1, 2]) {
      expect(await disable(send)).toMatchObject({ kind: 'done', id: expect.stringContaining('c00001') });
      expect([round, await state(send)]).toEqual([round, 'useless']);
      const live = liveResources(world.ledger.entries).filter(({ kind }) => kind === name);
      expect(live).toMatchObject([{ company: 'c00001' }]);
      expect(await enable(send)).toMatchObject({ kind: 'done', id: expect.stringContaining('c00001') });
      expect(await state(send)).toBe('usable');
    }
  });

  it('is suspended, and comes back, though it is asked for twice', async () => {
    const { send } = setUp();
    await make(send);
    for (let i = 0; i < 2; i++) expect((await disable(send)).kind).toBe('done');
    expect(await state(send)).toBe('useless');
    for (let i = 0; i < 2; i++) expect((await enable(send)).kind).toBe('done');
    expect(await state(send)).toBe('usable');
  });

  it('goes when the company goes', async () => {
    const { send, world } = setUp();
    await make(send);
    await disable(send);
    expect((await verbs(send).remove!(attempt, undefined)).kind).toBe('done');
    expect(liveResources(world.ledger.entries).filter(({ kind }) => kind === name)).toEqual([]);
    expect(await disable(send)).toEqual({ kind: 'absent' });
    expect(await enable(send)).toEqual({ kind: 'absent' });
  });

  it('that never was is absent', async () => {
    const { send, world } = setUp();
    expect(await disable(send)).toEqual({ kind: 'absent' });
    expect(await enable(send)).toEqual({ kind: 'absent' });
    expect(world.ledger.entries).toEqual([]);
  });

  it('gives every call a key of its own', async () => {
    const { send, transport } = setUp();
    await make(send);
    for (const act of [disable, enable]) {
      transport.calls.length = 0;
      await act(send);
      const keys = transport.calls.map(({ key }) => key.join());
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBeGreaterThan(1);
    }
  });

  it('is never another company’s of the same name', async () => {
    const { send, world } = setUp();
    await make(send);
    // Reads as ours would, and finds it marked as somebody else's.
    const marked: Send = async (spec, ...rest) => {
      const answer = await send(spec, ...rest);
      if (spec.method !== 'GET' || answer.kind !== 'answered') return answer;
      const text = new TextDecoder()
        .decode(answer.body)
        .replaceAll('"company":"c00001"', '"company":"c09999"')
        .replaceAll('"value":"c00001"', '"value":"c09999"');
      return { ...answer, body: new TextEncoder().encode(text) };
    };
    const before = world.ledger.entries.length;
    for (const act of [disable, enable])
      expect(await act(marked)).toMatchObject({
        kind: 'rejected',
        reason: expect.stringContaining('another'),
      });
    expect(world.ledger.entries).toHaveLength(before);
  });

  it.each<[string, Outcome, string]>([
    ['is lost', { kind: 'unknown', reason: 'no answer' }, 'unknown'],
    ['is refused', { kind: 'refused', reason: 'ECONNREFUSED' }, 'transient'],
    ['fails', answered({ status: 503, body: undefined }), 'unknown'],
    ['is throttled', answered({ status: 429, body: undefined }), 'throttled'],
    ['is not allowed yet', answered({ status: 403, body: undefined }), 'transient'],
  ])('is not taken for one when a call %s, whichever', async (_, outcome, kind) => {
    const { send, transport } = setUp();
    await make(send);
    transport.calls.length = 0;
    await disable(send);
    const count = transport.calls.length;
    await enable(send);
    for (let broken = 0; broken < count; broken++) {
      let calls = 0;
      const lossy: Transport = {
        send: async call => (calls++ === broken ? outcome : transport.send(call)),
      };
      expect((await disable(createSend(lossy, fixedCredentials(TOKEN)))).kind).toBe(kind);
      await enable(send);
    }
  });
});

describe('a key of several versions', () => {
  it('is disabled and enabled with all of them', async () => {
    const { send, transport } = setUp();
    await keyOf(send).create!(attempt);
    const ring = 'https://cloudkms.googleapis.com/v1/projects/p/locations/us-west1/keyRings/companies';
    const versions = `${ring}/cryptoKeys/c00001/cryptoKeyVersions`;
    const headers = { authorization: `Bearer ${TOKEN}` };
    await send({ method: 'POST', url: versions, headers, body: {} }, attempt);
    const states = async () =>
      (await read(send, versions)).cryptoKeyVersions.map(({ state }: { state: string }) => state);
    transport.calls.length = 0;
    await disableKey(send, company, platform, attempt);
    expect(transport.calls.map(({ method }) => method)).toEqual(['GET', 'GET', 'PATCH', 'PATCH']);
    expect(await states()).toEqual(['DISABLED', 'DISABLED']);
    await enableKey(send, company, platform, attempt);
    expect(await states()).toEqual(['ENABLED', 'ENABLED']);
  });
});
