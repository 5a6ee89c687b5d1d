// Cloud KMS v1: keys and their versions, in the key ring `companies` that the platform's set-up has made in every
// location. Nothing here deletes a key, since that would use up its name: undoing it destroys its primary version, which
// the ledger calls 'deleted'.

import { companyOf, googleError, googleRefusals, labelsProblem, unknownName } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

/** `destroyAtMs`: when the material of a version scheduled for destruction goes; Infinity while it is enabled. */
type Version = { readonly createdAtMs: number; destroyAtMs: number };
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
const ALGORITHM = 'GOOGLE_SYMMETRIC_ENCRYPTION';
const KEY_FIELDS = ['purpose', 'labels', 'versionTemplate', 'destroyScheduledDuration'];
const DAY_MS = 86_400_000;
const DESTROY_SCHEDULED_DEFAULT_MS = 30 * DAY_MS;
const DESTROY_SCHEDULED_MAX_MS = 120 * DAY_MS;
const KEYS = '/v1/projects/:project/locations/:location/keyRings/:keyRing/cryptoKeys';
const VERSIONS = `${KEYS}/:cryptoKey/cryptoKeyVersions`;

export function kms(world: World): Service {
  const keys = new Map<string, Key>();
  const scope = ({ params }: RouteContext) => params.project;
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
      versions: [{ createdAtMs: nowMs, destroyAtMs: Infinity }],
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
    const version = { createdAtMs: nowMs, destroyAtMs: Infinity };
    const number = key.versions.push(version);
    return { status: 200, body: versionResource(name, number, version, nowMs) };
  });

  const listVersions = withKey((name, key, { query, nowMs }) => {
    const [, state] = /^state=([A-Z_]+)$/.exec(query.get('filter') ?? '') ?? [];
    if (query.has('filter') && state === undefined) return googleError(400, 'Invalid filter.');
    const versions = key.versions
      .map((version, index) => versionResource(name, index + 1, version, nowMs))
      .filter(version => state === undefined || version.state === state);
    return {
      status: 200,
      body: { ...(versions.length > 0 && { cryptoKeyVersions: versions }), totalSize: versions.length },
    };
  });

  const destroy = withKey((name, key, { params, nowMs }) => {
    const version = key.versions[Number(params.version) - 1];
    const versionName = `${name}/cryptoKeyVersions/${params.version}`;
    if (version === undefined) return googleError(404, `CryptoKeyVersion ${versionName} not found.`);
    if (stateOf(version, nowMs) !== 'ENABLED') return wrongState(versionName, version, nowMs);
    version.destroyAtMs = nowMs + key.destroyScheduledMs;
    if (key.versions[key.primary - 1] === version) record(name, key, 'deleted', nowMs);
    return { status: 200, body: versionResource(name, Number(params.version), version, nowMs) };
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
    const revived = stateOf(key.versions[key.primary - 1], nowMs) !== 'ENABLED';
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
    ...googleRefusals('cloudkms.googleapis.com', world),
    routes: [
      { method: 'POST', path: KEYS, operation: 'kms.cryptoKeys.create', ...write, handle: create },
      {
        method: 'POST',
        path: primaryPath,
        operation: 'kms.cryptoKeys.updatePrimaryVersion',
        ...write,
        handle: updatePrimary,
      },
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
        method: 'POST',
        path: `${VERSIONS}/:version=destroy`,
        operation: 'kms.cryptoKeyVersions.destroy',
        ...write,
        handle: destroy,
      },
    ],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a fake checks every field of a body by hand
function keyProblem(body: any): string | undefined {
  if (body.purpose !== 'ENCRYPT_DECRYPT')
    return `CryptoKey.purpose [${body.purpose}] must be ENCRYPT_DECRYPT.`;
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

function secondsMs(duration: unknown): number | undefined {
  return typeof duration === 'string' && /^\d{1,9}s$/.test(duration)
    ? Number(duration.slice(0, -1)) * 1000
    : undefined;
}

function stateOf({ destroyAtMs }: Version, nowMs: number): 'ENABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED' {
  if (destroyAtMs === Infinity) return 'ENABLED';
  return nowMs < destroyAtMs ? 'DESTROY_SCHEDULED' : 'DESTROYED';
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
