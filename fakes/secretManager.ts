// Google Secret Manager v1: secrets and their versions. A version's payload stays in the fake; the ledger never has it.
// Names have the project's number where the vendor gives them out, and its id inside and in the ledger.

import {
  companyOf,
  googleError,
  googleRefusals,
  googleThrottled,
  pageOf,
  totalSizeOf,
  unknownName,
} from './google.ts';
import { withoutDefaults } from './googleJson.ts';
import { createProjects } from './googleProjects.ts';
import { withKnownQueries } from './googleQuery.ts';
import { Quotas } from './quota.ts';
import { filterOf, maskOf, type Payload, payloadOf, secretProblem } from './secretManagerChecks.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

type State = 'ENABLED' | 'DISABLED' | 'DESTROYED';
/** `etag`: how often something has changed in this fake, up to the version's own last change. */
type Version = {
  state: State;
  payload: Payload | undefined;
  etag: number;
  readonly checked: boolean;
  readonly createdAtMs: number;
  destroyedAtMs: number | undefined;
};
type Secret = {
  readonly replication: object;
  labels: Record<string, string>;
  annotations: Record<string, string> | undefined;
  etag: number;
  readonly createdAtMs: number;
  readonly versions: Version[];
};

const VERSION_ID = /^[1-9]\d{0,8}$/;
const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
const PAGE_SIZE_MAX = 25_000;
const SECRETS = '/v1/projects/:project/secrets';
const VERSION = `${SECRETS}/:secret/versions/:version`;
const SECRET_FILTER = /^(?:name|labels\.[a-z][a-z0-9_-]*)$/;
const VERSION_FILTER = /^state$/;
const DOMAIN = 'secretmanager.googleapis.com';

