// The bill, against sums that a reader can follow on paper. The scenarios here have a flat day unless a test is about it.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type AtlasNeeds, atlasSizeOf } from '../../reports/atlasSize.ts';
import { checksPerMinute } from '../../reports/checkCost.ts';
import { COST_FACTS, costOf } from '../../reports/cost.ts';
import { ATLAS_TIERS, costFactsOf } from '../../reports/costFacts.ts';
import type { FleetMeasurement, TrafficCell, TrafficMeasurement } from '../../reports/measurement.ts';
import { DAYS_PER_MONTH, HOURS_PER_MONTH, monthOf } from '../../reports/month.ts';
import type { CostReport } from '../../reports/report.ts';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import type { Scenario, ScenarioTraffic } from '../../scenarios/scenario.ts';
import { periodMsOf } from '../../src/operations/schedule.ts';
import { planOf } from '../../src/provisioning/plan.ts';

const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600;
const GIB = 2 ** 30;
const facts = new FactValues('mid', {});
const factValue = (id: string): number => facts.get(id).value;

const peakHour: Scenario = JSON.parse(
  readFileSync(new URL('../../scenarios/peak-hour.json', import.meta.url), 'utf8'),
);

type ScenarioOptions = {
  readonly companies?: number;
  readonly advanced?: number;
  readonly agents?: number;
  /** One region, at UTC, when absent. */
  readonly regions?: Readonly<Record<string, { companies: number; utcOffsetHours: number }>>;
  readonly traffic?: Partial<ScenarioTraffic>;
  /** Instances of a company's own service that are kept, by level. */
  readonly kept?: Readonly<Record<string, number>>;
};

const one = (companies: number) => ({ 'us-west1': { companies, utcOffsetHours: 0 } });

function scenarioOf(options: ScenarioOptions = {}): Scenario {
  const {
    companies = 10,
    advanced = 0,
    agents = 1000,
    regions = one(companies),
    traffic = {},
    kept = {},
  } = options;
  const [platform] = Object.values(peakHour.platform.regions);
  const regionsOf = <T>(pick: (region: { companies: number; utcOffsetHours: number }) => T) =>
    Object.fromEntries(Object.entries(regions).map(([name, region]) => [name, pick(region)]));
  return {
    ...peakHour,
    population: {
      ...peakHour.population,
      companies,
      advanced,
      agents,
      agentsSpread: 0,
      regions: regionsOf(region => region.companies),
    },
    platform: {
      ...peakHour.platform,
      regions: regionsOf(({ utcOffsetHours }) => ({ ...platform, utcOffsetHours })),
      security: {
        ...peakHour.platform.security,
        levels: Object.fromEntries(
          Object.entries(peakHour.platform.security.levels).map(([name, level]) => [
            name,
            name in kept ? { ...level, serviceInstances: { min: kept[name], max: 100 } } : level,
          ]),
        ),
      },
      gateway: { ...peakHour.platform.gateway, vcpu: 2, memoryGiB: 4, instancesMin: 5, instancesMax: 500 },
    },
    traffic: {
      ...peakHour.traffic!,
      startHourUtc: 12,
      duration: '1h',
      profile: Array.from({ length: 24 }, () => 1),
      ...traffic,
    },
  };
}

type MeasurementOptions = {
  readonly measuredMs?: number;
  readonly times?: number;
  readonly instances?: Readonly<Record<string, number>>;
};

const NOTHING = { requests: 0, errors: 0, refused: 0, responseMs: [] };

