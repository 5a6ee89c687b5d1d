import { describe, expect, test } from 'vitest';
import type { ReportInput } from '../../reports/build.ts';
import { renderHtml } from '../../reports/html.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import type { CostLine } from '../../reports/report.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { replicationOf, reportOf } from './fixture.ts';
import {
  bothInput,
  COST,
  cellOf,
  countsOf,
  crosscheckOf,
  ERRORS,
  P95,
  responses,
  trafficInput,
  trafficOf,
  trafficReplication,
  trafficScenarioOf,
} from './trafficFixture.ts';

const HOSTILE = `<script>alert("1")</script> | \`x\` @you [a](b) 'q' \u001b[31m`;
const UNJUDGED = { ...crosscheckOf().rows[0], figure: 'P99', emulated: 900, deviation: 3.5, tolerance: null };

const terminal = (changes: Partial<ReportInput>) =>
  renderTerminal(reportOf(changes), { reportPath: 'results/r/report.html', color: false });
const htmlOf = (changes: Partial<ReportInput> = {}) => renderHtml(reportOf(trafficInput(changes)));
const markdownOf = (changes: Partial<ReportInput> = {}) => renderMarkdown(reportOf(trafficInput(changes)));

const names = (screen: string, from: number) =>
  screen
    .split('\n')
    .slice(from)
    .map(line => line.slice(0, 17).trim());

