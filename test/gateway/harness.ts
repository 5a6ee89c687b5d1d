// A gateway for tests: ports in memory whose every call is kept, tokens that are really signed, and a clock that moves
// when a test says so. `worldOf` takes the port or the option that a test is about; the others behave.

import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { RedisFake } from '../../fakes/redis.ts';
import { createGateway, type Gateway, type GatewayPorts } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import type { GatewayReply, GatewayRequest } from '../../src/gateway/request.ts';
import type { Answer, AuditRecord, Call, Clock, CompanyConfig, LogLine, Outcome } from '../../src/ports.ts';

/** The beginning of a whole minute, by which quotas count. */
export const START_MS = 1_767_225_600_000;
export const DOMAIN = 'mcp.example.com';
export const KEY_ID = 'key-1';
export const OURS = 'c00001';
export const THEIRS = 'c00002';
export const OUR_SESSION = `s-${OURS}-5`;
export const THEIR_SESSION = `s-${THEIRS}-5`;

export const OPTIONS: GatewayOptions = {
  domains: [DOMAIN],
  levels: {
    SANDBOX: { requestsPerMinute: 100, verificationPool: 'small' },
    OPAL: { requestsPerMinute: 1000, verificationPool: 'large' },
  },
  verificationPools: { small: { size: 2, queueMax: 3 }, large: { size: 500, queueMax: 1000 } },
  circuitBreaker: { failureThreshold: 5, resetTimeoutMs: 30_000, monitoringWindowMs: 60_000 },
  requestTimeoutMs: 30_000,
  sessionTtlMs: 1_800_000,
  configTtlMs: 3_600_000,
  keyIds: [KEY_ID],
  revokedTokens: new Set(['taken-back']),
};

export const configOf = (id: string): CompanyConfig => ({
  id,
  level: 'OPAL',
  serviceUri: `https://${id}.a.run.app`,
});

/** Stands still until a test lets time pass. */
export class ManualClock implements Clock {
  private atMs = START_MS;
  private readonly timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  nowMs(): number {
    return this.atMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.after(ms, resolve));
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.atMs + Math.max(0, ms), run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  get timersLeft(): number {
    return this.timers.size;
  }

  /** Runs what falls due on the way, in order, with all that follows from it at that very moment. */
  async pass(ms: number): Promise<void> {
    const endMs = this.atMs + ms;
    await settled();
    for (let next = this.nextBy(endMs); next !== undefined; next = this.nextBy(endMs)) {
      this.atMs = next.atMs;
      this.timers.delete(next);
      next.run();
      await settled();
    }
    this.atMs = endMs;
  }