/** Of an hour at full size: 36,000,000 requests, `times` over. */
function trafficOf(options: MeasurementOptions = {}): TrafficMeasurement {
  const { measuredMs = 3_600_000, times = 1, instances = { 'us-west1': 20 } } = options;
  const seconds = measuredMs / 1000;
  const requests = 10_000 * seconds * times;
  const cell = (level: string, kind: string, share: number): TrafficCell => ({
    ...NOTHING,
    region: 'us-west1',
    level,
    kind,
    requests: requests * share,
  });
  const fleets = Object.entries(instances).map(
    ([region, instancesMean]): FleetMeasurement => ({
      region,
      instancesMean,
      instancesMax: instancesMean,
      coldStarts: 0,
      cpuUtilisation: 0.6,
      concurrencyMax: 100,
    }),
  );
  const running = fleets.reduce((total, { instancesMean }) => total + instancesMean, 0);
  return {
    measuredMs,
    sampledShare: seconds / 3600,
    cells: [
      cell('DIAMOND', 'tools/call', 0.4),
      cell('ONYX', 'tools/call', 0.4),
      cell('ONYX', 'tools/list', 0.2),
      { ...cell('ONYX', 'tools/call', 0.1), refused: requests * 0.1 },
    ],
    withinQuota: 0,
    servedWithinQuota: 0,
    fleets,
    waits: [],
    usage: {
      gatewayInstanceSeconds: running * seconds,
      serviceInstanceSeconds: 1000 * seconds * times,
      gatewayRequests: requests,
      serviceRequests: requests,
      cacheTrips: requests,
      recordReads: 0,
      auditBytes: 400 * requests,
      egressBytes: 3000 * requests,
    },
    counts: {
      due: 0,
      sent: 0,
      edgeHits: 0,
      handled: 0,
      answered: 0,
      forwarded: 0,
      ledger: 0,
      audited: 0,
    },
    waitsPerRequest: 0,
    latenessMs: [],
    violations: [],
  };
}

const line = ({ lines }: CostReport, item: string) => lines.find(line => line.item === item)!;
const usd = (report: CostReport, item: string): number => line(report, item).usdPerMonth;
const bill = (options: ScenarioOptions = {}, measured: MeasurementOptions = {}, value = factValue) =>
  costOf(scenarioOf(options), trafficOf(measured), value);

