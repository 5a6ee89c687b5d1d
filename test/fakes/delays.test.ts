// The waits beside the vendors': drawn from their facts, each by its own key.

import { describe, expect, it } from 'vitest';
import { createDelays, type Delays } from '../../fakes/delays.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { USER_REGIONS } from '../../scenarios/scenario.ts';
import type { CallKey } from '../../src/ports.ts';

const DRAWS = 4000;
const REGIONS = ['us-west1', 'us-central1', 'europe-west1'];
const keyOf = (n: number, operation: number): CallKey => [n % 97, -2, n % 3, 0, n, operation];

const WAITS: readonly [fact: string, share: number, draw: (delays: Delays, key: CallKey) => number][] = [
  ['lat.redis.trip', 1, ({ cacheTripMs }, key) => cacheTripMs(key)],
  ['lat.mongo.read', 1, ({ recordReadMs }, key) => recordReadMs(key)],
  ['lat.sallyport.verify', 1, ({ verifyMs }, key) => verifyMs(key)],
  ...USER_REGIONS.flatMap(user =>
    REGIONS.flatMap((region): typeof WAITS => [
      [`rtt.${user}.${region}`, 0.5, ({ toGatewayMs }, key) => toGatewayMs(user, region, key)],
      [`rtt.${user}.${region}`, 0.5, ({ toUserMs }, key) => toUserMs(user, region, key)],
    ]),
  ),
];

describe.each(WAITS)('a wait by %s', (fact, share, draw) => {
  const facts = new FactValues('mid', {});
  const delays = createDelays(facts, 42);
  const { value, spread } = new FactValues('mid', {}).get(fact);

  it('is its share of the fact on average', () => {
    let sum = 0;
    for (let n = 0; n < DRAWS; n++) sum += draw(delays, keyOf(n, 6));
    // Four standard errors of a log-normal mean.
    const error = (4 * Math.sqrt(Math.exp(spread ** 2) - 1)) / Math.sqrt(DRAWS);
    expect(Math.abs(sum / DRAWS / (value * share) - 1)).toBeLessThan(error);
    expect(facts.usedIds()).toEqual([fact]);
  });

  it('is the same for the same key and seed, and for nothing else', () => {
    const again = createDelays(new FactValues('mid', {}), 42);
    const other = createDelays(new FactValues('mid', {}), 43);
    expect(draw(again, keyOf(1, 6))).toBe(draw(delays, keyOf(1, 6)));
    expect(draw(again, keyOf(1, 7))).not.toBe(draw(delays, keyOf(1, 6)));
    expect(draw(again, keyOf(2, 6))).not.toBe(draw(delays, keyOf(1, 6)));
    expect(draw(other, keyOf(1, 6))).not.toBe(draw(delays, keyOf(1, 6)));
  });
});

it('an answer of the edge takes the way to it and back, and the time in it', () => {
  const facts = new FactValues('mid', {});
  const delays = createDelays(facts, 42);
  let sum = 0;
  for (let n = 0; n < DRAWS; n++) sum += delays.edgeMs('asia', keyOf(n, 6));
  const expected = facts.get('rtt.asia.edge').value + facts.get('lat.edge.hit').value;
  expect(Math.abs(sum / DRAWS / expected - 1)).toBeLessThan(0.01);
});

it('an unknown pair of places is an error', () => {
  const delays = createDelays(new FactValues('mid', {}), 42);
  expect(() => delays.toGatewayMs('asia', 'mars-north1', [1])).toThrow('rtt.asia.mars-north1');
});
