// What the waits beside the vendors' take: the region's cache and records, SallyPort, the way between a user, the edge and
// a gateway. Both clocks draw them here, so that the same wait is as long in both.

import { logNormal } from '../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { UserRegion } from '../scenarios/scenario.ts';
import type { CallKey } from '../src/ports.ts';

/** Milliseconds of one wait; each wait has a key of its own, its operation included. */
export type Delays = {
  readonly cacheTripMs: (key: CallKey) => number;
  readonly recordReadMs: (key: CallKey) => number;
  readonly verifyMs: (key: CallKey) => number;
  /** One way is half of a round trip, drawn for this way alone. */
  readonly toGatewayMs: (user: UserRegion, region: string, key: CallKey) => number;
  readonly toUserMs: (user: UserRegion, region: string, key: CallKey) => number;
  /** To the user's edge and back, with an answer from its cache. */
  readonly edgeMs: (user: UserRegion, key: CallKey) => number;
};

/** Last places of the keys that a user's two ways are drawn by, in both clocks. */
export const TO_GATEWAY = 6;
export const TO_USER = 7;

type Draw = (key: CallKey) => number;

export function createDelays(facts: FactValues, seed: number): Delays {
  /** Looked up on first use, so that a report lists the facts that a run did use. */
  const drawOf = (fact: string, purpose: number): Draw => {
    let msAt: ((uniform: number) => number) | undefined;
    return key => {
      if (msAt === undefined) {
        const { value, spread } = facts.get(fact);
        msAt = logNormal(value, spread);
      }
      return msAt(drawUniform(seed, purpose, key));
    };
  };
  const ways = new Map<string, Map<string, Draw>>();
  const roundTripOf = (user: UserRegion, place: string): Draw => {
    let own = ways.get(user);
    if (own === undefined) ways.set(user, (own = new Map()));
    let draw = own.get(place);
    if (draw === undefined) own.set(place, (draw = drawOf(`rtt.${user}.${place}`, PURPOSE.userWay)));
    return draw;
  };
  const oneWayMs = (user: UserRegion, region: string, key: CallKey) => roundTripOf(user, region)(key) / 2;
  const edgeHitMs = drawOf('lat.edge.hit', PURPOSE.operation);
  return {
    cacheTripMs: drawOf('lat.redis.trip', PURPOSE.cache),
    recordReadMs: drawOf('lat.mongo.read', PURPOSE.record),
    verifyMs: drawOf('lat.sallyport.verify', PURPOSE.verify),
    toGatewayMs: oneWayMs,
    toUserMs: oneWayMs,
    edgeMs: (user, key) => roundTripOf(user, 'edge')(key) + edgeHitMs(key),
  };
}
