// What passes through the gateway: a request of a user, and its reply. Both runtimes speak these; Fastify's own types
// stay at the edge.

import type { CallKey } from '../ports.ts';

export type GatewayRequest = {
  readonly method: string;
  /** `c00042.mcp.example.com`, in lower case. */
  readonly host: string;
  /** Without the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly key: CallKey;
};

export type GatewayReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** What a request asks for; `other` is answered 404. */
export type RequestKind =
  | 'initialize'
  | 'tools/list'
  | 'tools/call'
  | 'asset'
  | 'config'
  | 'health'
  | 'other';
