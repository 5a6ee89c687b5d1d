// Google Secret Manager v1: secrets and their versions. A secret has exactly one enabled version.

import type { secretmanager_v1 } from '@googleapis/secretmanager';
import type { Chance } from '../ports.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, type Send, unreadable } from './call.ts';
import { GOOGLE, googleFailure, googleGet, isPrecondition, isTaken } from './google.ts';

const API = 'https://secretmanager.googleapis.com/v1';

const parentOf = (company: Company, platform: Platform) =>
  `projects/${placeOf(company, platform).googleProject}`;
const secretIdOf = (company: Company, part: string) => `${company.id}-${part}`;
const secretNameOf = (company: Company, platform: Platform, part: string) =>
  `${parentOf(company, platform)}/secrets/${secretIdOf(company, part)}`;

export function secretVerbs(send: Send, company: Company, platform: Platform, part: string): Verbs {
  const name = secretNameOf(company, platform, part);
  const url = `${API}/${name}`;
  const get = (attempt: Attempt) => googleGet<secretmanager_v1.Schema$Secret>(send, url, attempt);
  const isOurs = ({ labels }: secretmanager_v1.Schema$Secret) => labels?.company === company.id;
  return {
    create: async attempt => {
      const body: secretmanager_v1.Schema$Secret = {
        replication: { automatic: {} },
        labels: { company: company.id },
      };
      const createUrl = `${API}/${parentOf(company, platform)}/secrets?secretId=${secretIdOf(company, part)}`;
      const answer = await send({ method: 'POST', url: createUrl, ...GOOGLE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (isTaken(answer)) return { kind: 'exists' };
      return answer.status === 200 ? { kind: 'done', id: name } : googleFailure(answer);
    },
    find: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      return isOurs(found.resource) ? { kind: 'done', id: name } : heldByAnother(name);
    },
    // Deleting a secret deletes its versions with it. One of another company's stays, and is none of ours to remove.
    remove: async attempt => {
      const found = await get(attempt);
      if (found.kind !== 'found') return found;
      if (!isOurs(found.resource)) return { kind: 'absent' };
      return removed(await send({ method: 'DELETE', url, ...GOOGLE }, attempt, 1));
    },
  };
}

/**
 * The API takes no key that would tell a repeated addition from a new one, so each addition looks at what is there
 * afterwards, and so does each look: of several enabled versions the newest stays, since `latest` is what services read.
 * That is one call more for each addition, and more than that only where there is something to settle.
 */
export function secretVersionVerbs(
  send: Send,
  company: Company,
  platform: Platform,
  part: string,
  chance: Chance,
): Verbs {
  const secret: OwnSecret = { send, company, name: secretNameOf(company, platform, part) };
  return {
    nameless: true,
    create: async attempt => {
      // A secret's value never leaves this function: it goes to the vault and is read back from there.
      const data = btoa(chance.secret(attempt.key));
      const body: secretmanager_v1.Schema$AddSecretVersionRequest = { payload: { data } };
      const url = `${API}/${secret.name}:addVersion`;
      const answer = await send({ method: 'POST', url, ...GOOGLE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return UNSEEN;
      if (answer.status !== 200) return googleFailure(answer);
      const version = jsonOf(answer) as secretmanager_v1.Schema$SecretVersion | undefined;
      if (!version?.name) return unreadable(answer);
      const settled = await settleVersions(secret, attempt, 1, version.name);
      // It has been added, whatever the look came to: what that left open is for the next look.
      return settled.kind === 'done' ? settled : { kind: 'pending', id: version.name };
    },
    find: attempt => settleVersions(secret, attempt, 0),
    // The version goes with its secret, which is undone right after.
  };
}

/** Suspends a secret: no version of it can be read until one is enabled again. */
export const disableSecretVersions: Act = inOwnSecret(async (secret, attempt) => {
  const listed = await versionsIn(secret, 'ENABLED', attempt, 1);
  if (listed.kind !== 'versions') return listed;
  for (const [index, version] of listed.versions.entries()) {
    const result = await changeVersion(secret, version, 'disable', attempt, 2 + index);
    if (result.kind !== 'done') return result;
  }
  return { kind: 'done', id: secret.name };
});

/** Enables the newest version, unless one is enabled; `absent` when there is none to enable. */
export const enableSecretVersions: Act = inOwnSecret(async (secret, attempt) => {
  const enabled = await versionsIn(secret, 'ENABLED', attempt, 1);
  if (enabled.kind !== 'versions') return enabled;
  if (enabled.versions.length > 0) return { kind: 'done', id: newestFirst(enabled.versions)[0].name ?? '' };
  const disabled = await versionsIn(secret, 'DISABLED', attempt, 2);
  if (disabled.kind !== 'versions') return disabled;
  const [newest] = newestFirst(disabled.versions);
  return newest === undefined ? { kind: 'absent' } : changeVersion(secret, newest, 'enable', attempt, 3);
});

/** On the secret `part` of the company. */
type Act = (
  send: Send,
  company: Company,
  platform: Platform,
  part: string,
  attempt: Attempt,
) => Promise<CloudResult>;

/** What is not the company's is left alone. */
function inOwnSecret(act: (secret: OwnSecret, attempt: Attempt) => Promise<CloudResult>): Act {
  return async (send, company, platform, part, attempt) => {
    const secret: OwnSecret = { send, company, name: secretNameOf(company, platform, part) };
    const owned = await isOwn(secret, attempt, 0);
    return owned.kind === 'done' ? act(secret, attempt) : owned;
  };
}

/**
 * The secret was made a step or two ago: whoever does not see it yet tries again. The vendor promises no more than that a
 * version can be accessed by its number at once; everything else converges within minutes.
 */
const UNSEEN: CloudResult = { kind: 'transient', reason: '404 the secret cannot be seen' };

type OwnSecret = {
  readonly send: Send;
  readonly company: Company;
  readonly name: string;
};

/** Leaves the newest enabled version alone. `added`: one that the list may not show yet. */
async function settleVersions(
  secret: OwnSecret,
  attempt: Attempt,
  part: number,
  added?: string,
): Promise<CloudResult> {
  const listed = await versionsIn(secret, 'ENABLED', attempt, part);
  if (listed.kind !== 'versions') return listed;
  const isListed = added === undefined || listed.versions.some(version => version.name === added);
  const versions = isListed ? listed.versions : [...listed.versions, { name: added }];
  const [newest, ...older] = newestFirst(versions);
  if (newest === undefined) return { kind: 'absent' };
  if (older.length > 0) {
    const owned = await isOwn(secret, attempt, part + 1);
    if (owned.kind !== 'done') return owned;
  }
  for (const [index, version] of older.entries()) {
    const result = await changeVersion(secret, version, 'destroy', attempt, part + 2 + index);
    if (result.kind !== 'done') return result;
  }
  return { kind: 'done', id: newest.name ?? '' };
}

/** `done` when the secret is there and is the company's. */
async function isOwn(
  { send, company, name }: OwnSecret,
  attempt: Attempt,
  part: number,
): Promise<CloudResult> {
  const url = `${API}/${name}`;
  const found = await googleGet<secretmanager_v1.Schema$Secret>(send, url, attempt, part);
  if (found.kind !== 'found') return found;
  return found.resource.labels?.company === company.id ? { kind: 'done', id: name } : heldByAnother(name);
}

type Versions =
  | { readonly kind: 'versions'; readonly versions: readonly secretmanager_v1.Schema$SecretVersion[] }
  | CloudResult;

async function versionsIn(
  { send, name }: OwnSecret,
  state: 'ENABLED' | 'DISABLED',
  attempt: Attempt,
  part: number,
): Promise<Versions> {
  const url = `${API}/${name}/versions?filter=${encodeURIComponent(`state:${state}`)}`;
  const answer = await send({ method: 'GET', url, ...GOOGLE }, attempt, part);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status !== 200) return googleFailure(answer);
  const list = jsonOf(answer) as secretmanager_v1.Schema$ListSecretVersionsResponse | undefined;
  return list ? { kind: 'versions', versions: list.versions ?? [] } : unreadable(answer);
}

/** As it was seen: a version that somebody else has changed since is not touched, since they see to it. */
async function changeVersion(
  { send }: OwnSecret,
  { name, etag }: secretmanager_v1.Schema$SecretVersion,
  verb: 'destroy' | 'disable' | 'enable',
  attempt: Attempt,
  part: number,
): Promise<CloudResult> {
  const spec = { method: 'POST', url: `${API}/${name}:${verb}`, ...GOOGLE } as const;
  const answer = await send({ ...spec, body: etag ? { etag } : {} }, attempt, part);
  if (answer.kind !== 'answered') return answer;
  const isDone = answer.status === 200 || answer.status === 404;
  return isDone || isPrecondition(answer) ? { kind: 'done', id: name ?? '' } : googleFailure(answer);
}

const newestFirst = (versions: readonly secretmanager_v1.Schema$SecretVersion[]) =>
  [...versions].sort((one, other) => numberOf(other) - numberOf(one));
const numberOf = ({ name }: secretmanager_v1.Schema$SecretVersion) => Number(name?.split('/').at(-1));

/** The current value of a secret, for the one call that needs it; a failure is passed on. */
export async function accessSecret(
  send: Send,
  company: Company,
  platform: Platform,
  part: string,
  attempt: Attempt,
): Promise<{ readonly kind: 'value'; readonly value: string } | CloudResult> {
  const url = `${API}/${secretNameOf(company, platform, part)}/versions/latest:access`;
  const answer = await send({ method: 'GET', url, ...GOOGLE }, attempt, 1);
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return UNSEEN;
  if (answer.status !== 200) return googleFailure(answer);
  const version = jsonOf(answer) as secretmanager_v1.Schema$AccessSecretVersionResponse | undefined;
  const data = version?.payload?.data;
  return typeof data === 'string' ? { kind: 'value', value: atob(data) } : unreadable(answer);
}

function removed(answer: Awaited<ReturnType<Send>>): CloudResult {
  if (answer.kind !== 'answered') return answer;
  if (answer.status === 404) return { kind: 'absent' };
  return answer.status === 200 ? { kind: 'done', id: '' } : googleFailure(answer);
}
