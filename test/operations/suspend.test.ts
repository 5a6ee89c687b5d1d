// A company is suspended and resumed: nothing of it is lost, nothing of it can be used meanwhile, and its users hear why.

import { describe, expect, it } from 'vitest';
import { liveResources } from '../../fakes/ledger.ts';
import { changeLevel } from '../../src/operations/changeLevel.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { retarget } from '../../src/operations/retarget.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
import { watch } from '../../src/operations/watch.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { runWorld, type World } from './world.ts';

const COMPANY = 'c00001';
const HEALTH = `https://${COMPANY}.mcp.asoos.2100.cool/health`;
const SECRETS = 'https://secretmanager.googleapis.com/v1/projects/sandtable-platform/secrets';
const KEY = `https://cloudkms.googleapis.com/v1/projects/sandtable-platform/locations/us-west1/keyRings/companies/cryptoKeys/${COMPANY}`;
const USER = `https://cloud.mongodb.com/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01/databaseUsers/admin/${COMPANY}`;
const scenario = rolloutOf(3);

/** What can be used of the company, asked of each vendor. */
function usableOf({ meddle, stores }: World) {
  // biome-ignore lint/suspicious/noExplicitAny: a vendor's answer
  const user = meddle('GET', USER).body as any;
  // biome-ignore lint/suspicious/noExplicitAny: a vendor's answer
  const key = meddle('GET', KEY).body as any;
  return {
    users: meddle('GET', HEALTH).status,
    secret: meddle('GET', `${SECRETS}/${COMPANY}-api-key/versions/latest:access`).status,
    key: key.primary.state,
    role: user.roles[0].roleName,
    isSuspended: stores.records.get(COMPANY)?.isSuspended === true,
  };
}

const OPEN = { users: 200, secret: 200, key: 'ENABLED', role: 'company-c00001', isSuspended: false };
const CLOSED = { users: 404, secret: 400, key: 'DISABLED', role: 'read', isSuspended: true };

