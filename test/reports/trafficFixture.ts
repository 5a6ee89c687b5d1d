// Plausible traffic for the report's tests: three regions, two kinds, response times of a few distinct values.

import type { ReportInput } from '../../reports/build.ts';
import type { CrosscheckReport } from '../../reports/crosscheckReport.ts';
import type { HistogramData } from '../../reports/histogram.ts';
import { Histogram } from '../../reports/histogram.ts';
import type {
  Replication,
  RequestCounts,
  TrafficCell,
  TrafficMeasurement,
} from '../../reports/measurement.ts';
import type { KpiName, Scenario, ScenarioKpi, ScenarioTraffic } from '../../scenarios/scenario.ts';
import { replicationOf, replicationsOf, scenarioOf } from './fixture.ts';

const TRAFFIC: ScenarioTraffic = {
  startHourUtc: 17,
  duration: '1h',
  requestsPerAgentHour: 10.8,
  profile: Array.from({ length: 24 }, () => 1),
  season: 1,
  events: [],
  kinds: { initialize: 0, 'tools/list': 0.2, 'tools/call': 0.8, asset: 0, config: 0, health: 0 },
  users: { 'us-west1': { 'us-west': 1 }, 'us-central1': { 'us-central': 1 }, 'europe-west1': { europe: 1 } },
  sample: null,
};

const REGION = { atlas: [{ project: 'a', cluster: 'c' }], pineconeHost: 'h', utcOffsetHours: 0 };

export const kpi = (name: KpiName, target: ScenarioKpi['target'], required = true): ScenarioKpi => ({
  name,
  required,
  target,
});

export const P95 = kpi('responseTimeMsP95', { op: '<', value: 500 });
export const WORST_P99 = kpi('responseTimeMsP99WorstRegion', { op: '<', value: 3000 });
export const ERRORS = kpi('errorRate', { op: '<', value: 0.001 });
export const SERVED = kpi('servedShareWithinQuota', { op: '>=', value: 0.999 });
export const COST = kpi('costUsdPerCompanyMonth', { op: '<', value: 50 });
export const AVAILABILITY = kpi('availability', { op: '>=', value: 0.9999 });

export function trafficScenarioOf(changes: Partial<Scenario> = {}): Scenario {
  const base = scenarioOf();
  return {
    ...base,
    name: 'peak-400',
    description: 'One hour of four hundred companies.',
    platform: {
      ...base.platform,
      regions: { 'us-west1': REGION, 'us-central1': REGION, 'europe-west1': REGION },
    },
    traffic: TRAFFIC,
    kpis: [P95, ERRORS],
    run: { ...base.run, phases: ['traffic'] },
    ...changes,
  };
}

/** As a sketch holds them: each within 0.5 % of what was recorded. */
export function responses(...pairs: readonly (readonly [ms: number, count: number])[]): HistogramData {
  return Histogram.of(pairs).data();
}

export const cellOf = (changes: Partial<TrafficCell> = {}): TrafficCell => ({
  region: 'us-west1',
  level: 'DIAMOND',
  kind: 'tools/call',
  requests: 1000,
  errors: 0,
  refused: 0,
  responseMs: responses([100, 900], [200, 100]),
  ...changes,
});

export const countsOf = (changes: Partial<RequestCounts> = {}): RequestCounts => ({
  due: 4000,
  sent: 4000,
  edgeHits: 400,
  handled: 3600,
  answered: 3600,
  forwarded: 3000,
  ledger: 3000,
  audited: 3500,
  ...changes,
});

/** 4,000 requests in a minute; P95 about 200 ms, P99 in Europe about 400. */
export function trafficOf(changes: Partial<TrafficMeasurement> = {}): TrafficMeasurement {
  return {
    measuredMs: 60_000,
    sampledShare: 1,
    cells: [
      cellOf(),
      cellOf({ kind: 'tools/list' }),
      cellOf({ region: 'us-central1' }),
      cellOf({ region: 'europe-west1', responseMs: responses([150, 950], [400, 50]) }),
    ],
    withinQuota: 4000,
    servedWithinQuota: 4000,
    fleets: ['us-west1', 'us-central1', 'europe-west1'].map((region, i) => ({
      region,
      instancesMean: 5 + i,
      instancesMax: 6 + i,
      coldStarts: i,
      cpuUtilisation: 0.4,
      concurrencyMax: 80,
    })),
    waits: [
      { name: 'verification pool basic', calls: 3600, waitMs: 1800, refusals: 0 },
      { name: 'gateway processors', calls: 7200, waitMs: 36_000, refusals: 0 },
      { name: 'fleet of us-west1', calls: 0, waitMs: 0, refusals: 0 },
    ],
    usage: {
      gatewayInstanceSeconds: 1080,
      serviceInstanceSeconds: 600,
      gatewayRequests: 3600,
      serviceRequests: 3000,
      cacheTrips: 3600,
      recordReads: 40,
      auditBytes: 700_000,
      egressBytes: 8_000_000,
    },
    counts: countsOf(),
    waitsPerRequest: 4.25,
    latenessMs: [],
    violations: [],
    ...changes,
  };
}

export const trafficReplication = (
  changes: Partial<TrafficMeasurement> = {},
  index = 0,
): Replication & { readonly traffic: TrafficMeasurement } => ({
  index,
  seed: 2000 + index,
  rollout: null,
  traffic: trafficOf(changes),
  facts: ['lat.redis.trip'],
  hash: `0badcafe0000000${index}`,
  events: 50_000,
});

/** Of a report that has traffic alone. */
export const trafficInput = (changes: Partial<ReportInput> = {}): Partial<ReportInput> => ({
  scenario: trafficScenarioOf(),
  asked: { scenario: 'peak-400', flags: [] },
  replications: [0, 1, 2].map(index => trafficReplication({}, index)),
  inputs: { low: trafficReplication(), high: trafficReplication() },
  calibrationHash: 'c0ffee',
  ...changes,
});

/** Of a report that has a rollout, and traffic after it. */
export const bothInput = (changes: Partial<ReportInput> = {}): Partial<ReportInput> => ({
  ...trafficInput(),
  replications: replicationsOf(3).map((each, index) => ({ ...each, traffic: trafficOf(), index })),
  inputs: {
    low: { ...replicationOf(), traffic: trafficOf() },
    high: { ...replicationOf(), traffic: trafficOf() },
  },
  ...changes,
});

export const crosscheckOf = (changes: Partial<CrosscheckReport> = {}): CrosscheckReport => ({
  scenario: 'peak-400',
  verdict: 'PASS',
  rows: [
    {
      figure: 'P95',
      simulated: 200,
      emulated: 203,
      deviation: 0.015,
      tolerance: 0.03,
      within: true,
      unit: 'ms',
    },
    {
      figure: 'throughput',
      simulated: 66.7,
      emulated: 66.6,
      deviation: -0.0015,
      tolerance: 0.01,
      within: true,
      unit: 'perSecond',
    },
  ],
  withDelays: true,
  ...changes,
});
