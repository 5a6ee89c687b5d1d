// Which of several rules hits a call. Each draws for itself, so that no rule stands in the way of another.

import { expect, test } from 'vitest';
import { judge } from '../../fakes/faults.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';

const OPERATION = 'kms.cryptoKeys.create';
const SEED = 7;
const RULE: FaultRule = { operation: 'kms.*', verdict: 'refuse', share: 0.3 };

/** The rule that hits each of 200 calls. */
const hitsOf = (...rules: readonly FaultRule[]) =>
  Array.from({ length: 200 }, (_, call) => judge(rules, OPERATION, [1, call], SEED, 0));

test.each<[string, Partial<FaultRule>, Partial<FaultRule>]>([
  ['statuses', { status: 503 }, { status: 429 }],
  ['times to wait', { status: 429 }, { status: 429, retryAfterMs: 1000 }],
  ['delays', { verdict: 'delayAnswer', delayMs: 1000 }, { verdict: 'delayAnswer', delayMs: 2000 }],
  ['factors', { verdict: 'slow', times: 10 }, { verdict: 'slow', times: 50 }],
  ['beginnings', { fromMs: -1 }, {}],
  ['ends', { untilMs: 1000 }, { untilMs: 2000 }],
  ['verdicts', { verdict: 'twice' }, { verdict: 'loseAnswer' }],
  ['operations', { operation: 'kms.*' }, { operation: OPERATION }],
])('two rules of one share with other %s both hit calls', (_what, one, other) => {
  const [first, second] = [
    { ...RULE, ...one },
    { ...RULE, ...other },
  ];
  expect(new Set(hitsOf(first, second))).toEqual(new Set([first, second, undefined]));
});

test('a rule hits the same calls beside another, for more companies, and more with a larger share', () => {
  const alone = hitsOf(RULE).map(rule => rule !== undefined);
  const beside = hitsOf({ ...RULE, operation: 'atlas.*', share: 1 }, RULE).map(rule => rule !== undefined);
  expect(beside).toEqual(alone);
  expect(hitsOf({ ...RULE, companies: [1, 2] }).map(rule => rule !== undefined)).toEqual(alone);
  const wider = hitsOf({ ...RULE, share: 0.6 });
  expect(alone.every((hit, call) => !hit || wider[call] !== undefined)).toBe(true);
});
