// A company leaves: nothing of it is left anywhere, whatever the clouds do and whenever the process dies.

import { describe, expect, it } from 'vitest';
import { liveResources } from '../../fakes/ledger.ts';
import { CHANGES_UNDER_WAY_MAX } from '../../src/limits.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { leftIn, rolloutOf } from '../simulator/harness.ts';
import { type Ran, runWorld } from './world.ts';

const INDEXED = { 'provisioning.databaseOperationsPerCompany': 4 };
const GONE = 'c00001';

const of = ({ cloud }: Ran, id: string) =>
  liveResources(cloud.ledger.entries).filter(({ company }) => company === id);

describe('a company that is decommissioned', () => {
  it('leaves nothing behind but the index that no call can drop, and the others whole', async () => {
    const ran = await runWorld(rolloutOf(20, INDEXED), async ({ operations }) => {
      expect(await decommission(operations, GONE)).toMatchObject({ state: 'done', reason: '' });
    });
    expect(of(ran, GONE).map(({ kind }) => kind)).toEqual(['databaseIndex']);
    expect(ran.violations([GONE])).toEqual([]);
    expect([...ran.stores.records.keys()]).toHaveLength(19);
    expect(ran.stores.records.has(GONE)).toBe(false);
    const events = ran.stores.entries.filter(({ company }) => company === 1).map(({ event }) => event);
    expect(events.slice(events.indexOf('changing'))).toEqual([
      'changing',
      ...Array.from({ length: 16 }, () => 'removed'),
      'decommissioned',
    ]);
  });

  it('has no version left of its key that could decrypt', async () => {
    const ran = await runWorld(rolloutOf(2), async ({ operations, meddle }) => {
      await decommission(operations, GONE);
      const key = `https://cloudkms.googleapis.com/v1/projects/sandtable-platform/locations/us-west1/keyRings/companies/cryptoKeys/${GONE}`;
      const { status, body } = meddle('GET', `${key}/cryptoKeyVersions`);
      expect(status).toBe(200);
      const states = (body as { cryptoKeyVersions: { state: string }[] }).cryptoKeyVersions;
      expect(states.map(({ state }) => state)).toEqual(['DESTROY_SCHEDULED']);
    });
    expect(ran.violations([GONE])).toEqual([]);
  });

  it('is gone: asked for again nothing happens, and nothing else can be done to it', async () => {
    const ran = await runWorld(rolloutOf(2), async ({ operations, cloud }) => {
      await decommission(operations, GONE);
      const effects = cloud.ledger.entries.length;
      expect(await decommission(operations, GONE)).toMatchObject({ state: 'done' });
      expect(await operations.change(GONE, { kind: 'level', level: 'DIAMOND' })).toMatchObject({
        state: 'refused',
        reason: 'c00001 has been decommissioned',
      });
      expect(cloud.ledger.entries).toHaveLength(effects);
      expect(operations.serving(GONE)).toBeUndefined();
    });
    expect(ran.violations([GONE])).toEqual([]);
  });

  it('cannot be one that there is not', async () => {
    await runWorld(rolloutOf(1), async ({ operations }) => {
      expect(await decommission(operations, 'c00009')).toMatchObject({
        state: 'refused',
        reason: 'c00009 is not ready',
      });
    });
  });

  it('is not touched twice at once', async () => {
    const ran = await runWorld(rolloutOf(2), async ({ operations }) => {
      const both = await Promise.all([decommission(operations, GONE), decommission(operations, GONE)]);
      expect(both.map(({ state }) => state)).toEqual(['done', 'refused']);
      expect(both[1].reason).toBe('another change of c00001 is under way');
    });
    expect(ran.violations([GONE])).toEqual([]);
  });
});

it('twenty companies leave under the limit of the DNS record writes', async () => {
  const scenario = rolloutOf(20, { 'provisioning.quotas': 'plan' });
  const ran = await runWorld(scenario, async ({ operations, companies }) => {
    const ended = await Promise.all(companies.map(({ id }) => decommission(operations, id)));
    expect(ended.every(({ state }) => state === 'done')).toBe(true);
    expect(operations.counts().find(({ name }) => name === 'dnsRecordWrites')?.calls).toBe(20);
  });
  expect(liveResources(ran.cloud.ledger.entries)).toEqual([]);
  const deletions = ran.cloud.ledger.entries.filter(
    ({ kind, effect }) => kind === 'dnsRecord' && effect === 'deleted',
  );
  const gapsMs = deletions.slice(1).map(({ atMs }, i) => atMs - deletions[i].atMs);
  expect(Math.min(...gapsMs)).toBeGreaterThan(400);
  expect(ran.cloud.operations().reduce((sum, { refusedByQuota }) => sum + refusedByQuota, 0)).toBe(0);
});

