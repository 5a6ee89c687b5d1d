// The gateway's core: answers one request of a user for a company, the same in virtual time and behind HTTP.
//
//   route ─► credential ─► verification ─► cache: quota, session, config ─► (record) ─► breaker ─► service ─► audit
//
// Each arrow may end in a refusal of the catalogue (envelope.ts). `handle` never rejects, and awaits each port call
// once, without an async layer between: what a request costs in virtual time is its waits.

import type {
  AuditTrail,
  Clock,
  CompanyConfig,
  CompanyRecords,
  GatewayCache,
  Log,
  Outcome,
  Transport,
  Verifier,
} from '../ports.ts';
import { AuditBuffer, type AuditCounts } from './audit.ts';
import { Breakers } from './breaker.ts';
import { type Credential, CredentialReader, faultIn } from './credential.ts';
import { type FaultCode, faultReply, jsonBytes, jsonHeaders } from './envelope.ts';
import type { GatewayOptions } from './options.ts';
import { Pool, type WaitFigures } from './pool.ts';
import type { GatewayReply, GatewayRequest } from './request.ts';
import { routeOf } from './route.ts';
import { serviceCall, serviceReply } from './serviceCall.ts';
import { admitRequest, CALL, isSession, keyOf, readWish, type Visit, visitOf } from './visit.ts';

/**
 * Each call must settle, by limits of the adapter's own; a request that was answered late by one ends there as a
 * time-out. What a port rejects with ends the request as INTERNAL.
 */
export type GatewayPorts = {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly cache: GatewayCache;
  readonly records: CompanyRecords;
  readonly verifier: Verifier;
  readonly audit: AuditTrail;
  readonly log: Log;
};

export type GatewayCounts = {
  /** Requests taken up; less `answered`, those under way. */
  readonly handled: number;
  readonly answered: number;
  /** Calls to companies' services. */
  readonly forwarded: number;
  /** Requests with an audit record: all whose signature was good. */
  readonly audited: number;
  /** What became of the records. */
  readonly auditTrail: AuditCounts;
};

export type Gateway = {
  handle(request: GatewayRequest): Promise<GatewayReply>;
  counts(): GatewayCounts;
  /** Of each verification pool. */
  waits(): readonly WaitFigures[];
  /** For a shutdown, after the last reply: tries to append the audit records that are still held. */
  flush(): Promise<void>;
};

/** A transport's timer may fire so much early against the clock; such an end is a time-out all the same. */
const TIMER_SLACK_MS = 2;
/** At the edge and at the user: the plan's hour for a company's config. */
const CONFIG_CACHE_CONTROL = 'public, max-age=3600';
const HEALTHY = jsonBytes({ status: 'ok' });

type Level = { readonly requestsPerMinute: number; readonly pool: Pool };
type Caller = { readonly credential: Credential; readonly level: Level };

/**
 * State of one gateway process: two of them share nothing but what is behind their ports. `credentials` may be shared:
 * what a token says is the same everywhere.
 */
export function createGateway(
  ports: GatewayPorts,
  options: GatewayOptions,
  credentials = new CredentialReader(),
): Gateway {
  return new Core(ports, options, credentials);
}

class Core implements Gateway {
  private readonly ports: GatewayPorts;
  private readonly options: GatewayOptions;
  private readonly hostSuffixes: readonly string[];
  private readonly pools: ReadonlyMap<string, Pool>;
  private readonly levels: ReadonlyMap<string, Level>;
  private readonly credentials: CredentialReader;
  private readonly breakers: Breakers;
  private readonly trail: AuditBuffer;
  private handled = 0;
  private answered = 0;
  private forwarded = 0;

  constructor(ports: GatewayPorts, options: GatewayOptions, credentials: CredentialReader) {
    this.credentials = credentials;
    const { clock, audit, log } = ports;
    this.ports = ports;
    this.options = options;
    this.hostSuffixes = options.domains.map(domain => `.${domain}`);
    const pools = Object.entries(options.verificationPools);
    this.pools = new Map(pools.map(([name, limits]) => [name, new Pool(name, limits, clock)]));
    this.levels = levelsOf(options, this.pools);
    this.breakers = new Breakers(options.circuitBreaker);
    this.trail = new AuditBuffer(clock, audit, log);
  }

