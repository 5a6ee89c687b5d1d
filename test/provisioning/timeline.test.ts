// What a rollout notes of its steps: exact, small, and fit to leave a worker.

import { describe, expect, it } from 'vitest';
import type { Company } from '../../src/provisioning/company.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import { type StepEnding, StepTimeline, StepWaits } from '../../src/provisioning/timeline.ts';

const company = (index: number): Company => ({
  index,
  id: `c${index}`,
  region: 'us-west1',
  ordinal: 0,
  level: 'OPAL',
  industry: 'retail',
  configuration: 'advanced',
});

const clockAt = { nowMs: () => 0 };

/** A row for each step of so many companies, each with times of its own. */
function timelineOf(companies: number): StepTimeline {
  const timeline = new StepTimeline();
  const plan = planOf(company(0), 3);
  for (let index = 0; index < companies; index++)
    plan.forEach((step, i) => {
      const waits = new StepWaits(clockAt);
      Object.assign(waits.ms, { limiter: index, quota: i, retry: 1, poll: 2 });
      const beganAtMs = 1000 + index;
      timeline.ended(company(index), step, { ending: 'made', beganAtMs, endedAtMs: beganAtMs + i, waits });
    });
  return timeline;
}

/** A matcher would take seconds over 190,000 rows. */
const bytesOf = ({ buffer }: ArrayBufferView) => Buffer.from(buffer as ArrayBuffer);

describe('a timeline', () => {
  it('keeps every row as it grows', () => {
    const plan = planOf(company(0), 3);
    const columns = timelineOf(150).columns(1000);
    expect(columns.company).toHaveLength(150 * plan.length);
    expect(columns.steps).toEqual(plan.map(({ id, kind }) => ({ id, kind })));
    columns.company.forEach((index, row) => {
      const place = row % plan.length;
      expect(index).toBe(Math.floor(row / plan.length));
      expect(columns.step[row]).toBe(place);
      expect(columns.beganAtMs[row]).toBe(index);
      expect(columns.endedAtMs[row]).toBe(index + place);
      expect(columns.limiterMs[row]).toBe(index);
      expect([columns.quotaMs[row], columns.retryMs[row], columns.pollMs[row]]).toEqual([place, 1, 2]);
    });
  });

  it('of 10,000 companies takes less than 25 MB, and leaves a worker as it is', () => {
    const columns = timelineOf(10_000).columns(0);
    const arrays = Object.values(columns).filter(column => ArrayBuffer.isView(column));
    expect(arrays).toHaveLength(9);
    const bytes = arrays.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    expect(bytes).toBeLessThan(25_000_000);
    const cloned = structuredClone(columns);
    expect({ steps: cloned.steps, endings: cloned.endings }).toEqual({
      steps: columns.steps,
      endings: columns.endings,
    });
    const copies = Object.values(cloned).filter(column => ArrayBuffer.isView(column));
    expect(arrays.map((array, i) => Buffer.compare(bytesOf(array), bytesOf(copies[i])))).toEqual(
      arrays.map(() => 0),
    );
  });

  it('is not changed by what is read from it', () => {
    const timeline = timelineOf(2);
    const first = timeline.columns(1000);
    expect(timeline.columns(1000)).toEqual(first);
    timeline.ended(company(9), planOf(company(9), 3)[0], {
      ending: 'made',
      beganAtMs: 1,
      endedAtMs: 2,
      waits: new StepWaits(clockAt),
    });
    expect(timeline.columns(1000).company).toHaveLength(first.company.length + 1);
  });

  it('has the mean of those that were made alone, by kind and in the order of the plan', () => {
    const timeline = new StepTimeline();
    const [secret, version, otherSecret] = planOf(company(0), 3);
    const note = (step: typeof secret, ms: number, ending: StepEnding) =>
      timeline.ended(company(0), step, {
        ending,
        beganAtMs: 50,
        endedAtMs: 50 + ms,
        waits: new StepWaits(clockAt),
      });
    note(secret, 100, 'made');
    note(version, 10, 'made');
    note(otherSecret, 300, 'made');
    note(version, 70, 'failed');
    note(otherSecret, 900, 'removed');
    note(secret, 900, 'left');
    expect(timeline.means()).toEqual([
      { kind: 'secret', count: 2, meanMs: 200 },
      { kind: 'secretVersion', count: 1, meanMs: 10 },
    ]);
    const { endings, ending } = timeline.columns(0);
    const names = Array.from(ending, each => endings[each]);
    expect(names).toEqual(['made', 'made', 'made', 'failed', 'removed', 'left']);
  });
});

describe('a wait', () => {
  it('is counted by its kind, also when what was waited for fails', async () => {
    let nowMs = 0;
    const waits = new StepWaits({ nowMs: () => nowMs });
    const passing = async (ms: number) => {
      await Promise.resolve();
      nowMs += ms;
      return ms;
    };
    expect(await waits.during('poll', passing(5))).toBe(5);
    await waits.during('poll', passing(7));
    const failing = passing(11).then(() => Promise.reject(new Error('no')));
    await expect(waits.during('quota', failing)).rejects.toThrow('no');
    expect(waits.ms).toEqual({ limiter: 0, quota: 11, retry: 0, poll: 12 });
  });
});
