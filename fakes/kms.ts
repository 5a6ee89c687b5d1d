// Cloud KMS v1: keys and their versions, what they encrypt, and the key rings that they are in. Nothing here deletes a key,
// since that would use up its name: undoing it destroys its primary version, which the ledger calls 'deleted'.

import { companyOf, googleError, googleRefusals, unknownName } from './google.ts';
import { asksForNumbers } from './googleEnumerations.ts';
import { withKnownQueries } from './googleQuery.ts';
import {
  changeProblem,
  DESTROY_SCHEDULED_DEFAULT_MS,
  firstStateProblem,
  keyProblem,
  labelsChangeProblem,
  secondsMs,
  statesOf,
  versionProblem,
} from './kmsChecks.ts';
import { decrypt, encrypt } from './kmsCryptography.ts';
import { withNames, withNumbers } from './kmsEnumerations.ts';
import {
  isGone,
  type Key,
  keyResource,
  newVersion,
  stateOf,
  type Version,
  versionResource,
  wrongState,
} from './kmsKeys.ts';
import { createRings, listReply, ringMissing, ringOf } from './kmsRings.ts';
import type { FakeReply, Route, RouteContext, Service, World } from './service.ts';

const VERSION_ID = /^[1-9]\d{0,8}$/;
const KEY_ID = /^[A-Za-z0-9_-]{1,63}$/;
const RINGS = '/v1/projects/:project/locations/:location/keyRings';
const KEYS = `${RINGS}/:keyRing/cryptoKeys`;
const VERSIONS = `${KEYS}/:cryptoKey/cryptoKeyVersions`;

export function kms(world: World): Service {
  const keys = new Map<string, Key>();
  const rings = createRings(world);
  const scope = ({ params }: RouteContext) => `${params.project}/${params.location}`;
  const record = (name: string, key: Key, effect: 'created' | 'changed' | 'deleted', atMs: number) => {
    const detail = `primary ${key.primary} ${stateOf(key.versions[key.primary - 1], atMs)}`;
    const company = companyOf(key.labels);
    world.ledger.write({ atMs, service: 'kms', kind: 'cryptoKey', name, company, effect, detail });
  };

  const create = ({ params, query, body, nowMs }: RouteContext): FakeReply => {
    const ring = ringOf(params);
    if (!rings.has(ring)) return ringMissing(ring);
    const id = query.get('cryptoKeyId') ?? '';
    const problem = KEY_ID.test(id)
      ? keyProblem(body)
      : `The crypto key ID [${id}] must match ${KEY_ID.source}.`;
    if (problem !== undefined) return googleError(400, problem);
    if (query.get('skipInitialVersionCreation') === 'true')
      return googleError(
        400,
        'skip_initial_version_creation must not be set for the purpose ENCRYPT_DECRYPT.',
      );
    const name = `${ring}/cryptoKeys/${id}`;
    if (keys.has(name)) return googleError(409, `CryptoKey ${name} already exists.`);
    const key: Key = {
      labels: body.labels ?? {},
      createdAtMs: nowMs,
      destroyScheduledMs: secondsMs(body.destroyScheduledDuration) ?? DESTROY_SCHEDULED_DEFAULT_MS,
      versions: [newVersion(nowMs)],
      primary: 1,
      encryptions: 0,
    };
    keys.set(name, key);
    record(name, key, 'created', nowMs);
    return { status: 200, body: keyResource(name, key, nowMs) };
  };

  /** Runs `handle` with the key of the path, or answers 404. */
  const withKey =
    (handle: (name: string, key: Key, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const name = `${ringOf(context.params)}/cryptoKeys/${context.params.cryptoKey}`;
      const key = keys.get(name);
      return key === undefined
        ? googleError(404, `CryptoKey ${name} not found.`)
        : handle(name, key, context);
    };

  // A new version encrypts nothing until it is made primary, so the ledger says nothing of it.
  const createVersion = withKey((name, key, { body, nowMs }) => {
    const problem = versionProblem(body) ?? firstStateProblem(body.state);
    if (problem !== undefined) return googleError(400, problem);
    const version = newVersion(nowMs);
    version.isEnabled = body.state !== 'DISABLED';
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
    const ring = ringOf(params);
    if (!rings.has(ring)) return ringMissing(ring);
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
      const id = context.params.version;
      const number = VERSION_ID.test(id) ? Number(id) : 0;
      const version = key.versions[number - 1];
      const versionName = `${name}/cryptoKeyVersions/${id}`;
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

  const patch = withKey((name, key, { body, query, nowMs }) => {
    const problem = labelsChangeProblem(body, query.get('updateMask'));
    if (problem !== undefined) return googleError(400, problem);
    key.labels = body.labels ?? {};
    record(name, key, 'changed', nowMs);
    return { status: 200, body: keyResource(name, key, nowMs) };
  });

  const get = withKey((name, key, { nowMs }) => ({ status: 200, body: keyResource(name, key, nowMs) }));
  const encryptWith = withVersion((_version, { name, key, number, context }) =>
    encrypt(name, key, number, context),
  );
  const route = (
    method: string,
    path: string,
    operation: string,
    handle: Route['handle'],
    takesEmptyText?: true,
  ): Route => ({
    method,
    path,
    operation: `kms.${operation}`,
    // What a cryptographic request takes no source says: assumed as long as a read, since nothing is written.
    latency: method === 'GET' || operation.endsWith('crypt') ? 'lat.kms.read' : 'lat.kms.write',
    scope,
    ...(takesEmptyText && { takesEmptyText }),
    handle: context => {
      const reply = handle({ ...context, body: withNames(context.body) });
      return asksForNumbers(context.query) ? { ...reply, body: withNumbers(reply.body) } : reply;
    },
  });
  const key = `${KEYS}/:cryptoKey`;
  const version = `${VERSIONS}/:version`;
  return {
    name: 'kms',
    hosts: ['cloudkms.googleapis.com'],
    ...googleRefusals('cloudkms.googleapis.com', world),
    routes: withKnownQueries([
      route('POST', KEYS, 'cryptoKeys.create', create, true),
      route('POST', `${key}=updatePrimaryVersion`, 'cryptoKeys.updatePrimaryVersion', updatePrimary),
      route(
        'POST',
        `${key}=encrypt`,
        'cryptoKeys.encrypt',
        withKey((name, found, context) => encrypt(name, found, found.primary, context)),
      ),
      route('POST', `${key}=decrypt`, 'cryptoKeys.decrypt', withKey(decrypt)),
      route('GET', KEYS, 'cryptoKeys.list', list),
      route('GET', `${key}=`, 'cryptoKeys.get', get),
      route('PATCH', `${key}=`, 'cryptoKeys.patch', patch, true),
      route('POST', VERSIONS, 'cryptoKeyVersions.create', createVersion, true),
      route('GET', VERSIONS, 'cryptoKeyVersions.list', listVersions),
      route('GET', `${version}=`, 'cryptoKeyVersions.get', withVersion(answer)),
      route('PATCH', `${version}=`, 'cryptoKeyVersions.patch', patchVersion),
      route('POST', `${version}=restore`, 'cryptoKeyVersions.restore', restore),
      route('POST', `${version}=destroy`, 'cryptoKeyVersions.destroy', destroy),
      route('POST', `${version}=encrypt`, 'cryptoKeyVersions.encrypt', encryptWith),
      route('POST', RINGS, 'keyRings.create', rings.create, true),
      route('GET', RINGS, 'keyRings.list', rings.list),
      route('GET', `${RINGS}/:keyRing=`, 'keyRings.get', rings.get),
    ]),
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
