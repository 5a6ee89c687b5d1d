// Credentials that are no longer good: where another comes from, that one fetch serves everybody, and what a call makes of
// it. Times are milliseconds from the beginning; chance always draws one half.

import { describe, expect, it } from 'vitest';
import { atlas } from '../../fakes/atlas.ts';
import { cloudRun } from '../../fakes/cloudRun.ts';
import { metadataServer } from '../../fakes/metadataServer.ts';
import type { FakeReply } from '../../fakes/service.ts';
import { ATTEMPTS_MAX } from '../../src/limits.ts';
import type { Call, Credentials, Outcome, Transport } from '../../src/ports.ts';
import { createSend, type Send } from '../../src/providers/call.ts';
import { createCredentials, type Tokens } from '../../src/providers/credentials.ts';
import { answered, createWorld, fakeTransport, TOKEN } from '../fakes/harness.ts';
import { inVirtualTime } from '../ports/virtualTime.ts';

const TOKENS: Tokens = {
  google: { token: 'old-google', metadataServer: true },
  atlas: { token: 'old-atlas', serviceAccount: { id: 'mdb_sa_id_0123456789abcdef01234567', secret: TOKEN } },
  cloudflare: { token: 'fixed-cloudflare' },
  pinecone: { token: 'fixed-pinecone' },
};

type Seen = { readonly credentials: Credentials; readonly calls: Call[]; readonly elapsedMs: () => number };

/** Credentials whose calls are answered by `answer`, with the calls that they have made. */
function withCredentials<T>(
  answer: (call: Call) => Promise<Outcome>,
  use: (seen: Seen) => Promise<T>,
): Promise<T> {
  return inVirtualTime(({ clock, elapsedMs }) => {
    const calls: Call[] = [];
    const transport: Transport = {
      send: async call => {
        calls.push(call);
        await clock.sleep(10);
        return answer(call);
      },
    };
    const chance = { uniform: () => 0.5, secret: () => '' };
    return use({ credentials: createCredentials({ transport, clock, chance }, TOKENS, 7), calls, elapsedMs });
  });
}

const given = (token: string) => answered({ status: 200, body: { access_token: token, expires_in: 3599 } });
const UNAVAILABLE = answered({ status: 503, body: 'Service Unavailable' });

describe('credentials', () => {
  it('are those that the platform was given, without a call, until one is refused', async () => {
    await withCredentials(
      async () => given('new'),
      async ({ credentials, calls }) => {
        expect(await credentials.get('google')).toBe('old-google');
        expect(await credentials.get('pinecone')).toBe('fixed-pinecone');
        expect(calls).toEqual([]);
      },
    );
  });

  it.each([
    ['google', 'old-google'],
    ['atlas', 'old-atlas'],
  ] as const)('are fetched where %s gives them out, and its fake takes them', async (vendor, old) => {
    const world = createWorld();
    const services = [metadataServer(world), atlas(world), cloudRun(world).service];
    const fakes = fakeTransport(services);
    const token = await withCredentials(fakes.send, async ({ credentials }) => {
      const renewed = await credentials.renew(vendor, old);
      expect(await credentials.get(vendor)).toBe(renewed);
      return renewed;
    });
    const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.atlas.2025-03-12+json' };
    const url = {
      google: 'https://run.googleapis.com/v2/projects/p/locations/us-west1/services',
      atlas: 'https://cloud.mongodb.com/api/atlas/v2/groups',
    };
    const look = (more: object) =>
      fakes.send({
        method: 'GET',
        url: url[vendor],
        headers: { ...headers, ...more },
        deadlineAtMs: 0,
        key: [0],
      });
    expect(await look({})).toMatchObject({ status: 200 });
    expect(await look({ authorization: `Bearer ${token}x` })).toMatchObject({ status: 401 });
  });

  it('are fetched once for all who ask meanwhile, and not again for who heard of the old one late', async () => {
    await withCredentials(
      async () => given('new'),
      async ({ credentials, calls }) => {
        const renew = () => credentials.renew('google', 'old-google');
        expect(await Promise.all([renew(), renew(), renew()])).toEqual(['new', 'new', 'new']);
        expect(await renew()).toBe('new');
        expect(calls).toHaveLength(1);
      },
    );
  });

  it('are fetched again when the new one is refused in its turn, each call under a key of its own', async () => {
    let count = 0;
    await withCredentials(
      async () => given(`new-${++count}`),
      async ({ credentials, calls }) => {
        await credentials.renew('google', 'old-google');
        expect(await credentials.renew('google', 'new-1')).toBe('new-2');
        await credentials.renew('atlas', 'old-atlas');
        const keys = calls.map(({ key }) => key);
        expect(keys.map(([company, vendor, generation]) => [company, vendor, generation])).toEqual([
          [-1, 0, 7],
          [-1, 0, 7],
          [-1, 2, 7],
        ]);
        expect(new Set(keys.map(String)).size).toBe(3);
      },
    );
  });

  it.each<[string, Outcome]>([
    ['no answer', { kind: 'unknown', reason: 'no answer' }],
    ['a refused connection', { kind: 'refused', reason: 'ECONNREFUSED' }],
    ['a 503', UNAVAILABLE],
    ['a 200 without a token', answered({ status: 200, body: { expires_in: 1 } })],
    ['an empty token', given('')],
    [
      'half an answer',
      { kind: 'answered', status: 200, headers: {}, body: new TextEncoder().encode('{"acc') },
    ],
  ])('are asked for again, later each time, after %s', async (_what, failure) => {
    const outcomes = [failure, failure, given('new')];
    await withCredentials(
      async () => outcomes.shift()!,
      async ({ credentials, calls, elapsedMs }) => {
        expect(await credentials.renew('google', 'old-google')).toBe('new');
        expect(calls).toHaveLength(3);
        // Half of 1 s, then half of 2 s.
        expect(elapsedMs()).toBe(3 * 10 + 500 + 1000);
      },
    );
  });

  it('stay the refused ones when nothing gives another in as many tries as there are', async () => {
    await withCredentials(
      async () => UNAVAILABLE,
      async ({ credentials, calls }) => {
        expect(await credentials.renew('google', 'old-google')).toBe('old-google');
        expect(calls).toHaveLength(ATTEMPTS_MAX);
      },
    );
  });

  it.each(['cloudflare', 'pinecone'] as const)('of %s are fixed: nobody gives another', async vendor => {
    await withCredentials(
      async () => given('new'),
      async ({ credentials, calls }) => {
        expect(await credentials.renew(vendor, `fixed-${vendor}`)).toBe(`fixed-${vendor}`);
        expect(calls).toEqual([]);
      },
    );
  });
});

