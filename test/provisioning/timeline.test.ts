// What a rollout notes of its steps: exact, small, and fit to leave a worker.

import { describe, expect, it } from 'vitest';
import type { JournalEntry, Wait } from '../../src/ports.ts';
import type { Company } from '../../src/provisioning/company.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import { meanTimesOf, rowsIn, type StepRow, StepWaits, timelineOf } from '../../src/provisioning/timeline.ts';

const company = (index: number): Company => ({
  index,
  id: `c${index}`,
  region: 'us-west1',
  ordinal: 0,
  level: 'OPAL',
  industry: 'retail',
  configuration: 'advanced',
});

const plan = planOf(company(0), 3);

const timeOf = (beganAtMs: number, waits: Partial<Record<Wait, number>> = {}) => ({
  beganAtMs,
  waitMs: { limiter: 0, quota: 0, retry: 0, poll: 0, lost: 0, ...waits },
});

const entry = (
  index: number,
  step: string,
  beganAtMs: number,
  atMs: number,
  event: JournalEntry['event'] = 'done',
  waits: Partial<Record<Wait, number>> = {},
): JournalEntry => ({ company: index, step, event, atMs, time: timeOf(beganAtMs, waits) });

/** The journal's entries of each step of so many companies, with times of their own. */
const entriesOf = (companies: number): JournalEntry[] =>
  Array.from({ length: companies }, (_, index) =>
    plan.flatMap(({ id }, i): JournalEntry[] => [
      { company: index, step: id, event: 'intent', atMs: 1000 + index, deadlineAtMs: 1 },
      entry(index, id, 1000 + index, 1000 + index + i, 'done', {
        ...{ limiter: index, quota: i, retry: 1, poll: 2, lost: index + 0.001 },
      }),
    ]),
  ).flat();

/** A matcher would take seconds over 190,000 rows. */
const bytesOf = ({ buffer }: ArrayBufferView) => Buffer.from(buffer as ArrayBuffer);

describe('a timeline', () => {
  it('has a row for each step that ended, in the order of their ends, whatever that of the journal is', () => {
    const columns = timelineOf(entriesOf(150), [], 1000);
    expect(columns.company).toHaveLength(150 * plan.length);
    expect(columns.steps.map(({ id }) => id).sort()).toEqual(plan.map(({ id }) => id).sort());
    let beforeMs = 0;
    columns.company.forEach((index, row) => {
      const place = plan.findIndex(({ id }) => id === columns.steps[columns.step[row]].id);
      expect(columns.steps[columns.step[row]].kind).toBe(plan[place].kind);
      expect(columns.beganAtMs[row]).toBe(index);
      expect(columns.endedAtMs[row]).toBe(index + place);
      expect(columns.limiterMs[row]).toBe(index);
      expect([columns.quotaMs[row], columns.retryMs[row], columns.pollMs[row]]).toEqual([place, 1, 2]);
      expect(columns.lostMs[row]).toBe(index + 0.001);
      expect(columns.endedAtMs[row]).toBeGreaterThanOrEqual(beforeMs);
      beforeMs = columns.endedAtMs[row];
    });
  });

  it('of 10,000 companies takes less than 25 MB, and leaves a worker as it is', () => {
    const columns = timelineOf(entriesOf(10_000), [], 0);
    const arrays = Object.values(columns).filter(column => ArrayBuffer.isView(column));
    expect(arrays).toHaveLength(10);
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

  it('tells how a step ended by the event that has its time, and knows nothing of a change later on', () => {
    const endings = (['done', 'undoing', 'removed', 'blocked'] as const).map(
      event => rowsIn(entry(0, 'service', 1, 2, event))[0].ending,
    );
    expect(endings).toEqual(['made', 'failed', 'removed', 'left']);
    const { time: _, ...untimed } = entry(0, 'serviceSettings', 1, 2);
    expect(rowsIn(untimed)).toEqual([]);
  });

  it('has the mean of those that were made alone, by kind and in the order of the plan', () => {
    const [secret, version, otherSecret] = plan.map(({ id }) => id);
    const entries = [
      entry(0, secret, 50, 150),
      entry(0, version, 150, 160),
      entry(0, otherSecret, 160, 460),
      entry(0, version, 460, 530, 'undoing'),
      entry(0, otherSecret, 530, 1430, 'removed'),
      entry(0, secret, 1430, 2330, 'blocked'),
    ];
    expect(meanTimesOf(timelineOf(entries, [], 0))).toEqual([
      { kind: 'secret', count: 2, meanMs: 200 },
      { kind: 'secretVersion', count: 1, meanMs: 10 },
    ]);
  });
});

describe('what the journal does not have yet', () => {
  const row = (step: string, beganAtMs: number, endedAtMs: number, more: Partial<StepRow> = {}): StepRow => ({
    ...{ company: 0, step, ending: 'made', endedAtMs, time: timeOf(beganAtMs) },
    ...more,
  });
  const stepsIn = (entries: readonly JournalEntry[], unwritten: readonly StepRow[]) => {
    const { steps, step, company: companies, endings, ending } = timelineOf(entries, unwritten, 0);
    return Array.from(step, (at, i) => `${companies[i]} ${steps[at].id} ${endings[ending[i]]}`);
  };
  const written = [entry(0, 'document', 10, 20), entry(1, 'document', 10, 90)];
  const underWay = row('service', 30, 100, { ending: 'underWay' });

  it('stands behind what it has', () => {
    expect(stepsIn(written, [row('namespace', 20, 30), underWay])).toEqual([
      ...['0 document made', '0 namespace made', '1 document made', '0 service underWay'],
    ]);
  });

  it('counts once when it has been written since', () => {
    expect(stepsIn(written, [row('document', 10, 20), row('namespace', 20, 30)])).toEqual([
      ...['0 document made', '0 namespace made', '1 document made'],
    ]);
  });

  it('counts once when two processes believe that they have the company', () => {
    const other = row('namespace', 20, 100, { ending: 'underWay' });
    expect(stepsIn(written, [other, row('namespace', 20, 30), underWay])).toEqual([
      ...['0 document made', '1 document made', '0 namespace underWay'],
    ]);
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
    expect(waits.time()).toEqual(timeOf(0, { quota: 11, poll: 12 }));
  });

  it('counts so far while it goes on, and is not changed by whoever asks', async () => {
    let nowMs = 100;
    const waits = new StepWaits({ nowMs: () => nowMs });
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = waits.during('limiter', promise);
    nowMs = 103;
    expect(waits.time()).toEqual(timeOf(100, { limiter: 3 }));
    nowMs = 110;
    resolve();
    await waiting;
    nowMs = 150;
    expect(waits.time()).toEqual(timeOf(100, { limiter: 10 }));
  });

  it('begins with what an earlier process has lost', () => {
    const clock = { nowMs: () => 500 };
    expect(new StepWaits(clock, 200).time()).toEqual(timeOf(200, { lost: 300 }));
    // Clocks of two machines: nothing is less than nothing.
    expect(new StepWaits(clock, 501).time()).toEqual(timeOf(500));
  });
});
