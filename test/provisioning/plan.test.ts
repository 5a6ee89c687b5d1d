// What a company consists of, in which order, and what a journal says has become of it.

import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/ports.ts';
import { type Company, type Platform, placeOf } from '../../src/provisioning/company.ts';
import { kindOf, planOf } from '../../src/provisioning/plan.ts';
import { progressOf } from '../../src/provisioning/progress.ts';
import { entryOf, type Full } from '../../src/provisioning/room.ts';

const company = (configuration: Company['configuration']): Company => ({
  index: 1,
  id: 'c00001',
  region: 'us-west1',
  ordinal: 0,
  level: 'OPAL',
  industry: 'retail',
  configuration,
});

const COMMON = [
  'cryptoKey',
  'databaseRole',
  'databaseUser',
  'document',
  'namespace',
  'service',
  'dnsRecord',
  'certificate',
  'propagation',
  'health',
  'registration',
];
const secrets = (...parts: string[]) => parts.flatMap(part => [`secret:${part}`, `secretVersion:${part}`]);
const BASIC = secrets('database-password', 'api-key');
const ADVANCED = secrets('database-password', 'api-key', 'signing-key', 'webhook-secret');
const INDEXES = ['databaseIndex:0', 'databaseIndex:1', 'databaseIndex:2'];

describe('the plan', () => {
  it.each<[string, Company['configuration'], number, string[]]>([
    ['a basic company', 'basic', 3, [...BASIC, ...COMMON]],
    ['an advanced company', 'advanced', 3, [...ADVANCED, ...COMMON]],
    [
      'a company with six database operations',
      'basic',
      6,
      [...BASIC, ...COMMON.slice(0, 3), ...INDEXES, ...COMMON.slice(3)],
    ],
  ])('of %s has its steps', (_what, configuration, operations, ids) => {
    expect(planOf(company(configuration), operations).map(({ id }) => id)).toEqual(ids);
  });

  const plans = (['basic', 'advanced'] as const).flatMap(configuration =>
    [3, 4, 6, 10].map(operations => planOf(company(configuration), operations)),
  );

  it.each([
    ['databaseRole', 'databaseUser'],
    ['databaseUser', 'databaseIndex'],
    ['secretVersion', 'databaseUser'],
    ['secret', 'secretVersion'],
    ['service', 'dnsRecord'],
    ['dnsRecord', 'certificate'],
    ['dnsRecord', 'propagation'],
    ['certificate', 'health'],
    ['propagation', 'health'],
    ['health', 'registration'],
  ])('makes each %s before the %s that needs it', (first, second) => {
    for (const plan of plans) {
      // Steps with a part of their own need only the one of the same part.
      const needs = (a: string, b: string) => a === '' || b === '' || a === b;
      plan.forEach((step, at) => {
        if (step.kind !== second) return;
        const needed = plan.filter(({ kind, part }) => kind === first && needs(part, step.part));
        for (const one of needed) expect(plan.indexOf(one)).toBeLessThan(at);
      });
    }
  });

  it('names each step so that its kind can be told from its id', () => {
    for (const { id, kind } of plans.flat()) expect(kindOf(id)).toBe(kind);
  });

  it('names no two steps alike', () => {
    for (const plan of plans) expect(new Set(plan.map(({ id }) => id)).size).toBe(plan.length);
  });

  it('takes one slot for the deployment and one for the record, and as many database operations as it says', () => {
    for (const operations of [3, 4, 6, 10]) {
      const slots = planOf(company('basic'), operations).flatMap(({ limiter }) => limiter ?? []);
      const count = (name: string) => slots.filter(slot => slot === name).length;
      expect(['cloudRunDeploys', 'dnsRecordWrites', 'databaseOperations'].map(count)).toEqual([
        1,
        1,
        operations,
      ]);
    }
  });
});

it('limits the removal of a record, which the plan counts as a write, and of nothing else', () => {
  const plan = planOf(company('advanced'), 10);
  expect(plan.filter(({ limitsRemoval }) => limitsRemoval).map(({ id }) => id)).toEqual(['dnsRecord']);
});

