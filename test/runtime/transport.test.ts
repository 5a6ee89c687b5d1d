import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { SandtableError } from '../../src/errors.ts';
import type { Call } from '../../src/ports.ts';
import { systemChance } from '../../src/runtime/chance.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createTransport } from '../../src/runtime/transport.ts';

/** Further than any machine is slow. */
const WAIT_MS = 60_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(server: Server | ReturnType<typeof createSocketServer>): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise(resolve => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener) => listen(createServer(listener));

/** A server that answers with bytes of its own, or hangs up. */
function serveRaw(answer: (socket: Socket) => void): Promise<string> {
  return listen(
    createSocketServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    }),
  );
}

function open(fakesUrl?: string) {
  const transport = createTransport(fakesUrl === undefined ? {} : { fakesUrl });
  cleanups.unshift(() => transport.close());
  return transport;
}

/**
 * Timers of a test's own from here on, so that a deadline passes at the moment that is meant and not on a slow machine
 * before it: `pass` lets as much time go by.
 */
function ownTime(): { readonly pass: (ms: number) => void } {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return { pass: ms => void vi.advanceTimersByTime(ms) };
}

const callTo = (url: string, change: Partial<Call> = {}): Call => ({
  method: 'GET',
  url,
  headers: {},
  deadlineAtMs: Date.now() + WAIT_MS,
  key: [1, 2],
  ...change,
});

test('an answer has its status, its headers in lower case and its body', async () => {
  const url = await serve((request, response) => {
    response.setHeader('X-Method', `${request.method} ${request.url}`);
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.statusCode = 418;
    request.pipe(response);
  });
  const body = new TextEncoder().encode('héllo');
  const outcome = await open().send(callTo(`${url}/a%2Fb:c?x=1&y=%20`, { method: 'POST', body }));
  expect(outcome).toMatchObject({ kind: 'answered', status: 418, body });
  expect(outcome).toHaveProperty(
    'headers',
    expect.objectContaining({ 'x-method': 'POST /a%2Fb:c?x=1&y=%20', 'set-cookie': 'a=1, b=2' }),
  );
});

test('a port that nobody listens on refuses: certainly no effect', async () => {
  const url = await serve(() => {});
  await cleanups.pop()!();
  expect(await open().send(callTo(url))).toEqual({ kind: 'refused', reason: 'ECONNREFUSED' });
});

test('a name that does not resolve refuses', async () => {
  expect((await open().send(callTo('http://no-such-host.invalid/'))).kind).toBe('refused');
});

test('no answer by the deadline is unknown', async () => {
  const { pass } = ownTime();
  const url = await serve(() => pass(WAIT_MS));
  expect(await open().send(callTo(url))).toEqual({ kind: 'unknown', reason: 'no answer by the deadline' });
});

test('half an answer by the deadline is unknown', async () => {
  const { pass } = ownTime();
  const url = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half', async () => {
      // Two turns of the loop, after which the caller has it.
      for (let turn = 0; turn < 2; turn++) await setImmediate();
      pass(WAIT_MS);
    });
  });
  expect(await open().send(callTo(url))).toEqual({ kind: 'unknown', reason: 'no answer by the deadline' });
});

test('a call whose deadline passes in the queue for a connection was never sent', async () => {
  const { pass } = ownTime();
  let arrived = 0;
  const url = await serve((request, response) => {
    if (request.url === '/last') response.end();
    else if (++arrived === 128) pass(WAIT_MS);
  });
  const transport = open();
  const outcomes = await Promise.all(Array.from({ length: 129 }, () => transport.send(callTo(url))));
  // Whatever is still in the queue stands before this one.
  expect((await transport.send(callTo(`${url}/last`))).kind).toBe('answered');
  expect(outcomes.filter(({ kind }) => kind === 'refused')).toHaveLength(1);
  expect(arrived).toBe(128);
});

test('a call whose process was held still past the deadline, while it connected, was never sent', async () => {
  let arrived = 0;
  const url = await serve((_request, response) => {
    arrived++;
    response.end();
  });
  let isPast = false;
  const transport = createTransport({ msUntil: () => (isPast ? -1 : WAIT_MS) });
  cleanups.unshift(() => transport.close());
  const sent = transport.send(callTo(url));
  isPast = true;
  expect((await sent).kind).toBe('refused');
  expect(arrived).toBe(0);
});