  async handle(request: GatewayRequest): Promise<GatewayReply> {
    const { clock, cache, records, verifier, transport } = this.ports;
    const visit = this.arrive(request);
    try {
      const route = routeOf(request, this.hostSuffixes);
      if (typeof route === 'string') return this.refuse(visit, route);
      if (route.target === 'health') return this.answerHealth(visit);
      const caller = this.callerOf(visit, route.company);
      if (typeof caller === 'string') return this.refuse(visit, caller);
      const { credential, level } = caller;
      const { company } = credential;

      visit.step = 'verification';
      if (!level.pool.enter()) {
        const turn = level.pool.queue(visit.deadlineAtMs);
        if (turn === undefined) return this.refuse(visit, 'VERIFICATION_BUSY');
        if (!(await turn)) return this.refuse(visit, 'TIMEOUT');
      }
      let isSigned: boolean;
      try {
        isSigned = await verifier.isSigned(credential.token, credential.keyId, keyOf(request, CALL.verify));
      } finally {
        level.pool.leave();
      }
      if (isSigned !== true) return this.refuse(visit, 'CREDENTIAL_INVALID');
      visit.company = company;
      const mistake = readWish(visit, route.target);
      if (mistake !== undefined) return this.refuse(visit, mistake);
      if (this.isLate(visit)) return this.refuse(visit, 'TIMEOUT');

      visit.step = 'cache';
      const admission = await cache.admit(admitRequest(visit, level.requestsPerMinute));
      if (admission.retryAfterMs !== undefined)
        return this.refuse(visit, 'QUOTA_EXCEEDED', admission.retryAfterMs);
      visit.isSessionKnown = admission.sessionCompany !== undefined;
      if (visit.isSessionKnown && admission.sessionCompany !== company)
        return this.refuse(visit, 'SESSION_UNKNOWN');

      let { config } = admission;
      if (config === undefined) {
        visit.step = 'record';
        config = await records.find(company, keyOf(request, CALL.recordRead));
        if (config === undefined) return this.refuse(visit, 'COMPANY_UNKNOWN');
        if (config.id === company) {
          // Nothing of it is kept, so that it is served again as soon as it is resumed.
          if (config.isSuspended) return this.refuse(visit, 'COMPANY_SUSPENDED');
          this.keepConfig(visit, config);
        }
      }
      if (config.id !== company) return this.breach(visit);
      if (this.isLate(visit)) return this.refuse(visit, 'TIMEOUT');
      if (route.target === 'config') return this.answerConfig(visit, config);

      visit.step = 'service';
      const passage = this.breakers.ask(company, clock.nowMs());
      if (passage.kind === 'refused') return this.refuse(visit, 'CIRCUIT_OPEN', passage.retryAfterMs);
      visit.passage = passage;
      this.forwarded++;
      return this.conclude(
        visit,
        await transport.send(serviceCall(config, visit, keyOf(request, CALL.service))),
      );
    } catch (error) {
      return this.fail(visit, error);
    }
  }

  counts(): GatewayCounts {
    const { handled, answered, forwarded } = this;
    const auditTrail = this.trail.counts();
    return { handled, answered, forwarded, audited: auditTrail.taken, auditTrail };
  }

  waits(): readonly WaitFigures[] {
    return [...this.pools.values()].map(pool => pool.figures());
  }

  flush(): Promise<void> {
    return this.trail.flush();
  }

  private arrive(request: GatewayRequest): Visit {
    this.handled++;
    return visitOf(request, this.ports.clock.nowMs(), this.options.requestTimeoutMs);
  }

  /** Who says to ask, all but the signature checked. */
  private callerOf(visit: Visit, asked: string): Caller | FaultCode {
    visit.asked = asked;
    const credential = this.credentials.read(visit.request.headers.authorization);
    if (typeof credential === 'string') return credential;
    const fault = faultIn(credential, asked, visit.arrivedAtMs, this.options);
    if (fault !== undefined) return fault;
    const level = this.levels.get(credential.level);
    return level === undefined ? 'CREDENTIAL_INVALID' : { credential, level };
  }

  private isLate({ deadlineAtMs }: Visit): boolean {
    return this.ports.clock.nowMs() >= deadlineAtMs;
  }

  private answerHealth(visit: Visit): GatewayReply {
    visit.kind = 'health';
    return this.finish(visit, { status: 200, headers: jsonHeaders(visit.requestId), body: HEALTHY });
  }

