// The fake clouds behind HTTP, on this machine only. On the main port the header `x-sandtable-host` chooses the vendor;
// a vendor's own port implies it, for any client that takes a base URL. `/_host/<host>` before a path chooses it as well:
// such addresses a fake gives where its vendor gives the host of a new resource.
//
//   request ─► wait arrivalMs ─► effect ─► wait delayMs ─► answer        (all waits divided by the speed)
//                  └► lost: no answer, ever                  └► lost: likewise, after the effect
//                  └► refused: the connection is reset, as near to a refused one as HTTP/1.1 comes: the caller, having sent
//                     its call, cannot tell it from a lost one
//
// `POST /_speed` with {"speed": n} changes how fast the fakes' time runs: their clock goes on from where it is.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { FactValues } from '../scenarios/facts.ts';
import { SandtableError } from '../src/errors.ts';
import type { CallKey } from '../src/ports.ts';
import { callKeyOf, KEY_HEADER, MALFORMED_KEY } from '../src/runtime/callKey.ts';
import { createTimeline } from '../src/runtime/timeline.ts';
import type { Cloud } from './cloud.ts';
import { bytesOf, type FakeReply, type FakeRequest, type Service } from './service.ts';

export type FakesServer = {
  /** The main port. */
  readonly url: string;
  /** One address a service, when asked for. */
  readonly vendorUrls: Readonly<Record<string, string>>;
  /** Fresh at each start, so that a journal can tell whether these are its fakes. */
  readonly id: string;
  close(): Promise<void>;
};

export type FakesOptions = {
  readonly cloud: Cloud;
  /** 0 for any that is free. */
  readonly port: number;
  readonly vendorPorts: boolean;
  /** Fake milliseconds a real one, to begin with. */
  readonly speed: number;
  /** False: no call waits for anything. */
  readonly delays?: boolean;
  /** The ledger's page lists those that were used. */
  readonly facts?: FactValues;
};

const HOST = '127.0.0.1';
/** More than the largest request of a vendor, which is Firestore's with 10 MiB: its fake refuses in its own words. */
const BODY_BYTES_MAX = 11 * 1024 * 1024;
/** To receive a request, and for an idle connection: longer than our clients keep one. */
const REQUEST_MS_MAX = 30_000;
const KEEP_ALIVE_MS = 75_000;
/** An answer may be due long after its request. */
const CONNECTION_MS_MAX = 300_000;
/** The host of a wildcard service whose client names none. */
const DEFAULT_LABEL = 'default';
const SPEED_MAX = 10_000;

export async function startFakes(options: FakesOptions): Promise<FakesServer> {
  const { cloud, port, vendorPorts } = options;
  const id = randomUUID();
  const wire = createWire(options);
  const apps: FastifyInstance[] = [];
  const close = async () => {
    wire.stop();
    await Promise.all(apps.map(app => app.close()));
  };
  const open = async (app: FastifyInstance, at: number): Promise<string> => {
    apps.push(app);
    return await app.listen({ host: HOST, port: at });
  };
  try {
    const url = await open(mainApp(options, wire, id), port);
    const vendorUrls: Record<string, string> = {};
    for (const service of vendorPorts ? cloud.services : [])
      vendorUrls[service.name] = await open(vendorApp(service, cloud, wire), 0);
    return { url, vendorUrls, id, close };
  } catch (error) {
    await close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new SandtableError(
      'PORT_IN_USE',
      `port ${port} is in use: stop the program that listens there, or choose another with --port`,
    );
  }
}