describe('the bill', () => {
  it('is the sum of its lines, split over the companies', () => {
    const report = bill({ companies: 40 });
    const total = report.lines.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0);
    expect(report.perCompanyUsdMonth * 40).toBeCloseTo(total, 6);
    expect(total).toBeGreaterThan(1000);
  });

  it('has a name, a usage and a price of the catalogue on every line, and no line twice', () => {
    const { lines, unpriced, extrapolation } = bill();
    const prices = new Set(FACTS.map(({ id }) => id).filter(id => id.startsWith('price.')));
    expect(lines.filter(({ fact, usage }) => !prices.has(fact) || usage === '')).toEqual([]);
    expect(new Set(lines.map(({ item }) => item)).size).toBe(lines.length);
    expect(lines.map(({ label }) => label)).toEqual(lines.map(() => 'modelled'));
    expect(unpriced).toContain('Cloudflare Load Balancing');
    expect(extrapolation).toContain('30.4 days');
  });

  it('pays for companies’ services by the seconds in which they had a request, at the request-based price', () => {
    const report = bill();
    const seconds = 1000 * SECONDS_PER_MONTH;
    expect(usd(report, 'Cloud Run companies’ services: vCPU')).toBeCloseTo(seconds * 2 * 0.000024, 4);
    expect(usd(report, 'Cloud Run companies’ services: memory')).toBeCloseTo(seconds * 4 * 0.0000025, 4);
    const millions = (10_000 * SECONDS_PER_MONTH) / 1e6;
    expect(usd(report, 'Cloud Run companies’ services: requests')).toBeCloseTo(millions * 0.4, 4);
  });

  it('takes a sample of the time for all of it', () => {
    const sampled = bill({}, { measuredMs: 12_000 });
    const whole = bill();
    expect(sampled.perCompanyUsdMonth).toBeCloseTo(whole.perCompanyUsdMonth, 6);
  });

  it('doubles what is shared with twice the traffic, and leaves what is fixed', () => {
    const once = bill();
    const twice = bill({}, { times: 2, instances: { 'us-west1': 40 } });
    // These have an allowance, tiers or a minimum, and tests of their own.
    const uneven = /^(Cloud Logging|Egress|Cloud Run gateways)/;
    const shared = once.lines.filter(({ kind, item }) => kind === 'shared' && !uneven.test(item));
    expect(shared.length).toBeGreaterThanOrEqual(7);
    for (const { item, usdPerMonth } of shared) {
      expect(usdPerMonth, item).toBeGreaterThan(0);
      expect(usd(twice, item), item).toBeCloseTo(2 * usdPerMonth, 6);
    }
    const fixed = once.lines.filter(({ kind }) => kind === 'fixed');
    expect(fixed.length).toBeGreaterThanOrEqual(5);
    for (const { item, usdPerMonth } of fixed) expect(usd(twice, item), item).toBe(usdPerMonth);
  });

  it('charges each company alike for what each company has', () => {
    const ten = bill({ companies: 10, advanced: 2 });
    expect(usd(ten, 'Secret Manager: versions')).toBeCloseTo((8 * 2 + 2 * 4) * 0.06, 9);
    const starts = 24 * DAYS_PER_MONTH;
    expect(usd(ten, 'Secret Manager: accesses')).toBeCloseTo(((24 * starts) / 1e4) * 0.03, 9);
    expect(usd(ten, 'Cloud KMS: key versions')).toBeCloseTo(10 * 0.06, 9);
    expect(usd(ten, 'Cloud KMS: operations')).toBeCloseTo(((10 * starts) / 1e4) * 0.03, 9);
    expect(usd(ten, 'Cloudflare: custom hostnames')).toBe(0);
    expect(usd(bill({ companies: 250 }), 'Cloudflare: custom hostnames')).toBeCloseTo(150 * 0.1, 9);
  });

  it('counts the secrets that the provisioner makes', () => {
    const secretsOf = (configuration: 'basic' | 'advanced') => {
      const company = {
        ...{ index: 0, id: 'c00000', region: 'us-west1', ordinal: 0, level: 'ONYX', industry: 'retail' },
        configuration,
        hostname: 'c00000.example.com',
      };
      return planOf(company, 3).filter(({ kind }) => kind === 'secretVersion').length;
    };
    const versionsOf = (advanced: number) =>
      usd(bill({ companies: 1, advanced }), 'Secret Manager: versions') / factValue('price.secret.version');
    expect(versionsOf(0)).toBeCloseTo(secretsOf('basic'), 9);
    expect(versionsOf(1)).toBeCloseTo(secretsOf('advanced'), 9);
  });

  it('charges egress by tier, and leaves out the tiers that the month does not reach', () => {
    const gibAt = (times: number) => (30_000_000 * times * SECONDS_PER_MONTH) / GIB;
    const large = bill();
    expect(gibAt(1)).toBeGreaterThan(10_240);
    expect(usd(large, 'Egress to the edge: first TiB')).toBeCloseTo(1024 * 0.12, 6);
    expect(usd(large, 'Egress to the edge: 2nd to 10th TiB')).toBeCloseTo(9216 * 0.11, 6);
    expect(usd(large, 'Egress to the edge: above 10 TiB')).toBeCloseTo((gibAt(1) - 10_240) * 0.085, 4);
    const small = bill({}, { times: 0.02 });
    expect(usd(small, 'Egress to the edge: 2nd to 10th TiB')).toBeCloseTo((gibAt(0.02) - 1024) * 0.11, 4);
    expect(line(small, 'Egress to the edge: above 10 TiB')).toBeUndefined();
    expect(bill({}, { times: 0 }).lines.filter(({ item }) => item.startsWith('Egress'))).toEqual([]);
  });

  it('charges for logs only above what is free', () => {
    const gibAt = (times: number) => (4_000_000 * times * SECONDS_PER_MONTH) / GIB;
    expect(usd(bill(), 'Cloud Logging: audit trails')).toBeCloseTo((gibAt(1) - 50) * 0.5, 4);
    expect(gibAt(0.005)).toBeLessThan(50);
    expect(usd(bill({}, { times: 0.005 }), 'Cloud Logging: audit trails')).toBe(0);
  });

  it('tops Pinecone up to its monthly minimum, and no further', () => {
    const idle = bill({}, { times: 0 });
    const storage = ((1000 * 5 * 4600) / 1e9) * 0.33;
    expect(usd(idle, 'Pinecone: storage')).toBeCloseTo(storage, 9);
    expect(usd(idle, 'Pinecone: rest of the monthly minimum')).toBeCloseTo(50 - storage, 9);
    const busy = bill();
    const calls = 8000 * SECONDS_PER_MONTH;
    expect(usd(busy, 'Pinecone: read units')).toBeCloseTo(((calls * 0.1 * 0.25) / 1e6) * 16, 4);
    expect(usd(busy, 'Pinecone: write units')).toBeCloseTo(((calls * 0.02 * 4.6) / 1e6) * 4, 4);
    expect(usd(busy, 'Pinecone: rest of the monthly minimum')).toBe(0);
  });

  it('charges a query by the size of its company’s namespace', () => {
    // 200,000 agents × 5 vectors × 4,600 bytes: 4.6 GB a company.
    const report = bill({ companies: 10, agents: 2_000_000 });
    expect(usd(report, 'Pinecone: read units')).toBeCloseTo(
      ((8000 * SECONDS_PER_MONTH * 0.1 * 4.6) / 1e6) * 16,
      3,
    );
  });

  it('charges Firestore for what companies’ services read, write and keep', () => {
    const report = bill();
    const calls = 10_000 * SECONDS_PER_MONTH;
    expect(usd(report, 'Firestore: reads')).toBeCloseTo(((calls * 0.2) / 1e5) * 0.06, 4);
    expect(usd(report, 'Firestore: writes')).toBeCloseTo(((calls * 0.1) / 1e5) * 0.18, 4);
    expect(usd(report, 'Firestore: storage')).toBeCloseTo(((1000 * 1000) / GIB) * 0.18, 9);
  });

  it('buys Redis by the whole GiB, in the tier of that size', () => {
    const small = line(bill(), 'Memorystore Redis, us-west1');
    expect(small).toMatchObject({ fact: 'price.redis.m1' });
    expect(small.usdPerMonth).toBeCloseTo(HOURS_PER_MONTH * 0.064, 9);
    // 20 million sessions of 500 bytes fill 80 % of 11.64 GiB.
    const large = line(bill({ agents: 20_000_000 }), 'Memorystore Redis, us-west1');
    expect(large).toMatchObject({ fact: 'price.redis.m3' });
    expect(large.usdPerMonth).toBeCloseTo(12 * HOURS_PER_MONTH * 0.046, 9);
    // 700 million fill 408 GiB, more than one instance may have.
    const two = line(bill({ agents: 700_000_000 }), 'Memorystore Redis, us-west1');
    expect(two.usage).toContain('2 of 204 GiB, tier M5');
    expect(two.usdPerMonth).toBeCloseTo(408 * HOURS_PER_MONTH * 0.03, 6);
  });

  it('splits by level what is shared by requests and what is shared by agents', () => {
    const scenario = scenarioOf({ companies: 100 });
    const report = costOf(scenario, trafficOf(), factValue);
    const counts = { DIAMOND: 2, EMERALD: 8, SAPPHIRE: 20, OPAL: 30, ONYX: 40 };
    const total = Object.entries(counts).reduce((sum, [level, n]) => sum + n * report.byLevel![level], 0);
    expect(total).toBeCloseTo(report.perCompanyUsdMonth * 100, 6);
    const shared = report.lines.filter(({ splitBy }) => splitBy === 'requests');
    const usdShared = shared.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0);
    const checks = report.lines.filter(({ splitBy }) => splitBy === 'checks');
    const usdChecks = checks.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0);
    // OPAL asked for nothing, DIAMOND for 4 of 11 requests, and is checked twice as often; all companies have as many agents.
    expect(report.byLevel!.DIAMOND - report.byLevel!.OPAL).toBeCloseTo(
      (usdShared * 4) / 11 / 2 + usdChecks / 102,
      4,
    );
  });

  it('refuses traffic that was not measured', () => {
    expect(() => bill({}, { measuredMs: 0 })).toThrow('measured');
  });
});

