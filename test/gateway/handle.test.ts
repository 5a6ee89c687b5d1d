// One request through the gateway, arrow by arrow: what each step refuses, in which order, and what is passed on.

import { describe, expect, it } from 'vitest';
import { FAULTS, type FaultCode } from '../../src/gateway/envelope.ts';
import type { GatewayRequest } from '../../src/gateway/request.ts';
import type { Answer, CallKey, CompanyConfig } from '../../src/ports.ts';
import {
  answered,
  claimsOf,
  codeOf,
  configOf,
  DOMAIN,
  HEADER,
  held,
  jsonOf,
  KEY_ID,
  OPTIONS,
  OUR_SESSION,
  OUR_TOKEN,
  OURS,
  rpc,
  START_MS,
  settled,
  signed,
  THEIR_SESSION,
  THEIR_TOKEN,
  worldOf,
} from './harness.ts';

type Asked = Partial<GatewayRequest> & { readonly headers?: Record<string, string> };

const GET_CONFIG: Asked = { method: 'GET', path: '/config' };
const callTool = (session: string): Asked => ({
  body: rpc('tools/call'),
  headers: { 'mcp-session-id': session },
});
const withToken = (authorization: string): Asked => ({ headers: { authorization } });
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a request', () => {
  it('takes every step once, in order, and learns config and session on the way', async () => {
    const world = worldOf();
    world.answer = () => answered(200, { 'mcp-session-id': OUR_SESSION });
    expect((await world.ask()).status).toBe(200);
    expect(world.steps).toEqual(['verify', 'cache', 'record', 'put config', 'service', 'put session']);
  });

  it('goes by the cache alone once config and session are known', async () => {
    const world = worldOf();
    world.answer = () => answered(200, { 'mcp-session-id': OUR_SESSION });
    await world.ask();
    world.steps.length = 0;
    expect((await world.ask(callTool(OUR_SESSION))).status).toBe(200);
    expect(world.steps).toEqual(['verify', 'cache', 'service']);
  });

  it('reads the record again after the time to live of a config', async () => {
    const world = worldOf({}, { configTtlMs: 5000 });
    for (const passMs of [0, 4999, 1]) {
      await world.clock.pass(passMs);
      await world.ask();
    }
    expect(world.steps.filter(step => step === 'record')).toHaveLength(2);
  });

  it('gives each port call a key of its own, made of the request', async () => {
    const keys: CallKey[] = [];
    const note = (key: CallKey) => void keys.push(key);
    const world = worldOf({
      verifier: {
        isSigned: async (_token, _id, key) => {
          note(key);
          return true;
        },
      },
      records: {
        find: async (id, key) => {
          note(key);
          return configOf(id);
        },
      },
      cache: {
        admit: async ({ key }) => {
          note(key);
          return { retryAfterMs: undefined, sessionCompany: undefined, config: undefined };
        },
        putConfig: async (_config, _ttlMs, key) => note(key),
        putSession: async (_session, _company, _ttlMs, key) => note(key),
      },
    });
    world.answer = ({ key }) => {
      note(key);
      return answered(200, { 'mcp-session-id': OUR_SESSION });
    };
    const reply = await world.ask({ key: [7, -2, 1, 3, 9] });
    expect(keys).toEqual([0, 1, 2, 4, 3, 5].map(call => [7, -2, 1, 3, 9, call]));
    expect(reply.headers['x-request-id']).toBe('7--2-1-3-9');
  });

  it('for health is answered at once, at any host, without a credential and without a port', async () => {
    const world = worldOf();
    const headers = { authorization: '' };
    const reply = await world.ask({ method: 'GET', path: '/health', host: '10.0.0.1', headers });
    expect([reply.status, jsonOf(reply), world.steps]).toEqual([200, { status: 'ok' }, []]);
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('for the config is answered by the gateway, for an hour, and does not tell where the service is', async () => {
    const world = worldOf();
    const reply = await world.ask(GET_CONFIG);
    expect([reply.status, jsonOf(reply)]).toEqual([200, { id: OURS, level: 'OPAL' }]);
    expect(reply.headers['cache-control']).toBe('public, max-age=3600');
    expect(world.calls).toEqual([]);
  });
});

