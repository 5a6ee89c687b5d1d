// A region's cache, as Redis keeps it: a count of requests by company and whole minute of the clock, sessions and configs
// with their times to live. It is plain state and answers at once; whoever calls it waits out the trip (`delays.ts`).

import type { Admission, AdmitRequest, CompanyConfig } from '../src/ports.ts';
import { BoundedMap } from './bounded.ts';

/**
 * What was there already when a run begins in the middle of time, and stays to its end; asked until the run writes the
 * key itself, so it must always answer alike.
 */
export type RedisInitial = {
  readonly config: (company: string) => boolean;
  readonly session: (company: string, agent: number) => boolean;
  /** Requests of the company counted in that minute since the epoch. */
  readonly count: (company: string, minute: number) => number;
};

export type RedisOptions = {
  readonly initial?: RedisInitial;
  /** What a config that was there already says. */
  readonly configOf?: (company: string) => CompanyConfig | undefined;
  /** Counts, sessions and configs, each; the oldest go first. */
  readonly entriesMax?: number;
};

export type RedisCalls = { admit: number; putConfig: number; putSession: number };

type Count = { minute: number; requests: number };
type Entry<Value> = { readonly value: Value; readonly expiresAtMs: number };

const MINUTE_MS = 60_000;
/** About as many as the agents of a region that are at work at once; some 200 MB. */
const ENTRIES_MAX = 1_000_000;

export class RedisFake {
  readonly calls: RedisCalls = { admit: 0, putConfig: 0, putSession: 0 };
  private readonly options: RedisOptions;
  private readonly counts: BoundedMap<Count>;
  private readonly configs: BoundedMap<Entry<CompanyConfig>>;
  private readonly sessions: BoundedMap<Entry<string>>;

  constructor(options: RedisOptions = {}) {
    const { entriesMax = ENTRIES_MAX } = options;
    this.options = options;
    this.counts = new BoundedMap(entriesMax);
    this.configs = new BoundedMap(entriesMax);
    this.sessions = new BoundedMap(entriesMax);
  }

  /** One pipelined trip: counts the request, whether or not it is within the quota, and reads. */
  admit({ company, requestsPerMinute, session }: AdmitRequest, nowMs: number): Admission {
    this.calls.admit++;
    const minute = Math.floor(nowMs / MINUTE_MS);
    const isWithin = this.countUp(company, minute) <= requestsPerMinute;
    return {
      retryAfterMs: isWithin ? undefined : (minute + 1) * MINUTE_MS - nowMs,
      sessionCompany: session === undefined ? undefined : this.session(session, company, nowMs),
      config: this.config(company, nowMs),
    };
  }

  putConfig(config: CompanyConfig, ttlMs: number, nowMs: number): void {
    this.calls.putConfig++;
    this.configs.set(config.id, { value: config, expiresAtMs: nowMs + ttlMs });
  }

  putSession(session: string, company: string, ttlMs: number, nowMs: number): void {
    this.calls.putSession++;
    this.sessions.set(session, { value: company, expiresAtMs: nowMs + ttlMs });
  }

  private countUp(company: string, minute: number): number {
    const count = this.counts.get(company);
    if (count?.minute === minute) return ++count.requests;
    const requests = (this.options.initial?.count(company, minute) ?? 0) + 1;
    this.counts.set(company, { minute, requests });
    return requests;
  }

  /** `asking`: the company that it most likely is of. */
  private session(session: string, asking: string, nowMs: number): string | undefined {
    const entry = this.sessions.get(session);
    if (entry !== undefined) return nowMs < entry.expiresAtMs ? entry.value : undefined;
    const { initial } = this.options;
    if (initial === undefined) return undefined;
    const owner = ownerOf(session, asking);
    return owner !== undefined && initial.session(owner.company, owner.agent) ? owner.company : undefined;
  }

  private config(company: string, nowMs: number): CompanyConfig | undefined {
    const entry = this.configs.get(company);
    if (entry !== undefined) return nowMs < entry.expiresAtMs ? entry.value : undefined;
    const { initial, configOf } = this.options;
    const value = initial?.config(company) ? configOf?.(company) : undefined;
    // There are not many companies, and one that is asked for is asked for again.
    if (value !== undefined) this.configs.set(company, { value, expiresAtMs: Number.POSITIVE_INFINITY });
    return value;
  }
}

/** What the name `s-<company>-<agent>` says; undefined of any other. */
function ownerOf(session: string, asking: string): { company: string; agent: number } | undefined {
  const dash = session.lastIndexOf('-');
  const agent = Number(session.slice(dash + 1));
  if (dash < 3 || !session.startsWith('s-') || !Number.isInteger(agent)) return undefined;
  const isAsking = dash === asking.length + 2 && session.startsWith(asking, 2);
  return { company: isAsking ? asking : session.slice(2, dash), agent };
}
