import { describe, expect, test } from 'vitest';
import { COST_FACTS, costOf } from '../../reports/cost.ts';
import { RELATIVE_ACCURACY } from '../../reports/histogram.ts';
import { HEADLINES, KPI_SHAPES } from '../../reports/kpiShape.ts';
import { assessKpis, kpisOfReplication } from '../../reports/kpis.ts';
import type { KpiInput } from '../../reports/measure.ts';
import type { Replication, TrafficMeasurement } from '../../reports/measurement.ts';
import type { KpiReport, Verdict } from '../../reports/report.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { KPI_NAMES, type ScenarioKpi } from '../../scenarios/scenario.ts';
import { inputOf, replicationsOf, scenarioOf } from './fixture.ts';
import {
  AVAILABILITY,
  COST,
  cellOf,
  countsOf,
  crosscheckOf,
  ERRORS,
  kpi,
  P95,
  responses,
  SERVED,
  trafficInput,
  trafficReplication,
  trafficScenarioOf,
  WORST_P99,
} from './trafficFixture.ts';

const assess = (
  kpi: ScenarioKpi,
  replications: readonly Replication[],
  changes: Partial<KpiInput> = {},
): KpiReport => {
  const input = { scenario: trafficScenarioOf({ kpis: [kpi] }), replications, inputs: null, ...changes };
  return assessKpis(inputOf(trafficInput(input)))[0];
};

/** Replications whose every request takes so long. */
const taking = (...ms: number[]): Replication[] =>
  ms.map((each, index) =>
    trafficReplication({ cells: [cellOf({ responseMs: responses([each, 1000]) })] }, index),
  );

/** One cell a replication: so many errors in so many requests. */
const failing = (...parts: (readonly [errors: number, requests: number])[]): Replication[] =>
  parts.map(([errors, requests], index) =>
    trafficReplication({ cells: [cellOf({ errors, requests })] }, index),
  );

const near = (value: number) => ({
  asymmetricMatch: (seen: unknown) =>
    typeof seen === 'number' && Math.abs(seen / value - 1) <= RELATIVE_ACCURACY * 2.1,
});

describe('response P95', () => {
  test.each<[string, Replication[], Verdict]>([
    ['wholly below the target passes', taking(400, 410, 405), 'PASS'],
    ['wholly above the target fails', taking(600, 610, 605), 'FAIL'],
    ['that straddles the target is inconclusive', taking(450, 550, 480), 'INCONCLUSIVE'],
  ])('%s', (_, replications, verdict) => {
    expect(assess(P95, replications)).toMatchObject({ verdict, unit: 'ms', label: 'simulated' });
  });

  test('of replications that agree is known to the accuracy of the histogram', () => {
    const { value, sampling } = assess(P95, taking(400, 400));
    expect(sampling).toEqual({
      low: (value as number) * (1 - RELATIVE_ACCURACY),
      high: (value as number) * (1 + RELATIVE_ACCURACY),
      confidence: 0.95,
    });
    expect(assess(P95, taking(499, 499)).verdict).toBe('INCONCLUSIVE');
  });

  test('is of all cells together, each by its requests', () => {
    const cells = [
      cellOf({ responseMs: responses([100, 940]) }),
      cellOf({ region: 'europe-west1', responseMs: responses([900, 60]) }),
    ];
    expect(assess(P95, [trafficReplication({ cells })]).value).toEqual(near(900));
    const fewer = [cells[0], cellOf({ region: 'europe-west1', responseMs: responses([900, 40]) })];
    expect(assess(P95, [trafficReplication({ cells: fewer })]).value).toEqual(near(100));
  });

  test('of one replication is decided by the order of its requests', () => {
    // 60 of 1,000 take long: P95 is among them, and its bounds are ranks 939 and 961 or so.
    const slow = (count: number) =>
      trafficReplication({ cells: [cellOf({ responseMs: responses([100, 1000 - count], [900, count]) })] });
    expect(assess(P95, [slow(80)])).toMatchObject({
      verdict: 'FAIL',
      sampling: { low: near(900), high: near(900), confidence: 0.95 },
    });
    expect(assess(P95, [slow(50)])).toMatchObject({
      verdict: 'INCONCLUSIVE',
      sampling: { low: near(100), high: near(900) },
      reason:
        'the interval over the requests of one run, which are not independent, straddles the target; use --replications 5',
    });
    expect(assess(P95, [slow(30)]).verdict).toBe('PASS');
    expect(assess(P95, [slow(50)], { label: 'emulated' }).reason).toMatch(
      /; a longer time of traffic narrows it$/,
    );
  });

  test.each([
    [58, 'NO_DATA', '58 answers prove no P95: it needs 59 (0.95^59 < 5 %)'],
    [59, 'PASS', ''],
    [1, 'NO_DATA', '1 answer proves no P95: it needs 59 (0.95^59 < 5 %)'],
  ])('of %d answers is %s', (count, verdict, reason) => {
    const cells = [cellOf({ responseMs: responses([100, count]) })];
    expect(assess(P95, [trafficReplication({ cells })])).toMatchObject({ verdict, reason });
  });

  test('has an interval of the inputs', () => {
    const [low, high] = taking(300, 700);
    expect(assess(P95, taking(400, 401), { inputs: { low, high } })).toMatchObject({
      inputs: { low: near(300), high: near(700) },
      survivesInputs: false,
    });
  });

  test('has none where a run at the ends answers nothing', () => {
    const [low] = taking(300);
    const high = trafficReplication({ cells: [] });
    expect(assess(P95, taking(400, 401), { inputs: { low, high } })).toMatchObject({
      inputs: null,
      survivesInputs: null,
    });
  });
});

