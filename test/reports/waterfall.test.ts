// The waterfall of hand-made timelines, to the millisecond.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RolloutMeasurement } from '../../reports/measurement.ts';
import { durationOf, longestChain, PARTS, partsOf, rowsByCompany } from '../../reports/timelineRows.ts';
import { type WaterfallReport, waterfallReportOf } from '../../reports/waterfall.ts';
import { waterfallCsv } from '../../reports/waterfallFile.ts';
import { replicationOf, replicationsOf, reportOf, rolloutReportOf } from './fixture.ts';
import { type Row, timelineOf, usualRows } from './timelineFixture.ts';

/** Companies admitted at 1000, 2000, … that end when the last of their rows does. */
function rolloutWith(rows: readonly Row[], outcome: RolloutMeasurement['outcome']): RolloutMeasurement {
  const ends = outcome.map((_, company) =>
    Math.max(...rows.filter(row => row.company === company).map(({ endedAtMs }) => endedAtMs)),
  );
  return {
    ...replicationOf({ companies: outcome.length }).rollout,
    outcome,
    admittedAtMs: outcome.map((_, company) => 1000 * (company + 1)),
    finishedAtMs: ends,
    timeline: timelineOf(rows),
  };
}

const waterfallOf = (rollout: RolloutMeasurement): WaterfallReport =>
  waterfallReportOf([rollout], rollout, []);

const TWO: readonly Row[] = [
  { company: 0, step: 'secret:a', beganAtMs: 1000, endedAtMs: 1100 },
  { company: 0, step: 'secret:b', beganAtMs: 1100, endedAtMs: 1400 },
  { company: 0, step: 'service', beganAtMs: 1400, endedAtMs: 4400, limiterMs: 500, pollMs: 2000 },
  { company: 1, step: 'secret:a', beganAtMs: 2000, endedAtMs: 2200, quotaMs: 50 },
  { company: 1, step: 'secret:b', beganAtMs: 2200, endedAtMs: 2600, retryMs: 300 },
  { company: 1, step: 'service', ending: 'failed', beganAtMs: 2600, endedAtMs: 3600 },
  { company: 1, step: 'secret:b', ending: 'removed', beganAtMs: 3600, endedAtMs: 3700 },
  { company: 1, step: 'secret:a', ending: 'left', beganAtMs: 3700, endedAtMs: 4000 },
];

describe('the waterfall of two companies, of which one is blocked', () => {
  const waterfall = waterfallOf(rolloutWith(TWO, ['ready', 'blocked']));
  const none = { meanMs: 0, share: 0 };
  const totalMs = 3400 + 2000;

  test('has the time of each kind of step by its ending, those that were made first', () => {
    expect(waterfall.steps.map(({ kind, ending, count, meanMs }) => [kind, ending, count, meanMs])).toEqual([
      ['secret', 'made', 4, 250],
      ['service', 'made', 1, 3000],
      ['service', 'failed', 1, 1000],
      ['secret', 'removed', 1, 100],
      ['secret', 'left', 1, 300],
    ]);
    expect(waterfall.steps[0]).toEqual({
      kind: 'secret',
      ending: 'made',
      count: 4,
      meanMs: 250,
      p50Ms: 200,
      p95Ms: 400,
      p99Ms: 400,
      maxMs: 400,
      share: 1000 / totalMs,
      parts: {
        lost: none,
        quota: { meanMs: 12.5, share: 50 / totalMs },
        limiter: none,
        calls: { meanMs: 162.5, share: 650 / totalMs },
        poll: none,
        retry: { meanMs: 75, share: 300 / totalMs },
      },
    });
  });

  test('has what all of it went to, a company', () => {
    expect(waterfall.parts).toEqual({
      lost: none,
      quota: { meanMs: 25, share: 50 / totalMs },
      limiter: { meanMs: 250, share: 500 / totalMs },
      calls: { meanMs: 1275, share: 2550 / totalMs },
      poll: { meanMs: 1000, share: 2000 / totalMs },
      retry: { meanMs: 150, share: 300 / totalMs },
    });
  });

  test('has the critical path of the one that was completed', () => {
    const group = { companies: 1, meanMs: 3400, dominant: 'service', share: 3000 / 3400 };
    expect(waterfall.criticalPath).toEqual({
      steps: [
        { kind: 'secret', meanMs: 400, medianMs: 400, p99Ms: 400 },
        { kind: 'service', meanMs: 3000, medianMs: 3000, p99Ms: 3000 },
      ],
      all: group,
      median: group,
      p99: group,
    });
  });

  test('draws the one that was completed once, for every rank, and lists both by their time', () => {
    expect(waterfall.ranked.map(({ company, ranks }) => [company, ranks])).toEqual([
      ['c00000', ['P50', 'P95', 'P99', 'slowest']],
    ]);
    expect(
      waterfall.slowest.map(({ company, outcome, durationMs }) => [company, outcome, durationMs]),
    ).toEqual([
      ['c00000', 'ready', 3400],
      ['c00001', 'blocked', 2000],
    ]);
    expect(waterfall.slowest[0].steps[2]).toEqual({
      step: 'service',
      ending: 'made',
      beganMs: 400,
      endedMs: 3400,
      parts: { lost: 0, quota: 0, limiter: 500, calls: 500, poll: 2000, retry: 0 },
      isCritical: true,
    });
  });
});

