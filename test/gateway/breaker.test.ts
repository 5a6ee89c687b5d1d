// A company's failing service is left in peace: when its circuit opens, who may try it again, and what closes it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breakers, type Circuit, circuitAfter, type Passage, passageOf } from '../../src/gateway/breaker.ts';
import type { Outcome } from '../../src/ports.ts';
import {
  answered,
  codeOf,
  DOMAIN,
  held,
  OPTIONS,
  OURS,
  START_MS,
  THEIR_TOKEN,
  THEIRS,
  type World,
  worldOf,
} from './harness.ts';

const RULES = OPTIONS.circuitBreaker;
const { failureThreshold, resetTimeoutMs, monitoringWindowMs } = RULES;
const USUAL: Passage = { kind: 'usual' };
const TRIAL: Passage = { kind: 'trial' };
const CLOSED: Circuit = { state: 'closed', failedAtMs: [] };

const failing = () => answered(503);
async function failTimes(world: World, times: number, everyMs = 0) {
  world.answer = failing;
  for (let n = 0; n < times; n++) {
    if (n > 0) await world.clock.pass(everyMs);
    expect((await world.ask()).status).toBe(503);
  }
}
const theirs = { host: `${THEIRS}.${DOMAIN}`, headers: { authorization: THEIR_TOKEN } };

describe('a service that fails', () => {
  it('five times within 60 s is left in peace for 30 s, and only it', async () => {
    const world = worldOf();
    await failTimes(world, 5, 14_999);
    const refused = await world.ask();
    expect([codeOf(refused), refused.status, refused.headers['retry-after']]).toEqual([
      ...['CIRCUIT_OPEN', 503, '30'],
    ]);
    expect(world.calls).toHaveLength(5);
    world.answer = () => answered(200);
    expect((await world.ask(theirs)).status).toBe(200);
    await world.clock.pass(29_999);
    const last = await world.ask();
    expect([codeOf(last), last.headers['retry-after']]).toEqual(['CIRCUIT_OPEN', '1']);
    await world.clock.pass(1);
    expect((await world.ask()).status).toBe(200);
  });

  it('four times, or five in more than 60 s, is asked on', async () => {
    const world = worldOf();
    await failTimes(world, 5, 15_000);
    world.answer = () => answered(200);
    expect((await world.ask()).status).toBe(200);
    expect(world.logs).toEqual([]);
  });

  it('is not asked for what the gateway answers itself, which goes on', async () => {
    const world = worldOf();
    await failTimes(world, 5);
    expect((await world.ask({ method: 'GET', path: '/config' })).status).toBe(200);
  });

  it.each<[what: string, Outcome, isFailure: boolean]>([
    ['500', answered(500), true],
    ['unreachable', { kind: 'refused', reason: 'connection refused' }, true],
    ['unknown', { kind: 'unknown', reason: 'reset' }, true],
    ['429', answered(429), false],
    ['404', answered(404), false],
    ['302', answered(302), false],
  ])('is one that answers: %s', async (_, outcome, isFailure) => {
    const world = worldOf();
    world.answer = () => outcome;
    for (let n = 0; n < 5; n++) await world.ask();
    await world.ask();
    expect(world.calls).toHaveLength(isFailure ? 5 : 6);
  });

  it('counts by its rejections too', async () => {
    const world = worldOf();
    world.answer = () => Promise.reject(new Error('broken'));
    for (let n = 0; n < 5; n++) expect((await world.ask()).status).toBe(500);
    expect(codeOf(await world.ask())).toBe('CIRCUIT_OPEN');
  });
});

describe('after 30 s', () => {
  async function onTrial() {
    const world = worldOf();
    await failTimes(world, 5);
    await world.clock.pass(30_000);
    const { promise, release } = held<Outcome>();
    world.answer = () => promise;
    return { world, trial: world.ask(), end: release };
  }

  it('one request is let through and the others wait for what it finds', async () => {
    const { world, trial, end } = await onTrial();
    const [second, third] = await Promise.all([world.ask(), world.ask()]);
    expect([codeOf(second), codeOf(third), second.headers['retry-after']]).toEqual([
      ...['CIRCUIT_OPEN', 'CIRCUIT_OPEN', '1'],
    ]);
    expect(world.calls).toHaveLength(6);
    end(answered(200));
    expect((await trial).status).toBe(200);
    expect((await world.ask()).status).toBe(200);
    expect(world.logs).toEqual([
      { event: 'circuit open', company: OURS },
      { event: 'circuit closed', company: OURS },
    ]);
  });

  it('a trial that fails means 30 s more', async () => {
    const { world, trial, end } = await onTrial();
    end(answered(500));
    await trial;
    const refused = await world.ask();
    expect([codeOf(refused), refused.headers['retry-after']]).toEqual(['CIRCUIT_OPEN', '30']);
    await world.clock.pass(30_000);
    world.answer = () => answered(200);
    expect((await world.ask()).status).toBe(200);
  });

  it('a trial that the transport rejects has failed, and does not stay open for ever', async () => {
    const world = worldOf();
    await failTimes(world, 5);
    await world.clock.pass(30_000);
    world.answer = () => Promise.reject(new Error('broken'));
    expect(codeOf(await world.ask())).toBe('INTERNAL');
    expect(codeOf(await world.ask())).toBe('CIRCUIT_OPEN');
    await world.clock.pass(30_000);
    world.answer = () => answered(200);
    expect((await world.ask()).status).toBe(200);
  });

  it('the late answer to a request of before ends no trial', async () => {
    const world = worldOf();
    const [good, bad] = [held<Outcome>(), held<Outcome>()];
    const answers = [good.promise, bad.promise];
    world.answer = () => answers[world.calls.length - 1];
    const late = [world.ask(), world.ask()];
    await world.clock.pass(0);
    await failTimes(world, 5);
    await world.clock.pass(30_000);
    const { promise, release } = held<Outcome>();
    world.answer = () => promise;
    const trial = world.ask();
    await world.clock.pass(0);
    good.release(answered(200));
    bad.release(answered(500));
    await Promise.all(late);
    expect(codeOf(await world.ask())).toBe('CIRCUIT_OPEN');
    release(answered(200));
    await trial;
    expect((await world.ask()).status).toBe(200);
  });
});

