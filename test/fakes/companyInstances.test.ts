// The instances behind a company's service: which request waits for what, never more under way than there are places,
// and what is used.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompanyInstances, type InstanceOptions, type Start } from '../../fakes/companyInstances.ts';

const COLD_MS = 3000;
const IDLE_MS = 900_000;
const SERVICE_MS = 100;

function instancesOf(options: Partial<InstanceOptions> = {}) {
  const instances = new CompanyInstances({
    concurrency: 2,
    instancesMax: 3,
    idleMs: IDLE_MS,
    pendingMsMax: 10_000,
    coldMs: () => COLD_MS,
    ...options,
  });
  const arrive = (nowMs: number, serviceMs = SERVICE_MS, company = 'c00000', isWarm = false) =>
    instances.arrive(company, company, isWarm, nowMs, serviceMs, [0]);
  return { instances, arrive, countAt: (nowMs: number) => instances.countOf('c00000', nowMs) };
}

const AT_ONCE: Start = { waitMs: 0, isCold: false };

describe('a request', () => {
  it('starts an instance when there is none, and waits for it', () => {
    const { arrive, instances } = instancesOf();
    expect(arrive(0)).toEqual({ waitMs: COLD_MS, isCold: true });
    expect(instances.usage()).toEqual([
      { company: 'c00000', requests: 1, refused: 0, coldStarts: 1, coldMs: COLD_MS, busyMs: SERVICE_MS },
    ]);
  });

  it('joins an instance that is starting rather than starting another', () => {
    const { arrive, countAt } = instancesOf();
    arrive(0);
    expect(arrive(1000)).toEqual({ waitMs: COLD_MS - 1000, isCold: false });
    expect(countAt(1000)).toBe(1);
  });

  it('starts at once on a warm instance, up to its concurrency', () => {
    const { arrive } = instancesOf();
    arrive(0);
    expect([arrive(5000), arrive(5000)]).toEqual([AT_ONCE, AT_ONCE]);
    expect(arrive(5000)).toEqual({ waitMs: COLD_MS, isCold: true });
  });

  it('takes the place that another one leaves in that very moment', () => {
    const { arrive } = instancesOf({ concurrency: 1, instancesMax: 1 });
    arrive(0);
    expect(arrive(COLD_MS + SERVICE_MS)).toEqual(AT_ONCE);
  });

  it('prefers a warm place to a starting instance', () => {
    const { arrive } = instancesOf({ concurrency: 1 });
    arrive(0);
    arrive(5000);
    expect(arrive(5010)?.isCold).toBe(true);
    expect(arrive(5100)).toEqual(AT_ONCE);
  });

  it('waits for the first place that is left when there may be no more instances', () => {
    const { arrive } = instancesOf({ concurrency: 1, instancesMax: 2 });
    arrive(0, 500);
    arrive(0, 200);
    // Both places are taken until 3,200 and 3,500.
    expect(arrive(3100, 50)).toEqual({ waitMs: 100, isCold: false });
    expect(arrive(3100, 50)).toEqual({ waitMs: 150, isCold: false });
    expect(arrive(3100, 1000)).toEqual({ waitMs: 200, isCold: false });
    expect(arrive(3100, 50)).toEqual({ waitMs: 400, isCold: false });
  });

  it('is refused rather than kept waiting for longer than is allowed, and takes no place', () => {
    const { arrive, instances } = instancesOf({ concurrency: 1, instancesMax: 1, pendingMsMax: 1000 });
    arrive(0, 1000);
    expect(arrive(2999)).toBeUndefined();
    expect(arrive(3000)).toEqual({ waitMs: 1000, isCold: false });
    expect(instances.usage()).toMatchObject([{ requests: 2, refused: 1 }]);
  });

  it('finds the instance that something else keeps warm', () => {
    const { arrive } = instancesOf();
    expect(arrive(0, SERVICE_MS, 'c00000', true)).toEqual(AT_ONCE);
    expect(arrive(0, SERVICE_MS, 'c00001', false)?.isCold).toBe(true);
  });

  it('has nothing to do with the instances of another company, nor of an earlier deployment', () => {
    const { arrive, instances } = instancesOf();
    arrive(0);
    expect(arrive(5000, SERVICE_MS, 'c00001')?.isCold).toBe(true);
    expect(instances.arrive('second', 'c00000', false, 5000, SERVICE_MS, [0])?.isCold).toBe(true);
    expect(instances.usage().map(({ company, coldStarts }) => [company, coldStarts])).toEqual([
      ['c00000', 2],
      ['c00001', 1],
    ]);
  });
});

describe('an idle instance', () => {
  it('is there for its time, and gone after it', () => {
    const { arrive, countAt } = instancesOf();
    arrive(0);
    const idleFromMs = COLD_MS + SERVICE_MS;
    expect([countAt(idleFromMs + IDLE_MS - 1), countAt(idleFromMs + IDLE_MS)]).toEqual([1, 0]);
    expect(arrive(idleFromMs + IDLE_MS)).toEqual({ waitMs: COLD_MS, isCold: true });
  });

  it('is kept by each request that it serves', () => {
    const { arrive } = instancesOf();
    arrive(0);
    for (let n = 1; n < 5; n++) expect(arrive(n * (IDLE_MS - 1))).toEqual(AT_ONCE);
  });

  it('goes alone: the ones that have work stay', () => {
    const { arrive, countAt } = instancesOf({ concurrency: 1 });
    arrive(0);
    arrive(0);
    expect(countAt(5000)).toBe(2);
    for (let n = 1; n < 4; n++) expect(arrive(n * 600_000)).toEqual(AT_ONCE);
    expect(countAt(1_900_000)).toBe(1);
  });
});