describe('the progress that a journal says', () => {
  const entry = (event: JournalEntry['event'], atMs: number, more: Partial<JournalEntry> = {}) => ({
    company: 7,
    step: '',
    event,
    atMs,
    ...more,
  });
  const opened = (atMs: number) => entry('opened', atMs, { company: -1 });
  const intent = (step: string, deadlineAtMs: number) => entry('intent', 0, { step, deadlineAtMs });
  const ROLES: Full = { step: 'databaseRole', scope: 'Atlas project x', quota: 'MANY' };
  const NO_ROOM = 'databaseRole: no room in Atlas project x, the quota MANY is used up';
  const entryFull = (event: 'full' | 'noRoom' | 'roomAgain', company: number) =>
    entryOf(event, company, ROLES, 0);
  const admitted = {
    ...{ state: 'admitted', admittedAtMs: 10, finishedAtMs: -1, reason: '', steps: {} },
    timedUntilMs: 10,
  };
  const time = { beganAtMs: 10, waitMs: { limiter: 0, quota: 0, retry: 0, poll: 0, lost: 0 } };

  it.each<[string, JournalEntry[], object]>([
    ['admitted', [entry('admitted', 10)], admitted],
    [
      'an intent',
      [entry('admitted', 10), intent('service', 99)],
      { ...admitted, steps: { service: { state: 'intent', deadlineAtMs: 99, id: undefined } } },
    ],
    [
      'a step tried twice: the last deadline holds',
      [entry('admitted', 10), intent('service', 99), intent('service', 120)],
      { ...admitted, steps: { service: { state: 'intent', deadlineAtMs: 120, id: undefined } } },
    ],
    [
      'a step done: its id',
      [entry('admitted', 10), intent('service', 99), entry('done', 11, { step: 'service', id: 'uri' })],
      { ...admitted, steps: { service: { state: 'done', deadlineAtMs: 99, id: 'uri' } } },
    ],
    [
      'a step removed: it had an id',
      [
        entry('admitted', 10),
        entry('done', 11, { step: 'service', id: 'uri' }),
        entry('undoing', 12, { reason: 'dnsRecord: 400' }),
        entry('removed', 13, { step: 'service' }),
      ],
      {
        ...admitted,
        state: 'undoing',
        reason: 'dnsRecord: 400',
        timedUntilMs: 12,
        steps: { service: { state: 'removed', deadlineAtMs: 0, id: 'uri' } },
      },
    ],
    ['ready', [entry('admitted', 10), entry('ready', 20)], { ...admitted, state: 'ready', finishedAtMs: 20 }],
    [
      'undone: the reason stays',
      [entry('admitted', 10), entry('undoing', 12, { reason: 'why' }), entry('undone', 20)],
      { ...admitted, state: 'undone', finishedAtMs: 20, reason: 'why', timedUntilMs: 12 },
    ],
    [
      'blocked: the fuller reason',
      [
        entry('admitted', 10),
        entry('undoing', 12, { reason: 'why' }),
        entry('blocked', 20, { reason: 'why; service could not be removed' }),
      ],
      {
        ...{ ...admitted, state: 'blocked', finishedAtMs: 20, timedUntilMs: 12 },
        reason: 'why; service could not be removed',
      },
    ],
    [
      'until when its steps have times: an intent is no end of one',
      [
        entry('admitted', 10),
        entry('done', 15, { step: 'document', id: 'd', time }),
        { ...intent('service', 99), atMs: 17 },
      ],
      {
        ...{ ...admitted, timedUntilMs: 15 },
        steps: {
          document: { state: 'done', deadlineAtMs: 0, id: 'd' },
          service: { state: 'intent', deadlineAtMs: 99, id: undefined },
        },
      },
    ],
    [
      'not begun for want of room',
      [entryFull('noRoom', 7)],
      {
        ...admitted,
        ...{ state: 'noRoom', admittedAtMs: -1, finishedAtMs: 0, timedUntilMs: 0 },
        full: ROLES,
        reason: NO_ROOM,
      },
    ],
    [
      'refused for want of room: what there was none for stays',
      [
        entry('admitted', 10),
        entry('undoing', 12, { reason: 'why' }),
        entryFull('full', 7),
        entry('undone', 20, { reason: 'why' }),
      ],
      { ...admitted, state: 'undone', finishedAtMs: 20, reason: 'why', timedUntilMs: 12, full: ROLES },
    ],
    [
      'begun anew: nothing of the first time',
      [
        entry('admitted', 10),
        intent('secret', 99),
        entry('undoing', 12, { reason: 'why' }),
        entryFull('full', 7),
        entry('undone', 20),
        entry('admitted', 30),
      ],
      { ...admitted, admittedAtMs: 30, timedUntilMs: 30 },
    ],
  ])('%s', (_what, entries, expected) => {
    const { companies } = progressOf(entries);
    const { steps, ...rest } = companies.get(7)!;
    expect({ ...rest, steps: Object.fromEntries(steps) }).toEqual(expected);
    expect([...companies.keys()]).toEqual([7]);
  });

  it('what there is no room for, until there is again', () => {
    const full = entryFull('full', -1);
    expect([...progressOf([opened(5), full, full]).full.values()]).toEqual([ROLES]);
    expect(progressOf([full, entryFull('roomAgain', -1)]).full.size).toBe(0);
    expect(progressOf([full, entryFull('roomAgain', -1), full]).full.size).toBe(1);
    expect(progressOf([entryFull('full', 7), entryFull('noRoom', 7)]).full.size).toBe(0);
  });

  it('nothing: no process, no company', () => {
    expect(progressOf([])).toEqual({
      openedBy: [],
      queuedAtMs: -1,
      waves: new Map(),
      full: new Map(),
      companies: new Map(),
    });
  });

  it('how many processes took it up, and when the first of them did', () => {
    expect(progressOf([opened(5), entry('admitted', 10), opened(90), opened(95)])).toMatchObject({
      openedBy: ['', '', ''],
      queuedAtMs: 5,
    });
  });

  it('keeps companies and steps apart', () => {
    const { companies } = progressOf([
      entry('admitted', 1),
      entry('admitted', 2, { company: 8 }),
      intent('service', 99),
      entry('done', 3, { company: 8, step: 'service', id: 'eight' }),
      entry('done', 4, { step: 'dnsRecord', id: 'record' }),
      entry('ready', 5, { company: 8 }),
    ]);
    expect(companies.get(7)).toMatchObject({ state: 'admitted', admittedAtMs: 1 });
    expect(companies.get(8)).toMatchObject({ state: 'ready', admittedAtMs: 2 });
    expect([...companies.get(7)!.steps].map(([id, { state }]) => [id, state])).toEqual([
      ['service', 'intent'],
      ['dnsRecord', 'done'],
    ]);
    expect(companies.get(8)!.steps.get('service')?.id).toBe('eight');
  });
});

