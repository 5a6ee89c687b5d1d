// What the rest of the bench relies on in the facts catalogue: the ids that it asks for, their units and their honesty.

import { describe, expect, it } from 'vitest';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import { USER_REGIONS } from '../../scenarios/scenario.ts';

const GATEWAY_REGIONS = ['us-west1', 'us-central1', 'europe-west1'];
const factOf = (id: string) => FACTS.find(fact => fact.id === id);
const under = (...prefixes: string[]) =>
  FACTS.filter(({ id }) => prefixes.some(prefix => id.startsWith(prefix)));

/** By unit, what the path of a request asks for. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  ms: [
    'lat.redis.trip',
    'lat.mongo.read',
    'lat.sallyport.verify',
    'lat.mcp.initialize',
    'lat.mcp.tools-list',
    'lat.mcp.tools-call',
    'lat.mcp.asset',
    'lat.edge.hit',
    'run.autoscale.period',
    'run.cold.node',
    'run.pending.max',
    'run.idle',
    ...USER_REGIONS.flatMap(user => [...GATEWAY_REGIONS, 'edge'].map(region => `rtt.${user}.${region}`)),
  ],
  share: ['run.autoscale.cpu-target'],
  requests: ['run.service.concurrency'],
  bytes: [
    'bytes.request',
    'bytes.audit-record',
    ...['initialize', 'tools-list', 'tools-call', 'asset', 'config'].map(kind => `bytes.answer.${kind}`),
  ],
};

describe('the facts catalogue', () => {
  it.each(Object.entries(ASKED).flatMap(([unit, ids]) => ids.map(id => [id, unit] as const)))(
    'has %s, in %s',
    (id, unit) => {
      expect(factOf(id)).toMatchObject({ unit });
    },
  );

  it.each(FACTS.map(fact => [fact.id, fact] as const))('orders %s: low, mid, high', (_, fact) => {
    expect([fact.low, fact.mid, fact.high]).toEqual(
      [fact.low, fact.mid, fact.high].sort((one, other) => one - other),
    );
    expect(fact.low).toBeGreaterThan(0);
  });

  it('keeps the fit for provisioning: nothing on a request’s path and no price is fitted', () => {
    const path = under('rtt.', 'lat.redis', 'lat.mongo', 'lat.sallyport', 'lat.mcp', 'lat.edge');
    const sizes = under('run.', 'bytes.', 'price.', 'atlas.', 'pinecone.', 'firestore.', 'service.');
    expect([...path, ...sizes].filter(({ basis }) => basis === 'fitted')).toEqual([]);
    expect(path.length).toBeGreaterThan(30);
  });

  it('says of every figure without a public source that it is assumed', () => {
    const unsourced = FACTS.filter(({ source }) => source === 'no public figure found');
    expect(unsourced.filter(({ basis }) => basis === 'source')).toEqual([]);
    expect(FACTS.filter(({ basis, confidence }) => basis === 'source' && confidence === 'none')).toEqual([]);
  });

  it('has prices in US dollars, each published somewhere and none of them drawn', () => {
    const prices = under('price.');
    expect(prices.length).toBeGreaterThan(30);
    for (const { id, unit, basis, spread } of prices)
      expect([id, unit.startsWith('USD/'), basis, spread]).toEqual([id, true, 'source', 0]);
  });

  it('reaches the nearest gateway of a user faster than the others, and the edge faster still', () => {
    const facts = new FactValues('mid', {});
    const rtt = (user: string, region: string) => facts.get(`rtt.${user}.${region}`).value;
    const nearest = USER_REGIONS.map(user =>
      GATEWAY_REGIONS.reduce((best, region) => (rtt(user, region) < rtt(user, best) ? region : best)),
    );
    expect(nearest).toEqual([
      'us-west1',
      'us-central1',
      'us-central1',
      'us-central1',
      'europe-west1',
      'us-west1',
    ]);
    for (const [i, user] of USER_REGIONS.entries())
      expect([user, rtt(user, 'edge') <= rtt(user, nearest[i])]).toEqual([user, true]);
  });

  it('draws every duration of a request’s path with a spread', () => {
    const drawn = under('rtt.', 'lat.redis', 'lat.mongo', 'lat.sallyport', 'lat.mcp', 'lat.edge');
    expect(drawn.filter(({ spread }) => !(spread > 0 && spread <= 0.6))).toEqual([]);
  });
});
