// A region's cache as plain state: the quota to the request, times to live, bounded memory, and what was there before.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RedisFake, type RedisInitial } from '../../fakes/redis.ts';
import { gatewayOptionsOf } from '../../scenarios/gatewayOptions.ts';
import peakHour from '../../scenarios/peak-hour.json' with { type: 'json' };
import type { Scenario } from '../../scenarios/scenario.ts';
import type { CompanyConfig } from '../../src/ports.ts';
import { NOW_MS } from './fakeCall.ts';

const MINUTE_MS = 60_000;
const CONFIG: CompanyConfig = { id: 'c00001', level: 'OPAL', serviceUri: 'https://c00001.a.run.app' };
const LEVELS = Object.entries(gatewayOptionsOf(peakHour as Scenario).levels);

const admit = (
  redis: RedisFake,
  nowMs: number,
  more: { company?: string; session?: string; limit?: number } = {},
) =>
  redis.admit(
    {
      company: more.company ?? CONFIG.id,
      requestsPerMinute: more.limit ?? 1000,
      session: more.session,
      key: [1],
    },
    nowMs,
  );

describe.each(LEVELS)('the quota of %s', (_level, { requestsPerMinute: limit }) => {
  it('lets exactly as many pass in each minute of the clock as it says', () => {
    // By minute: how many over or under the limit, and at which moments of the minute they come.
    const minutes = fc.array(
      fc.tuple(
        fc.integer({ min: -3, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 59_999 }), { minLength: 1, maxLength: 5 }),
      ),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(minutes, pattern => {
        const redis = new RedisFake();
        const startMs = Math.floor(NOW_MS / MINUTE_MS) * MINUTE_MS;
        pattern.forEach(([excess, momentsMs], i) => {
          const requests = limit + excess;
          const atMs = [...momentsMs].sort((a, b) => a - b).map(moment => startMs + i * MINUTE_MS + moment);
          let passed = 0;
          for (let n = 0; n < requests; n++) {
            const nowMs = atMs[Math.floor((n * atMs.length) / requests)];
            const { retryAfterMs } = admit(redis, nowMs, { limit });
            if (retryAfterMs === undefined) passed++;
            else expect(nowMs + retryAfterMs).toBe(startMs + (i + 1) * MINUTE_MS);
            // The first ones pass, none of the later ones.
            expect(retryAfterMs === undefined).toBe(n < limit);
          }
          expect(passed).toBe(Math.min(requests, limit));
        });
      }),
      { numRuns: 5 },
    );
  });
});

describe('the quota', () => {
  it("is each company's own", () => {
    const redis = new RedisFake();
    for (let n = 0; n < 3; n++) admit(redis, NOW_MS, { limit: 3 });
    expect(admit(redis, NOW_MS, { limit: 3 }).retryAfterMs).toBeGreaterThan(0);
    expect(admit(redis, NOW_MS, { limit: 3, company: 'c00002' }).retryAfterMs).toBeUndefined();
  });

  it('goes on from what was counted before the run began, in that minute', () => {
    const minute = Math.floor(NOW_MS / MINUTE_MS);
    const asked: [string, number][] = [];
    const count = (company: string, of: number) => {
      asked.push([company, of]);
      return of === minute ? 7 : 0;
    };
    const redis = new RedisFake({ initial: { config: () => false, session: () => false, count } });
    const passes = (nowMs: number) =>
      Array.from({ length: 12 }, () => admit(redis, nowMs, { limit: 10 })).filter(
        ({ retryAfterMs }) => retryAfterMs === undefined,
      ).length;
    expect([passes(NOW_MS), passes(NOW_MS + MINUTE_MS)]).toEqual([3, 10]);
    expect(asked).toEqual([
      [CONFIG.id, minute],
      [CONFIG.id, minute + 1],
    ]);
  });
});

