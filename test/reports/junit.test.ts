import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { ReportInput } from '../../reports/build.ts';
import { renderJUnit } from '../../reports/junit.ts';
import { P99, replicationOf, replicationsOf, reportOf, SHARE, scenarioOf } from './fixture.ts';
import {
  bothInput,
  countsOf,
  trafficInput,
  trafficReplication,
  trafficScenarioOf,
} from './trafficFixture.ts';

const SCHEMA = readFileSync(new URL('junit.xsd', import.meta.url), 'utf8');
const HOSTILE = `<a> & "b" 'c' ]]> \u0000\u001b[31m\uFFFE\uD800 end`;

const junitOf = (changes: Partial<ReportInput> = {}) => renderJUnit(reportOf(changes));

/** What a CI server would complain of; empty when it reads the document. */
async function complaints(xml: string): Promise<string[]> {
  const { errors } = await validateXML({ xml: [{ fileName: 'junit.xml', contents: xml }], schema: [SCHEMA] });
  return errors.map(({ message }) => message);
}

/** The case of that name, with its outcome. */
const caseOf = (xml: string, name: string) =>
  new RegExp(`<testcase name="${name}"[^>]*?(?:/>|>(?:.|\\n)*?</testcase>)`).exec(xml)?.[0];

const suiteOf = (xml: string) => /<testsuite [^>]*>/.exec(xml)![0];

describe('junit.xml', () => {
  test.each<[string, Partial<ReportInput>]>([
    ['a rollout', {}],
    ['traffic', trafficInput()],
    ['both', bothInput()],
    ['a failure', { replications: replicationsOf(5, { ms: () => 90_000 }) }],
    ['an interrupted run', { partial: true, inputs: null, replications: replicationsOf(1) }],
    ['violations', { replications: [replicationOf({ violations: [HOSTILE, 'two\nlines'] })] }],
    ['no KPI of its own', { scenario: scenarioOf({ kpis: [] }) }],
    [
      'text from outside',
      {
        asked: { scenario: HOSTILE, flags: [`--set a=${HOSTILE}`] },
        scenario: scenarioOf({ name: HOSTILE }),
        commit: HOSTILE,
        scenarioHash: HOSTILE,
      },
    ],
  ])('of %s is read by CI servers', async (_, changes) => {
    const xml = junitOf(changes);
    expect(await complaints(xml)).toEqual([]);
    expect(xml).not.toMatch(/[^\P{Cc}\n]|[\uFFFE\uFFFF]/u);
  });

  test.each<[string, (xml: string) => string]>([
    ['a count that is missing', xml => xml.replace(/ tests="\d+"/g, '')],
    ['a count that is none', xml => xml.replace(/ tests="\d+"/g, ' tests="-1"')],
    ['a case without a name', xml => xml.replace('<testcase name="errorRate"', '<testcase')],
    ['an outcome that nobody knows', xml => xml.replaceAll('skipped message', 'ignored message')],
    ['two outcomes of one case', xml => xml.replace('</testcase>', '<skipped/></testcase>')],
    ['the same case twice', xml => xml.replace('name="errorRate"', 'name="provisioningMsP99"')],
    ['an element left open', xml => xml.replace('</testsuite>', '')],
    ['a bare ampersand', xml => xml.replace('value="42"', 'value="&"')],
  ])('is refused with %s', async (_, broken) => {
    const xml = junitOf();
    expect(broken(xml)).not.toBe(xml);
    expect(await complaints(broken(xml))).not.toEqual([]);
  });

  test('has one case a KPI, in one suite', () => {
    const report = reportOf(trafficInput());
    const xml = renderJUnit(report);
    expect([...xml.matchAll(/<testcase name="(\w+)"/g)].map(([, name]) => name)).toEqual(
      report.kpis.map(({ name }) => name),
    );
    expect(xml.match(/<testsuite /g)).toHaveLength(1);
    expect(suiteOf(xml)).toContain(`tests="${report.kpis.length}"`);
  });

  test('passes what passes', () => {
    expect(caseOf(junitOf(), 'provisioningMsP99')).toMatch(/\/>$/);
    expect(suiteOf(junitOf())).toMatch(/failures="0" errors="0" skipped="3"/);
  });

  test('fails a required KPI that fails, with its figures', () => {
    const xml = junitOf({ replications: replicationsOf(5, { ms: () => 90_000 }) });
    expect(caseOf(xml, 'provisioningMsP99')).toMatch(
      /<failure message="FAIL: 90 s \(90 s\), target &lt; 60 s: .*" type="FAIL">FAIL: .*<\/failure>/,
    );
    expect(suiteOf(xml)).toContain('failures="1" errors="0"');
  });

  test.each<[string, Partial<ReportInput>, string, RegExp]>([
    [
      'inconclusive',
      { replications: replicationsOf(3, { ms: (_, i) => 55_000 + 5000 * i }) },
      'INCONCLUSIVE',
      /straddles the target/,
    ],
    [
      'without data',
      { replications: replicationsOf(2, { companies: 100 }) },
      'NO_DATA',
      /100 companies prove no P99/,
    ],
  ])('has an error where a required KPI is %s, with the reason', (_, changes, type, reason) => {
    const kpi = caseOf(junitOf(changes), 'provisioningMsP99')!;
    expect(kpi).toMatch(/<error message="/);
    expect(kpi).toContain(`type="${type}"`);
    expect(kpi).toMatch(reason);
  });

  test('skips an informative KPI that does not pass, with the reason', () => {
    const kpis = [SHARE, { ...P99, required: false }];
    const xml = junitOf({
      scenario: scenarioOf({ kpis }),
      replications: replicationsOf(5, { companies: 100 }),
    });
    expect(caseOf(xml, 'provisioningMsP99')).toMatch(
      /<skipped message="NO_DATA: 100 companies prove no P99.*informative"\/>/,
    );
    expect(caseOf(xml, 'errorRate')).toMatch(
      /<skipped message="NO_DATA: this run has no traffic: sandtable run peak-hour/,
    );
    const late = junitOf({
      scenario: scenarioOf({ kpis }),
      replications: replicationsOf(5, { ms: () => 59_999, companies: 400 }),
    });
    expect(caseOf(late, 'provisioningMsP99')).toMatch(/\/>$/);
  });

  test('has one more case where something other than a KPI decides', () => {
    const violations = junitOf({
      replications: [...replicationsOf(4), replicationOf({ index: 4, violations: ['two services'] })],
    });
    expect(caseOf(violations, 'violations')).toMatch(
      /<failure message="the audit of the ledger found a violation" type="FAIL">two services<\/failure>/,
    );
    const counts = junitOf(
      trafficInput({ replications: [trafficReplication({ counts: countsOf({ ledger: 2999 }) })] }),
    );
    expect(caseOf(counts, 'violations')).toContain('the request counts disagree');
    const nothing = junitOf(trafficInput({ scenario: trafficScenarioOf({ kpis: [] }) }));
    expect(caseOf(nothing, 'verdict')).toMatch(
      /<error message="NO_DATA: the scenario requires no KPI" type="NO_DATA">/,
    );
  });

  test('says what it was made of', () => {
    const xml = junitOf(trafficInput());
    const value = (name: string) => new RegExp(`<property name="${name}" value="([^"]*)"/>`).exec(xml)?.[1];
    expect([value('seed'), value('commit'), value('label'), value('scenarioHash')]).toEqual([
      '42',
      '0123abc',
      'simulated',
      'sha256:abc',
    ]);
    expect([value('verdict'), value('calibrationHash'), value('partial')]).toEqual([
      'PASS',
      'c0ffee',
      'false',
    ]);
  });
});
