// The gateway behind HTTP, on this machine only: Fastify is the edge of the process, and all that it does is to turn
// requests into the core's plain ones and replies back. Bodies stay bytes; every refusal has the core's envelope.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
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
  let isClosing = false;
  const ownKey = (): CallKey => [-1, -2, 0, 0, unnamed++];
  const app = createApp(ownKey);
  app.all('/*', async (request, reply) => {
    const key = callKeyOf(request.headers, ownKey);
    if (key === undefined) return send(reply, malformed(400, MALFORMED_KEY, requestIdOf(ownKey())));
    const answer = await handler.handle(requestOf(request, key));
    // Else the caller would keep the connection, and with it the server, until it is idle for too long.
    if (isClosing) reply.header('connection', 'close');
    return send(reply, answer);
  });
  const url = await app.listen({ host: HOST, port });
  return {
    url,
    close: async () => {
      isClosing = true;
      await app.close();
      await handler.flush();
    },
  };
}

function createApp(ownKey: () => CallKey): FastifyInstance {
  const onError = ({ statusCode: status = 500 }: Failure, reply: FastifyReply) => {
    const requestId = requestIdOf(ownKey());
    if (status === 413) return send(reply, faultReply('BODY_TOO_LARGE', requestId, undefined));
    // What failed inside is nobody's business outside.
    if (status >= 500) return send(reply, faultReply('INTERNAL', requestId, undefined));
    return send(reply, malformed(status, reasonOf(status), requestId));
  };
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    // Node's own is longer, and of the two the longer one would then be the request's.
    http: { headersTimeout: REQUEST_MS_MAX },
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: CONNECTION_MS_MAX,
    // Those under way end; the others would hold the process until their time-out.
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => refuseUnread(error, socket, requestIdOf(ownKey())),
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

/** Never the framework's own message: it may quote the request. */
const reasonOf = (status: number): string => STATUS_CODES[status] ?? 'Bad Request';

/** By the code of Node's error; any other is 400. */
const UNREAD_STATUS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** What could not be read as a request, or did not arrive in time: there is a connection to answer on, and no more. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (socket.destroyed || error.code === 'ECONNRESET') return;
  const status = UNREAD_STATUS[error.code ?? ''] ?? 400;
  const { headers, body } = malformed(status, reasonOf(status), requestId);
  const all = { ...headers, 'content-length': String(body.length), connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${reasonOf(status)}\r\n${lines.join('')}\r\n`);
    socket.write(body);
  }
  socket.destroy(error);
}

const requestIdOf = (key: CallKey): string => key.join('-');

function send(reply: FastifyReply, { status, headers, body }: GatewayReply): FastifyReply {
  return reply.code(status).headers(headers).send(bytesOf(body));
}

/** A view, not a copy. */
const bytesOf = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
