// The gateway's process as its callers meet it: bytes in, bytes out. What stands behind the server is a stand-in that
// remembers what it was given.

import http, { Agent, request as httpRequest, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GatewayReply, GatewayRequest } from '../../src/gateway/request.ts';
import { type GatewayServer, startGatewayServer } from '../../src/runtime/gatewayServer.ts';
import { held } from '../gateway/harness.ts';

const BODY_BYTES_MAX = 1024 * 1024;
const NOTHING = new Uint8Array(0);
const OK: GatewayReply = { status: 200, headers: {}, body: NOTHING };

const servers: GatewayServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map(server => server.close()));
});

/** `said`: what the server did with the stand-in, in order. */
async function serve(answer: (request: GatewayRequest) => GatewayReply | Promise<GatewayReply> = () => OK) {
  const requests: GatewayRequest[] = [];
  const said: string[] = [];
  const server = await startGatewayServer({
    handle: async request => {
      requests.push(request);
      const reply = await answer(request);
      said.push('answered');
      return reply;
    },
    flush: async () => void said.push('flushed'),
  });
  servers.push(server);
  return { server, url: server.url, port: Number(new URL(server.url).port), requests, said };
}

/** Writes `text` on a connection of its own and resolves with all that comes back until the server ends it. */
function write(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1');
    // The server may hang up on what it no longer reads.
    socket.on('error', error => (heard === '' ? reject(error) : resolve(heard)));
    socket.on('data', chunk => (heard += chunk)).on('end', () => socket.end());
    socket.on('close', () => resolve(heard));
    socket.write(text);
  });
}

const head = (...lines: string[]) => `${[...lines, 'connection: close'].join('\r\n')}\r\n\r\n`;

function expectEnvelope(heard: string, status: number, code: string): void {
  const [start, ...headers] = heard.slice(0, heard.indexOf('\r\n\r\n')).split('\r\n');
  const body = heard.slice(heard.indexOf('\r\n\r\n') + 4);
  const requestId = expect.stringMatching(/^-1--2-0-0-\d+$/);
  expect(start).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(JSON.parse(body)).toEqual({ error: { code, message: expect.any(String), requestId } });
  const has = (line: string) => headers.some(header => header.toLowerCase() === line);
  expect(has('content-type: application/json') && has('cache-control: no-store')).toBe(true);
  expect(has(`x-request-id: ${JSON.parse(body).error.requestId}`)).toBe(true);
}

describe('a request', () => {
  it('comes to the gateway as it was sent, its names in lower case and its host without a port', async () => {
    const { url, requests } = await serve();
    const body = Buffer.from([0x7b, 0x00, 0xff, 0x7d]);
    const sent = httpRequest(`${url}/mcp/a%20b?token=1&x`, {
      method: 'POST',
      headers: {
        Host: 'C00042.MCP.Example.com:8443',
        Authorization: 'Bearer AbC',
        'Mcp-Session-Id': 's-1',
        'Content-Type': 'text/any',
        'X-Sandtable-Key': '42,-2,0,1,17',
      },
    }).end(body);
    await new Promise(resolve => sent.on('response', response => response.resume().on('end', resolve)));
    expect(requests).toHaveLength(1);
    const [{ headers, ...rest }] = requests;
    expect(rest).toEqual({
      method: 'POST',
      host: 'c00042.mcp.example.com',
      path: '/mcp/a%20b',
      body,
      key: [42, -2, 0, 1, 17],
    });
    expect(headers).toMatchObject({ authorization: 'Bearer AbC', 'mcp-session-id': 's-1' });
  });

  it('without a key gets one of the server, and without a body none', async () => {
    const { url, requests } = await serve();
    await Promise.all([fetch(url), fetch(url)]);
    expect(requests.map(({ key }) => key).sort()).toEqual([
      [-1, -2, 0, 0, 0],
      [-1, -2, 0, 0, 1],
    ]);
    expect(requests.map(({ body }) => body)).toEqual([undefined, undefined]);
  });

  it.each(['OPTIONS', 'DELETE', 'PUT', 'PATCH', 'HEAD'])(
    'by %s is for the gateway to judge',
    async method => {
      const { url, requests } = await serve();
      expect((await fetch(url, { method })).status).toBe(200);
      expect(requests.map(({ method }) => method)).toEqual([method]);
    },
  );

  it('is answered with status, headers and bytes as the gateway gave them', async () => {
    // A part of a larger buffer: no byte beside it may leave.
    const body = new TextEncoder().encode('secret{"ok":1}secret').subarray(6, 14);
    const headers = { 'content-type': 'application/x-own', 'mcp-session-id': 's-9', 'retry-after': '3' };
    const { url } = await serve(() => ({ status: 429, headers, body }));
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([429, '{"ok":1}']);
    expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
  });
});

