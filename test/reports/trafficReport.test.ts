import { describe, expect, test } from 'vitest';
import { costOf } from '../../reports/cost.ts';
import { meanTraffic } from '../../reports/meanTraffic.ts';
import type { TrafficReport } from '../../reports/report.ts';
import { inputOf, replicationOf, reportOf } from './fixture.ts';
import {
  bothInput,
  cellOf,
  countsOf,
  crosscheckOf,
  responses,
  trafficInput,
  trafficOf,
  trafficReplication,
  trafficScenarioOf,
} from './trafficFixture.ts';

const trafficSection = (...traffics: Parameters<typeof trafficReplication>[0][]): TrafficReport =>
  reportOf(trafficInput({ replications: traffics.map(trafficReplication) })).traffic!;

describe('a report of traffic alone', () => {
  const report = reportOf(trafficInput());

  test('has no rollout, and neither its limits nor its guesses', () => {
    expect(report).toMatchObject({
      rollout: null,
      limits: [],
      observed: null,
      biggestGuess: null,
      whatIf: null,
    });
    expect(report.replications[0]).toMatchObject({
      durationMs: null,
      meanProvisioningMs: null,
      requests: 4000,
    });
  });

  test('has the sections of traffic, and survives JSON', () => {
    expect(report.schemaVersion).toBe(1);
    expect(report.traffic).not.toBeNull();
    expect(report.fleet!.map(({ region }) => region)).toEqual(['us-west1', 'us-central1', 'europe-west1']);
    expect(report.cost!.lines.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('is judged by its own KPIs', () => {
    expect(report.verdict).toBe('PASS');
    const cells = [cellOf({ responseMs: responses([900, 1000]) })];
    expect(reportOf(trafficInput({ replications: [trafficReplication({ cells })] })).verdict).toBe('FAIL');
  });

  test('assumes what traffic rests on, and nothing of a rollout', () => {
    const ids = report.assumptions.map(({ id }) => id);
    expect(ids).toContain('assumption.arrival-share');
    expect(ids).not.toContain('assumption.advanced-secrets');
    expect(reportOf().assumptions.map(({ id }) => id)).not.toContain('assumption.arrival-share');
  });

  test('lists the prices that its bill asked for', () => {
    const ids = report.facts.map(({ id }) => id);
    expect(ids).toContain('lat.redis.trip');
    expect(ids).toContain('service.vcpu');
    expect(reportOf().facts.map(({ id }) => id)).not.toContain('service.vcpu');
  });

  test('has the size of its scenario', () => {
    expect(report).toMatchObject({ companies: 400, agents: 800_000 });
  });
});

test('a report of both has both', () => {
  const report = reportOf(bothInput());
  expect(report.rollout).toMatchObject({ companies: 400, completed: 400 });
  expect(report.traffic).toMatchObject({ requests: 12_000 });
  expect(report.replications[1]).toMatchObject({ durationMs: expect.any(Number), requests: 4000 });
  expect(report.whatIf).toContain('cloudRunDeploysPerMinute');
});

describe('the calibration’s hash', () => {
  test('stands where traffic was charged by it', () => {
    expect(reportOf(trafficInput()).calibrationHash).toBe('c0ffee');
    expect(reportOf(trafficInput({ calibrationHash: null })).calibrationHash).toBeNull();
    expect(reportOf({ calibrationHash: 'c0ffee' }).calibrationHash).toBeNull();
  });
});

describe('the traffic section', () => {
  test('adds requests up over replications, and gives rates of one', () => {
    expect(trafficSection({}, {}, {})).toMatchObject({
      requests: 12_000,
      measuredMs: 60_000,
      requestsPerSecond: 4000 / 60,
      withinQuota: 12_000,
      counts: { due: 12_000, ledger: 9000 },
    });
  });

  test('merges response times, and does not average percentiles', () => {
    const of = (ms: number, count: number) => ({
      cells: [cellOf({ requests: count, responseMs: responses([ms, count]) })],
    });
    const { p50Ms, p99Ms } = trafficSection(of(100, 990), of(900, 10));
    expect(p50Ms).toBeCloseTo(100, -1);
    expect(p99Ms).toBeCloseTo(100, -1);
    expect(trafficSection(of(100, 900), of(900, 100)).p99Ms).toBeCloseTo(900, -1);
  });

  test('has response times by cell, region and kind', () => {
    const { cells, regions, kinds } = trafficSection({}, {});
    expect(cells).toHaveLength(4);
    expect(cells[0]).toMatchObject({
      region: 'us-west1',
      level: 'DIAMOND',
      kind: 'tools/call',
      requests: 2000,
    });
    expect(regions.map(({ region, requests }) => [region, requests])).toEqual([
      ['us-west1', 4000],
      ['us-central1', 2000],
      ['europe-west1', 2000],
    ]);
    for (const { quantilesMs } of regions) {
      expect(quantilesMs).toHaveLength(101);
      expect(quantilesMs).toEqual(quantilesMs.toSorted((a, b) => a - b));
    }
    expect(kinds.map(({ kind, requests }) => [kind, requests])).toEqual([
      ['tools/call', 6000],
      ['tools/list', 2000],
    ]);
  });

  test('sorts waits by their sum, as means a replication', () => {
    const { waits } = trafficSection({}, {});
    expect(waits[0]).toMatchObject({ name: 'gateway processors', waitMs: 36_000, waitMsPerRequest: 9 });
    expect(waits.map(({ name }) => name)).toEqual([
      'gateway processors',
      'verification pool basic',
      'fleet of us-west1',
    ]);
  });

  test('says how late a generator was, where there is one', () => {
    expect(trafficSection({}).latenessMs).toBeNull();
    const late = trafficSection({ latenessMs: responses([1, 98], [50, 2]) }).latenessMs!;
    expect(late.p50).toBeCloseTo(1, 1);
    expect(late.p99).toBeCloseTo(50, -1);
  });

  test('of no request has no times', () => {
    expect(trafficSection({ cells: [] })).toMatchObject({ requests: 0, p95Ms: 0, regions: [], kinds: [] });
    expect(trafficSection({ cells: [], measuredMs: 0 })).toMatchObject({ requestsPerSecond: 0 });
  });

  test('holds the simulated side of an emulated run', () => {
    const simulatedTraffic = trafficOf({ cells: [cellOf({ responseMs: responses([90, 1000]) })] });
    const { traffic } = reportOf(trafficInput({ label: 'emulated', clock: 'real', simulatedTraffic }));
    expect(traffic!.simulatedKinds).toHaveLength(1);
    expect(traffic!.simulatedKinds![0]).toMatchObject({ kind: 'tools/call', requests: 1000 });
    expect(trafficSection({}).simulatedKinds).toBeNull();
  });
});

describe('counts that disagree', () => {
  const wrong = trafficReplication({ counts: countsOf({ ledger: 2999 }) }, 1);
  const sentence = 'the gateways forwarded 3000 requests and the ledger has 2999';

  test('in one replication fail the run, whatever the KPIs say', () => {
    const report = reportOf(trafficInput({ replications: [trafficReplication(), wrong] }));
    expect(report).toMatchObject({ verdict: 'FAIL', traffic: { countViolations: [sentence] } });
    expect(report.kpis[0].verdict).toBe('PASS');
  });

  test('in opposite directions do not cancel', () => {
    const other = trafficReplication({ counts: countsOf({ ledger: 3001 }) });
    expect(reportOf(trafficInput({ replications: [wrong, other] })).traffic!.countViolations).toHaveLength(2);
  });
});

test('traffic that proves nothing makes a run of required KPIs NO_DATA', () => {
  const replications = [trafficReplication({ violations: ['k6 was late'] })];
  const report = reportOf(trafficInput({ replications, clock: 'real', label: 'emulated' }));
  expect(report).toMatchObject({
    verdict: 'NO_DATA',
    traffic: { worthless: ['k6 was late'], countViolations: [] },
  });
});

test('the last crosscheck is quoted', () => {
  const crosscheck = crosscheckOf();
  expect(reportOf(trafficInput({ crosscheck })).crosscheck).toEqual(crosscheck);
  expect(reportOf(trafficInput()).crosscheck).toBeNull();
});

describe('the mean of several replications', () => {
  const one = trafficOf();
  const twice = trafficOf({
    cells: [...one.cells, cellOf({ region: 'asia-east1', requests: 500, errors: 10 })],
    fleets: one.fleets.map(fleet => ({ ...fleet, instancesMean: 7, instancesMax: 30 })),
    usage: { ...one.usage, serviceInstanceSeconds: 1000 },
    waits: one.waits.map(wait => ({ ...wait, refusals: 4 })),
  });

  test('of one is that one', () => {
    expect(meanTraffic([one])).toBe(one);
  });

  test('has half of what one of two has alone, and the largest of what is largest', () => {
    const { cells, fleets, usage, waits, counts } = meanTraffic([one, twice]);
    expect(cells.find(({ region }) => region === 'asia-east1')).toMatchObject({ requests: 250, errors: 5 });
    expect(cells[0]).toMatchObject({ requests: 1000 });
    expect(cells[0].responseMs.reduce((sum, [, count]) => sum + count, 0)).toBe(1000);
    expect(fleets[0]).toMatchObject({ instancesMean: 6, instancesMax: 30, coldStarts: 0 });
    expect(usage).toMatchObject({ serviceInstanceSeconds: 800, gatewayRequests: 3600 });
    expect(waits[0].refusals).toBe(2);
    expect(counts).toEqual(one.counts);
  });

  test('is what the bill is made for', () => {
    const replications = [trafficReplication(), { ...trafficReplication({}, 1), traffic: twice }];
    const { cost } = reportOf(trafficInput({ replications }));
    const { factValue } = inputOf();
    expect(cost).toEqual(costOf(trafficScenarioOf(), meanTraffic([one, twice]), factValue));
  });
});

test('a rollout beside traffic is audited too', () => {
  const replications = [{ ...replicationOf({ violations: ['two services'] }), traffic: trafficOf() }];
  expect(reportOf(bothInput({ replications }))).toMatchObject({ verdict: 'FAIL' });
});