export function secretManager(world: World): Service {
  const secrets = new Map<string, Secret>();
  const projects = createProjects();
  const { numbered } = projects;
  let changes = 0;
  const scope = ({ params }: RouteContext) => projects.idOf(params.project);
  const secretsOf = (context: RouteContext) => `projects/${scope(context)}/secrets`;
  const rateRefusal = ratesOf(world);
  const record = (
    name: string,
    kind: string,
    secret: Secret,
    effect: 'created' | 'changed' | 'deleted',
    atMs: number,
    detail: string,
  ) =>
    world.ledger.write({
      atMs,
      service: 'secretManager',
      kind,
      name,
      company: companyOf(secret.labels),
      effect,
      detail,
    });

  /** Runs `handle` with the secret of the path, or answers 404. */
  const withSecret =
    (handle: (name: string, secret: Secret, context: RouteContext) => FakeReply) =>
    (context: RouteContext) => {
      const name = `${secretsOf(context)}/${context.params.secret}`;
      const secret = secrets.get(name);
      return secret === undefined
        ? googleError(404, `Secret [${numbered(name)}] not found.`)
        : handle(name, secret, context);
    };

  const create = (context: RouteContext): FakeReply => {
    const { query, body, nowMs } = context;
    const id = query.get('secretId') ?? '';
    const problem = SECRET_ID.test(id)
      ? secretProblem(body)
      : `The secret ID [${id}] must match [A-Za-z0-9_-]{1,255}.`;
    if (problem !== undefined) return googleError(400, problem);
    const name = `${secretsOf(context)}/${id}`;
    if (secrets.has(name)) return googleError(409, `Secret [${numbered(name)}] already exists.`);
    const { replication, labels = {}, annotations } = body;
    const etag = ++changes;
    const secret: Secret = { replication, labels, annotations, etag, createdAtMs: nowMs, versions: [] };
    secrets.set(name, secret);
    record(name, 'secret', secret, 'created', nowMs, '');
    return { status: 200, body: secretResource(numbered(name), secret) };
  };

  const list = (context: RouteContext): FakeReply => {
    const prefix = `${secretsOf(context)}/`;
    const all = [...secrets]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, secret]) => secretResource(numbered(name), secret));
    return listReply('secrets', all, context.query, SECRET_FILTER);
  };

  const addVersion = withSecret((name, secret, { body, nowMs }) => {
    const payload = payloadOf(body);
    if (typeof payload === 'string') return googleError(400, payload);
    const refusal = rateRefusal('secret', name, nowMs);
    if (refusal !== undefined) return refusal;
    const version: Version = {
      state: 'ENABLED',
      payload,
      checked: payload.checked,
      etag: ++changes,
      createdAtMs: nowMs,
      destroyedAtMs: undefined,
    };
    const versionName = `${name}/versions/${secret.versions.push(version)}`;
    record(versionName, 'secretVersion', secret, 'created', nowMs, 'ENABLED');
    return { status: 200, body: versionResource(numbered(versionName), version) };
  });

  const listVersions = withSecret((name, secret, { query }) => {
    const all = secret.versions.map((version, index) =>
      versionResource(numbered(`${name}/versions/${index + 1}`), version),
    );
    return listReply('versions', all.reverse(), query, VERSION_FILTER);
  });

  /** The version of the path (`latest`: the newest), or 404. */
  const withVersion = (
    handle: (name: string, version: Version, secret: Secret, context: RouteContext) => FakeReply,
  ) =>
    withSecret((name, secret, context) => {
      const { version: id } = context.params;
      const number = id === 'latest' ? String(secret.versions.length) : id;
      const version = VERSION_ID.test(number) ? secret.versions[Number(number) - 1] : undefined;
      const versionName = `${name}/versions/${number}`;
      if (version === undefined)
        return googleError(404, `Secret Version [${numbered(versionName)}] not found.`);
      return handle(versionName, version, secret, context);
    });

  const access = withVersion((name, { state, payload }) => {
    if (state !== 'ENABLED')
      return failedPrecondition(`Secret Version [${numbered(name)}] is in ${state} state.`);
    const { data, crc32c } = payload!;
    return { status: 200, body: { name: numbered(name), payload: { data, dataCrc32c: crc32c } } };
  });

  /** A change to the state it already has is none but for the etag. */
  const change = (state: State) =>
    withVersion((name, version, secret, { body, nowMs }) => {
      const unknown = unknownName(body, ['etag'], 'secret_version_request');
      if (unknown !== undefined) return googleError(400, unknown);
      const stale = staleEtag(numbered(name), body.etag, version.etag);
      if (stale !== undefined) return stale;
      const refusal = rateRefusal('version', name, nowMs);
      if (refusal !== undefined) return refusal;
      if (version.state === 'DESTROYED')
        return failedPrecondition(`Secret Version [${numbered(name)}] is in DESTROYED state.`);
      version.etag = ++changes;
      if (version.state !== state) {
        version.state = state;
        record(name, 'secretVersion', secret, state === 'DESTROYED' ? 'deleted' : 'changed', nowMs, state);
      }
      if (state === 'DESTROYED') {
        version.payload = undefined;
        version.destroyedAtMs = nowMs;
      }
      return { status: 200, body: versionResource(numbered(name), version) };
    });

  /** Labels and annotations, each as a whole; the fake covers no other field. */
  const patch = withSecret((name, secret, { query, body, nowMs }) => {
    const { replication, labels, annotations } = secret;
    const mask = maskOf(query.get('updateMask'));
    const problem =
      typeof mask === 'string' ? mask : secretProblem({ replication, labels, annotations, ...body });
    if (typeof mask === 'string' || problem !== undefined) return googleError(400, problem!);
    const stale = staleEtag(numbered(name), body.etag, secret.etag);
    if (stale !== undefined) return stale;
    const refusal = rateRefusal('secret', name, nowMs);
    if (refusal !== undefined) return refusal;
    if (mask.includes('labels')) secret.labels = body.labels ?? {};
    if (mask.includes('annotations')) secret.annotations = body.annotations;
    secret.etag = ++changes;
    record(name, 'secret', secret, 'changed', nowMs, mask.join(' '));
    return { status: 200, body: secretResource(numbered(name), secret) };
  });

  const remove = withSecret((name, secret, { query, nowMs }) => {
    const stale = staleEtag(numbered(name), query.get('etag') ?? undefined, secret.etag);
    if (stale !== undefined) return stale;
    secrets.delete(name);
    secret.versions.forEach((version, index) => {
      if (version.state !== 'DESTROYED')
        record(`${name}/versions/${index + 1}`, 'secretVersion', secret, 'deleted', nowMs, 'DESTROYED');
    });
    record(name, 'secret', secret, 'deleted', nowMs, '');
    return { status: 200, body: {} };
  });

  const route = (
    method: string,
    path: string,
    operation: string,
    handle: (context: RouteContext) => FakeReply,
  ) => ({
    method,
    path,
    operation: `secretManager.${operation}`,
    latency: method === 'GET' ? 'lat.secret-manager.read' : 'lat.secret-manager.write',
    scope,
    handle,
  });
  const get = withSecret((name, secret) => ({ status: 200, body: secretResource(numbered(name), secret) }));
  const getVersion = withVersion((name, version) => ({
    status: 200,
    body: versionResource(numbered(name), version),
  }));
  return {
    name: 'secretManager',
    hosts: [DOMAIN],
    ...googleRefusals(DOMAIN, world),
    routes: withKnownQueries([
      route('POST', SECRETS, 'secrets.create', create),
      route('GET', SECRETS, 'secrets.list', list),
      route('POST', `${SECRETS}/:secret=addVersion`, 'versions.add', addVersion),
      route('GET', `${SECRETS}/:secret/versions`, 'versions.list', listVersions),
      route('GET', `${VERSION}=access`, 'versions.access', access),
      route('GET', `${VERSION}=`, 'versions.get', getVersion),
      route('POST', `${VERSION}=disable`, 'versions.disable', change('DISABLED')),
      route('POST', `${VERSION}=enable`, 'versions.enable', change('ENABLED')),
      route('POST', `${VERSION}=destroy`, 'versions.destroy', change('DESTROYED')),
      route('GET', `${SECRETS}/:secret=`, 'secrets.get', get),
      route('PATCH', `${SECRETS}/:secret=`, 'secrets.patch', patch),
      route('DELETE', `${SECRETS}/:secret=`, 'secrets.delete', remove),
    ]),
  };
}

