// What the gateway may rely on in its region's cache, whichever one it was given.

import { describe, expect, it } from 'vitest';
import type { AdmitRequest } from '../../src/ports.ts';
import { CONFIGS, GATEWAY_STORES, type GatewayStores, type GatewayStoresCase } from './gatewayStores.ts';

const MINUTE_MS = 60_000;
const [ALICE, BOB] = CONFIGS;
const SESSION = `s-${ALICE.id}-5`;
/** Longer than the trips of a case. */
const TTL_MS = 10_000;
let calls = 0;
const key = () => [1, -2, 0, 0, calls++, 1];

const admit = ({ cache }: GatewayStores, more: Partial<AdmitRequest> = {}) =>
  cache.admit({ company: ALICE.id, requestsPerMinute: 100, session: undefined, key: key(), ...more });
/** To the beginning of the next whole minute, so that a case has one before it. */
const toNextMinute = ({ nowMs, pass }: GatewayStores) => pass(MINUTE_MS - (nowMs() % MINUTE_MS));

const CASES: readonly [behaviour: string, each: GatewayStoresCase][] = [
  [
    'knows nothing at first',
    async stores =>
      expect(await admit(stores, { session: SESSION })).toEqual({
        retryAfterMs: undefined,
        sessionCompany: undefined,
        config: undefined,
      }),
  ],
  [
    'gives back the config and the session that were put, in one trip',
    async stores => {
      await stores.cache.putConfig(ALICE, TTL_MS, key());
      await stores.cache.putSession(SESSION, ALICE.id, TTL_MS, key());
      const { config, sessionCompany } = await admit(stores, { session: SESSION });
      expect([config, sessionCompany]).toEqual([ALICE, ALICE.id]);
    },
  ],
  [
    'tells whose a session is, whoever asks',
    async stores => {
      await stores.cache.putSession(SESSION, ALICE.id, TTL_MS, key());
      const { sessionCompany, config } = await admit(stores, { company: BOB.id, session: SESSION });
      expect([sessionCompany, config]).toEqual([ALICE.id, undefined]);
    },
  ],
  [
    'forgets them when their times are over',
    async stores => {
      await stores.cache.putConfig(ALICE, TTL_MS, key());
      await stores.cache.putSession(SESSION, ALICE.id, 3 * TTL_MS, key());
      await stores.pass(TTL_MS);
      expect(await admit(stores, { session: SESSION })).toMatchObject({
        config: undefined,
        sessionCompany: ALICE.id,
      });
      await stores.pass(2 * TTL_MS);
      expect((await admit(stores, { session: SESSION })).sessionCompany).toBeUndefined();
    },
  ],
  [
    'takes the last config that was put',
    async stores => {
      await stores.cache.putConfig(ALICE, TTL_MS, key());
      await stores.cache.putConfig({ ...ALICE, level: 'ONYX' }, TTL_MS, key());
      expect((await admit(stores)).config).toEqual({ ...ALICE, level: 'ONYX' });
    },
  ],
  [
    'lets a company have its quota in each minute of the clock, and says when the next one begins',
    async stores => {
      for (let minute = 0; minute < 3; minute++) {
        await toNextMinute(stores);
        for (let n = 0; n < 8; n++) {
          const { retryAfterMs } = await admit(stores, { requestsPerMinute: 5 });
          expect(retryAfterMs === undefined, `request ${n} of minute ${minute}`).toBe(n < 5);
          if (retryAfterMs !== undefined) expect((stores.nowMs() + retryAfterMs) % MINUTE_MS).toBe(0);
        }
      }
    },
  ],
  [
    'counts requests at the same time one by one, and each company apart',
    async stores => {
      await toNextMinute(stores);
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          admit(stores, { company: n % 2 === 0 ? ALICE.id : BOB.id, requestsPerMinute: n % 2 === 0 ? 5 : 7 }),
        ),
      );
      const passed = (rest: number) =>
        all.filter(({ retryAfterMs }, n) => n % 2 === rest && retryAfterMs === undefined).length;
      expect([passed(0), passed(1)]).toEqual([5, 7]);
    },
  ],
];

describe.each(GATEWAY_STORES)('the cache in %s', (_name, run) => {
  it.each(CASES)('%s', (_behaviour, each) => run(each));
});
