// One step against clouds that answer by a script: every call, its moment, and how it ends. Times are milliseconds from
// the step's beginning; chance always draws one half, so the waits before retries are 500, 1000, 2000, … 10,000.

import { describe, expect, it } from 'vitest';
import { NO_VENDOR_RATES } from '../../scenarios/rolloutOptions.ts';
import {
  ATTEMPTS_MAX,
  BACKOFF_BASE_MS,
  BACKOFF_CAP_MS,
  CALL_DEADLINE_MS,
  POLL_MS,
  READY_MAX_MS,
  REFUSALS_MAX,
  REMAKES_MAX,
  STALE_MAX_MS,
} from '../../src/limits.ts';
import { Admission, type Rates } from '../../src/provisioning/admission.ts';
import type { Step } from '../../src/provisioning/plan.ts';
import type { StepProgress } from '../../src/provisioning/progress.ts';
import { RetryBudget } from '../../src/provisioning/retry.ts';
import { makeStep, type StepContext, type StepPorts, unmakeStep } from '../../src/provisioning/step.ts';
import { StepWaits } from '../../src/provisioning/timeline.ts';
import type { Attempt, CloudResult, Verbs } from '../../src/provisioning/verbs.ts';
import { inVirtualTime, type VirtualTime } from '../ports/virtualTime.ts';
import { memorySlots, PLACED } from './slots.ts';

type Verb = 'create' | 'find' | 'remove';
type Script = readonly (readonly [verb: Verb, result: CloudResult])[];
type Setting = {
  /** The calls in their order; the last one's answer holds for all that follow. */
  readonly script: Script;
  readonly nameless?: true;
  /** The step only looks, or leaves nothing to remove. */
  readonly without?: Verb;
  /** What the journal knew; its deadline is counted from the beginning. */
  readonly before?: StepProgress;
  readonly limited?: true;
  /** The limit counts removals too. */
  readonly limitsRemoval?: true;
};
type SeenCall = {
  readonly verb: Verb;
  readonly atMs: number;
  readonly id: string | undefined;
  readonly attempt: Attempt;
};
type SeenIntent = { readonly atMs: number; readonly deadlineAtMs: number; readonly event: string };
type Seen = { readonly calls: SeenCall[]; readonly intents: SeenIntent[]; asked: number };

const done: CloudResult = { kind: 'done', id: 'made' };
const pending: CloudResult = { kind: 'pending', id: 'operation' };
const broken: CloudResult = { kind: 'broken', reason: '9 not started' };
const absent: CloudResult = { kind: 'absent' };
const exists: CloudResult = { kind: 'exists' };
const unknown: CloudResult = { kind: 'unknown', reason: 'no answer' };
const transient: CloudResult = { kind: 'transient', reason: 'refused' };
const rejected: CloudResult = { kind: 'rejected', reason: '400 no' };
const throttled = (retryAfterMs: number): CloudResult => ({ kind: 'throttled', quota: 'few', retryAfterMs });
/** A slot every 3 s: longer than a poll. */
const RATES: Rates = { dnsRecordWrites: null, cloudRunDeploys: 20, databaseOperations: null };

/** Verbs that answer by the script, and note what they were asked. */
function scripted(
  { script, nameless, without }: Setting,
  { elapsedMs }: VirtualTime,
  { calls }: Seen,
): Verbs {
  const answer = async (verb: Verb, attempt: Attempt, id: string | undefined) => {
    const [expected, result] = script[Math.min(calls.length, script.length - 1)];
    calls.push({ verb, atMs: elapsedMs(), id, attempt });
    if (calls.length <= script.length) expect(verb).toBe(expected);
    return result;
  };
  return {
    ...(nameless && { nameless }),
    ...(without !== 'create' && { create: attempt => answer('create', attempt, undefined) }),
    ...(without !== 'remove' && { remove: (attempt, id) => answer('remove', attempt, id) }),
    find: (attempt, id) => answer('find', attempt, id),
  };
}

