// Cloud KMS v1: keys and their versions, in the key ring `companies` that the platform's set-up has made in every
// location. Nothing here deletes a key, since that would use up its name: undoing it destroys its primary version, which
// the ledger calls 'deleted'.

import { companyOf, googleError, googleRefusals, pageOf, unknownName } from './google.ts';
import {
  ALGORITHM,
  changeProblem,
  DESTROY_SCHEDULED_DEFAULT_MS,
  keyProblem,
  secondsMs,
  statesOf,
} from './kmsChecks.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

/** `destroyAtMs`: when the material of a version scheduled for destruction goes; Infinity while it is none. */
type Version = { readonly createdAtMs: number; isEnabled: boolean; destroyAtMs: number };
type State = 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED';
type Key = {
  readonly labels: Record<string, string>;
  readonly createdAtMs: number;
  readonly destroyScheduledMs: number;
  readonly versions: Version[];
  /** Number of the primary version, from 1. */
  primary: number;
};

const KEY_RING = 'companies';
const KEY_ID = /^[A-Za-z0-9_-]{1,63}$/;
const PAGE_SIZE_MAX = 1000;
const KEYS = '/v1/projects/:project/locations/:location/keyRings/:keyRing/cryptoKeys';
const VERSIONS = `${KEYS}/:cryptoKey/cryptoKeyVersions`;

