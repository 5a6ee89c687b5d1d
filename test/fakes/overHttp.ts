// The fake clouds over real HTTP on loopback for a vendor's own client: one port a vendor, no delays, a clock of the
// test's choice of speed. What a client is given besides is its credential alone.

import { Cloud } from '../../fakes/cloud.ts';
import { startFakes } from '../../fakes/server.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { DOMAIN, TOKEN, ZONE_ID } from './fakeCall.ts';

export type OverHttp = {
  readonly cloud: Cloud;
  readonly urls: Readonly<Record<string, string>>;
  /** Fake milliseconds a real one from now on. */
  setSpeed(speed: number): Promise<void>;
  close(): Promise<void>;
};

/** `limits`: values of facts by id; given, the vendors' quotas of resources are checked. */
export async function serveCloud(speed = 1, limits?: Readonly<Record<string, number>>): Promise<OverHttp> {
  const facts = new FactValues('mid', limits ?? {});
  const resourceQuotas = limits !== undefined;
  const options = {
    seed: 42,
    facts,
    quotas: [],
    resourceQuotas,
    faults: [],
    token: TOKEN,
    domain: DOMAIN,
    zones: new Map([[ZONE_ID, DOMAIN]]),
  };
  const cloud = new Cloud(options);
  const server = await startFakes({ cloud, port: 0, vendorPorts: true, speed, delays: false });
  return {
    cloud,
    urls: server.vendorUrls,
    setSpeed: async next => {
      await fetch(`${server.url}/_speed`, { method: 'POST', body: JSON.stringify({ speed: next }) });
    },
    close: () => server.close(),
  };
}

/** What the client of a Google API rejects with, as `400 FAILED_PRECONDITION`; `done` when it does not. */
export async function googleRefusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    const { response } = error as { response?: { data: { error: { code: number; status: string } } } };
    if (response === undefined) throw error;
    return `${response.data.error.code} ${response.data.error.status}`;
  }
}
