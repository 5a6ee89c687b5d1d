// What Cloud KMS refuses in a request: the checks of keys, of the states that a client may set, and of filters.

import { labelsProblem, unknownName } from './google.ts';
import { isObject } from './service.ts';

export const ALGORITHM = 'GOOGLE_SYMMETRIC_ENCRYPTION';
const KEY_FIELDS = ['purpose', 'labels', 'versionTemplate', 'destroyScheduledDuration'];
const DAY_MS = 86_400_000;
export const DESTROY_SCHEDULED_DEFAULT_MS = 30 * DAY_MS;
const DESTROY_SCHEDULED_MAX_MS = 120 * DAY_MS;

// biome-ignore lint/suspicious/noExplicitAny: a fake checks every field of a body by hand
export function keyProblem(body: any): string | undefined {
  if (body.purpose !== 'ENCRYPT_DECRYPT')
    return `CryptoKey.purpose [${body.purpose}] must be ENCRYPT_DECRYPT.`;
  if (body.versionTemplate !== undefined && !isObject(body.versionTemplate))
    return 'CryptoKey.version_template must be an object.';
  const algorithm = body.versionTemplate?.algorithm ?? ALGORITHM;
  if (algorithm !== ALGORITHM)
    return `The algorithm [${algorithm}] does not fit the purpose ENCRYPT_DECRYPT.`;
  const level = body.versionTemplate?.protectionLevel ?? 'SOFTWARE';
  if (level !== 'SOFTWARE') return `The protection level [${level}] is not available in this location.`;
  if (body.destroyScheduledDuration !== undefined) {
    const ms = secondsMs(body.destroyScheduledDuration);
    if (ms === undefined || ms < DAY_MS || ms > DESTROY_SCHEDULED_MAX_MS)
      return 'CryptoKey.destroy_scheduled_duration must be between 86400s and 10368000s.';
  }
  return (
    labelsProblem(body.labels) ??
    unknownName(body.versionTemplate ?? {}, ['algorithm', 'protectionLevel'], 'version_template') ??
    unknownName(body, KEY_FIELDS, 'crypto_key')
  );
}

export function secondsMs(duration: unknown): number | undefined {
  return typeof duration === 'string' && /^\d{1,9}s$/.test(duration)
    ? Number(duration.slice(0, -1)) * 1000
    : undefined;
}

/** A version's state is all that the fake lets a client change, and these are the two that a client may set. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function changeProblem(body: any, mask: string | null): string | undefined {
  const unknown = unknownName(body, ['name', 'state'], 'crypto_key_version');
  if (unknown !== undefined) return unknown;
  if (mask !== 'state') return `The update_mask [${mask ?? ''}] must be state.`;
  return body.state === 'ENABLED' || body.state === 'DISABLED'
    ? undefined
    : `The state [${body.state}] cannot be set.`;
}

/** The states that are asked for, `undefined` for all; a text says why the filter is refused. */
export function statesOf(filter: string | null): readonly string[] | undefined | string {
  if (filter === null || filter === '') return undefined;
  const states = filter.split(' OR ').map(term => /^state=([A-Z_]+)$/.exec(term)?.[1]);
  return states.every(state => state !== undefined) ? states : `Invalid filter [${filter}].`;
}