  /** What a company's page may know of it; where its service is, is none of that. */
  private answerConfig(visit: Visit, { id, level }: CompanyConfig): GatewayReply {
    const headers = jsonHeaders(visit.requestId, CONFIG_CACHE_CONTROL);
    return this.finish(visit, { status: 200, headers, body: jsonBytes({ id, level }) });
  }

  /** The service's answer, from which the cache learns whose a session is, or why there is none. */
  private conclude(visit: Visit, outcome: Outcome): GatewayReply {
    this.reportService(visit, outcome.kind === 'answered' && outcome.status < 500);
    if (outcome.kind !== 'answered') {
      const isTimeout = this.ports.clock.nowMs() >= visit.deadlineAtMs - TIMER_SLACK_MS;
      return this.refuse(visit, isTimeout ? 'TIMEOUT' : 'SERVICE_UNREACHABLE');
    }
    if (!visit.isSessionKnown && outcome.status >= 200 && outcome.status < 300) {
      const session = visit.kind === 'initialize' ? outcome.headers['mcp-session-id'] : visit.session;
      if (session !== undefined && isSession(session)) this.keepSession(visit, session);
    }
    return this.finish(visit, serviceReply(outcome, visit.requestId));
  }

  private reportService(visit: Visit, hasSucceeded: boolean): void {
    const { company, passage } = visit;
    visit.passage = undefined;
    const state = this.breakers.report(company, passage!, hasSucceeded, this.ports.clock.nowMs());
    if (state !== undefined) this.ports.log({ event: `circuit ${state}`, company });
  }

  private keepConfig({ request }: Visit, config: CompanyConfig): void {
    const key = keyOf(request, CALL.putConfig);
    this.ports.cache.putConfig(config, this.options.configTtlMs, key).catch(this.notePutFailed);
  }

  private keepSession({ request, company }: Visit, session: string): void {
    const key = keyOf(request, CALL.putSession);
    this.ports.cache.putSession(session, company, this.options.sessionTtlMs, key).catch(this.notePutFailed);
  }

  /** No reason to fail a request: the next one finds the cache as this one did. */
  private readonly notePutFailed = (error: unknown): void => {
    this.ports.log({ event: 'cache write failed', error: nameOf(error) });
  };

  /** A store answers with another company's data: none of it may go anywhere. */
  private breach(visit: Visit): GatewayReply {
    const { company, requestId, step } = visit;
    this.ports.log({ event: 'isolation breach', company, requestId, step });
    return this.refuse(visit, 'INTERNAL');
  }

  private fail(visit: Visit, error: unknown): GatewayReply {
    const { asked, requestId, step } = visit;
    // An open end would keep a trial from ever ending.
    if (visit.passage !== undefined) this.reportService(visit, false);
    this.ports.log({ event: 'request failed', company: asked, requestId, step, error: nameOf(error) });
    return this.finish(visit, faultReply('INTERNAL', requestId, undefined));
  }

  private refuse(visit: Visit, code: FaultCode, retryAfterMs?: number): GatewayReply {
    const { asked, requestId } = visit;
    // Strangers must not be able to write into a company's audit trail: what is not verified is only logged.
    if (visit.company === '') this.ports.log({ event: 'refused', company: asked, requestId, code });
    return this.finish(visit, faultReply(code, requestId, retryAfterMs));
  }

  /** Where every request ends, once. */
  private finish(visit: Visit, reply: GatewayReply): GatewayReply {
    this.answered++;
    const { company, requestId, kind, arrivedAtMs } = visit;
    if (company === '') return reply;
    const atMs = this.ports.clock.nowMs();
    this.trail.add({ atMs, company, requestId, kind, status: reply.status, durationMs: atMs - arrivedAtMs });
    return reply;
  }
}

function levelsOf(options: GatewayOptions, pools: ReadonlyMap<string, Pool>): Map<string, Level> {
  const levels = new Map<string, Level>();
  for (const [name, { requestsPerMinute, verificationPool }] of Object.entries(options.levels)) {
    const pool = pools.get(verificationPool);
    if (pool === undefined) throw new Error(`level ${name} names a verification pool that there is not`);
    levels.set(name, { requestsPerMinute, pool });
  }
  return levels;
}

const ERROR_CODE = /^[A-Z][A-Z0-9_]*$/;

/** Code or name alone: a port's message may quote what it was given, and so a token. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' && ERROR_CODE.test(error.code)
    ? error.code
    : error.name;
}
