// What is done to companies after they were provisioned keeps the vendors' rates, as the rollout does: no fake refuses a
// call for its quota, whichever rate is the narrow one; and where one refuses all the same, everybody is held back.

import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../fakes/cloud.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { vendorRatesOf } from '../../scenarios/rolloutOptions.ts';
import type { CheckRecord } from '../../src/operations/check.ts';
import { decommission } from '../../src/operations/decommission.ts';
import type { HealRecord } from '../../src/operations/heal.ts';
import { intervalsOf, stretchesOf } from '../../src/operations/intervals.ts';
import { openOperations } from '../../src/operations/operations.ts';
import type { CheckKind } from '../../src/operations/schedule.ts';
import { showCompany } from '../../src/operations/show.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
import { type WatchCounts, watch } from '../../src/operations/watch.ts';
import { rolloutOf, type Sets, scenarioOf } from '../simulator/harness.ts';
import { type Ran, runWorld, type World } from './world.ts';

const MINUTE_MS = 60_000;

/** Without the plan's own rates, which would be narrower. */
const VENDOR: Sets = {
  'provisioning.quotas': 'vendor',
  'provisioning.limits': {
    dnsRecordWritesPerMinute: null,
    cloudRunDeploysPerMinute: null,
    databaseOperationsPerMinute: null,
  },
};

const refusedBy = (cloud: Cloud) =>
  cloud.operations().flatMap(({ operation, refusedByQuota }) => (refusedByQuota > 0 ? [operation] : []));

describe('a whole life of many companies at once', () => {
  it.each([
    ['cloudflareRequests', { 'quota.cloudflare.requests': 400 }],
    ['cloudRunReads', { 'quota.cloud-run.reads': 100 }],
    ['cloudRunWrites', { 'quota.cloud-run.writes': 30 }],
    ['secretManagerReads', { 'quota.secret-manager.reads': 100 }],
    ['secretManagerWrites', { 'quota.secret-manager.writes': 100 }],
    ['kmsReads', { 'quota.kms.reads': 60 }],
    ['kmsWrites', { 'quota.kms.writes': 30 }],
    ['atlasUserRequests', { 'quota.atlas.tokens.users': 40, 'quota.atlas.refill.users': 40 }],
  ])('is refused by no quota where %s are few, and waits for them', async (limit, facts) => {
    const waits: Record<string, number> = {};
    const ran = await runWorld(rolloutOf(20, { ...VENDOR, facts }), async ({ operations, companies }) => {
      const all = (change: (id: string) => Promise<{ state: string }>) =>
        Promise.all(companies.map(async ({ id }) => expect((await change(id)).state).toBe('done')));
      await all(id => operations.change(id, { kind: 'level', level: 'DIAMOND' }));
      await all(id => suspend(operations, id));
      await all(id => resume(operations, id));
      await all(id => operations.change(id, { kind: 'retargeting' }));
      await all(id => operations.change(id, { kind: 'healing', remedy: 'databaseAccess' }));
      await all(id => operations.change(id, { kind: 'healing', remedy: 'restart' }));
      for (const company of companies) await showCompany(operations, company);
      await all(id => decommission(operations, id));
      for (const { name, waitMs } of operations.counts()) waits[name] = waitMs;
    });
    expect(refusedBy(ran.cloud)).toEqual([]);
    expect(waits[limit]).toBeGreaterThan(MINUTE_MS);
    expect(ran.violations(ran.companies.map(({ id }) => id))).toEqual([]);
  });
});

it('a mass of companies that leave lets somebody else’s change through: they wait before they begin', async () => {
  const wide = {
    'quota.cloud-run.writes': 600,
    'quota.cloudflare.requests': 12_000,
    'quota.kms.writes': 600,
  };
  const facts = { 'quota.secret-manager.writes': 60, ...wide };
  const ran = await runWorld(
    rolloutOf(60, { ...VENDOR, facts }),
    async ({ operations, companies, clock }) => {
      const [one, ...others] = companies.map(({ id }) => id);
      const other = await openOperations(operations.ports, { ...operations.options, holder: 'another' });
      const leaving = others.map(id => decommission(operations, id));
      await clock.sleep(20_000);
      const beganAtMs = clock.nowMs();
      expect(await suspend(other, one)).toMatchObject({ state: 'done' });
      // Two secrets, each behind what may be promised; all of the others' would be 80.
      expect(clock.nowMs() - beganAtMs).toBeLessThan(60_000);
      for (const ended of await Promise.all(leaving)) expect(ended).toMatchObject({ state: 'done' });
    },
  );
  expect(refusedBy(ran.cloud)).toEqual([]);
});

