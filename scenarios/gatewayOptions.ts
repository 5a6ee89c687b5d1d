// A scenario's platform section in the terms of the gateway, for both clocks.

import { durationMs, type Scenario } from './scenario.ts';

/** The one key that the rehearsal's tokens are signed with. */
export const KEY_ID = 'sandtable-1';

export function gatewayOptionsOf({ platform }: Scenario) {
  const { zones, gateway, security, caching } = platform;
  const { circuitBreaker } = security;
  return {
    domains: zones.map(({ domain }) => domain),
    levels: security.levels,
    verificationPools: security.verificationPools,
    circuitBreaker: {
      failureThreshold: circuitBreaker.failureThreshold,
      resetTimeoutMs: durationMs(circuitBreaker.resetTimeout),
      monitoringWindowMs: durationMs(circuitBreaker.monitoringWindow),
    },
    requestTimeoutMs: durationMs(gateway.requestTimeout),
    sessionTtlMs: durationMs(caching.sessions),
    configTtlMs: durationMs(caching.configs),
    keyIds: [KEY_ID],
    revokedTokens: new Set<string>(),
  };
}