describe('a company that is suspended', () => {
  it('keeps everything, and nothing of it can be used; the others are as they were', async () => {
    const ran = await runWorld(scenario, async world => {
      expect(usableOf(world)).toEqual(OPEN);
      expect(await suspend(world.operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(usableOf(world)).toEqual(CLOSED);
    });
    expect(ran.violations([], [COMPANY])).toEqual([]);
    const record = liveResources(ran.cloud.ledger.entries).find(
      ({ kind, company }) => kind === 'dnsRecord' && company === COMPANY,
    );
    expect(record?.effect).toBe('created');
  });

  it('turns its users away before anything is closed behind them, and serves them after all is open', async () => {
    await runWorld(scenario, async ({ operations, stores, cloud }) => {
      const { put } = operations.ports.registry;
      const moments: number[] = [];
      Object.assign(operations.ports.registry, {
        put: async (record: Parameters<typeof put>[0]) => {
          await put(record);
          moments.push(cloud.ledger.entries.length);
        },
      });
      const before = cloud.ledger.entries.length;
      await suspend(operations, COMPANY);
      await resume(operations, COMPANY);
      expect(moments).toEqual([before, cloud.ledger.entries.length]);
      expect(stores.records.size).toBe(3);
    });
  });

  it('comes back as it was', async () => {
    const ran = await runWorld(scenario, async world => {
      const before = { ...world.stores.records.get(COMPANY) };
      await suspend(world.operations, COMPANY);
      expect(await resume(world.operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(usableOf(world)).toEqual(OPEN);
      expect(world.stores.records.get(COMPANY)).toEqual(before);
    });
    expect(ran.violations()).toEqual([]);
  });

  it('is neither checked, changed nor mended, and says so', async () => {
    await runWorld(scenario, async ({ operations, clock }) => {
      await suspend(operations, COMPANY);
      expect(await changeLevel(operations, COMPANY, 'DIAMOND')).toMatchObject({
        ...{ state: 'refused', reason: 'c00001 is suspended: resume it first' },
      });
      expect(await retarget(operations, COMPANY)).toMatchObject({ state: 'refused' });
      const untilMs = clock.nowMs() + 600_000;
      const checked = new Set<string>();
      const counts = await watch(operations, {
        isOver: () => clock.nowMs() >= untilMs,
        record: ({ company }) => void checked.add(company),
        heals: true,
      });
      expect([...checked].sort()).toEqual(['c00000', 'c00002']);
      expect(counts).toMatchObject({ failed: 0, healings: 0 });
    });
  });

  it('twice, or resumed twice, is so after the first time', async () => {
    await runWorld(scenario, async ({ operations, cloud }) => {
      await suspend(operations, COMPANY);
      const effects = cloud.ledger.entries.length;
      expect(await suspend(operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(cloud.ledger.entries).toHaveLength(effects);
      await resume(operations, COMPANY);
      const back = cloud.ledger.entries.length;
      expect(await resume(operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(cloud.ledger.entries).toHaveLength(back);
    });
  });

  it('can leave from there, its disabled key and secrets included', async () => {
    const ran = await runWorld(scenario, async ({ operations, meddle }) => {
      await suspend(operations, COMPANY);
      expect(await decommission(operations, COMPANY)).toMatchObject({ state: 'done' });
      const versions = meddle('GET', `${KEY}/cryptoKeyVersions`).body as {
        cryptoKeyVersions: { state: string }[];
      };
      expect(versions.cryptoKeyVersions.map(({ state }) => state)).toEqual(['DESTROY_SCHEDULED']);
    });
    expect(ran.violations([COMPANY])).toEqual([]);
  });

  it('without a database user is suspended all the same, and cannot be resumed until it has one', async () => {
    const ran = await runWorld(scenario, async ({ operations, meddle }) => {
      expect(meddle('DELETE', USER).status).toBeLessThan(300);
      expect(await suspend(operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(await resume(operations, COMPANY)).toMatchObject({
        ...{ state: 'failed', reason: 'userAccess:open: there is no database user to open' },
      });
      expect(await decommission(operations, COMPANY)).toMatchObject({ state: 'done' });
    });
    expect(ran.violations([COMPANY])).toEqual([]);
  });

  it('half way, since a vendor refuses, is suspended all the same and can be resumed or suspended again', async () => {
    const refusing = rolloutOf(3, {
      'faults.rules': [
        {
          ...{ operation: 'kms.cryptoKeyVersions.patch', verdict: 'refuse', status: 400, share: 1 },
          untilMs: 3_600_000,
        },
      ],
    });
    const ran = await runWorld(refusing, async world => {
      const { operations, clock } = world;
      const failed = await suspend(operations, COMPANY);
      expect(failed.state).toBe('failed');
      expect(failed.reason).toMatch(/^keyAccess:closed: 400 /);
      expect(usableOf(world)).toEqual({ ...CLOSED, key: 'ENABLED' });
      expect(operations.serving(COMPANY)).toBeUndefined();
      await clock.sleep(3_600_000);
      expect(await suspend(operations, COMPANY)).toMatchObject({ state: 'done' });
      expect(usableOf(world)).toEqual(CLOSED);
      expect(await resume(operations, COMPANY)).toMatchObject({ state: 'done' });
    });
    expect(ran.violations()).toEqual([]);
  });
});

it.each([
  ['suspended', [COMPANY]],
  ['suspended and resumed', []],
] as const)('a company ends %s whenever the process dies', async (_, suspended) => {
  const program = async (world: World) => {
    await world.operations.takeUp();
    expect(await suspend(world.operations, COMPANY)).toMatchObject({ state: 'done' });
    if (suspended.length === 0)
      expect(await resume(world.operations, COMPANY)).toMatchObject({ state: 'done' });
    expect(usableOf(world)).toEqual(suspended.length === 0 ? OPEN : CLOSED);
  };
  const undisturbed = await runWorld(scenario, program);
  for (let event = undisturbed.began; event < undisturbed.events; event++) {
    const ran = await runWorld(scenario, program, [event]);
    expect(ran.violations([], suspended), `a crash before event ${event}`).toEqual([]);
  }
});
