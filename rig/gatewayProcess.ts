// One region's gateway as a process of its own: the real gateway code behind HTTP, with the fakes' cache, records and edge
// beside it. The rig starts one a region, asks it for its figures and stops it in good order.

import type { UsedValue } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { GatewayCounts } from '../src/gateway/gateway.ts';
import type { GatewayOptions } from '../src/gateway/options.ts';
import type { WaitFigures } from '../src/gateway/pool.ts';
import type { CompanyConfig } from '../src/ports.ts';
import type { KeySet } from '../src/runtime/verifier.ts';
import { startChild } from './child.ts';

/** JSON. */
export type GatewaySpec = {
  readonly scenario: Scenario;
  readonly region: string;
  /** Of the replication: the delays are drawn as in virtual time. */
  readonly seed: number;
  readonly factOverrides: Readonly<Record<string, number>>;
  /** False: nothing waits for anything. */
  readonly delays: boolean;
  readonly options: Omit<GatewayOptions, 'revokedTokens'>;
  readonly fakesUrl: string;
  readonly records: readonly CompanyConfig[];
  readonly keySet: KeySet;
  readonly auditPath: string;
  /**
   * The gateway's clock shows so many milliseconds after a whole minute when the first request arrives, so that quotas
   * count the same minutes in every run. Null: the machine's clock.
   */
  readonly firstRequestAtMs: number | null;
};

/** Since the process started. */
export type GatewayFigures = {
  readonly counts: GatewayCounts;
  readonly waits: readonly WaitFigures[];
  /** Awaited calls of ports. */
  readonly portWaits: number;
  readonly edgeHits: number;
  readonly cacheTrips: number;
  readonly recordReads: number;
  readonly auditBytes: number;
  readonly egressBytes: number;
  /** Requests under way, at most. */
  readonly concurrencyMax: number;
  /** Requests that the scenario's quotas had room for, and those of them that were answered without an error. */
  readonly withinQuota: number;
  readonly servedWithinQuota: number;
  /** From the first request until the last answer, of this process. */
  readonly busyMs: number;
  readonly spanMs: number;
  /** Of this process, since it started. */
  readonly cpuMs: number;
  /** How late the event loop was. */
  readonly lagMsP99: number;
  readonly facts: readonly UsedValue[];
};

export type GatewayProcess = {
  readonly region: string;
  readonly url: string;
  readonly pid: number;
  figures(): Promise<GatewayFigures>;
  /** Ends what is under way, writes the audit trail out, and resolves with the last figures. */
  stop(): Promise<GatewayFigures>;
  /** At once. */
  kill(): void;
};

/** `wrapper`: see `startChild`. */
export async function startGatewayProcess(
  spec: GatewaySpec,
  wrapper: readonly string[] = [],
): Promise<GatewayProcess> {
  const child = await startChild({ entry: new URL('./gatewayMain.ts', import.meta.url), spec, wrapper });
  return {
    region: spec.region,
    url: child.ready as string,
    pid: child.pid,
    figures: async () => (await child.ask('figures')) as GatewayFigures,
    stop: async () => (await child.stop()) as GatewayFigures,
    kill: child.kill,
  };
}
