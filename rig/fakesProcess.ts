// The fake clouds as a process of their own, for the rig's own runs: nothing that they compute then takes time from the
// gateways or from the provisioner.

import type { Scenario } from '../scenarios/scenario.ts';
import { startChild } from './child.ts';

export type FakesSpec = {
  readonly scenario: Scenario;
  /** Of the replication. */
  readonly seed: number;
  readonly factOverrides: Readonly<Record<string, number>>;
  /** Every company's service exists and is warm, without a rollout. */
  readonly adopted: boolean;
  /** False: no call waits for anything. */
  readonly delays: boolean;
  readonly speed: number;
};

export type FakesProcess = {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
};

export async function startFakesProcess(
  spec: FakesSpec,
  wrapper: readonly string[] = [],
): Promise<FakesProcess> {
  const child = await startChild({ entry: new URL('./fakesMain.ts', import.meta.url), spec, wrapper });
  return {
    url: child.ready as string,
    pid: child.pid,
    stop: async () => void (await child.stop()),
  };
}
