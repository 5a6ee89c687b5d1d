// The gateway behind HTTP, on this machine only: Fastify is the edge of the process, and all that it does is to turn
// requests into the core's plain ones and replies back. Bodies stay bytes; every refusal has the core's envelope.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { faultReply, jsonBytes, jsonHeaders } from '../gateway/envelope.ts';
import type { GatewayReply, GatewayRequest } from '../gateway/request.ts';
import type { CallKey } from '../ports.ts';
import { callKeyOf, MALFORMED_KEY } from './callKey.ts';

/** What stands behind the server: a gateway, or a gateway with an edge before it. */
export type Handler = {
  handle(request: GatewayRequest): Promise<GatewayReply>;
  /** Writes out what is still buffered. */
  flush(): Promise<void>;
};

export type GatewayServer = {
  readonly url: string;
  /** Takes no more requests, ends those under way, then flushes. */
  close(): Promise<void>;
};

type Failure = Error & { readonly statusCode?: number };

const HOST = '127.0.0.1';
const BODY_BYTES_MAX = 1024 * 1024;
/** To receive a request, and for an idle connection. */
const REQUEST_MS_MAX = 30_000;
const KEEP_ALIVE_MS = 75_000;
/** Longer than any answer takes: the gateway's own time-out is far shorter. */
const CONNECTION_MS_MAX = 120_000;

/** `port` 0 is any that is free. */
export async function startGatewayServer(handler: Handler, port = 0): Promise<GatewayServer> {
  let unnamed = 0;
  const ownKey = (): CallKey => [-1, -2, 0, 0, unnamed++];
  const app = createApp(ownKey);
  app.all('/*', async (request, reply) => {
    const key = callKeyOf(request.headers, ownKey);
    if (key === undefined) return send(reply, malformed(400, MALFORMED_KEY, requestIdOf(ownKey())));
    return send(reply, await handler.handle(requestOf(request, key)));
  });
  const url = await app.listen({ host: HOST, port });
  return {
    url,
    close: async () => {
      await app.close();
      await handler.flush();
    },
  };
}

function createApp(ownKey: () => CallKey): FastifyInstance {
  const onError = ({ statusCode: status = 500, message }: Failure, reply: FastifyReply) => {
    const requestId = requestIdOf(ownKey());
    if (status === 413) return send(reply, faultReply('BODY_TOO_LARGE', requestId, undefined));
    // What failed inside is nobody's business outside.
    if (status >= 500) return send(reply, faultReply('INTERNAL', requestId, undefined));
    return send(reply, malformed(status, message, requestId));
  };
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: CONNECTION_MS_MAX,
    // Those under way end; the others would hold the process until their time-out.
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) => void onError(error, reply as unknown as FastifyReply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Failure, _request, reply) => onError(error, reply));
  app.setNotFoundHandler((_request, reply) =>
    send(reply, faultReply('METHOD_NOT_ALLOWED', requestIdOf(ownKey()), undefined)),
  );
  return app;
}

function requestOf(request: FastifyRequest, key: CallKey): GatewayRequest {
  const target = request.raw.url ?? '/';
  const mark = target.indexOf('?');
  const headers: Record<string, string> = {};
  for (const name in request.headers) headers[name] = String(request.headers[name]);
  return {
    method: request.method,
    host: (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, ''),
    path: mark < 0 ? target : target.slice(0, mark),
    headers,
    body: Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : undefined,
    key,
  };
}

/** What is no request at all never reaches the core, so its catalogue does not have it. */
function malformed(status: number, message: string, requestId: string): GatewayReply {
  const error = { code: 'REQUEST_MALFORMED', message, requestId };
  return { status, headers: jsonHeaders(requestId), body: jsonBytes({ error }) };
}

const requestIdOf = (key: CallKey): string => key.join('-');

function send(reply: FastifyReply, { status, headers, body }: GatewayReply): FastifyReply {
  return reply.code(status).headers(headers).send(bytesOf(body));
}

/** A view, not a copy. */
const bytesOf = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