describe('a route', () => {
  it.each<[what: string, FaultCode, Asked]>([
    ['a host of another domain', 'HOST_UNKNOWN', { host: `${OURS}.elsewhere.com` }],
    ['the bare domain', 'HOST_UNKNOWN', { host: DOMAIN }],
    ['an empty name before the domain', 'HOST_UNKNOWN', { host: `.${DOMAIN}` }],
    ['two names before the domain', 'HOST_UNKNOWN', { host: `a.${OURS}.${DOMAIN}` }],
    ['a domain that only ends alike', 'HOST_UNKNOWN', { host: `${OURS}${DOMAIN}` }],
    ['an unknown path', 'PATH_UNKNOWN', { path: '/admin' }],
    ['an asset in a folder above', 'PATH_UNKNOWN', { method: 'GET', path: '/assets/../mcp' }],
    ['an asset in a folder', 'PATH_UNKNOWN', { method: 'GET', path: '/assets/a/b.js' }],
    ['an encoded asset', 'PATH_UNKNOWN', { method: 'GET', path: '/assets/%2e%2e%2fmcp' }],
    ['a hidden asset', 'PATH_UNKNOWN', { method: 'GET', path: '/assets/.env' }],
    ['an asset without a name', 'PATH_UNKNOWN', { method: 'GET', path: '/assets/' }],
    ['GET of /mcp', 'METHOD_NOT_ALLOWED', { method: 'GET' }],
    ['POST of /config', 'METHOD_NOT_ALLOWED', { path: '/config' }],
    ['POST of an asset', 'METHOD_NOT_ALLOWED', { path: '/assets/app.js' }],
    ['POST of /health', 'METHOD_NOT_ALLOWED', { path: '/health' }],
    ['a body over 1 MiB', 'BODY_TOO_LARGE', { body: new Uint8Array(1024 * 1024 + 1) }],
  ])('is refused for %s, before anything is asked', async (_, code, asked) => {
    const world = worldOf();
    const reply = await world.ask(asked);
    expect([codeOf(reply), reply.status, world.steps]).toEqual([code, FAULTS[code].status, []]);
  });
});

