// The ports of the gateway's code in the rig: real HTTP to the companies' services, real signatures and a real file, and
// the fakes' cache and records with the delays that the simulator draws. A port's effect comes with its answer.

import { setTimeout as delay } from 'node:timers/promises';
import type { CompanyRecordsFake } from '../fakes/companyRecords.ts';
import type { Delays } from '../fakes/delays.ts';
import type { RedisFake } from '../fakes/redis.ts';
import type { GatewayPorts } from '../src/gateway/gateway.ts';
import type { AuditTrail, CallKey, Clock, Transport, Verifier } from '../src/ports.ts';
import { createTimeline, type Timeline } from '../src/runtime/timeline.ts';

export type PortParts = {
  readonly clock: Clock;
  readonly delays: Delays;
  readonly redis: RedisFake;
  readonly records: CompanyRecordsFake;
  readonly verifier: Verifier;
  readonly transport: Transport;
  readonly audit: AuditTrail;
};

export type RigPorts = {
  readonly gateway: GatewayPorts;
  readonly uses: { waits: number; cacheTrips: number; recordReads: number };
  /** The waits of the request of this key, which share one timeline until `end` is called with it. */
  timelineOf(key: CallKey): Timeline;
  end(key: CallKey): void;
  /** Resolves when no write to the cache is under way. */
  settled(): Promise<void>;
};

const nothing = () => 0;
export const NO_DELAYS: Delays = {
  cacheTripMs: nothing,
  recordReadMs: nothing,
  verifyMs: nothing,
  toGatewayMs: nothing,
  toUserMs: nothing,
  edgeMs: nothing,
};

/** A request's own key; a port's call has one place more. */
const KEY_LENGTH = 5;

export function createGatewayPorts(parts: PortParts): RigPorts {
  const { clock, delays, redis, records, verifier, transport, audit } = parts;
  const uses = { waits: 0, cacheTrips: 0, recordReads: 0 };
  const timelines = new Map<string, Timeline>();
  const writes = new Set<Promise<void>>();
  const newTimeline = () => createTimeline(ms => delay(ms));
  const nameOf = (key: CallKey) => key.slice(0, KEY_LENGTH).join();
  const timelineOf = (key: CallKey): Timeline => {
    const name = nameOf(key);
    let timeline = timelines.get(name);
    if (timeline === undefined) timelines.set(name, (timeline = newTimeline()));
    return timeline;
  };
  /** Nobody waits for it, so it is on a timeline of its own. */
  const write = (key: CallKey, effect: () => void): Promise<void> => {
    uses.cacheTrips++;
    const written = newTimeline().wait(delays.cacheTripMs(key)).then(effect);
    writes.add(written);
    return written.finally(() => writes.delete(written));
  };
  const gateway: GatewayPorts = {
    clock,
    audit,
    log: () => {},
    transport: {
      send: call => {
        uses.waits++;
        return transport.send(call);
      },
    },
    cache: {
      admit: async request => {
        uses.waits++;
        uses.cacheTrips++;
        await timelineOf(request.key).wait(delays.cacheTripMs(request.key));
        return redis.admit(request, clock.nowMs());
      },
      putConfig: (config, ttlMs, key) => write(key, () => redis.putConfig(config, ttlMs, clock.nowMs())),
      putSession: (session, company, ttlMs, key) =>
        write(key, () => redis.putSession(session, company, ttlMs, clock.nowMs())),
    },
    records: {
      find: async (company, key) => {
        uses.waits++;
        uses.recordReads++;
        await timelineOf(key).wait(delays.recordReadMs(key));
        return records.find(company);
      },
    },
    verifier: {
      isSigned: async (token, keyId, key) => {
        uses.waits++;
        await timelineOf(key).wait(delays.verifyMs(key));
        return verifier.isSigned(token, keyId, key);
      },
    },
  };
  return {
    gateway,
    uses,
    timelineOf,
    end: key => void timelines.delete(nameOf(key)),
    settled: async () => void (await Promise.all(writes)),
  };
}