describe('a region', () => {
  const share = { region: 'us-west1', vcpu: 2 };
  const regionOf = (options: Partial<InstanceOptions> = {}) => {
    const { instances } = instancesOf({ concurrency: 1, vcpuMax: 4, ...options });
    const arrive = (nowMs: number, company: string, of = share, isWarm = false) =>
      instances.arrive(company, company, isWarm, nowMs, SERVICE_MS, [0], of);
    return { instances, arrive };
  };

  it('has so many vCPU for the instances of all services: the first of another is refused', () => {
    const { arrive, instances } = regionOf();
    for (const company of ['c1', 'c2']) expect(arrive(0, company)?.isCold).toBe(true);
    expect(arrive(0, 'c3')).toBeUndefined();
    expect(instances.countOf('c3', 0)).toBe(0);
    expect(arrive(0, 'c3', { ...share, region: 'us-central1' })?.isCold).toBe(true);
    expect(instances.usage().map(({ requests, refused }) => [requests, refused])).toEqual([
      [1, 0],
      [1, 0],
      [1, 1],
    ]);
  });

  it('lets a service that has an instance wait for a place in it', () => {
    const { arrive } = regionOf();
    arrive(0, 'c1');
    arrive(0, 'c2');
    expect(arrive(0, 'c1')).toEqual({ waitMs: COLD_MS + SERVICE_MS, isCold: false });
  });

  it('has room again when an instance is gone, and counts those that are kept warm', () => {
    const { arrive } = regionOf();
    arrive(0, 'c1', share, true);
    arrive(1000, 'c2');
    expect(arrive(SERVICE_MS + IDLE_MS - 1, 'c3')).toBeUndefined();
    expect(arrive(SERVICE_MS + IDLE_MS, 'c3')?.isCold).toBe(true);
    expect(arrive(SERVICE_MS + IDLE_MS, 'c4')).toBeUndefined();
  });

  it('has no limit unless one is given', () => {
    const { arrive } = regionOf({ vcpuMax: undefined });
    for (let i = 0; i < 100; i++) expect(arrive(0, `c${i}`)?.isCold).toBe(true);
  });
});

/** Times between arrivals and times of service, in small integers so that many things happen at once. */
const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 200 })), {
  minLength: 1,
  maxLength: 80,
});

type Interval = readonly [fromMs: number, untilMs: number];

/** Lets all arrive on warm instances that start in no time; what each of them occupied. */
function runOf(gaps: readonly (readonly [number, number])[], options: Partial<InstanceOptions>) {
  const { instances, arrive } = instancesOf({ coldMs: () => 0, pendingMsMax: Infinity, ...options });
  let nowMs = 0;
  const intervals = gaps.map(([gapMs, serviceMs]): Interval => {
    nowMs += gapMs;
    const { waitMs } = arrive(nowMs, serviceMs)!;
    return [nowMs + waitMs, nowMs + waitMs + serviceMs];
  });
  return { intervals, usage: instances.usage()[0] };
}

const inFlightAt = (intervals: readonly Interval[], atMs: number) =>
  intervals.filter(([fromMs, untilMs]) => fromMs <= atMs && atMs < untilMs).length;

describe('whatever arrives', () => {
  it('there are never more requests under way than places', () => {
    const limits = fc.record({
      concurrency: fc.integer({ min: 1, max: 4 }),
      instancesMax: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(arrivals, limits, (gaps, options) => {
        const { intervals } = runOf(gaps, options);
        const most = Math.max(...intervals.map(([fromMs]) => inFlightAt(intervals, fromMs)));
        expect(most).toBeLessThanOrEqual(options.concurrency * options.instancesMax);
      }),
    );
  });

  it('nobody waits while a place is free', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 4 }), (gaps, concurrency) => {
        const { intervals } = runOf(gaps, { concurrency, instancesMax: 1 });
        let nowMs = 0;
        gaps.forEach(([gapMs], i) => {
          nowMs += gapMs;
          const before = intervals.slice(0, i);
          for (let atMs = nowMs; atMs < intervals[i][0]; atMs++)
            expect(inFlightAt(before, atMs)).toBe(concurrency);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('the busy time of one instance is the time in which anything is under way', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 4 }), (gaps, concurrency) => {
        const { intervals, usage } = runOf(gaps, { concurrency, instancesMax: 1 });
        const endMs = Math.max(...intervals.map(([, untilMs]) => untilMs));
        let busyMs = 0;
        for (let atMs = 0; atMs < endMs; atMs++) if (inFlightAt(intervals, atMs) > 0) busyMs++;
        expect([usage.busyMs, usage.requests]).toEqual([busyMs, gaps.length]);
      }),
      { numRuns: 30 },
    );
  });
});
