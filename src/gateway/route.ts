// Where a request goes: by host to a company, by method and path to what is asked for. What the host says is only a
// claim; the credential decides. What an MCP request wants stands in its body, which is read for known callers only.

import type { FaultCode } from './envelope.ts';
import type { GatewayRequest, RequestKind } from './request.ts';

export type Target = 'mcp' | 'asset' | 'config' | 'health';

export type Route = {
  /** Empty for `health`, which is asked at any host. */
  readonly company: string;
  readonly target: Target;
};

/** Tools take arguments, not files. */
const BODY_BYTES_MAX = 1024 * 1024;

const ASSETS = '/assets/';
/** One name, since it becomes a part of the service's address: no slash, no dot in front, nothing encoded. */
const ASSET_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

const HEALTH: Route = { company: '', target: 'health' };
const METHODS: Readonly<Record<Target, string>> = { mcp: 'POST', asset: 'GET', config: 'GET', health: 'GET' };

/** `suffixes`: the domains, each with a dot before it. */
export function routeOf(request: GatewayRequest, suffixes: readonly string[]): Route | FaultCode {
  const target = targetOf(request.path);
  if (target === 'health') return request.method === 'GET' ? HEALTH : 'METHOD_NOT_ALLOWED';
  const company = companyOf(request.host, suffixes);
  if (company === '') return 'HOST_UNKNOWN';
  if (target === undefined) return 'PATH_UNKNOWN';
  if (request.method !== METHODS[target]) return 'METHOD_NOT_ALLOWED';
  if (request.body !== undefined && request.body.length > BODY_BYTES_MAX) return 'BODY_TOO_LARGE';
  return { company, target };
}

function targetOf(path: string): Target | undefined {
  if (path === '/mcp') return 'mcp';
  if (path === '/config') return 'config';
  if (path === '/health') return 'health';
  return path.startsWith(ASSETS) && ASSET_NAME.test(path.slice(ASSETS.length)) ? 'asset' : undefined;
}

/** The one label before a domain; empty when the host is not of that form. */
function companyOf(host: string, suffixes: readonly string[]): string {
  const end = host.indexOf('.');
  for (const suffix of suffixes)
    if (host.length === end + suffix.length && host.endsWith(suffix)) return host.slice(0, end);
  return '';
}

type McpKind = 'initialize' | 'tools/list' | 'tools/call';

const MCP_KINDS: ReadonlyMap<unknown, McpKind> = new Map(
  (['initialize', 'tools/list', 'tools/call'] as const).map(kind => [kind, kind]),
);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a request that has a route asks for. */
export function kindOf(target: Target, body: Uint8Array | undefined): RequestKind | FaultCode {
  return target === 'mcp' ? mcpKindOf(body) : target;
}

function mcpKindOf(body: Uint8Array | undefined): McpKind | FaultCode {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(body));
  } catch {
    return 'BODY_MALFORMED';
  }
  if (Array.isArray(message)) return 'BATCH_UNSUPPORTED';
  if (typeof message !== 'object' || message === null) return 'BODY_MALFORMED';
  const { jsonrpc, method } = message as { readonly jsonrpc?: unknown; readonly method?: unknown };
  if (jsonrpc !== '2.0' || typeof method !== 'string') return 'BODY_MALFORMED';
  return MCP_KINDS.get(method) ?? 'METHOD_UNKNOWN';
}
