import { describe, expect, test } from 'vitest';
import type { RequestCounts } from '../../reports/measurement.ts';
import { judgedTraffic, trafficViolations } from '../../reports/requestCounts.ts';
import { countsOf } from './trafficFixture.ts';

describe('request counts', () => {
  test('that agree say nothing', () => {
    expect(trafficViolations(countsOf())).toEqual([]);
  });

  test.each<[string, Partial<RequestCounts>, string]>([
    ['a request that was never sent', { due: 4001 }, '4001 requests were due and 4000 were sent'],
    ['one sent twice', { due: 3999 }, '3999 requests were due and 4000 were sent'],
    [
      'one lost on its way to the gateways',
      { edgeHits: 399 },
      '4000 requests were sent; the edge answered 399 of them and the gateways handled 3600, which makes 3999',
    ],
    ['one never answered', { answered: 3599 }, 'the gateways handled 3600 requests and answered 3599'],
    [
      'one that never reached its service',
      { ledger: 2999 },
      'the gateways forwarded 3000 requests and the ledger has 2999',
    ],
    [
      'one that no gateway forwarded',
      { ledger: 3001 },
      'the gateways forwarded 3000 requests and the ledger has 3001',
    ],
    [
      'a forwarded one without a record',
      { audited: 2999 },
      'the audit trails have 2999 records; there must be one',
    ],
    ['a record of no request', { audited: 3601 }, 'at most one for each of the 3600 answered'],
  ])('show %s', (_, changes, expected) => {
    const violations = trafficViolations(countsOf(changes));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(expected);
  });

  test('need no more than a record of each forwarded request', () => {
    expect([3000, 3600].flatMap(audited => trafficViolations(countsOf({ audited })))).toEqual([]);
  });
});

describe('traffic is judged', () => {
  const late = 'k6 sent its requests 300 ms late';

  test('wrong where counts disagree, in either clock', () => {
    const traffic = { counts: countsOf({ ledger: 2999 }), violations: [] };
    const wrong = ['the gateways forwarded 3000 requests and the ledger has 2999'];
    for (const clock of ['virtual', 'real'] as const)
      expect(judgedTraffic(traffic, clock)).toEqual({ wrong, worthless: [] });
  });

  test('worthless by a sentence of its runtime', () => {
    expect(judgedTraffic({ counts: countsOf(), violations: [late] }, 'real')).toEqual({
      wrong: [],
      worthless: [late],
    });
  });

  test('worthless where a real generator sent less than was due, and wrong where a simulated one did', () => {
    const traffic = { counts: countsOf({ due: 4005 }), violations: [late] };
    const dropped = '4005 requests were due and 4000 were sent';
    expect(judgedTraffic(traffic, 'real')).toEqual({ wrong: [], worthless: [late, dropped] });
    expect(judgedTraffic(traffic, 'virtual')).toEqual({ wrong: [dropped], worthless: [late] });
  });

  test('by each sentence once, also where the runtime has compared the counts itself', () => {
    const counts = countsOf({ answered: 3599 });
    const [disagreement] = trafficViolations(counts);
    expect(judgedTraffic({ counts, violations: [disagreement, late, late] }, 'real')).toEqual({
      wrong: [disagreement],
      worthless: [late],
    });
  });

  test('wrong where one real generator sends more than was due', () => {
    const { wrong } = judgedTraffic({ counts: countsOf({ due: 3999 }), violations: [] }, 'real');
    expect(wrong).toEqual(['3999 requests were due and 4000 were sent']);
  });
});
