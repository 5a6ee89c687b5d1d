// The quotas let no more through than their rate and one call early, and a refusal says exactly when to come back.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockRule, type QuotaRule, Quotas, type RateRule } from '../../fakes/quota.ts';

const ruleOf = (more: Partial<RateRule> = {}): RateRule => ({
  name: 'writes',
  operations: ['a.create'],
  perMinute: 60,
  scope: 'all',
  ...more,
});

const arrivals = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 80 }).map(gaps =>
  gaps.map(
    (
      (at: number) => (gap: number) =>
        (at += gap)
    )(1_767_225_600_000),
  ),
);
const rates = fc.constantFrom(7, 60, 100, 200, 600);

describe('a quota', () => {
  it('never lets more through in any window than its rate and two', () => {
    fc.assert(
      fc.property(arrivals, rates, (times, perMinute) => {
        const quotas = new Quotas([ruleOf({ perMinute })]);
        const admitted = times.filter(atMs => quotas.check('a.create', '', atMs) === undefined);
        for (let from = 0; from < admitted.length; from++)
          for (let to = from; to < admitted.length; to++) {
            const allowed = ((admitted[to] - admitted[from]) * perMinute) / 60_000 + 2;
            expect(to - from + 1).toBeLessThanOrEqual(allowed + 1e-6);
          }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('lets everything through that keeps one interval, and one call early', () => {
    fc.assert(
      fc.property(rates, fc.nat(20), (perMinute, early) => {
        const quotas = new Quotas([ruleOf({ perMinute })]);
        const interval = 60_000 / perMinute;
        for (let i = 0; i < 50; i++)
          expect(quotas.check('a.create', '', 1e12 + (i < early ? i : i - 1) * interval)).toBeUndefined();
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('is exact in when a refused call may come back', () => {
    fc.assert(
      fc.property(arrivals, rates, (times, perMinute) => {
        let refusals = 0;
        const quotas = new Quotas([ruleOf({ perMinute })]);
        for (const atMs of times) {
          const refusal = quotas.check('a.create', '', atMs);
          if (refusal === undefined) continue;
          refusals++;
          const { retryAfterMs } = refusal;
          // A hundredth of a millisecond is far above what two sums of the same intervals differ by.
          if (retryAfterMs > 0.02)
            expect(quotas.check('a.create', '', atMs + retryAfterMs - 0.01)).toBeDefined();
          expect(quotas.check('a.create', '', atMs + retryAfterMs)).toBeUndefined();
          break;
        }
        fc.pre(refusals > 0);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('counts nothing for what it refuses', () => {
    const quotas = new Quotas([ruleOf()]);
    quotas.check('a.create', '', 0);
    quotas.check('a.create', '', 0);
    for (let i = 0; i < 100; i++)
      expect(quotas.check('a.create', '', 1)).toEqual({ quota: 'writes', retryAfterMs: 999 });
    expect(quotas.check('a.create', '', 1000)).toBeUndefined();
  });

  it('leaves other operations alone', () => {
    const quotas = new Quotas([ruleOf({ perMinute: 1 })]);
    for (let i = 0; i < 10; i++) expect(quotas.check('a.get', '', 0)).toBeUndefined();
  });

  it('counts all its operations together', () => {
    const quotas = new Quotas([ruleOf({ operations: ['a.create', 'a.delete'] })]);
    const seen = ['a.create', 'a.delete', 'a.create'].map(operation => quotas.check(operation, '', 0)?.quota);
    expect(seen).toEqual([undefined, undefined, 'writes']);
  });

  it.each<[QuotaRule['scope'], readonly (string | undefined)[]]>([
    ['all', [undefined, undefined, 'writes', 'writes']],
    ['vendor', [undefined, undefined, undefined, undefined]],
  ])('of scope %s counts two regions as it says', (scope, expected) => {
    const quotas = new Quotas([ruleOf({ scope })]);
    const seen = ['west', 'west', 'east', 'east'].map(region => quotas.check('a.create', region, 0)?.quota);
    expect(seen).toEqual(expected);
    expect(quotas.check('a.create', 'west', 0)?.quota).toBe('writes');
  });

  it('lets a call through only when every rule does, and then counts it in all of them', () => {
    const quotas = new Quotas([ruleOf({ name: 'fast', perMinute: 600 }), ruleOf({ name: 'slow' })]);
    const at = (ms: number) => quotas.check('a.create', '', ms);
    expect([at(0), at(0)]).toEqual([undefined, undefined]);
    expect(at(0)).toEqual({ quota: 'fast', retryAfterMs: 100 });
    // `slow` refuses what `fast` would allow: `fast` must not count it.
    for (let i = 0; i < 5; i++) expect(at(500)).toEqual({ quota: 'slow', retryAfterMs: 500 });
    expect(at(1000)).toBeUndefined();
  });
});

describe('a block', () => {
  const rule: BlockRule = {
    ...{ name: 'calls', operations: ['a.get', 'a.list'], scope: 'all' },
    ...{ calls: 3, windowMs: 1000, blockMs: 5000 },
  };
  const checker = () => {
    const quotas = new Quotas([rule]);
    return (atMs: number, operation = 'a.get') => quotas.check(operation, '', atMs);
  };
  const window = { calls: 3, windowMs: 1000 };

  it('begins with the call that is too many, and refuses every call until it is over', () => {
    const check = checker();
    expect([100, 200, 300].map(ms => check(ms))).toEqual([undefined, undefined, undefined]);
    expect(check(400)).toEqual({ quota: 'calls', retryAfterMs: 5000, window });
    expect(check(1500, 'a.list')).toEqual({ quota: 'calls', retryAfterMs: 3900, window });
    expect(check(5399)).toEqual({ quota: 'calls', retryAfterMs: 1, window });
    expect([5400, 5400, 5400].map(ms => check(ms))).toEqual([undefined, undefined, undefined]);
    expect(check(5400)?.retryAfterMs).toBe(5000);
  });

  it('never begins while each window has no more calls than it may', () => {
    const check = checker();
    for (let i = 0; i < 30; i++) expect(check(1000 * Math.floor(i / 3))).toBeUndefined();
  });

  it('does not count a call that another rule refused', () => {
    const quotas = new Quotas([ruleOf({ operations: ['a.get'], perMinute: 0.001 }), rule]);
    for (let i = 0; i < 10; i++) quotas.check('a.get', '', 0);
    expect(quotas.check('a.list', '', 0)).toBeUndefined();
    expect(quotas.check('a.list', '', 0)?.quota).toBe('calls');
  });
});
