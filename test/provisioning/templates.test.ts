// What an industry's template makes of a company: its container, its document and its secrets, read off the fakes.

import { describe, expect, it } from 'vitest';
import { liveResources } from '../../fakes/ledger.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import { rolloutOf, witness } from '../simulator/harness.ts';

const company = {
  index: 0,
  id: 'c00000',
  region: 'us-west1',
  ordinal: 0,
  level: 'ONYX',
  industry: 'finance',
  configuration: 'basic',
} as const;

describe("a template's secrets", () => {
  it('come after those that every company has, each with its version', () => {
    const secrets = planOf(company, 3, 'record', ['ledger-key', 'swift-key'])
      .filter(({ kind }) => kind === 'secret')
      .map(({ part }) => part);
    expect(secrets).toEqual(['database-password', 'api-key', 'ledger-key', 'swift-key']);
  });

  it('are made for the companies of the industry alone, and the audit knows of them', async () => {
    const scenario = rolloutOf(6, {
      'population.industries': { finance: 0.5, retail: 0.5 },
      'platform.templates.finance.secrets': ['ledger-key'],
    });
    const { replication, entries } = await witness(scenario);
    expect(replication.rollout.outcome).toEqual(Array.from({ length: 6 }, () => 'ready'));
    expect(replication.rollout.violations).toEqual([]);
    const own = liveResources(entries).filter(({ name }) => /ledger-key(\/versions\/1)?$/.test(name));
    expect(own.map(({ kind }) => kind).sort()).toEqual([
      ...['secret', 'secret', 'secret'],
      ...['secretVersion', 'secretVersion', 'secretVersion'],
    ]);
  });
});

it('a template with an image of its own is what the service runs', async () => {
  const image = 'us-docker.pkg.dev/sandtable-platform/mcp/finance:2.0.0';
  const scenario = rolloutOf(4, {
    'population.industries': { finance: 0.5, retail: 0.5 },
    'platform.templates.finance.image': image,
  });
  const { entries } = await witness(scenario);
  const images = liveResources(entries)
    .filter(({ kind }) => kind === 'service')
    .map(({ detail }) => detail);
  expect(images.filter(one => one === image)).toHaveLength(2);
});
