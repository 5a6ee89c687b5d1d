// A company's MCP server and its assets, as a client meets them: as a function and over HTTP, one table for both.

import { afterEach, describe, expect, test } from 'vitest';
import type { Cloud } from '../../fakes/cloud.ts';
import { startFakes } from '../../fakes/server.ts';
import type { Call, Transport } from '../../src/ports.ts';
import { createTransport } from '../../src/runtime/transport.ts';
import { ALICE, BOB, directTransport, originOf, serviceCall, trafficCloud } from './traffic.ts';

const SPEED = 1000;
const ASSET_BYTES = 60_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const WIRES: readonly [name: string, open: (cloud: Cloud) => Promise<Transport>][] = [
  ['as a function', async cloud => directTransport(cloud)],
  [
    'over HTTP',
    async cloud => {
      const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: SPEED });
      const transport = createTransport({ fakesUrl: server.url });
      cleanups.push(
        () => transport.close(),
        () => server.close(),
      );
      return transport;
    },
  ],
];

type Seen = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

async function answerOf({ send }: Transport, call: Call): Promise<Seen> {
  const outcome = await send(call);
  if (outcome.kind !== 'answered') throw new Error(outcome.reason);
  const { status, headers, body } = outcome;
  return { status, headers, text: new TextDecoder().decode(body) };
}

const withBody = (call: Call, body: string): Call => ({ ...call, body: new TextEncoder().encode(body) });
const call = (kind: Parameters<typeof serviceCall>[0]) => serviceCall(kind, ALICE, 7);
const messageOf = ({ body }: Call) => JSON.parse(new TextDecoder().decode(body));
const mark = { _meta: { company: ALICE } };

/** What is sent, and the status, the answer and the operation that it is counted as. */
const ANSWERED: readonly [string, Call, number, object | undefined, string][] = [
  [
    'opens a session with initialize',
    call('initialize'),
    200,
    {
      id: 1,
      result: {
        protocolVersion: '2025-06-18',
        serverInfo: { name: `${ALICE}-mcp`, version: '1.0.0' },
        capabilities: { tools: {} },
        ...mark,
      },
    },
    'mcp.initialize',
  ],
  [
    'offers its latest version to a client of another one',
    withBody(call('initialize'), JSON.stringify(initializeWith({ protocolVersion: '2099-01-01' }))),
    200,
    { result: { protocolVersion: '2025-06-18' } },
    'mcp.initialize',
  ],
  [
    'lists its tools',
    call('tools/list'),
    200,
    { id: 2, result: { tools: [{ name: 'search' }, { name: 'fetch' }], ...mark } },
    'mcp.toolsList',
  ],
  [
    'answers a call of a tool with its mark',
    call('tools/call'),
    200,
    {
      id: 3,
      result: { content: [{ type: 'text', text: `${ALICE} search: order 7` }], isError: false, ...mark },
    },
    'mcp.toolsCall',
  ],
  [
    'answers a ping',
    withBody(call('tools/list'), '{"jsonrpc":"2.0","id":"p","method":"ping"}'),
    200,
    { id: 'p', result: {} },
    'mcp',
  ],
  [
    'takes a notification without an answer',
    withBody(call('tools/list'), '{"jsonrpc":"2.0","method":"notifications/initialized"}'),
    202,
    undefined,
    'mcp',
  ],
];

function initializeWith(change: object): object {
  const message = messageOf(call('initialize'));
  return { ...message, params: { ...message.params, ...change } };
}
const initialized = (change: object) => withBody(call('initialize'), JSON.stringify(initializeWith(change)));
const listed = (change: object) =>
  withBody(call('tools/list'), JSON.stringify({ ...messageOf(call('tools/list')), ...change }));
const called = (params: unknown) =>
  withBody(call('tools/call'), JSON.stringify({ ...messageOf(call('tools/call')), params }));
const headed = (kind: Parameters<typeof serviceCall>[0], headers: Record<string, string | undefined>) =>
  serviceCall(kind, ALICE, 7, { headers });

