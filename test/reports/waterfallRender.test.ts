// The waterfall as a reader sees it.

import { describe, expect, test } from 'vitest';
import { hasRollout } from '../../reports/report.ts';
import { waterfallSection } from '../../reports/waterfallSection.ts';
import { replicationOf, reportOf } from './fixture.ts';
import { type Row, timelineOf, usualRows } from './timelineFixture.ts';

const MS = 10_000;

/** Companies that take 10 s, and each a millisecond more than the one before it. */
function sectionOf(rows: (company: number, admittedAtMs: number, ms: number) => Row[] = usualRows): string {
  const replication = replicationOf({ companies: 300, ms: company => MS + company });
  const { admittedAtMs, finishedAtMs } = replication.rollout;
  const timeline = timelineOf(
    admittedAtMs.flatMap((atMs, company) => rows(company, atMs, finishedAtMs[company] - atMs)),
  );
  const replications = [{ ...replication, rollout: { ...replication.rollout, timeline } }];
  const report = reportOf({ replications });
  if (!hasRollout(report)) throw new Error('no rollout');
  return waterfallSection(report).html;
}

const chartOf = (section: string): string =>
  section.slice(section.indexOf('<svg'), section.indexOf('</svg>'));

const rectsOf = (chart: string, color: string) =>
  chart.match(new RegExp(`<path d="[^"]*Z?" fill="${color}"`, 'g')) ?? [];

describe('the section', () => {
  const section = sectionOf();
  const chart = chartOf(section);

  test('says which step is slowest and where the time goes', () => {
    expect(section).toContain(
      'Slowest step: service: 7.1 s on average, 7.21 s at P99, 70 % of the time of all steps.',
    );
    expect(section).toContain('The time goes to calls 45 %, waits until ready 30 %,');
    expect(section).toContain('<code>waterfall.csv</code>');
  });

  test('draws the companies at their ranks, their longer steps by name, and only the waits that there were', () => {
    for (const text of ['P50', 'P95', 'P99', 'slowest', 'c00149', 'c00284', 'c00296', 'c00299'])
      expect(chart).toContain(text);
    expect(chart.match(/>service<\/text>/g)).toHaveLength(4);
    expect(chart).toContain('our own limiters');
    expect(chart).not.toContain('quotas of the clouds');
    // Of four companies: one step waits for its limiter, and all three have calls.
    expect(rectsOf(chart, '#d97706')).toHaveLength(4);
    expect(rectsOf(chart, '#3b82c4')).toHaveLength(3 * 4);
  });

  test('has a quota in the chart once one has kept a step waiting', () => {
    const waiting = (company: number, admittedAtMs: number, ms: number) =>
      usualRows(company, admittedAtMs, ms).map(row => (row.step === 'health' ? { ...row, quotaMs: 1 } : row));
    expect(chartOf(sectionOf(waiting))).toContain('quotas of the clouds');
  });

  test('draws of steps side by side those on the critical path', () => {
    const aside = (company: number, admittedAtMs: number, ms: number): Row[] => [
      ...usualRows(company, admittedAtMs, ms),
      { company, step: 'aside', beganAtMs: admittedAtMs, endedAtMs: admittedAtMs + 0.6 * ms },
    ];
    const drawn = chartOf(sectionOf(aside));
    expect(drawn).not.toContain('aside');
    expect(drawn.match(/>service<\/text>/g)).toHaveLength(4);
  });

  test('has the steps with their spread and parts, and the shares below', () => {
    expect(section).toContain(
      '<tr><th scope="row">health</th><td class="number">300</td><td class="number">2.03 s</td>',
    );
    expect(section).toMatch(/<th scope="row">share of all<\/th>.*0 %.*20 %.*45 %.*30 %.*5 %.*100 %.*<\/tr>/);
  });

  test('has the critical path, and what dominates it in bold', () => {
    expect(section).toContain(
      '<tr><th scope="row">service</th><td class="number"><strong>7.1 s (70 %)</strong></td>',
    );
    expect(section).toContain('31 companies around the median');
    expect(section).toContain('4 companies from P99 on');
  });

  test('has what was queued by limit, and the slowest companies with their longest steps', () => {
    expect(section).toMatch(/<th scope="row">Cloud Run deployments \(limiter\)<\/th>.*6\.33 min/);
    expect(section).toMatch(
      /<th scope="row">c00299<\/th><td>ready<\/td><td class="number">10\.3 s<\/td><td>service 7\.21 s \(waits until ready 3\.09 s\), health/,
    );
  });
});