describe('the waterfall of a rollout that was resumed and given up', () => {
  const rows: readonly Row[] = [
    { company: 0, step: 'secret', beganAtMs: 1000, endedAtMs: 1100 },
    { company: 0, step: 'service', beganAtMs: 1100, endedAtMs: 9100, lostMs: 5000, limiterMs: 1000 },
    { company: 1, step: 'secret', ending: 'underWay', beganAtMs: 2000, endedAtMs: 4000, pollMs: 1500 },
  ];
  const rollout = { ...rolloutWith(rows, ['ready', 'unfinished']), isResumed: true };
  const { steps, parts, slowest } = waterfallOf(rollout);

  test('has what was lost to the restart as a part of its own', () => {
    expect(parts.lost).toEqual({ meanMs: 2500, share: 5000 / 10_100 });
    expect(slowest[0].steps[1].parts).toEqual({
      ...{ lost: 5000, quota: 0, limiter: 1000 },
      ...{ calls: 2000, poll: 0, retry: 0 },
    });
  });

  test('has the step that was under way', () => {
    expect(steps.map(({ kind, ending, meanMs }) => [kind, ending, meanMs])).toEqual([
      ['secret', 'made', 100],
      ['service', 'made', 8000],
      ['secret', 'underWay', 2000],
    ]);
  });
});

describe('the waterfall of many companies', () => {
  /** So many that the ranks differ: company i takes i + 1 seconds, and from the 190th on its secret takes most. */
  const rows = Array.from({ length: 200 }, (_, company): Row[] => {
    const admittedAtMs = 1000 * (company + 1);
    const ms = 1000 * (company + 1);
    const secretMs = (company < 190 ? 0.25 : 0.75) * ms;
    const beganAtMs = admittedAtMs + secretMs;
    return [
      { company, step: 'secret', beganAtMs: admittedAtMs, endedAtMs: beganAtMs },
      { company, step: 'service', beganAtMs, endedAtMs: admittedAtMs + ms },
    ];
  }).flat();
  const waterfall = waterfallOf(rolloutWith(rows, Array(200).fill('ready')));

  test('names the company at each rank', () => {
    expect(waterfall.ranked.map(({ ranks, company }) => [ranks, company])).toEqual([
      [['P50'], 'c00099'],
      [['P95'], 'c00189'],
      [['P99'], 'c00197'],
      [['slowest'], 'c00199'],
    ]);
    expect(waterfall.slowest.map(({ company }) => company)).toEqual(
      Array.from({ length: 10 }, (_, i) => `c00${199 - i}`),
    );
  });

  test('tells the step that dominates in the middle from the one at the slow end', () => {
    // The 90th to the 110th company, and the 198th to the 200th.
    expect(waterfall.criticalPath).toMatchObject({
      median: { companies: 21, meanMs: 100_000, dominant: 'service', share: 0.75 },
      p99: { companies: 3, meanMs: 199_000, dominant: 'secret', share: 0.75 },
    });
  });
});