  private nextBy(endMs: number) {
    const due = [...this.timers].filter(({ atMs }) => atMs <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** After all that can go on without time passing: a turn of the event loop comes after every promise that is ready. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const HEADER = { alg: 'EdDSA', kid: KEY_ID };
export const claimsOf = (company: string) => ({
  iss: 'sallyport',
  sub: company,
  level: 'OPAL',
  exp: START_MS / 1000 + 86_400,
  jti: `token-of-${company}`,
});

/** `Bearer <token>` with our key's signature over whatever it says. */
export function signed(claims: object, header: object = HEADER): string {
  const text = `${base64url(header)}.${base64url(claims)}`;
  return `Bearer ${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
}

export function isSigned(token: string): boolean {
  const [header, claims, signature] = token.split('.');
  return verify(null, Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
}

export const OUR_TOKEN = signed(claimsOf(OURS));
export const THEIR_TOKEN = signed(claimsOf(THEIRS));

const encoder = new TextEncoder();
export const jsonOf = ({ body }: { readonly body: Uint8Array }) => JSON.parse(new TextDecoder().decode(body));
export const rpc = (method: string): Uint8Array =>
  encoder.encode(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { note: 'from-the-user' } }));

export const answered = (status: number, headers: Record<string, string> = {}, text = '{}'): Answer => ({
  kind: 'answered',
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: encoder.encode(text),
});

export type World = {
  readonly clock: ManualClock;
  readonly redis: RedisFake;
  readonly gateway: Gateway;
  /** What the gateway asked of its ports, in order. */
  readonly steps: string[];
  readonly calls: Call[];
  readonly appends: AuditRecord[][];
  readonly logs: LogLine[];
  /** How the companies' services answer from now on. */
  answer: (call: Call) => Promise<Outcome> | Outcome;
  /** Asks for `POST /mcp` of our company with our token, unless told otherwise. */
  ask(more?: Partial<GatewayRequest> & { readonly headers?: Record<string, string> }): Promise<GatewayReply>;
  /** The audit records, those still held included. */
  audited(): Promise<readonly AuditRecord[]>;
};

export function worldOf(
  portsOf: Partial<GatewayPorts> | ((clock: ManualClock) => Partial<GatewayPorts>) = {},
  options: Partial<GatewayOptions> = {},
): World {
  const clock = new ManualClock();
  const redis = new RedisFake();
  const records = new Map([OURS, THEIRS].map(id => [id, configOf(id)]));
  const steps: string[] = [];
  const kept = { calls: [] as Call[], appends: [] as AuditRecord[][] };
  const logs: LogLine[] = [];
  const ports: GatewayPorts = {
    clock,
    log: line => logs.push(line),
    verifier: { isSigned: async token => isSigned(token) },
    cache: {
      admit: async request => redis.admit(request, clock.nowMs()),
      putConfig: async (config, ttlMs) => redis.putConfig(config, ttlMs, clock.nowMs()),
      putSession: async (session, company, ttlMs) => redis.putSession(session, company, ttlMs, clock.nowMs()),
    },
    records: { find: async company => records.get(company) },
    transport: { send: async call => world.answer(call) },
    audit: { append: async () => {} },
    ...(typeof portsOf === 'function' ? portsOf(clock) : portsOf),
  };
  const { verifier, cache, transport, audit } = ports;
  const step = (name: string) => void steps.push(name);
  const watched: GatewayPorts = {
    ...ports,
    verifier: {
      isSigned: (...args) => {
        step('verify');
        return verifier.isSigned(...args);
      },
    },
    cache: {
      admit: request => {
        step('cache');
        return cache.admit(request);
      },
      putConfig: (...args) => {
        step('put config');
        return cache.putConfig(...args);
      },
      putSession: (...args) => {
        step('put session');
        return cache.putSession(...args);
      },
    },
    records: {
      find: (...args) => {
        step('record');
        return ports.records.find(...args);
      },
    },
    transport: {
      send: call => {
        step('service');
        kept.calls.push(call);
        return transport.send(call);
      },
    },
    audit: {
      append: records => {
        kept.appends.push([...records]);
        return audit.append(records);
      },
    },
  };
  const gateway = createGateway(watched, { ...OPTIONS, ...options });
  let requests = 0;
  const world: World = {
    clock,
    redis,
    gateway,
    steps,
    ...kept,
    logs,
    answer: () => answered(200, {}, '{"jsonrpc":"2.0","id":1,"result":{}}'),
    ask: ({ headers, ...more } = {}) =>
      gateway.handle({
        method: 'POST',
        host: `${OURS}.${DOMAIN}`,
        path: '/mcp',
        body: more.method === 'GET' ? undefined : rpc('initialize'),
        key: [1, -2, 0, 0, requests++],
        ...more,
        headers: { authorization: OUR_TOKEN, ...headers },
      }),
    audited: async () => {
      await gateway.flush();
      return kept.appends.flat();
    },
  };
  return world;
}

/** What a refusal says. */
export const codeOf = (reply: GatewayReply): string => jsonOf(reply).error?.code;
/** A promise that a test settles when it likes. */
export function held<T>() {
  let release: (value: T) => void = () => {};
  const promise = new Promise<T>(resolve => {
    release = resolve;
  });
  return { promise, release };
}
