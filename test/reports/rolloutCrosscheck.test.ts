// How a report speaks of a rollout's crosscheck, voids what one out of tolerance makes worthless, and shows the simulated
// rollout beside the emulated one.

import { describe, expect, test } from 'vitest';
import type { ReportInput } from '../../reports/build.ts';
import { crosscheckText } from '../../reports/crosscheckSentences.ts';
import { renderHtml } from '../../reports/html.ts';
import { assessKpis } from '../../reports/kpis.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { inputOf, P99, replicationOf, replicationsOf, reportOf, SHARE, scenarioOf } from './fixture.ts';
import { timelineOf } from './timelineFixture.ts';
import { bothInput, crosscheckOf, P95, trafficScenarioOf } from './trafficFixture.ts';

const row = { ...crosscheckOf().rows[0], figure: 'provisioning P95', deviation: 0.01, tolerance: 0.05 };
const equal = { ...row, figure: 'calls of kms', unit: 'count', deviation: 0, tolerance: 0 } as const;
const ofRollout = (changes = {}) => crosscheckOf({ scenario: 'rollout-400', rows: [equal, row], ...changes });
const SUMMARY =
  'PASS, 2 of 2 figures within tolerance, with delays; furthest off provisioning P95, +1 % (5 % allowed)';
const FAILED = ofRollout({ verdict: 'FAIL' });

const textOf = (changes: Partial<ReportInput>) => crosscheckText(reportOf(changes));
const terminal = (changes: Partial<ReportInput>) =>
  renderTerminal(reportOf(changes), { reportPath: 'results/r/report.html', color: false });

/** 167 min of a rollout. */
const long = (): ReportInput['replications'] => {
  const replication = replicationOf();
  return [{ ...replication, rollout: { ...replication.rollout, durationMs: 10_000_000 } }];
};
const resumed = (): ReportInput['replications'] => {
  const replication = replicationOf();
  const rollout = {
    ...replication.rollout,
    limits: [],
    steps: [],
    timeline: timelineOf([]),
    isResumed: true,
  };
  return [{ ...replication, rollout }];
};

describe('the line on the crosscheck of a rollout', () => {
  test.each<[string, Partial<ReportInput>, string | RegExp]>([
    ['that has none yet', {}, 'none yet: sandtable crosscheck rollout-400'],
    ['that has one', { rolloutCrosscheck: ofRollout() }, SUMMARY],
    [
      'that is out of tolerance',
      { rolloutCrosscheck: FAILED },
      /^FAIL, .*: the simulated verdicts on the rollout are void$/,
    ],
    [
      'that is out of tolerance and was emulated',
      { rolloutCrosscheck: FAILED, label: 'emulated', clock: 'real' },
      /^FAIL, .* \(5 % allowed\)$/,
    ],
    [
      'that was made on a busy machine',
      { rolloutCrosscheck: ofRollout({ verdict: 'INCONCLUSIVE' }), label: 'emulated', clock: 'real' },
      /^INCONCLUSIVE, 2 of 2 .*: its machine was too busy for it to say anything$/,
    ],
    [
      'that nobody would wait for',
      { replications: long() },
      'none of this rollout, which over HTTP takes 167 min as well; of the same code in small: sandtable crosscheck crosscheck-rollout',
    ],
    [
      'that ran faster than real',
      { speed: 20, label: 'emulated', clock: 'real' },
      'none at ×20, where what local HTTP takes is multiplied: use --speed 1',
    ],
    [
      'that was resumed',
      { replications: resumed(), label: 'emulated', clock: 'real' },
      /^none: the clock ran on/,
    ],
    [
      'of which a call differs that must be equal',
      { rolloutCrosscheck: ofRollout({ rows: [row, { ...equal, deviation: 0.001, within: false }] }) },
      /1 of 2 .*furthest off calls of kms, \+0\.1 % \(0 % allowed\)$/,
    ],
  ])('%s', (_what, changes, text) => {
    if (typeof text === 'string') expect(textOf(changes)).toBe(text);
    else expect(textOf(changes)).toMatch(text);
    expect(terminal(changes)).toContain(`Crosscheck       ${textOf(changes)}\n`);
  });

  test('with traffic after it says of each what it has', () => {
    const both = (changes: Partial<ReportInput>) => textOf(bothInput(changes));
    expect(both({ rolloutCrosscheck: ofRollout() })).toBe(
      `rollout: ${SUMMARY}; traffic: none yet: sandtable crosscheck peak-400`,
    );
    expect(both({ crosscheck: crosscheckOf() })).toMatch(/^rollout: none yet: .*; traffic: PASS, 2 of 2/);
  });
});

