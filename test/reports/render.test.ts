import { describe, expect, test } from 'vitest';
import type { ReportInput } from '../../reports/build.ts';
import { duration, durationRange, grouped, kpiRange, share, signedShare, usd } from '../../reports/format.ts';
import { renderHtml } from '../../reports/html.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { LimitMeasurement } from '../../reports/measurement.ts';
import type { Report } from '../../reports/report.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import {
  P99,
  type RolloutReplication,
  replicationOf,
  replicationsOf,
  reportOf,
  SHARE,
  scenarioOf,
} from './fixture.ts';

const HOSTILE = `<script>alert("1")</script> | \`x\` @you [a](b) 'q' \u001b[31m`;
const observed = { provisioningMsMean: 21_746, companies: 400, source: 'the plan' };
const terminal = (report: Report, color = false) =>
  renderTerminal(report, { reportPath: 'results/r/report.html', color });

const literal = (expected: string | RegExp): RegExp =>
  typeof expected === 'string' ? new RegExp(RegExp.escape(expected)) : expected;

/** Beside limits whose calls have waited for half an hour in all. */
function slow(replication: RolloutReplication): RolloutReplication {
  const { rollout } = replication;
  const name = 'letsEncryptCertificates';
  const held = { name, kind: 'limiter', calls: 57, waitMs: 900, refusals: 0 } as const;
  const bound = { name, perMinute: 50 / 10_080, scope: 'a.com', calls: 400, boundMs: 0 };
  const limits = [...rollout.limits, { ...held, admissionBlockedMs: 86_400_000 }];
  return { ...replication, rollout: { ...rollout, limits, bounds: [bound] } };
}

function limited(limit: Omit<LimitMeasurement, 'refusals' | 'admissionBlockedMs'> & { refusals?: number }) {
  const { rollout, ...rest } = replicationOf();
  return { ...rest, rollout: { ...rollout, limits: [{ refusals: 0, admissionBlockedMs: 0, ...limit }] } };
}

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
    [300_000_000, '83.3 h'],
    [4_000_000_000, '46.3 d'],
  ])('%d milliseconds read %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [1, '100 %'],
    [0.999_99, '99.99 %'],
    [0.970_487, '97.05 %'],
    [0, '0 %'],
    [0.000_2, '0.02 %'],
    [0.000_234, '0.023 %'],
    [0.001, '0.1 %'],
    [0.000_000_015, '0.0000015 %'],
  ])('the share %d reads %s', (value, text) => {
    expect(share(value)).toBe(text);
  });

  test.each([
    [77.94, '$77.9'],
    [0.0421, '$0.0421'],
    [1234.5, '$1,235'],
  ])('%d dollars read %s', (value, text) => {
    expect(usd(value)).toBe(text);
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
    expect(kpiRange({ low: 0, high: 0.000_005 }, 'share')).toBe('0–0.0005 %');
    expect(kpiRange({ low: 77.2, high: 78.9 }, 'usd')).toBe('$77.2–78.9');
    expect(kpiRange({ low: 50_000, high: 'infinite' }, 'ms')).toBe('50 s–infinite');
    expect(kpiRange({ low: 'infinite', high: 'infinite' }, 'ms')).toBe('infinite');
    expect([signedShare(0.031), signedShare(-0.2)]).toEqual(['+3.1 %', '−20 %']);
  });
});

