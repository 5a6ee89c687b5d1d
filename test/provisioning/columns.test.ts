// What a report shows of a rollout's state at some moment.

import { describe, expect, it } from 'vitest';
import type { LimitCount } from '../../src/provisioning/admission.ts';
import { columnsOf } from '../../src/provisioning/columns.ts';
import type { Company } from '../../src/provisioning/company.ts';
import type { Step } from '../../src/provisioning/plan.ts';
import type { CompanyProgress } from '../../src/provisioning/progress.ts';
import { emptyState, type RolloutState } from '../../src/provisioning/rollout.ts';
import { type EndedStep, StepWaits } from '../../src/provisioning/timeline.ts';

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

const SERVICE: Step = { id: 'service', kind: 'service', part: '' };

/** Begun 20 ms after the companies were queued, half of its time at its limiter. */
function endedStep(ms: number): EndedStep {
  const waits = new StepWaits({ nowMs: () => 0 });
  waits.ms.limiter = ms / 2;
  return { ending: 'made', beganAtMs: QUEUED_MS + 20, endedAtMs: QUEUED_MS + 20 + ms, waits };
}

/** Times since the companies were queued; -1 for never. */
function stateOf(progress: readonly Progress[], more: Partial<RolloutState> = {}): RolloutState {
  const state = { ...emptyState(), queuedAtMs: QUEUED_MS, limits: () => [limit], ...more };
  progress.forEach(([name, admittedMs, finishedMs], index) => {
    const finishedAtMs = finishedMs < 0 ? -1 : QUEUED_MS + finishedMs;
    const reason = name === 'undone' ? 'why' : '';
    state.companies.set(index, { state: name, admittedAtMs: QUEUED_MS + admittedMs, finishedAtMs, reason });
  });
  for (const ms of [100, 200, 300, 400]) state.timeline.ended(companies[1], SERVICE, endedStep(ms));
  state.timeline.ended(companies[1], SERVICE, { ...endedStep(5000), ending: 'removed' });
  return state;
}

const columnsAt = (state: RolloutState, sinceQueuedMs: number) =>
  columnsOf(state, companies, QUEUED_MS + sinceQueuedMs);

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
      limits: [limit],
      steps: [{ kind: 'service', count: 4, meanMs: 250 }],
      timeline: {
        steps: [{ id: 'service', kind: 'service' }],
        endings: ['made', 'failed', 'removed', 'left'],
        company: Uint32Array.of(1, 1, 1, 1, 1),
        step: Uint16Array.of(0, 0, 0, 0, 0),
        ending: Uint8Array.of(0, 0, 0, 0, 2),
        beganAtMs: Float64Array.of(20, 20, 20, 20, 20),
        endedAtMs: Float64Array.of(120, 220, 320, 420, 5020),
        limiterMs: Float32Array.of(50, 100, 150, 200, 2500),
        quotaMs: new Float32Array(5),
        retryMs: new Float32Array(5),
        pollMs: new Float32Array(5),
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

  it('leave out the waits and the steps, which are only a part, when the rollout was resumed', () => {
    const progress: Progress[] = [
      ['ready', 10, 500],
      ['ready', 20, 700],
      ['ready', 30, 900],
    ];
    const [whole, resumed] = [false, true].map(isResumed =>
      columnsAt(stateOf(progress, { isResumed }), 5000),
    );
    expect(resumed).toEqual({ ...whole, limits: [], steps: [], timeline: null, isResumed: true });
  });
});
