// The waterfall of the real rollout in virtual time: what is planted to be slow is named, and no time is lost or made up.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindingLimitOf, limitReports } from '../../reports/limits.ts';
import type { TimelineMeasurement } from '../../reports/measurement.ts';
import { durationOf, longestChain, PARTS, partsOf, rowsByCompany } from '../../reports/timelineRows.ts';
import { type WaterfallReport, waterfallReportOf } from '../../reports/waterfall.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { LEASE_MS } from '../../src/limits.ts';
import { type RolledOut, rolloutOf, type Sets, simulate } from './harness.ts';

const COMPANIES = 20;
/** Waits are of single precision, and a step has thousands of milliseconds. */
const ROUNDING_MS = 0.05;

const timelineOf = ({ rollout }: RolledOut) => rollout.timeline;

function waterfallOf(scenario: Scenario, { rollout }: RolledOut): WaterfallReport {
  return waterfallReportOf([rollout], rollout, limitReports(scenario, [rollout]));
}

const sick = (share: number, verdict: string, operation: string, sets: Sets = {}) =>
  rolloutOf(COMPANIES, {
    ...sets,
    'faults.rules': [{ operation, verdict, share, ...(verdict === 'refuse' && { status: 503 }) }],
    'faults.quotas': [{ name: 'few-keys', operations: ['kms.cryptoKeys.create'], perMinute: 40 }],
    'provisioning.limits.cloudRunDeploysPerMinute': 30,
  });

const endingsOf = (timeline: TimelineMeasurement, rows: Uint32Array) =>
  Array.from(rows, row => timeline.endings[timeline.ending[row]]);

/** Its rows follow one another, and leave nothing out between its admission and its end. */
function expectNoGap(
  timeline: TimelineMeasurement,
  rows: Uint32Array,
  fromMs: number,
  untilMs: number,
): void {
  const ends = [fromMs, ...Array.from(rows, row => timeline.endedAtMs[row])];
  expect(Array.from(rows, row => timeline.beganAtMs[row])).toEqual(ends.slice(0, -1));
  expect(ends.at(-1)).toBeCloseTo(untilMs, 3);
}

/** Rollouts that wait in every way there is, some of whose companies are undone. */
const SICK = fc.record({
  seed: fc.integer({ min: 1, max: 1000 }),
  share: fc.constantFrom(0, 0.1, 0.3),
  verdict: fc.constantFrom('refuse', 'loseRequest', 'loseAnswer'),
  operation: fc.constantFrom('cloudRun.*', 'atlas.*', 'secretManager.*', 'cloudflare.customHostnames.create'),
});