describe('the place of a company', () => {
  const platform: Platform = {
    zones: ['a', 'b', 'c'].map(name => ({ id: name, domain: `${name}.example.com` })),
    dns: 'record',
    googleProjects: ['p1', 'p2', 'p3', 'p4'],
    regions: {
      'us-west1': {
        atlas: ['x', 'y'].map(project => ({ project, cluster: `of-${project}` })),
        pineconeHost: 'west.pinecone.io',
      },
      'europe-west1': { atlas: [{ project: 'z', cluster: 'of-z' }], pineconeHost: 'east.pinecone.io' },
    },
    templates: {},
  };
  const at = (index: number, ordinal: number, region: string) =>
    placeOf({ ...company('basic'), index, ordinal, region }, platform);

  it('is one of each list, in turn, and always the same', () => {
    expect(at(0, 0, 'us-west1')).toEqual({
      zone: { id: 'a', domain: 'a.example.com' },
      googleProject: 'p1',
      atlasProject: 'x',
      atlasCluster: 'of-x',
      pineconeHost: 'west.pinecone.io',
    });
    expect(at(7, 5, 'us-west1')).toMatchObject({
      zone: { id: 'b' },
      googleProject: 'p2',
      atlasProject: 'y',
      atlasCluster: 'of-y',
    });
    expect(at(7, 5, 'us-west1')).toEqual(at(7, 5, 'us-west1'));
    expect(at(8, 5, 'europe-west1')).toMatchObject({ atlasProject: 'z', pineconeHost: 'east.pinecone.io' });
  });

  it('spreads the companies of each region evenly', () => {
    const counts = Map.groupBy(
      Array.from({ length: 4000 }, (_, n) => at(n * 2, n, 'us-west1').googleProject),
      project => project,
    );
    expect([...counts.values()].map(each => each.length)).toEqual([1000, 1000, 1000, 1000]);
  });
});
