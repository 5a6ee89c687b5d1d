// What is made of k6's stream of samples, line by line, without k6.

import { describe, expect, it } from 'vitest';
import { Histogram } from '../../reports/histogram.ts';
import { createSamplesFold } from '../../rig/k6Samples.ts';
import { scheduleOf } from '../../scenarios/loadPlan.ts';
import { REQUEST_KINDS } from '../../scenarios/scenario.ts';
import { planFor, REGIONS } from './k6Platform.ts';

const plan = planFor(Object.fromEntries(REGIONS.map(region => [region, 'http://127.0.0.1:1'])));
const schedule = scheduleOf(plan.arrivals);
const { requests } = schedule;
const all = Array.from({ length: requests }, (_, index) => index);

type Sent = { outcome?: string; ms?: number; lateMs?: number; status?: number; kind?: string };

/** As k6 writes a request that was sent: one line a metric. */
function linesOf(index: number, { outcome = 'ok', ms = 100, lateMs = 1, status = 200, kind }: Sent = {}) {
  const line = (metric: string, value: number, tags: Record<string, string>) =>
    JSON.stringify({
      metric,
      type: 'Point',
      data: {
        time: '2026-11-22T10:20:30.123456789Z',
        value,
        tags,
        metadata: { index: String(index), status: String(status) },
      },
    });
  const tags = { outcome, kind: kind ?? REQUEST_KINDS[schedule.kind[index]], phase: 'measured' };
  return [
    line('http_req_duration', ms, {}),
    line(outcome === 'refused' ? 'refused_ms' : 'response_ms', ms, tags),
    line('lateness_ms', lateMs, { phase: 'measured' }),
    line('requests', 1, { outcome }),
  ];
}

const DROPPED = '{"metric":"dropped_iterations","type":"Point","data":{"time":"x","value":2,"tags":{}}}';

function figuresOf(lines: readonly string[], leadInMs = 0) {
  const fold = createSamplesFold({ ...plan, leadInMs }, schedule);
  for (const line of lines) fold.line(line);
  return fold.figures();
}

describe('the samples of k6', () => {
  it('become cells that hold each request once', () => {
    const figures = figuresOf(all.flatMap(index => linesOf(index, { ms: index + 1 })));
    expect([figures.sent, figures.due, figures.dropped, figures.violations]).toEqual([
      requests,
      requests,
      0,
      [],
    ]);
    for (const [i, index] of all.entries()) expect(figures.records.responseMs[index]).toBe(i + 1);
    const names = figures.cells.map(({ region, level, kind }) => `${region} ${level} ${kind}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { region, level, kind, requests, errors, refused, responseMs } of figures.cells) {
      const own = all.filter(
        i =>
          plan.arrivals.regions[schedule.region[i]].name === region &&
          plan.companies[schedule.company[i]].level === level &&
          REQUEST_KINDS[schedule.kind[i]] === kind,
      );
      expect([requests, errors, refused]).toEqual([own.length, 0, 0]);
      const histogram = Histogram.of(responseMs);
      expect(histogram.count).toBe(own.length);
      expect(histogram.quantile(1) / (Math.max(...own) + 1)).toBeCloseTo(1, 1);
    }
  });

  it('are the same in any order of the lines', () => {
    const lines = all.flatMap(index => linesOf(index, { ms: index + 1 }));
    expect(figuresOf(lines.toReversed())).toEqual(figuresOf(lines));
  });

  it.each(['error', 'unreachable', 'timeout', 'foreign'])(
    'count a request that ended as %s as an error with its time',
    outcome => {
      const [first, ...others] = all;
      const { cells, records, outcomes } = figuresOf([
        ...linesOf(first, { outcome, ms: 11_000, status: 0 }),
        ...others.flatMap(index => linesOf(index)),
      ]);
      expect(cells.reduce((sum, { errors }) => sum + errors, 0)).toBe(1);
      const cell = cells.find(({ errors }) => errors > 0)!;
      expect(Histogram.of(cell.responseMs).quantile(1) / 11_000).toBeCloseTo(1, 1);
      expect([records.responseMs[first], records.status[first], outcomes.ok]).toEqual([
        11_000,
        0,
        requests - 1,
      ]);
    },
  );

  it('count a refusal apart, without a response time', () => {
    const { cells, records, outcomes } = figuresOf(
      all.flatMap(index => linesOf(index, { outcome: 'refused', status: 429 })),
    );
    expect(outcomes.refused).toBe(requests);
    for (const cell of cells)
      expect([cell.refused, cell.errors, cell.responseMs]).toEqual([cell.requests, 0, []]);
    expect(records.status[0]).toBe(429);
  });

  it('leave out of the cells what was due in the lead-in', () => {
    const { cells, sent } = figuresOf(
      all.flatMap(index => linesOf(index)),
      400,
    );
    const measured = schedule.dueUs.filter(us => us >= 400_000).length;
    expect(cells.reduce((sum, { requests }) => sum + requests, 0)).toBe(measured);
    expect(sent).toBe(requests);
  });

  it('make a run invalid in which a request was not sent; it is an error', () => {
    const { cells, violations, records } = figuresOf(all.slice(1).flatMap(index => linesOf(index)));
    expect(violations).toEqual([`k6 sent ${requests - 1} of ${requests} requests that were due`]);
    expect(cells.reduce((sum, { errors }) => sum + errors, 0)).toBe(1);
    expect(records.responseMs[0]).toBeNaN();
  });

  it('make a run invalid in which k6 dropped iterations', () => {
    const { dropped, violations } = figuresOf([...all.flatMap(index => linesOf(index)), DROPPED, DROPPED]);
    expect(dropped).toBe(4);
    expect(violations).toEqual(['k6 dropped 4 iterations for want of virtual users']);
  });

  it('make a run invalid in which more than 1 % of the requests were late', () => {
    const lateAt = (lateMs: number) =>
      figuresOf(all.flatMap(index => linesOf(index, index === 0 ? { lateMs } : {})));
    expect(lateAt(51).violations).toEqual([
      `1 of ${requests} requests were sent more than 50 ms late: the load generator was too slow`,
    ]);
    expect(lateAt(50).violations).toEqual([]);
  });

  it('of a line cut short by a kill are left out', () => {
    const lines = all.flatMap(index => linesOf(index));
    expect(figuresOf([...lines, linesOf(0)[1].slice(0, -5)])).toEqual(figuresOf(lines));
  });

  it.each([
    ['a request twice', [...linesOf(0), ...linesOf(0)], /request 0 twice/],
    ['a request that is not there', linesOf(requests), /not in the schedule/],
    ['another schedule', linesOf(0, { kind: 'nothing' }), /another one/],
    ['an outcome that is not there', linesOf(0, { outcome: 'fine' }), /outcome/],
  ])('must not hold %s', (_what, lines, message) => {
    expect(() => figuresOf(lines)).toThrow(message);
  });
});