describe('a KPI of the rollout', () => {
  const kpis = [P99, SHARE];

  test('is void after a crosscheck of the rollout out of tolerance, where it is simulated', () => {
    const input = { scenario: scenarioOf({ kpis }), rolloutCrosscheck: FAILED };
    for (const kpi of assessKpis(inputOf(input)).slice(0, 2))
      expect(kpi).toMatchObject({
        verdict: 'NO_DATA',
        value: null,
        reason: 'the last crosscheck was out of tolerance',
      });
    expect(reportOf(input).verdict).toBe('NO_DATA');
    expect(assessKpis(inputOf({ ...input, label: 'emulated' }))[0].verdict).toBe('PASS');
    expect(assessKpis(inputOf({ ...input, rolloutCrosscheck: ofRollout() }))[0].verdict).toBe('PASS');
  });

  test('is not void by the traffic’s crosscheck, nor the traffic by the rollout’s', () => {
    const scenario = trafficScenarioOf({ kpis: [P99, P95] });
    const verdicts = (changes: Partial<ReportInput>) =>
      assessKpis(inputOf(bothInput({ scenario, ...changes })))
        .slice(0, 2)
        .map(({ verdict }) => verdict);
    expect(verdicts({})).toEqual(['PASS', 'PASS']);
    expect(verdicts({ rolloutCrosscheck: FAILED })).toEqual(['NO_DATA', 'PASS']);
    expect(verdicts({ crosscheck: FAILED })).toEqual(['PASS', 'NO_DATA']);
  });
});

describe('a simulated rollout beside an emulated one', () => {
  const emulated = (changes: Partial<ReportInput> = {}): Partial<ReportInput> => ({
    label: 'emulated',
    clock: 'real',
    inputs: null,
    replications: replicationsOf(1, { ms: () => 22_000 }),
    simulatedRollout: replicationOf({ ms: () => 20_000 }).rollout,
    rolloutCrosscheck: ofRollout(),
    ...changes,
  });
  test('stands in the report', () => {
    const { rollout, rolloutCrosscheck } = reportOf(emulated());
    expect(rollout!.simulated).toMatchObject({
      completed: 400,
      durationMs: 419_000,
      provisioningMs: { p50: 20_000, max: 20_000 },
      queuedMs: { companies: 400 },
    });
    expect(rolloutCrosscheck).toEqual(ofRollout());
    expect(reportOf().rollout!.simulated).toBeNull();
    expect(reportOf().rolloutCrosscheck).toBeNull();
  });

  test('is a line of the first screen and of the summary, and there alone', () => {
    expect(terminal(emulated())).toContain(
      '\nSimulated        6.98 min (+0.477 %); provisioning P50 20 s (+10 %), P95 20 s (+10 %), P99 20 s (+10 %); in brackets the deviation of the emulated one\n',
    );
    expect(renderMarkdown(reportOf(emulated()))).toContain('- **Simulated:** ');
    expect(terminal({})).not.toContain('Simulated');
  });

  test('has its times right above the emulated ones, and every row of the crosscheck', () => {
    const page = renderHtml(reportOf(emulated()));
    const text = page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    expect(text).toContain(
      'admission to healthy 20 s 20 s 20 s 20 s 20 s simulated admission to healthy 22 s',
    );
    expect(text).toContain('The same rollout in virtual time and over HTTP');
    expect(text).toMatch(/provisioning P95 200 ms 203 ms \+1 % 5 % yes/);
    expect(renderHtml(reportOf())).not.toContain('The same rollout in virtual time');
  });
});
