// Keys of Cloud KMS and their versions, as they are kept and as the vendor shows them. The state of a version is a
// function of its stored moments and the clock.

import { googleError } from './google.ts';
import { ALGORITHM } from './kmsChecks.ts';
import { type FakeReply, isoTime } from './service.ts';

/** `destroyAtMs`: when the material of a version scheduled for destruction goes; Infinity while it is none. */
export type Version = { readonly createdAtMs: number; isEnabled: boolean; destroyAtMs: number };
export type State = 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED';
export type Key = {
  labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly destroyScheduledMs: number;
  readonly versions: Version[];
  /** Number of the primary version, from 1. */
  primary: number;
  /** How often it has encrypted, so that no two ciphertexts are the same. */
  encryptions: number;
};

export const newVersion = (createdAtMs: number): Version => ({
  createdAtMs,
  isEnabled: true,
  destroyAtMs: Infinity,
});

export const isGone = ({ destroyAtMs }: Version) => destroyAtMs < Infinity;

export function stateOf(version: Version, nowMs: number): State {
  if (!isGone(version)) return version.isEnabled ? 'ENABLED' : 'DISABLED';
  return nowMs < version.destroyAtMs ? 'DESTROY_SCHEDULED' : 'DESTROYED';
}

export function wrongState(name: string, version: Version, nowMs: number): FakeReply {
  const state = `has value ${stateOf(version, nowMs)} in field crypto_key_version.state`;
  const message = `The request cannot be fulfilled. Resource ${name} ${state}.`;
  return googleError(400, message, undefined, 'FAILED_PRECONDITION');
}

export function keyResource(name: string, key: Key, nowMs: number): object {
  return {
    name,
    primary: versionResource(name, key.primary, key.versions[key.primary - 1], nowMs),
    purpose: 'ENCRYPT_DECRYPT',
    createTime: isoTime(key.createdAtMs),
    versionTemplate: { protectionLevel: 'SOFTWARE', algorithm: ALGORITHM },
    ...(Object.keys(key.labels).length > 0 && { labels: key.labels }),
    destroyScheduledDuration: `${key.destroyScheduledMs / 1000}s`,
  };
}

export function versionResource(keyName: string, number: number, version: Version, nowMs: number) {
  const state = stateOf(version, nowMs);
  return {
    name: `${keyName}/cryptoKeyVersions/${number}`,
    state,
    protectionLevel: 'SOFTWARE',
    algorithm: ALGORITHM,
    createTime: isoTime(version.createdAtMs),
    generateTime: isoTime(version.createdAtMs),
    ...(state === 'DESTROY_SCHEDULED' && { destroyTime: isoTime(version.destroyAtMs) }),
    ...(state === 'DESTROYED' && { destroyEventTime: isoTime(version.destroyAtMs) }),
  };
}
