// A request of an agent as its client would send it: pure text from integers, for the simulated users, for k6 and for
// calibration.

import type { RequestKind } from './scenario.ts';

export type UserCall = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Beside the host, the credential and the key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
};

/** Different assets that a company's page has. */
export const ASSETS = 8;
/** Different things that tools are asked for. */
const QUERIES = 64;
const TOOL_CALLS = Array.from(
  { length: QUERIES },
  (_, n) =>
    `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search","arguments":{"query":"order ${n}"}}}`,
);
const PROTOCOL_VERSION = '2025-06-18';
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export const sessionOf = (company: string, agent: number): string => `s-${company}-${agent}`;
export const assetOf = (agent: number): string => `a${agent % ASSETS}.js`;

export function userCallOf(kind: RequestKind, company: string, agent: number): UserCall {
  switch (kind) {
    case 'initialize':
      return {
        method: 'POST',
        path: '/mcp',
        headers: JSON_HEADERS,
        body: `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"${PROTOCOL_VERSION}","capabilities":{},"clientInfo":{"name":"agent-${agent}","version":"1.0.0"}}}`,
      };
    case 'tools/list':
      return inSession(company, agent, '{"jsonrpc":"2.0","id":2,"method":"tools/list"}');
    case 'tools/call':
      return inSession(company, agent, TOOL_CALLS[agent % QUERIES]);
    case 'asset':
      return { method: 'GET', path: `/assets/${assetOf(agent)}`, headers: {}, body: undefined };
    case 'config':
      return { method: 'GET', path: '/config', headers: {}, body: undefined };
    case 'health':
      return { method: 'GET', path: '/health', headers: {}, body: undefined };
  }
}

function inSession(company: string, agent: number, body: string): UserCall {
  return {
    method: 'POST',
    path: '/mcp',
    headers: { ...JSON_HEADERS, 'mcp-session-id': sessionOf(company, agent) },
    body,
  };
}
