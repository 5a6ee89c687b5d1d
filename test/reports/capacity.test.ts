// Whether a plan fits, said so that somebody can act on it.

import { describe, expect, it } from 'vitest';
import { billedNeeds, capacityNote, capacityTexts, noRoomNote, noRoomTexts } from '../../reports/capacity.ts';
import { renderHtml } from '../../reports/html.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { NeedMeasurement } from '../../reports/measurement.ts';
import { HOURS_PER_MONTH } from '../../reports/month.ts';
import type { CostReport } from '../../reports/report.ts';
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
      'database users of an Atlas project: 100, the plan needs 4,000 in Atlas project a; room for 250 companies; would do: 40 times as many Atlas projects (platform.regions), or 5 times as many with their limits set to 900 by the Admin API',
      'Cloud Run services of a project and region: 1,000, the plan needs 4,000 in us-west1 of p; room for 2,500 companies; would do: 4 times as many projects (platform.googleProjects)',
    ]);
  });

  it('hears of a limit that the vendor’s own call raises far enough', () => {
    const users = need({ quota: 'quota.atlas.users', limit: 100, needed: 500, scope: 'Atlas project a' });
    expect(capacityTexts(reportWith([users]))[0]).toMatch(
      /5 times as many Atlas projects .*, or a limit set to 900 by the Admin API$/,
    );
  });

  it('hears that the run did not care, where it did not', () => {
    expect(capacityNote(report)).toMatch(/^this run enforces none of these/);
    expect(renderTerminal(report, { color: false, reportPath: 'r' })).toContain(
      'Does not fit     database users',
    );
    expect(renderMarkdown(report)).toContain('**Not checked:** this run enforces none of these');
  });
});

describe('what the clusters of Atlas cost', () => {
  const billing = need({
    ...{ quota: 'quota.atlas.billing', limit: 50, scope: 'the organisation', needed: 0.24 },
    companiesMax: null,
  });
  const cost = (usdPerMonth: number) =>
    ({ lines: [{ item: 'MongoDB Atlas, us-west1', usdPerMonth }] }) as unknown as CostReport;

  it('is what the bill says, where that is more than the smallest clusters', () => {
    expect(billedNeeds([billing], null)).toEqual([billing]);
    expect(billedNeeds([billing], cost(7.2))).toEqual([billing]);
    const [billed] = billedNeeds([billing, need({})], cost(100 * HOURS_PER_MONTH));
    expect(billed).toEqual({ ...billing, needed: 100 });
    expect(capacityTexts(reportWith([billed]))).toEqual([
      'USD an hour for the clusters of an Atlas organisation: 50, the plan needs 100 in the organisation; would do: a limit raised by MongoDB, or fewer clusters (platform.regions)',
    ]);
  });
});

describe('a run that found no room', () => {
  const full = [
    { quota: 'SERVICES', step: 'service', scope: 'us-west1 of p', undone: 3, notBegun: 7 },
    { quota: 'MANY', step: 'databaseRole', scope: 'Atlas project a', undone: 20, notBegun: 1200 },
    ...['b', 'c'].map(name => ({
      ...{ quota: 'MANY', step: 'databaseRole', scope: `Atlas project ${name}` },
      ...{ undone: 0, notBegun: 1 },
    })),
  ];
  const { rollout, ...rest } = replicationOf({
    outcome: i => (i < 10 ? 'undone' : i < 25 ? 'noRoom' : 'ready'),
  });
  const found = { replications: [{ ...rest, rollout: { ...rollout, full } }] };
  const report = reportOf(found);

  it('says for how many companies, where and by which quota, the most first', () => {
    expect(noRoomTexts(report).slice(0, 2)).toEqual([
      'databaseRole in Atlas project a, by the quota MANY: 1,220 companies, 1,200 not begun, 20 begun and undone',
      'service in us-west1 of p, by the quota SERVICES: 10 companies, 7 not begun, 3 begun and undone',
    ]);
    expect(report.rollout).toMatchObject({ completed: 375, undone: 10, noRoom: 15 });
    const text = renderTerminal(report, { color: false, reportPath: 'r' });
    expect(text).toContain('375 of 400 companies (10 undone, 15 not begun for want of room)');
    expect(text).toMatch(/^No room {10}databaseRole in Atlas project a/m);
    expect(text).toContain('and 1 more in the report');
    expect(renderMarkdown(report)).toContain('**No room:** databaseRole in Atlas project c');
    const page = renderHtml(report);
    for (const cell of ['Atlas project a', '1,220', '1,200', '<code>MANY</code>'])
      expect(page).toContain(cell);
  });

  it('says how to go on with them, where a rollout can be gone on with', () => {
    expect(noRoomNote(report)).toBeNull();
    const emulated = reportOf({ ...found, clock: 'real', label: 'emulated' });
    expect(renderTerminal(emulated, { color: false, reportPath: 'r' })).toContain(
      'once there is room, the same command on the same fakes begins them',
    );
    expect(renderMarkdown(emulated)).toContain('**No room:** once there is room');
    expect(noRoomNote(reportOf({ clock: 'real', label: 'emulated' }))).toBeNull();
  });
});

it('a plan that fits hears nothing of it', () => {
  const report = reportWith([need({ needed: 1000, companiesMax: null })]);
  expect(capacityTexts(report)).toEqual([]);
  expect(capacityNote(report)).toBeNull();
  expect(renderMarkdown(report)).not.toContain('Not checked');
});