describe('what runs without any user', () => {
  it('is each company’s health check, day and night: a request, and the least time of an instance that is billed', () => {
    const report = bill({ companies: 100 }, { times: 0 });
    // Two of the hundred are DIAMOND.
    const checks = (98 + 2 * 2) * 60 * HOURS_PER_MONTH;
    expect(usd(report, 'Cloud Run health checks: requests')).toBeCloseTo((checks / 1e6) * 0.4, 9);
    expect(usd(report, 'Cloud Run health checks: vCPU')).toBeCloseTo(checks * 0.1 * 2 * 0.000024, 9);
    expect(usd(report, 'Cloud Run health checks: memory')).toBeCloseTo(checks * 0.1 * 4 * 0.0000025, 9);
    const slow = bill({ companies: 100 }, { times: 0 }, id =>
      id === 'lat.company-service.warm' ? 101 : factValue(id),
    );
    expect(usd(slow, 'Cloud Run health checks: vCPU')).toBeCloseTo(checks * 0.2 * 2 * 0.000024, 9);
  });

  it('is checked as often as the monitor checks', () => {
    for (const { id, level } of companiesOf(scenarioOf({ companies: 100 })))
      expect([id, checksPerMinute({ level })]).toEqual([id, 60_000 / periodMsOf('service', level)]);
  });

  it('is no instance where none is kept, and every one that a level keeps, at the price of idle ones', () => {
    const lines = (report: CostReport) => report.lines.filter(({ item }) => item.includes('kept warm'));
    expect(lines(bill({ companies: 100 }))).toEqual([]);
    expect(lines(bill({ companies: 100, kept: { DIAMOND: 0 } }))).toEqual([]);
    const none = bill({ companies: 100 });
    const kept = bill({ companies: 100, kept: { DIAMOND: 3, EMERALD: 1 } });
    const seconds = (2 * 3 + 8) * SECONDS_PER_MONTH;
    const [cpu, memory] = lines(kept);
    expect(cpu.usdPerMonth).toBeCloseTo(seconds * 2 * 0.0000025, 6);
    expect(memory.usdPerMonth).toBeCloseTo(seconds * 4 * 0.0000025, 6);
    const total = cpu.usdPerMonth + memory.usdPerMonth;
    expect(kept.perCompanyUsdMonth - none.perCompanyUsdMonth).toBeCloseTo(total / 100, 6);
    const dearer = (level: string) => kept.byLevel![level] - none.byLevel![level];
    expect(dearer('DIAMOND')).toBeCloseTo((total * 3) / 14, 6);
    expect(dearer('EMERALD')).toBeCloseTo(total / 14, 6);
    expect(dearer('ONYX')).toBeCloseTo(0, 9);
  });
});