describe('P99 of the worst region', () => {
  const regions = (...ms: number[]) =>
    trafficReplication({
      cells: ms.map((each, i) => cellOf({ region: `us-west${i}`, responseMs: responses([each, 300]) })),
    });

  test('is the largest region’s', () => {
    expect(assess(WORST_P99, [regions(100, 2000, 300)])).toMatchObject({
      value: near(2000),
      verdict: 'PASS',
    });
    expect(assess(WORST_P99, [regions(100, 4000, 300)])).toMatchObject({
      value: near(4000),
      verdict: 'FAIL',
    });
  });

  test('may be another region’s in another replication', () => {
    const { value } = assess(WORST_P99, [regions(100, 2000), regions(1000, 500)]);
    expect(value).toEqual(near(1500));
  });

  test('of one run has the largest bounds of any region', () => {
    const cells = [
      cellOf({ region: 'a', responseMs: responses([2000, 1000]) }),
      cellOf({ region: 'b', responseMs: responses([100, 991], [5000, 9]) }),
    ];
    expect(assess(WORST_P99, [trafficReplication({ cells })])).toMatchObject({
      value: near(2000),
      sampling: { low: near(2000), high: near(5000) },
      verdict: 'INCONCLUSIVE',
    });
  });

  test('names the region that has too few answers', () => {
    const cells = [cellOf(), cellOf({ region: 'europe-west1', responseMs: responses([100, 298]) })];
    expect(assess(WORST_P99, [trafficReplication({ cells })])).toMatchObject({
      verdict: 'NO_DATA',
      reason: '298 answers of europe-west1 prove no P99: it needs 299 (0.99^299 < 5 %)',
    });
  });
});

describe('the error rate', () => {
  test('without an error is bounded by what so many requests prove', () => {
    // 0 of n: 1 − 0.05^(1/n).
    expect(assess(ERRORS, failing([0, 3000]))).toMatchObject({
      value: 0,
      verdict: 'PASS',
      sampling: { low: 0, high: expect.closeTo(1 - 0.05 ** (1 / 3000), 12), confidence: 0.95 },
    });
    expect(assess(ERRORS, failing([0, 2000]))).toMatchObject({
      value: 0,
      verdict: 'INCONCLUSIVE',
      reason: '0 errors in 2,000 requests prove no more; a longer time of traffic or more replications would',
    });
  });

  test('takes all requests of replications that agree as trials', () => {
    expect(assess(ERRORS, failing([0, 1500], [0, 1500])).sampling).toEqual(
      assess(ERRORS, failing([0, 3000])).sampling,
    );
  });

  test.each<[string, Replication[], Verdict, number]>([
    [
      'of replications that differ is decided by their spread',
      failing([1, 9000], [2, 9000], [1, 9000]),
      'PASS',
      4 / 27_000,
    ],
    [
      'of replications around the target is inconclusive',
      failing([1, 1000], [2, 1000]),
      'INCONCLUSIVE',
      0.0015,
    ],
    ['of many errors fails, even in one run', failing([50, 1000]), 'FAIL', 0.05],
    ['of replications above the target fails', failing([50, 1000], [51, 1000]), 'FAIL', 0.0505],
  ])('%s', (_, replications, verdict, value) => {
    expect(assess(ERRORS, replications)).toMatchObject({ verdict, value, unit: 'share' });
  });

  test('never claims less than nothing', () => {
    expect(assess(ERRORS, failing([0, 9000], [1, 9000])).sampling!.low).toBe(0);
  });

  test('says one error in words', () => {
    expect(assess(ERRORS, failing([1, 1500]), { label: 'emulated' }).reason).toBe(
      '1 error in 1,500 requests prove no more; a longer time of traffic would',
    );
  });

  test('counts neither the quota’s refusals nor anything without requests', () => {
    const refused = [trafficReplication({ cells: [cellOf({ refused: 900, requests: 5000 })] })];
    expect(assess(ERRORS, refused)).toMatchObject({ value: 0, verdict: 'PASS' });
    expect(assess(ERRORS, [trafficReplication({ cells: [] })])).toMatchObject({
      verdict: 'NO_DATA',
      reason: 'no request was due',
    });
  });
});

