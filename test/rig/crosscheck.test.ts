// The two clocks held against each other: what is within tolerance, what is not, and a slower side that nobody may miss.

import { expect, test } from 'vitest';
import type { TrafficCell, TrafficMeasurement } from '../../reports/measurement.ts';
import { compare, compareCounts, compareKinds } from '../../rig/crosscheck.ts';

const MEASURED_MS = 10_000;

const cellOf = (changes: Partial<TrafficCell> = {}): TrafficCell => ({
  region: 'us-west1',
  level: 'ONYX',
  kind: 'tools/call',
  requests: 1000,
  errors: 0,
  refused: 0,
  responseMs: Array.from({ length: 1000 }, (_, i) => [100 + i, 1] as const),
  ...changes,
});

const trafficOf = (...cells: TrafficCell[]): TrafficMeasurement => ({
  measuredMs: MEASURED_MS,
  sampledShare: 1,
  cells,
  withinQuota: 0,
  servedWithinQuota: 0,
  fleets: [],
  waits: [],
  usage: {
    gatewayInstanceSeconds: 0,
    serviceInstanceSeconds: 0,
    gatewayRequests: 0,
    serviceRequests: 0,
    cacheTrips: 0,
    recordReads: 0,
    auditBytes: 0,
    egressBytes: 0,
  },
  counts: {
    due: 1000,
    sent: 1000,
    edgeHits: 12,
    handled: 988,
    answered: 988,
    forwarded: 900,
    ledger: 900,
    audited: 950,
  },
  waitsPerRequest: 0,
  latenessMs: [],
  violations: [],
});

const slower = (factor: number, moreMs = 0): TrafficMeasurement => {
  const cell = cellOf();
  return trafficOf({ ...cell, responseMs: cell.responseMs.map(([ms, n]) => [ms * factor + moreMs, n]) });
};

const outOf = (simulated: TrafficMeasurement, emulated: TrafficMeasurement, withDelays = true): string[] =>
  compare(simulated, emulated, withDelays)
    .filter(({ within }) => !within)
    .map(({ figure }) => figure);

const TIMES = ['P50 response time', 'P95 response time', 'P99 response time'];

test('two sides that are the same agree in every figure', () => {
  const rows = compare(trafficOf(cellOf()), trafficOf(cellOf()), true);
  expect(rows.map(({ unit }) => unit)).toEqual(['ms', 'ms', 'ms', 'perSecond', 'share', 'share']);
  expect(rows.every(({ within, deviation }) => within && deviation === 0)).toBe(true);
  expect(rows[3]).toMatchObject({ simulated: 100, emulated: 100, tolerance: 0.01 });
});

test('2 % slower is within tolerance with delays', () => {
  expect(outOf(trafficOf(cellOf()), slower(1.02))).toEqual([]);
});

test.each([
  [true, TIMES],
  [false, TIMES.slice(0, 2)],
])('with delays %s: a side that is a fifth slower fails', (withDelays, judged) => {
  for (const [simulated, emulated] of [
    [trafficOf(cellOf()), slower(1.2)],
    [slower(1.2), trafficOf(cellOf())],
  ]) {
    const figures = outOf(simulated, emulated, withDelays).map(figure => figure.replace(/ \(.*/, ''));
    expect(figures).toEqual(judged);
  }
});

test('without delays P99 is shown and not judged, and everything else is', () => {
  const rows = compare(trafficOf(cellOf()), slower(5), false);
  expect(rows.filter(({ tolerance }) => tolerance === null)).toMatchObject([
    { figure: 'P99 response time', within: true },
  ]);
  expect(rows.find(({ tolerance }) => tolerance === null)!.deviation).toBeCloseTo(4, 1);
  expect(compare(trafficOf(cellOf()), slower(5), true).every(({ tolerance }) => tolerance !== null)).toBe(
    true,
  );
});

test('without delays two milliseconds are always allowed, and with delays they are not', () => {
  const fast = trafficOf(cellOf({ responseMs: [[1, 1000]] }));
  const [ticked, late] = [2.9, 3.2].map(ms => trafficOf(cellOf({ responseMs: [[ms, 1000]] })));
  expect(outOf(fast, ticked, false)).toEqual([]);
  expect(outOf(fast, late, false)).toHaveLength(2);
  expect(outOf(fast, ticked, true)).toEqual(TIMES);
  expect(compare(fast, ticked, false)[0].figure).toContain('2 ms are always allowed');
});

test('fewer answers, more errors and more refusals each show in a row of their own', () => {
  const whole = trafficOf(cellOf());
  expect(outOf(whole, trafficOf(cellOf({ requests: 980 })))).toEqual(['good answers a second']);
  expect(outOf(whole, trafficOf(cellOf({ errors: 1 })))).toEqual([]);
  expect(outOf(whole, trafficOf(cellOf({ errors: 2 })))).toEqual(['errors']);
  expect(outOf(whole, trafficOf(cellOf({ refused: 2 })))).toEqual(['refused by quota (429)']);
});

test('a side without an answer fails, and its figures stay numbers', () => {
  const none = trafficOf(cellOf({ requests: 0, responseMs: [] }));
  expect(outOf(trafficOf(cellOf()), none)).toEqual([...TIMES, 'good answers a second']);
  for (const { deviation, tolerance } of compare(none, trafficOf(cellOf()), false)) {
    expect(deviation).not.toBeNaN();
    expect(tolerance ?? 0).toBeLessThan(Number.POSITIVE_INFINITY);
  }
});

test('kinds and counts stand side by side, also those of one side alone', () => {
  const simulated = trafficOf(cellOf());
  const emulated = trafficOf(cellOf(), cellOf({ kind: 'health', responseMs: [[7, 3]] }));
  const kinds = compareKinds(simulated, emulated);
  expect(kinds.map(({ kind }) => kind)).toEqual(['tools/call', 'health']);
  expect(kinds[1].simulated).toEqual({ answers: 0, p50Ms: 0 });
  expect(kinds[1].emulated.answers).toBe(3);
  expect(compareCounts(simulated, emulated)).toContainEqual({
    count: 'edgeHits',
    simulated: 12,
    emulated: 12,
  });
});