async function act<T>(
  setting: Setting,
  work: (ports: StepPorts, context: StepContext) => Promise<T>,
): Promise<{ ended: T; endedAtMs: number; slots: number; waitsMs: StepWaits['ms'] } & Seen> {
  return await inVirtualTime(async time => {
    const { clock, elapsedMs } = time;
    const admission = new Admission(clock, memorySlots(), RATES, NO_VENDOR_RATES, 15_000);
    const step: Step = {
      id: 'service',
      kind: 'service',
      part: '',
      ...(setting.limited && { limiter: 'cloudRunDeploys' }),
      ...(setting.limitsRemoval && { limitsRemoval: true }),
    };
    admission.admit([step], PLACED);
    const seen: Seen = { calls: [], intents: [], asked: 0 };
    const startMs = clock.nowMs();
    const waits = new StepWaits(clock);
    const context: StepContext = {
      step,
      placed: PLACED,
      hold: async () => {},
      verbs: scripted(setting, time, seen),
      key: [7, 9, 0],
      before: setting.before && { ...setting.before, deadlineAtMs: startMs + setting.before.deadlineAtMs },
      intent: async (deadlineAtMs, event = 'intent') =>
        void seen.intents.push({ atMs: elapsedMs(), deadlineAtMs: deadlineAtMs - startMs, event }),
      asked: () => void seen.asked++,
      waits,
    };
    const chance = { uniform: () => 0.5, secret: () => '' };
    const ended = await work({ clock, chance, admission, budget: new RetryBudget() }, context);
    const slots = admission.counts().find(({ name }) => name === 'cloudRunDeploys')!.calls;
    return { ended, endedAtMs: elapsedMs(), slots, waitsMs: waits.ms, ...seen };
  });
}

const made = { kind: 'done', id: 'made' };
const failed = (reason: string) => ({ kind: 'failed', reason });
/** What the middle draw makes of the wait before retry 1, 2, … */
const waitMs = (retry: number) => Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** retry) / 2;
/** Moments from the beginning on that lie the waits before these retries apart. */
const spaced = (retries: readonly number[]): number[] => {
  const moments = [0];
  for (const retry of retries) moments.push(moments.at(-1)! + waitMs(retry));
  return moments;
};
const RETRIES = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, i) => i + 1);
/** Of each try that there may be. */
const TRIES_MS = spaced(RETRIES);
const inDoubt: StepProgress = { state: 'intent', deadlineAtMs: 9000, id: undefined };
const repeat = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const polls = READY_MAX_MS / POLL_MS;

