// The bench is tested with planted bugs: two minutes of the same traffic through a gateway, figures that are promised
// by the plan's numbers alone, and for each wrong that is built in, the figure that shows it.

import { describe, expect, it } from 'vitest';
import type { GatewayPorts } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import {
  answered,
  claimsOf,
  configOf,
  DOMAIN,
  isSigned,
  type ManualClock,
  OPTIONS,
  OURS,
  rpc,
  START_MS,
  signed,
  THEIR_SESSION,
  THEIR_TOKEN,
  THEIRS,
  worldOf,
} from './harness.ts';

const HONEST: GatewayOptions = {
  ...OPTIONS,
  verificationPools: { small: { size: 10, queueMax: 10 }, large: { size: 500, queueMax: 1000 } },
};
const MINUTES = 2;
const EVERY_MS = 400;
const OFFERED_PER_MINUTE = 60_000 / EVERY_MS;
const VERIFY_MS = 100;
const BURST = 25;

/** What the plan's numbers promise of that traffic; worked out here, not by the gateway. */
const PROMISED = {
  // 100 of 150 a minute are within the quota of the level.
  servedShare: 100 / OFFERED_PER_MINUTE,
  // Five failures, then one trial 30 s after each failure: at 31.6, 61.6 and 91.6 s.
  callsOfFailingService: 5 + 3,
  // A burst of 25 on a pool of 10 with a queue of 10.
  verificationsAtOnceMax: 10,
  turnedAway: 5,
  timeoutMs: 30_000,
  foreignSessionsForwarded: 0,
  auditRecordsMissing: 0,
};

type Bug = {
  readonly ports?: (clock: ManualClock) => Partial<GatewayPorts>;
  readonly options?: Partial<GatewayOptions>;
};

async function figuresOf({ ports = () => ({}), options = {} }: Bug): Promise<typeof PROMISED> {
  const make = (more: (clock: ManualClock) => Partial<GatewayPorts> = () => ({})) =>
    worldOf(clock => ({ ...more(clock), ...ports(clock) }), { ...HONEST, ...options });
  const small = { headers: { authorization: signed({ ...claimsOf(OURS), level: 'SANDBOX' }) } };
  const theirs = { host: `${THEIRS}.${DOMAIN}`, headers: { authorization: THEIR_TOKEN } };

  const day = make();
  day.redis.putSession(THEIR_SESSION, THEIRS, 1e9, START_MS);
  day.answer = ({ url }) => answered(url.includes(THEIRS) ? 500 : 200);
  let served = 0;
  let verified = 0;
  for (let n = 0; n < MINUTES * OFFERED_PER_MINUTE; n++) {
    if ((await day.ask(small)).status === 200) served++;
    await day.ask(theirs);
    verified += 2;
    await day.clock.pass(EVERY_MS);
  }
  await day.ask({ body: rpc('tools/call'), headers: { 'mcp-session-id': THEIR_SESSION } });
  const foreign = day.calls.filter(
    ({ url, headers }) => url.includes(OURS) && headers['mcp-session-id'] === THEIR_SESSION,
  );
  await day.gateway.flush();
  const { taken, pending, lost } = day.gateway.counts().auditTrail;

  let atOnce = 0;
  let verificationsAtOnceMax = 0;
  const burst = make(clock => ({
    verifier: {
      isSigned: async token => {
        verificationsAtOnceMax = Math.max(verificationsAtOnceMax, ++atOnce);
        await clock.sleep(VERIFY_MS);
        atOnce--;
        return isSigned(token);
      },
    },
  }));
  const replies = Array.from({ length: BURST }, () => burst.ask(small));
  await burst.clock.pass(10 * VERIFY_MS);
  const turnedAway = (await Promise.all(replies)).filter(({ status }) => status === 503).length;

  const slow = make();
  slow.answer = async ({ deadlineAtMs }) => {
    await slow.clock.sleep(deadlineAtMs - slow.clock.nowMs());
    return { kind: 'unknown', reason: 'deadline' };
  };
  let timeoutMs = 0;
  const late = slow.ask().finally(() => (timeoutMs = slow.clock.nowMs() - START_MS));
  await slow.clock.pass(100_000);
  await late;

  return {
    servedShare: served / (MINUTES * OFFERED_PER_MINUTE),
    callsOfFailingService: day.calls.filter(({ url }) => url.includes(THEIRS)).length,
    verificationsAtOnceMax,
    turnedAway,
    timeoutMs,
    foreignSessionsForwarded: foreign.length,
    auditRecordsMissing: verified + 1 - (taken - pending - lost),
  };
}

const LESS = 0.8;
const { levels, circuitBreaker } = HONEST;
const SANDBOX = { ...levels.SANDBOX, requestsPerMinute: LESS * levels.SANDBOX.requestsPerMinute };

const BUGS: readonly [bug: string, Bug, seen: Partial<typeof PROMISED>][] = [
  [
    'quotas 20 % lower',
    { options: { levels: { ...levels, SANDBOX } } },
    { servedShare: (LESS * 100) / OFFERED_PER_MINUTE },
  ],
  [
    'a breaker that opens a failure too early',
    { options: { circuitBreaker: { ...circuitBreaker, failureThreshold: 4 } } },
    { callsOfFailingService: 4 + 3 },
  ],
  [
    'a breaker that tries again 20 % earlier',
    {
      options: {
        circuitBreaker: { ...circuitBreaker, resetTimeoutMs: LESS * circuitBreaker.resetTimeoutMs },
      },
    },
    { callsOfFailingService: 5 + 4 },
  ],
  [
    'a verification pool 20 % smaller',
    { options: { verificationPools: { ...HONEST.verificationPools, small: { size: 8, queueMax: 10 } } } },
    { verificationsAtOnceMax: 8, turnedAway: 7 },
  ],
  [
    'a queue 20 % shorter',
    { options: { verificationPools: { ...HONEST.verificationPools, small: { size: 10, queueMax: 8 } } } },
    { turnedAway: 7 },
  ],
  [
    'an audit trail that takes nothing',
    { ports: () => ({ audit: { append: () => Promise.reject(new Error('down')) } }) },
    { auditRecordsMissing: 2 * MINUTES * OFFERED_PER_MINUTE + 1 },
  ],
  ['a deadline 20 % earlier', { options: { requestTimeoutMs: 24_000 } }, { timeoutMs: 24_000 }],
  [
    'a cache that takes every session for the one who asks, and counts nothing',
    {
      ports: () => ({
        cache: {
          admit: async ({ company }) => ({
            retryAfterMs: undefined,
            sessionCompany: company,
            config: configOf(company),
          }),
          putConfig: async () => {},
          putSession: async () => {},
        },
      }),
    },
    { foreignSessionsForwarded: 1, servedShare: 1 },
  ],
];

describe('two minutes of traffic', () => {
  it('show of the gateway what the plan promises', async () => {
    expect(await figuresOf({})).toEqual(PROMISED);
  });

  it.each(BUGS)('show %s, and nothing else', async (_, bug, seen) => {
    const figures = await figuresOf(bug);
    expect(figures).not.toEqual(PROMISED);
    expect(figures).toEqual({ ...PROMISED, ...seen });
  });
});
