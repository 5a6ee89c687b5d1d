// The pilot's code in real time and over real HTTP, against clouds on which every kind of fault is planned. A busy machine
// may add time-outs of its own, so what is judged is how each company ends and what is left, never when.

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf } from '../../fakes/fromScenario.ts';
import { startFakes } from '../../fakes/server.ts';
import { readHealth } from '../../rig/fakesPages.ts';
import { runPilot } from '../../rig/pilot.ts';
import { replicationSeed } from '../../scenarios/draw.ts';
import { FactValues } from '../../scenarios/facts.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';
import { openStores } from '../../src/runtime/stores.ts';
import { newFolder } from '../cli/command.ts';
import { rolloutOf } from '../simulator/harness.ts';

const SPEED = 25;
const SEED = 1;
const GOOGLE = ['secretManager.*', 'kms.*', 'firestore.*', 'cloudRun.*'];
const VENDORS = [...GOOGLE, 'atlas.*', 'pinecone.*', 'cloudflare.*'];
const NAMED = ['secretManager.secrets.*', ...VENDORS.slice(1)];

const on = (operations: readonly string[], fault: Omit<FaultRule, 'operation' | 'share'>, share = 0.05) =>
  operations.map((operation): FaultRule => ({ operation, share, ...fault }));

/** What few calls can meet hits half of them, lest it never comes: by the calls' keys, and not by when they happen to come. */
const RULES = [
  on([...GOOGLE, 'atlas.*'], { verdict: 'expireToken', fromMs: 10_000 }, 1),
  on(['cloudRun.services.create'], { verdict: 'breakHalfway', companies: [0, 1, 2, 3] }, 0.5),
  on(['cloudRun.*'], { verdict: 'holdName', delayMs: 60_000 }, 1),
  on(['cloudflare.customHostnames.create'], { verdict: 'stick', delayMs: 20_000 }, 0.3),
  on(['kms.cryptoKeys.create', 'pinecone.namespaces.create'], { verdict: 'takeName' }, 0.5),
  on(['firestore.*'], { verdict: 'conflict' }, 0.5),
  on(VENDORS, { verdict: 'refuseConnection' }),
  on(VENDORS, { verdict: 'refuse', status: 503 }),
  on(VENDORS, { verdict: 'loseRequest' }),
  on(VENDORS, { verdict: 'loseAnswer' }),
  on(VENDORS, { verdict: 'delayRequest', delayMs: 5000 }),
  on(VENDORS, { verdict: 'delayAnswer', delayMs: 20_000 }),
  on(NAMED, { verdict: 'twice' }),
  on(VENDORS, { verdict: 'slow', times: 10 }),
  on(VENDORS, { verdict: 'readStale', delayMs: 5000 }, 0.3),
].flat();

it('ten companies end whole, undone, or blocked with a reason, whatever goes wrong on the way', async () => {
  const scenario = rolloutOf(10, { 'faults.rules': RULES });
  const cloud = new Cloud(cloudOptionsOf(scenario, new FactValues('mid', {}), replicationSeed(SEED, 0)));
  const server = await startFakes({ cloud, port: 0, vendorPorts: false, speed: SPEED });
  const stores = openStores(join(newFolder(), 'journal.sqlite'));
  try {
    const { replication } = await runPilot({
      scenario,
      seed: SEED,
      fakesUrl: server.url,
      fakes: await readHealth(server.url),
      stores,
      identity: 'storm',
      holder: 'storm',
      afterPause: undefined,
      log: () => {},
      onProgress: () => {},
    });
    const { outcome, reasons, violations, company } = replication.rollout!;
    expect(violations).toEqual([]);
    const unexplained = company.filter((id, i) => outcome[i] !== 'ready' && !reasons[id]);
    expect(unexplained).toEqual([]);
    expect(outcome).not.toContain('unfinished');
    const hits = cloud.faultHits();
    const idle = [...new Set(RULES.map(({ verdict }) => verdict))].filter(verdict =>
      RULES.every((rule, i) => rule.verdict !== verdict || hits[i] === 0),
    );
    expect(idle).toEqual([]);
    expect(outcome.filter(each => each === 'ready').length).toBeGreaterThanOrEqual(5);
  } finally {
    stores.close();
    await server.close();
  }
});