describe('making a step', () => {
  it.each<[string, Setting, object, number[]]>([
    ['is one call where the cloud answers at once', { script: [['create', done]] }, made, [0]],
    [
      'looks until what is pending is ready',
      {
        script: [
          ['create', pending],
          ['find', pending],
          ['find', done],
        ],
      },
      made,
      [0, 2000, 4000],
    ],
    [
      'looks at what exists: it may be ours',
      {
        script: [
          ['create', exists],
          ['find', done],
        ],
      },
      made,
      [0, 0],
    ],
    [
      'fails when what exists is held by another',
      {
        script: [
          ['create', exists],
          ['find', rejected],
        ],
      },
      failed('400 no'),
      [0, 0],
    ],
    [
      'settles an unknown outcome by looking: it is there',
      {
        script: [
          ['create', unknown],
          ['find', done],
        ],
      },
      made,
      [0, 500],
    ],
    [
      'settles an unknown outcome by looking: it is not there',
      {
        script: [
          ['create', unknown],
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [0, 500, 500],
    ],
    [
      'looks again when the look itself is unknown',
      {
        script: [
          ['create', unknown],
          ['find', unknown],
          ['find', done],
        ],
      },
      made,
      [0, 500, 1500],
    ],
    [
      'looks before it makes what is nameless, since the cloud would not refuse a second one',
      {
        nameless: true,
        script: [
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [0, 0],
    ],
    ['makes nothing nameless when it is there', { nameless: true, script: [['find', done]] }, made, [0]],
    [
      'looks again before it makes what is nameless when the look is unknown',
      {
        nameless: true,
        script: [
          ['find', transient],
          ['find', done],
        ],
      },
      made,
      [0, waitMs(1)],
    ],
    [
      'waits until a nameless creation can no longer land before it asks',
      {
        nameless: true,
        script: [
          ['find', absent],
          ['create', unknown],
          ['find', done],
        ],
      },
      made,
      [0, 0, CALL_DEADLINE_MS + waitMs(1)],
    ],
    [
      'makes it again only when a look can no longer have missed it',
      {
        nameless: true,
        script: [
          ['find', absent],
          ['create', unknown],
          ['find', absent],
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [0, 0, CALL_DEADLINE_MS + waitMs(1), ...repeat(2, CALL_DEADLINE_MS + STALE_MAX_MS)],
    ],
    [
      'looks first when an earlier process left it in doubt',
      { before: inDoubt, script: [['find', done]] },
      made,
      [0],
    ],
    [
      'makes what an earlier process did not get to make',
      {
        before: inDoubt,
        script: [
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [0, 0],
    ],
    [
      "waits for an earlier process's nameless creation to have landed or not",
      {
        before: inDoubt,
        nameless: true,
        script: [
          ['find', absent],
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [9000, 9000 + STALE_MAX_MS, 9000 + STALE_MAX_MS],
    ],
    [
      "waits for an earlier process's removal, lest it takes away what is made now",
      {
        before: { ...inDoubt, state: 'remaking' },
        script: [
          ['find', absent],
          ['create', done],
        ],
      },
      made,
      [9000, 9000],
    ],
    [
      'makes again what has vanished while it was pending',
      {
        script: [
          ['create', pending],
          ['find', absent],
          ['find', done],
        ],
      },
      made,
      [0, 2000, 4000],
    ],
    [
      'makes again what has been gone for longer than a look can be stale',
      { script: [['create', pending], ...repeat(23, ['find', absent] as const), ['create', done]] },
      made,
      // The first look of those, every 2 s, that comes after 45 s.
      [...Array.from({ length: 24 }, (_, i) => i * POLL_MS), 46_000],
    ],
    [
      'takes away what is broken and makes it again',
      {
        script: [
          ['create', pending],
          ['find', broken],
          ['remove', pending],
          ['remove', done],
          ['create', pending],
          ['find', done],
        ],
      },
      made,
      [0, 2000, 2000, 4000, 4000, 6000],
    ],
    [
      'takes away what an earlier process left broken',
      {
        before: inDoubt,
        script: [
          ['find', broken],
          ['remove', done],
          ['create', done],
        ],
      },
      made,
      [0, 0, 0],
    ],
    [
      'gives up what is broken time and again',
      {
        script: [
          ...repeat(REMAKES_MAX.broken, [
            ['create', pending],
            ['find', broken],
            ['remove', done],
          ] as const).flat(),
          ['create', pending],
          ['find', broken],
        ],
      },
      failed('9 not started'),
      [0, ...repeat(3, 2000), ...repeat(3, 4000), 6000],
    ],
    [
      'has all its tries again for what is made again',
      {
        script: [
          ...repeat(ATTEMPTS_MAX - 1, ['create', transient] as const),
          ['create', pending],
          ['find', broken],
          ['remove', done],
          ...repeat(ATTEMPTS_MAX - 1, ['create', transient] as const),
          ['create', done],
        ],
      },
      made,
      [
        ...TRIES_MS,
        ...repeat(2, TRIES_MS.at(-1)! + POLL_MS),
        ...TRIES_MS.map(ms => TRIES_MS.at(-1)! + POLL_MS + ms),
      ],
    ],
    [
      'has all its tries again after a look that saw it under way',
      {
        script: [
          ['create', pending],
          ...repeat(3, [
            ...repeat(ATTEMPTS_MAX - 1, ['find', unknown] as const),
            ['find', pending],
          ] as const).flat(),
          ['find', done],
        ],
      },
      made,
      [
        0,
        ...[0, 1, 2].flatMap(round =>
          TRIES_MS.map(ms => ms + POLL_MS + round * (TRIES_MS.at(-1)! + POLL_MS)),
        ),
        3 * (TRIES_MS.at(-1)! + POLL_MS) + POLL_MS,
      ],
    ],
    [
      'says so when what is broken cannot be taken away',
      {
        script: [
          ['create', pending],
          ['find', broken],
          ['remove', rejected],
        ],
      },
      failed('9 not started; it could not be taken away: 400 no'),
      [0, 2000, 2000],
    ],
    [
      'takes away what never gets ready and makes it again, once',
      {
        script: [
          ['create', pending],
          ...repeat(polls, ['find', pending] as const),
          ['remove', done],
          ['create', pending],
          ...repeat(polls, ['find', pending] as const),
        ],
      },
      failed(`not ready within ${READY_MAX_MS} ms`),
      [
        ...Array.from({ length: polls + 1 }, (_, i) => i * POLL_MS),
        READY_MAX_MS,
        ...Array.from({ length: polls + 1 }, (_, i) => READY_MAX_MS + i * POLL_MS),
      ],
    ],
    [
      'tries again after a transient failure, later each time',
      { script: [...repeat(3, ['create', transient] as const), ['create', done]] },
      made,
      TRIES_MS.slice(0, 4),
    ],
    [
      'gives up after as many tries as it has',
      { script: [['create', transient]] },
      failed(`given up after ${ATTEMPTS_MAX} tries: refused`),
      TRIES_MS,
    ],
    [
      'counts unknown outcomes as tries',
      {
        script: [
          ['create', unknown],
          ['find', unknown],
        ],
      },
      failed(`given up after ${ATTEMPTS_MAX} tries: no answer`),
      TRIES_MS,
    ],
    [
      'counts creations that stay unknown as tries, whatever the looks between them say',
      {
        script: repeat(ATTEMPTS_MAX, [
          ['create', unknown],
          ['find', absent],
        ] as const)
          .flat()
          .slice(0, -1),
      },
      failed(`given up after ${ATTEMPTS_MAX} tries: no answer`),
      TRIES_MS.flatMap((atMs, i) => (i === 0 ? [atMs] : [atMs, atMs])),
    ],
    [
      'gives up on a name that is taken and cannot be found',
      {
        script: repeat(ATTEMPTS_MAX, [
          ['create', exists],
          ['find', absent],
        ] as const).flat(),
      },
      failed(`given up after ${ATTEMPTS_MAX} tries: the name is taken and cannot be found`),
      // The first time it is asked for at once; from the second on each creation waits before it is asked for.
      [0, ...spaced(RETRIES.slice(1)).flatMap(atMs => [atMs, atMs])],
    ],
    [
      'finds what was taken and not visible at first',
      {
        script: [
          ['create', exists],
          ['find', absent],
          ['create', exists],
          ['find', done],
        ],
      },
      made,
      [0, 0, 0, waitMs(2)],
    ],
    [
      'comes back when a quota said so',
      {
        script: [
          ['create', throttled(7000)],
          ['create', throttled(3000)],
          ['create', done],
        ],
      },
      made,
      [0, 7000, 10_000],
    ],
    [
      'takes no throttling for a failed try',
      { script: [...repeat(20, ['create', throttled(1000)] as const), ['create', done]] },
      made,
      Array.from({ length: 21 }, (_, i) => i * 1000),
    ],
    [
      'fails when a quota refuses it without end',
      { script: [['create', throttled(1000)]] },
      { ...failed(`the quota few refused it ${REFUSALS_MAX} times`), quota: 'few' },
      Array.from({ length: REFUSALS_MAX }, (_, i) => i * 1000),
    ],
    [
      'takes no wait for a quota for the time of a resource that does not get ready',
      {
        script: [
          ['create', throttled(2 * READY_MAX_MS)],
          ['create', pending],
          ['find', pending],
          ['find', done],
        ],
      },
      made,
      [0, 2 * READY_MAX_MS, 2 * READY_MAX_MS + POLL_MS, 2 * READY_MAX_MS + 2 * POLL_MS],
    ],
    [
      'counts the time to get ready from the first answer that no quota refused',
      {
        without: 'remove',
        script: [
          ['create', throttled(7000)],
          ['create', pending],
          ['find', pending],
        ],
      },
      failed(`not ready within ${READY_MAX_MS} ms`),
      [0, ...Array.from({ length: polls + 1 }, (_, i) => 7000 + i * POLL_MS)],
    ],
    ['fails at once when it is rejected', { script: [['create', rejected]] }, failed('400 no'), [0]],
    [
      'only looks where there is nothing to make',
      {
        without: 'create',
        script: [
          ['find', absent],
          ['find', pending],
          ['find', done],
        ],
      },
      made,
      [0, 2000, 4000],
    ],
    [
      'fails when it is not ready in time',
      {
        without: 'remove',
        script: [
          ['create', pending],
          ['find', pending],
        ],
      },
      failed(`not ready within ${READY_MAX_MS} ms`),
      Array.from({ length: polls + 1 }, (_, i) => i * POLL_MS),
    ],
    [
      'fails when what it looks for does not come in time',
      { without: 'create', script: [['find', absent]] },
      failed(`not ready within ${READY_MAX_MS} ms`),
      Array.from({ length: polls + 1 }, (_, i) => i * POLL_MS),
    ],
  ])('%s', async (_behaviour, setting, expected, callsMs) => {
    const { ended, calls } = await act(setting, makeStep);
    expect(ended).toEqual(expected);
    expect(calls.map(({ atMs }) => atMs)).toEqual(callsMs);
  });

  it('leaves an intent before every creation, which ends no earlier than the call, and none before a look', async () => {
    const { calls, intents } = await act(
      {
        limited: true,
        script: [
          ['create', transient],
          ['create', unknown],
          ['find', absent],
          ['create', done],
        ],
      },
      makeStep,
    );
    const creations = calls.filter(({ verb }) => verb === 'create');
    expect(intents).toHaveLength(creations.length);
    creations.forEach(({ atMs, attempt }, i) => {
      expect(intents[i].atMs).toBeLessThanOrEqual(atMs);
      expect(attempt.deadlineAtMs - calls[0].attempt.deadlineAtMs).toBe(
        intents[i].deadlineAtMs - intents[0].deadlineAtMs,
      );
      expect(intents[i].deadlineAtMs).toBe(atMs + CALL_DEADLINE_MS);
    });
  });

  it('leaves an intent before each removal of what it makes again, under keys that no other removal has', async () => {
    const { calls, intents } = await act(
      {
        script: [
          ['create', pending],
          ['find', broken],
          ['remove', pending],
          ['remove', done],
          ['create', done],
        ],
      },
      makeStep,
    );
    expect(intents.map(({ event, atMs }) => [event, atMs])).toEqual([
      ['intent', 0],
      ['remaking', 2000],
      ['remaking', 4000],
      ['intent', 4000],
    ]);
    const removals = calls.filter(({ verb }) => verb === 'remove');
    expect(removals.map(({ attempt }) => attempt.key[3])).toEqual([3, 3]);
    expect(removals.map(({ id }) => id)).toEqual(['operation', 'operation']);
  });

  it('asks by the id that the pending resource gave', async () => {
    const { calls } = await act(
      {
        script: [
          ['create', pending],
          ['find', { kind: 'pending', id: '' }],
          ['find', done],
        ],
      },
      makeStep,
    );
    expect(calls.map(({ id }) => id)).toEqual([undefined, 'operation', 'operation']);
  });

  it('asks by the id that an earlier process journaled', async () => {
    const before: StepProgress = { state: 'intent', deadlineAtMs: 0, id: 'earlier' };
    expect((await act({ before, script: [['find', done]] }, makeStep)).calls[0].id).toBe('earlier');
  });

  it('takes a slot for every creation, none for a look, and uses up its promise once', async () => {
    const script: Script = [
      ['create', unknown],
      ['find', unknown],
      ['find', absent],
      ['create', unknown],
      ['find', absent],
      ['create', done],
    ];
    const { calls, asked } = await act({ limited: true, script }, makeStep);
    // The looks go as the back-off has it, the creations every 3 s.
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 500, 1500, 3000, 5000, 6000]);
    expect(asked).toBe(1);
    const fast = await act(
      {
        limited: true,
        script: [
          ['create', throttled(1)],
          ['create', done],
        ],
      },
      makeStep,
    );
    expect(fast.calls.map(({ atMs }) => atMs)).toEqual([0, 3000]);
  });

  it('asks its limiter for nothing when it was already there', async () => {
    const { asked } = await act({ limited: true, before: inDoubt, script: [['find', done]] }, makeStep);
    expect(asked).toBe(0);
  });

  it('gives every call a key of its own, below the key of the step', async () => {
    const { calls } = await act(
      {
        script: [
          ['create', unknown],
          ['find', absent],
          ['create', pending],
          ['find', pending],
          ['find', done],
        ],
      },
      makeStep,
    );
    const keys = calls.map(({ attempt }) => attempt.key);
    expect(keys.map(key => key.slice(0, 3))).toEqual(repeat(5, [7, 9, 0]));
    expect(keys.map(key => key[3])).toEqual([0, 1, 0, 1, 1]);
    expect(new Set(keys.map(String)).size).toBe(5);
  });

  it('sends nothing while its intent is not durable', async () => {
    const sent: Verb[] = [];
    const stuck = act({ script: [['create', done]] }, (ports, context) => {
      const create = async () => {
        sent.push('create');
        return done;
      };
      const verbs = { ...context.verbs, create };
      return makeStep(ports, { ...context, verbs, intent: () => new Promise(() => {}) });
    });
    await expect(stuck).rejects.toMatchObject({ code: 'SIMULATION' });
    expect(sent).toEqual([]);
  });
});

describe('taking a step away', () => {
  const wasMade: StepProgress = { state: 'done', deadlineAtMs: 0, id: 'made' };

  it.each<[string, Setting, string | undefined, number[]]>([
    ['is one call where the cloud answers at once', { script: [['remove', done]] }, undefined, [0]],
    ['is over when there is nothing', { script: [['remove', absent]] }, undefined, [0]],
    [
      'is nothing to do where nothing was left',
      { without: 'remove', script: [['remove', done]] },
      undefined,
      [],
    ],
    [
      'looks until it is gone',
      {
        script: [
          ['remove', pending],
          ['remove', pending],
          ['remove', absent],
        ],
      },
      undefined,
      [0, 2000, 4000],
    ],
    [
      'waits for a creation that may yet land, and until a look must see it',
      { before: inDoubt, script: [['remove', absent]] },
      undefined,
      [9000, 9000 + STALE_MAX_MS],
    ],
    [
      'takes away what the first look missed',
      {
        before: { ...inDoubt, state: 'done' },
        script: [
          ['remove', absent],
          ['remove', done],
        ],
      },
      undefined,
      [0, 9000 + STALE_MAX_MS],
    ],
    [
      'does not wait for one that has landed',
      { before: wasMade, script: [['remove', done]] },
      undefined,
      [0],
    ],
    [
      'asks again after an unknown outcome',
      {
        script: [
          ['remove', unknown],
          ['remove', absent],
        ],
      },
      undefined,
      [0, 500],
    ],
    [
      'comes back when a quota said so',
      {
        script: [
          ['remove', throttled(7000)],
          ['remove', done],
        ],
      },
      undefined,
      [0, 7000],
    ],
    ['says why it was rejected', { script: [['remove', rejected]] }, '400 no', [0]],
    [
      'gives up after as many tries as it has',
      { script: [['remove', transient]] },
      `given up after ${ATTEMPTS_MAX} tries: refused`,
      TRIES_MS,
    ],
    [
      'says when it is not gone in time',
      { script: [['remove', pending]] },
      `not gone within ${READY_MAX_MS} ms`,
      Array.from({ length: polls + 1 }, (_, i) => i * POLL_MS),
    ],
    [
      'waits for a slot at every try where the limit counts removals',
      {
        limited: true,
        limitsRemoval: true,
        script: [
          ['remove', transient],
          ['remove', done],
        ],
      },
      undefined,
      [0, 3000],
    ],
    [
      'waits for no slot where the limit counts creations alone',
      {
        limited: true,
        script: [
          ['remove', transient],
          ['remove', done],
        ],
      },
      undefined,
      [0, waitMs(1)],
    ],
  ])('%s', async (_behaviour, setting, expected, callsMs) => {
    const { ended, calls, intents } = await act(setting, unmakeStep);
    expect(ended).toBe(expected);
    expect(calls.map(({ atMs }) => atMs)).toEqual(callsMs);
    expect(intents).toEqual([]);
  });

  it.each([
    [true, 1],
    [undefined, 0],
  ] as const)(
    'takes one slot or none, however often it looks: limits removal %s',
    async (limitsRemoval, taken) => {
      const script: Script = [...repeat(3, ['remove', pending] as const), ['remove', done]];
      const setting = { limited: true, script, ...(limitsRemoval && { limitsRemoval }) } as const;
      const { ended, calls, slots } = await act(setting, unmakeStep);
      expect([ended, slots]).toEqual([undefined, taken]);
      expect(calls.map(({ atMs }) => atMs)).toEqual([0, 2000, 4000, 6000]);
    },
  );

  it('asks by the id that was journaled', async () => {
    const { calls } = await act({ before: wasMade, script: [['remove', done]] }, unmakeStep);
    expect(calls[0].id).toBe('made');
  });
});

describe('the waits of a step', () => {
  const none = { limiter: 0, quota: 0, retry: 0, poll: 0, lost: 0 };

  it.each<[string, Setting, Partial<StepWaits['ms']>]>([
    ['has none where the cloud answers at once', { script: [['create', done]] }, {}],
    [
      'polls between the looks at what is pending',
      {
        script: [
          ['create', pending],
          ['find', pending],
          ['find', done],
        ],
      },
      { poll: 2 * POLL_MS },
    ],
    [
      'backs off after a fault',
      {
        script: [
          ['create', transient],
          ['create', transient],
          ['create', done],
        ],
      },
      { retry: waitMs(1) + waitMs(2) },
    ],
    [
      'counts the time in which a nameless creation may yet land among its retries',
      {
        nameless: true,
        script: [
          ['find', absent],
          ['create', unknown],
          ['find', done],
        ],
      },
      { retry: CALL_DEADLINE_MS + waitMs(1) },
    ],
    [
      'counts an earlier process’s call in doubt among its retries',
      { before: inDoubt, nameless: true, script: [['find', done]] },
      { retry: inDoubt.deadlineAtMs },
    ],
    [
      'waits for the quota until the moment that it named',
      {
        script: [
          ['create', throttled(7000)],
          ['create', throttled(3000)],
          ['create', done],
        ],
      },
      { quota: 10_000 },
    ],
    [
      'waits for its limiter where the retry leaves some of the interval',
      {
        limited: true,
        script: [
          ['create', transient],
          ['create', done],
        ],
      },
      { retry: waitMs(1), limiter: 3000 - waitMs(1) },
    ],
  ])('%s', async (_where, setting, expected) => {
    const { waitsMs, endedAtMs } = await act(setting, makeStep);
    expect(waitsMs).toEqual({ ...none, ...expected });
    // These clouds answer at once: no time is left for the calls.
    expect(Object.values(waitsMs).reduce((sum, ms) => sum + ms)).toBe(endedAtMs);
  });

  it.each<[string, Setting, Partial<StepWaits['ms']>]>([
    [
      'polls until it is gone',
      {
        script: [
          ['remove', pending],
          ['remove', absent],
        ],
      },
      { poll: POLL_MS },
    ],
    [
      'waits for a creation that may yet land, and until what landed would be visible',
      { before: inDoubt, script: [['remove', absent]] },
      { retry: inDoubt.deadlineAtMs, poll: STALE_MAX_MS },
    ],
    [
      'waits for a quota on removals',
      {
        script: [
          ['remove', throttled(7000)],
          ['remove', done],
        ],
      },
      { quota: 7000 },
    ],
  ])('while it is taken away: %s', async (_where, setting, expected) => {
    const { waitsMs, endedAtMs } = await act(setting, unmakeStep);
    expect(waitsMs).toEqual({ ...none, ...expected });
    expect(Object.values(waitsMs).reduce((sum, ms) => sum + ms)).toBe(endedAtMs);
  });
});
