// The waterfall of the real rollout in virtual time: what is planted to be slow is named, and no time is lost or made up.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitReports } from '../../reports/limits.ts';
import { durationOf, longestChain, PARTS, partsOf, rowsByCompany } from '../../reports/timelineRows.ts';
import { type WaterfallReport, waterfallReportOf } from '../../reports/waterfall.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { type RolledOut, rolloutOf, simulate } from './harness.ts';

const COMPANIES = 20;
/** Waits are of single precision, and a step has thousands of milliseconds. */
const ROUNDING_MS = 0.05;

const timelineOf = ({ rollout }: RolledOut) => rollout.timeline!;

function waterfallOf(scenario: Scenario, { rollout }: RolledOut): WaterfallReport {
  return waterfallReportOf([rollout], rollout, limitReports(scenario, [rollout]))!;
}

const sick = (share: number, verdict: string, operation: string) =>
  rolloutOf(COMPANIES, {
    'faults.rules': [{ operation, verdict, share, ...(verdict === 'refuse' && { status: 503 }) }],
    'faults.quotas': [{ name: 'few-keys', operations: ['kms.cryptoKeys.create'], perMinute: 40 }],
    'provisioning.limits.cloudRunDeploysPerMinute': 30,
  });

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

  it('has every step that ended of a rollout that was given up, and none of one that was resumed', async () => {
    const scenario = rolloutOf(100, { 'run.deadline': '60s' });
    const given = await simulate(scenario);
    const rows = rowsByCompany(timelineOf(given), 100);
    given.rollout.outcome.forEach((outcome, company) => {
      if (outcome === 'ready') expect(rows[company].length).toBeGreaterThan(10);
      if (given.rollout.admittedAtMs[company] === -1) expect(rows[company]).toHaveLength(0);
    });
    const usual = rolloutOf(COMPANIES);
    const { events } = await simulate(usual);
    const resumed = await simulate(usual, { hooks: { crashAtEvents: [Math.floor(events / 2)] } });
    expect(resumed.rollout.timeline).toBeNull();
    expect(waterfallReportOf([resumed.rollout], resumed.rollout, [])).toBeNull();
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
