// The process of the fake clouds, as `fakesProcess.ts` starts it.

import { Cloud } from '../fakes/cloud.ts';
import { cloudOptionsOf } from '../fakes/fromScenario.ts';
import { type FakesServer, startFakes } from '../fakes/server.ts';
import { FactValues } from '../scenarios/facts.ts';
import { companiesOf } from '../scenarios/population.ts';
import { serveParent } from './child.ts';
import type { FakesSpec } from './fakesProcess.ts';

let server: FakesServer;

serveParent({
  start: async argument => {
    const { scenario, seed, factOverrides, adopted, delays, speed } = argument as FakesSpec;
    const facts = new FactValues('mid', { ...scenario.facts, ...factOverrides });
    const cloud = new Cloud({
      ...cloudOptionsOf(scenario, facts, seed),
      // Traffic on its own finds the companies at work: each has a warm instance.
      ...(adopted && { adopted: companiesOf(scenario), warmAt: () => true }),
    });
    server = await startFakes({ cloud, port: 0, vendorPorts: false, speed, delays, facts });
    return server.url;
  },
  stop: () => server.close(),
});
