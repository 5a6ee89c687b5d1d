// HTTP over undici. What it must get right is the difference between `refused` and `unknown`: a call whose first byte
// was never sent is certainly without effect; any other that was not answered in full may have had one.

import { Agent, type Dispatcher } from 'undici';
import { SandtableError } from '../errors.ts';
import type { Call, Outcome, Transport } from '../ports.ts';

/** For each host; more calls than that wait in a queue. */
const CONNECTIONS_MAX = 128;
/** Shorter than any server's, lest a call meets a connection that the other side is closing. */
const KEEP_ALIVE_MS = 4000;
const CONNECT_MS_MAX = 10_000;
/** No vendor's answer comes near it. */
const BODY_BYTES_MAX = 1024 * 1024;
/** A longer timer would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export type ClosableTransport = Transport & { close(): Promise<void> };

export type TransportOptions = {
  /**
   * Every call goes there, with its real host and its key in headers. Only to this machine: a mistyped address must
   * not receive the credentials.
   */
  readonly fakesUrl?: string;
  /** Real milliseconds until a moment of the callers' clock, where that is not the machine's. */
  readonly msUntil?: (atMs: number) => number;
  /** An answer with a larger body is unknown. */
  readonly bodyBytesMax?: number;
};

type Limits = { readonly msUntil: (atMs: number) => number; readonly bodyBytesMax: number };

/** Closing ends calls under way as `unknown`. */
export function createTransport(options: TransportOptions): ClosableTransport {
  const { fakesUrl, msUntil = atMs => atMs - Date.now(), bodyBytesMax = BODY_BYTES_MAX } = options;
  const fakes = fakesUrl === undefined ? undefined : loopbackOrigin(fakesUrl);
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_MS_MAX },
    // The call's own deadline ends it.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: async call => {
      // What is sent after its deadline could land after whoever sent it has reckoned with that.
      if (msUntil(call.deadlineAtMs) < 0)
        return { kind: 'refused', reason: 'the deadline had passed before it was sent' };
      return dispatch(agent, requestOf(call, fakes), call.deadlineAtMs, { msUntil, bodyBytesMax });
    },
    close: () => agent.destroy(),
  };
}

function requestOf(call: Call, fakes: string | undefined): Dispatcher.DispatchOptions {
  const { host, origin, pathname, search } = new URL(call.url);
  const extra =
    fakes === undefined ? {} : { 'x-sandtable-host': host, 'x-sandtable-key': call.key.join(',') };
  return {
    origin: fakes ?? origin,
    path: pathname + search,
    method: call.method,
    headers: { ...call.headers, ...extra },
    body: call.body ?? null,
  };
}

function dispatch(
  agent: Agent,
  request: Dispatcher.DispatchOptions,
  deadlineAtMs: number,
  { msUntil, bodyBytesMax }: Limits,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let settled = false;
    let status = 0;
    let headers: Record<string, string> = {};
    const chunks: Buffer[] = [];
    let bytes = 0;

    const settle = (outcome: Outcome) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      resolve(outcome);
    };
    /** `controller` is set right before the first byte: without it nothing was sent. */
    const fail = (reason: string) =>
      settle({ kind: controller === undefined ? 'refused' : 'unknown', reason });
    const giveUp = (reason: string) => {
      fail(reason);
      controller?.abort(new Error(reason));
    };
    const timer = setTimeout(
      () => giveUp('no answer by the deadline'),
      Math.min(Math.max(0, msUntil(deadlineAtMs)), TIMER_MS_MAX),
    );

    agent.dispatch(request, {
      onRequestStart: started => {
        // The deadline passed while the call waited for a connection. In a process that was held still meanwhile the
        // connection is ready before the timer has had its turn.
        if (settled || msUntil(deadlineAtMs) < 0)
          return started.abort(new Error('given up before it was sent'));
        controller = started;
      },
      onResponseStart: (_controller, statusCode, received) => {
        status = statusCode;
        headers = lowerCase(received);
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > bodyBytesMax) giveUp(`an answer of more than ${bodyBytesMax} bytes`);
      },
      onResponseEnd: () =>
        settle({ kind: 'answered', status, headers, body: new Uint8Array(Buffer.concat(chunks)) }),
      onResponseError: (_controller, error) => {
        // A malformed request is our own mistake and no outcome.
        if ('code' in error && error.code === 'UND_ERR_INVALID_ARG') {
          clearTimeout(timer);
          return reject(error);
        }
        fail(reasonOf(error));
      },
    });
  });
}

function lowerCase(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]));
}

/** The code where there is one: a message may quote an address or a header. */
function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function loopbackOrigin(fakesUrl: string): string {
  const url = URL.canParse(fakesUrl) ? new URL(fakesUrl) : undefined;
  if (
    url?.protocol !== 'http:' ||
    !LOOPBACK.includes(url.hostname) ||
    url.pathname !== '/' ||
    url.search !== ''
  )
    throw new SandtableError(
      'INPUT',
      `the address of the fakes must be like http://127.0.0.1:8700, not ${fakesUrl}`,
    );
  return url.origin;
}
