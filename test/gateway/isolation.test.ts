// What must never happen: one company's request at another's service, a secret in a reply, the log or the audit trail,
// and a port that breaks taking more with it than the one request.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GatewayPorts } from '../../src/gateway/gateway.ts';
import type { CompanyConfig } from '../../src/ports.ts';
import {
  answered,
  claimsOf,
  codeOf,
  configOf,
  DOMAIN,
  jsonOf,
  OUR_SESSION,
  OUR_TOKEN,
  OURS,
  rpc,
  settled,
  signed,
  THEIR_SESSION,
  THEIR_TOKEN,
  THEIRS,
  type World,
  worldOf,
} from './harness.ts';

const companyOf = (url: string): string => new URL(url).hostname.split('.')[0];
const cacheWith = (config: CompanyConfig | undefined): GatewayPorts['cache'] => ({
  admit: async () => ({ retryAfterMs: undefined, sessionCompany: undefined, config }),
  putConfig: async () => {},
  putSession: async () => {},
});

describe('a company', () => {
  it("is not reached at its host with another one's token", async () => {
    const world = worldOf();
    for (const path of ['/mcp', '/config', '/assets/app.js']) {
      const method = path === '/mcp' ? 'POST' : 'GET';
      const reply = await world.ask({ method, path, host: `${THEIRS}.${DOMAIN}` });
      expect([codeOf(reply), reply.status]).toEqual(['COMPANY_FORBIDDEN', 403]);
    }
    expect(world.steps).toEqual([]);
  });

  it("is not asked when the cache has another one's config under the asker's name", async () => {
    const world = worldOf({ cache: cacheWith(configOf(THEIRS)) });
    const replies = [await world.ask(), await world.ask({ method: 'GET', path: '/config' })];
    expect(replies.map(codeOf)).toEqual(['INTERNAL', 'INTERNAL']);
    expect(world.calls).toEqual([]);
    expect(world.logs).toContainEqual({
      event: 'isolation breach',
      company: OURS,
      requestId: '1--2-0-0-0',
      step: 'cache',
    });
    expect(JSON.stringify(replies.map(jsonOf))).not.toContain(THEIRS);
  });

  it("is not asked when the records give another one's, which is not kept either", async () => {
    const world = worldOf({ records: { find: async () => configOf(THEIRS) } });
    expect(codeOf(await world.ask())).toBe('INTERNAL');
    expect(world.steps).toEqual(['verify', 'cache', 'record']);
    expect(world.logs).toMatchObject([{ event: 'isolation breach', step: 'record' }]);
  });

  it('is not named by a header: the token alone says whose a request is', async () => {
    const world = worldOf();
    await world.ask({ headers: { 'x-company': THEIRS, host: `${THEIRS}.${DOMAIN}` } });
    expect(world.calls.map(({ url, headers }) => [companyOf(url), headers['x-company']])).toEqual([
      [OURS, OURS],
    ]);
  });

  const who = fc.constantFrom(OURS, THEIRS);
  const requests = fc.array(
    fc.record({
      token: who,
      host: who,
      method: fc.constantFrom('initialize', 'tools/list', 'tools/call'),
      session: fc.constantFrom(OUR_SESSION, THEIR_SESSION),
      isAwaited: fc.boolean(),
    }),
    { maxLength: 40 },
  );

  it('sees its own requests and sessions only, whatever is asked and in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async requests => {
        const world = worldOf();
        // As a real service does: it knows the sessions that it gave out.
        world.answer = async ({ url, headers }) => {
          const own = `s-${companyOf(url)}-5`;
          const session = headers['mcp-session-id'] ?? own;
          return session === own ? answered(200, { 'mcp-session-id': own }, own) : answered(404);
        };
        const replies = [];
        for (const { token, host, method, session, isAwaited } of requests) {
          const authorization = token === OURS ? OUR_TOKEN : THEIR_TOKEN;
          const headers = { authorization, ...(method !== 'initialize' && { 'mcp-session-id': session }) };
          const reply = world.ask({ host: `${host}.${DOMAIN}`, body: rpc(method), headers });
          replies.push(reply);
          if (isAwaited) await reply;
        }
        for (const [n, reply] of (await Promise.all(replies)).entries()) {
          const { token, host, method, session } = requests[n];
          const isTheirs = method !== 'initialize' && session !== `s-${token}-5`;
          expect(reply.status).toBe(token !== host ? 403 : isTheirs ? 404 : 200);
          if (reply.status === 200) expect(new TextDecoder().decode(reply.body)).toBe(`s-${token}-5`);
        }
        for (const { url, headers, key } of world.calls) {
          const { token } = requests[key[4]];
          expect([companyOf(url), headers['x-company']]).toEqual([token, token]);
        }
        for (const { company, requestId } of await world.audited())
          expect(company).toBe(requests[Number(requestId.split('-').at(-1))].token);
      }),
      { numRuns: 60 },
    );
  });
});