/** What one secret, and one version of it, may be changed in a minute; a version's state and its secret are apart. */
function ratesOf(world: World) {
  let quotas: Quotas | undefined;
  return (what: 'secret' | 'version', name: string, nowMs: number): FakeReply | undefined => {
    if (!world.resourceQuotas) return undefined;
    const rule = (quota: string, operation: string, fact: string) => {
      const perMinute = world.valueOf(`quota.secret-manager.${fact}`);
      return { name: quota, operations: [operation], perMinute, scope: 'vendor' } as const;
    };
    quotas ??= new Quotas([
      rule('SecretWritesPerMinutePerSecret', 'secret', 'version-writes'),
      rule('VersionStateWritesPerMinutePerVersion', 'version', 'state-writes'),
    ]);
    const refusal = quotas.check(what, name, nowMs);
    if (refusal === undefined) return undefined;
    return { ...googleThrottled(DOMAIN, refusal), latency: 'lat.refusal', quota: refusal.quota };
  };
}

function listReply(kind: string, all: readonly object[], query: URLSearchParams, fields: RegExp): FakeReply {
  const filter = filterOf(query.get('filter'), fields);
  if (typeof filter === 'string') return googleError(400, filter);
  const found = all.filter(filter);
  const page = pageOf(found, query, PAGE_SIZE_MAX);
  if (typeof page === 'string') return googleError(400, page);
  const { items, nextPageToken } = page;
  return {
    status: 200,
    body: { ...(items.length > 0 && { [kind]: items }), nextPageToken, ...totalSizeOf(found, query) },
  };
}

const failedPrecondition = (message: string) => googleError(400, message, undefined, 'FAILED_PRECONDITION');

/** The caller's etag, if it gives one, must be the resource's own. An empty one is none. */
function staleEtag(name: string, given: unknown, own: number): FakeReply | undefined {
  if (given === undefined || given === null || given === '' || given === etagOf(own)) return undefined;
  return failedPrecondition(`The etag [${given}] does not match the current etag of [${name}].`);
}

/** The vendor's are quoted and in hexadecimal digits. */
const etagOf = (change: number) => `"${change.toString(16).padStart(14, '0')}"`;

function secretResource(name: string, secret: Secret): Record<string, unknown> {
  const { replication, labels, annotations, etag, createdAtMs } = secret;
  const createTime = isoTime(createdAtMs);
  return withoutDefaults({ name, replication, createTime, labels, annotations, etag: etagOf(etag) });
}

function versionResource(name: string, version: Version): object {
  const { state, etag, checked, createdAtMs, destroyedAtMs } = version;
  return {
    name,
    state,
    createTime: isoTime(createdAtMs),
    ...(destroyedAtMs !== undefined && { destroyTime: isoTime(destroyedAtMs) }),
    etag: etagOf(etag),
    ...(checked && { clientSpecifiedPayloadChecksum: true }),
  };
}
