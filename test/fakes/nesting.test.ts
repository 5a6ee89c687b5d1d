// A body may be nested so deep that whoever walks through it runs out of stack: no fake does.

import { expect, it, test } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { isTooDeep, NESTING_MAX } from '../../fakes/nesting.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { DOMAIN, TOKEN, ZONE_ID } from './fakeCall.ts';

const encoder = new TextEncoder();
const nested = (depth: number, inner = '') => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`;

test.each<[string, string, boolean]>([
  ['as deep as may be', nested(NESTING_MAX, '1'.repeat(100)), false],
  ['deeper by one', nested(NESTING_MAX + 1), true],
  ['of objects', '{"a":'.repeat(NESTING_MAX + 1), true],
  ['wide', `[${Array(500).fill('[]').join(',')}]`, false],
  ['of brackets in a text', JSON.stringify(['['.repeat(500)]), false],
  ['of brackets after a quote in a text', JSON.stringify([`"${'{'.repeat(500)}`]), false],
  ['of brackets after a backslash in a text', JSON.stringify([`\\${'{'.repeat(500)}`, '\\']), false],
  ['after a text that ends in a backslash', `["\\\\",${nested(NESTING_MAX)}]`, true],
])('a body %s', (_, text, isDeep) => {
  expect(isTooDeep(encoder.encode(text))).toBe(isDeep);
});

it('every creation of every fake refuses it, and none breaks', () => {
  const cloud = new Cloud({
    seed: 1,
    facts: new FactValues('mid', {}),
    quotas: [],
    faults: [],
    token: TOKEN,
    domain: DOMAIN,
    zones: new Map([[ZONE_ID, DOMAIN]]),
  });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    'api-key': TOKEN,
    accept: 'application/vnd.atlas.2025-03-12+json',
  };
  const body = encoder.encode(`{"template":${nested(100_000)}}`);
  const answers = cloud.services.flatMap(({ hosts, routes }) =>
    routes
      .filter(({ method, isTokenEndpoint }) => method !== 'GET' && isTokenEndpoint !== true)
      .map(({ method, path }) => {
        const host = hosts[0].startsWith('.') ? `x${hosts[0]}` : hosts[0];
        const to = path.replaceAll(/\/:\w+(?:=(\w*))?/g, (_, verb) => (verb ? `/x:${verb}` : '/x'));
        const request = { method, host, path: to, query: new URLSearchParams(), headers, body, key: [1] };
        return [method, to, cloud.arrive(request, 0)!.reply.status] as const;
      }),
  );
  expect(answers.length).toBeGreaterThan(50);
  expect(answers.filter(([, , status]) => status < 400 || status >= 500)).toEqual([]);
  expect(cloud.ledger.entries).toEqual([]);
});
