// What Cloud KMS refuses in a request: the checks of keys, of the states that a client may set, and of filters.

import { labelsProblem, unknownName } from './google.ts';
import { isObject } from './service.ts';

export const ALGORITHM = 'GOOGLE_SYMMETRIC_ENCRYPTION';
const KEY_FIELDS = ['purpose', 'labels', 'versionTemplate', 'destroyScheduledDuration'];
const isText = (value: unknown) => typeof value === 'string';
type Fields = Readonly<Record<string, (value: unknown) => boolean>>;
/** Fields that only the vendor sets: taken from whoever sends back what was given out, and ignored. */
const KEY_OUTPUT: Fields = { name: isText, createTime: isText, primary: isObject };
const VERSION_OUTPUT: Fields = {
  name: isText,
  protectionLevel: value => value === 'SOFTWARE',
  algorithm: value => value === ALGORITHM,
  createTime: isText,
  generateTime: isText,
  destroyTime: isText,
  destroyEventTime: isText,
};
/** What a gapic client then says of fields that are not set. The fake covers no other value of them. */
const KEY_UNSET: Readonly<Record<string, unknown>> = { importOnly: false, cryptoKeyBackend: '' };
const VERSION_UNSET: Readonly<Record<string, unknown>> = {
  importJob: '',
  importFailureReason: '',
  generationFailureReason: '',
  externalDestructionFailureReason: '',
  reimportEligible: false,
  trustedWrappingEnabled: false,
  hsmTrusted: false,
};
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
    keyFieldsProblem(body)
  );
}

/** Of a key its labels are all that the fake lets a client change. What is beside them the mask leaves out. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function labelsChangeProblem(body: any, mask: string | null): string | undefined {
  const unknown = keyFieldsProblem(body);
  if (unknown !== undefined) return unknown;
  return mask === 'labels' ? labelsProblem(body.labels) : `The update_mask [${mask ?? ''}] must be labels.`;
}

const keyFieldsProblem = (body: object) =>
  fieldsProblem(body, KEY_FIELDS, KEY_OUTPUT, KEY_UNSET, 'crypto_key');

/** What a client may make a new version with: enabled, when it says nothing. */
export function firstStateProblem(state: unknown): string | undefined {
  const states = [undefined, 'CRYPTO_KEY_VERSION_STATE_UNSPECIFIED', 'ENABLED', 'DISABLED'];
  return states.includes(state as string) ? undefined : `A version cannot be made in the state [${state}].`;
}

export const versionProblem = (body: object): string | undefined =>
  fieldsProblem(body, ['state'], VERSION_OUTPUT, VERSION_UNSET, 'crypto_key_version');

function fieldsProblem(
  body: object,
  own: readonly string[],
  output: Fields,
  unset: Readonly<Record<string, unknown>>,
  at: string,
): string | undefined {
  const set = Object.entries(body).filter(
    ([name, value]) => !Object.hasOwn(unset, name) || value !== unset[name],
  );
  const unknown = unknownName(Object.fromEntries(set), [...own, ...Object.keys(output)], at);
  const wrong = set.find(([name, value]) => Object.hasOwn(output, name) && !output[name](value));
  return unknown ?? (wrong && `Invalid value at '${at}.${wrong[0]}'.`);
}

export function secondsMs(duration: unknown): number | undefined {
  return typeof duration === 'string' && /^\d{1,9}s$/.test(duration)
    ? Number(duration.slice(0, -1)) * 1000
    : undefined;
}

/** A version's state is all that the fake lets a client change, and these are the two that a client may set. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function changeProblem(body: any, mask: string | null): string | undefined {
  const unknown = versionProblem(body);
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
