// The fake clouds that a scenario asks for: its facts, its quotas and its faults.

import type { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { CloudOptions } from './cloud.ts';
import { CLOUDFLARE_OPERATIONS } from './cloudflare.ts';
import type { QuotaRule } from './quota.ts';

/** The one credential that every fake accepts; no secret, since it opens nothing else. */
export const FAKES_TOKEN = 'sandtable-fakes-token';

/** The same for every vendor that the platform calls, and where two of them give others. */
export const FAKES_TOKENS = {
  google: { token: FAKES_TOKEN, metadataServer: true },
  cloudflare: { token: FAKES_TOKEN },
  atlas: {
    token: FAKES_TOKEN,
    serviceAccount: { id: 'mdb_sa_id_5a4d7ab1e0c0ffee5a4d7ab1', secret: FAKES_TOKEN },
  },
  pinecone: { token: FAKES_TOKEN },
} as const;

/** Operations that the plan's three rates count. */
const PLAN_OPERATIONS = {
  dnsRecordWrites: [
    'cloudflare.dnsRecords.create',
    'cloudflare.dnsRecords.update',
    'cloudflare.dnsRecords.overwrite',
    'cloudflare.dnsRecords.batch',
    'cloudflare.dnsRecords.delete',
  ],
  cloudRunDeploys: ['cloudRun.services.create'],
  databaseOperations: ['atlas.databaseUsers.create', 'atlas.customDbRoles.create', 'atlas.indexes.create'],
} as const;

/** What the catalogue's number of requests is counted in. */
const CLOUDFLARE_WINDOW_MS = 300_000;

export function cloudOptionsOf(scenario: Scenario, facts: FactValues, seed: number): CloudOptions {
  const { quotas } = scenario.provisioning;
  return {
    seed,
    facts,
    token: FAKES_TOKEN,
    domain: scenario.platform.zones[0].domain,
    zones: new Map(scenario.platform.zones.map(({ id, domain }) => [id, domain])),
    hasWildcards: scenario.platform.dns === 'wildcard',
    resourceQuotas: quotas === 'vendor',
    faults: scenario.faults.rules,
    quotas: [
      ...(quotas === 'none' ? [] : planQuotas(scenario)),
      ...(quotas === 'vendor' ? vendorQuotas(facts) : []),
      ...scenario.faults.quotas.map((quota): QuotaRule => ({ ...quota, scope: 'all' })),
    ],
  };
}

function planQuotas({ provisioning: { limits } }: Scenario): QuotaRule[] {
  const rates = {
    dnsRecordWrites: limits.dnsRecordWritesPerMinute,
    cloudRunDeploys: limits.cloudRunDeploysPerMinute,
    databaseOperations: limits.databaseOperationsPerMinute,
  };
  return (Object.keys(rates) as (keyof typeof rates)[]).flatMap(name => {
    const perMinute = rates[name];
    return perMinute === null
      ? []
      : [{ name, operations: PLAN_OPERATIONS[name], perMinute, scope: 'all' as const }];
  });
}

/** Of a minute's calls, how many may come at once: vendors count by the minute and not by the call. Assumed. */
const BURST_SHARE = 0.1;

/** Rates of requests; how many resources a project may hold is for the fakes themselves to count. */
function vendorQuotas(facts: FactValues): QuotaRule[] {
  const versionWrites = ['add', 'disable', 'enable', 'destroy'].map(verb => `versions.${verb}`);
  const secretWrites = ['secrets.create', 'secrets.patch', 'secrets.delete', ...versionWrites];
  const secretReads = ['secrets.get', 'secrets.list', 'versions.get', 'versions.list'];
  const keyWrites = [
    'keyRings.create',
    ...['create', 'patch', 'updatePrimaryVersion'].map(verb => `cryptoKeys.${verb}`),
    ...['create', 'patch', 'destroy', 'restore'].map(verb => `cryptoKeyVersions.${verb}`),
  ];
  const keyReads = ['keyRings', 'cryptoKeys', 'cryptoKeyVersions'].flatMap(kind => [
    `${kind}.get`,
    `${kind}.list`,
  ]);
  const rule = (name: string, fact: string, operations: readonly string[]): QuotaRule => ({
    name,
    operations,
    perMinute: facts.get(fact).value,
    burst: facts.get(fact).value * BURST_SHARE,
    scope: 'vendor',
  });
  return [
    rule('ReadPerMinutePerProjectRegion', 'quota.cloud-run.reads', [
      ...['get', 'list', 'getIamPolicy'].map(verb => `cloudRun.services.${verb}`),
      ...['get', 'list'].flatMap(verb => [`cloudRun.revisions.${verb}`, `cloudRun.operations.${verb}`]),
      'cloudRun.operations.wait',
    ]),
    rule('WritePerMinutePerProjectRegion', 'quota.cloud-run.writes', [
      'cloudRun.services.create',
      'cloudRun.services.update',
      'cloudRun.services.delete',
      'cloudRun.services.setIamPolicy',
      'cloudRun.revisions.delete',
    ]),
    rule(
      'SecretManagerWritesPerMinutePerProject',
      'quota.secret-manager.writes',
      secretWrites.map(name => `secretManager.${name}`),
    ),
    rule(
      'SecretManagerReadsPerMinutePerProject',
      'quota.secret-manager.reads',
      secretReads.map(name => `secretManager.${name}`),
    ),
    rule('SecretManagerAccessesPerMinutePerProject', 'quota.secret-manager.accesses', [
      'secretManager.versions.access',
    ]),
    rule(
      'WriteTokensUsagePerMinutePerProjectPerRegion',
      'quota.kms.writes',
      keyWrites.map(name => `kms.${name}`),
    ),
    rule(
      'ReadTokensUsagePerMinutePerProjectPerRegion',
      'quota.kms.reads',
      keyReads.map(name => `kms.${name}`),
    ),
    {
      name: 'cloudflare-api-requests',
      operations: CLOUDFLARE_OPERATIONS,
      calls: facts.get('quota.cloudflare.requests').value,
      windowMs: CLOUDFLARE_WINDOW_MS,
      blockMs: facts.get('quota.cloudflare.block').value,
      // Counted by user, whatever the zone.
      scope: 'all',
    },
  ];
}
