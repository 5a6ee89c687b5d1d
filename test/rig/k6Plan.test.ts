// The load plan: enough virtual users and head start for every request of any schedule, and thresholds that are the KPIs.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headStartOf, loadPlanOf, startsMsOf } from '../../rig/loadPlan.ts';
import { scheduleOf } from '../../scenarios/loadPlan.ts';
import { planFor, REGIONS, secondOf, tokenOf } from './k6Platform.ts';

const urls = Object.fromEntries(REGIONS.map((region, i) => [region, `http://127.0.0.1:${i + 1}`]));
const scenarioOf = (seconds: number, requestsPerAgentHour: number) => {
  const scenario = secondOf(seconds);
  return { ...scenario, traffic: { ...scenario.traffic!, requestsPerAgentHour } };
};
/** A quiet or busy stretch of a few seconds, with a burst in it. */
const burst = fc.record({
  seconds: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  rate: fc.constantFrom(0.2, 3, 36, 200),
  factor: fc.constantFrom(0, 1, 5),
  inFlightMs: fc.constantFrom(0, 50, 1000),
});

describe('a load plan', () => {
  it('names each company with its level and token, and each region with its address', () => {
    const plan = planFor(urls);
    expect(plan.companies.map(({ id, token }) => [id, token])).toEqual(
      ['c00000', 'c00001', 'c00002', 'c00003', 'c00004', 'c00005'].map(id => [id, `token-of-${id}`]),
    );
    expect(plan.arrivals.regions.map(({ name }, i) => [name, plan.urls[i]])).toEqual(Object.entries(urls));
    expect(plan.requests).toBe(scheduleOf(plan.arrivals).requests);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it('waits longer for an answer than the gateway does', () => {
    expect(planFor(urls).timeoutMs).toBe(11_000);
  });

  it('starts every iteration before its request is due, and drops none', () => {
    fc.assert(
      fc.property(burst, ({ seconds, seed, rate, factor, inFlightMs }) => {
        const base = scenarioOf(seconds, rate);
        const events = [{ at: '1s', duration: '2s', factor }];
        const scenario = { ...base, traffic: { ...base.traffic, events } };
        const { arrivals, pace, requests, leadMs, vus } = loadPlanOf({
          scenario,
          seed,
          urls,
          tokenOf,
          inFlightMs,
        });
        const { dueUs } = scheduleOf(arrivals);
        const starts = startsMsOf(pace, requests);
        // Each virtual user is free again at one of these moments; the first that is free takes the next iteration.
        const freeAtMs: number[] = Array.from({ length: vus }, () => 0);
        for (let i = 0; i < requests; i++) {
          const dueMs = leadMs + dueUs[i] / 1000;
          expect(starts[i]).toBeLessThanOrEqual(dueMs - 250);
          const free = freeAtMs.findIndex(ms => ms <= starts[i]);
          expect(free, `iteration ${i}`).toBeGreaterThanOrEqual(0);
          freeAtMs[free] = dueMs + inFlightMs;
        }
        expect(pace.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(requests);
      }),
      { numRuns: 60 },
    );
  });

  it('takes no more virtual users than wait or are under way at once, and a few to spare', () => {
    const dueUs = Float64Array.of(0, 1000, 2_000_000, 2_001_000);
    const starts = Float64Array.of(500, 1000, 2500, 3000);
    const schedule = { ...scheduleOf(planFor(urls).arrivals), requests: 4, dueUs };
    // Due 1249, 1250, 3249 and 3250 after the start; each has its virtual user until 100 later.
    expect(headStartOf(schedule, starts, 100)).toEqual({ leadMs: 999 + 250, vus: 2 + 10 });
    expect(headStartOf(schedule, starts, 10_000)).toEqual({ leadMs: 999 + 250, vus: 4 + 10 });
  });

  it('has the required KPIs as thresholds, and none of the others', () => {
    const kpi = (name: string, required: boolean, op: '<' | '>=', value: number) =>
      ({ name, required, target: { op, value } }) as ReturnType<typeof secondOf>['kpis'][number];
    const thresholdsOf = (...kpis: ReturnType<typeof secondOf>['kpis']) =>
      planFor(urls, { scenario: { ...secondOf(), kpis } }).thresholds;
    const always = { dropped_iterations: ['count==0'] };
    expect(thresholdsOf()).toEqual(always);
    expect(thresholdsOf(kpi('responseTimeMsP95', false, '<', 500))).toEqual(always);
    expect(
      thresholdsOf(
        kpi('responseTimeMsP95', true, '<', 500),
        kpi('responseTimeMsP99WorstRegion', true, '<', 3000),
        kpi('errorRate', true, '<', 0.001),
        kpi('costUsdPerCompanyMonth', true, '<', 50),
      ),
    ).toEqual({
      ...always,
      'response_ms{phase:measured}': ['p(95)<500'],
      ...Object.fromEntries(
        REGIONS.map(region => [`response_ms{phase:measured,region:${region}}`, ['p(99)<3000']]),
      ),
      'request_errors{phase:measured}': ['rate<0.001'],
    });
  });

  it('is refused when it is more than one machine can send', () => {
    expect(() => planFor(urls, { scenario: scenarioOf(3600, 3600) })).toThrow(/shorten traffic.duration/);
    expect(() => planFor(urls, { scenario: scenarioOf(1, 36_000), inFlightMs: 5000 })).toThrow(
      /virtual users/,
    );
  });
});