describe('the first screen of traffic', () => {
  test('says what was asked, what it ran on, where it waited and what it costs', () => {
    const lines = terminal(trafficInput()).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'sandtable  peak-400   seed 42   3 replications                 SIMULATED',
      '400 companies   800,000 agents   3 regions',
      'PASS   2 of 2 required KPIs',
    ]);
    expect(lines).toContain(
      'Traffic          4,000 requests a replication, 66.7 a second in 60 s, 10 % of them answered at the edge',
    );
    expect(lines).toContain(
      'Fleet            us-west1 5 instances (at most 6), CPU 40 %; us-central1 6 instances (at most 7), CPU 40 %; europe-west1 7 instances (at most 8), CPU 40 %',
    );
    expect(lines).toContain(
      'Slowest waits    gateway processors 9 ms a request; verification pool basic 0.45 ms a request',
    );
    expect(lines).toContain('Breaks first     gateway processors: 9 ms of waiting a request');
    expect(lines).toContain('Crosscheck       none yet: sandtable crosscheck peak-400');
    expect(names(lines.join('\n'), 8)).toEqual([
      'Traffic',
      'Fleet',
      'Slowest waits',
      'Breaks first',
      'Cost',
      'Crosscheck',
      'Report',
      '',
    ]);
  });

  test('marks the one KPI that is modelled', () => {
    const line = terminal(trafficInput({ scenario: trafficScenarioOf({ kpis: [COST] }) }))
      .split('\n')
      .find(text => text.includes('cost a company'));
    expect(line).toMatch(/< \$50 .*\$[\d.,]+ .*(PASS|FAIL) {2}.*modelled/);
  });

  test('of a rollout and traffic has the lines of both', () => {
    const lines = terminal(bothInput());
    const first = lines.split('\n').findIndex(line => line.startsWith('Rollout'));
    expect(names(lines, first)).toEqual([
      'Rollout',
      'Completed',
      'Traffic',
      'Fleet',
      'Slowest waits',
      'Breaks first',
      'Slowest step',
      'Time goes to',
      'Cost',
      'Biggest guess',
      'Crosscheck',
      'Report',
      'Try',
      '',
    ]);
    expect(lines).toMatch(
      /Breaks first {5}rollout: Cloud Run deployments.*; traffic: gateway processors: 9 ms/,
    );
    expect(lines).toMatch(/^Crosscheck {7}none yet: sandtable crosscheck peak-400$/m);
  });

  test.each<[string, Partial<ReportInput>, string | RegExp]>([
    [
      'requests that were sampled',
      { replications: [trafficReplication({ sampledShare: 0.0033 })] },
      '4,000 requests, 66.7 a second in 60 s (0.33 % of the time), 10 %',
    ],
    [
      'a queue that turned requests away, though others waited longer',
      {
        replications: [
          trafficReplication({
            waits: [
              { name: 'gateway processors', calls: 10, waitMs: 99_000, refusals: 0 },
              { name: 'verification pool basic', calls: 10, waitMs: 4000, refusals: 12 },
            ],
          }),
        ],
      },
      'Breaks first     verification pool basic: 1 ms of waiting a request, 12 refusals\n',
    ],
    [
      'nothing that anyone waited for',
      { replications: [trafficReplication({ waits: [] })] },
      'Slowest waits    none: no request waited\nBreaks first     nothing: no request waited\n',
    ],
    [
      'counts that disagree',
      { replications: [trafficReplication({ counts: countsOf({ ledger: 2999 }) })] },
      /^FAIL {3}the request counts disagree$[\s\S]*^Violation {8}the gateways forwarded 3000 requests and the ledger has 2999$/m,
    ],
    [
      'an audit and counts that both object',
      {
        replications: [
          {
            ...replicationOf({ violations: ['two services'] }),
            traffic: trafficOf({ counts: countsOf({ ledger: 2999 }) }),
          },
        ],
      },
      'FAIL   the audit of the ledger found a violation, and the request counts disagree\n',
    ],
    [
      'a generator that was late',
      {
        clock: 'real',
        label: 'emulated',
        replications: [trafficReplication({ violations: ['k6 was late'] })],
      },
      /^NO_DATA {3}2 of 2 required KPIs$[\s\S]*this traffic proves nothing: k6 was late[\s\S]*^Violation {8}k6 was late$/m,
    ],
    [
      'a crosscheck',
      { crosscheck: crosscheckOf() },
      'Crosscheck       PASS, 2 of 2 figures within tolerance, with delays; furthest off P95, +1.5 % (3 % allowed)\n',
    ],
    [
      'a crosscheck with a figure that is not judged',
      { crosscheck: crosscheckOf({ rows: [...crosscheckOf().rows, UNJUDGED] }) },
      'Crosscheck       PASS, 2 of 2 figures within tolerance, with delays; furthest off P95, +1.5 % (3 % allowed)\n',
    ],
    [
      'a crosscheck out of tolerance',
      { crosscheck: crosscheckOf({ verdict: 'FAIL', withDelays: false }) },
      /Crosscheck {7}FAIL, .* without delays, .*: the simulated verdicts on traffic are void$/m,
    ],
    [
      'a small rate of errors',
      { replications: [trafficReplication({ cells: [cellOf({ requests: 1e6, errors: 3 })] })] },
      /errors +< 0\.1 % +0\.0003 %/,
    ],
  ])('tells of %s', (_, changes, expected) => {
    if (typeof expected === 'string') expect(terminal(trafficInput(changes))).toContain(expected);
    else expect(terminal(trafficInput(changes))).toMatch(expected);
  });

  test('of a gate names its command', () => {
    const asked = { verb: 'gate', scenario: 'peak-hour', flags: ['--calibration c.json'] } as const;
    expect(reportOf(trafficInput({ asked })).command).toBe('sandtable gate peak-hour --calibration c.json');
    expect(reportOf({ asked }).whatIf).toMatch(/^sandtable run peak-hour --calibration c\.json --set /);
  });
});