describe('a critical path', () => {
  const chainOf = (rows: readonly Omit<Row, 'company'>[]) => {
    const timeline = timelineOf(rows.map(row => ({ company: 0, ...row })));
    const chain = longestChain(timeline, rowsByCompany(timeline, 1)[0]);
    return chain.map(row => timeline.steps[timeline.step[row]].id);
  };

  test('is the whole plan where the steps follow one another, those without a time too', () => {
    const plan = ['a', 'b', 'c', 'd'];
    const ends = [0, 100, 100, 250, 300];
    const rows = plan.map((step, i) => ({ step, beganAtMs: ends[i], endedAtMs: ends[i + 1] }));
    expect(chainOf(rows)).toEqual(plan);
  });

  test('is the slower ones where steps run side by side', () => {
    expect(
      chainOf([
        { step: 'secret', beganAtMs: 0, endedAtMs: 100 },
        { step: 'database', beganAtMs: 100, endedAtMs: 400 },
        { step: 'service', beganAtMs: 100, endedAtMs: 900 },
        { step: 'record', beganAtMs: 400, endedAtMs: 600 },
        { step: 'health', beganAtMs: 900, endedAtMs: 950 },
      ]),
    ).toEqual(['secret', 'service', 'health']);
  });

  test('takes the branch that is longer together, though its steps are shorter', () => {
    expect(
      chainOf([
        { step: 'long', beganAtMs: 0, endedAtMs: 500 },
        { step: 'one', beganAtMs: 0, endedAtMs: 300 },
        { step: 'two', beganAtMs: 300, endedAtMs: 600 },
        { step: 'idle', beganAtMs: 700, endedAtMs: 710 },
      ]),
    ).toEqual(['one', 'two', 'idle']);
  });

  test('is empty where no step ended', () => {
    expect(chainOf([])).toEqual([]);
  });

  const INTERVALS = fc.array(fc.record({ beganAtMs: fc.nat(50), ms: fc.nat(30) }), { maxLength: 9 });

  test('is longer than every other chain, whatever the steps', () => {
    fc.assert(
      fc.property(INTERVALS, intervals => {
        const rows = intervals.map(({ beganAtMs, ms }, i) => ({
          company: 0,
          step: `s${i}`,
          beganAtMs,
          endedAtMs: beganAtMs + ms,
        }));
        const timeline = timelineOf(rows);
        const chain = longestChain(timeline, rowsByCompany(timeline, 1)[0]);
        const { beganAtMs, endedAtMs } = timeline;
        chain.forEach((row, i) => {
          if (i > 0) expect(beganAtMs[row]).toBeGreaterThanOrEqual(endedAtMs[chain[i - 1]]);
        });
        const sumMs = (chosen: readonly number[]) =>
          chosen.reduce((sum, row) => sum + durationOf(timeline, row), 0);
        // Every choice of rows that is a chain.
        let longestMs = 0;
        for (let choice = 0; choice < 2 ** rows.length; choice++) {
          const chosen = rows.flatMap((_, row) => (choice & (1 << row) ? [row] : []));
          if (chosen.every((row, i) => i === 0 || beganAtMs[row] >= endedAtMs[chosen[i - 1]]))
            longestMs = Math.max(longestMs, sumMs(chosen));
        }
        expect(sumMs(chain)).toBe(longestMs);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

describe('the parts of a step', () => {
  const WAITS = fc.double({ min: 0, max: 100_000, noNaN: true });

  test('come to its time, and none is less than nothing', () => {
    fc.assert(
      fc.property(
        fc.array(WAITS, { minLength: 5, maxLength: 5 }),
        fc.constantFrom(0, 0.001, 12.5),
        (waits, calls) => {
          const [q, l, p, r, lost] = waits;
          const endedAtMs = 5000 + q + l + p + r + lost + calls;
          const row = { company: 0, step: 'a', beganAtMs: 5000, endedAtMs };
          const timeline = timelineOf([
            { ...row, quotaMs: q, limiterMs: l, pollMs: p, retryMs: r, lostMs: lost },
          ]);
          const parts = partsOf(timeline, 0);
          const sumMs = PARTS.reduce((sum, part) => sum + parts[part], 0);
          expect(Math.abs(sumMs - (endedAtMs - 5000))).toBeLessThan(0.05);
          for (const part of PARTS) expect(parts[part]).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 200, seed: 5 },
    );
  });
});

describe('the waterfall in a report', () => {
  test('is over all replications, with the companies of the worst one', () => {
    const replications = [
      ...replicationsOf(2),
      replicationOf({ index: 2, outcome: company => (company === 7 ? 'undone' : 'ready') }),
    ];
    const { waterfall, worstReplication } = rolloutReportOf({ replications });
    expect(worstReplication).toBe(2);
    expect(waterfall.steps.map(({ kind, count }) => [kind, count])).toEqual([
      ['secret', 400],
      ['service', 400],
      ['health', 400],
    ]);
    const [{ company, durationMs }] = waterfall.slowest;
    const index = Number(company.slice(1));
    const { admittedAtMs, finishedAtMs } = replications[2].rollout;
    expect(durationMs).toBe(finishedAtMs[index] - admittedAtMs[index]);
    expect(waterfall.criticalPath!.all.companies).toBe(3 * 400 - 1);
  });

  test('has no company that was never begun', () => {
    const replication = replicationOf({ outcome: company => (company < 390 ? 'noRoom' : 'ready') });
    const { waterfall } = rolloutReportOf({ replications: [replication] });
    expect(waterfall!.slowest.map(({ outcome }) => outcome)).not.toContain('noRoom');
    expect(waterfall!.criticalPath!.all.companies).toBe(10);
  });

  test('has what each limit kept waiting, before admission and inside', () => {
    expect(rolloutReportOf({ replications: [replicationOf()] }).waterfall.queued).toEqual([
      { name: 'dnsRecordWrites', kind: 'limiter', beforeAdmissionMs: 0, insideMs: 12_000 },
      { name: 'cloudRunDeploys', kind: 'limiter', beforeAdmissionMs: 380_000, insideMs: 2_000_000 },
      { name: 'databaseOperations', kind: 'limiter', beforeAdmissionMs: 0, insideMs: 40_000 },
    ]);
  });

  test('counts what the concurrency kept waiting before admission alone', () => {
    const limit = { name: 'concurrency', kind: 'limiter', calls: 0, waitMs: 900, refusals: 0 } as const;
    const { rollout, ...rest } = replicationOf();
    const limits = [{ ...limit, admissionBlockedMs: 900 }];
    const report = rolloutReportOf({ replications: [{ ...rest, rollout: { ...rollout, limits } }] });
    expect(report.waterfall.queued).toEqual([
      { name: 'concurrency', kind: 'limiter', beforeAdmissionMs: 900, insideMs: 0 },
    ]);
  });

  test('is empty where no company was admitted', () => {
    const { waterfall } = rolloutReportOf({ replications: [replicationOf({ outcome: () => 'unfinished' })] });
    expect(waterfall).toMatchObject({ steps: [], criticalPath: null, ranked: [], slowest: [] });
  });

  test('names few companies, however many there are', () => {
    const rows = (companies: number) => {
      const { ranked, slowest } = rolloutReportOf({ replications: [replicationOf({ companies })] }).waterfall;
      return [ranked.length, slowest.length];
    };
    expect([rows(20), rows(2000)]).toEqual([
      [3, 10],
      [4, 10],
    ]);
  });
});

describe('waterfall.csv', () => {
  const rollout = rolloutWith(TWO, ['ready', 'blocked']);
  const replications = [{ ...replicationOf(), rollout }];
  const csvOf = () => waterfallCsv(reportOf({ replications }), replications)!;

  test('has a line for each step, with its times and label', () => {
    const lines = csvOf().split('\n');
    expect(lines).toHaveLength(1 + TWO.length + 1);
    expect(lines[0]).toBe(
      'company,outcome,step,kind,ending,beganAtMs,endedAtMs,lostMs,quotaMs,limiterMs,callsMs,pollMs,retryMs,label',
    );
    expect(lines[1]).toBe('c00000,ready,secret:a,secret,made,1000,1100,0,0,0,100,0,0,simulated');
    expect(lines).toContain('c00000,ready,service,service,made,1400,4400,0,0,500,500,2000,0,simulated');
    expect(lines).toContain('c00001,blocked,secret:a,secret,left,3700,4000,0,0,0,300,0,0,simulated');
    expect(lines.at(-1)).toBe('');
  });

  test('is that of the worst replication', () => {
    const worst = replicationOf({ index: 1, outcome: company => (company === 7 ? 'unfinished' : 'ready') });
    const both = [replicationOf(), worst];
    const lines = waterfallCsv(reportOf({ replications: both }), both)!.split('\n');
    expect(lines.filter(line => line.startsWith('c00007,'))).toEqual([]);
    expect(lines).toHaveLength(1 + 399 * usualRows(0, 0, 1).length + 1);
  });

  test('is the same each time', () => expect(csvOf()).toBe(csvOf()));
});
