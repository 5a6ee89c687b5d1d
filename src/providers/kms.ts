// Google Cloud KMS v1: the company's key. A deleted key's name can never be used again, so a company that is undone
// keeps its key: undoing destroys the enabled versions, and making it again enables one new version and makes it primary.

import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, type Send, unreadable } from './call.ts';
import { googleFailure, googleGet, googleHeaders } from './google.ts';

/** As in Google's public description of the API; the parts that the client reads. */
type CryptoKeyVersion = {
  readonly name?: string;
  readonly state?: 'PENDING_GENERATION' | 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED';
};
type CryptoKey = {
  readonly name?: string;
  readonly purpose?: 'ENCRYPT_DECRYPT';
  readonly labels?: Readonly<Record<string, string>>;
  readonly primary?: CryptoKeyVersion;
};

const API = 'https://cloudkms.googleapis.com/v1';
const ENABLED = encodeURIComponent('state=ENABLED');

export function cryptoKeyVerbs(send: Send, token: string, company: Company, platform: Platform): Verbs {
  const headers = googleHeaders(token);
  const ring = `projects/${placeOf(company, platform).googleProject}/locations/${company.region}/keyRings/companies`;
  const name = `${ring}/cryptoKeys/${company.id}`;
  const url = `${API}/${name}`;

  const get = (attempt: Attempt, part: number) => googleGet<CryptoKey>(send, token, url, attempt, part);

  const enabledVersions = async (attempt: Attempt, part: number): Promise<Enabled> => {
    const listUrl = `${url}/cryptoKeyVersions?filter=${ENABLED}`;
    const answer = await send({ method: 'GET', url: listUrl, headers }, attempt, part);
    if (answer.kind !== 'answered') return answer;
    if (answer.status !== 200) return googleFailure(answer);
    const list = jsonOf(answer) as { readonly cryptoKeyVersions?: readonly CryptoKeyVersion[] } | undefined;
    if (!list) return unreadable(answer);
    return { kind: 'versions', names: (list.cryptoKeyVersions ?? []).map(version => version.name ?? '') };
  };

  /** Gives a key of ours without an enabled primary version a new one; one that an earlier try made is taken up. */
  const revive = async (attempt: Attempt): Promise<CloudResult> => {
    const found = await get(attempt, 1);
    if (found.kind === 'absent') return { kind: 'exists' };
    if (found.kind !== 'found') return found;
    if (readKey(found.resource, company, name).kind !== 'absent') return { kind: 'exists' };
    const enabled = await enabledVersions(attempt, 2);
    if (enabled.kind !== 'versions') return enabled;
    let version = enabled.names.at(-1);
    if (version === undefined) {
      const createUrl = `${url}/cryptoKeyVersions`;
      const answer = await send({ method: 'POST', url: createUrl, headers, body: {} }, attempt, 3);
      if (answer.kind !== 'answered') return answer;
      if (answer.status !== 200) return googleFailure(answer);
      version = (jsonOf(answer) as CryptoKeyVersion | undefined)?.name;
      if (version === undefined) return unreadable(answer);
    }
    const body = { cryptoKeyVersionId: version.slice(version.lastIndexOf('/') + 1) };
    const answer = await send(
      { method: 'POST', url: `${url}:updatePrimaryVersion`, headers, body },
      attempt,
      4,
    );
    if (answer.kind !== 'answered') return answer;
    return answer.status === 200 ? { kind: 'done', id: name } : googleFailure(answer);
  };

  return {
    create: async attempt => {
      const body: CryptoKey = { purpose: 'ENCRYPT_DECRYPT', labels: { company: company.id } };
      const createUrl = `${API}/${ring}/cryptoKeys?cryptoKeyId=${company.id}`;
      const answer = await send({ method: 'POST', url: createUrl, headers, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 409) return revive(attempt);
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
      const enabled = await enabledVersions(attempt, 1);
      if (enabled.kind !== 'versions') return enabled;
      for (const [index, version] of enabled.names.entries()) {
        const destroyUrl = `${API}/${version}:destroy`;
        const answer = await send({ method: 'POST', url: destroyUrl, headers, body: {} }, attempt, 2 + index);
        if (answer.kind !== 'answered') return answer;
        if (answer.status !== 200) return googleFailure(answer);
      }
      return enabled.names.length === 0 ? { kind: 'absent' } : { kind: 'done', id: '' };
    },
  };
}

type Enabled = { readonly kind: 'versions'; readonly names: readonly string[] } | CloudResult;

/** A key whose primary version is destroyed, or that has none, is as good as absent. */
function readKey({ labels, primary }: CryptoKey, company: Company, name: string): CloudResult {
  if (labels?.company !== company.id) return heldByAnother(name);
  if (primary?.state === 'ENABLED') return { kind: 'done', id: name };
  if (primary?.state === 'PENDING_GENERATION') return { kind: 'pending', id: '' };
  if (primary?.state === 'DISABLED') return { kind: 'rejected', reason: `the key ${name} is disabled` };
  return { kind: 'absent' };
}
