// Provisioners that share a rollout: each batch has one at a time, the limits are kept by all of them together, and one
// that was held still for longer than its lease finds that its work is another's.

import { describe, expect, it } from 'vitest';
import { Stores } from '../../simulator/stores.ts';
import { LEASE_MS } from '../../src/limits.ts';
import { leftIn, rolloutOf, type Witnessed, witness } from './harness.ts';

const COMPANIES = 30;
const shared = (provisioners: number, sets = {}, companies = COMPANIES) =>
  rolloutOf(companies, { 'provisioning.batchSize': 10, 'provisioning.provisioners': provisioners, ...sets });

const refusedCalls = ({ replication: { rollout } }: Witnessed): number =>
  rollout.operations.reduce((sum, { refusedByQuota }) => sum + refusedByQuota, 0);

/** The third integer of a call's key names the process that sent it. */
const companiesBy = ({ arrivals }: Witnessed): Map<number, Set<number>> => {
  const by = new Map<number, Set<number>>();
  for (const { key } of arrivals) by.set(key[2], (by.get(key[2]) ?? new Set()).add(key[0]));
  return by;
};

function expectWhole({ replication: { rollout } }: Witnessed): void {
  expect(rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
  expect(rollout.violations).toEqual([]);
}

/** Of each resource that exists once, how often it was made; a secret has one version. */
const timesMade = ({ entries }: Witnessed): Map<string, number> => {
  const times = new Map<string, number>();
  for (const { kind, name, effect } of entries) {
    const resource = `${kind} ${name.replace(/\/versions\/\d+$/, '')}`;
    if (effect === 'created') times.set(resource, (times.get(resource) ?? 0) + 1);
  }
  return times;
};

describe('provisioners that share a rollout', () => {
  it('make what one alone makes, each company by one of them', async () => {
    const alone = await witness(shared(1, {}, 90));
    const together = await witness(shared(3, {}, 90));
    expectWhole(together);
    expect(leftIn(together.entries)).toEqual(leftIn(alone.entries));
    const by = companiesBy(together);
    expect(by.size).toBe(3);
    const worked = [...by.values()].flatMap(companies => [...companies]);
    expect(worked.sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, index) => index));
  });

  it('keep the limits together that the clouds check', async () => {
    const limits = { 'provisioning.limits.cloudRunDeploysPerMinute': 20 };
    const alone = await witness(shared(1, limits));
    const together = await witness(shared(3, limits));
    expectWhole(together);
    expect(refusedCalls(together)).toBe(0);
    // Thirty deployments at 20 a minute take 87 s whoever makes them.
    const boundMs = (COMPANIES - 1) * 3000;
    for (const { replication } of [alone, together]) {
      expect(replication.rollout.durationMs).toBeGreaterThan(boundMs);
      expect(replication.rollout.durationMs).toBeLessThan(boundMs + 60_000);
    }
  });

  it('are fair: a small batch is not held up until a large one is done', async () => {
    const { replication } = await witness(
      rolloutOf(210, {
        'provisioning.batchSize': 200,
        'provisioning.provisioners': 2,
        'provisioning.limits.cloudRunDeploysPerMinute': 20,
      }),
    );
    const { finishedAtMs, durationMs } = replication.rollout;
    // Ten companies at half of 20 deployments a minute take a minute, and the way to ready.
    expect(Math.max(...finishedAtMs.slice(200))).toBeLessThan(150_000);
    expect(durationMs).toBeGreaterThan(600_000);
  });

  it('end the batches of one that has died for good', async () => {
    const { replication } = await witness(shared(2), {
      hooks: { pauses: [{ atEvent: 2000, provisioner: 0, forMs: 30 * 60_000 }] },
    });
    expect(replication.rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
    const last = Math.max(...replication.rollout.finishedAtMs);
    expect(last).toBeLessThan(10 * 60_000);
  });

  it('never do a step twice with effect when one is held still for longer than its lease', async () => {
    const undisturbed = await witness(shared(2));
    const { events } = undisturbed.replication;
    const expected = leftIn(undisturbed.entries);
    let takenOver = 0;
    for (let atEvent = 50; atEvent < events; atEvent += Math.ceil(events / 60)) {
      const run = await witness(shared(2), {
        hooks: { pauses: [{ atEvent, provisioner: atEvent % 2, forMs: 2 * LEASE_MS + 1000 }] },
      });
      expectWhole(run);
      expect(leftIn(run.entries)).toEqual(expected);
      for (const [resource, times] of timesMade(run))
        expect({ resource, times }).toEqual({ resource, times: 1 });
      const by = [...companiesBy(run).values()];
      if (by.length === 2 && [...by[0]].some(company => by[1].has(company))) takenOver++;
    }
    // Held still before a batch or after the last one, nothing of it is taken over.
    expect(takenOver).toBeGreaterThan(30);
  });

  it('would do steps twice without the fence: planted, it is caught', async () => {
    const stores = Stores.prototype as unknown as { isNewest: () => boolean };
    const { isNewest } = stores;
    stores.isNewest = () => true;
    let twice = 0;
    try {
      for (let atEvent = 100; atEvent < 3000; atEvent += 50) {
        const run = await witness(shared(2), {
          hooks: { pauses: [{ atEvent, provisioner: atEvent % 2, forMs: 2 * LEASE_MS + 1000 }] },
        });
        twice += [...timesMade(run).values()].filter(times => times > 1).length;
        twice += run.replication.rollout.violations.length;
      }
    } finally {
      stores.isNewest = isNewest;
    }
    expect(twice).toBeGreaterThan(0);
  });
});