describe('Markdown of traffic', () => {
  test('has the same lines, and the largest items of the bill', () => {
    const markdown = markdownOf();
    for (const name of ['Traffic', 'Fleet', 'Slowest waits', 'Breaks first', 'Cost', 'Crosscheck'])
      expect(markdown).toContain(`- **${name}:** `);
    expect(markdown).not.toMatch(/\*\*(Rollout|Completed|Biggest guess):/);
    const bill = markdown.slice(markdown.indexOf('| largest items |')).split('\n\n')[0].trimEnd().split('\n');
    expect(bill).toHaveLength(2 + 5);
    const { lines } = reportOf(trafficInput()).cost!;
    const largest = Math.max(...lines.map(({ usdPerMonth }) => usdPerMonth));
    const item = lines.find(({ usdPerMonth }) => usdPerMonth === largest)!.item;
    expect(bill[2]).toContain(item.slice(0, 12));
  });

  test('says the size of the platform', () => {
    expect(markdownOf()).toContain('400 companies, 800,000 agents, 3 regions');
  });
});

describe('HTML of traffic', () => {
  const page = htmlOf({ crosscheck: crosscheckOf({ rows: [...crosscheckOf().rows, UNJUDGED] }) });

  test('has every section that applies, with a caption on each table', () => {
    for (const title of ['KPIs', 'Traffic', 'Fleet', 'Cost', 'Crosscheck', 'Facts', 'Replications'])
      expect(page).toContain(`<h2>${title}</h2>`);
    for (const title of ['Rollout', 'Limits', 'Waterfall', 'Calls to the clouds'])
      expect(page).not.toContain(`<h2>${title}</h2>`);
    expect(page.match(/<caption>/g)).toHaveLength(page.match(/<table>/g)!.length);
    expect(page.match(/<svg /g)).toHaveLength(1);
    expect(page).toContain('<dt>Calibration hash</dt><dd>c0ffee</dd>');
  });

  test('of a rollout and traffic has the charts of both', () => {
    const both = renderHtml(reportOf(bothInput()));
    expect(both.match(/<svg /g)).toHaveLength(7);
    expect(both).toContain('<h2>Rollout</h2>');
    expect(both).toContain('<h2>Traffic</h2>');
  });

  test('shows response times, errors and refusals of every cell', () => {
    const cells = [cellOf({ requests: 5000, errors: 2, refused: 500 })];
    const text = htmlOf({ replications: [trafficReplication({ cells })] });
    expect(text).toMatch(
      /<th scope="row">us-west1<\/th><td>DIAMOND<\/td><td>tools\/call<\/td>.*>5,000<.*>2 \(0\.04 %\)<.*>500 \(10 %\)<.*<td>simulated<\/td>/,
    );
  });

  test('draws a line a region, told apart by colour and dashes', () => {
    const [chart] = /<svg [\s\S]*?<\/svg>/.exec(page)!;
    for (const region of ['us-west1', 'us-central1', 'europe-west1']) expect(chart).toContain(region);
    const lines = chart.match(/<path[^>]*fill="none"[^>]*stroke-width="2"[^>]*>/g)!;
    const looks = lines.map(
      line => /stroke="[^"]*"/.exec(line)![0] + (/stroke-dasharray="[^"]*"/.exec(line)?.[0] ?? ''),
    );
    expect(new Set(looks).size).toBeGreaterThanOrEqual(4);
  });

  test('shows an emulated run and its simulation side by side, kind by kind, each with its label', () => {
    const simulatedTraffic = trafficOf({ cells: [cellOf({ responseMs: responses([90, 1000]) })] });
    const text = htmlOf({ label: 'emulated', clock: 'real', simulatedTraffic });
    const table = text.slice(text.indexOf('<caption>Response times by kind, simulated and emulated'));
    const rows = table.slice(0, table.indexOf('</table>')).match(/<tr><th scope="row">.*<\/tr>/g)!;
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatch(/tools\/call.*>89\.6 ms<.*<td>simulated<\/td>/);
    expect(rows[1]).toMatch(/tools\/call.*<td>emulated<\/td>/);
    expect(rows[2]).toMatch(/tools\/list.*<td>emulated<\/td>/);
  });

  test('shows the counts, the waits, the bill and the crosscheck', () => {
    expect(page).toContain('<th scope="row">in the services’ ledger</th><td class="number">9,000</td>');
    expect(page).toMatch(/<th scope="row">gateway processors<\/th>.*>7,200<.*>36 s<.*>5 ms<.*>9 ms</);
    expect(page).toMatch(/<caption>Bill of a month/);
    expect(page).toMatch(/<th scope="row">throughput<\/th>.*>66\.7\/s<.*>66\.6\/s<.*>−0\.15 %<.*>1 %<.*yes/);
    expect(page).toMatch(/<th scope="row">P99<\/th>.*>200 ms<.*>900 ms<.*shown, not judged/);
  });

  test('alerts to counts that disagree and to traffic that proves nothing', () => {
    const text = htmlOf({
      clock: 'real',
      label: 'emulated',
      replications: [trafficReplication({ counts: countsOf({ ledger: 2999 }), violations: ['k6 was late'] })],
    });
    expect(text).toMatch(/The request counts disagree:<\/strong><\/p><ul><li>the gateways forwarded 3000/);
    expect(text).toMatch(/This traffic proves nothing:<\/strong><\/p><ul><li>k6 was late/);
  });

  test('loads nothing, runs nothing, and escapes every text from outside', () => {
    const line: CostLine = {
      item: HOSTILE,
      usdPerMonth: 1,
      kind: 'shared',
      splitBy: HOSTILE,
      usage: HOSTILE,
      fact: HOSTILE,
      label: 'modelled',
    };
    const cells = [cellOf({ region: HOSTILE, level: HOSTILE, kind: HOSTILE })];
    const report = reportOf(
      trafficInput({
        crosscheck: crosscheckOf({
          scenario: HOSTILE,
          rows: [{ ...crosscheckOf().rows[0], figure: HOSTILE }],
        }),
        replications: [
          trafficReplication({
            cells,
            fleets: [{ ...trafficOf().fleets[0], region: HOSTILE }],
            waits: [{ name: HOSTILE, calls: 1, waitMs: 1, refusals: 1 }],
            violations: [HOSTILE],
          }),
        ],
      }),
    );
    const cost = {
      ...report.cost!,
      lines: [line],
      unpriced: [HOSTILE],
      extrapolation: HOSTILE,
      byLevel: { [HOSTILE]: 1 },
    };
    const hostile = { ...report, cost };
    const text = renderHtml(hostile);
    expect(text).not.toMatch(/<script|<\/script/i);
    expect(text.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(15);
    const markdown = renderMarkdown(hostile);
    expect(markdown.split('\n').filter(each => /<script|[^\\]`|@you|[^\\]\[a|\p{Cc}/u.test(each))).toEqual(
      [],
    );
    expect(renderTerminal(hostile, { reportPath: 'r', color: false })).not.toContain('\u001b');
    expect(page).not.toMatch(/\b(?:src|href|action|data|poster|xlink:href)\s*=/i);
  });

  test.each<[string, Partial<ReportInput>]>([
    ['no request was due', { replications: [trafficReplication({ cells: [], fleets: [], waits: [] })] }],
    ['no time was measured', { replications: [trafficReplication({ cells: [], measuredMs: 0 })] }],
    ['the run was interrupted', { partial: true, inputs: null, replications: [trafficReplication()] }],
    ['the scenario asks for no KPI', { scenario: trafficScenarioOf({ kpis: [] }) }],
    [
      'nothing was counted',
      { replications: [trafficReplication({ counts: { ...countsOf(), sent: 0, due: 0 } })] },
    ],
  ])('and every other form is drawn even when %s', (_, changes) => {
    for (const text of [htmlOf(changes), markdownOf(changes), terminal(trafficInput(changes))])
      expect(text).not.toMatch(/NaN|undefined|Infinity|\[object|null/);
  });
});

test('a KPI that the scenario names stands once', () => {
  const scenario = trafficScenarioOf({ kpis: [P95, ERRORS] });
  expect(terminal(trafficInput({ scenario })).match(/response P95/g)).toHaveLength(1);
});
