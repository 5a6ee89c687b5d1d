// Google Cloud KMS v1: the company's key. A deleted key's name can never be used again, so a company that is undone
// keeps its key: undoing destroys its versions, and making it again enables one new version and makes it primary.

import type { protos } from '@google-cloud/kms';
import type { Answer } from '../ports.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, type Send, unreadable } from './call.ts';
import { GOOGLE, googleFailure, googleGet, isPrecondition, isTaken } from './google.ts';

type CryptoKey = protos.google.cloud.kms.v1.ICryptoKey;
type CryptoKeyVersion = protos.google.cloud.kms.v1.ICryptoKeyVersion;
type VersionList = protos.google.cloud.kms.v1.IListCryptoKeyVersionsResponse;

const API = 'https://cloudkms.googleapis.com/v1';
const ENABLED = 'state=ENABLED';
const DISABLED = 'state=DISABLED';

export function cryptoKeyVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const key = ownKey(send, company, platform);
  const { ring, name, url } = key;
  const get = (attempt: Attempt, part: number) => googleGet<CryptoKey>(send, url, attempt, part);

  /** Gives a key of ours without an enabled primary version a new one; one that an earlier try made is taken up. */
  const revive = async (attempt: Attempt): Promise<CloudResult> => {
    const found = await get(attempt, 1);
    if (found.kind === 'absent') return { kind: 'exists' };
    if (found.kind !== 'found') return found;
    if (readKey(found.resource, company, name).kind !== 'absent') return { kind: 'exists' };
    const enabled = await versionsIn(key, ENABLED, attempt, 2);
    if (enabled.kind !== 'versions') return enabled;
    let version = enabled.names.at(-1);
    if (version === undefined) {
      const createUrl = `${url}/cryptoKeyVersions`;
      const answer = await send({ method: 'POST', url: createUrl, ...GOOGLE, body: {} }, attempt, 3);
      if (answer.kind !== 'answered') return answer;
      if (answer.status !== 200) return googleFailure(answer);
      version = (jsonOf(answer) as CryptoKeyVersion | undefined)?.name ?? undefined;
      if (version === undefined) return unreadable(answer);
    }
    const body = { cryptoKeyVersionId: version.slice(version.lastIndexOf('/') + 1) };
    const answer = await send(
      { method: 'POST', url: `${url}:updatePrimaryVersion`, ...GOOGLE, body },
      attempt,
      4,
    );
    if (answer.kind !== 'answered') return answer;
    return answer.status === 200 ? { kind: 'done', id: name } : changeFailure(answer);
  };

  return {
    create: async attempt => {
      const body: CryptoKey = { purpose: 'ENCRYPT_DECRYPT', labels: { company: company.id } };
      const createUrl = `${API}/${ring}/cryptoKeys?cryptoKeyId=${company.id}`;
      const answer = await send({ method: 'POST', url: createUrl, ...GOOGLE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (isTaken(answer)) return revive(attempt);
      return answer.status === 200 ? { kind: 'done', id: name } : googleFailure(answer);
    },
    find: async attempt => {
      const found = await get(attempt, 0);
      return found.kind === 'found' ? readKey(found.resource, company, name) : found;
    },
    // What is not ours stays: destroying it could not be taken back.
    remove: async attempt => {
      const found = await get(attempt, 0);
      if (found.kind !== 'found') return found;
      if (found.resource.labels?.company !== company.id) return { kind: 'absent' };
      // A suspended company's are disabled, and go as well.
      const left = await versionsIn(key, `${ENABLED} OR ${DISABLED}`, attempt, 1);
      if (left.kind !== 'versions') return left;
      for (const [index, version] of left.names.entries()) {
        const destroyUrl = `${API}/${version}:destroy`;
        const answer = await send(
          { method: 'POST', url: destroyUrl, ...GOOGLE, body: {} },
          attempt,
          2 + index,
        );
        if (answer.kind !== 'answered') return answer;
        if (answer.status !== 200) return changeFailure(answer);
      }
      return left.names.length === 0 ? { kind: 'absent' } : { kind: 'done', id: '' };
    },
  };
}

/** Suspends a company: nothing is encrypted or decrypted with its key until it is enabled again. */
export function disableKey(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  return setState(ownKey(send, company, platform), 'DISABLED', attempt);
}

/** Enables every version that is disabled, since each may have encrypted something. */
export function enableKey(
  send: Send,
  company: Company,
  platform: Platform,
  attempt: Attempt,
): Promise<CloudResult> {
  return setState(ownKey(send, company, platform), 'ENABLED', attempt);
}

async function setState(key: OwnKey, state: 'ENABLED' | 'DISABLED', attempt: Attempt): Promise<CloudResult> {
  const { send, company, name, url } = key;
  const found = await googleGet<CryptoKey>(send, url, attempt, 0);
  if (found.kind !== 'found') return found;
  const { labels, primary } = found.resource;
  if (labels?.company !== company.id) return heldByAnother(name);
  const others = await versionsIn(key, state === 'ENABLED' ? DISABLED : ENABLED, attempt, 1);
  if (others.kind !== 'versions') return others;
  // The key of a company that is gone stays, without a version that could have either state.
  if (others.names.length === 0 && primary?.state !== state) return { kind: 'absent' };
  for (const [index, version] of others.names.entries()) {
    const body: CryptoKeyVersion = { state };
    const patchUrl = `${API}/${version}?updateMask=state`;
    const answer = await send({ method: 'PATCH', url: patchUrl, ...GOOGLE, body }, attempt, 2 + index);
    if (answer.kind !== 'answered') return answer;
    if (answer.status !== 200) return changeFailure(answer);
  }
  return { kind: 'done', id: name };
}

/** A list may tell how things stood a while ago, so what a version's state forbids is looked at again. */
function changeFailure(answer: Answer): CloudResult {
  return isPrecondition(answer)
    ? { kind: 'transient', reason: '400 it is in another state than it was seen in' }
    : googleFailure(answer);
}

type OwnKey = {
  readonly send: Send;
  readonly company: Company;
  readonly ring: string;
  readonly name: string;
  readonly url: string;
};

function ownKey(send: Send, company: Company, platform: Platform): OwnKey {
  const ring = `projects/${placeOf(company, platform).googleProject}/locations/${company.region}/keyRings/companies`;
  const name = `${ring}/cryptoKeys/${company.id}`;
  return { send, company, ring, name, url: `${API}/${name}` };
}

async function versionsIn(
  { send, url }: OwnKey,
  filter: string,
  attempt: Attempt,
  part: number,
): Promise<Versions> {
  const listUrl = `${url}/cryptoKeyVersions?filter=${encodeURIComponent(filter)}`;
  const answer = await send({ method: 'GET', url: listUrl, ...GOOGLE }, attempt, part);
  if (answer.kind !== 'answered') return answer;
  if (answer.status !== 200) return googleFailure(answer);
  const list = jsonOf(answer) as VersionList | undefined;
  if (!list) return unreadable(answer);
  return { kind: 'versions', names: (list.cryptoKeyVersions ?? []).map(version => version.name ?? '') };
}

type Versions = { readonly kind: 'versions'; readonly names: readonly string[] } | CloudResult;

/** A key whose primary version is destroyed, or that has none, is as good as absent. */
function readKey({ labels, primary }: CryptoKey, company: Company, name: string): CloudResult {
  if (labels?.company !== company.id) return heldByAnother(name);
  if (primary?.state === 'ENABLED') return { kind: 'done', id: name };
  if (primary?.state === 'PENDING_GENERATION') return { kind: 'pending', id: '' };
  if (primary?.state === 'DISABLED') return { kind: 'rejected', reason: `the key ${name} is disabled` };
  return { kind: 'absent' };
}
