// Cloudflare's API tokens: the fakes' own fixed one, and those that it makes, which may end or be revoked. A token may do
// everything: policies are checked for their form and not for what they allow.

import { failure, foreignField, ID, success } from './cloudflareEnvelope.ts';
import { type FakeReply, isObject, isoTime, type RouteContext, type World } from './service.ts';
import { msOfTime } from './time.ts';

type Token = {
  readonly id: string;
  readonly name: string;
  readonly policies: readonly unknown[];
  readonly issuedAtMs: number;
  readonly notBeforeMs: number | undefined;
  readonly expiresAtMs: number | undefined;
};

const FIXED_ID = 'f0'.repeat(16);
const FIELDS = ['name', 'policies', 'expires_on', 'not_before'];
const FORM = /^Bearer ([\w-]+)$/;

export function createTokens(world: World, takeId: () => string) {
  /** By the secret text that a client sends. */
  const bySecret = new Map<string, Token>();

  /** Undefined while the token is good. `isVerify`: the call that asks about the token itself has its own code. */
  const refusal = (
    authorization: string | undefined,
    nowMs: number,
    isVerify: boolean,
  ): FakeReply | undefined => {
    if (authorization === undefined)
      return failure(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers');
    const [, secret] = FORM.exec(authorization) ?? [];
    if (secret === undefined)
      return failure(400, 6003, 'Invalid request headers', [
        { code: 6111, message: 'Invalid format for Authorization header' },
      ]);
    if (secret === world.token) return undefined;
    const token = bySecret.get(secret);
    if (token !== undefined && statusOf(token, nowMs) === 'active') return undefined;
    // That an expired token is refused in the same words as one that never was is assumed.
    return isVerify ? failure(401, 1000, 'Invalid API Token') : failure(403, 9109, 'Invalid access token');
  };

  const verify = ({ headers, nowMs }: RouteContext): FakeReply => {
    const token = bySecret.get(FORM.exec(headers.authorization)![1]);
    const result =
      token === undefined
        ? { id: FIXED_ID, status: 'active' }
        : { id: token.id, status: statusOf(token, nowMs), ...timesOf(token) };
    const message = { code: 10000, message: 'This API Token is valid and active', type: null };
    return success(result, undefined, [message]);
  };

  const create = ({ body, nowMs }: RouteContext): FakeReply => {
    const invalid = invalidToken(body, nowMs) ?? overQuota();
    if (invalid !== undefined) return invalid;
    const { name, policies, expires_on, not_before } = body;
    const token: Token = {
      id: takeId(),
      name,
      policies,
      issuedAtMs: nowMs,
      notBeforeMs: msOfTime(not_before),
      expiresAtMs: msOfTime(expires_on),
    };
    // As long as the vendor's; no secret, since it opens nothing but a fake.
    const secret = token.id.padEnd(40, '0');
    bySecret.set(secret, token);
    note(token, 'created', nowMs);
    return success({ ...tokenResource(token, nowMs), value: secret });
  };

  const remove = ({ params: { id }, nowMs }: RouteContext): FakeReply => {
    if (!ID.test(id)) return failure(400, 1001, 'Invalid token identifier');
    const found = [...bySecret].find(([, token]) => token.id === id);
    // The code is assumed: none is documented.
    if (found === undefined) return failure(404, 1003, 'The token was not found.');
    const [secret, token] = found;
    bySecret.delete(secret);
    note(token, 'deleted', nowMs);
    return success({ id });
  };

  const overQuota = (): FakeReply | undefined =>
    world.resourceQuotas && bySecret.size >= world.valueOf('quota.cloudflare.tokens')
      ? failure(400, 1110, 'The quota of API tokens has been exceeded.')
      : undefined;

  const note = ({ id, name }: Token, effect: 'created' | 'deleted', atMs: number) =>
    world.ledger.write({
      ...{ atMs, service: 'cloudflare', kind: 'apiToken', name: `user/tokens/${id}`, company: '' },
      ...{ effect, detail: name },
    });

  return { refusal, create, remove, verify };
}

function statusOf({ notBeforeMs = -Infinity, expiresAtMs = Infinity }: Token, nowMs: number): string {
  if (nowMs >= expiresAtMs) return 'expired';
  return nowMs < notBeforeMs ? 'disabled' : 'active';
}

function timesOf({ notBeforeMs, expiresAtMs }: Token): object {
  return {
    ...(notBeforeMs !== undefined && { not_before: isoTime(notBeforeMs) }),
    ...(expiresAtMs !== undefined && { expires_on: isoTime(expiresAtMs) }),
  };
}

function tokenResource(token: Token, nowMs: number): object {
  const { id, name, policies, issuedAtMs } = token;
  const issued_on = isoTime(issuedAtMs);
  return { id, name, policies, status: statusOf(token, nowMs), issued_on, ...timesOf(token) };
}

/** The codes are assumed: the vendor documents none for the body of a token. */
function invalidToken(body: Record<string, unknown>, nowMs: number): FakeReply | undefined {
  const { name, policies, expires_on, not_before } = body;
  const invalid = (message: string) => failure(400, 1001, message);
  if (typeof name !== 'string' || name === '' || name.length > 120)
    return invalid('name must have 1 to 120 characters.');
  if (!Array.isArray(policies) || policies.length === 0 || !policies.every(isPolicy))
    return invalid('policies must list objects of effect, permission_groups and resources.');
  for (const [field, time] of Object.entries({ expires_on, not_before }))
    if (time !== undefined && msOfTime(time) === undefined) return invalid(`${field} must be a time in UTC.`);
  if (expires_on !== undefined && msOfTime(expires_on)! <= nowMs) return invalid('expires_on has passed.');
  return foreignField(body, FIELDS);
}

function isPolicy(policy: unknown): boolean {
  if (!isObject(policy)) return false;
  const { effect, permission_groups: groups, resources, ...rest } = policy;
  const areGroups = Array.isArray(groups) && groups.length > 0 && groups.every(isGroup);
  const isKnown = Object.keys(rest).length === 0;
  return (effect === 'allow' || effect === 'deny') && areGroups && areResources(resources) && isKnown;
}

const isGroup = (group: unknown): boolean =>
  isObject(group) && typeof group.id === 'string' && group.id !== '' && Object.keys(group).length === 1;

const areResources = (resources: unknown): boolean =>
  isObject(resources) &&
  Object.keys(resources).length > 0 &&
  Object.values(resources).every(value => typeof value === 'string' || areResources(value));