describe('gateways', () => {
  const FEWEST = 'Cloud Run gateways, fewest instances: vCPU';
  const ABOVE = 'Cloud Run gateways, above the fewest: vCPU';

  it('cost by the instance: 5 always, and the 15 of the load above them', () => {
    const report = bill();
    expect(usd(report, FEWEST)).toBeCloseTo(5 * SECONDS_PER_MONTH * 2 * 0.000018, 6);
    expect(usd(report, ABOVE)).toBeCloseTo(15 * SECONDS_PER_MONTH * 2 * 0.000018, 6);
    const memory = usd(report, 'Cloud Run gateways, above the fewest: memory');
    expect(memory).toBeCloseTo(15 * SECONDS_PER_MONTH * 4 * 0.000002, 6);
  });

  it('are never fewer than the fewest, hour by hour and region by region', () => {
    // Half of the day at the measured load, half at a tenth of it: 20 instances, then 2 that are 5.
    const profile = Array.from({ length: 24 }, (_, hour) => (hour >= 6 && hour < 18 ? 1 : 0.1));
    const report = bill({ traffic: { profile } });
    // The profile is linear in between: the hours 5 to 6 and 17 to 18 lie at 0.55, which is 11 instances.
    const above = (11 * 15 + 2 * (20 * 0.55 - 5)) * 3600 * DAYS_PER_MONTH;
    expect(usd(report, ABOVE)).toBeCloseTo(above * 2 * 0.000018, 6);
    expect(usd(report, FEWEST)).toBeCloseTo(5 * SECONDS_PER_MONTH * 2 * 0.000018, 6);
  });

  it('are never more than the most', () => {
    const report = bill({}, { instances: { 'us-west1': 600 } });
    expect(usd(report, ABOVE)).toBeCloseTo(495 * SECONDS_PER_MONTH * 2 * 0.000018, 4);
  });

  it('stand in every region, and follow the load of their own', () => {
    const regions = {
      'us-west1': { companies: 5, utcOffsetHours: 0 },
      'europe-west1': { companies: 5, utcOffsetHours: 12 },
    };
    // Noon in one is midnight in the other, where half as many ask.
    const profile = Array.from({ length: 24 }, (_, hour) => (hour >= 12 ? 1 : 0.5));
    const report = bill(
      { regions, traffic: { profile } },
      { instances: { 'us-west1': 20, 'europe-west1': 10 } },
    );
    expect(usd(report, FEWEST)).toBeCloseTo(2 * 5 * SECONDS_PER_MONTH * 2 * 0.000018, 6);
    // In each 20 by its day, 10 by its night, and 15 in the two hours between; 5 of them are the fewest.
    const above = 2 * (11 * 15 + 11 * 5 + 2 * 10);
    expect(usd(report, ABOVE)).toBeCloseTo(above * 3600 * DAYS_PER_MONTH * 2 * 0.000018, 6);
  });
});

