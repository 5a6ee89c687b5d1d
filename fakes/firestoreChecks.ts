// What Firestore refuses in a write: the checks of names, fields, values and preconditions.

import { unknownName } from './google.ts';
import { isObject } from './service.ts';

export type Value = Readonly<Record<string, unknown>>;
export type Fields = Readonly<Record<string, Value>>;
/** One of the two. `updateTime`: the document must exist, and be as it was then. */
export type Precondition = { readonly exists?: boolean; readonly updateTime?: string };

/** In a query and in an index. */
export const FIELD_PATH = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const STRING_BYTES_MAX = 1_048_487;
const FIELD_NAME_BYTES_MAX = 1500;
/** Names of fields that are the vendor's own. */
const RESERVED = /^__.*__$/;
/** Of a collection and of a document. */
const ID_BYTES_MAX = 1500;
/** Levels of maps and arrays in one field. */
const DEPTH_MAX = 20;
/** Of one document in one write. */
const TRANSFORMS_MAX = 500;
const INT64_MAX = 2n ** 63n - 1n;
const RFC_3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DOCUMENT_NAME = /^projects\/[^/]+\/databases\/[^/]+\/documents\/[^/]+\/[^/]+$/;

type List = { readonly values?: readonly Value[] };
/** The path and one of the others. */
export type Transform = {
  readonly fieldPath: string;
  readonly setToServerValue?: 'REQUEST_TIME';
  readonly increment?: Value;
  readonly maximum?: Value;
  readonly minimum?: Value;
  readonly appendMissingElements?: List;
  readonly removeAllFromArray?: List;
};

/** What `writeProblem` has let through. */
export type ValidWrite = {
  readonly update?: { readonly name: string; readonly fields?: Fields };
  readonly updateMask?: { readonly fieldPaths?: readonly string[] };
  readonly updateTransforms?: readonly Transform[];
  readonly delete?: string;
  readonly currentDocument?: Precondition;
};

export function writeProblem(write: unknown, root: string): string | undefined {
  if (!isObject(write)) return 'a write must be an object.';
  const { update, delete: deleted, currentDocument } = write;
  if ((update === undefined) === (deleted === undefined)) return 'a write must be one of update and delete.';
  const precondition = currentDocument === undefined ? undefined : preconditionProblem(currentDocument);
  if (precondition !== undefined) return precondition;
  if (update !== undefined && !isObject(update)) return 'update must be a document.';
  const more = update === undefined ? [] : ['updateMask', 'updateTransforms'];
  return (
    unknownName(write, ['update', 'delete', 'currentDocument', ...more], 'writes') ??
    maskProblem(write.updateMask) ??
    transformsProblem(write.updateTransforms) ??
    nameProblem(update?.name ?? deleted, root) ??
    (update && (unknownName(update, ['name', 'fields'], 'update') ?? fieldsProblem(update.fields, 1)))
  );
}

function maskProblem(mask: unknown): string | undefined {
  if (mask === undefined) return undefined;
  if (!isObject(mask)) return 'update_mask must be a mask.';
  const { fieldPaths = [] } = mask;
  const unknown = unknownName(mask, ['fieldPaths'], 'update_mask');
  if (unknown !== undefined) return unknown;
  return Array.isArray(fieldPaths) && fieldPaths.every(isFieldPath)
    ? undefined
    : 'update_mask.field_paths must be paths of fields.';
}

const isFieldPath = (path: unknown) =>
  typeof path === 'string' && FIELD_PATH.test(path) && !path.split('.').some(name => RESERVED.test(name));

const isListOfValues = (list: unknown) =>
  isObject(list) && arrayProblem(list, 1) === undefined && Object.keys(list).join() !== '';
const isNumeric = (value: unknown) =>
  isObject(value) &&
  valueProblem(value, 1) === undefined &&
  (value.integerValue !== undefined || value.doubleValue !== undefined);
const TRANSFORMS: Readonly<Record<string, (content: unknown) => boolean>> = {
  setToServerValue: content => content === 'REQUEST_TIME',
  increment: isNumeric,
  maximum: isNumeric,
  minimum: isNumeric,
  appendMissingElements: isListOfValues,
  removeAllFromArray: isListOfValues,
};

function transformsProblem(transforms: unknown): string | undefined {
  if (transforms === undefined) return undefined;
  if (!Array.isArray(transforms) || transforms.length > TRANSFORMS_MAX)
    return `update_transforms must be a list of at most ${TRANSFORMS_MAX}.`;
  for (const transform of transforms) {
    if (!isObject(transform)) return 'a transform must be an object.';
    const { fieldPath, ...rest } = transform;
    const unknown = unknownName(rest, Object.keys(TRANSFORMS), 'update_transforms');
    if (unknown !== undefined) return unknown;
    const [[kind, content], ...others] = [...Object.entries(rest), ['', undefined]];
    if (!isFieldPath(fieldPath) || others.length !== 1 || !TRANSFORMS[kind as string](content))
      return 'a transform must have the path of a field and one valid transformation.';
  }
  return undefined;
}

function preconditionProblem(given: unknown): string | undefined {
  if (!isObject(given)) return 'current_document must be a precondition.';
  const { exists, updateTime } = given;
  if ((exists === undefined) === (updateTime === undefined))
    return 'current_document must be one of exists and update_time.';
  if (exists !== undefined && typeof exists !== 'boolean')
    return 'current_document.exists must be a boolean.';
  if (updateTime !== undefined && !(typeof updateTime === 'string' && RFC_3339.test(updateTime)))
    return 'current_document.update_time must be a timestamp.';
  return unknownName(given, ['exists', 'updateTime'], 'current_document');
}

export function nameProblem(name: unknown, root: string): string | undefined {
  if (typeof name !== 'string' || !DOCUMENT_NAME.test(name) || !name.startsWith(`${root}/`))
    return `Document name "${name}" must be ${root}/<collection>/<document>.`;
  const ids = name.slice(root.length + 1).split('/');
  const reserved = ids.find(id => /^(\.\.?|__.*__)$/.test(id));
  if (reserved !== undefined) return `Resource id "${reserved}" is invalid because it is reserved.`;
  return ids.some(id => bytesOf(id) > ID_BYTES_MAX)
    ? `A resource id is longer than ${ID_BYTES_MAX} bytes.`
    : undefined;
}

function fieldsProblem(fields: unknown, depth: number): string | undefined {
  if (fields === undefined) return undefined;
  if (!isObject(fields)) return 'fields must be an object.';
  for (const [name, value] of Object.entries(fields)) {
    if (name === '' || bytesOf(name) > FIELD_NAME_BYTES_MAX)
      return `Property name "${name}" is empty or too long.`;
    if (RESERVED.test(name)) return `Property name "${name}" is invalid because it is reserved.`;
    const problem = valueProblem(value, depth);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

export function valueProblem(value: unknown, depth: number): string | undefined {
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
  const unknown = isObject(content) ? unknownName(content, ['values'], 'array_value') : undefined;
  if (unknown !== undefined) return unknown;
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