describe('an entry', () => {
  it('is there until its time is over', () => {
    const redis = new RedisFake();
    redis.putConfig(CONFIG, 300_000, NOW_MS);
    redis.putSession('s-c00001-5', 'c00001', 86_400_000, NOW_MS);
    const at = (ms: number) => admit(redis, NOW_MS + ms, { session: 's-c00001-5' });
    expect(at(299_999)).toMatchObject({ config: CONFIG, sessionCompany: 'c00001' });
    expect(at(300_000)).toMatchObject({ config: undefined, sessionCompany: 'c00001' });
    expect(at(86_399_999).sessionCompany).toBe('c00001');
    expect(at(86_400_000).sessionCompany).toBeUndefined();
  });

  it('lives anew when it is put again', () => {
    const redis = new RedisFake();
    redis.putConfig(CONFIG, 1000, NOW_MS);
    redis.putConfig({ ...CONFIG, level: 'ONYX' }, 1000, NOW_MS + 999);
    expect(admit(redis, NOW_MS + 1500).config?.level).toBe('ONYX');
  });

  it('is not known before it was put, nor under another name', () => {
    const redis = new RedisFake();
    redis.putSession('s-c00001-5', 'c00001', 1000, NOW_MS);
    redis.putConfig(CONFIG, 1000, NOW_MS);
    expect(admit(redis, NOW_MS, { session: 's-c00001-6', company: 'c00002' })).toEqual({
      retryAfterMs: undefined,
      sessionCompany: undefined,
      config: undefined,
    });
    expect(admit(redis, NOW_MS).sessionCompany).toBeUndefined();
  });

  it('makes room for newer ones, the oldest first', () => {
    const redis = new RedisFake({ entriesMax: 3 });
    const names = ['s-c00001-1', 's-c00001-2', 's-c00001-3'];
    for (const name of names) redis.putSession(name, 'c00001', 1000, NOW_MS);
    redis.putSession(names[0], 'c00001', 1000, NOW_MS);
    redis.putSession('s-c00001-4', 'c00001', 1000, NOW_MS);
    const known = [...names, 's-c00001-4'].map(session => admit(redis, NOW_MS, { session }).sessionCompany);
    expect(known).toEqual(['c00001', undefined, 'c00001', 'c00001']);
  });
});

describe('a run that begins in the middle of time', () => {
  const initialOf = (more: Partial<RedisInitial> = {}) => {
    const asked: unknown[] = [];
    const noted = (...key: readonly unknown[]) => {
      asked.push(key.join(' '));
      return true;
    };
    const initial = { config: noted, session: noted, count: () => 0, ...more };
    return { asked, redis: new RedisFake({ initial, configOf: id => ({ ...CONFIG, id }) }) };
  };

  it('finds what was there, as long as nothing else is put', () => {
    const { asked, redis } = initialOf();
    for (let n = 0; n < 3; n++)
      expect(admit(redis, NOW_MS + n, { session: 's-c00001-5' })).toMatchObject({
        config: CONFIG,
        sessionCompany: 'c00001',
      });
    expect(admit(redis, NOW_MS, { session: 's-c00002-7' }).sessionCompany).toBe('c00002');
    expect(new Set(asked)).toEqual(new Set(['c00001 5', 'c00001', 'c00002 7']));
    redis.putSession('s-c00001-5', 'c00009', 1000, NOW_MS);
    expect(admit(redis, NOW_MS, { session: 's-c00001-5' }).sessionCompany).toBe('c00009');
    expect(admit(redis, NOW_MS + 1000, { session: 's-c00001-5' }).sessionCompany).toBeUndefined();
  });

  it('does not find what was not there until it is put', () => {
    const { redis } = initialOf({ config: () => false, session: () => false });
    const read = () => admit(redis, NOW_MS, { session: 's-c00001-5' });
    expect([read(), read()].map(({ config, sessionCompany }) => config ?? sessionCompany)).toEqual([
      undefined,
      undefined,
    ]);
    redis.putConfig(CONFIG, 1000, NOW_MS);
    redis.putSession('s-c00001-5', 'c00001', 1000, NOW_MS);
    expect(read()).toMatchObject({ config: CONFIG, sessionCompany: 'c00001' });
  });
});

it('counts what it was asked', () => {
  const redis = new RedisFake();
  admit(redis, NOW_MS);
  admit(redis, NOW_MS);
  redis.putConfig(CONFIG, 1, NOW_MS);
  redis.putSession('s', 'c00001', 1, NOW_MS);
  expect(redis.calls).toEqual({ admit: 2, putConfig: 1, putSession: 1 });
});
