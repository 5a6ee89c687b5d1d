// A wrong that is planted in the gateway: each request waits for one trip to the cache more than it needs, for a question
// that nobody asked.

import type { createGateway } from '../src/gateway/gateway.ts';
import type { GatewayCache } from '../src/ports.ts';

/** No company has it, so the trip counts towards no quota of theirs and finds nothing. */
const NOBODY = { company: 'nobody', requestsPerMinute: Infinity, session: undefined };
/** Last place of its key: none of the gateway's own calls. */
const WASTED = 100;

function wasteful(cache: GatewayCache): GatewayCache {
  return {
    ...cache,
    admit: async request => {
      await cache.admit({ ...NOBODY, key: [...request.key.slice(0, -1), WASTED] });
      return await cache.admit(request);
    },
  };
}

export const wastefully =
  (create: typeof createGateway): typeof createGateway =>
  (ports, ...others) =>
    create({ ...ports, cache: wasteful(ports.cache) }, ...others);
