// A scenario's provisioning section in the terms of the rollout, for both clocks.

import { durationMs, type Scenario } from './scenario.ts';

export function rolloutOptionsOf({ platform, provisioning }: Scenario) {
  const { limits } = provisioning;
  return {
    platform,
    rates: {
      dnsRecordWrites: limits.dnsRecordWritesPerMinute,
      cloudRunDeploys: limits.cloudRunDeploysPerMinute,
      databaseOperations: limits.databaseOperationsPerMinute,
    },
    concurrencyMax: provisioning.concurrencyMax,
    admissionBacklogMs: durationMs(provisioning.admissionBacklog),
    databaseOperationsPerCompany: provisioning.databaseOperationsPerCompany,
  };
}
