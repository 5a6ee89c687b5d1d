// The schema and the type `Scenario` are the same shape, and every scenario of the project has it.

import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { loadScenario, scenarioNames } from '../../cli/input.ts';
import { SCHEMA, type Schema } from '../../cli/problems.ts';
import { FACTS } from '../../scenarios/facts.ts';
import {
  durationMs,
  KPI_NAMES,
  LEVELS,
  REQUEST_KINDS,
  type Scenario,
  USER_REGIONS,
} from '../../scenarios/scenario.ts';
import { BATCH_SIZES } from '../../src/limits.ts';

/** Every field of the type, the optional ones too: what the compiler wants here must be what the schema has. */
type Full<T> = T extends readonly (infer Item)[]
  ? readonly Full<Item>[]
  : T extends object
    ? { readonly [K in keyof T]-?: Full<T[K]> }
    : T;

const FULL: Full<Scenario> = {
  $schema: './scenario.schema.json',
  name: 'full',
  description: 'Every field there is.',
  population: {
    companies: 1,
    regions: { 'us-west1': 1 },
    advanced: 0,
    levels: { ONYX: 1 },
    industries: { retail: 1 },
    agents: 1,
    agentsSpread: 1,
  },
  platform: {
    zones: [{ id: '0'.repeat(32), domain: 'example.com' }],
    dns: 'record',
    certificateAuthority: 'google',
    googleProjects: ['example-project'],
    regions: {
      'us-west1': {
        atlas: [{ project: '0'.repeat(24), cluster: 'main' }],
        pineconeHost: 'a-b.svc.gcp-us-central1-1.pinecone.io',
        utcOffsetHours: -8,
      },
    },
    templates: {
      retail: {
        image: 'us-docker.pkg.dev/example/retail:1',
        env: { REDACTION: 'on' },
        resources: { vcpu: 1, memoryGiB: 1 },
        secrets: ['pos-key'],
        retentionDays: 1,
        compliance: { auditRetentionDays: 1, standards: ['PCI-DSS'] },
      },
    },
    gateway: {
      vcpu: 1,
      memoryGiB: 1,
      concurrencyMax: 1,
      instancesMin: 1,
      instancesMax: 1,
      requestTimeout: '1s',
    },
    security: {
      levels: {
        ONYX: {
          requestsPerMinute: 1,
          verificationPool: 'all',
          serviceInstances: { min: 0, max: 1 },
        },
      },
      verificationPools: { all: { size: 1, queueMax: 0 } },
      circuitBreaker: { failureThreshold: 1, resetTimeout: '1s', monitoringWindow: '1s' },
    },
    caching: { edgeAssets: '1h', edgeConfigs: '1h', sessions: '1h', configs: '1h' },
  },
  provisioning: {
    batchSize: 10,
    provisioners: 1,
    concurrencyMax: 1,
    admissionBacklog: '15s',
    databaseOperationsPerCompany: 3,
    limits: {
      dnsRecordWritesPerMinute: null,
      cloudRunDeploysPerMinute: 0.5,
      databaseOperationsPerMinute: 200,
    },
    waves: {
      steps: [{ upTo: 1, dwell: '1h' }],
      gate: {
        readyShareMin: 1,
        provisioningP99Max: '60s',
        healthyShareMin: 1,
        onFailure: 'pause',
      },
    },
    quotas: 'vendor',
  },
  facts: { 'lat.kms.write': 1 },
  faults: {
    quotas: [{ name: 'hidden', operations: ['cloudRun.services.create'], perMinute: 1 }],
    rules: [
      {
        operation: 'kms.*',
        verdict: 'delayAnswer',
        share: 1,
        status: 503,
        retryAfterMs: 1000,
        delayMs: 10,
        times: 2,
        fromMs: 0,
        untilMs: 60_000,
        companies: [0],
      },
    ],
  },
  traffic: {
    startHourUtc: 0,
    duration: '1s',
    requestsPerAgentHour: 1,
    profile: Array(24).fill(1),
    season: 1,
    events: [{ at: '0s', duration: '1s', factor: 2, regions: ['us-west1'] }],
    kinds: { initialize: 0, 'tools/list': 0, 'tools/call': 1, asset: 0, config: 0, health: 0 },
    users: {
      'us-west1': {
        'us-west': 1,
        'us-central': 0,
        'us-east': 0,
        'south-america': 0,
        europe: 0,
        asia: 0,
      },
    },
    sample: { windows: 1, leadIn: '0s', measured: '1s' },
  },
  kpis: [{ name: 'provisioningMsP99', required: true, target: { op: '<', value: 60_000 } }],
  observed: { provisioningMsMean: 1, companies: 1, source: 'somewhere' },
  run: { phases: ['rollout'], seed: 0, replications: 1, replicationsMax: 1, deadline: '1h' },
};

function schemaKeys({ properties = {}, additionalProperties, items }: Schema, prefix = ''): string[] {
  const map = typeof additionalProperties === 'object' ? { '*': additionalProperties } : {};
  const children: [string, Schema][] = Object.entries({
    ...properties,
    ...map,
    ...(items && { '[]': items }),
  });
  return children.flatMap(([key, child]) => [`${prefix}${key}`, ...schemaKeys(child, `${prefix}${key}.`)]);
}