describe('a call whose credential is refused', () => {
  const ATTEMPT = { key: [1, 2, 0, 0, 5], deadlineAtMs: 15_000 };
  const SPEC = { method: 'GET', url: 'https://api.example/x', headers: { accept: 'x' } } as const;
  const ok: FakeReply = { status: 200, body: {} };
  const no: FakeReply = { status: 401, body: {} };

  /** What the call came to, and what was sent; `renew` gives `new`. */
  async function sent(vendor: 'google' | 'cloudflare' | 'pinecone', replies: FakeReply[], renewed = 'new') {
    const calls: Call[] = [];
    const renewals: string[] = [];
    const send: Send = createSend(
      {
        send: async call => {
          calls.push(call);
          return answered(replies.shift()!);
        },
      },
      {
        get: async () => 'old',
        renew: async (_vendor, refused) => {
          renewals.push(refused);
          return renewed;
        },
      },
    );
    return { result: await send({ ...SPEC, vendor }, ATTEMPT, 3), calls, renewals };
  }

  it('is sent once more with the next one, under the next key, before the same deadline', async () => {
    const { result, calls, renewals } = await sent('google', [no, ok]);
    expect(result).toMatchObject({ kind: 'answered', status: 200 });
    expect(renewals).toEqual(['old']);
    expect(calls.map(({ headers }) => headers)).toEqual([
      { accept: 'x', authorization: 'Bearer old' },
      { accept: 'x', authorization: 'Bearer new' },
    ]);
    expect(calls.map(({ key, deadlineAtMs }) => [key, deadlineAtMs])).toEqual([
      [[1, 2, 0, 0, 5, 3], 15_000],
      [[1, 2, 0, 0, 5, 3, 1], 15_000],
    ]);
  });

  it('is tried again later when the next one is refused as well: it may not be known everywhere yet', async () => {
    expect((await sent('google', [no, no])).result).toMatchObject({ kind: 'transient' });
  });

  it('is rejected when there is no other, and the reason names the vendor and no credential', async () => {
    const { result, calls } = await sent('pinecone', [no], 'old');
    expect(result).toEqual({
      kind: 'rejected',
      reason: 'the credential for pinecone is refused, and there is no other',
    });
    expect(calls.map(({ headers }) => headers)).toEqual([{ accept: 'x', 'api-key': 'old' }]);
  });

  it.each([
    [9109, 1],
    [10_000, 0],
  ])(
    "is known by Cloudflare's code as well, though its status is that of a permission: %i",
    async (code, count) => {
      const reply = { status: 403, body: { errors: [{ code }] } };
      expect((await sent('cloudflare', [reply, ok])).renewals).toHaveLength(count);
    },
  );
});