describe('the body', () => {
  it('may have a mebibyte', async () => {
    const { url, requests } = await serve();
    expect((await fetch(url, { method: 'POST', body: new Uint8Array(BODY_BYTES_MAX) })).status).toBe(200);
    expect(requests.map(({ body }) => body?.length)).toEqual([BODY_BYTES_MAX]);
  });

  it.each([
    [
      'that says that it is a byte longer',
      head('POST /mcp HTTP/1.1', 'host: a', `content-length: ${BODY_BYTES_MAX + 1}`),
    ],
    [
      'that turns out to be a byte longer',
      `${head('POST /mcp HTTP/1.1', 'host: a', 'transfer-encoding: chunked')}100001\r\n${'x'.repeat(BODY_BYTES_MAX + 1)}\r\n0\r\n\r\n`,
    ],
  ])('%s is refused before the gateway hears of it', async (_how, text) => {
    const { port, requests } = await serve();
    expectEnvelope(await write(port, text), 413, 'BODY_TOO_LARGE');
    expect(requests).toEqual([]);
  });
});

describe('what is no request for the gateway has the envelope of every refusal', () => {
  it.each([
    ['a method that it never has', head('PROPFIND / HTTP/1.1', 'host: a'), 405, 'METHOD_NOT_ALLOWED'],
    ['a method that there is not', head('BREW / HTTP/1.1', 'host: a'), 400, 'REQUEST_MALFORMED'],
    ['no HTTP', 'good morning\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['a path that is none', head('GET /%secret HTTP/1.1', 'host: a'), 400, 'REQUEST_MALFORMED'],
    [
      'a key that is none',
      head('GET / HTTP/1.1', 'host: a', 'x-sandtable-key: 1,secret'),
      400,
      'REQUEST_MALFORMED',
    ],
    [
      'a body of no type',
      `${head('POST / HTTP/1.1', 'host: a', 'content-type: secret', 'content-length: 2')}{}`,
      415,
      'REQUEST_MALFORMED',
    ],
    [
      'headers without end',
      head('GET / HTTP/1.1', 'host: a', `x-long: ${'secret'.repeat(5000)}`),
      431,
      'REQUEST_MALFORMED',
    ],
  ])('%s', async (_what, text, status, code) => {
    const { port, requests } = await serve();
    const heard = await write(port, text);
    expectEnvelope(heard, status, code);
    expect(heard).not.toContain('secret');
    expect(requests).toEqual([]);
  });

  it('a gateway that fails, whose reason stays inside', async () => {
    const { port } = await serve(() => Promise.reject(new Error('the secret is 42')));
    const heard = await write(port, head('GET / HTTP/1.1', 'host: a'));
    expectEnvelope(heard, 500, 'INTERNAL');
    expect(heard).not.toContain('secret');
  });
});

describe('the time', () => {
  /** The server underneath, which looks after its connections more often than once in half a minute. */
  function spyOnServer(): Server[] {
    const made: Server[] = [];
    const { createServer } = http;
    const watched = (options: object, listener: http.RequestListener) => {
      made.push(createServer({ ...options, connectionsCheckingInterval: 10 }, listener));
      return made[0];
    };
    vi.spyOn(http, 'createServer').mockImplementation(watched as typeof createServer);
    return made;
  }

  it('is limited for all that a connection may wait for, and for the connection itself longest', async () => {
    const made = spyOnServer();
    await serve();
    const { requestTimeout, headersTimeout, keepAliveTimeout, timeout } = made[0];
    expect(Math.min(requestTimeout, headersTimeout, keepAliveTimeout)).toBeGreaterThan(0);
    // Node takes the longer of the two for the request's.
    expect(headersTimeout).toBeLessThanOrEqual(requestTimeout);
    expect(timeout).toBeGreaterThan(Math.max(requestTimeout, keepAliveTimeout));
  });

  it.each([
    ['headers', 'POST / HTTP/1.1\r\nhost:'],
    ['body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{'],
  ])('is over for a request that stops in its %s, and it gets an envelope', async (_what, text) => {
    const made = spyOnServer();
    const { port, requests } = await serve();
    Object.assign(made[0], { requestTimeout: 50, headersTimeout: 50 });
    expectEnvelope(await write(port, text), 408, 'REQUEST_MALFORMED');
    expect(requests).toEqual([]);
  });
});

describe('a server that closes', () => {
  it('ends what is under way, then flushes, and takes nothing more', async () => {
    const [arrived, reply] = [held<void>(), held<GatewayReply>()];
    const { server, url, said } = await serve(() => {
      arrived.release();
      return reply.promise;
    });
    const answer = fetch(url);
    await arrived.promise;
    const closed = server.close();
    await expect(fetch(url)).rejects.toThrow();
    expect(said).toEqual([]);
    reply.release({ ...OK, status: 201 });
    const { status, headers } = await answer;
    // Else a caller that keeps its connection would hold the server.
    expect([status, headers.get('connection')]).toEqual([201, 'close']);
    await closed;
    expect(said).toEqual(['answered', 'flushed']);
    servers.length = 0;
  });

  it('waits for no idle connection', async () => {
    const { server, url, said } = await serve();
    const agent = new Agent({ keepAlive: true });
    const sent = httpRequest(url, { agent }).end();
    const ended = new Promise(resolve => sent.on('socket', socket => socket.on('close', resolve)));
    await new Promise(resolve => sent.on('response', response => response.resume().on('end', resolve)));
    await server.close();
    await ended;
    expect(said).toEqual(['answered', 'flushed']);
    agent.destroy();
    servers.length = 0;
  });
});
