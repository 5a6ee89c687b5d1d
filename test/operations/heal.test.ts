// The monitor and the healer against clouds that somebody breaks: what was broken is mended, by the right remedy, and
// what cannot be mended is said. The ledger is the truth.

import { describe, expect, it } from 'vitest';
import { liveResources } from '../../fakes/ledger.ts';
import type { CheckRecord } from '../../src/operations/check.ts';
import { decommission } from '../../src/operations/decommission.ts';
import type { HealRecord } from '../../src/operations/heal.ts';
import { type WatchCounts, watch } from '../../src/operations/watch.ts';
import { rolloutOf, type Sets } from '../simulator/harness.ts';
import { type Ran, runWorld, type World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BROKEN = 'c00003';
const ZONE = 'https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353';
const RUN = 'https://run.googleapis.com/v2/projects/sandtable-platform/locations/us-west1/services';
const GROUP = 'https://cloud.mongodb.com/api/atlas/v2/groups/65f1c0a4b7d2e3f40a1b2c01';

type Watched = {
  readonly ran: Ran;
  readonly counts: WatchCounts;
  readonly checks: readonly CheckRecord[];
  readonly heals: readonly HealRecord[];
};

const isHeal = (record: CheckRecord | HealRecord): record is HealRecord => 'remedy' in record;

/** Twenty companies, watched for so long; `meanwhile` goes on beside the watch. */
async function watched(
  forMs: number,
  meanwhile: (world: World) => Promise<void> | void,
  sets: Sets = {},
  heals = true,
): Promise<Watched> {
  const records: (CheckRecord | HealRecord)[] = [];
  let counts: WatchCounts | undefined;
  const ran = await runWorld(rolloutOf(20, sets), async world => {
    const { operations, clock } = world;
    const untilMs = clock.nowMs() + forMs;
    const isOver = () => clock.nowMs() >= untilMs;
    const options = {
      isOver,
      record: (record: CheckRecord | HealRecord) => void records.push(record),
      heals,
    };
    [counts] = await Promise.all([watch(operations, options), meanwhile(world)]);
  });
  const checks = records.filter(record => !isHeal(record)) as CheckRecord[];
  return { ran, counts: counts!, checks, heals: records.filter(isHeal) };
}

/** The only id of the zone's list under the company's name. */
function idIn({ meddle }: World, collection: string, filter: string): string {
  const { body } = meddle('GET', `${ZONE}/${collection}?${filter}=${BROKEN}.mcp.asoos.2100.cool`);
  return (body as { result: { id: string }[] }).result[0].id;
}

const liveOf = ({ cloud }: Ran, kind: string) =>
  liveResources(cloud.ledger.entries).filter(one => one.kind === kind && one.company === BROKEN);

describe('companies that are well', () => {
  it('are only looked at: no effect, no failure, the plan’s number of checks', async () => {
    let effects = 0;
    const { ran, counts, checks } = await watched(HOUR_MS, ({ cloud }) => {
      effects = cloud.ledger.entries.length;
    });
    expect(ran.cloud.ledger.entries).toHaveLength(effects);
    expect(counts).toMatchObject({ failed: 0, unknown: 0, dropped: 0, healings: 0, alerts: 0 });
    const diamonds = ran.companies.filter(({ level }) => level === 'DIAMOND').length;
    const of = (kind: string) => checks.filter(check => check.kind === kind).length;
    expect(of('service')).toBe(diamonds * 120 + (20 - diamonds) * 60);
    expect(of('database')).toBe(20 * 12);
  });

  it('are left alone once they are decommissioned', async () => {
    const { ran, counts, checks } = await watched(30 * MINUTE_MS, async ({ operations, clock }) => {
      await clock.sleep(10 * MINUTE_MS);
      await decommission(operations, BROKEN);
    });
    expect(counts).toMatchObject({ failed: 0, healings: 0, alerts: 0 });
    const last = checks.findLast(({ company }) => company === BROKEN)!;
    const removed = ran.cloud.ledger.entries.find(
      ({ company, effect, kind }) => company === BROKEN && effect === 'deleted' && kind === 'certificate',
    )!;
    expect(last.atMs).toBeLessThan(removed.atMs);
    expect(ran.violations([BROKEN])).toEqual([]);
  });
});

type Case = readonly [
  name: string,
  remedy: string,
  symptom: string,
  kind: string,
  broken: (world: World) => { readonly status: number },
];

describe('what somebody takes away', () => {
  it.each<Case>([
    [
      'the DNS record',
      'dnsRecord',
      'service',
      'dnsRecord',
      world => world.meddle('DELETE', `${ZONE}/dns_records/${idIn(world, 'dns_records', 'name.exact')}`),
    ],
    [
      'the custom hostname and its certificate',
      'certificate',
      'service',
      'certificate',
      world =>
        world.meddle(
          'DELETE',
          `${ZONE}/custom_hostnames/${idIn(world, 'custom_hostnames', 'hostname.exact')}`,
        ),
    ],
    [
      'the database user',
      'databaseUser',
      'database',
      'databaseUser',
      ({ meddle }) => meddle('DELETE', `${GROUP}/databaseUsers/admin/${BROKEN}`),
    ],
    ['the service', 'service', 'service', 'service', ({ meddle }) => meddle('DELETE', `${RUN}/${BROKEN}`)],
    [
      'the role of the database user',
      'databaseAccess',
      'database',
      'databaseUser',
      ({ meddle }) =>
        meddle('PATCH', `${GROUP}/databaseUsers/admin/${BROKEN}`, {
          roles: [{ databaseName: 'elsewhere', roleName: 'read' }],
        }),
    ],
  ])('%s comes back by %s', async (_, remedy, symptom, kind, broken) => {
    let brokenAtMs = 0;
    const { ran, heals, counts } = await watched(20 * MINUTE_MS, async world => {
      await world.clock.sleep(5 * MINUTE_MS);
      brokenAtMs = world.clock.nowMs();
      expect(broken(world).status).toBeLessThan(300);
    });
    expect(heals).toEqual([expect.objectContaining({ company: BROKEN, outcome: 'mended', remedy, symptom })]);
    expect(counts).toMatchObject({ healings: 1, alerts: 0 });
    const [live] = liveOf(ran, kind);
    expect(live.atMs).toBeGreaterThan(brokenAtMs);
    expect(live.atMs - brokenAtMs).toBeLessThan(6 * MINUTE_MS);
    expect(ran.violations()).toEqual([]);
  });

  it('and was made again is removed with the company: nothing is left under the new id', async () => {
    const { ran } = await watched(20 * MINUTE_MS, async world => {
      expect(
        world.meddle('DELETE', `${ZONE}/dns_records/${idIn(world, 'dns_records', 'name.exact')}`).status,
      ).toBe(200);
      await world.clock.sleep(15 * MINUTE_MS);
      expect(await decommission(world.operations, BROKEN)).toMatchObject({ state: 'done' });
    });
    expect(ran.violations([BROKEN])).toEqual([]);
  });

  it('stays away when the watch only looks', async () => {
    const { ran, counts } = await watched(
      20 * MINUTE_MS,
      ({ meddle }) => void meddle('DELETE', `${GROUP}/databaseUsers/admin/${BROKEN}`),
      {},
      false,
    );
    expect(liveOf(ran, 'databaseUser')).toEqual([]);
    expect(counts.failed).toBe(4);
    expect(counts.healings).toBe(0);
  });
});

describe('a name that somebody turned elsewhere', () => {
  const turned = (fields: object) => async (world: World) => {
    await world.clock.sleep(5 * MINUTE_MS);
    const id = idIn(world, 'dns_records', 'name.exact');
    expect(world.meddle('PATCH', `${ZONE}/dns_records/${id}`, fields).status).toBe(200);
  };

  it.each([
    ['to another host', { content: 'elsewhere.example.com' }],
    ['past the edge, so that no certificate covers it', { proxied: false }],
  ])('%s is turned back, and answers again', async (_, fields) => {
    const { ran, heals, checks } = await watched(20 * MINUTE_MS, turned(fields));
    expect(heals).toEqual([expect.objectContaining({ outcome: 'mended', remedy: 'dnsTarget' })]);
    const [{ detail }] = liveOf(ran, 'dnsRecord');
    expect(detail).toMatch(/^c00003-\w+-uw\.a\.run\.app proxied$/);
    expect(checks.findLast(({ company }) => company === BROKEN)?.state).toBe('healthy');
    expect(ran.violations()).toEqual([]);
  });
});

it('a name that is on its way through the world is waited for: no remedy would bring it sooner', async () => {
  const { heals, counts, checks } = await watched(
    40 * MINUTE_MS,
    async world => {
      await world.clock.sleep(10 * MINUTE_MS);
      const url = `${ZONE}/dns_records`;
      const id = idIn(world, 'dns_records', 'name.exact');
      const { body } = world.meddle('GET', `${url}/${id}`);
      const { type, name, content, ttl, proxied, comment } = (body as { result: Record<string, unknown> })
        .result;
      world.meddle('DELETE', `${url}/${id}`);
      await world.clock.sleep(12 * MINUTE_MS);
      world.meddle('POST', url, { type, name, content, ttl, proxied, comment });
    },
    {
      // The healer's own record is as long on its way.
      facts: { 'lat.cloudflare.propagation': 4 * MINUTE_MS },
      'faults.rules': [
        {
          ...{ operation: 'cloudflare.dnsRecords.create', verdict: 'refuse', status: 503, share: 1 },
          ...{ companies: [3], fromMs: 5 * MINUTE_MS },
        },
      ],
    },
  );
  expect(heals.filter(({ outcome }) => outcome === 'waiting').length).toBeGreaterThanOrEqual(1);
  expect(heals.map(({ remedy }) => remedy)).not.toContain('restart');
  expect(checks.findLast(({ company, kind }) => company === BROKEN && kind === 'service')?.state).toBe(
    'healthy',
  );
  expect(counts.healings).toBeLessThanOrEqual(2);
});

it('a check that is answered while its company is being changed says nothing of it', async () => {
  const heard: number[] = [];
  let changedAtMs = Number.POSITIVE_INFINITY;
  const slow = { operation: 'companyService.health', verdict: 'delayAnswer', delayMs: 8000, share: 1 };
  await runWorld(
    rolloutOf(4, { 'faults.rules': [{ ...slow, companies: [3], fromMs: 10 * MINUTE_MS }] }),
    async ({ operations, clock }) => {
      const untilMs = clock.nowMs() + 30 * MINUTE_MS;
      const watching = watch(operations, {
        isOver: () => clock.nowMs() >= untilMs,
        record: ({ company }) => void (company === BROKEN && heard.push(clock.nowMs())),
        heals: true,
      });
      for (let n = 0; n < 20; n++) {
        await clock.sleep(61_300);
        changedAtMs = Math.min(changedAtMs, clock.nowMs());
        const level = n % 2 === 0 ? 'OPAL' : 'SAPPHIRE';
        const beganAtMs = clock.nowMs();
        await operations.change(BROKEN, { kind: 'level', level });
        const endedAtMs = clock.nowMs();
        expect(heard.filter(atMs => atMs > beganAtMs && atMs < endedAtMs)).toEqual([]);
      }
      await watching;
    },
  );
  expect(heard.length).toBeGreaterThan(5);
});

describe('a service that fails though nothing is wrong with it', () => {
  const ailing = (untilMs: number): Sets => ({
    'faults.rules': [
      {
        ...{ operation: 'companyService.health', verdict: 'refuse', status: 500, share: 1, companies: [3] },
        ...{ fromMs: 10 * MINUTE_MS, untilMs },
      },
    ],
  });
  const restarts = ({ cloud }: Ran) =>
    cloud.ledger.entries.filter(
      ({ kind, effect, company }) => kind === 'service' && effect === 'changed' && company === BROKEN,
    );

  it('is started anew, as a new revision', async () => {
    const { ran, heals, counts } = await watched(40 * MINUTE_MS, () => {}, ailing(14 * MINUTE_MS));
    expect(heals).toEqual([
      expect.objectContaining({
        ...{ outcome: 'mended', remedy: 'restart', cause: 'nothing else is wrong with it' },
      }),
    ]);
    expect(restarts(ran)).toHaveLength(1);
    expect(counts).toMatchObject({ healings: 1, alerts: 0 });
  });

  it('and goes on failing is started three times in an hour and no more, and one alert says so', async () => {
    const { ran, heals, counts } = await watched(70 * MINUTE_MS, () => {}, ailing(200 * MINUTE_MS));
    expect(restarts(ran).length).toBe(3);
    const alerts = ran.logged.filter(({ event }) => event === 'alert');
    expect(alerts.length).toBeGreaterThanOrEqual(1);
    expect(alerts[0]).toMatchObject({ company: BROKEN, symptom: 'service' });
    expect(alerts.length).toBe(counts.alerts);
    expect(heals.filter(({ outcome }) => outcome === 'alert').length).toBe(counts.alerts);
    expect(counts.alerts).toBeLessThanOrEqual(3);
  });

  it('for two checks in a row, and then no more, is left alone', async () => {
    const { ran, counts } = await watched(30 * MINUTE_MS, () => {}, ailing(12 * MINUTE_MS));
    expect(counts.failed).toBeGreaterThanOrEqual(2);
    expect(counts).toMatchObject({ healings: 0, alerts: 0 });
    expect(restarts(ran)).toEqual([]);
  });

  it('whose vendor cannot be asked is not touched: nobody knows what is wrong', async () => {
    const [ail] = ailing(200 * MINUTE_MS)['faults.rules'] as object[];
    const silent = { operation: 'cloudRun.services.get', verdict: 'refuse', status: 503, share: 1 };
    const { ran, counts } = await watched(30 * MINUTE_MS, () => {}, {
      'faults.rules': [ail, { ...silent, fromMs: 10 * MINUTE_MS, untilMs: 200 * MINUTE_MS }],
    });
    expect(restarts(ran)).toEqual([]);
    expect(counts).toMatchObject({ healings: 0, alerts: 0 });
    expect(counts.failed).toBeGreaterThan(10);
  });
});

describe('a certificate', () => {
  const DAY_MS = 24 * HOUR_MS;
  /** They last sixteen days, so that they are due for renewal after one. */
  const scenario = rolloutOf(3, { facts: { 'cloudflare.certificate.validity': 16 } });
  const expiryOf = ({ meddle }: World, id: string): string => {
    const { body } = meddle('GET', `${ZONE}/custom_hostnames?hostname.exact=${id}.mcp.asoos.2100.cool`);
    return (body as { result: { ssl: { expires_on: string } }[] }).result[0].ssl.expires_on;
  };

  it('is renewed before it ends, of every company, and nobody notices', async () => {
    const heals: HealRecord[] = [];
    const ran = await runWorld(scenario, async world => {
      const { operations, clock } = world;
      const untilMs = clock.nowMs() + 2.5 * DAY_MS;
      const before = world.companies.map(({ id }) => expiryOf(world, id));
      const counts = await watch(operations, {
        isOver: () => clock.nowMs() >= untilMs,
        record: record => void (isHeal(record) && heals.push(record)),
        heals: true,
      });
      // Each check of a certificate that ends too soon, and nothing else, has failed.
      expect(counts.failed).toBe(counts.healings);
      for (const [i, { id }] of world.companies.entries())
        expect(Date.parse(expiryOf(world, id)) - Date.parse(before[i])).toBeGreaterThan(DAY_MS);
    });
    expect(heals.length).toBeGreaterThanOrEqual(3);
    expect(new Set(heals.map(({ company }) => company)).size).toBe(3);
    for (const heal of heals)
      expect(heal).toMatchObject({ outcome: 'mended', remedy: 'renewal', symptom: 'certificate' });
    expect(ran.violations()).toEqual([]);
  });

  it('that has ended is renewed, and the company answers again', async () => {
    const heals: HealRecord[] = [];
    const checks: CheckRecord[] = [];
    const ran = await runWorld(scenario, async world => {
      const { operations, clock, meddle } = world;
      await clock.sleep(17 * DAY_MS);
      expect(meddle('GET', 'https://c00001.mcp.asoos.2100.cool/health').status).toBe(526);
      const untilMs = clock.nowMs() + 20 * MINUTE_MS;
      await watch(operations, {
        isOver: () => clock.nowMs() >= untilMs,
        record: record => void (isHeal(record) ? heals.push(record) : checks.push(record)),
        heals: true,
      });
      expect(meddle('GET', 'https://c00001.mcp.asoos.2100.cool/health').status).toBe(200);
    });
    const renewed = heals.filter(({ remedy }) => remedy === 'renewal');
    expect(renewed.map(({ company }) => company).sort()).toEqual(['c00000', 'c00001', 'c00002']);
    expect(checks.slice(-3).map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
    expect(ran.violations()).toEqual([]);
  });
});

it('many companies broken in different ways at once, with clouds that are sick, are all mended', async () => {
  const nameOf = (id: string) => `${id}.mcp.asoos.2100.cool`;
  const storm = async ({ meddle, clock }: World) => {
    await clock.sleep(3 * MINUTE_MS);
    const idOf = (collection: string, filter: string, id: string): string => {
      const { body } = meddle('GET', `${ZONE}/${collection}?${filter}=${nameOf(id)}`);
      return (body as { result: { id: string }[] }).result[0].id;
    };
    const breaks = [
      meddle('DELETE', `${ZONE}/dns_records/${idOf('dns_records', 'name.exact', 'c00001')}`),
      meddle('PATCH', `${ZONE}/dns_records/${idOf('dns_records', 'name.exact', 'c00002')}`, {
        proxied: false,
      }),
      meddle('DELETE', `${ZONE}/custom_hostnames/${idOf('custom_hostnames', 'hostname.exact', 'c00004')}`),
      meddle('DELETE', `${GROUP}/databaseUsers/admin/c00005`),
      meddle('DELETE', `${RUN}/c00006`),
      meddle('PATCH', `${RUN}/c00007?updateMask=ingress`, { ingress: 'INGRESS_TRAFFIC_NONE' }),
    ];
    for (const { status } of breaks) expect(status).toBeLessThan(300);
  };
  const { ran, heals, checks } = await watched(60 * MINUTE_MS, storm, {
    'faults.rules': [
      { operation: 'cloudRun.*', verdict: 'loseAnswer', share: 0.1, companies: [1, 2, 4, 5, 6, 7] },
      { operation: 'atlas.*', verdict: 'refuse', status: 500, share: 0.1, companies: [1, 2, 4, 5, 6, 7] },
      { operation: 'cloudflare.dnsRecords.*', verdict: 'loseAnswer', share: 0.1, companies: [1, 2, 4] },
    ],
  });
  const mended = heals.filter(({ outcome }) => outcome === 'mended').map(({ company }) => company);
  expect([...new Set(mended)].sort()).toEqual(['c00001', 'c00002', 'c00004', 'c00005', 'c00006', 'c00007']);
  expect(ran.violations()).toEqual([]);
  for (const { id } of ran.companies)
    expect(checks.findLast(({ company, kind }) => company === id && kind === 'service')?.state).toBe(
      'healthy',
    );
});

it('under a wildcard a company has no name of its own: none is made, its service is, and it leaves whole', async () => {
  const { ran, heals, counts } = await watched(
    30 * MINUTE_MS,
    async ({ operations, meddle, clock }) => {
      expect(meddle('DELETE', `${RUN}/${BROKEN}`).status).toBe(200);
      await clock.sleep(15 * MINUTE_MS);
      expect(await decommission(operations, 'c00002')).toMatchObject({ state: 'done' });
    },
    { 'platform.dns': 'wildcard' },
  );
  expect(heals).toEqual([expect.objectContaining({ outcome: 'mended', remedy: 'service' })]);
  expect(counts.alerts).toBe(0);
  expect(ran.cloud.ledger.entries.filter(({ kind }) => kind === 'dnsRecord')).toEqual([]);
  expect(ran.violations(['c00002'])).toEqual([]);
});

it('a record made by a healing that failed is removed with the company, though nobody heard of its id', async () => {
  const window = { companies: [1], fromMs: 10 * MINUTE_MS, untilMs: 60 * MINUTE_MS };
  const scenario = rolloutOf(2, {
    'faults.rules': [
      { operation: 'cloudflare.dnsRecords.create', verdict: 'loseAnswer', share: 1, ...window },
      { operation: 'cloudflare.dnsRecords.list', verdict: 'refuse', status: 503, share: 1, ...window },
    ],
  });
  const ran = await runWorld(scenario, async ({ operations, meddle, clock, cloud }) => {
    const { body } = meddle('GET', `${ZONE}/dns_records?name.exact=c00001.mcp.asoos.2100.cool`);
    const [{ id }] = (body as { result: { id: string }[] }).result;
    await clock.sleep(11 * MINUTE_MS);
    meddle('DELETE', `${ZONE}/dns_records/${id}`);
    expect(await operations.change('c00001', { kind: 'healing', remedy: 'dnsRecord' })).toMatchObject({
      state: 'failed',
    });
    expect(
      liveResources(cloud.ledger.entries).filter(
        ({ kind, company }) => kind === 'dnsRecord' && company === 'c00001',
      ),
    ).toHaveLength(1);
    await clock.sleep(60 * MINUTE_MS);
    expect(await decommission(operations, 'c00001')).toMatchObject({ state: 'done' });
  });
  expect(ran.violations(['c00001'])).toEqual([]);
});

it('a healing that the process dies in is ended by the next one, with the same result', async () => {
  const scenario = rolloutOf(2);
  const target = 'c00001';
  const program = async ({ operations, meddle, cloud }: World) => {
    const records = () => cloud.ledger.entries.filter(({ kind }) => kind === 'dnsRecord');
    if (!records().some(({ effect }) => effect === 'deleted')) {
      const { body } = meddle('GET', `${ZONE}/dns_records?name.exact=${target}.mcp.asoos.2100.cool`);
      const [{ id }] = (body as { result: { id: string }[] }).result;
      meddle('DELETE', `${ZONE}/dns_records/${id}`);
    }
    for (const { state } of await operations.takeUp()) expect(state).toBe('done');
    const isThere = liveResources(records()).some(({ company }) => company === target);
    if (!isThere && operations.serving(target) !== undefined)
      expect(await operations.change(target, { kind: 'healing', remedy: 'dnsRecord' })).toMatchObject({
        state: 'done',
      });
    // Under whichever id it is now, it goes with the company.
    expect(await decommission(operations, target)).toMatchObject({ state: 'done' });
  };
  const undisturbed = await runWorld(scenario, program);
  expect(undisturbed.violations([target])).toEqual([]);
  for (let event = undisturbed.began; event < undisturbed.events; event++) {
    const ran = await runWorld(scenario, program, [event]);
    expect(ran.violations([target]), `a crash before event ${event}`).toEqual([]);
  }
});
