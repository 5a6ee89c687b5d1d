// Firestore v1: documents of the database `(default)`, one collection deep. Writes come as an atomic commit.

import { googleError, googleRefusals, unknownName } from './google.ts';
import { type FakeReply, isoTime, type RouteContext, type Service, type World } from './service.ts';

type Fields = Readonly<Record<string, { readonly stringValue?: string }>>;
type Document = { readonly fields: Fields; readonly createdAtMs: number; readonly updatedAtMs: number };
type Effect = {
  readonly name: string;
  readonly before: Document | undefined;
  readonly after: Document | undefined;
};

const DATABASE = '(default)';
const DOCUMENTS = '/v1/projects/:project/databases/:database/documents';
const STRING_BYTES_MAX = 1_048_487;
const FIELD_NAME_BYTES_MAX = 1500;
/** Levels of maps and arrays in one field. */
const DEPTH_MAX = 20;
const INT64_MAX = 2n ** 63n - 1n;
const RFC_3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DOCUMENT_NAME = /^projects\/[^/]+\/databases\/\(default\)\/documents\/[^/]+\/[^/]+$/;

export function firestore(world: World): Service {
  const documents = new Map<string, Document>();
  const scope = ({ params }: RouteContext) => params.project;

  const record = ({ name, before, after }: Effect, atMs: number) => {
    if (before === undefined && after === undefined) return;
    const effect = before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed';
    const { fields } = (after ?? before)!;
    const company = fields.companyId?.stringValue ?? '';
    const detail = Object.keys(fields).join(' ');
    world.ledger.write({ atMs, service: 'firestore', kind: 'document', name, company, effect, detail });
  };

  /** Runs `handle` for the one database that there is, or answers 404. */
  const inDatabase =
    (handle: (root: string, context: RouteContext) => FakeReply) => (context: RouteContext) => {
      const { project, database } = context.params;
      return database === DATABASE
        ? handle(`projects/${project}/databases/${database}/documents`, context)
        : googleError(404, `The database ${database} does not exist for project ${project}.`);
    };

  // All writes are tried on the side, in order, each seeing those before it; only then is any of them kept.
  const commit = inDatabase((root, { body, nowMs }) => {
    const unknown = unknownName(body, ['writes'], 'commit_request');
    if (unknown !== undefined) return googleError(400, unknown);
    if (body.writes !== undefined && !Array.isArray(body.writes))
      return googleError(400, 'writes must be an array.');
    const writes: unknown[] = body.writes ?? [];
    const tried = new Map<string, Document | undefined>();
    const effects: Effect[] = [];
    for (const [index, write] of writes.entries()) {
      const problem = writeProblem(write, root);
      if (problem !== undefined) return googleError(400, `Invalid value at 'writes[${index}]': ${problem}`);
      const { update, delete: deleted, currentDocument } = write as ValidWrite;
      const name = (update?.name ?? deleted)!;
      const before = tried.has(name) ? tried.get(name) : documents.get(name);
      const failed = preconditionFailure(name, before, currentDocument?.exists);
      if (failed !== undefined) return failed;
      const createdAtMs = before?.createdAtMs ?? nowMs;
      const after = update && { fields: update.fields ?? {}, createdAtMs, updatedAtMs: nowMs };
      tried.set(name, after);
      effects.push({ name, before, after });
    }
    for (const effect of effects) apply(effect, nowMs);
    const commitTime = isoTime(nowMs);
    const writeResults = effects.map(({ after }) => (after === undefined ? {} : { updateTime: commitTime }));
    return { status: 200, body: { ...(writeResults.length > 0 && { writeResults }), commitTime } };
  });

  const apply = (effect: Effect, nowMs: number) => {
    if (effect.after === undefined) documents.delete(effect.name);
    else documents.set(effect.name, effect.after);
    record(effect, nowMs);
  };

  const get = inDatabase((root, { params }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const document = documents.get(name);
    return document === undefined
      ? googleError(404, `Document "${name}" not found.`)
      : { status: 200, body: documentResource(name, document) };
  });

  // As in reality, deleting what is not there succeeds, unless the call says that it must be there.
  const remove = inDatabase((root, { params, query, nowMs }) => {
    const name = `${root}/${params.collection}/${params.document}`;
    const exists = query.get('currentDocument.exists');
    if (exists !== null && exists !== 'true' && exists !== 'false')
      return googleError(400, "Invalid value at 'current_document.exists' (TYPE_BOOL).");
    const before = documents.get(name);
    const failed = preconditionFailure(name, before, exists === null ? undefined : exists === 'true');
    if (failed !== undefined) return failed;
    apply({ name, before, after: undefined }, nowMs);
    return { status: 200, body: {} };
  });

  const write = { latency: 'lat.firestore.write', scope } as const;
  const read = { latency: 'lat.firestore.read', scope } as const;
  const documentPath = `${DOCUMENTS}/:collection/:document`;
  return {
    name: 'firestore',
    hosts: ['firestore.googleapis.com'],
    ...googleRefusals('firestore.googleapis.com', world.token),
    routes: [
      {
        method: 'POST',
        path: `${DOCUMENTS}:commit`,
        operation: 'firestore.documents.commit',
        ...write,
        handle: commit,
      },
      { method: 'GET', path: documentPath, operation: 'firestore.documents.get', ...read, handle: get },
      {
        method: 'DELETE',
        path: documentPath,
        operation: 'firestore.documents.delete',
        ...write,
        handle: remove,
      },
    ],
  };
}

