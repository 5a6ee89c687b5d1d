import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assessKpis, kpisOfReplication } from '../../reports/kpis.ts';
import type { InputRuns } from '../../reports/measure.ts';
import type { CompanyOutcome, Replication } from '../../reports/measurement.ts';
import type { KpiReport, Label, Verdict } from '../../reports/report.ts';
import { meets, verdictOf, verdictOfInterval } from '../../reports/verdict.ts';
import { inputOf, kpiOf, P99, replicationOf, replicationsOf, SHARE, scenarioOf } from './fixture.ts';

const assess = (
  kpi: typeof P99,
  replications: readonly Replication[],
  inputs: InputRuns | null = null,
  label: Label = 'simulated',
): KpiReport =>
  assessKpis(inputOf({ scenario: scenarioOf({ kpis: [kpi] }), replications, inputs, label }))[0];

/** Replications whose every company takes so long. */
const taking = (...ms: number[]): Replication[] =>
  ms.map((each, index) => replicationOf({ index, ms: () => each }));

/** The first `n` companies take 30 s, the others 90 s. */
const within = (n: number, companies: number, index = 0): Replication =>
  replicationOf({ index, companies, ms: company => (company < n ? 30_000 : 90_000) });

describe('provisioning P99', () => {
  test.each<[string, Replication[], Partial<KpiReport>]>([
    ['wholly below the target passes', taking(50_000, 51_000, 50_500), { verdict: 'PASS', reason: '' }],
    ['wholly above the target fails', taking(70_000, 71_000, 70_500), { verdict: 'FAIL', reason: '' }],
    [
      'that straddles the target is inconclusive',
      taking(59_000, 62_000, 58_000),
      { verdict: 'INCONCLUSIVE', reason: 'the interval straddles the target; more replications narrow it' },
    ],
    [
      'of one replication is decided by the order of its companies',
      // Ranks 392 and 400 of 400 bound it; the value is rank 396.
      [replicationOf({ ms: company => (company + 1) * 100 })],
      {
        verdict: 'PASS',
        value: 39_600,
        sampling: { low: 39_200, high: 40_000, confidence: 0.95 },
        reason: '',
      },
    ],
    [
      'of one replication wholly above the target fails',
      [replicationOf({ ms: company => 30_000 + company * 100 })],
      { verdict: 'FAIL', sampling: { low: 69_100, high: 69_900, confidence: 0.95 } },
    ],
    [
      'of replications that agree has a point for an interval',
      taking(50_000, 50_000),
      { verdict: 'PASS', sampling: { low: 50_000, high: 50_000, confidence: 0.95 } },
    ],
    ['at the target itself fails', taking(60_000, 60_000), { verdict: 'FAIL' }],
    [
      'of 100 companies is no data',
      replicationsOf(5, { companies: 100 }),
      {
        verdict: 'NO_DATA',
        value: null,
        sampling: null,
        reason: '100 companies prove no P99: it needs 299 (0.99^299 < 5 %) in one rollout',
      },
    ],
    ['of 298 companies is no data', replicationsOf(5, { companies: 298 }), { verdict: 'NO_DATA' }],
    ['of 299 companies is data', replicationsOf(5, { companies: 299 }), { verdict: 'PASS' }],
    ['of one company is no data', replicationsOf(2, { companies: 1 }), { verdict: 'NO_DATA' }],
    ['of no replication is no data', [], { verdict: 'NO_DATA', reason: 'no replication has finished' }],
  ])('%s', (_, replications, expected) => {
    expect(assess(P99, replications)).toMatchObject(expected);
  });

  test.each<CompanyOutcome>(['undone', 'blocked', 'noRoom', 'unfinished'])(
    'is infinite and fails when %s companies reach into it, in one replication alone',
    outcome => {
      const broken = replicationOf({ outcome: company => (company < 5 ? outcome : 'ready') });
      for (const replications of [[broken], [...replicationsOf(4), broken]])
        expect(assess(P99, replications)).toMatchObject({
          value: 'infinite',
          sampling: null,
          verdict: 'FAIL',
        });
    },
  );

  test('stays finite when fewer than 1 % of the companies are not ready', () => {
    const nearly = replicationOf({ outcome: company => (company < 4 ? 'undone' : 'ready') });
    expect(assess(P99, [nearly]).value).toBeLessThan(60_000);
  });

  test.each<[string, Label, string]>([
    ['more replications in virtual time', 'simulated', 'use --replications 5'],
    ['a larger batch in real time', 'emulated', 'a larger batch narrows it'],
  ])('of one replication that straddles the target asks for %s', (_, label, advice) => {
    const straddling = [replicationOf({ ms: company => 20_300 + company * 100 })];
    expect(assess(P99, straddling, null, label)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      reason: `the interval over the companies of one rollout, which are not independent, straddles the target; ${advice}`,
    });
  });

  test('of one replication has an infinite end when companies that are not ready reach into its interval', () => {
    const nearly = replicationOf({ outcome: company => (company < 4 ? 'undone' : 'ready') });
    const { sampling, verdict } = assess(P99, [nearly]);
    expect([typeof sampling!.low, sampling!.high, verdict]).toEqual(['number', 'infinite', 'INCONCLUSIVE']);
  });

  test('never improves when one company takes longer', () => {
    const times = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 299, maxLength: 320 });
    fc.assert(
      fc.property(times, fc.nat(298), fc.integer({ min: 0, max: 100_000 }), (ms, slower, by) => {
        const of = (extra: number) => {
          const each = (company: number) => ms[company] + (company === slower ? extra : 0);
          return assess(P99, [replicationOf({ companies: ms.length, ms: each })]).value as number;
        };
        return of(by) >= of(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the share under 60 s', () => {
  test.each<[string, Replication[], Partial<KpiReport>]>([
    ['of 100 of 100 is at least 97.05 %', [within(100, 100)], { verdict: 'PASS', value: 1 }],
    [
      'of 98 of 100 is inconclusive',
      [within(98, 100)],
      {
        verdict: 'INCONCLUSIVE',
        value: 0.98,
        reason: '98 of 100 companies prove no more; a larger batch or more replications would',
      },
    ],
    ['of 58 of 58 is inconclusive', [within(58, 58)], { verdict: 'INCONCLUSIVE' }],
    ['of 59 of 59 passes', [within(59, 59)], { verdict: 'PASS' }],
    ['of 50 of 100 fails, even in one replication', [within(50, 100)], { verdict: 'FAIL', value: 0.5 }],
    [
      'of replications that differ is decided by their spread',
      [99, 100, 100, 98, 100].map((n, index) => within(n, 100, index)),
      { verdict: 'PASS', value: 0.994 },
    ],
    [
      'of replications around the target is inconclusive',
      [93, 97, 96, 94].map((n, index) => within(n, 100, index)),
      { verdict: 'INCONCLUSIVE', value: 0.95 },
    ],
    [
      'of replications below the target fails',
      [83, 84, 85].map((n, index) => within(n, 100, index)),
      { verdict: 'FAIL', value: 0.84 },
    ],
  ])('%s', (_, replications, expected) => {
    expect(assess(SHARE, replications)).toMatchObject(expected);
  });

  test.each<[number, Label, string]>([
    [58, 'emulated', '58 of 58 companies prove no more; a larger batch would'],
    [1, 'emulated', '1 of 1 company proves no more; a larger batch would'],
    [1, 'simulated', '1 of 1 company proves no more; a larger batch or more replications would'],
  ])('of %d companies that is %s advises what can be done', (companies, label, reason) => {
    expect(assess(SHARE, [within(companies, companies)], null, label)).toMatchObject({
      verdict: 'INCONCLUSIVE',
      reason,
    });
  });

  test('takes all companies of replications that agree as trials', () => {
    const low = (replications: number) =>
      assess(
        SHARE,
        Array.from({ length: replications }, (_, index) => within(100, 100, index)),
      ).sampling;
    expect(low(1)).toEqual({ low: expect.closeTo(0.9705, 4), high: 1, confidence: 0.95 });
    expect(low(3)).toEqual({ low: expect.closeTo(0.9901, 4), high: 1, confidence: 0.95 });
  });

  test('never claims more than all', () => {
    const { sampling } = assess(
      SHARE,
      [99, 100, 100].map((n, index) => within(n, 100, index)),
    );
    expect(sampling!.high).toBe(1);
  });

  test('counts a company that is not ready, or takes 60 s, as late', () => {
    const ms = (company: number) => (company === 0 ? 60_000 : 59_999);
    const outcome = (company: number): CompanyOutcome => (company === 1 ? 'unfinished' : 'ready');
    expect(assess(SHARE, [replicationOf({ companies: 100, ms, outcome })]).value).toBe(0.98);
  });
});

describe('the interval of the inputs', () => {
  const ends = (low: number, high: number): InputRuns => {
    const [first, second] = taking(low, high);
    return { low: first, high: second };
  };
  test.each<[string, number[], InputRuns, KpiReport['inputs'], boolean]>([
    [
      'a pass survives ends that pass',
      [50_000, 50_000],
      ends(40_000, 59_000),
      { low: 40_000, high: 59_000 },
      true,
    ],
    [
      'a pass does not survive an end that fails',
      [50_000, 50_000],
      ends(40_000, 61_000),
      { low: 40_000, high: 61_000 },
      false,
    ],
    [
      'a failure survives ends that fail',
      [70_000, 70_000],
      ends(61_000, 90_000),
      { low: 61_000, high: 90_000 },
      true,
    ],
    [
      'a failure does not survive an end that passes',
      [70_000, 70_000],
      ends(50_000, 90_000),
      { low: 50_000, high: 90_000 },
      false,
    ],
    [
      'all facts low may give the larger figure',
      [50_000, 50_000],
      ends(55_000, 45_000),
      { low: 45_000, high: 55_000 },
      true,
    ],
  ])('%s', (_, values, inputs, expected, survives) => {
    expect(assess(P99, taking(...values), inputs)).toMatchObject({
      inputs: expected,
      survivesInputs: survives,
    });
  });

  test('says infinite where companies fail at one end', () => {
    const high = replicationOf({ outcome: company => (company < 40 ? 'undone' : 'ready') });
    const kpi = assess(P99, taking(50_000, 50_000), { low: replicationOf({ ms: () => 40_000 }), high });
    expect(kpi).toMatchObject({ inputs: { low: 40_000, high: 'infinite' }, survivesInputs: false });
  });

  test('is absent without those runs', () => {
    expect(assess(P99, taking(50_000, 50_000))).toMatchObject({ inputs: null, survivesInputs: null });
  });
});

test('a replication lists the KPIs that its companies allow', () => {
  const input = inputOf({ scenario: scenarioOf({ kpis: [P99, SHARE] }) });
  expect(kpisOfReplication(input, within(100, 100))).toEqual({ provisioningShareUnder60s: 1 });
  expect(kpisOfReplication(input, within(350, 400))).toEqual({
    provisioningMsP99: 90_000,
    provisioningShareUnder60s: 0.875,
  });
  expect(kpisOfReplication(input, replicationOf({ outcome: () => 'blocked' })).provisioningMsP99).toBe(
    'infinite',
  );
});

describe('a verdict', () => {
  const less = { op: '<', value: 10 } as const;
  const atLeast = { op: '>=', value: 10 } as const;
  test.each<[number, number, Verdict, Verdict]>([
    [8, 9, 'PASS', 'FAIL'],
    [8, 10, 'INCONCLUSIVE', 'INCONCLUSIVE'],
    [10, 11, 'FAIL', 'PASS'],
    [8, 11, 'INCONCLUSIVE', 'INCONCLUSIVE'],
  ])('of the interval %d to %d is %s for < 10 and %s for >= 10', (low, high, below, above) => {
    expect([verdictOfInterval({ low, high }, less), verdictOfInterval({ low, high }, atLeast)]).toEqual([
      below,
      above,
    ]);
  });

  test('of the target itself: < excludes it, >= includes it', () => {
    expect([meets(10, less), meets(10, atLeast)]).toEqual([false, true]);
  });

  test.each<[Verdict[], Verdict]>([
    [['PASS', 'PASS'], 'PASS'],
    [['PASS', 'INCONCLUSIVE'], 'INCONCLUSIVE'],
    [['INCONCLUSIVE', 'NO_DATA'], 'NO_DATA'],
    [['NO_DATA', 'FAIL', 'PASS'], 'FAIL'],
    [[], 'NO_DATA'],
  ])('of a run that requires %j is %s', (verdicts, expected) => {
    expect(verdictOf(verdicts.map(verdict => kpiOf({ verdict })))).toBe(expected);
  });

  test('ignores informative KPIs', () => {
    expect(verdictOf([kpiOf({}), kpiOf({ verdict: 'FAIL', required: false })])).toBe('PASS');
    expect(verdictOf([kpiOf({ required: false })])).toBe('NO_DATA');
  });
});
