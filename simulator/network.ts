// The wire in virtual time: carries a call to the fake clouds and the answer back, two events a call. The effect is a
// pure event; only the answer wakes the caller. A caller that died hears nothing, but its call still lands.

import type { Cloud } from '../fakes/cloud.ts';
import { bytesOf, type FakeRequest } from '../fakes/service.ts';
import type { Call, Outcome, Transport } from '../src/ports.ts';
import type { Handler, Kernel } from './kernel.ts';
import { type Generation, reach } from './machine.ts';
import type { Trace } from './trace.ts';

type Flight = {
  readonly call: Call;
  readonly request: FakeRequest;
  readonly generation: Generation;
  readonly resolve: (outcome: Outcome) => void;
  outcome: Outcome;
};

/** What is sent after its deadline could land after whoever sent it has reckoned with that. */
const TOO_LATE: Outcome = { kind: 'refused', reason: 'the deadline had passed before it was sent' };
const NOBODY: Generation = { alive: false };
const TIMED_OUT: Outcome = { kind: 'unknown', reason: 'no answer before the deadline' };

export class Network {
  private readonly kernel: Kernel;
  private readonly cloud: Cloud;
  private readonly trace: Trace;
  private readonly flights: (Flight | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly arrival: Handler;
  private readonly answer: Handler;

  constructor(kernel: Kernel, cloud: Cloud, trace: Trace) {
    this.kernel = kernel;
    this.cloud = cloud;
    this.trace = trace;
    this.arrival = kernel.pure(slot => this.arrive(slot));
    this.answer = kernel.entering(slot => this.land(slot));
    kernel.nameParked(() => this.waiting());
  }

  transport(generation: Generation): Transport {
    return { send: call => this.send(call, generation) };
  }

  private send(call: Call, generation: Generation): Promise<Outcome> {
    return new Promise(resolve => {
      const { kernel } = this;
      if (call.deadlineAtMs < kernel.nowMs)
        return kernel.resumeAt(kernel.nowMs, () => reach(generation, () => resolve(TOO_LATE)));
      const request = requestOf(call);
      const flight = { call, request, generation, resolve, outcome: TIMED_OUT };
      const arrivalAtMs = kernel.nowMs + this.cloud.arrivalMs(request, kernel.nowMs);
      if (arrivalAtMs <= call.deadlineAtMs) {
        kernel.schedule(arrivalAtMs, this.arrival, this.take(flight));
      } else {
        // The caller gives up first; the call still lands, and nobody hears of it.
        kernel.schedule(call.deadlineAtMs, this.answer, this.take(flight));
        kernel.schedule(arrivalAtMs, this.arrival, this.take({ ...flight, generation: NOBODY }));
      }
    });
  }

  /** Of callers that live: nobody else waits. */
  private *waiting(): Generator<string> {
    for (const flight of this.flights)
      if (flight?.generation.alive)
        yield `${flight.call.method} ${flight.call.url} (key ${flight.call.key.join('.')})`;
  }

  private take(flight: Flight): number {
    const slot = this.free.pop() ?? this.flights.length;
    this.flights[slot] = flight;
    return slot;
  }

  /** The call is at the vendor's: it has its effect now, whatever becomes of the answer. */
  private arrive(slot: number): void {
    const flight = this.flights[slot]!;
    const { nowMs } = this.kernel;
    const { call, request } = flight;
    const answer = this.cloud.arrive(request, nowMs);
    this.trace.fold(nowMs, answer?.reply.status ?? 0, call.key);
    const answerAtMs =
      answer === undefined || answer.lost ? Number.POSITIVE_INFINITY : nowMs + answer.delayMs;
    if (answer !== undefined && answerAtMs <= call.deadlineAtMs) {
      const { status, headers } = answer.reply;
      flight.outcome = { kind: 'answered', status, headers: headers ?? {}, body: bytesOf(answer.reply) };
    }
    this.kernel.schedule(Math.min(answerAtMs, call.deadlineAtMs), this.answer, slot);
  }

  private land(slot: number): void {
    const { generation, resolve, outcome } = this.flights[slot]!;
    this.flights[slot] = undefined;
    this.free.push(slot);
    reach(generation, () => resolve(outcome));
  }
}

/** What needs no parser: a plain host and a path of unreserved characters. */
const PLAIN_URL = /^https:\/\/([a-z0-9.-]+)((?:\/[\w.~-]+)+)$/;
const NO_QUERY = new URLSearchParams();

function requestOf({ method, url, headers, body, key }: Call): FakeRequest {
  const plain = PLAIN_URL.exec(url);
  if (plain !== null) return { method, host: plain[1], path: plain[2], query: NO_QUERY, headers, body, key };
  const { host, pathname, searchParams } = new URL(url);
  return { method, host, path: pathname, query: searchParams, headers, body, key };
}
