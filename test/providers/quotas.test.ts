// What a client makes of a vendor's refusal for a quota: one that says how many there may be ends the step, since trying
// again does not help; one that says how often is waited out. Both name the quota.

import { describe, expect, test } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { firestore } from '../../fakes/firestore.ts';
import { googleExhausted, googleThrottled } from '../../fakes/google.ts';
import { pinecone } from '../../fakes/pinecone.ts';
import { secretManager } from '../../fakes/secretManager.ts';
import type { FakeReply } from '../../fakes/service.ts';
import { RETRY_AFTER_DEFAULT_MS } from '../../src/limits.ts';
import { databaseRoleVerbs, databaseUserVerbs } from '../../src/providers/atlas.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { documentVerbs } from '../../src/providers/firestore.ts';
import { cryptoKeyVerbs } from '../../src/providers/kms.ts';
import { namespaceVerbs } from '../../src/providers/pinecone.ts';
import { secretVerbs, secretVersionVerbs } from '../../src/providers/secretManager.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { Attempt, Verbs } from '../../src/provisioning/verbs.ts';
import { createWorld, NOW_MS, TOKEN, transportTo } from '../fakes/fakeCall.ts';
import { answered, cannedTransport } from '../fakes/harness.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const companyOf = (n: number): Company => ({ ...company, index: n, id: `c0000${n}` });
const attempt: Attempt = { key: [1, 0], deadlineAtMs: NOW_MS + 15_000 };
const chance = { uniform: () => 0, secret: () => 'A'.repeat(43) };

const LIMITS = {
  'quota.atlas.users': 1,
  'quota.atlas.roles': 2,
  'quota.pinecone.namespaces': 2,
  'quota.secret-manager.version-writes': 120,
  'quota.secret-manager.state-writes': 60,
  'quota.firestore.request': 10_000,
  'quota.firestore.document': 10_000,
  'quota.firestore.ramp-start': 1,
  'quota.firestore.ramp-growth': 1.5,
  'quota.firestore.ramp-period': 300_000,
};

const open = () => {
  const world = createWorld({ resourceQuotas: true }, LIMITS);
  const services = [atlas(world), pinecone(world), secretManager(world), firestore(world)];
  return {
    world,
    send: createSend(
      transportTo(services, () => NOW_MS),
      fixedCredentials(TOKEN),
    ),
  };
};

type Kind = readonly [name: string, quota: string, room: number, make: (send: Send, whose: Company) => Verbs];
const USED_UP: readonly Kind[] = [
  ['a role', 'CUSTOM_ROLES_LIMIT_EXCEEDED', 2, (send, whose) => databaseRoleVerbs(send, whose, platform)],
  ['a namespace', 'namespaces', 1, (send, whose) => namespaceVerbs(send, whose, platform)],
];

test.each(USED_UP)('%s for which there is no room is rejected and names %s', async (_, quota, room, make) => {
  const { send, world } = open();
  for (let n = 1; n <= room; n++) expect((await make(send, companyOf(n)).create!(attempt)).kind).toBe('done');
  const before = world.ledger.entries.length;
  expect(await make(send, companyOf(9)).create!(attempt)).toEqual({
    kind: 'rejected',
    reason: expect.stringContaining(`the quota ${quota} is used up`),
    quota,
  });
  expect(world.ledger.entries).toHaveLength(before);
});

test('a user for whom there is no room is rejected, and not asked for again', async () => {
  const { send } = open();
  for (const whose of [companyOf(1), companyOf(2)]) {
    await databaseRoleVerbs(send, whose, platform).create!(attempt);
    await secretVerbs(send, whose, platform, 'database-password').create!(attempt);
    await secretVersionVerbs(send, whose, platform, 'database-password', chance).create!(attempt);
  }
  const create = (whose: Company) => databaseUserVerbs(send, whose, platform).create!(attempt);
  expect((await create(companyOf(1))).kind).toBe('done');
  expect(await create(companyOf(2))).toEqual({
    kind: 'rejected',
    reason: expect.stringContaining('the quota GROUP_USERS_LIMIT_EXCEEDED is used up'),
    quota: 'GROUP_USERS_LIMIT_EXCEEDED',
  });
});

test('a document that comes too fast for its collection is tried again', async () => {
  const { send } = open();
  const create = (whose: Company) => documentVerbs(send, whose, platform).create!(attempt);
  expect((await create(companyOf(1))).kind).toBe('done');
  expect(await create(companyOf(2))).toEqual({ kind: 'transient', reason: '409 ABORTED' });
});

describe('a refusal of Google', () => {
  const create = (reply: FakeReply) =>
    cryptoKeyVerbs(
      createSend(cannedTransport([answered(reply)]), fixedCredentials(TOKEN)),
      companyOf(1),
      platform,
    ).create!(attempt);

  test('for how often is throttled, for how many is rejected, by the reason that it gives', async () => {
    expect(await create(googleThrottled('x.googleapis.com', { quota: 'Often', retryAfterMs: 3000 }))).toEqual(
      {
        kind: 'throttled',
        quota: 'Often',
        retryAfterMs: RETRY_AFTER_DEFAULT_MS,
      },
    );
    expect(await create(googleExhausted('x.googleapis.com', 'Many', 7))).toEqual({
      kind: 'rejected',
      reason: expect.stringContaining('the quota Many is used up'),
      quota: 'Many',
    });
  });

  test.each([
    ['another reason', { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'OTHER' }],
    ['another detail', { '@type': 'type.googleapis.com/google.rpc.Help', reason: 'RESOURCE_QUOTA_EXCEEDED' }],
    ['no detail', undefined],
  ])('with %s is taken for a rate, which does no harm to wait for', async (_, detail) => {
    const body = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', ...(detail && { details: [detail] }) } };
    expect((await create({ status: 429, body })).kind).toBe('throttled');
  });
});

describe('a refusal with 403', () => {
  test.each([
    ['Atlas', { errorCode: 'USER_UNAUTHORIZED', detail: '' }],
    ['Atlas', { errorCode: 'LIMIT_EXCEEDED_NOT', detail: '' }],
  ])('of %s that is for no quota may be a permission not known yet: %o', async (_, body) => {
    const send = createSend(cannedTransport([answered({ status: 403, body })]), fixedCredentials(TOKEN));
    const result = await databaseRoleVerbs(send, companyOf(1), platform).create!(attempt);
    expect(result.kind).toBe('transient');
  });

  test('of Pinecone that is for no quota, too', async () => {
    const send = createSend(
      cannedTransport([answered({ status: 403, body: { code: 7, message: 'no' } })]),
      fixedCredentials(TOKEN),
    );
    const result = await namespaceVerbs(send, companyOf(1), platform).create!(attempt);
    expect(result.kind).toBe('transient');
  });
});

test('a rate of Atlas is waited out, though its code should end as those of limits do', async () => {
  const reply = { status: 429, body: { errorCode: 'RATE_LIMIT_EXCEEDED', detail: '' } };
  const send = createSend(cannedTransport([answered(reply)]), fixedCredentials(TOKEN));
  const result = await databaseRoleVerbs(send, companyOf(1), platform).create!(attempt);
  expect(result.kind).toBe('throttled');
});
