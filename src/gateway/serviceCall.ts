// The gateway's call to a company's own service and what is passed on of the answer. The caller's token stays behind:
// the service is told who it is asked for, and never what it could ask others with.

import type { Answer, Call, CallKey, CompanyConfig } from '../ports.ts';
import type { GatewayReply } from './request.ts';
import type { Visit } from './visit.ts';

/** Of the service's headers; the others are between it and the gateway. */
const PASSED_HEADERS = ['content-type', 'cache-control', 'mcp-session-id', 'retry-after'] as const;

export function serviceCall({ id, serviceUri }: CompanyConfig, visit: Visit, key: CallKey): Call {
  const { request, requestId, kind, session, deadlineAtMs } = visit;
  const url = serviceUri + request.path;
  const accept = request.headers.accept ?? '*/*';
  const headers: Record<string, string> = { 'x-company': id, 'x-request-id': requestId, accept };
  if (kind === 'asset') return { method: 'GET', url, headers, deadlineAtMs, key };
  headers['content-type'] = 'application/json';
  const version = request.headers['mcp-protocol-version'];
  if (version !== undefined) headers['mcp-protocol-version'] = version;
  if (session !== undefined) headers['mcp-session-id'] = session;
  return { method: 'POST', url, headers, body: request.body!, deadlineAtMs, key };
}

export function serviceReply({ status, headers, body }: Answer, requestId: string): GatewayReply {
  const passed: Record<string, string> = { 'x-request-id': requestId };
  for (const name of PASSED_HEADERS) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
  return { status, headers: passed, body };
}
