// Atlas's limits: how many users, roles and clusters a project may have, which the API tells and raises up to a maximum;
// what an organisation may have; and the buckets of tokens that single endpoints are limited by.

import { failure, invalidAttribute, unknownAttribute } from './atlasChecks.ts';
import type { Reached } from './atlasProjects.ts';
import { limitReached } from './resourceLimit.ts';
import type { FakeReply, RouteContext, World } from './service.ts';

type Handler = (context: RouteContext) => FakeReply;
type ProjectLimit = {
  /** Its facts: the vendor's default, and with `-max` what the API raises it to at most. */
  readonly fact: string;
  readonly refusal: (limit: number) => FakeReply;
};

const refused = (errorCode: string, detail: string, parameters: readonly unknown[]): FakeReply => ({
  ...failure(403, errorCode, detail, parameters),
  latency: 'lat.refusal',
  quota: errorCode,
});

export const USERS_LIMIT = 'atlas.project.security.databaseAccess.users';
export const ROLES_LIMIT = 'atlas.project.security.databaseAccess.customRoles';
export const CLUSTERS_LIMIT = 'atlas.project.deployment.clusters';

const PROJECT_LIMITS: Readonly<Record<string, ProjectLimit>> = {
  [USERS_LIMIT]: {
    fact: 'quota.atlas.users',
    refusal: limit =>
      refused('GROUP_USERS_LIMIT_EXCEEDED', `Groups can contain at most ${limit} database users.`, [limit]),
  },
  [ROLES_LIMIT]: {
    fact: 'quota.atlas.roles',
    refusal: () => refused('CUSTOM_ROLES_LIMIT_EXCEEDED', 'Exceeded maximum number of custom roles.', []),
  },
  // Assumed: the vendor documents no code for it.
  [CLUSTERS_LIMIT]: {
    fact: 'quota.atlas.clusters',
    refusal: limit =>
      refused('MAX_CLUSTERS_PER_GROUP_EXCEEDED', `A project has ${limit} clusters at most.`, [limit]),
  },
};

export type Limits = Readonly<Record<'list' | 'get' | 'set' | 'reset', Handler>> & {
  readonly reached: Reached;
};

/** `usage`: how many a project has of what a limit counts. */
export function createLimits(
  world: World,
  usage: (group: string, name: string, nowMs: number) => number,
): Limits {
  /** What was set, by project and name. */
  const set = new Map<string, number>();
  const keyOf = (group: string, name: string) => `${group} ${name}`;

  const resource = (group: string, name: string, nowMs: number) => {
    const { fact } = PROJECT_LIMITS[name];
    const defaultLimit = world.valueOf(fact);
    return {
      name,
      value: set.get(keyOf(group, name)) ?? defaultLimit,
      currentUsage: usage(group, name, nowMs),
      defaultLimit,
      maximumLimit: world.valueOf(`${fact}-max`),
    };
  };

  const withLimit =
    (handle: (name: string, context: RouteContext) => FakeReply): Handler =>
    context => {
      const { limit } = context.params;
      // Assumed: the vendor documents no code for a name that is none.
      return Object.hasOwn(PROJECT_LIMITS, limit)
        ? handle(limit, context)
        : failure(404, 'RESOURCE_NOT_FOUND', `Cannot find resource ${limit}.`, [limit]);
    };

  return {
    list: ({ params: { group }, nowMs }) => ({
      status: 200,
      body: Object.keys(PROJECT_LIMITS).map(name => resource(group, name, nowMs)),
    }),
    get: withLimit((name, { params: { group }, nowMs }) => ({
      status: 200,
      body: resource(group, name, nowMs),
    })),
    set: withLimit((name, { params: { group }, body, nowMs }) => {
      const unknown = unknownAttribute(body, ['name', 'value']);
      if (unknown !== undefined) return unknown;
      if (body.name !== undefined && body.name !== name) return invalidAttribute('name');
      const { maximumLimit } = resource(group, name, nowMs);
      if (!Number.isInteger(body.value) || body.value < 1 || body.value > maximumLimit)
        return invalidAttribute('value');
      set.set(keyOf(group, name), body.value);
      return { status: 200, body: resource(group, name, nowMs) };
    }),
    reset: withLimit((name, { params: { group } }) => {
      set.delete(keyOf(group, name));
      return { status: 204, body: undefined };
    }),
    reached: (group, name, count) => {
      if (!world.resourceQuotas) return undefined;
      const { fact, refusal } = PROJECT_LIMITS[name];
      const limit = set.get(keyOf(group, name)) ?? world.valueOf(fact);
      return count() >= limit ? refusal(limit) : undefined;
    },
  };
}

/** The status is assumed, the code is the vendor's. */
export function projectsReached(world: World, count: number, orgId: string): FakeReply | undefined {
  const limit = limitReached(world, 'quota.atlas.projects', count);
  if (limit === undefined) return undefined;
  const detail = `The organization ${orgId} has ${limit} projects, as many as it may have.`;
  return refused('MAX_GROUPS_PER_ORG_EXCEEDED', detail, [limit]);
}

/** `usdPerHour`: what the organisation's clusters would cost together. */
export function billingReached(world: World, usdPerHour: () => number): FakeReply | undefined {
  if (!world.resourceQuotas) return undefined;
  return usdPerHour() > world.valueOf('quota.atlas.billing')
    ? refused('HOURLY_BILLING_LIMIT_EXCEEDED', 'The hourly billing limit has been exceeded.', [])
    : undefined;
}

const REFILL_SECONDS = 60;

/**
 * Puts handlers behind a bucket of tokens that they share, one for each `scope`: a call takes one, and once a minute so
 * many come back, up to the bucket's size. `name` is the last part of the facts' ids, `path` the vendor's for the set.
 */
export function createBucket(
  world: World,
  name: string,
  path: string,
  scope: (context: RouteContext) => string,
): (handle: Handler) => Handler {
  const buckets = new Map<string, { tokens: number; filledAtMs: number }>();
  return handle => context => {
    if (!world.resourceQuotas) return handle(context);
    const capacity = world.valueOf(`quota.atlas.tokens.${name}`);
    const refill = world.valueOf(`quota.atlas.refill.${name}`);
    const { nowMs } = context;
    const bucket = buckets.get(scope(context)) ?? { tokens: capacity, filledAtMs: nowMs };
    buckets.set(scope(context), bucket);
    const periods = Math.floor((nowMs - bucket.filledAtMs) / (REFILL_SECONDS * 1000));
    bucket.tokens = Math.min(capacity, bucket.tokens + periods * refill);
    bucket.filledAtMs += periods * REFILL_SECONDS * 1000;
    if (bucket.tokens < 1) {
      const seconds = Math.ceil(REFILL_SECONDS - (nowMs - bucket.filledAtMs) / 1000);
      const detail = `Rate limit exceeded for ${path}. Please retry after ${seconds} seconds. Request capacity: ${capacity}. Refill rate: ${refill} per ${REFILL_SECONDS} seconds.`;
      return {
        ...failure(429, 'RATE_LIMITED_TOKEN_BUCKET', detail, [
          path,
          seconds,
          capacity,
          refill,
          REFILL_SECONDS,
        ]),
        headers: { 'retry-after': String(seconds) },
        latency: 'lat.refusal',
        quota: path,
      };
    }
    bucket.tokens--;
    return handle(context);
  };
}