/** The paths of an example; where the schema has a map, its keys become `*`. */
function exampleKeys(value: unknown, schema: Schema | undefined, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const map = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return Object.entries(value).flatMap(([key, child]) => {
    const name = Array.isArray(value) ? '[]' : map === undefined ? key : '*';
    return [
      `${prefix}${name}`,
      ...exampleKeys(child, schema?.items ?? map ?? schema?.properties?.[key], `${prefix}${name}.`),
    ];
  });
}

function nodes(schema: Schema, path = 'root'): [string, Schema][] {
  const { properties = {}, additionalProperties, items } = schema;
  const children = Object.entries({ ...properties, ...(items && { items }) });
  if (typeof additionalProperties === 'object') children.push(['*', additionalProperties]);
  return [[path, schema], ...children.flatMap(([key, child]) => nodes(child, `${path}.${key}`))];
}

const at = (path: string): Schema => nodes(SCHEMA).find(([name]) => name === `root.${path}`)![1];

describe('the schema of a scenario', () => {
  it('has the same keys as the type', () => {
    expect([...new Set(exampleKeys(FULL, SCHEMA))].sort()).toEqual(schemaKeys(SCHEMA).sort());
  });

  it('lets the full example through', () => {
    expect(new Ajv({ allowUnionTypes: true }).validate(SCHEMA, FULL)).toBe(true);
  });

  it('has the names that the code has', () => {
    expect(at('population.levels').propertyNames!.enum).toEqual(LEVELS);
    expect(at('kpis.items.name').enum).toEqual(KPI_NAMES);
    expect(Object.keys(at('traffic.kinds').properties!)).toEqual(REQUEST_KINDS);
    expect(at('traffic.users.*').propertyNames!.enum).toEqual(USER_REGIONS);
    expect(at('platform.security.levels').propertyNames!.enum).toEqual(LEVELS);
    expect(at('provisioning.batchSize').enum).toEqual(Object.values(BATCH_SIZES));
  });

  it('describes every field, knows every key and bounds every number', () => {
    for (const [path, schema] of nodes(SCHEMA)) {
      const types = [schema.type].flat();
      expect(schema, path).toHaveProperty('description');
      if (types.includes('object')) expect(schema.additionalProperties, path).toBeDefined();
      if (types.includes('object')) expect(schema.additionalProperties, path).not.toBe(true);
      if (types.includes('array')) expect(schema, path).toHaveProperty('maxItems');
      if ((types.includes('number') || types.includes('integer')) && schema.enum === undefined) {
        expect(schema, path).toHaveProperty('maximum');
        expect(schema.minimum ?? schema.exclusiveMinimum, path).toBeDefined();
      }
    }
  });
});

describe('the scenarios of the project', () => {
  it('are those of the plan', () => {
    expect(scenarioNames()).toEqual([
      'crosscheck-light',
      'crosscheck-pool',
      'crosscheck-rollout',
      'full-plan',
      'load-1000',
      'peak-hour',
      'pilot-100',
      'rollout-10000',
      'rollout-vendor',
      'rollout-waves',
      'today',
    ]);
  });

  it.each(scenarioNames())('%s can run, is named after its file and has a schema for editors', name => {
    const scenario = loadScenario(name);
    expect(scenario.name).toBe(name);
    expect(scenario.$schema).toBe('./scenario.schema.json');
    expect(scenario.kpis.some(kpi => kpi.required)).toBe(true);
    expect(durationMs(scenario.run.deadline)).toBeGreaterThan(0);
    expect(scenario.population.advanced).toBe(Math.round((scenario.population.companies * 2) / 17));
  });

  it('share one platform, and today is the only one that production has shown', () => {
    const [today, ...others] = [
      'today',
      'pilot-100',
      'load-1000',
      'rollout-10000',
      'peak-hour',
      'full-plan',
      'crosscheck-light',
      'crosscheck-rollout',
    ].map(name => loadScenario(name));
    for (const { platform, observed } of others) {
      expect(platform).toEqual(others[0].platform);
      expect(platform).toMatchObject(today.platform);
      expect(observed).toBeUndefined();
    }
    expect(today.observed).toMatchObject({ provisioningMsMean: 21_746, companies: 17 });
  });
});

describe('the facts catalogue', () => {
  it.each(FACTS.map(fact => [fact.id, fact] as const))('%s is ordered, dated and sourced', (id, fact) => {
    expect(id).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
    expect(fact.low).toBeLessThanOrEqual(fact.mid);
    expect(fact.mid).toBeLessThanOrEqual(fact.high);
    expect(fact.low).toBeGreaterThan(0);
    expect(fact.spread).toBeGreaterThanOrEqual(0);
    expect(fact.source).not.toBe('');
    expect(fact.asOf).not.toBe('');
    expect(['source', 'assumed', 'fitted']).toContain(fact.basis);
    expect(['high', 'medium', 'low', 'none']).toContain(fact.confidence);
  });

  it('names no fact twice', () => {
    expect(new Set(FACTS.map(({ id }) => id)).size).toBe(FACTS.length);
  });
});