describe('the timeline of a rollout', () => {
  it('has a place for every millisecond of a step, and every step between admission and end', async () => {
    await fc.assert(
      fc.asyncProperty(SICK, async ({ seed, share, verdict, operation }) => {
        const replication = await simulate(sick(share, verdict, operation), { seed });
        const timeline = timelineOf(replication);
        const { admittedAtMs, finishedAtMs, outcome } = replication.rollout;
        rowsByCompany(timeline, COMPANIES).forEach((rows, company) => {
          let atMs = admittedAtMs[company];
          for (const row of rows) {
            const parts = partsOf(timeline, row);
            const sumMs = PARTS.reduce((sum, part) => sum + parts[part], 0);
            expect(Math.abs(sumMs - durationOf(timeline, row))).toBeLessThan(ROUNDING_MS);
            for (const part of PARTS) expect(parts[part]).toBeGreaterThanOrEqual(0);
            expect(timeline.beganAtMs[row]).toBeGreaterThanOrEqual(atMs);
            atMs = timeline.endedAtMs[row];
          }
          expect(finishedAtMs[company]).toBeGreaterThanOrEqual(atMs);
          // Steps follow one another: all of them are on the path.
          expect(longestChain(timeline, rows)).toEqual([...rows]);
          const isMade = Array.from(rows, row => timeline.endings[timeline.ending[row]] === 'made');
          expect(isMade.every(Boolean)).toBe(outcome[company] === 'ready');
        });
      }),
      { numRuns: 12, seed: 7 },
    );
  });

  it('waits for quotas as long as their gates have counted, and for limiters no longer than these have', async () => {
    const replication = await simulate(sick(0.1, 'refuse', 'cloudRun.*'));
    const timeline = timelineOf(replication);
    const waitedMs = (kind: 'limiter' | 'quota') =>
      replication.rollout.limits
        .filter(limit => limit.kind === kind)
        .reduce((sum, limit) => sum + limit.waitMs, 0);
    const sum = (column: Float32Array) => column.reduce((total, ms) => total + ms, 0);
    expect(sum(timeline.quotaMs)).toBeGreaterThan(1000);
    expect(sum(timeline.quotaMs) / waitedMs('quota')).toBeCloseTo(1, 5);
    // A slot is waited for while the intent is on its way into the journal, which is no wait of the limiter's.
    expect(sum(timeline.limiterMs)).toBeLessThanOrEqual(waitedMs('limiter'));
    expect(sum(timeline.limiterMs) / waitedMs('limiter')).toBeGreaterThan(0.9);
  });

  it('has the removals of a company that is undone', async () => {
    const rule = {
      operation: 'cloudflare.customHostnames.create',
      verdict: 'refuse',
      status: 400,
      share: 1,
      companies: [0],
    };
    const replication = await simulate(rolloutOf(2, { 'faults.rules': [rule] }));
    const timeline = timelineOf(replication);
    const [undone] = rowsByCompany(timeline, 2);
    const steps = Array.from(undone, row => {
      const ending = timeline.endings[timeline.ending[row]];
      return `${timeline.steps[timeline.step[row]].id} ${ending}`;
    });
    const failedAt = steps.indexOf('certificate failed');
    expect(steps.slice(0, failedAt).every(step => step.endsWith(' made'))).toBe(true);
    const removed = steps.slice(failedAt + 1);
    expect(removed.every(step => step.endsWith(' removed'))).toBe(true);
    expect(removed).toContain('service removed');
    const { endedAtMs } = timeline;
    expect(replication.rollout.finishedAtMs[0] - endedAtMs[undone[undone.length - 1]]).toBeLessThan(50);
  });

  it('is the same, to the byte, each time that it runs', async () => {
    const scenario = sick(0.3, 'refuse', 'atlas.*');
    const [one, other] = [await simulate(scenario), await simulate(scenario)];
    expect(timelineOf(other)).toEqual(timelineOf(one));
    expect(JSON.stringify(waterfallOf(scenario, other))).toBe(JSON.stringify(waterfallOf(scenario, one)));
  });

  it.each([1, 2])(
    'has every step of a rollout that is given up, those under way too: %i provisioners',
    async provisioners => {
      const companies = 100;
      const scenario = rolloutOf(companies, {
        'run.deadline': '60s',
        'provisioning.provisioners': provisioners,
        'provisioning.batchSize': 50,
      });
      const given = await simulate(scenario);
      const timeline = timelineOf(given);
      const { outcome, admittedAtMs, finishedAtMs, durationMs } = given.rollout;
      const givenUpAtMs = admittedAtMs[0] + durationMs;
      const rows = rowsByCompany(timeline, companies);
      const underWay = outcome.flatMap((each, i) =>
        each === 'unfinished' && admittedAtMs[i] >= 0 ? [i] : [],
      );
      expect(underWay.length).toBeGreaterThan(10);
      const ready = outcome.flatMap((each, i) => (each === 'ready' ? [i] : []));
      for (const company of ready)
        expectNoGap(timeline, rows[company], admittedAtMs[company], finishedAtMs[company]);
      for (const company of underWay) {
        expectNoGap(timeline, rows[company], admittedAtMs[company], givenUpAtMs);
        expect(endingsOf(timeline, rows[company]).at(-1)).toBe('underWay');
      }
      expect(
        rows.flatMap(each => endingsOf(timeline, each)).filter(each => each === 'underWay'),
      ).toHaveLength(underWay.length);
      // The wait that is not over counts as well: else it would be the calls'.
      const { steps } = waterfallOf(scenario, given);
      const service = steps.find(({ kind, ending }) => kind === 'service' && ending === 'underWay')!;
      expect(service.parts.limiter.share + service.parts.poll.share).toBeGreaterThan(0.3 * service.share);
    },
  );
});