describe('the served share within quota', () => {
  const served = (servedWithinQuota: number, withinQuota: number) =>
    assess(SERVED, [trafficReplication({ servedWithinQuota, withinQuota })]);

  test.each([
    [5000, 5000, 'PASS', 1],
    [2000, 2000, 'INCONCLUSIVE', 1],
    [9900, 10_000, 'FAIL', 0.99],
  ])('of %d of %d is %s', (hits, of, verdict, value) => {
    expect(served(hits, of)).toMatchObject({ verdict, value, unit: 'share' });
  });

  test('needs a request within quota', () => {
    expect(served(0, 0)).toMatchObject({ verdict: 'NO_DATA', reason: 'no request was within its quota' });
  });
});

describe('cost', () => {
  const values = new FactValues('mid', {});
  const priceOf = (traffic: TrafficMeasurement) =>
    costOf(trafficScenarioOf(), traffic, id => values.get(id).value).perCompanyUsdMonth;
  const using = (seconds: number, index = 0) => {
    const replication = trafficReplication({}, index);
    const usage = { ...replication.traffic.usage, serviceInstanceSeconds: seconds };
    return { ...replication, traffic: { ...replication.traffic, usage } };
  };

  test('is the mean of the replications’ bills, modelled, by their spread', () => {
    const replications = [600, 610, 605].map(using);
    const bills = replications.map(({ traffic }) => priceOf(traffic));
    const { value, sampling, label, unit } = assess(COST, replications);
    expect([label, unit]).toEqual(['modelled', 'usd']);
    expect(value).toBeCloseTo((bills[0] + bills[1] + bills[2]) / 3, 9);
    expect(sampling!.low).toBeLessThan(bills[0]);
    expect(sampling!.high).toBeGreaterThan(bills[1]);
  });

  test.each([
    [1_000_000, 'PASS'],
    [0.01, 'FAIL'],
  ])('below a target of %d dollars is %s', (target, verdict) => {
    const bounded = kpi('costUsdPerCompanyMonth', { op: '<', value: target });
    expect(assess(bounded, [600, 610].map(using)).verdict).toBe(verdict);
  });

  test('of one replication has a value, and decides nothing', () => {
    expect(assess(COST, [using(600)])).toMatchObject({
      value: priceOf(using(600).traffic),
      sampling: null,
      verdict: 'INCONCLUSIVE',
      reason: 'one replication shows no spread; use --replications 5',
    });
    expect(assess(COST, [using(600)], { label: 'emulated' }).reason).toContain('sandtable run');
  });

  test('has the prices’ ranges among its inputs, but for a price that was given', () => {
    const ends = { low: using(600), high: using(600) };
    const { inputs, value } = assess(COST, [using(600), using(600, 1)], { inputs: ends });
    expect(inputs!.low).toBeLessThan(value as number);
    expect(inputs!.high).toBeGreaterThan(value as number);
    const given = { overridden: COST_FACTS, inputs: ends };
    expect(assess(COST, [using(600), using(600, 1)], given).inputs).toEqual({
      low: expect.closeTo(value as number, 9),
      high: expect.closeTo(value as number, 9),
    });
  });

  test('of no time is no data', () => {
    expect(assess(COST, [trafficReplication({ measuredMs: 0 })])).toMatchObject({
      verdict: 'NO_DATA',
      reason: 'no traffic was measured',
    });
  });
});

