// No call to a vendor goes past its limiter: what the clients send in each try of each step, of a whole life, is no more
// than the slots that the try has taken.

import { expect, it } from 'vitest';
import { changeOf } from '../../src/operations/change.ts';
import { changePlanOf } from '../../src/operations/changePlan.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
import type { Call } from '../../src/ports.ts';
import { planOf, type StepKind } from '../../src/provisioning/plan.ts';
import { tollsOf, type VendorLimitName } from '../../src/provisioning/vendorLimits.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { type Ran, runWorld } from './world.ts';

/** The verb in a call's key: [company, place, generation, verb, try, …]. The last is a removal by who makes it again. */
const VERBS = ['create', 'find', 'remove', 'remove'] as const;
const PLACES_PER_CHANGE = 1000;

const byMethod = (method: string, reads: VendorLimitName, writes: VendorLimitName) =>
  method === 'GET' ? reads : writes;

/** Undefined: the vendor has no rate for it that could be reached. */
function limitOf({ method, url }: Call): VendorLimitName | undefined {
  const { host, pathname } = new URL(url);
  switch (host) {
    case 'api.cloudflare.com':
      return 'cloudflareRequests';
    case 'run.googleapis.com':
      return byMethod(method, 'cloudRunReads', 'cloudRunWrites');
    case 'secretmanager.googleapis.com':
      if (pathname.endsWith(':access')) return undefined;
      return byMethod(method, 'secretManagerReads', 'secretManagerWrites');
    case 'cloudkms.googleapis.com':
      return byMethod(method, 'kmsReads', 'kmsWrites');
    case 'cloud.mongodb.com':
      return pathname.includes('/databaseUsers') ? 'atlasUserRequests' : undefined;
  }
  return undefined;
}

/** What the step of a call is of, by its place: in the company's plan, or in that of its nth change. */
function kindOf({ companies, stores }: Ran, { key: [index, place] }: Call): StepKind {
  const whole = planOf(companies[index], 3);
  if (place < PLACES_PER_CHANGE) return whole[place].kind;
  const changes = stores.entries.filter(({ company, event }) => company === index && event === 'changing');
  const change = changeOf(changes[Math.floor(place / PLACES_PER_CHANGE) - 1].id!);
  return changePlanOf(change, whole)[place % PLACES_PER_CHANGE].step.kind;
}

it.each([
  ['well', []],
  [
    'sick',
    [
      { operation: 'cloudRun.*', verdict: 'loseAnswer', share: 0.2 },
      { operation: 'atlas.*', verdict: 'refuse', status: 500, share: 0.2 },
      { operation: 'cloudflare.*', verdict: 'loseAnswer', share: 0.2 },
    ],
  ],
])('each try takes as many slots as it sends calls, with clouds that are %s', async (_, rules) => {
  const scenario = rolloutOf(4, { 'provisioning.quotas': 'vendor', 'faults.rules': rules });
  const ran = await runWorld(scenario, async ({ operations, companies }) => {
    for (const { id } of companies) {
      await operations.change(id, { kind: 'level', level: 'DIAMOND' });
      await suspend(operations, id);
      await resume(operations, id);
      await operations.change(id, { kind: 'retargeting' });
      for (const remedy of ['restart', 'renewal', 'databaseAccess', 'dnsTarget'] as const)
        await operations.change(id, { kind: 'healing', remedy });
      expect(await decommission(operations, id)).toMatchObject({ state: 'done' });
    }
  });
  const tries = Map.groupBy(ran.sent, ({ key }) => key.slice(0, 5).join());
  const seen = new Set<string>();
  for (const calls of tries.values()) {
    const verb = VERBS[calls[0].key[3]];
    // A credential's calls are of no company's step.
    if (calls[0].key[0] < 0) continue;
    const kind = kindOf(ran, calls[0]);
    const limits = Map.groupBy(
      calls.flatMap(call => limitOf(call) ?? []),
      limit => limit,
    );
    for (const [limit, own] of limits) {
      const slots = tollsOf(kind).find(toll => toll.limit === limit)?.[verb] ?? 0;
      expect(own.length, `${kind}.${verb} of ${limit}`).toBeLessThanOrEqual(slots);
      seen.add(`${kind}.${verb} ${limit}`);
    }
  }
  expect(seen.size).toBeGreaterThan(30);
});