describe('a month', () => {
  it('of flat days is worth all its hours', () => {
    expect(monthOf(scenarioOf()).trafficHours).toBeCloseTo(HOURS_PER_MONTH, 9);
  });

  it('weighs every hour by the profile at local time, over all regions', () => {
    // A triangle that is 0 at midnight and 12 at noon: its mean is 6.
    const profile = Array.from({ length: 24 }, (_, hour) => Math.min(hour, 24 - hour));
    const regions = {
      'us-west1': { companies: 5, utcOffsetHours: -8 },
      'europe-west1': { companies: 5, utcOffsetHours: 1 },
    };
    const month = monthOf(scenarioOf({ regions, traffic: { profile, startHourUtc: 17 } }));
    // From 17 to 18 UTC it is 9 to 10 in one, which means 9.5, and 18 to 19 in the other, which means 5.5.
    expect(month.trafficHours).toBeCloseTo((24 * (6 + 6) * DAYS_PER_MONTH) / (9.5 + 5.5), 6);
    const [europe, west] = month.regions;
    expect([europe.name, west.name]).toEqual(['europe-west1', 'us-west1']);
    expect(west.share).toBeCloseTo(9.5 / 15, 9);
    expect(west.hours[20]).toBeCloseTo(11.5 / 9.5, 9);
    expect(europe.hours[11]).toBeCloseTo(11.5 / 5.5, 9);
  });

  it('has none of the traffic’s events: what they added is taken off again', () => {
    const events = [{ at: '0s', duration: '30m', factor: 3 }];
    expect(monthOf(scenarioOf({ traffic: { events } })).trafficHours).toBeCloseTo(HOURS_PER_MONTH / 2, 9);
  });

  it('is worth nothing when nothing is due, and the bill says so', () => {
    const report = bill({ agents: 0 });
    expect(report.extrapolation).toContain('missing');
    expect(usd(report, 'Cloud Run companies’ services: vCPU')).toBe(0);
    expect(Number.isFinite(report.perCompanyUsdMonth)).toBe(true);
  });
});