it('a watch beside a rollout shares its limits, and watches each company as soon as it is ready', async () => {
  const firsts = new Map<string, number>();
  const facts = { 'quota.atlas.tokens.users': 60, 'quota.atlas.refill.users': 30 };
  let counts: WatchCounts | undefined;
  const ran = await runWorld(
    rolloutOf(40, { ...VENDOR, facts }),
    async () => {},
    [],
    async ({ operations, clock }) => {
      let servedAtMs = 0;
      counts = await watch(operations, {
        isOver: () => {
          if (servedAtMs === 0 && firsts.size === 40) servedAtMs = clock.nowMs();
          return servedAtMs > 0 && clock.nowMs() > servedAtMs + 10 * MINUTE_MS;
        },
        record: one => void (firsts.has(one.company) || firsts.set(one.company, one.atMs)),
        heals: true,
      });
    },
  );
  expect(refusedBy(ran.cloud)).toEqual([]);
  expect(counts).toMatchObject({ failed: 0, unknown: 0, dropped: 0, healings: 0 });
  for (const { company, event, atMs } of ran.stores.entries)
    if (event === 'ready')
      // A lap until it is known, and a minute until it is due.
      expect(firsts.get(ran.companies[company].id)! - atMs).toBeLessThan(91_000);
  expect(ran.violations()).toEqual([]);
});

type Watched = {
  readonly ran: Ran;
  readonly counts: WatchCounts;
  readonly checks: readonly CheckRecord[];
  readonly heals: readonly HealRecord[];
};

/** Room for as many users as there are companies. */
const ROOM = { 'quota.atlas.users': 900, 'quota.atlas.roles': 900 };

async function watched(
  companies: number,
  forMs: number,
  { facts, ...sets }: Sets,
  meanwhile: (world: World) => Promise<void> = async () => {},
): Promise<Watched> {
  const checks: CheckRecord[] = [];
  const heals: HealRecord[] = [];
  let counts: WatchCounts | undefined;
  const scenario = rolloutOf(companies, { ...VENDOR, ...sets, facts: { ...ROOM, ...(facts as object) } });
  const ran = await runWorld(scenario, async world => {
    const { operations, clock } = world;
    const untilMs = clock.nowMs() + forMs;
    const options = {
      isOver: () => clock.nowMs() >= untilMs,
      record: (record: CheckRecord | HealRecord) =>
        void ('remedy' in record ? heals.push(record) : checks.push(record)),
      heals: true,
    };
    [counts] = await Promise.all([watch(operations, options), meanwhile(world)]);
  });
  return { ran, counts: counts!, checks, heals };
}

/** Between two checks of one company, over all of them. */
function gapsOf(checks: readonly CheckRecord[], kind: CheckKind): number[] {
  const own = Map.groupBy(
    checks.filter(check => check.kind === kind),
    ({ company }) => company,
  );
  return [...own.values()].flatMap(all => all.slice(1).map(({ atMs }, i) => atMs - all[i].atMs));
}

