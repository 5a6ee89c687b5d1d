// The ports of the gateway's code in virtual time: each wait is one event, its length drawn as the rig draws it.

import type { CompanyRecordsFake } from '../fakes/companyRecords.ts';
import type { Delays } from '../fakes/delays.ts';
import type { RedisFake } from '../fakes/redis.ts';
import type { GatewayPorts } from '../src/gateway/gateway.ts';
import type { AuditRecord, Transport } from '../src/ports.ts';
import { virtualClock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import type { Kernel } from './kernel.ts';

/** What the processes of one region share. */
export type RegionWorld = {
  readonly kernel: Kernel;
  readonly delays: Delays;
  readonly redis: RedisFake;
  readonly records: CompanyRecordsFake;
  readonly credentials: Credentials;
  readonly transport: Transport;
  /** Counts what the ports were asked for. */
  readonly uses: PortUses;
};

export type PortUses = {
  /** Waits of the gateway's code for an answer. */
  waits: number;
  cacheTrips: number;
  recordReads: number;
  audited: number;
};

const LIVING = { alive: true };

export function virtualGatewayPorts({
  kernel,
  delays,
  redis,
  records,
  credentials,
  transport,
  uses,
}: RegionWorld): GatewayPorts {
  /** The effect comes with the answer, as in the rig. */
  const after = <T>(ms: number, effect: () => T): Promise<T> =>
    new Promise(resolve => kernel.resumeAt(kernel.nowMs + ms, () => resolve(effect())));
  return {
    clock: virtualClock(kernel, LIVING),
    transport: {
      send: call => {
        uses.waits++;
        return transport.send(call);
      },
    },
    cache: {
      admit: request => {
        uses.waits++;
        uses.cacheTrips++;
        return after(delays.cacheTripMs(request.key), () => redis.admit(request, kernel.nowMs));
      },
      putConfig: (config, ttlMs, key) => {
        uses.cacheTrips++;
        return after(delays.cacheTripMs(key), () => redis.putConfig(config, ttlMs, kernel.nowMs));
      },
      putSession: (session, company, ttlMs, key) => {
        uses.cacheTrips++;
        return after(delays.cacheTripMs(key), () => redis.putSession(session, company, ttlMs, kernel.nowMs));
      },
    },
    records: {
      find: (company, key) => {
        uses.waits++;
        uses.recordReads++;
        return after(delays.recordReadMs(key), () => records.find(company));
      },
    },
    verifier: {
      isSigned: (token, _keyId, key) => {
        uses.waits++;
        return after(delays.verifyMs(key), () => credentials.isSigned(token));
      },
    },
    audit: {
      append: async (batch: readonly AuditRecord[]) => {
        uses.audited += batch.length;
      },
    },
    log: () => {},
  };
}
