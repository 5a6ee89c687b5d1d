import { describe, expect, test } from 'vitest';
import { buildReport } from '../../reports/build.ts';
import { CALL_DEADLINE_MS } from '../../reports/guesses.ts';
import type { LimitMeasurement, Replication } from '../../reports/measurement.ts';
import { FactValues } from '../../scenarios/facts.ts';
import * as limitsOfTheCode from '../../src/limits.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import {
  inputOf,
  type RolloutReplication,
  replicationOf,
  replicationsOf,
  reportOf,
  rolloutReportOf,
  scenarioOf,
} from './fixture.ts';

const withLimits = (
  replication: RolloutReplication,
  limits: readonly Partial<LimitMeasurement>[],
): RolloutReplication => ({
  ...replication,
  rollout: {
    ...replication.rollout,
    limits: limits.map(limit => ({
      ...{
        name: 'cloudRunDeploys',
        kind: 'limiter' as const,
        calls: 400,
        waitMs: 0,
        refusals: 0,
        admissionBlockedMs: 0,
      },
      ...limit,
    })),
  },
});

const isOutcome = (company: number) => (['undone', 'blocked', 'unfinished'] as const)[company] ?? 'ready';

describe('a report', () => {
  test('is a function of its input, to the byte', () => {
    expect(JSON.stringify(reportOf())).toBe(JSON.stringify(reportOf()));
  });

  test('survives JSON without a change', () => {
    const report = reportOf({ replications: replicationsOf(2, { outcome: isOutcome }) });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('passes when its required KPIs do', () => {
    expect(reportOf().verdict).toBe('PASS');
  });

  test('fails with a violation in any replication, whatever the KPIs say', () => {
    const violations = ['c00007 has two services'];
    const report = reportOf({
      replications: [...replicationsOf(4), replicationOf({ index: 4, violations })],
    });
    expect(report).toMatchObject({ verdict: 'FAIL', rollout: { violations } });
    expect(report.kpis[0].verdict).toBe('PASS');
  });

  test('counts every distinct violation, and lists 100', () => {
    const violations = Array.from({ length: 130 }, (_, i) => `violation ${i}`);
    const rollout = rolloutReportOf({
      replications: [0, 1].map(index =>
        replicationOf({ index, violations: violations.slice(0, 130 - index) }),
      ),
    });
    expect(rollout.violationCount).toBe(130);
    expect(rollout.violations).toEqual(violations.slice(0, 100));
    expect(rolloutReportOf().violationCount).toBe(0);
  });

  test('leaves the sections empty of what was not run', () => {
    expect(reportOf()).toMatchObject({ crosscheck: null, traffic: null, fleet: null, cost: null });
  });

  test('needs a replication', () => {
    expect(() => reportOf({ replications: [] })).toThrow('finished replication');
  });
});

describe('the rollout section', () => {
  test('counts the outcomes of the replication with the fewest completed', () => {
    const rollout = rolloutReportOf({
      replications: [replicationOf(), replicationOf({ index: 1, outcome: isOutcome })],
    });
    expect(rollout).toMatchObject({ companies: 400, completed: 397, undone: 1, blocked: 1, unfinished: 1 });
    expect(rollout.worstReplication).toBe(1);
    expect(rollout.notReady.map(({ company }) => company)).toEqual(['c00000', 'c00001', 'c00002']);
    expect(rollout.completions.at(-1)!.companies).toBe(397);
  });

  test('summarises completed companies alone', () => {
    const slow = (company: number) => (company === 0 ? 500_000 : 20_000);
    const rollout = rolloutReportOf({ replications: [replicationOf({ ms: slow, outcome: isOutcome })] });
    expect(rollout.provisioningMs).toMatchObject({ companies: 397, mean: 20_000, max: 20_000 });
    expect(rollout.queuedMs.companies).toBe(399);
  });

  test('gives a reason for each company that is not ready, at most 100', () => {
    const few = rolloutReportOf({ replications: [replicationOf({ outcome: isOutcome })] }).notReady;
    expect(few[0]).toEqual({ company: 'c00000', reason: 'quota | exceeded' });
    expect(few[2]).toEqual({ company: 'c00002', reason: 'not finished by the deadline' });
    expect(
      rolloutReportOf({ replications: [replicationOf({ outcome: () => 'undone' })] }).notReady,
    ).toHaveLength(100);
  });

  test('says the mean duration with its interval', () => {
    const { durationMs, durationMsSampling } = rolloutReportOf();
    expect(durationMsSampling!.low).toBeLessThan(durationMs);
    expect(durationMsSampling!.high).toBeGreaterThan(durationMs);
    expect(rolloutReportOf({ replications: replicationsOf(1) }).durationMsSampling).toBeNull();
  });

  test('draws completions in at most 200 points that rise to the last company', () => {
    const { completions } = rolloutReportOf();
    expect(completions).toHaveLength(200);
    expect(completions.at(-1)!.companies).toBe(400);
    for (let i = 1; i < completions.length; i++) {
      expect(completions[i].companies).toBeGreaterThan(completions[i - 1].companies);
      expect(completions[i].atMs).toBeGreaterThanOrEqual(completions[i - 1].atMs);
    }
    expect(rolloutReportOf({ replications: [replicationOf({ companies: 7 })] }).completions).toHaveLength(7);
  });

  test('has 101 quantiles, or none without a company', () => {
    expect(rolloutReportOf().provisioningMsQuantiles).toHaveLength(101);
    const none = rolloutReportOf({ replications: [replicationOf({ outcome: () => 'unfinished' })] });
    expect([none.provisioningMsQuantiles, none.queuedMsQuantiles, none.completions]).toEqual([[], [], []]);
  });

  test('gives steps and calls as means a replication', () => {
    const { steps, operations } = rolloutReportOf({ replications: replicationsOf(3) });
    expect(steps[0]).toEqual({ kind: 'secret', count: 800, meanMs: expect.closeTo(171, 9) });
    expect(operations[0]).toMatchObject({ calls: 800, latencyMs: 120_000, fact: 'lat.secret-manager.write' });
  });
});

describe('limits', () => {
  const bindingOf = (limits: readonly Partial<LimitMeasurement>[]) =>
    rolloutReportOf({ replications: [withLimits(replicationOf(), limits)] }).bindingLimit;

  test.each<[string, Partial<LimitMeasurement>[], string | null]>([
    ['the largest summed wait', [{ waitMs: 5 }, { name: 'dnsRecordWrites', waitMs: 9 }], 'dnsRecordWrites'],
    ['a quota that nobody knew of', [{ waitMs: 5 }, { name: 'hidden', kind: 'quota', waitMs: 6 }], 'hidden'],
    ['nothing when no call waited', [{ waitMs: 0 }], null],
    ['nothing without limits', [], null],
  ])('bind by %s', (_, limits, expected) => {
    expect(bindingOf(limits)).toBe(expected);
  });

  test('add up over replications', () => {
    const one = withLimits(replicationOf(), [{ waitMs: 10 }, { name: 'dnsRecordWrites', waitMs: 8 }]);
    const two = withLimits(replicationOf(), [{ waitMs: 2 }, { name: 'dnsRecordWrites', waitMs: 8 }]);
    const { limits, rollout } = reportOf({ replications: [one, two] });
    expect(rollout!.bindingLimit).toBe('dnsRecordWrites');
    expect(limits[0]).toMatchObject({ waitMs: 6, calls: 400, waitMsPerCall: 0.015 });
  });

  test.each([
    ['dnsRecordWrites', 'limiter', 401, 100, 399 * 600],
    ['cloudRunDeploys', 'limiter', 401, 60, 399 * 1000],
    ['databaseOperations', 'limiter', 401, 200, 1199 * 300],
    ['cloudRunDeploys', 'limiter', 0, 60, 399 * 1000],
    ['concurrency', 'limiter', 0, null, null],
    ['cloudRunDeploys', 'quota', 401, null, null],
    ['hidden', 'limiter', 401, null, null],
  ] as const)('%s, a %s with %d calls, has the bound %d', (name, kind, calls, perMinute, boundMs) => {
    const [limit] = reportOf({ replications: [withLimits(replicationOf(), [{ name, kind, calls }])] }).limits;
    expect(limit).toMatchObject({ perMinute, boundMs });
  });

  test('are bound by the calls that a plan has', () => {
    const company = { id: 'c00000', configuration: 'basic' } as Parameters<typeof planOf>[0];
    const provisioning = { ...scenarioOf().provisioning, databaseOperationsPerCompany: 7 };
    const { limits } = reportOf({ scenario: scenarioOf({ provisioning }) });
    for (const { name, boundMs, perMinute } of limits) {
      const calls = planOf(company, 7).filter(({ limiter }) => limiter === name).length;
      expect(boundMs).toBe(((400 * calls - 1) * 60_000) / perMinute!);
    }
    const one = reportOf({ replications: [replicationOf({ companies: 1 })] }).limits[1];
    expect(one.boundMs).toBe(0);
  });

  test('without a rate have no bound', () => {
    const limits = {
      dnsRecordWritesPerMinute: 100,
      cloudRunDeploysPerMinute: null,
      databaseOperationsPerMinute: 200,
    };
    const scenario = scenarioOf({ provisioning: { ...scenarioOf().provisioning, limits } });
    expect(reportOf({ scenario }).limits[1]).toMatchObject({ perMinute: null, boundMs: null });
  });
});

describe('the observed section', () => {
  const observed = { provisioningMsMean: 21_746, companies: 17, source: 'strategy.md' };
  const batch = (...ms: number[]) =>
    ms.map((each, index) => replicationOf({ index, companies: 17, ms: () => each }));
  const against = (replications: Replication[], companies = 17) =>
    reportOf({ scenario: scenarioOf({ observed: { ...observed, companies } }), replications }).observed!;

  test('is absent without an observation', () => {
    expect(reportOf().observed).toBeNull();
  });

  test('holds the mean of replications against it', () => {
    const { expectation, deviation, withinFivePercent, withinPrediction } = against(
      batch(21_000, 22_000, 23_000),
    );
    expect([expectation, withinFivePercent, withinPrediction]).toEqual([22_000, true, true]);
    expect(deviation).toBeCloseTo(22_000 / 21_746 - 1, 12);
  });

  test('says when production lies outside', () => {
    expect(against(batch(30_000, 30_100))).toMatchObject({
      withinFivePercent: false,
      withinPrediction: false,
    });
  });

  test('judges nothing when time ran faster than real', () => {
    const scenario = scenarioOf({ observed });
    const judged = (speed: number) =>
      reportOf({ scenario, speed, replications: batch(21_700) }).observed!.withinFivePercent;
    expect([judged(1), judged(20)]).toEqual([true, null]);
  });

  test('predicts nothing from one replication, nor for a batch of another size', () => {
    expect(against(batch(21_000))).toMatchObject({
      prediction: null,
      withinPrediction: null,
      expectationSampling: null,
    });
    expect(against(batch(21_000, 22_000), 18)).toMatchObject({ prediction: null, withinPrediction: null });
  });

  test('is absent when no company was completed', () => {
    const scenario = scenarioOf({ observed });
    expect(
      reportOf({ scenario, replications: [replicationOf({ outcome: () => 'blocked' })] }).observed,
    ).toBeNull();
  });
});

describe('facts and assumptions', () => {
  test('list what the run used, in the catalogue’s order, with the fit’s factor', () => {
    const { facts } = buildReport(
      inputOf({ overridden: ['store.journal'], factValue: id => (id === 'store.journal' ? 9 : 1.16) }),
    );
    expect(facts.map(fact => fact.id)).toEqual([
      'fit.latency-factor',
      'net.vendor-one-way',
      'lat.secret-manager.write',
      'lat.cloud-run.write',
      'lat.cloud-run.deploy',
      'lat.resolver',
      'store.journal',
    ]);
    expect(facts.at(-1)).toMatchObject({ value: 9, overridden: true });
    expect(facts[0]).toMatchObject({ value: 1.16, overridden: false });
  });

  test.each<[string, Record<string, number>]>([
    ['as the catalogue has them', {}],
    ['with a factor that was given', { 'fit.latency-factor': 3 }],
    ['with a fitted latency that was given', { 'lat.cloud-run.deploy': 90_000 }],
  ])('lie within their own ranges, %s', (_, overrides) => {
    const values = new FactValues('mid', overrides);
    const { facts } = reportOf({
      factValue: id => values.get(id).value,
      overridden: Object.keys(overrides),
    });
    for (const { id, low, value, high, overridden } of facts)
      expect([id, overridden || (low <= value && value <= high)]).toEqual([id, true]);
  });

  test('have the fit’s range when they are fitted, and the catalogue’s when they were given', () => {
    const given = reportOf({ overridden: ['lat.cloud-run.deploy'] }).facts;
    expect(given.find(({ id }) => id === 'lat.cloud-run.deploy')).toMatchObject({ low: 6000, high: 6000 });
    const { low, mid, high } = given[0];
    expect(given.find(({ id }) => id === 'lat.secret-manager.write')).toMatchObject({
      low: expect.closeTo(150 * low, 9),
      mid: expect.closeTo(150 * mid, 9),
      high: expect.closeTo(150 * high, 9),
    });
  });

  test('name every guess, and no published figure', () => {
    const ids = reportOf().assumptions.map(({ id }) => id);
    expect(ids).toContain('net.vendor-one-way');
    expect(ids).toContain('lat.cloud-run.deploy');
    expect(ids).toContain('assumption.advanced-secrets');
    expect(ids).not.toContain('lat.resolver');
    expect(reportOf().assumptions[1].text).toBe('provisioner to a vendor API, one way: 10 ms (assumed)');
  });

  test('say which calls outlast their caller’s patience', () => {
    const slow = (latencyMs: number) => {
      const { rollout, ...rest } = replicationOf();
      const call = { operation: 'kms.create', calls: 2, refusedByQuota: 0, fact: 'lat.kms.write' };
      const operations = [
        { ...call, latencyMs },
        { ...call, latencyMs, fact: 'lat.kms.read' },
        { ...call, operation: 'dns.create', calls: 0, latencyMs: 0 },
      ];
      const report = reportOf({ replications: [{ ...rest, rollout: { ...rollout, operations } }] });
      return report.assumptions.filter(({ id }) => id === 'assumption.call-deadline').map(({ text }) => text);
    };
    expect(slow(30_000)).toEqual([]);
    expect(slow(30_001)).toEqual([
      'calls of kms.create take longer than their caller waits (15 s): their time is cut off there',
    ]);
    expect(CALL_DEADLINE_MS).toBe(limitsOfTheCode.CALL_DEADLINE_MS);
  });

  test('leave the advanced configuration out where there is none', () => {
    const scenario = scenarioOf({ population: { ...scenarioOf().population, advanced: 0 } });
    expect(reportOf({ scenario }).assumptions.map(({ id }) => id)).not.toContain(
      'assumption.advanced-secrets',
    );
  });

  test('move all fitted latencies together: secrets, deployment call and deployment', () => {
    const { biggestGuess, rollout, facts } = reportOf();
    const { low, mid, high } = facts[0];
    const perCompanyMs = ((2 * 150 + 500 + 6000 * mid) * (high - low)) / mid;
    expect(biggestGuess).toMatchObject({ id: 'fit.latency-factor', label: 'fitted' });
    expect(biggestGuess!.shareOfMean).toBeCloseTo(perCompanyMs / rollout!.provisioningMs.mean, 9);
  });

  test('take an overridden value for known', () => {
    const { biggestGuess, rollout } = reportOf({ overridden: ['fit.latency-factor'] });
    // 5 calls a company, there and back, 10 ms each; the range is twice the middle.
    expect(biggestGuess).toMatchObject({ id: 'net.vendor-one-way', label: 'assumed' });
    expect(biggestGuess!.shareOfMean).toBeCloseTo((5 * 2 * 10 * 2) / rollout!.provisioningMs.mean, 9);
  });

  test('name no guess when nothing was provisioned', () => {
    expect(reportOf({ replications: [replicationOf({ outcome: () => 'blocked' })] }).biggestGuess).toBeNull();
  });
});
