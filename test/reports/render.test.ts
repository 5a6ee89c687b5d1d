import { describe, expect, test } from 'vitest';
import type { ReportInput } from '../../reports/build.ts';
import { duration, durationRange, grouped, kpiRange, share, signedShare } from '../../reports/format.ts';
import { renderHtml } from '../../reports/html.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { Report } from '../../reports/report.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { P99, replicationOf, replicationsOf, reportOf, SHARE, scenarioOf } from './fixture.ts';

const HOSTILE = `<script>alert("1")</script> | \`x\` @you [a](b) 'q' \u001b[31m`;
const observed = { provisioningMsMean: 21_746, companies: 400, source: 'the plan' };
const terminal = (report: Report, color = false) =>
  renderTerminal(report, { reportPath: 'results/r/report.html', color });

describe('figures', () => {
  test.each([
    [0, '0 ms'],
    [0.0421, '0.0421 ms'],
    [212.4, '212 ms'],
    [999.6, '1 s'],
    [48_123, '48.1 s'],
    [119_940, '120 s'],
    [119_960, '2 min'],
    [10_020_000, '167 min'],
    [45_000_000, '12.5 h'],
    [4_000_000_000, '1,111 h'],
  ])('%d milliseconds read %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [1, '100 %'],
    [0.999_99, '99.99 %'],
    [0.970_487, '97.05 %'],
    [0, '0 %'],
  ])('the share %d reads %s', (value, text) => {
    expect(share(value)).toBe(text);
  });

  test.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [20_000_000, '20,000,000'],
  ])('the count %d reads %s', (value, text) => {
    expect(grouped(value)).toBe(text);
  });

  test('of an interval share a unit, and read once where they agree', () => {
    expect(durationRange({ low: 900, high: 48_100 })).toBe('0.9–48.1 s');
    expect(durationRange({ low: 50_000, high: 50_001 })).toBe('50 s');
    expect(kpiRange({ low: 0.97, high: 1 }, 'share')).toBe('97–100 %');
    expect(kpiRange({ low: 50_000, high: 'infinite' }, 'ms')).toBe('50 s–infinite');
    expect(kpiRange({ low: 'infinite', high: 'infinite' }, 'ms')).toBe('infinite');
    expect([signedShare(0.031), signedShare(-0.2)]).toEqual(['+3.1 %', '−20 %']);
  });
});

describe('the first screen', () => {
  test('reads as promised', () => {
    const lines = terminal(reportOf({ scenario: scenarioOf({ kpis: [P99, SHARE], observed }) })).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'sandtable  rollout-400   seed 42   5 replications              SIMULATED',
      '400 companies   3 regions',
      'PASS   2 of 2 required KPIs',
      '  KPI                      target   value    sampling      inputs      verdict',
      '  provisioning P99         < 60 s   31.5 s   30.8–32.2 s   24.6–43 s   PASS  queued before: 3.33 min on average',
      '  provisioned under 60 s   ≥ 95 %   100 %    99.85–100 %   100 %       PASS',
    ]);
    expect(lines.slice(6).map(line => line.slice(0, 17).trim())).toEqual([
      'Rollout',
      'Completed',
      'Breaks first',
      'Observed',
      'Biggest guess',
      'Crosscheck',
      'Report',
      'Try',
      '',
    ]);
    expect(lines).toContain(
      'Breaks first     Cloud Run deployments, 60 a minute: 5 s of waiting a call; 6.65 min at best for this rollout',
    );
    expect(lines).toContain(
      'Try              sandtable run rollout-400 --set provisioning.limits.cloudRunDeploysPerMinute=120',
    );
  });

  test.each<[string, Partial<ReportInput>, string]>([
    [
      'a KPI that fails',
      { replications: replicationsOf(5, { ms: () => 90_000 }) },
      'FAIL   1 of 1 required KPI\n',
    ],
    [
      'missing data',
      { replications: replicationsOf(2, { companies: 100 }) },
      '100 companies prove no P99: it needs 299',
    ],
    ['one replication', { replications: replicationsOf(1) }, 'INCONCLUSIVE  one replication has no interval'],
    ['no required KPI', { scenario: scenarioOf({ kpis: [] }) }, 'NO_DATA   the scenario requires no KPI'],
    ['an informative KPI', { scenario: scenarioOf({ kpis: [{ ...P99, required: false }] }) }, 'informative'],
    ['an interruption', { partial: true }, 'PARTIAL   interrupted'],
    ['an emulated run', { label: 'emulated' }, 'EMULATED'],
    [
      'a violation',
      { replications: [replicationOf({ violations: ['two services'] })] },
      'Violation        two services',
    ],
    [
      'companies that are not ready',
      { replications: [replicationOf({ outcome: company => (company < 8 ? 'undone' : 'ready') })] },
      '392 of 400 companies (8 undone)\nNot ready        c00000: quota | exceeded',
    ],
    [
      'inputs that turn the verdict',
      { inputs: { low: replicationOf(), high: replicationOf({ ms: () => 70_000 }) } },
      'another side of the target at low or high facts',
    ],
  ])('tells of %s', (_, changes, expected) => {
    expect(terminal(reportOf(changes))).toContain(expected);
  });

  test('suggests nothing where no limit of ours binds', () => {
    const limits = {
      dnsRecordWritesPerMinute: null,
      cloudRunDeploysPerMinute: null,
      databaseOperationsPerMinute: null,
    };
    const scenario = scenarioOf({ provisioning: { ...scenarioOf().provisioning, limits } });
    expect(terminal(reportOf({ scenario }))).not.toContain('Try');
  });

  test('colours verdicts on demand, and lets no text from outside do so', () => {
    expect(terminal(reportOf(), true)).toContain('\u001b[32mPASS\u001b[39m');
    const hostile = reportOf({
      scenario: scenarioOf({ name: HOSTILE }),
      replications: [replicationOf({ violations: [HOSTILE] })],
    });
    expect(terminal(hostile)).not.toContain('\u001b');
  });
});