describe('a MongoDB Atlas cluster', () => {
  const NOTHING_MUCH: AtlasNeeds = { memoryGiB: 0.1, connections: 10, collections: 10 };
  const costFacts = costFactsOf(factValue);

  it.each<[string, Partial<AtlasNeeds>, string, number]>([
    ['next to nothing', {}, 'm10', 1],
    ['memory of exactly one tier', { memoryGiB: 7.5 }, 'm30', 1],
    ['a little more memory', { memoryGiB: 7.6 }, 'm40', 1],
    ['many connections', { connections: 20_000 }, 'm60', 1],
    ['many collections', { collections: 10_001 }, 'm40', 1],
    ['more memory than any tier has', { memoryGiB: 250 }, 'm80', 3],
    ['more connections than any tier has', { connections: 96_001 }, 'm80', 2],
    ['more collections than any tier has', { collections: 400_001 }, 'm80', 5],
  ])('for %s', (_, needs, tier, replicaSets) => {
    expect(atlasSizeOf({ ...NOTHING_MUCH, ...needs }, costFacts)).toEqual({ tier, replicaSets });
  });

  it.each(ATLAS_TIERS)('%s holds its limits, and nothing more', tier => {
    const place = (needs: Partial<AtlasNeeds>) => {
      const size = atlasSizeOf({ ...NOTHING_MUCH, ...needs }, costFacts);
      return ATLAS_TIERS.indexOf(size.tier) + size.replicaSets - 1;
    };
    const limits = {
      memoryGiB: costFacts[`quota.atlas.memory.${tier}`],
      connections: costFacts[`quota.atlas.connections.${tier}`],
      collections: costFacts[`quota.atlas.collections.${tier}`],
    };
    expect(place(limits)).toBe(ATLAS_TIERS.indexOf(tier));
    for (const [need, limit] of Object.entries(limits))
      expect(place({ [need]: limit * 1.001 }), need).toBeGreaterThan(ATLAS_TIERS.indexOf(tier));
  });

  it('stands in each region, sized for the companies there', () => {
    const regions = {
      'us-west1': { companies: 4000, utcOffsetHours: -8 },
      'europe-west1': { companies: 100, utcOffsetHours: 1 },
    };
    const report = bill({ companies: 4100, agents: 8_200_000, regions });
    // 4,000 × 5 connections, and 5 of each process of the gateways; 100 × 5 and the same.
    expect(line(report, 'MongoDB Atlas, us-west1')).toMatchObject({ fact: 'price.atlas.m60' });
    expect(line(report, 'MongoDB Atlas, europe-west1')).toMatchObject({ fact: 'price.atlas.m10' });
    expect(usd(report, 'MongoDB Atlas, us-west1')).toBeCloseTo(3.95 * HOURS_PER_MONTH, 6);
  });

  it('is several where the region has several Atlas projects, each with its share and all of the gateways', () => {
    const regions = { 'us-west1': { companies: 4000, utcOffsetHours: -8 } };
    const scenario = scenarioOf({ companies: 4000, agents: 4000, regions });
    const [atlas] = scenario.platform.regions['us-west1'].atlas;
    const placed = {
      ...scenario.platform.regions['us-west1'],
      atlas: Array.from({ length: 5 }, () => atlas),
    };
    const platform = { ...scenario.platform, regions: { 'us-west1': placed } };
    const report = costOf({ ...scenario, platform }, trafficOf(), factValue);
    // 800 × 5 connections each, and 5 of each process of the gateways: an M40, where one for all would be an M60.
    expect(line(report, 'MongoDB Atlas, us-west1')).toMatchObject({ fact: 'price.atlas.m40' });
    expect(line(report, 'MongoDB Atlas, us-west1').usage).toMatch(/^5 clusters, each one M40/);
    expect(usd(report, 'MongoDB Atlas, us-west1')).toBeCloseTo(5 * 1.04 * HOURS_PER_MONTH, 6);
  });

  it('has connections for the busiest hour of its region, not for the measured one', () => {
    // Measured at half of the noon's load: 20 gateways of 2 vCPU and 1,000 busy services, of which noon has twice as many.
    const profile = Array.from({ length: 24 }, (_, hour) => (hour >= 11 && hour <= 14 ? 1 : 0.5));
    const report = bill({ traffic: { profile, startHourUtc: 2 } });
    expect(line(report, 'MongoDB Atlas, us-west1')).toMatchObject({ fact: 'price.atlas.m50' });
    expect(line(report, 'MongoDB Atlas, us-west1').usage).toContain(' 10,400 connections');
    // An idle instance stays for each company.
    const idle = bill({ companies: 450, agents: 450 }, { times: 0, instances: { 'us-west1': 5 } });
    expect(line(idle, 'MongoDB Atlas, us-west1').usage).toContain(' 2,300 connections');
  });

  it('of several shards has config servers', () => {
    // 600 million agents × 1,500 bytes × 0.2, over half of the memory: 335 GiB, which three nodes of 120 GiB hold.
    const report = bill({ agents: 600_000_000 });
    expect(usd(report, 'MongoDB Atlas, us-west1')).toBeCloseTo(3 * 7.3 * HOURS_PER_MONTH, 6);
    expect(usd(report, 'MongoDB Atlas, us-west1: config servers')).toBeCloseTo(0.54 * HOURS_PER_MONTH, 6);
    expect(line(bill(), 'MongoDB Atlas, us-west1: config servers')).toBeUndefined();
  });
});