describe('a credential', () => {
  const claims = claimsOf(OURS);
  it.each<[what: string, FaultCode, Asked]>([
    ['is empty', 'CREDENTIAL_INVALID', withToken('')],
    ['is of another scheme', 'CREDENTIAL_INVALID', withToken(OUR_TOKEN.replace('Bearer', 'Basic'))],
    ['has two parts', 'CREDENTIAL_INVALID', withToken(OUR_TOKEN.slice(0, OUR_TOKEN.lastIndexOf('.')))],
    ['has four parts', 'CREDENTIAL_INVALID', withToken(`${OUR_TOKEN}.AA`)],
    ['is no JSON', 'CREDENTIAL_INVALID', withToken('Bearer AAAA.AAAA.AAAA')],
    ['is longer than 2 kB', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, note: 'x'.repeat(2048) }))],
    ['is of another issuer', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, iss: 'elsewhere' }))],
    ['names no algorithm', 'CREDENTIAL_INVALID', withToken(signed(claims, { ...HEADER, alg: 'none' }))],
    ['names a weaker one', 'CREDENTIAL_INVALID', withToken(signed(claims, { ...HEADER, alg: 'HS256' }))],
    ['wants an extension', 'CREDENTIAL_INVALID', withToken(signed(claims, { ...HEADER, crit: ['b64'] }))],
    ['names a retired key', 'CREDENTIAL_INVALID', withToken(signed(claims, { ...HEADER, kid: 'key-0' }))],
    ['has an unknown level', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, level: 'JADE' }))],
    ['has a level of objects', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, level: '__proto__' }))],
    ['has no identity', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, jti: undefined }))],
    ['never expires', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, exp: undefined }))],
    ['expires by a text', 'CREDENTIAL_INVALID', withToken(signed({ ...claims, exp: `${claims.exp}` }))],
    ['is of another company', 'COMPANY_FORBIDDEN', withToken(THEIR_TOKEN)],
    [
      'expires this very moment',
      'CREDENTIAL_EXPIRED',
      withToken(signed({ ...claims, exp: START_MS / 1000 })),
    ],
    ['was taken back', 'CREDENTIAL_REVOKED', withToken(signed({ ...claims, jti: 'taken-back' }))],
  ])('that %s is refused without a verification', async (_, code, asked) => {
    const world = worldOf();
    const reply = await world.ask(asked);
    expect([codeOf(reply), reply.status, world.steps]).toEqual([code, FAULTS[code].status, []]);
    if (reply.status === 401) expect(reply.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  it('that is missing is asked for', async () => {
    const world = worldOf();
    const key = [1, -2, 0, 0, 0];
    const body = rpc('initialize');
    const reply = await world.gateway.handle({
      ...{ method: 'POST', host: `${OURS}.${DOMAIN}`, path: '/mcp', headers: {}, body, key },
    });
    expect([codeOf(reply), reply.status]).toEqual(['CREDENTIAL_MISSING', 401]);
    expect(reply.headers['www-authenticate']).toBe('Bearer');
  });

  it('with a bad signature is refused before the cache is asked', async () => {
    const world = worldOf();
    const [header, body] = OUR_TOKEN.split('.');
    const reply = await world.ask(withToken(`${header}.${body}.${THEIR_TOKEN.split('.')[2]}`));
    expect([codeOf(reply), reply.status, world.steps]).toEqual(['CREDENTIAL_INVALID', 401, ['verify']]);
  });

  it('that was good is refused from the moment at which it expires', async () => {
    const world = worldOf();
    const asked = withToken(signed({ ...claims, exp: START_MS / 1000 + 10 }));
    expect((await world.ask(asked)).status).toBe(200);
    await world.clock.pass(9999);
    expect((await world.ask(asked)).status).toBe(200);
    await world.clock.pass(1);
    expect(codeOf(await world.ask(asked))).toBe('CREDENTIAL_EXPIRED');
  });

  it('that was good is refused once it is taken back, or its key retired', async () => {
    const revokedTokens = new Set<string>();
    const keyIds = [KEY_ID];
    const world = worldOf({}, { revokedTokens, keyIds });
    expect((await world.ask()).status).toBe(200);
    revokedTokens.add(claims.jti);
    expect(codeOf(await world.ask())).toBe('CREDENTIAL_REVOKED');
    revokedTokens.clear();
    keyIds.pop();
    expect(codeOf(await world.ask())).toBe('CREDENTIAL_INVALID');
  });
});

describe('verification', () => {
  const small = withToken(signed({ ...claimsOf(OURS), level: 'SANDBOX' }));

  it('goes on in the pool of the level, and refuses who finds pool and queue full', async () => {
    const gate = held<boolean>();
    const world = worldOf({ verifier: { isSigned: () => gate.promise } });
    const waiting = Array.from({ length: 5 }, () => world.ask(small));
    const refused = await world.ask(small);
    expect([codeOf(refused), refused.status]).toEqual(['VERIFICATION_BUSY', 503]);
    expect(world.steps).toEqual(['verify', 'verify']);
    // The other level's pool is not touched by it.
    const other = world.ask();
    expect(world.steps).toHaveLength(3);
    gate.release(true);
    expect((await Promise.all([...waiting, other])).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(world.gateway.waits()).toEqual([
      { name: 'small', calls: 5, waitMs: 0, refusals: 1 },
      { name: 'large', calls: 1, waitMs: 0, refusals: 0 },
    ]);
  });

  it('that does not begin by the deadline ends in a time-out, at that very moment', async () => {
    const gate = held<boolean>();
    const world = worldOf({ verifier: { isSigned: () => gate.promise } });
    const busy = [world.ask(small), world.ask(small)];
    let endedAtMs = 0;
    const late = world.ask(small).finally(() => (endedAtMs = world.clock.nowMs()));
    await world.clock.pass(40_000);
    expect([codeOf(await late), (await late).status, endedAtMs]).toEqual(['TIMEOUT', 504, START_MS + 30_000]);
    expect(world.gateway.waits()[0]).toMatchObject({ calls: 2, waitMs: 30_000, refusals: 1 });
    gate.release(true);
    await Promise.all(busy);
    expect((await world.ask(small)).status).toBe(200);
  });

  it('that ends after the deadline is not followed by anything', async () => {
    const world = worldOf(clock => ({
      verifier: { isSigned: () => clock.sleep(OPTIONS.requestTimeoutMs).then(() => true) },
    }));
    const late = world.ask();
    await world.clock.pass(30_000);
    expect([codeOf(await late), world.steps]).toEqual(['TIMEOUT', ['verify']]);
  });
});

describe('what a verified caller wants', () => {
  it.each<[what: string, FaultCode, Asked]>([
    ['no JSON', 'BODY_MALFORMED', { body: bytes('{') }],
    ['no UTF-8', 'BODY_MALFORMED', { body: Uint8Array.of(0x22, 0xff, 0x22) }],
    ['nothing', 'BODY_MALFORMED', { body: undefined }],
    ['null', 'BODY_MALFORMED', { body: bytes('null') }],
    ['another JSON-RPC', 'BODY_MALFORMED', { body: bytes('{"jsonrpc":"1.0","method":"initialize"}') }],
    [
      'a method that is no text',
      'BODY_MALFORMED',
      { body: bytes('{"jsonrpc":"2.0","method":["initialize"]}') },
    ],
    ['a batch', 'BATCH_UNSUPPORTED', { body: bytes('[]') }],
    ['another method', 'METHOD_UNKNOWN', { body: rpc('resources/list') }],
    ['a tool without a session', 'SESSION_MISSING', { body: rpc('tools/call') }],
    ['a session that is none', 'SESSION_UNKNOWN', callTool('two words')],
    ['a session of 257 characters', 'SESSION_UNKNOWN', callTool('s'.repeat(257))],
  ])('is refused when it is %s, before the cache is asked', async (_, code, asked) => {
    const world = worldOf();
    const reply = await world.ask(asked);
    expect([codeOf(reply), reply.status, world.steps]).toEqual([code, FAULTS[code].status, ['verify']]);
  });
});

describe('the cache', () => {
  it("refuses what is over the level's quota, until the next whole minute", async () => {
    const world = worldOf();
    await world.clock.pass(12_500);
    const token = withToken(signed({ ...claimsOf(OURS), level: 'SANDBOX' }));
    for (let n = 0; n < 100; n++) expect((await world.ask(token)).status).toBe(200);
    const refused = await world.ask(token);
    expect([codeOf(refused), refused.status]).toEqual(['QUOTA_EXCEEDED', 429]);
    // 47.5 s, rounded up.
    expect(refused.headers['retry-after']).toBe('48');
    expect(world.calls).toHaveLength(100);
    await world.clock.pass(47_500);
    expect((await world.ask(token)).status).toBe(200);
  });

  it('knows whose a session is: one of another company is not known here', async () => {
    const world = worldOf();
    world.redis.putSession(THEIR_SESSION, 'c00002', 60_000, START_MS);
    const reply = await world.ask(callTool(THEIR_SESSION));
    expect([codeOf(reply), reply.status, world.steps]).toEqual(['SESSION_UNKNOWN', 404, ['verify', 'cache']]);
  });

  it.each<[what: string, Asked]>([
    ['a new session', {}],
    ['an asset', { method: 'GET', path: '/assets/app.js' }],
    ['the config', GET_CONFIG],
  ])('is not asked about a session for %s, nor does the service hear of one', async (_, asked) => {
    const world = worldOf();
    world.redis.putSession(THEIR_SESSION, 'c00002', 60_000, START_MS);
    const reply = await world.ask({ ...asked, headers: { 'mcp-session-id': THEIR_SESSION } });
    // Were the cache asked, it would say that the session is another company's.
    expect(reply.status).toBe(200);
    expect(world.calls.filter(call => 'mcp-session-id' in call.headers)).toEqual([]);
  });

  it('does not learn a session that the service refuses', async () => {
    const world = worldOf();
    world.answer = () => answered(404);
    expect((await world.ask(callTool(OUR_SESSION))).status).toBe(404);
    expect(world.steps).not.toContain('put session');
    world.answer = () => answered(200);
    await world.ask(callTool(OUR_SESSION));
    expect(world.steps).toContain('put session');
  });

  it.each(['two words', 's'.repeat(257), ''])('does not learn a session called "%s"', async session => {
    const world = worldOf();
    world.answer = () => answered(200, { 'mcp-session-id': session });
    expect((await world.ask()).status).toBe(200);
    expect(world.steps).not.toContain('put session');
  });

  it('that cannot be written to fails no request', async () => {
    const { promise, release } = held<void>();
    const broken = () => promise.then(() => Promise.reject(new Error('redis')));
    const world = worldOf({
      cache: {
        admit: async () => ({ retryAfterMs: undefined, sessionCompany: undefined, config: undefined }),
        putConfig: broken,
        putSession: broken,
      },
    });
    world.answer = () => answered(200, { 'mcp-session-id': OUR_SESSION });
    // It is not waited for either.
    expect((await world.ask()).status).toBe(200);
    release();
    await settled();
    expect(world.logs).toEqual(Array(2).fill({ event: 'cache write failed', error: 'Error' }));
  });

  it('is not waited for beyond the deadline: nothing follows', async () => {
    const world = worldOf(clock => ({
      records: { find: id => clock.sleep(30_000).then(() => configOf(id)) },
    }));
    const late = world.ask();
    await world.clock.pass(30_000);
    expect([codeOf(await late), world.calls]).toEqual(['TIMEOUT', []]);
  });
});

describe('the record', () => {
  it('of a company that there is not is refused, and asked for again the next time', async () => {
    const world = worldOf();
    const unknown = { host: `c09999.${DOMAIN}`, ...withToken(signed(claimsOf('c09999'))) };
    for (let n = 0; n < 2; n++) {
      const reply = await world.ask(unknown);
      expect([codeOf(reply), reply.status]).toEqual(['COMPANY_UNKNOWN', 404]);
    }
    expect(world.steps).toEqual(['verify', 'cache', 'record', 'verify', 'cache', 'record']);
  });

  it('of a suspended company turns its users away and is not kept: resumed, it is served at once', async () => {
    let isSuspended = true;
    const records = {
      find: async (id: string) => ({ ...configOf(id), ...(isSuspended && { isSuspended }) }) as CompanyConfig,
    };
    const world = worldOf({ records });
    const reply = await world.ask();
    expect([codeOf(reply), reply.status]).toEqual(['COMPANY_SUSPENDED', 403]);
    expect(world.steps).toEqual(['verify', 'cache', 'record']);
    expect((await world.audited()).map(({ status }) => status)).toEqual([403]);
    isSuspended = false;
    expect((await world.ask()).status).toBe(200);
    expect(world.calls).toHaveLength(1);
  });
});

describe("the company's service", () => {
  it('is asked for its company, with body, session and deadline, and without the token', async () => {
    const world = worldOf();
    await world.clock.pass(700);
    const body = rpc('tools/call');
    const headers = {
      'mcp-session-id': OUR_SESSION,
      'mcp-protocol-version': '2025-11-25',
      cookie: 'mine',
      'x-company': 'c00002',
    };
    await world.ask({ body, headers });
    expect(world.calls).toEqual([
      {
        method: 'POST',
        url: `https://${OURS}.a.run.app/mcp`,
        headers: {
          'x-company': OURS,
          'x-request-id': '1--2-0-0-0',
          accept: '*/*',
          'content-type': 'application/json',
          'mcp-protocol-version': '2025-11-25',
          'mcp-session-id': OUR_SESSION,
        },
        body,
        deadlineAtMs: START_MS + 30_700,
        key: [1, -2, 0, 0, 0, 3],
      },
    ]);
  });

  it('is asked for an asset by its own path, without a body', async () => {
    const world = worldOf();
    await world.ask({ method: 'GET', path: '/assets/app-1.js' });
    const [{ method, url, headers, body }] = world.calls;
    expect([method, url, headers['x-company'], body]).toEqual([
      ...['GET', `https://${OURS}.a.run.app/assets/app-1.js`, OURS, undefined],
    ]);
  });

  it('has its answer passed on, whatever it says, with the headers that are meant for the user', async () => {
    const world = worldOf();
    for (const status of [200, 202, 404, 429, 500, 503]) {
      const more = { 'cache-control': 'private', 'retry-after': '7', 'set-cookie': 'a=b', server: 'x' };
      world.answer = () => answered(status, more, `answer ${status}`);
      const reply = await world.ask();
      expect(reply.status).toBe(status);
      expect(new TextDecoder().decode(reply.body)).toBe(`answer ${status}`);
      expect(Object.keys(reply.headers).sort()).toEqual([
        ...['cache-control', 'content-type', 'retry-after', 'x-request-id'],
      ]);
    }
  });

  it('that cannot be reached is 502 before the deadline and 504 at it', async () => {
    const world = worldOf();
    world.answer = () => ({ kind: 'refused', reason: 'connection refused' });
    expect((await world.ask()).status).toBe(502);
    world.answer = () => ({ kind: 'unknown', reason: 'reset' });
    expect(codeOf(await world.ask())).toBe('SERVICE_UNREACHABLE');
    world.answer = async ({ deadlineAtMs }) => {
      await world.clock.sleep(deadlineAtMs - world.clock.nowMs());
      return { kind: 'unknown', reason: 'deadline' };
    };
    const late = world.ask();
    await world.clock.pass(30_000);
    expect([codeOf(await late), (await late).status]).toEqual(['TIMEOUT', 504]);
  });

  it('that is given up by a timer that fires a little early has run out of time all the same', async () => {
    const world = worldOf();
    for (const [earlyMs, code] of [
      [1, 'TIMEOUT'],
      [50, 'SERVICE_UNREACHABLE'],
    ] as const) {
      world.answer = async ({ deadlineAtMs }) => {
        await world.clock.sleep(deadlineAtMs - world.clock.nowMs() - earlyMs);
        return { kind: 'unknown', reason: 'deadline' };
      };
      const late = world.ask();
      await world.clock.pass(30_000);
      expect(codeOf(await late)).toBe(code);
    }
  });
});

describe('every refusal', () => {
  it('is the one envelope: code, message and request, in the body and in the header', async () => {
    const world = worldOf();
    const reply = await world.ask({ path: '/admin', key: [3, -2, 0, 5, 8] });
    expect(jsonOf(reply)).toEqual({
      error: { code: 'PATH_UNKNOWN', message: FAULTS.PATH_UNKNOWN.message, requestId: '3--2-0-5-8' },
    });
    expect(reply.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-request-id': '3--2-0-5-8',
    });
  });

  it('is counted as answered, like every answer', async () => {
    const world = worldOf();
    await Promise.all([world.ask(), world.ask({ path: '/admin' }), world.ask(GET_CONFIG)]);
    expect(world.gateway.counts()).toMatchObject({ handled: 3, answered: 3, forwarded: 1, audited: 2 });
  });

  it('is told apart from what is still under way', async () => {
    const gate = held<Answer>();
    const world = worldOf({ transport: { send: () => gate.promise } });
    const underWay = [world.ask(), world.ask()];
    await world.ask({ path: '/admin' });
    await settled();
    expect(world.gateway.counts()).toMatchObject({ handled: 3, answered: 1, forwarded: 2, audited: 0 });
    gate.release(answered(200));
    await Promise.all(underWay);
    expect(world.gateway.counts()).toMatchObject({ handled: 3, answered: 3, forwarded: 2, audited: 2 });
  });
});
