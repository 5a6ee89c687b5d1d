// The edge in front of one gateway of the rig: the way of a request from its user and back, and the cache of assets and
// configs. A hit never reaches the gateway. Who is no simulated user, and so names no part of the world, passes through.

import { BoundedMap } from '../fakes/bounded.ts';
import { type Delays, TO_GATEWAY, TO_USER } from '../fakes/delays.ts';
import { Edge, type EdgeRequest } from '../fakes/edge.ts';
import { durationMs, type Scenario, USER_REGIONS, type UserRegion } from '../scenarios/scenario.ts';
import { keyWith } from '../src/gateway/key.ts';
import type { GatewayReply, GatewayRequest } from '../src/gateway/request.ts';
import type { Clock } from '../src/ports.ts';
import type { RigPorts } from './gatewayPorts.ts';

export type RigEdgeOptions = {
  readonly scenario: Scenario;
  /** The gateway's. */
  readonly region: string;
  readonly clock: Clock;
  readonly delays: Delays;
  readonly ports: Pick<RigPorts, 'timelineOf' | 'end'>;
  /** The gateway behind it. */
  readonly served: (request: GatewayRequest) => Promise<GatewayReply>;
};

export type RigEdge = {
  handle(request: GatewayRequest): Promise<GatewayReply>;
  /** Requests answered from the cache. */
  hits(): number;
};

export const USER_HEADER = 'x-sandtable-user';
const ASSETS = '/assets/';
const CONFIG = '/config';
/** Answers of a few kilobytes each. */
const REPLIES_MAX = 20_000;

export function createEdge(options: RigEdgeOptions): RigEdge {
  const { scenario, region, clock, delays, ports, served } = options;
  const { edgeAssets, edgeConfigs } = scenario.platform.caching;
  const edge = new Edge({ assetTtlMs: durationMs(edgeAssets), configTtlMs: durationMs(edgeConfigs) });
  const replies = new BoundedMap<GatewayReply>(REPLIES_MAX);
  let hits = 0;

  const pass = async (request: GatewayRequest, user: UserRegion): Promise<GatewayReply> => {
    const { key } = request;
    const timeline = ports.timelineOf(key);
    const asked = edgeRequestOf(request, user, region);
    const nameOf = ({ userRegion, kind, company, name }: EdgeRequest) =>
      [userRegion, kind, company, name].join();
    const kept = asked && edge.arrive(asked, clock.nowMs()).hit ? replies.get(nameOf(asked)) : undefined;
    if (kept !== undefined) {
      hits++;
      await timeline.wait(delays.edgeMs(user, keyWith(key, TO_GATEWAY)));
      return kept;
    }
    await timeline.wait(delays.toGatewayMs(user, region, keyWith(key, TO_GATEWAY)));
    const reply = await served(request);
    if (asked !== undefined) {
      const cacheControl = reply.headers['cache-control'];
      edge.store(
        asked,
        { status: reply.status, ...(cacheControl !== undefined && { cacheControl }) },
        clock.nowMs(),
      );
      if (reply.status === 200) replies.set(nameOf(asked), reply);
    }
    await timeline.wait(delays.toUserMs(user, region, keyWith(key, TO_USER)));
    return reply;
  };
  return {
    hits: () => hits,
    handle: async request => {
      const user = userOf(request);
      try {
        return await (user === undefined ? served(request) : pass(request, user));
      } finally {
        ports.end(request.key);
      }
    },
  };
}

function userOf({ headers }: GatewayRequest): UserRegion | undefined {
  return USER_REGIONS.find(name => name === headers[USER_HEADER]);
}

/** Undefined for what no cache keeps. */
function edgeRequestOf(
  { method, path, host }: GatewayRequest,
  userRegion: UserRegion,
  homeRegion: string,
): EdgeRequest | undefined {
  if (method !== 'GET' || !(path === CONFIG || path.startsWith(ASSETS))) return undefined;
  const company = host.slice(0, Math.max(0, host.indexOf('.')));
  return path === CONFIG
    ? { kind: 'config', company, name: '', userRegion, homeRegion }
    : { kind: 'asset', company, name: path.slice(ASSETS.length), userRegion, homeRegion };
}