describe('the facts of a bill', () => {
  it('are the ones it says, all of them in the catalogue', () => {
    const read = new Set<string>();
    bill({}, {}, id => {
      read.add(id);
      return factValue(id);
    });
    expect([...read].sort()).toEqual([...COST_FACTS].sort());
    const ids = new Set(FACTS.map(({ id }) => id));
    expect(COST_FACTS.filter(id => !ids.has(id))).toEqual([]);
    expect(new Set(COST_FACTS).size).toBe(COST_FACTS.length);
  });

  /** Between them these reach every tier of MongoDB Atlas, Redis and egress. */
  const sizes: readonly [ScenarioOptions, MeasurementOptions][] = [
    ...[1e3, 5e6, 9e6, 20e6, 40e6, 80e6, 180e6, 700e6].map(
      (agents): [ScenarioOptions, MeasurementOptions] => [{ agents }, { times: 0.1 }],
    ),
    [{ companies: 150, kept: { ONYX: 1 } }, {}],
    [{}, { times: 0 }],
  ];

  it('all matter: each of them moves some bill', () => {
    const billsWith = (changed: string | undefined, factor: number) =>
      sizes.map(([options, measured]) => {
        const report = bill(options, measured, id => (id === changed ? factor : 1) * factValue(id));
        return report.lines.map(({ item, usdPerMonth }) => `${item}: ${usdPerMonth}`).join();
      });
    const plain = billsWith(undefined, 1);
    // The limits of MongoDB Atlas have a test of their own.
    const idle = COST_FACTS.filter(id => !id.startsWith('quota.atlas.')).filter(id =>
      [1e-3, 1e6].every(factor => billsWith(id, factor).every((lines, i) => lines === plain[i])),
    );
    expect(idle).toEqual([]);
  });

  it('bound it: all low is cheaper and all high dearer', () => {
    const perCompany = (level: 'low' | 'mid' | 'high') => {
      const values = new FactValues(level, {});
      return bill({ companies: 1000 }, {}, id => values.get(id).value).perCompanyUsdMonth;
    };
    expect(perCompany('low')).toBeLessThan(perCompany('mid'));
    expect(perCompany('mid')).toBeLessThan(perCompany('high'));
  });
});

describe('the bill of the peak hour', () => {
  it('is the same to the bit each time, and changes none of its arguments', () => {
    const traffic = trafficOf({ instances: { 'us-west1': 40, 'us-central1': 30, 'europe-west1': 20 } });
    const before = JSON.stringify([peakHour, traffic]);
    const bills = [1, 2].map(() => JSON.stringify(costOf(peakHour, traffic, factValue)));
    expect(bills[0]).toBe(bills[1]);
    expect(JSON.stringify([peakHour, traffic])).toBe(before);
  });
});