describe('Markdown', () => {
  test('has the verdict, the KPIs and what explains them', () => {
    const markdown = renderMarkdown(reportOf({ scenario: scenarioOf({ observed }) }));
    expect(markdown).toMatch(/^## PASS: rollout-400\n\n\*\*1 of 1 required KPI\.\*\*/);
    expect(markdown).toContain(
      '| provisioning P99 | &lt; 60 s | 31.5 s | 30.8–32.2 s | 24.6–43 s | PASS | simulated |',
    );
    for (const name of ['Rollout', 'Completed', 'Breaks first', 'Observed', 'Biggest guess', 'Crosscheck'])
      expect(markdown).toContain(`- **${name}:** `);
  });

  test('keeps text from outside text', () => {
    const markdown = renderMarkdown(
      reportOf({
        scenario: scenarioOf({ name: HOSTILE }),
        replications: [replicationOf({ violations: [HOSTILE] })],
      }),
    );
    const told = markdown.split('\n').filter(line => !line.startsWith('    '));
    expect(told.filter(line => /<script|[^\\]`|@you|[^\\]\[a|\p{Cc}/u.test(line))).toEqual([]);
  });
});

describe('HTML', () => {
  const html = renderHtml(reportOf({ scenario: scenarioOf({ kpis: [P99, SHARE], observed }) }));

  test('has every section, with a caption on each table', () => {
    for (const title of ['KPIs', 'Rollout', 'Charts', 'Limits', 'Steps and calls', 'Against production'])
      expect(html).toContain(`<h2>${title}</h2>`);
    for (const title of ['Assumptions', 'Facts', 'Replications', 'Environment'])
      expect(html).toContain(`<h2>${title}</h2>`);
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
    expect(html.match(/<svg /g)).toHaveLength(5);
    expect(html.match(/<figcaption>/g)).toHaveLength(5);
  });

  test('is the same each time it is rendered', () => {
    expect(renderHtml(reportOf({ scenario: scenarioOf({ kpis: [P99, SHARE], observed }) }))).toBe(html);
  });

  test('loads nothing and runs nothing', () => {
    expect(html).not.toMatch(/\b(?:src|href|action|data|poster|xlink:href)\s*=/i);
    expect(html).not.toMatch(/@import|url\(|<script|<link|<iframe|\bon\w+=/i);
    expect(html).toContain(`default-src 'none'`);
  });

  test('carries no id or class of the chart library', () => {
    expect(html).not.toMatch(/zr\d+|ecmeta|_ec_|<svg[^>]*\bid=/);
  });

  test('escapes every text from outside', () => {
    const changed = scenarioOf({
      name: HOSTILE,
      description: HOSTILE,
      observed: { ...observed, source: HOSTILE },
    });
    const base = replicationOf({
      violations: [HOSTILE],
      outcome: company => (company < 9 ? 'undone' : 'ready'),
    });
    const hostile: ReportInput['replications'][number] = {
      ...base,
      hash: HOSTILE,
      rollout: {
        ...base.rollout,
        reasons: { c00000: HOSTILE },
        steps: [{ kind: HOSTILE, count: 1, meanMs: 1 }],
        limits: [{ name: HOSTILE, kind: 'quota', calls: 1, waitMs: 1, refusals: 1, admissionBlockedMs: 0 }],
        operations: [{ operation: HOSTILE, calls: 1, refusedByQuota: 0, latencyMs: 1, fact: HOSTILE }],
      },
    };
    const page = renderHtml(
      reportOf({ scenario: changed, replications: [hostile], commit: HOSTILE, scenarioHash: HOSTILE }),
    );
    expect(page).not.toMatch(/<script|<\/script/i);
    expect(page.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(12);
  });

  test.each<[string, Partial<ReportInput>]>([
    ['no company was completed', { replications: [replicationOf({ outcome: () => 'unfinished' })] }],
    ['the run was interrupted', { partial: true, inputs: null, replications: replicationsOf(1) }],
    ['the scenario asks for no KPI', { scenario: scenarioOf({ kpis: [] }) }],
  ])('is drawn even when %s', (_, changes) => {
    const page = renderHtml(reportOf(changes));
    expect(page).toContain('</html>');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });
});