describe('a circuit', () => {
  it('lets through as usual when closed, nobody before its time when open, and one after it', () => {
    const open: Circuit = { state: 'open', untilMs: 500 };
    expect(passageOf(CLOSED, 0)).toEqual(USUAL);
    expect(passageOf(open, 499)).toEqual({ kind: 'refused', retryAfterMs: 1 });
    expect(passageOf(open, 500)).toEqual(TRIAL);
    expect(passageOf({ state: 'trial' }, 500)).toMatchObject({ kind: 'refused' });
  });

  it('changes by the outcome of a trial alone while it is not closed', () => {
    for (const circuit of [{ state: 'trial' }, { state: 'open', untilMs: 9 }] as const)
      for (const hasSucceeded of [true, false])
        expect(circuitAfter(circuit, USUAL, hasSucceeded, 5, RULES)).toEqual(circuit);
    expect(circuitAfter({ state: 'trial' }, TRIAL, true, 5, RULES)).toEqual(CLOSED);
    expect(circuitAfter({ state: 'trial' }, TRIAL, false, 5, RULES)).toEqual({
      state: 'open',
      untilMs: 5 + resetTimeoutMs,
    });
  });

  /** Whoever was let through ends at some later step, in any order. */
  const steps = fc.array(
    fc.record({
      passMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
      asks: fc.boolean(),
      end: fc.option(fc.record({ which: fc.nat(), hasSucceeded: fc.boolean() }), { nil: undefined }),
    }),
    { maxLength: 150 },
  );

  it('opens at the fifth failure within the window and not before, and has one trial at a time', () => {
    fc.assert(
      fc.property(steps, steps => {
        const breakers = new Breakers(RULES);
        const underWay: Passage[] = [];
        let nowMs = START_MS;
        // All that a reader of the rule would keep: when it failed since it closed, and since when it is open.
        let failedAtMs: number[] = [];
        let openedAtMs: number | undefined;
        for (const { passMs, asks, end } of steps) {
          nowMs += passMs;
          if (asks) {
            const passage = breakers.ask(OURS, nowMs);
            const hasTrial = underWay.some(({ kind }) => kind === 'trial');
            const isOpen = openedAtMs !== undefined && nowMs < openedAtMs + resetTimeoutMs;
            expect(passage.kind).toBe(
              openedAtMs === undefined ? 'usual' : hasTrial || isOpen ? 'refused' : 'trial',
            );
            if (passage.kind !== 'refused') underWay.push(passage);
          }
          if (end === undefined || underWay.length === 0) continue;
          const [ended] = underWay.splice(end.which % underWay.length, 1);
          breakers.report(OURS, ended, end.hasSucceeded, nowMs);
          if (ended.kind === 'trial') {
            failedAtMs = [];
            openedAtMs = end.hasSucceeded ? undefined : nowMs;
          } else if (!end.hasSucceeded && openedAtMs === undefined) {
            failedAtMs.push(nowMs);
            const recent = failedAtMs.filter(atMs => nowMs - atMs < monitoringWindowMs);
            if (recent.length >= failureThreshold) openedAtMs = nowMs;
          }
        }
      }),
    );
  });

  it('is forgotten when its failures are old, so that memory does not grow with companies', () => {
    const breakers = new Breakers(RULES);
    for (let n = 0; n < 1000; n++) breakers.report(`c${n}`, USUAL, false, START_MS + 1);
    expect(breakers.size).toBe(1000);
    breakers.report('another', USUAL, false, START_MS + 1 + monitoringWindowMs);
    expect(breakers.size).toBe(1);
    for (let n = 0; n < 1000; n++) breakers.report(`c${n}`, USUAL, true, START_MS);
    expect(breakers.size).toBe(1);
  });
});