it('of all that are to leave at once, only so many are under way', async () => {
  const companies = CHANGES_UNDER_WAY_MAX + 20;
  let held = 0;
  let heldMost = 0;
  const ran = await runWorld(rolloutOf(companies), async ({ operations, companies }) => {
    const { leases } = operations.ports;
    const { take, end } = leases;
    Object.assign(leases, {
      take: async (...args: Parameters<typeof take>) => {
        const lease = await take(...args);
        heldMost = Math.max(heldMost, ++held);
        return lease;
      },
      end: async (...args: Parameters<typeof end>) => {
        held--;
        await end(...args);
      },
    });
    const ended = await Promise.all(companies.map(({ id }) => decommission(operations, id)));
    expect(ended.filter(({ state }) => state !== 'done')).toEqual([]);
  });
  expect(heldMost).toBe(CHANGES_UNDER_WAY_MAX);
  expect(liveResources(ran.cloud.ledger.entries)).toEqual([]);
});

it('with clouds that lose answers and refuse, it still leaves nothing', async () => {
  const scenario = rolloutOf(5, {
    'faults.rules': [
      { operation: 'cloudflare.dnsRecords.delete', verdict: 'loseAnswer', share: 0.5 },
      { operation: 'cloudRun.services.delete', verdict: 'loseAnswer', share: 0.5 },
      { operation: 'atlas.*', verdict: 'refuse', status: 500, share: 0.3 },
      { operation: 'kms.*', verdict: 'loseRequest', share: 0.2 },
      { operation: 'secretManager.secrets.delete', verdict: 'twice', share: 0.5 },
    ],
  });
  const ran = await runWorld(scenario, async ({ operations, companies }) => {
    for (const { id } of companies)
      expect(await decommission(operations, id)).toMatchObject({ state: 'done' });
  });
  expect(liveResources(ran.cloud.ledger.entries)).toEqual([]);
});

it('what cannot be removed stops it and is named; asked for again, it goes on', async () => {
  const scenario = rolloutOf(2, {
    'faults.rules': [
      {
        ...{ operation: 'pinecone.namespaces.delete', verdict: 'refuse', status: 400, share: 1 },
        untilMs: 3_600_000,
      },
    ],
  });
  const ran = await runWorld(scenario, async ({ operations, clock }) => {
    const failed = await decommission(operations, GONE);
    expect(failed.state).toBe('failed');
    expect(failed.reason).toMatch(/^namespace could not be removed: 400 /);
    expect(await operations.change(GONE, { kind: 'resumption' })).toMatchObject({
      state: 'refused',
      reason: 'c00001 is being decommissioned',
    });
    await clock.sleep(3_600_000);
    expect(await decommission(operations, GONE)).toMatchObject({ state: 'done' });
  });
  expect(ran.violations([GONE])).toEqual([]);
});

it('whenever the process dies during it, the same is left', async () => {
  const scenario = rolloutOf(2, INDEXED);
  const program = async ({ operations }: Parameters<Parameters<typeof runWorld>[1]>[0]) => {
    await operations.takeUp();
    expect(await decommission(operations, GONE)).toMatchObject({ state: 'done' });
  };
  const undisturbed = await runWorld(scenario, program);
  const expected = leftIn(undisturbed.cloud.ledger.entries);
  const wrong: unknown[] = [];
  for (let event = undisturbed.began; event < undisturbed.events; event++) {
    const ran = await runWorld(scenario, program, [event]);
    const left = leftIn(ran.cloud.ledger.entries);
    const violations = ran.violations([GONE]);
    if (JSON.stringify(left) !== JSON.stringify(expected) || violations.length > 0)
      wrong.push({ event, left, violations });
  }
  expect(wrong).toEqual([]);
});