export function kms(world: World): Service {
  const keys = new Map<string, Key>();
  const scope = ({ params }: RouteContext) => `${params.project}/${params.location}`;
  const record = (name: string, key: Key, effect: 'created' | 'changed' | 'deleted', atMs: number) => {
    const detail = `primary ${key.primary} ${stateOf(key.versions[key.primary - 1], atMs)}`;
    const company = companyOf(key.labels);
    world.ledger.write({ atMs, service: 'kms', kind: 'cryptoKey', name, company, effect, detail });
  };

  const create = ({ params, query, body, nowMs }: RouteContext): FakeReply => {
    const ring = `projects/${params.project}/locations/${params.location}/keyRings/${params.keyRing}`;
    if (params.keyRing !== KEY_RING) return googleError(404, `KeyRing ${ring} not found.`);
    const id = query.get('cryptoKeyId') ?? '';
    const problem = KEY_ID.test(id)
      ? keyProblem(body)
      : `The crypto key ID [${id}] must match ${KEY_ID.source}.`;
    if (problem !== undefined) return googleError(400, problem);
    const name = `${ring}/cryptoKeys/${id}`;
    if (keys.has(name)) return googleError(409, `CryptoKey ${name} already exists.`);
    const key: Key = {
      labels: body.labels ?? {},
      createdAtMs: nowMs,
      destroyScheduledMs: secondsMs(body.destroyScheduledDuration) ?? DESTROY_SCHEDULED_DEFAULT_MS,
      versions: [{ createdAtMs: nowMs, isEnabled: true, destroyAtMs: Infinity }],
      primary: 1,
    };
    keys.set(name, key);
    record(name, key, 'created', nowMs);
    return { status: 200, body: keyResource(name, key, nowMs) };
  };

  /** Runs `handle` with the key of the path, or answers 404. */
  const withKey =
    (handle: (name: string, key: Key, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { project, location, keyRing, cryptoKey } = context.params;
      const name = `projects/${project}/locations/${location}/keyRings/${keyRing}/cryptoKeys/${cryptoKey}`;
      const key = keys.get(name);
      return key === undefined
        ? googleError(404, `CryptoKey ${name} not found.`)
        : handle(name, key, context);
    };

  // A new version encrypts nothing until it is made primary, so the ledger says nothing of it.
  const createVersion = withKey((name, key, { body, nowMs }) => {
    const unknown = unknownName(body, ['state'], 'crypto_key_version');
    if (unknown !== undefined) return googleError(400, unknown);
    const version = { createdAtMs: nowMs, isEnabled: true, destroyAtMs: Infinity };
    const number = key.versions.push(version);
    return { status: 200, body: versionResource(name, number, version, nowMs) };
  });

  const listVersions = withKey((name, key, { query, nowMs }) => {
    const states = statesOf(query.get('filter'));
    if (typeof states === 'string') return googleError(400, states);
    const versions = key.versions
      .map((version, index) => versionResource(name, index + 1, version, nowMs))
      .filter(version => states?.includes(version.state) ?? true);
    return listReply('cryptoKeyVersions', versions, query);
  });

  const list = ({ params, query, nowMs }: RouteContext): FakeReply => {
    const ring = `projects/${params.project}/locations/${params.location}/keyRings/${params.keyRing}`;
    if (params.keyRing !== KEY_RING) return googleError(404, `KeyRing ${ring} not found.`);
    const all = [...keys].filter(([name]) => name.startsWith(`${ring}/`));
    return listReply(
      'cryptoKeys',
      all.map(([name, key]) => keyResource(name, key, nowMs)),
      query,
    );
  };

  /** Runs `handle` with the version of the path, or answers 404. */
  const withVersion = (handle: (version: Version, found: FoundVersion) => FakeReply) =>
    withKey((name, key, context) => {
      const number = Number(context.params.version);
      const version = key.versions[number - 1];
      const versionName = `${name}/cryptoKeyVersions/${context.params.version}`;
      return version === undefined
        ? googleError(404, `CryptoKeyVersion ${versionName} not found.`)
        : handle(version, { name, key, number, versionName, context });
    });

  const answer = (version: Version, { name, number, context }: FoundVersion): FakeReply => ({
    status: 200,
    body: versionResource(name, number, version, context.nowMs),
  });

  /** The ledger follows the primary version, which alone encrypts. */
  const recordPrimary = (
    { name, key, number, context }: FoundVersion,
    effect: 'created' | 'changed' | 'deleted',
  ) => {
    if (key.primary === number) record(name, key, effect, context.nowMs);
  };

  const destroy = withVersion((version, found) => {
    const { key, versionName, context } = found;
    const unknown = unknownName(context.body, [], 'destroy_crypto_key_version_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (isGone(version)) return wrongState(versionName, version, context.nowMs);
    version.destroyAtMs = context.nowMs + key.destroyScheduledMs;
    recordPrimary(found, 'deleted');
    return answer(version, found);
  });

  /** While its material is still there; it comes back disabled. */
  const restore = withVersion((version, found) => {
    const { versionName, context } = found;
    const unknown = unknownName(context.body, [], 'restore_crypto_key_version_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (stateOf(version, context.nowMs) !== 'DESTROY_SCHEDULED')
      return wrongState(versionName, version, context.nowMs);
    version.destroyAtMs = Infinity;
    version.isEnabled = false;
    recordPrimary(found, 'created');
    return answer(version, found);
  });

  const patchVersion = withVersion((version, found) => {
    const { versionName, context } = found;
    const problem = changeProblem(context.body, context.query.get('updateMask'));
    if (problem !== undefined) return googleError(400, problem);
    if (isGone(version)) return wrongState(versionName, version, context.nowMs);
    const isEnabled = context.body.state === 'ENABLED';
    if (version.isEnabled !== isEnabled) {
      version.isEnabled = isEnabled;
      recordPrimary(found, 'changed');
    }
    return answer(version, found);
  });

  const updatePrimary = withKey((name, key, { body, nowMs }) => {
    const number = body.cryptoKeyVersionId;
    const unknown = unknownName(body, ['cryptoKeyVersionId'], 'update_crypto_key_primary_version_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (typeof number !== 'string' || !/^[1-9]\d*$/.test(number))
      return googleError(400, 'crypto_key_version_id must be provided.');
    const version = key.versions[Number(number) - 1];
    const versionName = `${name}/cryptoKeyVersions/${number}`;
    if (version === undefined) return googleError(404, `CryptoKeyVersion ${versionName} not found.`);
    if (stateOf(version, nowMs) !== 'ENABLED') return wrongState(versionName, version, nowMs);
    const revived = isGone(key.versions[key.primary - 1]);
    if (key.primary !== Number(number)) {
      key.primary = Number(number);
      record(name, key, revived ? 'created' : 'changed', nowMs);
    }
    return { status: 200, body: keyResource(name, key, nowMs) };
  });

  const get = withKey((name, key, { nowMs }) => ({ status: 200, body: keyResource(name, key, nowMs) }));
  const write = { latency: 'lat.kms.write', scope } as const;
  const read = { latency: 'lat.kms.read', scope } as const;
  const primaryPath = `${KEYS}/:cryptoKey=updatePrimaryVersion`;
  return {
    name: 'kms',
    hosts: ['cloudkms.googleapis.com'],
    ...googleRefusals('cloudkms.googleapis.com', world.token),
    routes: [
      { method: 'POST', path: KEYS, operation: 'kms.cryptoKeys.create', ...write, handle: create },
      {
        method: 'POST',
        path: primaryPath,
        operation: 'kms.cryptoKeys.updatePrimaryVersion',
        ...write,
        handle: updatePrimary,
      },
      { method: 'GET', path: KEYS, operation: 'kms.cryptoKeys.list', ...read, handle: list },
      { method: 'GET', path: `${KEYS}/:cryptoKey=`, operation: 'kms.cryptoKeys.get', ...read, handle: get },
      {
        method: 'POST',
        path: VERSIONS,
        operation: 'kms.cryptoKeyVersions.create',
        ...write,
        handle: createVersion,
      },
      {
        method: 'GET',
        path: VERSIONS,
        operation: 'kms.cryptoKeyVersions.list',
        ...read,
        handle: listVersions,
      },
      {
        method: 'GET',
        path: `${VERSIONS}/:version=`,
        operation: 'kms.cryptoKeyVersions.get',
        ...read,
        handle: withVersion(answer),
      },
      {
        method: 'PATCH',
        path: `${VERSIONS}/:version=`,
        operation: 'kms.cryptoKeyVersions.patch',
        ...write,
        handle: patchVersion,
      },
      {
        method: 'POST',
        path: `${VERSIONS}/:version=restore`,
        operation: 'kms.cryptoKeyVersions.restore',
        ...write,
        handle: restore,
      },
      {
        method: 'POST',
        path: `${VERSIONS}/:version=destroy`,
        operation: 'kms.cryptoKeyVersions.destroy',
        ...write,
        handle: destroy,
      },
    ],
  };
}

type FoundVersion = {
  /** Of the key. */
  readonly name: string;
  readonly key: Key;
  readonly number: number;
  readonly versionName: string;
  readonly context: RouteContext;
};

function listReply(kind: string, all: readonly object[], query: URLSearchParams): FakeReply {
  const page = pageOf(all, query, PAGE_SIZE_MAX);
  if (typeof page === 'string') return googleError(400, page);
  const { items, nextPageToken } = page;
  return {
    status: 200,
    body: { ...(items.length > 0 && { [kind]: items }), nextPageToken, totalSize: all.length },
  };
}

const isGone = ({ destroyAtMs }: Version) => destroyAtMs < Infinity;

function stateOf(version: Version, nowMs: number): State {
  if (!isGone(version)) return version.isEnabled ? 'ENABLED' : 'DISABLED';
  return nowMs < version.destroyAtMs ? 'DESTROY_SCHEDULED' : 'DESTROYED';
}

function wrongState(name: string, version: Version, nowMs: number): FakeReply {
  const state = `has value ${stateOf(version, nowMs)} in field crypto_key_version.state`;
  const message = `The request cannot be fulfilled. Resource ${name} ${state}.`;
  return googleError(400, message, undefined, 'FAILED_PRECONDITION');
}

function keyResource(name: string, key: Key, nowMs: number): object {
  return {
    name,
    primary: versionResource(name, key.primary, key.versions[key.primary - 1], nowMs),
    purpose: 'ENCRYPT_DECRYPT',
    createTime: isoTime(key.createdAtMs),
    versionTemplate: { protectionLevel: 'SOFTWARE', algorithm: ALGORITHM },
    labels: key.labels,
    destroyScheduledDuration: `${key.destroyScheduledMs / 1000}s`,
  };
}

function versionResource(keyName: string, number: number, version: Version, nowMs: number) {
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
