// Loaded into a gateway process before all else (`--import`): gives it the wasteful gateway for the real one.

import { registerHooks } from 'node:module';

const MAIN = new URL('../../rig/gatewayMain.ts', import.meta.url).href;
const REAL = new URL('../../src/gateway/gateway.ts', import.meta.url).href;
const PLANTED = new URL('./wastefulGateway.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    return context.parentURL === MAIN && resolved.url === REAL ? { ...resolved, url: PLANTED } : resolved;
  },
});