/** Each part of a good request broken once: the status, the code of JSON-RPC, and what it is counted as. */
const REFUSED: readonly [string, Call, number, number, string][] = [
  ['a body that is no JSON', withBody(call('tools/list'), '{'), 400, -32700, 'mcp'],
  ['a body that is no UTF-8', { ...call('tools/list'), body: Uint8Array.of(0x7b, 0xff) }, 400, -32700, 'mcp'],
  ['a batch', withBody(call('tools/list'), '[]'), 400, -32700, 'mcp'],
  ['another version of JSON-RPC', listed({ jsonrpc: '1.0' }), 400, -32600, 'mcp.toolsList'],
  ['no method', listed({ method: undefined }), 400, -32600, 'mcp'],
  ['a method that is no text', listed({ method: 1 }), 400, -32600, 'mcp'],
  ['an id of null', listed({ id: null }), 400, -32600, 'mcp.toolsList'],
  ['an id with a fraction', listed({ id: 1.5 }), 400, -32600, 'mcp.toolsList'],
  ['a request without an id', listed({ id: undefined }), 400, -32600, 'mcp.toolsList'],
  ['parameters in a list', listed({ params: [] }), 400, -32600, 'mcp.toolsList'],
  ['an unknown method', listed({ method: 'tools/rockets' }), 200, -32601, 'mcp'],
  ['a method of the language', listed({ method: 'constructor' }), 200, -32601, 'mcp'],
  ['an unknown cursor', listed({ params: { cursor: 'x' } }), 200, -32602, 'mcp.toolsList'],
  [
    'initialize in a session',
    headed('initialize', { 'mcp-session-id': `s-${ALICE}-7` }),
    400,
    -32600,
    'mcp.initialize',
  ],
  [
    'initialize without a version',
    initialized({ protocolVersion: undefined }),
    200,
    -32602,
    'mcp.initialize',
  ],
  [
    'initialize without capabilities',
    initialized({ capabilities: undefined }),
    200,
    -32602,
    'mcp.initialize',
  ],
  ['initialize without a client', initialized({ clientInfo: undefined }), 200, -32602, 'mcp.initialize'],
  [
    'a client that is no agent',
    initialized({ clientInfo: { name: 'x', version: '1' } }),
    200,
    -32602,
    'mcp.initialize',
  ],
  [
    'a client without a version',
    initialized({ clientInfo: { name: 'agent-7' } }),
    200,
    -32602,
    'mcp.initialize',
  ],
  ['an unknown tool', called({ name: 'rocket', arguments: { query: 'x' } }), 200, -32602, 'mcp.toolsCall'],
  ['a tool that is no text', called({ name: { toString: 1 } }), 200, -32602, 'mcp.toolsCall'],
  ['no parameters of a tool', called(undefined), 200, -32602, 'mcp.toolsCall'],
  ['no arguments', called({ name: 'search' }), 200, -32602, 'mcp.toolsCall'],
  [
    'an argument of another type',
    called({ name: 'search', arguments: { query: 1 } }),
    200,
    -32602,
    'mcp.toolsCall',
  ],
  ['no session', headed('tools/call', { 'mcp-session-id': undefined }), 400, -32000, 'mcp.toolsCall'],
  [
    "another company's session",
    headed('tools/call', { 'mcp-session-id': `s-${BOB}-7` }),
    404,
    -32001,
    'mcp.toolsCall',
  ],
  [
    'a session of no form',
    headed('tools/call', { 'mcp-session-id': `s-${ALICE}-` }),
    404,
    -32001,
    'mcp.toolsCall',
  ],
  [
    'a session of no number',
    headed('tools/call', { 'mcp-session-id': `s-${ALICE}-x` }),
    404,
    -32001,
    'mcp.toolsCall',
  ],
  [
    'answers in JSON alone',
    headed('tools/list', { accept: 'application/json' }),
    406,
    -32000,
    'mcp.toolsList',
  ],
  ['answers of any kind', headed('initialize', { accept: '*/*' }), 406, -32000, 'mcp.initialize'],
  ['a body of text', headed('tools/list', { 'content-type': 'text/plain' }), 415, -32000, 'mcp.toolsList'],
  [
    'a version of the protocol that it does not speak',
    headed('tools/list', { 'mcp-protocol-version': '2024-11-05' }),
    400,
    -32000,
    'mcp.toolsList',
  ],
  ['no company', headed('tools/call', { 'x-company': undefined }), 403, -32000, 'mcp.toolsCall'],
  ['another company', headed('tools/call', { 'x-company': BOB }), 403, -32000, 'mcp.toolsCall'],
];

