// A scenario's provisioning section in the terms of the rollout, for both clocks.

import type { FactValues } from './facts.ts';
import { durationMs, type Scenario } from './scenario.ts';

/** Of real time: what somebody waits for at a desk. A longer rollout is held against HTTP in small only. */
export const CROSSCHECK_ROLLOUT_MS_MAX = 600_000;

export function rolloutOptionsOf({ platform, population, provisioning, run }: Scenario, facts: FactValues) {
  const { limits, waves, quotas } = provisioning;
  return {
    platform,
    rates: {
      dnsRecordWrites: limits.dnsRecordWritesPerMinute,
      cloudRunDeploys: limits.cloudRunDeploysPerMinute,
      databaseOperations: limits.databaseOperationsPerMinute,
    },
    vendorRates: quotas === 'vendor' ? vendorRatesOf(facts, platform) : NO_VENDOR_RATES,
    batchSize: provisioning.batchSize,
    concurrencyMax: provisioning.concurrencyMax,
    admissionBacklogMs: durationMs(provisioning.admissionBacklog),
    databaseOperationsPerCompany: provisioning.databaseOperationsPerCompany,
    waves: waves?.steps.map(({ upTo, dwell }) => ({ upTo, dwellMs: durationMs(dwell) })) ?? [
      { upTo: population.companies, dwellMs: 0 },
    ],
    gate: gateOf(waves),
    deadlineMs: durationMs(run.deadline),
  };
}

/** Where the scenario plays a world in which the vendors have no limits, the provisioner keeps none. */
export const NO_VENDOR_RATES = {
  cloudflareRequests: null,
  cloudRunReads: null,
  cloudRunWrites: null,
  secretManagerReads: null,
  secretManagerWrites: null,
  kmsReads: null,
  kmsWrites: null,
  atlasUserRequests: null,
  letsEncryptCertificates: null,
};

const MINUTES_PER_WEEK = 7 * 24 * 60;

/** Cloudflare counts calls in five minutes. */
const CLOUDFLARE_MINUTES = 5;
/** Of a rate that is counted by windows: what goes out evenly may come in a little closer together. */
const WINDOW_SHARE = 0.98;

/** What the vendors allow, whatever the scenario plays. */
export const vendorRatesOf = (facts: FactValues, { certificateAuthority }: Scenario['platform']) => ({
  cloudflareRequests: (facts.get('quota.cloudflare.requests').value / CLOUDFLARE_MINUTES) * WINDOW_SHARE,
  cloudRunReads: facts.get('quota.cloud-run.reads').value,
  cloudRunWrites: facts.get('quota.cloud-run.writes').value,
  secretManagerReads: facts.get('quota.secret-manager.reads').value,
  secretManagerWrites: facts.get('quota.secret-manager.writes').value,
  kmsReads: facts.get('quota.kms.reads').value,
  kmsWrites: facts.get('quota.kms.writes').value,
  // What a bucket holds beyond its refill is left for others.
  atlasUserRequests: facts.get('quota.atlas.refill.users').value * WINDOW_SHARE,
  letsEncryptCertificates:
    certificateAuthority === 'lets_encrypt'
      ? facts.get('quota.lets-encrypt.certificates').value / MINUTES_PER_WEEK
      : null,
});

/** Without waves nothing stands at a gate: any would do. */
function gateOf(waves: Scenario['provisioning']['waves']) {
  const {
    readyShareMin = 0,
    provisioningP99Max,
    healthyShareMin = 0,
    onFailure = 'pause',
  } = waves?.gate ?? {};
  const provisioningMsP99Max =
    provisioningP99Max === undefined ? Number.POSITIVE_INFINITY : durationMs(provisioningP99Max);
  return { readyShareMin, provisioningMsP99Max, healthyShareMin, onFailure };
}
