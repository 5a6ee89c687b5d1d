// A company's MCP server: Model Context Protocol 2025-06-18 over streamable HTTP, with JSON answers. It keeps no list of
// its sessions: an id says whose it is, `s-<company>-<agent>`, and the server takes its own company's only.

import { sessionOf } from '../scenarios/requests.ts';
import { type FakeReply, isObject } from './service.ts';

export const MCP_OPERATION = 'companyService.mcp';

/** What each method is counted as. */
const OPERATIONS: ReadonlyMap<unknown, string> = new Map([
  ['initialize', `${MCP_OPERATION}.initialize`],
  ['tools/list', `${MCP_OPERATION}.toolsList`],
  ['tools/call', `${MCP_OPERATION}.toolsCall`],
]);
const VERSIONS = ['2025-03-26', '2025-06-18'];
/** A client must take both, though the answers are all of the first. */
const ACCEPTED = ['application/json', 'text/event-stream'];
const AGENT = /^agent-(\d{1,10})$/;
const AGENT_NUMBER = /^\d{1,10}$/;
/** JSON-RPC's own, and from -32000 on those of the protocol's reference server. */
const CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  badRequest: -32000,
  sessionNotFound: -32001,
} as const;

/** By name: the one argument that each takes, a text. */
const TOOLS: ReadonlyMap<unknown, string> = new Map([
  ['search', 'query'],
  ['fetch', 'id'],
]);
const TOOLS_LISTED = [...TOOLS].map(([name, argument]) => ({
  name,
  description: `The company's own ${name}`,
  inputSchema: { type: 'object', properties: { [argument]: { type: 'string' } }, required: [argument] },
}));

// biome-ignore lint/suspicious/noExplicitAny: the checks below are what gives it a shape
type Message = any;
type Headers = Readonly<Record<string, string>>;

export function mcpOperation(message: Message): string {
  return OPERATIONS.get(message.method) ?? MCP_OPERATION;
}

/** The answer of `company`'s server. */
export function answerMcp(company: string, headers: Headers, message: Message): FakeReply {
  const refusal = invalidHeaders(headers);
  if (refusal !== undefined) return refusal;
  const { jsonrpc, id, method, params } = message;
  // `null` is no id of MCP's.
  const isValidId = id === undefined || typeof id === 'string' || Number.isInteger(id);
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isValidId || !isOptionalObject(params))
    return mcpError(400, 'invalidRequest', 'Invalid Request');
  const session = headers['mcp-session-id'];
  if (method === 'initialize')
    return id === undefined || session !== undefined
      ? mcpError(
          400,
          'invalidRequest',
          'Invalid Request: initialize opens a session and is no notification',
          id,
        )
      : initialize(company, id, params ?? {});
  if (session === undefined)
    return mcpError(400, 'badRequest', 'Bad Request: Mcp-Session-Id header is required', id);
  if (!isSessionOf(company, session)) return mcpError(404, 'sessionNotFound', 'Session not found', id);
  if (id === undefined)
    return method.startsWith('notifications/')
      ? { status: 202, body: undefined }
      : mcpError(400, 'invalidRequest', 'Invalid Request: a request needs an id');
  switch (method) {
    case 'tools/list':
      return listTools(company, id, params ?? {});
    case 'tools/call':
      return callTool(company, id, params ?? {});
    case 'ping':
      return { status: 200, body: { jsonrpc: '2.0', id, result: {} } };
    default:
      return mcpError(200, 'methodNotFound', 'Method not found', id);
  }
}

/** As the protocol's reference server has it; a client that names no version speaks one that is known. */
function invalidHeaders(headers: Headers): FakeReply | undefined {
  const { accept = '', 'content-type': type = '', 'mcp-protocol-version': version } = headers;
  if (!ACCEPTED.every(each => accept.includes(each)))
    return mcpError(406, 'badRequest', `Not Acceptable: Client must accept both ${ACCEPTED.join(' and ')}`);
  if (!type.startsWith('application/json'))
    return mcpError(415, 'badRequest', 'Unsupported Media Type: Content-Type must be application/json');
  return version === undefined || VERSIONS.includes(version)
    ? undefined
    : mcpError(400, 'badRequest', `Bad Request: Unsupported protocol version: ${version}`);
}

/** A server without streams of its own and without sessions to end says so, and clients do without. */
export const noSuchMethod = (): FakeReply => ({
  ...mcpError(405, 'badRequest', 'Method not allowed.'),
  headers: { allow: 'POST' },
});

/** `id`: of the message that it answers, where one could be read. */
export function mcpError(
  status: number,
  code: keyof typeof CODES,
  message: string,
  id: string | number | null = null,
): FakeReply {
  return { status, body: { jsonrpc: '2.0', id, error: { code: CODES[code], message } } };
}

function initialize(company: string, id: string | number, params: Message): FakeReply {
  const { protocolVersion, capabilities, clientInfo } = params;
  const [, agent] = AGENT.exec(typeof clientInfo?.name === 'string' ? clientInfo.name : '') ?? [];
  if (typeof protocolVersion !== 'string') return invalidParams(id, 'protocolVersion must be a string');
  if (!isObject(capabilities)) return invalidParams(id, 'capabilities must be an object');
  if (typeof clientInfo?.version !== 'string')
    return invalidParams(id, 'clientInfo.version must be a string');
  if (agent === undefined) return invalidParams(id, 'clientInfo.name must be agent-<n>');
  const result = {
    // The client's version, or the latest when that is unknown, which the client may then leave.
    protocolVersion: VERSIONS.includes(protocolVersion) ? protocolVersion : VERSIONS.at(-1),
    serverInfo: { name: `${company}-mcp`, version: '1.0.0' },
    capabilities: { tools: { listChanged: false } },
    _meta: { company },
  };
  return {
    status: 200,
    headers: { 'mcp-session-id': sessionOf(company, Number(agent)) },
    body: { jsonrpc: '2.0', id, result },
    latency: 'lat.mcp.initialize',
  };
}

function listTools(company: string, id: string | number, { cursor }: Message): FakeReply {
  if (cursor !== undefined) return invalidParams(id, 'unknown cursor');
  const result = { tools: TOOLS_LISTED, _meta: { company } };
  return { status: 200, body: { jsonrpc: '2.0', id, result }, latency: 'lat.mcp.tools-list' };
}

function callTool(company: string, id: string | number, params: Message): FakeReply {
  const { name, arguments: given } = params;
  const argument = TOOLS.get(name);
  if (argument === undefined) return invalidParams(id, 'unknown tool');
  const value = isObject(given) ? given[argument] : undefined;
  if (typeof value !== 'string') return invalidParams(id, `${argument} must be a string`);
  const text = `${company} ${name}: ${value}`;
  const result = { content: [{ type: 'text', text }], isError: false, _meta: { company } };
  return { status: 200, body: { jsonrpc: '2.0', id, result }, latency: 'lat.mcp.tools-call' };
}

/** In an answer of status 200: the transport did its work, the method did not. */
const invalidParams = (id: string | number, reason: string): FakeReply =>
  mcpError(200, 'invalidParams', `Invalid params: ${reason}`, id);

function isSessionOf(company: string, session: string): boolean {
  const prefix = `s-${company}-`;
  return session.startsWith(prefix) && AGENT_NUMBER.test(session.slice(prefix.length));
}

const isOptionalObject = (value: Message): boolean => value === undefined || isObject(value);
