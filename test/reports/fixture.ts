// Plausible measurements for the report's tests: a rollout through three limiters, with a log-normal-like tail.

import { buildReport, type ReportInput } from '../../reports/build.ts';
import type { CompanyOutcome, Replication, RolloutMeasurement } from '../../reports/measurement.ts';
import type { KpiReport, Report, RolloutReport } from '../../reports/report.ts';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';
import { FactValues } from '../../scenarios/facts.ts';
import type { Scenario, ScenarioKpi } from '../../scenarios/scenario.ts';
import { timelineOf, usualRows } from './timelineFixture.ts';

export const P99: ScenarioKpi = {
  name: 'provisioningMsP99',
  required: true,
  target: { op: '<', value: 60_000 },
};
export const SHARE: ScenarioKpi = {
  name: 'provisioningShareUnder60s',
  required: true,
  target: { op: '>=', value: 0.95 },
};

export function scenarioOf(changes: Partial<Scenario> = {}): Scenario {
  return {
    name: 'rollout-400',
    description: 'Four hundred companies in three regions.',
    population: {
      companies: 400,
      regions: { 'us-west1': 160, 'us-central1': 120, 'europe-west1': 120 },
      advanced: 100,
      levels: { DIAMOND: 1 },
      industries: { retail: 1 },
      agents: 800_000,
      agentsSpread: 1,
    },
    platform: PLATFORM,
    provisioning: {
      batchSize: 50,
      provisioners: 1,
      concurrencyMax: 100,
      admissionBacklog: '15s',
      databaseOperationsPerCompany: 3,
      limits: {
        dnsRecordWritesPerMinute: 100,
        cloudRunDeploysPerMinute: 60,
        databaseOperationsPerMinute: 200,
      },
      quotas: 'plan',
    },
    facts: {},
    faults: { quotas: [], rules: [] },
    kpis: [P99],
    run: { phases: ['rollout'], seed: 42, replications: 5, replicationsMax: 40, deadline: '24h' },
    ...changes,
  };
}

const PLATFORM: Scenario['platform'] = {
  zones: [{ id: 'z', domain: 'example.com' }],
  dns: 'record',
  googleProjects: ['p'],
  regions: {},
  templates: {},
  gateway: {
    vcpu: 2,
    memoryGiB: 4,
    concurrencyMax: 1000,
    instancesMin: 5,
    instancesMax: 500,
    requestTimeout: '10s',
  },
  security: {
    levels: { DIAMOND: { requestsPerMinute: 10_000, verificationPool: 'highPriority' } },
    verificationPools: { highPriority: { size: 50, queueMax: 500 } },
    circuitBreaker: { failureThreshold: 5, resetTimeout: '30s', monitoringWindow: '60s' },
  },
  caching: { edgeAssets: '24h', edgeConfigs: '1h', sessions: '24h', configs: '5m' },
};

export type ReplicationOptions = {
  readonly index?: number;
  readonly companies?: number;
  /** Provisioning time by company; a draw of about 22 s with a tail when absent. */
  readonly ms?: (company: number, index: number) => number;
  readonly outcome?: (company: number) => CompanyOutcome;
  readonly violations?: readonly string[];
};

const FACTS_USED = [
  'net.vendor-one-way',
  'lat.secret-manager.write',
  'lat.cloud-run.write',
  'lat.cloud-run.deploy',
  'lat.resolver',
  'store.journal',
];

export type RolloutReplication = Replication & { readonly rollout: RolloutMeasurement };

export function replicationOf(options: ReplicationOptions = {}): RolloutReplication {
  const { index = 0, companies = 400, ms = drawnMs, outcome = () => 'ready', violations = [] } = options;
  const ids = Array.from({ length: companies }, (_, i) => `c${String(i).padStart(5, '0')}`);
  const outcomes = ids.map((_, i) => outcome(i));
  const isBegun = (i: number) => outcomes[i] !== 'unfinished' && outcomes[i] !== 'noRoom';
  const admittedAtMs = ids.map((_, i) => (isBegun(i) ? i * 1000 : -1));
  const finishedAtMs = ids.map((_, i) => (outcomes[i] === 'unfinished' ? -1 : i * 1000 + ms(i, index)));
  return {
    index,
    seed: 1000 + index,
    rollout: {
      company: ids,
      region: ids.map((_, i) => ['us-west1', 'us-central1', 'europe-west1'][i % 3]),
      outcome: outcomes,
      admittedAtMs,
      finishedAtMs,
      reasons: Object.fromEntries(
        ids.filter((_, i) => outcomes[i] === 'undone').map(id => [id, 'quota | exceeded']),
      ),
      durationMs: Math.max(...finishedAtMs, 0),
      ...callsOf(companies, index),
      timeline: timelineOf(
        ids.flatMap((_, i) =>
          isBegun(i) ? usualRows(i, admittedAtMs[i], finishedAtMs[i] - admittedAtMs[i]) : [],
        ),
      ),
      violations,
      needs: [],
      bounds: [],
      waves: [],
      full: [],
      isResumed: false,
    },
    traffic: null,
    facts: FACTS_USED,
    hash: `00c0ffee0000000${index}`,
    events: 20_000 + index,
  };
}