test('availability is never proved by a run', () => {
  expect(assess(AVAILABILITY, taking(1, 2, 3))).toMatchObject({
    verdict: 'NO_DATA',
    value: null,
    reason: 'only a study of 30 days can prove it',
  });
});

describe('traffic that proves nothing', () => {
  const kpis = [P95, WORST_P99, ERRORS, SERVED, COST];

  test('is no data in real time, with the reason', () => {
    const late = [trafficReplication({ violations: ['k6 was late'] })];
    for (const each of kpis)
      expect(assess(each, late, { clock: 'real', label: 'emulated' })).toMatchObject({
        verdict: 'NO_DATA',
        value: null,
        reason: 'this traffic proves nothing: k6 was late',
      });
  });

  test('is no data when requests were dropped', () => {
    const dropped = [trafficReplication({ counts: countsOf({ due: 4005 }) })];
    expect(assess(P95, dropped, { clock: 'real', label: 'emulated' }).reason).toBe(
      'this traffic proves nothing: 4005 requests were due and 4000 were sent',
    );
  });

  test('is void after a crosscheck out of tolerance, where it is simulated', () => {
    const crosscheck = crosscheckOf({ verdict: 'FAIL' });
    const reason = 'the last crosscheck was out of tolerance';
    const replications = taking(400, 400);
    for (const each of kpis)
      expect(assess(each, replications, { crosscheck })).toMatchObject({
        verdict: 'NO_DATA',
        value: null,
        reason,
      });
    expect(assess(P95, replications, { crosscheck, label: 'emulated' }).verdict).toBe('PASS');
    expect(assess(P95, replications, { crosscheck: crosscheckOf() }).verdict).toBe('PASS');
    const rollout = assessKpis(inputOf({ crosscheck }));
    expect(rollout[0]).toMatchObject({ name: 'provisioningMsP99', verdict: 'PASS' });
  });
});

describe('the headline KPIs', () => {
  test('stand after the scenario’s own, for information, with the plan’s targets', () => {
    const kpis = assessKpis(inputOf({ scenario: scenarioOf({ kpis: [] }) }));
    expect(kpis.map(({ name, required, target }) => ({ name, required, target }))).toEqual(HEADLINES);
    const own = kpi('errorRate', { op: '<', value: 0.01 });
    const named = assessKpis(inputOf({ scenario: scenarioOf({ kpis: [own] }) }));
    expect(named.map(({ name, target }) => [name, target.value])).toEqual([
      ['errorRate', 0.01],
      ['responseTimeMsP95', 500],
      ['provisioningMsP99', 60_000],
      ['costUsdPerCompanyMonth', 50],
    ]);
  });

  test('without data name the command that would give some', () => {
    const [, ...traffic] = assessKpis(inputOf());
    for (const { verdict, reason } of traffic)
      expect([verdict, reason]).toEqual(['NO_DATA', 'this run has no traffic: sandtable run peak-hour']);
    const rollout = assessKpis(inputOf(trafficInput())).find(({ name }) => name === 'provisioningMsP99');
    expect(rollout).toMatchObject({
      verdict: 'NO_DATA',
      reason: 'this run has no rollout: sandtable run rollout-10000',
    });
  });

  test('have their value where the run has the data', () => {
    const replications = replicationsOf(5);
    const kpis = assessKpis(inputOf({ scenario: scenarioOf({ kpis: [ERRORS] }), replications }));
    expect(kpis.find(({ name }) => name === 'provisioningMsP99')).toMatchObject({
      required: false,
      verdict: 'PASS',
      value: expect.any(Number),
    });
  });
});

test('a replication of traffic lists the KPIs that it has the data for', () => {
  const input = inputOf(trafficInput());
  expect(kpisOfReplication(input, trafficReplication())).toEqual({
    responseTimeMsP95: near(200),
    errorRate: 0,
    costUsdPerCompanyMonth: expect.any(Number),
  });
});

test('every KPI has its unit and the good side of its target in one table', () => {
  expect(Object.keys(KPI_SHAPES).sort()).toEqual([...KPI_NAMES].sort());
  for (const { name, target } of HEADLINES) expect(KPI_SHAPES[name].op).toBe(target.op);
});