describe('the first screen', () => {
  test('reads as promised', () => {
    const lines = terminal(reportOf({ scenario: scenarioOf({ kpis: [P99, SHARE], observed }) })).split('\n');
    expect(lines.slice(0, 9)).toEqual([
      'sandtable  rollout-400   seed 42   5 replications              SIMULATED',
      '400 companies   800,000 agents   3 regions',
      'PASS   2 of 2 required KPIs',
      '  KPI                      target     value    sampling      inputs      verdict',
      '  provisioning P99         < 60 s     31.5 s   30.8–32.2 s   24.6–43 s   PASS  queued before: 3.33 min on average',
      '  provisioned under 60 s   ≥ 95 %     100 %    99.85–100 %   100 %       PASS',
      '  response P95             < 500 ms   –        –             –           NO_DATA  this run has no traffic: sandtable run peak-hour; informative',
      '  errors                   < 0.1 %    –        –             –           NO_DATA  this run has no traffic: sandtable run peak-hour; informative',
      '  cost a company, month    < $50      –        –             –           NO_DATA  this run has no traffic: sandtable run peak-hour; informative',
    ]);
    expect(lines.slice(9).map(line => line.slice(0, 17).trim())).toEqual([
      'Rollout',
      'Completed',
      'Breaks first',
      'Slowest step',
      'Time goes to',
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
      'Slowest step     service: 15.3 s on average, 22.3 s at P99, 70 % of the time of all steps',
    );
    expect(lines).toContain(
      'Time goes to     calls 45 %, waits until ready 30 %, our own limiters 20 %, waits after faults 5 %',
    );
    expect(lines).toContain(
      'Try              sandtable run rollout-400 --set provisioning.limits.cloudRunDeploysPerMinute=120',
    );
  });

  test.each<[string, Partial<ReportInput>, string | RegExp]>([
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
    [
      'one replication that straddles the target',
      { replications: [replicationOf({ ms: company => 20_300 + company * 100 })] },
      'INCONCLUSIVE  the interval over the companies of one rollout, which are not independent',
    ],
    [
      'changes',
      { asked: { scenario: 'a', flags: ['--set run.seed=7', '--seed 9'] } },
      'regions\nChanged   --set run.seed=7 --seed 9\nPASS',
    ],
    [
      'a clock that ran faster',
      { label: 'emulated', clock: 'real', speed: 20 },
      'Speed     time ran 20 times faster than real: what local HTTP takes is multiplied by 20',
    ],
    [
      'one company',
      { replications: [replicationOf({ companies: 1 })] },
      '\n1 company   800,000 agents   3 regions\n',
    ],
    [
      'one company that was completed',
      { replications: [replicationOf({ companies: 1 })] },
      'Completed        1 of 1 company\n',
    ],
    [
      'one company that is not ready',
      {
        scenario: scenarioOf({ kpis: [SHARE] }),
        replications: [replicationOf({ companies: 1, outcome: () => 'undone' })],
      },
      'Completed        0 of 1 company (1 undone)\n',
    ],
    [
      'violations beyond those shown',
      { replications: [replicationOf({ violations: Array.from({ length: 130 }, (_, i) => `wrong ${i}`) })] },
      'Violation        wrong 4\n                 … and 125 more\nReport',
    ],
    [
      'how many violations there are',
      { replications: [replicationOf({ violations: Array.from({ length: 130 }, (_, i) => `wrong ${i}`) })] },
      'FAIL   the audit of the ledger found 130 violations\n',
    ],
    [
      'a rollout that was given up',
      { replications: [replicationOf({ outcome: company => (company < 100 ? 'ready' : 'unfinished') })] },
      /\nRollout {10}given up after [\d.]+ (?:s|min), 100 of 400 companies completed\n/,
    ],
    [
      'a rollout that ended incomplete in one replication',
      {
        replications: [
          ...replicationsOf(2),
          replicationOf({ index: 2, ms: () => 1_000_000, outcome: i => (i < 399 ? 'ready' : 'blocked') }),
        ],
      },
      '\nRollout          ended after 23.3 min, 399 of 400 companies completed\n',
    ],
    [
      'what broke first in an incomplete rollout, without a bound',
      { replications: [replicationOf({ outcome: i => (i < 399 ? 'ready' : 'blocked') })] },
      '\nBreaks first     Cloud Run deployments, 60 a minute: 5 s of waiting a call\n',
    ],
    [
      'too few companies under way',
      { replications: [limited({ name: 'concurrency', kind: 'limiter', calls: 0, waitMs: 90_000 })] },
      '\nBreaks first     companies under way at once: admission was held for 90 s\n',
    ],
    [
      'a limit so slow that it lets none in that would wait',
      { replications: [slow(replicationOf())] },
      '\nBreaks first     new certificates of Let’s Encrypt for a domain, 50 a week: admission was held for 24 h\n',
    ],
    [
      'one refusal',
      { replications: [limited({ name: 'hidden', kind: 'quota', calls: 1, waitMs: 9000, refusals: 1 })] },
      '\nBreaks first     hidden (a quota of the cloud): 9 s of waiting a call, 1 refusal\n',
    ],
    [
      'an observation that is not judged',
      { scenario: scenarioOf({ observed }), label: 'emulated', clock: 'real', speed: 20 },
      ', not judged at 20 times real speed',
    ],
    ['no required KPI', { scenario: scenarioOf({ kpis: [] }) }, 'NO_DATA   the scenario requires no KPI'],
    ['an informative KPI', { scenario: scenarioOf({ kpis: [{ ...P99, required: false }] }) }, 'informative'],
    ['an interruption', { partial: true }, 'PARTIAL   interrupted'],
    ['an emulated run', { label: 'emulated' }, 'EMULATED\n'],
    ['the speed in its header', { label: 'emulated', speed: 20 }, 'EMULATED ×20\n'],
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
    expect(terminal(reportOf(changes))).toMatch(literal(expected));
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
      asked: { scenario: HOSTILE, flags: [`--set a=${HOSTILE}`] },
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
    for (const name of ['Rollout', 'Completed', 'Breaks first', 'Slowest step', 'Time goes to', 'Observed'])
      expect(markdown).toContain(`- **${name}:** `);
    for (const name of ['Biggest guess', 'Crosscheck']) expect(markdown).toContain(`- **${name}:** `);
  });

  test('lists 20 companies that are not ready and 20 violations, and says how many more there are', () => {
    const violations = Array.from({ length: 130 }, (_, i) => `wrong ${i}`);
    const outcome = (company: number) => (company < 150 ? 'undone' : 'ready');
    const markdown = renderMarkdown(reportOf({ replications: [replicationOf({ violations, outcome })] }));
    expect(markdown).toContain(
      '\n- **Not ready:** c00019: quota \\| exceeded\n- **Not ready:** … and 130 more\n',
    );
    expect(markdown).toContain('\n- **Violation:** wrong 19\n- **Violation:** … and 110 more\n');
    expect(markdown).toContain('the audit of the ledger found 130 violations');
    expect(renderMarkdown(reportOf())).not.toMatch(/Not ready|Violation|Changed|Speed|… and/);
  });

  test('says what was changed, how fast time ran, and what to try', () => {
    const asked = { scenario: 'my file.json', flags: ['--set run.seed=7'] };
    expect(renderMarkdown(reportOf({ asked }))).toContain('- **Changed:** --set run.seed=7\n');
    expect(renderMarkdown(reportOf({ asked }))).toContain(
      "    sandtable run 'my file.json' --set run.seed=7 --set",
    );
    const fast = renderMarkdown(reportOf({ label: 'emulated', speed: 20 }));
    expect(fast).toContain('** emulated ×20, seed 42');
    expect(fast).toContain('- **Speed:** time ran 20 times faster');
  });

  test('keeps text from outside text', () => {
    const markdown = renderMarkdown(
      reportOf({
        asked: { scenario: HOSTILE, flags: [`--set a=${HOSTILE}`] },
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
    for (const title of ['KPIs', 'Rollout', 'Charts', 'Limits', 'Waterfall', 'Calls to the clouds'])
      expect(html).toContain(`<h2>${title}</h2>`);
    for (const title of ['Against production', 'Assumptions', 'Facts', 'Replications', 'Environment'])
      expect(html).toContain(`<h2>${title}</h2>`);
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
    expect(html.match(/<svg /g)).toHaveLength(6);
    expect(html.match(/<figcaption>/g)).toHaveLength(6);
  });

  test('shows 20 violations, folds away the others that are listed, and counts the rest', () => {
    const violations = Array.from({ length: 130 }, (_, i) => `wrong ${i}`);
    const page = renderHtml(reportOf({ replications: [replicationOf({ violations })] }));
    expect(page).toContain(
      '<li>wrong 19</li></ul><details><summary>… and 110 more</summary><ul><li>wrong 20</li>',
    );
    expect(page).toContain('<li>wrong 99</li></ul><p>… and 30 more, not listed</p></details>');
    const few = renderHtml(
      reportOf({ replications: [replicationOf({ violations: violations.slice(0, 20) })] }),
    );
    expect(few).toContain('<li>wrong 19</li></ul></div>');
  });

  test('says what was changed, how fast time ran, and the command', () => {
    expect(html).not.toMatch(/<dt>Changed|×\d|Note that/);
    const asked = { scenario: 'my file.json', flags: ['--set run.seed=7'] };
    const page = renderHtml(reportOf({ asked, label: 'emulated', speed: 20 }));
    expect(page).toContain(
      '<dt>Changed</dt><dd><code><span class="whole">--set</span> run.seed=7</code></dd>',
    );
    expect(page).toContain('<dd>emulated ×20, unless');
    expect(page).toContain('Note that time ran 20 times faster');
    expect(page).toContain(
      '<dt>Command</dt><dd><code>sandtable run &#39;my file.json&#39; <span class="whole">--set</span> run.seed=7</code></dd>',
    );
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
        timeline: { ...base.rollout.timeline, steps: Array(3).fill({ id: HOSTILE, kind: HOSTILE }) },
        limits: [{ name: HOSTILE, kind: 'quota', calls: 1, waitMs: 1, refusals: 1, admissionBlockedMs: 0 }],
        operations: [{ operation: HOSTILE, calls: 1, refusedByQuota: 0, latencyMs: 1, fact: HOSTILE }],
      },
    };
    const page = renderHtml(
      reportOf({
        scenario: changed,
        asked: { scenario: HOSTILE, flags: [`--set a=${HOSTILE}`] },
        replications: [hostile],
        commit: HOSTILE,
        scenarioHash: HOSTILE,
      }),
    );
    expect(page).not.toMatch(/<script|<\/script/i);
    expect(page.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(12);
  });

  test('says of a rollout that was resumed what was lost to that, and all else as usual', () => {
    const { rollout, ...rest } = replicationOf();
    const lostMs = rollout.timeline.lostMs.map((_, row) => (row % 3 === 1 ? 1000 : 0));
    const timeline = { ...rollout.timeline, lostMs };
    const resumed = { ...rest, rollout: { ...rollout, timeline, isResumed: true } };
    const report = reportOf({ replications: [resumed] });
    expect(renderHtml(report)).toContain('until another took it up, is lost to restarts');
    expect(renderHtml(reportOf({ replications: [replicationOf()] }))).not.toContain('took it up');
    const text = terminal(report);
    expect(text).toMatch(/Rollout .*; more than one process took part/);
    expect(text).toMatch(/Time goes to .*lost to restarts/);
    expect(text).toMatch(/Breaks first +Cloud Run deployments/);
    expect(text).toContain('Slowest step');
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