test.each<[string, (socket: Socket) => void]>([
  ['hangs up without a word', socket => socket.destroy()],
  ['resets the connection', socket => socket.resetAndDestroy()],
  ['ends a body early', socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')],
  [
    'ends a chunked body early',
    socket => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal'),
  ],
  ['does not speak HTTP', socket => socket.end('hello?\r\n\r\n')],
  [
    'sends more than a mebibyte',
    socket => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n${'x'.repeat(1_048_577)}`),
  ],
])('the outcome is unknown when the other side %s', async (_what, answer) => {
  const url = await serveRaw(answer);
  expect((await open().send(callTo(url))).kind).toBe('unknown');
});

test('a body of a mebibyte is read', async () => {
  const url = await serve((_request, response) => response.end(Buffer.alloc(1_048_576)));
  const outcome = await open().send(callTo(url));
  expect(outcome.kind === 'answered' && outcome.body.length).toBe(1_048_576);
});

test('the cap on a body and the clock of the deadlines can be others', async () => {
  const { pass } = ownTime();
  const url = await serve((request, response) => {
    if (request.url === '/large') return response.end(Buffer.alloc(2_000_000));
    pass(49);
    if (request.url === '/in-time') return response.end();
    pass(1);
  });
  const msUntil = (atMs: number) => atMs / 1000;
  const transport = createTransport({ msUntil, bodyBytesMax: Number.POSITIVE_INFINITY });
  cleanups.unshift(() => transport.close());
  expect((await transport.send(callTo(`${url}/large`))).kind).toBe('answered');
  const deadlineAtMs = 50_000;
  expect((await transport.send(callTo(`${url}/in-time`, { deadlineAtMs }))).kind).toBe('answered');
  expect((await transport.send(callTo(url, { deadlineAtMs }))).kind).toBe('unknown');
});

test('a redirect is an answer, and not followed', async () => {
  const url = await serve((_request, response) => response.writeHead(302, { location: '/other' }).end());
  expect(await open().send(callTo(url))).toMatchObject({ kind: 'answered', status: 302 });
});

test('with fakes every call goes to them, and says where it was meant for and which one it is', async () => {
  const url = await serve((request, response) => {
    const { 'x-sandtable-host': host, 'x-sandtable-key': key } = request.headers;
    response.end(JSON.stringify([host, key, request.url]));
  });
  const outcome = await open(url).send(
    callTo('https://api.cloudflare.com/client/v4/zones?page=2', { key: [42, 3, -1] }),
  );
  const body = outcome.kind === 'answered' ? JSON.parse(new TextDecoder().decode(outcome.body)) : outcome;
  expect(body).toEqual(['api.cloudflare.com', '42,3,-1', '/client/v4/zones?page=2']);
});

test('without fakes a call says neither', async () => {
  const url = await serve((request, response) =>
    response.end(String(Object.keys(request.headers).filter(name => name.startsWith('x-')))),
  );
  expect(await open().send(callTo(url))).toMatchObject({ kind: 'answered', body: new Uint8Array() });
});

test.each([
  'http://192.0.2.1:8700',
  'http://localhost.example.com',
  'https://127.0.0.1:8700',
  'http://127.0.0.1:8700/path',
  'ftp://127.0.0.1',
  'nonsense',
  '',
])('fakes at "%s" are refused: they would receive the credentials', fakesUrl => {
  expect(() => createTransport({ fakesUrl })).toThrowError(SandtableError);
  expect(() => createTransport({ fakesUrl })).toThrowError(/must be like/);
});

test.each(['http://127.0.0.1:1', 'http://localhost:1/', 'http://[::1]:1'])(
  'fakes at %s are taken',
  fakesUrl => {
    expect(() => open(fakesUrl)).not.toThrow();
  },
);

test('closing ends the calls under way as unknown, and later ones as refused', async () => {
  let transport!: ReturnType<typeof createTransport>;
  const url = await serve(() => void transport.close());
  transport = createTransport({});
  expect((await transport.send(callTo(url))).kind).toBe('unknown');
  expect((await transport.send(callTo(url))).kind).toBe('refused');
});

test('a request that cannot be one is a mistake, not an outcome', async () => {
  await expect(open().send(callTo('http://127.0.0.1:1', { headers: { 'bad name': 'x' } }))).rejects.toThrow();
});

test("the clock is the system's and never wakes early", async () => {
  const before = systemClock.nowMs();
  await systemClock.sleep(5);
  expect(systemClock.nowMs() - before).toBeGreaterThanOrEqual(5);
  expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1000);
});

test('chance is uniform from 0 to 1, and its secrets are 32 bytes', () => {
  const draws = Array.from({ length: 100 }, () => systemChance.uniform([1]));
  expect(draws.every(draw => draw >= 0 && draw < 1)).toBe(true);
  expect(new Set(draws).size).toBeGreaterThan(90);
  expect(systemChance.secret([1])).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