describe.each(WIRES)('a company service %s', (_name, open) => {
  test.each(ANSWERED)('%s', async (_what, sent, status, body, operation) => {
    const cloud = trafficCloud();
    const answer = await answerOf(await open(cloud), sent);
    expect(answer.status).toBe(status);
    if (body === undefined) expect(answer.text).toBe('');
    else expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', ...body });
    const session = operation === 'mcp.initialize' ? `s-${ALICE}-7` : undefined;
    expect(answer.headers['mcp-session-id']).toBe(session);
    expect(cloud.requests.page()).toEqual([
      { company: ALICE, operation: `companyService.${operation}`, status, requests: 1 },
    ]);
  });

  test.each(REFUSED)('refuses %s', async (_what, sent, status, code, operation) => {
    const cloud = trafficCloud();
    const answer = await answerOf(await open(cloud), sent);
    expect(answer.status).toBe(status);
    const { jsonrpc, id, error, result } = JSON.parse(answer.text);
    expect([jsonrpc, error.code, result]).toEqual(['2.0', code, undefined]);
    expect(error.message).not.toBe('');
    // Its own id where one could be read, so that the client knows what was refused.
    const { id: own } = status === 200 ? messageOf(sent) : { id };
    expect(id).toBe(own);
    expect(answer.headers['mcp-session-id']).toBeUndefined();
    expect(cloud.operations().map(each => each.operation)).toEqual([`companyService.${operation}`]);
    // What cannot be read was turned away before the company's code.
    expect(cloud.requests.total()).toBe(code === -32700 ? 0 : 1);
  });

  test.each<[Call['method'], string]>([
    ['GET', 'mcpStream'],
    ['DELETE', 'mcpEnd'],
  ])(
    'has no streams of its own and no sessions to end: %s is answered with 405',
    async (method, operation) => {
      const cloud = trafficCloud();
      const { body: _, ...bare } = call('tools/list');
      const answer = await answerOf(await open(cloud), { ...bare, method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
      expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
      expect(cloud.requests.page()).toEqual([
        { company: ALICE, operation: `companyService.${operation}`, status: 405, requests: 1 },
      ]);
    },
  );

  test('serves an asset for a day, with a tag of its company and name', async () => {
    const cloud = trafficCloud();
    const transport = await open(cloud);
    const [first, again, other] = [
      await answerOf(transport, serviceCall('asset', ALICE, 3)),
      await answerOf(transport, serviceCall('asset', ALICE, 11)),
      await answerOf(transport, serviceCall('asset', BOB, 3)),
    ];
    expect(first).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'public, max-age=86400', 'content-type': 'text/javascript' },
    });
    expect(first.text).toHaveLength(ASSET_BYTES);
    expect(again.headers.etag).toBe(first.headers.etag);
    expect(other.headers.etag).not.toBe(first.headers.etag);
    expect(first.headers.etag).toContain(ALICE);
  });

  test.each<[string, Partial<Call>, number]>([
    ['an unknown asset', { url: `${originOf(ALICE)}/assets/x.js` }, 404],
    ["an asset under another company's name", { headers: { 'x-company': BOB } }, 403],
    ['an asset for no company', { headers: {} }, 403],
  ])('refuses %s', async (_what, change, status) => {
    const cloud = trafficCloud();
    const answer = await answerOf(await open(cloud), { ...call('asset'), ...change });
    expect([answer.status, answer.headers.etag]).toEqual([status, undefined]);
    expect(cloud.requests.page()).toEqual([
      { company: ALICE, operation: 'companyService.asset', status, requests: 1 },
    ]);
  });

  test('is its own company and no other, whichever two of host, header and session agree', async () => {
    const cloud = trafficCloud();
    const transport = await open(cloud);
    for (const host of [ALICE, BOB])
      for (const company of [ALICE, BOB])
        for (const session of [ALICE, BOB]) {
          const headers = { 'x-company': company, 'mcp-session-id': `s-${session}-7` };
          const answer = await answerOf(
            transport,
            serviceCall('tools/call', ALICE, 7, { to: host, headers }),
          );
          const isOwn = host === company && host === session;
          expect(answer.status === 200, `${host} ${company} ${session}`).toBe(isOwn);
          if (isOwn) expect(JSON.parse(answer.text).result._meta).toEqual({ company: host });
          else expect(answer.text).not.toContain(`${host} search`);
        }
    expect([...cloud.requests.byCompany()]).toEqual([
      [ALICE, 4],
      [BOB, 4],
    ]);
  });

  test('is nowhere under the host of a company that was not adopted', async () => {
    const cloud = trafficCloud();
    const transport = await open(cloud);
    for (const host of ['c00009-adopted-ew', `${ALICE}-adopted-xx`, `${ALICE}-adopted`]) {
      const sent = { ...call('tools/call'), url: `https://${host}.a.run.app/mcp` };
      expect((await answerOf(transport, sent)).status).toBe(404);
    }
    expect(cloud.requests.total()).toBe(0);
  });
});

test('the ledger of requests can be read over HTTP, with what the services used', async () => {
  const cloud = trafficCloud();
  const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: SPEED });
  const transport = createTransport({ fakesUrl: server.url });
  cleanups.push(
    () => transport.close(),
    () => server.close(),
  );
  for (let agent = 0; agent < 3; agent++) await transport.send(serviceCall('tools/call', ALICE, agent));
  await transport.send(serviceCall('asset', BOB, 1));
  const page = await (await fetch(`${server.url}/_requests`)).json();
  expect(page).toMatchObject({
    id: server.id,
    total: 4,
    requests: [
      { company: ALICE, operation: 'companyService.mcp.toolsCall', status: 200, requests: 3 },
      { company: BOB, operation: 'companyService.asset', status: 200, requests: 1 },
    ],
    usage: JSON.parse(JSON.stringify(cloud.companyUsage())),
    operations: JSON.parse(JSON.stringify(cloud.operations())),
  });
});