/** Every way to end that there is, with a port that breaks by an error that quotes what it was given. */
async function everyEnding(): Promise<{ seen: string; replied: string }> {
  const quoting = (...args: unknown[]) => Promise.reject(new Error(`cannot do ${JSON.stringify(args)}`));
  const cache = cacheWith(undefined);
  const worlds: World[] = [
    worldOf(),
    worldOf({ verifier: { isSigned: quoting } }),
    worldOf({ cache: { ...cache, admit: quoting } }),
    worldOf({ cache: { ...cache, putConfig: quoting, putSession: quoting } }),
    worldOf({ records: { find: quoting } }),
    worldOf({ transport: { send: quoting } }),
    worldOf({ audit: { append: quoting } }),
    worldOf({ cache: cacheWith(configOf(THEIRS)) }),
  ];
  const replies = [];
  for (const world of worlds) {
    replies.push(await world.ask({ body: rpc('tools/call'), headers: { 'mcp-session-id': OUR_SESSION } }));
    replies.push(await world.ask({ host: `${THEIRS}.${DOMAIN}` }));
    replies.push(await world.ask({ headers: { authorization: `${OUR_TOKEN.slice(0, -9)}AAAAAAAAA` } }));
    replies.push(await world.ask({ body: rpc('resources/list') }));
    world.answer = () => ({ kind: 'unknown', reason: `no answer to ${OUR_TOKEN}` });
    for (let n = 0; n < 6; n++) replies.push(await world.ask());
    await world.gateway.flush();
    await settled();
  }
  const replied = JSON.stringify(
    replies.map(({ headers, body }) => [headers, new TextDecoder().decode(body)]),
  );
  return { replied, seen: replied + JSON.stringify(worlds.map(({ logs, appends }) => [logs, appends])) };
}

describe('a secret', () => {
  it('is in no reply, no line of the log and no audit record', async () => {
    const { seen, replied } = await everyEnding();
    const [header, claims, signature] = OUR_TOKEN.slice('Bearer '.length).split('.');
    for (const secret of [header, claims, signature.slice(0, 40), 'token-of-', OUR_SESSION, 'from-the-user'])
      expect(seen).not.toContain(secret);
    expect(replied).not.toContain('a.run.app');
    expect(replied).not.toContain('cannot do');
    // It was all there to be seen.
    for (const event of ['request failed', 'refused', 'cache write failed', 'audit append failed', 'breach'])
      expect(seen).toContain(event);
  });

  it('is not in what the service is told: it gets no token', async () => {
    const world = worldOf();
    await world.ask({ headers: { cookie: OUR_TOKEN, 'proxy-authorization': OUR_TOKEN } });
    expect(JSON.stringify(world.calls.map(({ url, headers }) => [url, headers]))).not.toContain(
      OUR_TOKEN.slice('Bearer '.length),
    );
  });
});

describe('a port that breaks', () => {
  const broken = () => Promise.reject(Object.assign(new Error('broken'), { code: 'ECONNRESET' }));
  const throws = (): never => {
    throw new TypeError('broken');
  };
  const breaks = (how: () => Promise<never>): [string, Partial<GatewayPorts>, isAudited: boolean][] => [
    ['verification', { verifier: { isSigned: how } }, false],
    ['cache', { cache: { ...cacheWith(undefined), admit: how } }, true],
    ['record', { records: { find: how } }, true],
    ['service', { transport: { send: how } }, true],
  ];
  const cases = [
    ...breaks(broken).map(each => [...each, 'rejects', 'ECONNRESET'] as const),
    ...breaks(throws).map(each => [...each, 'throws', 'TypeError'] as const),
  ];

  it.each(cases)(
    'at the step "%s" ends the request as INTERNAL',
    async (step, ports, isAudited, _, error) => {
      const world = worldOf(ports);
      const reply = await world.ask();
      expect([reply.status, jsonOf(reply)]).toEqual([
        500,
        { error: { code: 'INTERNAL', message: 'the gateway has failed', requestId: '1--2-0-0-0' } },
      ]);
      expect(world.logs).toEqual([
        { event: 'request failed', company: OURS, requestId: '1--2-0-0-0', step, error },
      ]);
      expect(await world.audited()).toHaveLength(isAudited ? 1 : 0);
      expect(world.gateway.counts()).toMatchObject({ handled: 1, answered: 1 });
    },
  );

  it.each(cases)('at the step "%s" takes no place of the pool with it', async (_, ports) => {
    let isBroken = true;
    const healed: Partial<GatewayPorts> = {
      verifier: { isSigned: async () => true },
      cache: cacheWith(undefined),
      records: { find: async id => configOf(id) },
      transport: { send: async () => answered(200) },
    };
    const port = Object.keys(ports)[0] as 'verifier' | 'cache' | 'records' | 'transport';
    const whileBroken = new Proxy(healed[port]!, {
      get: (_target, name) => Reflect.get(isBroken ? ports[port]! : healed[port]!, name),
    });
    const world = worldOf(
      { ...healed, [port]: whileBroken },
      { verificationPools: { small: { size: 1, queueMax: 50 }, large: { size: 1, queueMax: 0 } } },
    );
    const small = { headers: { authorization: signed({ ...claimsOf(OURS), level: 'SANDBOX' }) } };
    const replies = await Promise.all(Array.from({ length: 20 }, () => world.ask(small)));
    expect(replies.every(({ status }) => status >= 500)).toBe(true);
    isBroken = false;
    // A circuit that opened meanwhile has its time.
    await world.clock.pass(30_000);
    expect((await world.ask(small)).status).toBe(200);
    expect((await world.ask()).status).toBe(200);
    expect(world.gateway.waits()[0].calls).toBe(21);
  });

  it('fails that request only, among others under way', async () => {
    let calls = 0;
    const world = worldOf({
      records: {
        find: async id => {
          if (calls++ === 2) throw new Error('broken');
          return configOf(id);
        },
      },
    });
    const replies = await Promise.all(Array.from({ length: 5 }, () => world.ask()));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 500, 200, 200]);
    expect(world.gateway.counts()).toMatchObject({ handled: 5, answered: 5, audited: 5 });
  });
});

describe('a gateway', () => {
  it('is not made with a level whose pool there is not', () => {
    const levels = { OPAL: { requestsPerMinute: 1, verificationPool: 'none' } };
    expect(() => worldOf({}, { levels })).toThrow('level OPAL names a verification pool that there is not');
  });
});
