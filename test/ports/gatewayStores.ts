// The implementations of the gateway's cache and of its view of the companies' records, each in the time that it lives
// in: a case lets time pass by `pass`, whichever clock that is.

import { CompanyRecordsFake } from '../../fakes/companyRecords.ts';
import { createDelays } from '../../fakes/delays.ts';
import { RedisFake } from '../../fakes/redis.ts';
import { createGatewayPorts, NO_DELAYS } from '../../rig/gatewayPorts.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { virtualGatewayPorts } from '../../simulator/gatewayPorts.ts';
import type { CompanyConfig, CompanyRecords, GatewayCache } from '../../src/ports.ts';
import { cannedTransport } from '../fakes/harness.ts';
import { inVirtualTime, START_MS } from './virtualTime.ts';

export type GatewayStores = {
  readonly cache: GatewayCache;
  readonly records: CompanyRecords;
  readonly nowMs: () => number;
  readonly pass: (ms: number) => Promise<void>;
};
export type GatewayStoresCase = (stores: GatewayStores) => Promise<void>;

const configOf = (id: string): CompanyConfig => ({
  id,
  level: 'OPAL',
  serviceUri: `https://${id}.a.run.app`,
});

/** What the records know. */
export const CONFIGS: readonly CompanyConfig[] = [
  configOf('c00001'),
  { ...configOf('c00002'), isSuspended: true },
];

export const GATEWAY_STORES: readonly [name: string, run: (each: GatewayStoresCase) => Promise<void>][] = [
  [
    'virtual time',
    each =>
      inVirtualTime(({ kernel, clock }) => {
        const { cache, records } = virtualGatewayPorts({
          kernel,
          delays: createDelays(new FactValues('mid', {}), 7),
          redis: new RedisFake(),
          records: new CompanyRecordsFake(CONFIGS),
          credentials: { authorizationOf: () => '', isSigned: () => false },
          transport: cannedTransport([]),
          uses: { waits: 0, cacheTrips: 0, recordReads: 0, audited: 0 },
        });
        return each({ cache, records, nowMs: clock.nowMs, pass: clock.sleep });
      }),
  ],
  [
    'the rig',
    each => {
      let nowMs = START_MS;
      const { gateway } = createGatewayPorts({
        clock: { nowMs: () => nowMs, sleep: async () => {}, after: () => () => {} },
        delays: NO_DELAYS,
        redis: new RedisFake(),
        records: new CompanyRecordsFake(CONFIGS),
        verifier: { isSigned: async () => false },
        transport: cannedTransport([]),
        audit: { append: async () => {} },
      });
      const pass = async (ms: number) => void (nowMs += ms);
      return each({ cache: gateway.cache, records: gateway.records, nowMs: () => nowMs, pass });
    },
  ],
];
