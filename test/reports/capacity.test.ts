// Whether a plan fits, said so that somebody can act on it.

import { describe, expect, it } from 'vitest';
import { capacityNote, capacityTexts } from '../../reports/capacity.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { NeedMeasurement } from '../../reports/measurement.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { replicationOf, reportOf } from './fixture.ts';

const need = (more: Partial<NeedMeasurement>): NeedMeasurement => ({
  quota: 'quota.cloud-run.services',
  limit: 1000,
  scope: 'us-west1 of p',
  needed: 4000,
  companiesMax: 2500,
  ...more,
});

function reportWith(needs: readonly NeedMeasurement[]) {
  const { rollout, ...rest } = replicationOf();
  return reportOf({ replications: [{ ...rest, rollout: { ...rollout!, needs } }] });
}

describe('a plan that does not fit', () => {
  const report = reportWith([
    need({}),
    need({ quota: 'quota.atlas.users', limit: 100, scope: 'Atlas project a', companiesMax: 250 }),
    need({ quota: 'quota.pinecone.namespaces', limit: 100_000, companiesMax: null }),
  ]);

  it('hears which limit, at how many companies and what would do, the first to be reached first', () => {
    expect(capacityTexts(report)).toEqual([
      'database users of an Atlas project: 100, the plan needs 4,000 in Atlas project a; room for 250 companies; would do: 40 times as many Atlas projects (platform.regions), or a limit set by the Admin API, 900 at most',
      'Cloud Run services of a project and region: 1,000, the plan needs 4,000 in us-west1 of p; room for 2,500 companies; would do: 4 times as many projects (platform.googleProjects)',
    ]);
  });

  it('hears that the run did not care, where it did not', () => {
    expect(capacityNote(report)).toMatch(/^this run enforces none of these/);
    expect(renderTerminal(report, { color: false, reportPath: 'r' })).toContain(
      'Does not fit     database users',
    );
    expect(renderMarkdown(report)).toContain('**Not checked:** this run enforces none of these');
  });
});

it('a plan that fits hears nothing of it', () => {
  const report = reportWith([need({ needed: 1000, companiesMax: null })]);
  expect(capacityTexts(report)).toEqual([]);
  expect(capacityNote(report)).toBeNull();
  expect(renderMarkdown(report)).not.toContain('Not checked');
});