type Wire = {
  nowMs(): number;
  speed(): number;
  setSpeed(speed: number): void;
  serve(host: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>;
  stop(): void;
};

/** Carries requests to the cloud and answers back, with the delays that the cloud draws. */
function createWire({ cloud, speed, delays = true }: FakesOptions): Wire {
  let anchor = { atMs: Date.now(), realMs: performance.now() };
  const stopped = new AbortController();
  let calls = 0;
  const nowMs = () => anchor.atMs + (performance.now() - anchor.realMs) * speed;
  const sleep = (ms: number) => delay(ms, undefined, { signal: stopped.signal });

  const serve = async (host: string, request: FastifyRequest, reply: FastifyReply) => {
    const key = callKeyOf(request.headers, () => [-1, calls++]);
    if (key === undefined) return refuse(reply, 400, MALFORMED_KEY);
    const call = requestOf(host, request, key);
    if (call === undefined) return refuse(reply, 400, 'the path is not valid percent-encoding');
    const timeline = createTimeline(sleep);
    const wait = async (ms: number) => {
      if (delays) await timeline.wait(ms / speed);
    };
    try {
      await wait(cloud.arrivalMs(call, nowMs()));
      const refusedMs = cloud.refusedMs(call, nowMs());
      if (refusedMs !== undefined) {
        await wait(refusedMs);
        return reset(reply);
      }
      const answer = cloud.arrive(call, nowMs());
      if (answer === undefined) return lose(request, reply);
      await wait(answer.delayMs);
      return answer.lost ? lose(request, reply) : sendReply(reply, answer.reply);
    } catch (error) {
      if (stopped.signal.aborted) return hangUp(reply);
      throw error;
    }
  };
  return {
    nowMs,
    speed: () => speed,
    // What a call waits for already keeps its speed.
    setSpeed: next => {
      anchor = { atMs: nowMs(), realMs: performance.now() };
      speed = next;
    },
    serve,
    stop: () => stopped.abort(),
  };
}

function mainApp({ cloud, facts }: FakesOptions, wire: Wire, id: string): FastifyInstance {
  const app = createApp();
  const hosts = cloud.services
    .flatMap(service => service.hosts)
    .map(host => (host.startsWith('.') ? `*${host}` : host));
  app.get('/_health', async (_request, reply) =>
    sendReply(reply, {
      status: 200,
      body: { id, nowMs: wire.nowMs(), speed: wire.speed(), effects: cloud.ledger.entries.length },
    }),
  );
  app.get('/_ledger', async (_request, reply) => {
    const { entries } = cloud.ledger;
    const body = {
      id,
      nowMs: wire.nowMs(),
      entries,
      operations: cloud.operations(),
      faultHits: cloud.faultHits(),
      facts: facts?.usedValues() ?? [],
    };
    return sendReply(reply, { status: 200, body });
  });
  app.get('/_requests', async (_request, reply) => {
    const body = {
      id,
      nowMs: wire.nowMs(),
      total: cloud.requests.total(),
      requests: cloud.requests.page(),
      usage: cloud.companyUsage(),
      operations: cloud.operations(),
    };
    return sendReply(reply, { status: 200, body });
  });
  app.post('/_speed', async (request, reply) => {
    const speed = speedIn(request.body);
    if (speed === undefined)
      return refuse(reply, 400, `the body must be {"speed": n} with an integer, 1 to ${SPEED_MAX}`);
    wire.setSpeed(speed);
    return sendReply(reply, { status: 200, body: { id, nowMs: wire.nowMs(), speed } });
  });
  app.all('/*', async (request, reply) => {
    const host = hostOf(request);
    if (host === undefined)
      return refuse(reply, 400, `name the vendor in the header x-sandtable-host: ${hosts.join(', ')}`);
    if (cloud.serviceOf(host) === undefined)
      return refuse(reply, 501, `no fake stands for the host ${host}; there are ${hosts.join(', ')}`);
    return wire.serve(host, request, reply);
  });
  return app;
}

function vendorApp(service: Service, cloud: Cloud, wire: Wire): FastifyInstance {
  const app = createApp();
  const [first] = service.hosts;
  const implied = first.startsWith('.') ? `${DEFAULT_LABEL}${first}` : first;
  app.all('/*', async (request, reply) => {
    const host = hostOf(request) ?? implied;
    if (cloud.serviceOf(host) !== service)
      return refuse(
        reply,
        501,
        `this port is ${service.name}'s alone; its hosts are ${service.hosts.join(', ')}`,
      );
    return wire.serve(host, request, reply);
  });
  return app;
}

function createApp(): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: CONNECTION_MS_MAX,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 16_384 },
    frameworkErrors: (error, _request, reply) =>
      void refuse(reply as unknown as FastifyReply, error.statusCode ?? 400, error.message),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    refuse(reply, error.statusCode ?? 500, error.message),
  );
  app.setNotFoundHandler((request, reply) => refuse(reply, 501, `the fakes do not cover ${request.method}`));
  return app;
}

const HOST_IN_PATH = /^\/_host\/([^/?]+)(?=\/)/;

function hostOf(request: FastifyRequest): string | undefined {
  const [, inPath] = HOST_IN_PATH.exec(request.raw.url ?? '') ?? [];
  if (inPath !== undefined) return inPath.toLowerCase();
  const host = request.headers['x-sandtable-host'];
  return typeof host === 'string' && host !== '' ? host.toLowerCase() : undefined;
}

/** Undefined when it is no speed. */
function speedIn(body: unknown): number | undefined {
  try {
    const { speed } = JSON.parse(String(body));
    return Number.isInteger(speed) && speed >= 1 && speed <= SPEED_MAX ? speed : undefined;
  } catch {
    return undefined;
  }
}

function requestOf(host: string, request: FastifyRequest, key: CallKey): FakeRequest | undefined {
  const target = (request.raw.url ?? '/').replace(HOST_IN_PATH, '');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  if (!isPercentEncoded(path)) return undefined;
  return {
    method: request.method,
    host,
    path,
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    ),
    body: Buffer.isBuffer(request.body) ? request.body : undefined,
    key,
  };
}

function isPercentEncoded(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** As bytes, so that nothing between here and the socket reads or changes the body. */
function sendReply(reply: FastifyReply, answer: FakeReply): FastifyReply {
  const { status, headers = {}, body } = answer;
  reply
    .code(status)
    .headers({ ...(body !== undefined && { 'content-type': 'application/json' }), ...headers });
  return body === undefined ? reply.send() : reply.send(bytesOf(answer));
}

function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  return sendReply(reply, { status, body: { error } });
}

/** Ends the connection with a reset instead of an orderly end. */
function reset(reply: FastifyReply): undefined {
  reply.hijack();
  reply.raw.socket?.resetAndDestroy();
}

/**
 * To the client the call is lost: it cannot know whether it had its effect. Ours, who say so by their key, wait until their
 * deadlines, as in virtual time. Others may have none, and lose their connection.
 */
function lose(request: FastifyRequest, reply: FastifyReply): undefined {
  if (KEY_HEADER in request.headers) reply.hijack();
  else hangUp(reply);
}

function hangUp(reply: FastifyReply): undefined {
  reply.hijack();
  reply.raw.destroy();
}