/** 18 to 33 s, mean about 22 s; a shift of up to half a second sets replications apart. */
function drawnMs(company: number, index: number): number {
  const u = drawUniform(7, PURPOSE.bench, [company, index]);
  const shift = 500 * drawUniform(7, PURPOSE.bench, [index]);
  return 18_000 + shift + 4000 * -Math.log(1 - 0.977 * u);
}

function callsOf(companies: number, index: number) {
  const limiter = { kind: 'limiter', refusals: 0, admissionBlockedMs: 0 } as const;
  return {
    limits: [
      { ...limiter, name: 'dnsRecordWrites', calls: companies, waitMs: 12_000 },
      {
        ...limiter,
        name: 'cloudRunDeploys',
        calls: companies,
        waitMs: 2_000_000 + index,
        admissionBlockedMs: 380_000,
      },
      { ...limiter, name: 'databaseOperations', calls: 3 * companies, waitMs: 40_000 },
    ],
    steps: [
      { kind: 'secret', count: 2 * companies, meanMs: 171 },
      { kind: 'service', count: companies, meanMs: 11_800 },
      { kind: 'health', count: companies, meanMs: 3100 },
    ],
    operations: [
      operation('secretManager.secrets.create', 2 * companies, 150, 'lat.secret-manager.write'),
      operation('cloudRun.services.create', companies, 500, 'lat.cloud-run.write'),
      operation('resolver.query', 2 * companies, 25, 'lat.resolver'),
    ],
  };
}

const operation = (name: string, calls: number, meanMs: number, fact: string) => ({
  operation: name,
  calls,
  refusedByQuota: 0,
  latencyMs: calls * meanMs,
  fact,
});

export const replicationsOf = (n: number, options: ReplicationOptions = {}): RolloutReplication[] =>
  Array.from({ length: n }, (_, index) => replicationOf({ ...options, index }));

export function inputOf(changes: Partial<ReportInput> = {}): ReportInput {
  return {
    scenario: scenarioOf(),
    asked: { scenario: 'rollout-400', flags: [] },
    scenarioHash: 'sha256:abc',
    seed: 42,
    commit: '0123abc',
    clock: 'virtual',
    speed: 1,
    label: 'simulated',
    partial: false,
    replications: replicationsOf(5),
    inputs: {
      low: replicationOf({ ms: (i, index) => drawnMs(i, index) * 0.8 }),
      high: replicationOf({ ms: (i, index) => drawnMs(i, index) * 1.4 }),
    },
    factValue: id => new FactValues('mid', {}).get(id).value,
    overridden: [],
    environment: {
      startedAt: '2026-11-23T10:00:00.000Z',
      wallMs: 61_000,
      node: 'v26.10.0',
      platform: 'linux x64',
      workers: 2,
      peakMemoryBytes: 545_000_000,
    },
    ...changes,
  };
}

export const reportOf = (changes: Partial<ReportInput> = {}): Report => buildReport(inputOf(changes));

/** Of a report whose runs had a rollout. */
export function rolloutReportOf(changes: Partial<ReportInput> = {}): RolloutReport {
  const { rollout } = reportOf(changes);
  if (rollout === null) throw new Error('the report has no rollout');
  return rollout;
}

export const kpiOf = (changes: Partial<KpiReport>): KpiReport => ({
  name: 'provisioningMsP99',
  value: 48_100,
  unit: 'ms',
  target: { op: '<', value: 60_000 },
  sampling: { low: 47_000, high: 49_000, confidence: 0.95 },
  inputs: null,
  survivesInputs: null,
  required: true,
  verdict: 'PASS',
  label: 'simulated',
  reason: '',
  ...changes,
});
