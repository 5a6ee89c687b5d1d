// What a report shows of a rollout's state at some moment.

import { describe, expect, it } from 'vitest';
import type { JournalEntry, LimitCount } from '../../src/ports.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { CompanyProgress } from '../../src/provisioning/progress.ts';
import { emptyState, type RolloutState } from '../../src/provisioning/rollout.ts';

const QUEUED_MS = 1_000_000;

const companies = [0, 1, 2].map(
  (index): Company => ({
    index,
    id: `c0000${index}`,
    region: 'us-west1',
    ordinal: index,
    level: 'OPAL',
    industry: 'retail',
    configuration: 'basic',
  }),
);

const limit: LimitCount = {
  name: 'concurrency',
  kind: 'limiter',
  calls: 0,
  waitMs: 7,
  refusals: 0,
  admissionBlockedMs: 7,
};

type Progress = [state: CompanyProgress['state'], admittedMs: number, finishedMs: number];

/** Of a service, begun 20 ms after the companies were queued, half of its time at its limiter. */
const timed = (ms: number, event: JournalEntry['event'] = 'done'): JournalEntry => ({
  ...{ company: 1, step: 'service', event, atMs: QUEUED_MS + 20 + ms },
  time: {
    beganAtMs: QUEUED_MS + 20,
    waitMs: { limiter: ms / 2, quota: 0, retry: 0, poll: 0, lost: 0 },
  },
});

/** Of two processes, the second of which makes the report. */
const ENTRIES: readonly JournalEntry[] = [
  ...[100, 200, 300, 400].map(ms => timed(ms)),
  { ...{ company: 2, step: '', event: 'ready', atMs: QUEUED_MS }, counts: { process: 0, limits: [limit] } },
  timed(5000, 'removed'),
];

/** Times since the companies were queued; -1 for never. */
function stateOf(progress: readonly Progress[], more: Partial<RolloutState> = {}): RolloutState {
  const state = { ...emptyState(), queuedAtMs: QUEUED_MS, ...more };
  state.limits.set(1, () => [limit]);
  progress.forEach(([name, admittedMs, finishedMs], index) => {
    const finishedAtMs = finishedMs < 0 ? -1 : QUEUED_MS + finishedMs;
    const reason = name === 'undone' ? 'why' : '';
    state.companies.set(index, { state: name, admittedAtMs: QUEUED_MS + admittedMs, finishedAtMs, reason });
  });
  return state;
}

const columnsAt = (state: RolloutState, sinceQueuedMs: number) =>
  columnsOf(state, companies, ENTRIES, QUEUED_MS + sinceQueuedMs);

describe('the columns of a rollout', () => {
  it('have a line for each company in the order of the queue, with times since it was queued', () => {
    const state = stateOf([
      ['ready', 10, 500],
      ['undone', 20, 700],
      ['blocked', 30, 900],
    ]);
    expect(columnsAt(state, 5000)).toEqual({
      company: ['c00000', 'c00001', 'c00002'],
      region: ['us-west1', 'us-west1', 'us-west1'],
      outcome: ['ready', 'undone', 'blocked'],
      admittedAtMs: [10, 20, 30],
      finishedAtMs: [500, 700, 900],
      reasons: { c00001: 'why' },
      durationMs: 890,
      limits: [{ ...limit, waitMs: 14, admissionBlockedMs: 14 }],
      steps: [{ kind: 'service', count: 4, meanMs: 250 }],
      timeline: {
        steps: [{ id: 'service', kind: 'service' }],
        endings: ['made', 'failed', 'removed', 'left', 'underWay'],
        company: Uint32Array.of(1, 1, 1, 1, 1),
        step: Uint16Array.of(0, 0, 0, 0, 0),
        ending: Uint8Array.of(0, 0, 0, 0, 2),
        beganAtMs: Float64Array.of(20, 20, 20, 20, 20),
        endedAtMs: Float64Array.of(120, 220, 320, 420, 5020),
        limiterMs: Float32Array.of(50, 100, 150, 200, 2500),
        quotaMs: new Float32Array(5),
        retryMs: new Float32Array(5),
        pollMs: new Float32Array(5),
        lostMs: new Float64Array(5),
      },
      waves: [],
      full: [],
      isResumed: false,
    });
  });

  it.each<[string, Progress[], number]>([
    [
      'until the last company ended once all have',
      [
        ['ready', 10, 900],
        ['ready', 20, 500],
        ['undone', 30, 700],
      ],
      890,
    ],
    [
      'until now while one is under way',
      [
        ['ready', 10, 900],
        ['ready', 20, 500],
        ['admitted', 30, -1],
      ],
      4990,
    ],
    [
      'until now while one is being undone',
      [
        ['ready', 10, 900],
        ['ready', 20, 500],
        ['undoing', 30, -1],
      ],
      4990,
    ],
    [
      'until now while one has not been admitted',
      [
        ['ready', 10, 900],
        ['ready', 20, 500],
      ],
      4990,
    ],
    ['no time before the first admission', [], 0],
  ])('count the duration from the first admission: %s', (_until, progress, durationMs) => {
    expect(columnsAt(stateOf(progress), 5000).durationMs).toBe(durationMs);
  });

  it('name those that have not ended, admitted or not', () => {
    const { outcome, admittedAtMs, finishedAtMs } = columnsAt(
      stateOf([
        ['ready', 10, 500],
        ['undoing', 20, -1],
      ]),
      5000,
    );
    expect(outcome).toEqual(['ready', 'unfinished', 'unfinished']);
    expect([admittedAtMs, finishedAtMs]).toEqual([
      [10, 20, -1],
      [500, -1, -1],
    ]);
  });

  it('say whether others took part than those that report', () => {
    const opened: JournalEntry = { company: -1, step: '', event: 'opened', atMs: QUEUED_MS, id: 'a' };
    const isResumed = (processes: number) =>
      columnsOf(stateOf([]), companies, Array(processes).fill(opened), QUEUED_MS).isResumed;
    expect([1, 2].map(isResumed)).toEqual([false, true]);
  });

  it('have the steps under way, which the journal knows nothing of', () => {
    const state = stateOf([['admitted', 10, -1]]);
    const time = { ...timed(0).time!, beganAtMs: QUEUED_MS + 4000 };
    const endedAtMs = QUEUED_MS + 5000;
    state.unwritten.add(() => [{ company: 0, step: 'document', ending: 'underWay', endedAtMs, time }]);
    const { timeline, steps } = columnsAt(state, 5000);
    const row = timeline.endings[timeline.ending[4]];
    expect([row, timeline.company[4], timeline.beganAtMs[4], timeline.endedAtMs[4]]).toEqual([
      ...['underWay', 0, 4000, 5000],
    ]);
    expect(steps).toEqual([{ kind: 'service', count: 4, meanMs: 250 }]);
  });

  it('sum up by place for how many there was no room, begun and undone, or not begun', () => {
    const full = { step: 'databaseRole', scope: 'Atlas project x', quota: 'MANY' } as const;
    const state = stateOf([
      ['ready', 10, 500],
      ['undone', 20, 700],
      ['noRoom', -QUEUED_MS - 1, 800],
    ]);
    for (const index of [1, 2]) Object.assign(state.companies.get(index)!, { full });
    const columns = columnsAt(state, 5000);
    expect(columns.outcome).toEqual(['ready', 'undone', 'noRoom']);
    expect(columns.admittedAtMs).toEqual([10, 20, -1]);
    expect(columns.full).toEqual([{ ...full, undone: 1, notBegun: 1 }]);
    expect(columns.durationMs).toBe(790);
  });
});
