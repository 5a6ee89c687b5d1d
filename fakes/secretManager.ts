// Google Secret Manager v1: secrets and their versions. A version's payload stays in the fake; the ledger never has it.

import { companyOf, googleError, googleRefusals } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

type Version = { state: 'ENABLED' | 'DISABLED' | 'DESTROYED'; data: string; createdAtMs: number };
type Secret = { labels: Record<string, string>; createdAtMs: number; versions: Version[] };

const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
const PAYLOAD_BYTES_MAX = 65_536;
const SECRETS = '/v1/projects/:project/secrets';

export function secretManager(world: World): Service {
  const secrets = new Map<string, Secret>();
  const nameOf = ({ params }: RouteContext) => `projects/${params.project}/secrets/${params.secret}`;
  const scope = ({ params }: RouteContext) => params.project;
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
      const name = nameOf(context);
      const secret = secrets.get(name);
      return secret === undefined
        ? googleError(404, `Secret [${name}] not found.`)
        : handle(name, secret, context);
    };

  const create = (context: RouteContext): FakeReply => {
    const id = context.query.get('secretId') ?? '';
    const { replication, labels } = context.body;
    if (!SECRET_ID.test(id))
      return googleError(400, `The secret ID [${id}] must match [A-Za-z0-9_-]{1,255}.`);
    if (replication?.automatic === undefined && replication?.userManaged === undefined)
      return googleError(400, 'Secret.replication must be provided.');
    const name = `projects/${context.params.project}/secrets/${id}`;
    if (secrets.has(name)) return googleError(409, `Secret [${name}] already exists.`);
    const secret: Secret = { labels: labels ?? {}, createdAtMs: context.nowMs, versions: [] };
    secrets.set(name, secret);
    record(name, 'secret', secret, 'created', context.nowMs, '');
    return { status: 200, body: secretResource(name, secret) };
  };

  const addVersion = withSecret((name, secret, { body, nowMs }) => {
    const data = body.payload?.data;
    if (typeof data !== 'string' || data === '')
      return googleError(400, 'SecretPayload.data must be provided.');
    if (data.length * 0.75 > PAYLOAD_BYTES_MAX) return googleError(400, 'The payload exceeds 64 KiB.');
    secret.versions.push({ state: 'ENABLED', data, createdAtMs: nowMs });
    const version = `${name}/versions/${secret.versions.length}`;
    record(version, 'secretVersion', secret, 'created', nowMs, 'ENABLED');
    return { status: 200, body: versionResource(version, secret.versions.at(-1)!) };
  });

  const listVersions = withSecret((name, secret, { query }) => {
    const enabledOnly = query.get('filter') === 'state:ENABLED';
    const all = secret.versions.map((version, index) =>
      versionResource(`${name}/versions/${index + 1}`, version),
    );
    const versions = all.filter(version => !enabledOnly || version.state === 'ENABLED').reverse();
    return { status: 200, body: { ...(versions.length > 0 && { versions }), totalSize: versions.length } };
  });

  /** The version of the path (`latest`: the newest), or 404. */
  const withVersion = (
    handle: (name: string, version: Version, secret: Secret, nowMs: number) => FakeReply,
  ) =>
    withSecret((name, secret, { params, nowMs }) => {
      const number = params.version === 'latest' ? secret.versions.length : Number(params.version);
      const version = secret.versions[number - 1];
      const versionName = `${name}/versions/${params.version === 'latest' ? number : params.version}`;
      if (version === undefined) return googleError(404, `Secret Version [${versionName}] not found.`);
      return handle(versionName, version, secret, nowMs);
    });

  const access = withVersion((name, version) =>
    version.state === 'ENABLED'
      ? { status: 200, body: { name, payload: { data: version.data } } }
      : googleError(
          400,
          `Secret Version [${name}] is in ${version.state} state.`,
          undefined,
          'FAILED_PRECONDITION',
        ),
  );

  const destroy = withVersion((name, version, secret, nowMs) => {
    if (version.state === 'DESTROYED')
      return googleError(
        400,
        `Secret Version [${name}] is in DESTROYED state.`,
        undefined,
        'FAILED_PRECONDITION',
      );
    version.state = 'DESTROYED';
    version.data = '';
    record(name, 'secretVersion', secret, 'deleted', nowMs, 'DESTROYED');
    return { status: 200, body: versionResource(name, version) };
  });

  const remove = withSecret((name, secret, { nowMs }) => {
    secrets.delete(name);
    secret.versions.forEach((version, index) => {
      if (version.state !== 'DESTROYED')
        record(`${name}/versions/${index + 1}`, 'secretVersion', secret, 'deleted', nowMs, 'DESTROYED');
    });
    record(name, 'secret', secret, 'deleted', nowMs, '');
    return { status: 200, body: {} };
  });

  const write = { latency: 'lat.secret-manager.write', scope } as const;
  const read = { latency: 'lat.secret-manager.read', scope } as const;
  return {
    name: 'secretManager',
    hosts: ['secretmanager.googleapis.com'],
    ...googleRefusals('secretmanager.googleapis.com', world.token),
    routes: [
      { method: 'POST', path: SECRETS, operation: 'secretManager.secrets.create', ...write, handle: create },
      {
        method: 'POST',
        path: `${SECRETS}/:secret=addVersion`,
        operation: 'secretManager.versions.add',
        ...write,
        handle: addVersion,
      },
      {
        method: 'GET',
        path: `${SECRETS}/:secret/versions`,
        operation: 'secretManager.versions.list',
        ...read,
        handle: listVersions,
      },
      {
        method: 'GET',
        path: `${SECRETS}/:secret/versions/:version=access`,
        operation: 'secretManager.versions.access',
        ...read,
        handle: access,
      },
      {
        method: 'POST',
        path: `${SECRETS}/:secret/versions/:version=destroy`,
        operation: 'secretManager.versions.destroy',
        ...write,
        handle: destroy,
      },
      {
        method: 'GET',
        path: `${SECRETS}/:secret`,
        operation: 'secretManager.secrets.get',
        ...read,
        handle: withSecret((name, secret) => ({ status: 200, body: secretResource(name, secret) })),
      },
      {
        method: 'DELETE',
        path: `${SECRETS}/:secret`,
        operation: 'secretManager.secrets.delete',
        ...write,
        handle: remove,
      },
    ],
  };
}

function secretResource(name: string, secret: Secret): object {
  return {
    name,
    replication: { automatic: {} },
    createTime: isoTime(secret.createdAtMs),
    labels: secret.labels,
  };
}

function versionResource(
  name: string,
  version: Version,
): { name: string; state: string; createTime: string } {
  return { name, state: version.state, createTime: isoTime(version.createdAtMs) };
}