describe('the timeline of a rollout that was resumed', () => {
  it('has a place for every millisecond too, what was lost to the restarts included', async () => {
    const crashed = fc.record({
      rollout: SICK,
      provisioners: fc.constantFrom(1, 2),
      percents: fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 4 }),
      /** For longer than its lease: where there is another, that one takes its companies over. */
      pausePercent: fc.integer({ min: 1, max: 99 }),
    });
    await fc.assert(
      fc.asyncProperty(
        crashed,
        async ({ rollout: { seed, share, verdict, operation }, provisioners, percents, pausePercent }) => {
          const scenario = sick(share, verdict, operation, {
            'provisioning.provisioners': provisioners,
            'provisioning.batchSize': 10,
          });
          const whole = await simulate(scenario, { seed });
          const crashAtEvents = percents.map(percent => Math.floor((percent / 100) * whole.events));
          const atEvent = Math.floor((pausePercent / 100) * whole.events);
          const pauses = [{ atEvent, provisioner: 0, forMs: 2 * LEASE_MS + 1000 }];
          const parted = await simulate(scenario, { seed, hooks: { crashAtEvents, pauses } });
          const timeline = timelineOf(parted);
          const { admittedAtMs, finishedAtMs, outcome } = parted.rollout;
          rowsByCompany(timeline, COMPANIES).forEach((rows, company) => {
            for (const row of rows)
              for (const ms of Object.values(partsOf(timeline, row))) expect(ms).toBeGreaterThanOrEqual(0);
            if (outcome[company] === 'ready')
              expectNoGap(timeline, rows, admittedAtMs[company], finishedAtMs[company]);
            else expect(longestChain(timeline, rows)).toEqual([...rows]);
          });
        },
      ),
      { numRuns: 12, seed: 7 },
    );
  });

  it('says how much was lost, and by which limit calls were kept waiting, as if nobody had been killed', async () => {
    const scenario = rolloutOf(COMPANIES, { 'provisioning.limits.cloudRunDeploysPerMinute': 30 });
    const whole = await simulate(scenario);
    const parted = await simulate(scenario, {
      hooks: { crashAtEvents: [0.3, 0.5, 0.7].map(share => Math.floor(share * whole.events)) },
    });
    expect(parted.rollout).toMatchObject({ isResumed: true, violations: [], outcome: whole.rollout.outcome });
    const [before, after] = [whole, parted].map(each => waterfallOf(scenario, each));
    expect(before.parts.lost.meanMs).toBe(0);
    expect(after.parts.lost.meanMs).toBeGreaterThan(1000);
    expect(after.steps.map(({ kind, count }) => [kind, count])).toEqual(
      before.steps.map(({ kind, count }) => [kind, count]),
    );
    const limitOf = ({ rollout }: RolledOut) =>
      rollout.limits.find(({ name }) => name === 'cloudRunDeploys')!;
    expect(limitOf(parted).calls).toBeGreaterThanOrEqual(COMPANIES);
    expect(limitOf(parted).waitMs / limitOf(whole).waitMs).toBeGreaterThan(0.8);
    expect(bindingLimitOf(limitReports(scenario, [parted.rollout]))).toBe('cloudRunDeploys');
  });

  it('is that of all who share it, with the limits of all', async () => {
    const sets = { 'provisioning.batchSize': 10, 'provisioning.limits.cloudRunDeploysPerMinute': 30 };
    const [alone, together] = [
      await simulate(rolloutOf(COMPANIES, sets)),
      await simulate(rolloutOf(COMPANIES, { ...sets, 'provisioning.provisioners': 2 })),
    ];
    expect(timelineOf(together).company).toHaveLength(timelineOf(alone).company.length);
    const callsOf = ({ rollout }: RolledOut) => rollout.limits.map(({ name, calls }) => [name, calls]);
    expect(callsOf(together)).toEqual(callsOf(alone));
  });
});

describe('what is planted', () => {
  it.each([
    ['kms.cryptoKeys.create', 'cryptoKey'],
    ['pinecone.namespaces.create', 'namespace'],
    ['atlas.databaseUsers.create', 'databaseUser'],
  ])('to be slow is the slowest step, and what companies hang on: %s', async (operation, kind) => {
    const scenario = rolloutOf(COMPANIES, {
      'faults.rules': [{ operation, verdict: 'slow', times: 60, share: 1 }],
    });
    const { steps, criticalPath } = waterfallOf(scenario, await simulate(scenario));
    const slowest = steps.reduce((most, step) => (step.meanMs > most.meanMs ? step : most));
    expect(slowest).toMatchObject({ kind, ending: 'made', count: COMPANIES });
    expect(criticalPath).toMatchObject({ median: { dominant: kind }, p99: { dominant: kind } });
  });

  it('as a small quota is named with its wait, which is before the calls that it refuses', async () => {
    const quota = { name: 'few-namespaces', operations: ['pinecone.namespaces.create'], perMinute: 20 };
    const scenario = rolloutOf(COMPANIES, { 'faults.quotas': [quota] });
    const { queued, steps, parts } = waterfallOf(scenario, await simulate(scenario));
    const named = queued.find(({ name }) => name === quota.name)!;
    expect(named).toMatchObject({ kind: 'quota' });
    expect(named.insideMs).toBeGreaterThan(10_000);
    const namespace = steps.find(({ kind }) => kind === 'namespace')!;
    expect(namespace.parts.quota.meanMs * COMPANIES).toBeCloseTo(named.insideMs, 0);
    expect(parts.quota.meanMs * COMPANIES).toBeCloseTo(named.insideMs, 0);
    for (const { kind, parts } of steps) if (kind !== 'namespace') expect(parts.quota.meanMs).toBe(0);
  });

  it('as faults shows as retries of the step that they hit', async () => {
    const rule = { operation: 'atlas.databaseUsers.create', verdict: 'refuse', status: 503, share: 0.5 };
    const scenario = rolloutOf(COMPANIES, { 'faults.rules': [rule] });
    const { steps } = waterfallOf(scenario, await simulate(scenario));
    const retried = steps.filter(({ parts }) => parts.retry.meanMs > 0);
    expect(retried.map(({ kind }) => kind)).toEqual(['databaseUser']);
  });
});
