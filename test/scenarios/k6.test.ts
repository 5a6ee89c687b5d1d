// What k6 and Node share of a load: the order of the requests, and what counts as which outcome.

import { describe, expect, it } from 'vitest';
import { isBodyKept, outcomeOf } from '../../scenarios/k6/outcome.ts';
import { requestsOf, scheduleOf } from '../../scenarios/loadPlan.ts';
import peakHour from '../../scenarios/peak-hour.json' with { type: 'json' };
import { REQUEST_KINDS, type Scenario } from '../../scenarios/scenario.ts';
import { arrivalPlanOf, arrivalsOfSlot } from '../../scenarios/traffic.ts';

const PEAK_HOUR = peakHour as unknown as Scenario;
const plan = arrivalPlanOf(
  { ...PEAK_HOUR, traffic: { ...PEAK_HOUR.traffic!, duration: '3s', requestsPerAgentHour: 0.5 } },
  7,
);

describe('the schedule', () => {
  const schedule = scheduleOf(plan);

  it('holds every arrival of every region once', () => {
    const keysOf = (region: number, slot: number) => {
      const { n, company, agent, kind, user, offsetUs } = arrivalsOfSlot(plan, region, slot);
      return [...n].map((number, i) =>
        [region, slot * 1_000_000 + offsetUs[i], number, company[i], agent[i], kind[i], user[i]].join(),
      );
    };
    const expected = plan.regions.flatMap((_, region) => [0, 1, 2].flatMap(slot => keysOf(region, slot)));
    const { requests, region, dueUs, n, company, agent, kind, user } = schedule;
    const found = Array.from({ length: requests }, (_, i) =>
      [region[i], dueUs[i], n[i], company[i], agent[i], kind[i], user[i]].join(),
    );
    expect(requests).toBeGreaterThan(1000);
    expect(requestsOf(plan)).toBe(requests);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it('is in the order in which requests are due, and by region where two are due at once', () => {
    const { requests, dueUs, region } = schedule;
    let ties = 0;
    for (let i = 1; i < requests; i++) {
      expect(dueUs[i]).toBeGreaterThanOrEqual(dueUs[i - 1]);
      if (dueUs[i] !== dueUs[i - 1]) continue;
      ties++;
      expect(region[i]).toBeGreaterThanOrEqual(region[i - 1]);
    }
    expect(ties).toBeGreaterThan(0);
  });
});

describe('the outcome of a request', () => {
  const seen = (status: number, body?: string, errorCode = 0) => ({ status, body, errorCode });
  it.each([
    ['ok', 'asset', seen(200)],
    ['ok', 'config', seen(204)],
    ['ok', 'tools/call', seen(200, '{"company":"c00042"}')],
    ['foreign', 'tools/call', seen(200, '{"company":"c00043"}')],
    ['foreign', 'tools/call', seen(200)],
    ['refused', 'tools/call', seen(429, 'slow down', 1429)],
    ['error', 'tools/call', seen(503, 'c00042', 1503)],
    ['error', 'config', seen(302)],
    ['error', 'config', seen(404, undefined, 1404)],
    ['unreachable', 'health', seen(0, undefined, 1212)],
    ['timeout', 'health', seen(0, undefined, 1050)],
  ] as const)('is %s: %s, %j', (outcome, kind, answer) => {
    expect(outcomeOf(kind, 'c00042', answer)).toBe(outcome);
  });

  it('is read off the body of tools/call alone', () => {
    expect(REQUEST_KINDS.filter(isBodyKept)).toEqual(['tools/call']);
  });
});
