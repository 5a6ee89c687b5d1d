// Who may begin where a quota is used up: nobody, one that shows whether it has been raised, or as many as gave up theirs.

import { describe, expect, it } from 'vitest';
import { planOf } from '../../src/provisioning/plan.ts';
import { type Full, Room, scopeOfStep, wantsOf } from '../../src/provisioning/room.ts';
import { PLACED } from './slots.ts';

const ROLE: Full = { step: 'databaseRole', scope: 'Atlas project x', quota: 'MANY' };
const SERVICE: Full = { step: 'service', scope: 'us-west1 of p', quota: 'SERVICES' };
const ELSEWHERE: Full = { ...ROLE, scope: 'Atlas project y' };
const both = [ROLE, SERVICE];

describe('a quota that has refused a company', () => {
  const room = () => {
    const found = new Room([]);
    expect(found.refused(1, ROLE)).toBe(true);
    return found;
  };

  it('keeps out those that need the same there, and no others', () => {
    expect(room().ask(both)).toEqual(ROLE);
    expect(room().ask([ELSEWHERE, SERVICE])).toBe('begin');
    expect(new Room([]).ask(both)).toBe('begin');
  });

  it('is news the first time only, whoever was under way', () => {
    const found = room();
    expect(found.refused(2, ROLE)).toBe(false);
    expect(found.refused(2, ELSEWHERE)).toBe(true);
  });

  it('is taken over from others, but for what this process knows better', () => {
    const found = new Room([]);
    found.learn(both);
    expect(found.ask([SERVICE])).toEqual(SERVICE);
    const raised = new Room([ROLE]);
    raised.begin(1, [ROLE]);
    raised.made(1, ROLE);
    raised.learn([ROLE]);
    expect(raised.ask([ROLE])).toBe('begin');
  });

  it('lets as many begin as have given up what they had', () => {
    const found = room();
    found.freed(ROLE);
    found.freed(ELSEWHERE);
    expect(found.ask(both)).toBe('begin');
    found.begin(2, both);
    expect(found.ask(both)).toEqual(ROLE);
    expect(found.made(2, ROLE)).toBeUndefined();
    expect(found.ask(both)).toEqual(ROLE);
  });

  it('gives the turn of one that did not come so far to another', () => {
    const found = room();
    found.freed(ROLE);
    found.begin(2, both);
    found.ended(2);
    expect(found.ask(both)).toBe('begin');
    found.begin(3, both);
    found.refused(3, ROLE);
    found.ended(3);
    expect(found.ask(both)).toEqual(ROLE);
  });
});

describe('a quota that was used up before the process began', () => {
  it('lets one begin; the others wait for what it comes to', () => {
    const found = new Room([ROLE]);
    expect(found.ask(both)).toBe('begin');
    found.begin(1, both);
    expect(found.ask(both)).toBe('later');
    expect(found.ask([SERVICE])).toBe('begin');
  });

  it('lets all begin once that one was made, and says so once', () => {
    const found = new Room([ROLE]);
    found.begin(1, both);
    expect(found.made(2, ROLE)).toBeUndefined();
    expect(found.made(1, ROLE)).toEqual(ROLE);
    expect(found.made(1, ROLE)).toBeUndefined();
    expect(found.ask(both)).toBe('begin');
    expect(found.refused(3, ROLE)).toBe(true);
    expect(found.ask(both)).toEqual(ROLE);
  });

  it('lets none begin once that one was refused, which is no news', () => {
    const found = new Room([ROLE]);
    found.begin(1, both);
    // It was under way before.
    expect(found.refused(9, ROLE)).toBe(false);
    expect(found.ask(both)).toBe('later');
    expect(found.refused(1, ROLE)).toBe(false);
    expect(found.ask(both)).toEqual(ROLE);
  });

  it('is shown by another when that one ended for something else', () => {
    const found = new Room([ROLE]);
    found.begin(1, both);
    found.ended(1);
    expect(found.ask(both)).toBe('begin');
  });

  it('is doubted anew when much time has passed', () => {
    const found = new Room([]);
    found.refused(1, ROLE);
    found.doubt();
    expect(found.ask(both)).toBe('begin');
    found.begin(2, both);
    expect(found.ask(both)).toBe('later');
    expect(found.made(2, ROLE)).toEqual(ROLE);
    expect(found.ask(both)).toBe('begin');
  });

  it('keeps out a company for which something else is full', () => {
    const found = new Room([ROLE]);
    found.refused(1, SERVICE);
    expect(found.ask(both)).toEqual(SERVICE);
  });
});

it('is asked for each kind of resource once, by what its vendor counts', () => {
  const wants = wantsOf(planOf(PLACED.company, 4), PLACED);
  expect(wants.map(({ step }) => step)).toEqual([
    ...['secret', 'secretVersion', 'cryptoKey', 'databaseRole', 'databaseUser', 'databaseIndex'],
    ...['document', 'namespace', 'service', 'dnsRecord', 'certificate'],
  ]);
  for (const { scope } of wants) expect(scope).not.toContain('undefined');
  expect(scopeOfStep('health', PLACED)).toBeUndefined();
});
