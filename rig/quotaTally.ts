// What the companies' quotas had room for, by the scenario and not by what the gateway believes, and how much of it was
// served. Each gateway process of the rig holds one in front of the gateway's code.

import { companiesOf } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { GatewayRequest } from '../src/gateway/request.ts';

/** Of one company in one minute of the clock. */
type Minute = { readonly room: number; asked: number; served: number };

const MINUTE_MS = 60_000;
const ERROR_FROM = 400;
const HEALTH = '/health';

export class QuotaTally {
  private readonly minutes = new Map<string, Minute>();
  private readonly rooms: ReadonlyMap<string, number>;
  private readonly domain: string;
  private readonly nowMs: () => number;
  /** Health checks are free of quota. */
  private free = 0;
  private freeServed = 0;

  constructor(scenario: Scenario, nowMs: () => number) {
    const { levels } = scenario.platform.security;
    this.domain = scenario.platform.domain;
    this.rooms = new Map(companiesOf(scenario).map(({ id, level }) => [id, levels[level].requestsPerMinute]));
    this.nowMs = nowMs;
  }

  /** What `answered` gets with the answer; undefined for a request without quota. */
  arrived({ host, path }: GatewayRequest): Minute | undefined {
    const company = host.slice(0, -1 - this.domain.length);
    const room = path === HEALTH ? undefined : this.rooms.get(company);
    if (room === undefined) {
      this.free++;
      return undefined;
    }
    const key = `${company} ${Math.floor(this.nowMs() / MINUTE_MS)}`;
    let minute = this.minutes.get(key);
    if (minute === undefined) this.minutes.set(key, (minute = { room, asked: 0, served: 0 }));
    minute.asked++;
    return minute;
  }

  answered(minute: Minute | undefined, status: number): void {
    if (status >= ERROR_FROM) return;
    if (minute === undefined) this.freeServed++;
    else minute.served++;
  }

  /** What a company was served beyond its quota is nobody's merit. */
  figures(): { withinQuota: number; servedWithinQuota: number } {
    let withinQuota = this.free;
    let servedWithinQuota = this.freeServed;
    for (const { room, asked, served } of this.minutes.values()) {
      withinQuota += Math.min(room, asked);
      servedWithinQuota += Math.min(room, served);
    }
    return { withinQuota, servedWithinQuota };
  }
}