function preconditionFailure(
  name: string,
  before: Document | undefined,
  exists: boolean | undefined,
): FakeReply | undefined {
  if (exists === false && before !== undefined) return googleError(409, `Document already exists: ${name}`);
  if (exists === true && before === undefined) return googleError(404, `No document to update: ${name}`);
  return undefined;
}

/** What `writeProblem` has let through. */
type ValidWrite = {
  readonly update?: { readonly name: string; readonly fields?: Fields };
  readonly delete?: string;
  readonly currentDocument?: { readonly exists: boolean };
};

function writeProblem(write: unknown, root: string): string | undefined {
  if (!isObject(write)) return 'a write must be an object.';
  const { update, delete: deleted, currentDocument } = write;
  if ((update === undefined) === (deleted === undefined)) return 'a write must be one of update and delete.';
  if (
    currentDocument !== undefined &&
    (!isObject(currentDocument) || typeof currentDocument.exists !== 'boolean')
  )
    return 'current_document.exists must be a boolean.';
  if (update !== undefined && !isObject(update)) return 'update must be a document.';
  return (
    unknownName(write, ['update', 'delete', 'currentDocument'], 'writes') ??
    unknownName(currentDocument ?? {}, ['exists'], 'current_document') ??
    nameProblem(update?.name ?? deleted, root) ??
    (update && (unknownName(update, ['name', 'fields'], 'update') ?? fieldsProblem(update.fields, 1)))
  );
}

function nameProblem(name: unknown, root: string): string | undefined {
  if (typeof name !== 'string' || !DOCUMENT_NAME.test(name) || !name.startsWith(`${root}/`))
    return `Document name "${name}" must be ${root}/<collection>/<document>.`;
  const reserved = name
    .slice(root.length + 1)
    .split('/')
    .find(id => /^(\.\.?|__.*__)$/.test(id));
  return reserved === undefined ? undefined : `Resource id "${reserved}" is invalid because it is reserved.`;
}

function fieldsProblem(fields: unknown, depth: number): string | undefined {
  if (fields === undefined) return undefined;
  if (!isObject(fields)) return 'fields must be an object.';
  for (const [name, value] of Object.entries(fields)) {
    if (name === '' || bytesOf(name) > FIELD_NAME_BYTES_MAX)
      return `Property name "${name}" is empty or too long.`;
    if (/^__.*__$/.test(name)) return `Property name "${name}" is invalid because it is reserved.`;
    const problem = valueProblem(value, depth);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function valueProblem(value: unknown, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return `Property is nested deeper than ${DEPTH_MAX} levels.`;
  const types = isObject(value) ? Object.keys(value) : [];
  if (types.length !== 1) return 'a value must have exactly one type.';
  const content = (value as Record<string, unknown>)[types[0]];
  if (types[0] === 'mapValue') {
    if (!isObject(content)) return 'mapValue must be an object.';
    return unknownName(content, ['fields'], 'map_value') ?? fieldsProblem(content.fields, depth + 1);
  }
  if (types[0] === 'arrayValue') return arrayProblem(content, depth + 1);
  const fits = Object.hasOwn(SCALARS, types[0]) ? SCALARS[types[0]] : undefined;
  if (fits === undefined) return `Unknown name "${types[0]}" at 'value': Cannot find field.`;
  return fits(content) ? undefined : `${types[0]} has a wrong value.`;
}

function arrayProblem(content: unknown, depth: number): string | undefined {
  const values = isObject(content) ? (content.values ?? []) : undefined;
  if (!Array.isArray(values)) return 'arrayValue.values must be an array.';
  for (const value of values) {
    if (isObject(value) && 'arrayValue' in value) return 'Cannot convert an array value in an array value.';
    const problem = valueProblem(value, depth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A 64-bit integer travels as a string, since a JSON number would lose digits. */
const SCALARS: Readonly<Record<string, (content: unknown) => boolean>> = {
  nullValue: content => content === null || content === 'NULL_VALUE',
  booleanValue: content => typeof content === 'boolean',
  integerValue: content =>
    typeof content === 'string' && /^-?\d{1,19}$/.test(content) && isInt64(BigInt(content)),
  doubleValue: content =>
    typeof content === 'number' || content === 'NaN' || content === 'Infinity' || content === '-Infinity',
  timestampValue: content => typeof content === 'string' && RFC_3339.test(content),
  stringValue: content => typeof content === 'string' && bytesOf(content) <= STRING_BYTES_MAX,
  bytesValue: content => typeof content === 'string' && BASE64.test(content),
  referenceValue: content => typeof content === 'string' && DOCUMENT_NAME.test(content),
  geoPointValue: content =>
    isObject(content) && isWithin(content.latitude ?? 0, 90) && isWithin(content.longitude ?? 0, 180),
};

const isInt64 = (n: bigint) => n <= INT64_MAX && n >= -INT64_MAX - 1n;
const isWithin = (n: unknown, bound: number) => typeof n === 'number' && Math.abs(n) <= bound;
const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).length;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function documentResource(name: string, { fields, createdAtMs, updatedAtMs }: Document): object {
  return { name, fields, createTime: isoTime(createdAtMs), updateTime: isoTime(updatedAtMs) };
}