describe('the monitor', () => {
  it('asks as often as the plan says where the vendors allow it, and is refused nowhere', async () => {
    const { ran, counts, checks } = await watched(200, 30 * MINUTE_MS, {});
    expect(refusedBy(ran.cloud)).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, unknown: 0, dropped: 0, heldBack: 0 });
    for (const gapMs of gapsOf(checks, 'database')) expect(Math.abs(gapMs - 5 * MINUTE_MS)).toBeLessThan(5);
    expect(counts.due.database).toBe(200 * 6);
  });

  it('asks less often where they do not, of everybody alike, and is still refused nowhere', async () => {
    // 40 calls a minute by the plan; the monitor may take half of not quite the 20 there are.
    const { ran, counts, checks } = await watched(200, 60 * MINUTE_MS, {
      facts: { 'quota.atlas.tokens.users': 40, 'quota.atlas.refill.users': 20 },
    });
    expect(refusedBy(ran.cloud)).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, unknown: 0, dropped: 0, heldBack: 0 });
    const gaps = gapsOf(checks, 'database');
    expect(gaps.length).toBeGreaterThanOrEqual(200);
    // A slot of the limiter is three seconds long.
    for (const gapMs of gaps) expect(Math.abs(gapMs - 20.5 * MINUTE_MS)).toBeLessThan(15_000);
    // What calls no vendor is not held up.
    for (const gapMs of gapsOf(checks, 'service')) expect(gapMs).toBeLessThanOrEqual(MINUTE_MS + 5);
  });

  it('and healer of a region that is down stay within the rates, and leave room for who must call', async () => {
    const all = Array.from({ length: 59 }, (_, i) => i);
    const { ran, counts, heals, checks } = await watched(
      60,
      60 * MINUTE_MS,
      {
        facts: { 'quota.cloudflare.requests': 100, 'quota.cloud-run.reads': 60 },
        'faults.rules': [
          {
            ...{ operation: 'companyService.health', verdict: 'refuse', status: 503, share: 1 },
            ...{ companies: all, fromMs: 20 * MINUTE_MS, untilMs: 50 * MINUTE_MS },
          },
        ],
      },
      async ({ operations, clock }) => {
        await clock.sleep(20 * MINUTE_MS);
        const beganAtMs = clock.nowMs();
        expect(await operations.change('c00059', { kind: 'retargeting' })).toMatchObject({ state: 'done' });
        expect(clock.nowMs() - beganAtMs).toBeLessThan(90_000);
      },
    );
    expect(refusedBy(ran.cloud)).toEqual([]);
    expect(counts.failed).toBeGreaterThan(59 * 10);
    expect(heals.some(({ cause }) => cause.includes('was not asked for'))).toBe(true);
    for (const { id } of ran.companies)
      expect(checks.findLast(({ company, kind }) => company === id && kind === 'service')?.state).toBe(
        'healthy',
      );
  });

  it('that is refused all the same asks nobody there before the moment that the vendor named', async () => {
    const { ran, counts } = await watched(100, 20 * MINUTE_MS, {
      'faults.rules': [
        {
          ...{ operation: 'atlas.databaseUsers.get', verdict: 'refuse', status: 429, share: 1 },
          ...{ retryAfterMs: 50_000, fromMs: 9 * MINUTE_MS, untilMs: 14 * MINUTE_MS },
        },
      ],
    });
    const asked = ran.sent.filter(({ method, url }) => method === 'GET' && url.includes('/databaseUsers/'));
    const refused = counts.unknown;
    // Twenty a minute would be asked in those five.
    expect(refused).toBeGreaterThan(2);
    expect(refused).toBeLessThan(15);
    expect(counts.heldBack).toBeGreaterThan(40);
    expect(asked.length).toBeGreaterThan(200);
    expect(counts.failed).toBe(0);
  });
});

describe('ten thousand companies at the plan’s intervals', () => {
  const intervals = (name: string, sets: Sets = {}) => {
    const scenario = scenarioOf(sets, name);
    const rates = vendorRatesOf(new FactValues('mid', scenario.facts), scenario.platform);
    return intervalsOf(companiesOf(scenario), scenario.platform, rates);
  };
  const databaseIn = (name: string) => intervals(name).find(({ kind }) => kind === 'database')!;

  it('are within the vendors’ rates where they are placed to fit', () => {
    const database = databaseIn('rollout-vendor');
    expect(database).toMatchObject({ limit: 'atlasUserRequests', ownPerMinute: 245, everyMs: 300_000 });
    expect(database.askedPerMinute).toBeCloseTo(800 / 5, 6);
    expect(stretchesOf(intervals('rollout-vendor'))).toEqual({ service: 1, database: 1, certificate: 1 });
  });

  it('are not in one Atlas project a region: their users can be looked at every sixteen minutes and a half', () => {
    expect(databaseIn('rollout-10000')).toMatchObject({
      scope: '65f1c0a4b7d2e3f40a1b2c01',
      askedPerMinute: expect.closeTo(800, 6),
      allowedPerMinute: 490,
      everyMs: 16.5 * MINUTE_MS,
    });
  });

  it('have their certificates looked at within what Cloudflare allows', () => {
    const [certificate] = intervals('rollout-10000').filter(({ kind }) => kind === 'certificate');
    expect(certificate.askedPerMinute).toBeCloseTo(10_000 / 1440, 6);
    expect(certificate.everyMs).toBe(certificate.planMs);
    expect(certificate.ownPerMinute).toBeGreaterThan(100);
  });

  it('ask no vendor for their services: those are their own', () => {
    expect(intervals('rollout-10000').map(({ kind }) => kind)).toEqual(['database', 'certificate']);
  });
});
