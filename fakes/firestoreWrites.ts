// What one write makes of a document's fields: all of them new, or those of a mask alone, and then its transforms in order.
// And what a write asks of the document that it finds.

import type { Document } from './firestore.ts';
import { canonicalFields } from './firestoreCanonical.ts';
import type { Fields, Precondition, Transform, ValidWrite, Value } from './firestoreChecks.ts';
import { compareValues, epochMsOf } from './firestoreValues.ts';
import { googleError } from './google.ts';
import { type FakeReply, isoTime } from './service.ts';

const INT64_MAX = 2n ** 63n - 1n;
const NULL: Value = { nullValue: null };

export type Written = {
  readonly fields: Fields;
  /** One for each transform. */
  readonly results: readonly Value[];
};

export function written(
  { update, updateMask, updateTransforms = [] }: ValidWrite,
  before: Fields,
  nowMs: number,
): Written {
  const given = update!.fields ?? {};
  let fields =
    updateMask === undefined
      ? given
      : (updateMask.fieldPaths ?? []).reduce(
          (kept, path) => withValue(kept, path.split('.'), valueAt(given, path.split('.'))),
          before,
        );
  const results: Value[] = [];
  for (const transform of updateTransforms) {
    const path = transform.fieldPath.split('.');
    const [value, result] = transformed(transform, valueAt(fields, path), nowMs);
    fields = withValue(fields, path, value);
    results.push(result);
  }
  return { fields: canonicalFields(fields), results };
}

/** The field's new value, and what the answer says of it: nothing of a list. */
function transformed(
  transform: Transform,
  own: Value | undefined,
  nowMs: number,
): readonly [value: Value, result: Value] {
  const { increment, maximum, minimum, appendMissingElements, removeAllFromArray } = transform;
  if (increment !== undefined) return twice(isNumber(own) ? sumOf(own!, increment) : increment);
  if (maximum !== undefined)
    return twice(isNumber(own) && compareValues(own!, maximum) >= 0 ? own! : maximum);
  if (minimum !== undefined)
    return twice(isNumber(own) && compareValues(own!, minimum) <= 0 ? own! : minimum);
  const list = (own?.arrayValue as { values?: readonly Value[] } | undefined)?.values ?? [];
  const has = (values: readonly Value[], value: Value) =>
    values.some(each => compareValues(each, value) === 0);
  if (appendMissingElements !== undefined) {
    const values = [...list];
    for (const value of appendMissingElements.values ?? []) if (!has(values, value)) values.push(value);
    return [{ arrayValue: { values } }, NULL];
  }
  if (removeAllFromArray !== undefined) {
    const values = list.filter(value => !has(removeAllFromArray.values ?? [], value));
    return [{ arrayValue: { values } }, NULL];
  }
  return twice({ timestampValue: isoTime(nowMs) });
}

const twice = (value: Value) => [value, value] as const;
const isNumber = (value: Value | undefined) =>
  value?.integerValue !== undefined || value?.doubleValue !== undefined;

/** An integer as long as both are, at most what 64 bits hold. */
function sumOf(one: Value, other: Value): Value {
  if (one.integerValue === undefined || other.integerValue === undefined) {
    const [a, b] = [one, other].map(value => Number(value.integerValue ?? value.doubleValue));
    return { doubleValue: a + b };
  }
  const sum = BigInt(one.integerValue as string) + BigInt(other.integerValue as string);
  const bounded = sum > INT64_MAX ? INT64_MAX : sum < -INT64_MAX - 1n ? -INT64_MAX - 1n : sum;
  return { integerValue: String(bounded) };
}

const fieldsIn = (value: Value | undefined): Fields =>
  (value?.mapValue as { fields?: Fields } | undefined)?.fields ?? {};

function valueAt(fields: Fields, [name, ...rest]: readonly string[]): Value | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return rest.length === 0 || value === undefined ? value : valueAt(fieldsIn(value), rest);
}

/** Undefined takes the field away. What stands in the way of a path and is no map gives way to one. */
function withValue(fields: Fields, [name, ...rest]: readonly string[], value: Value | undefined): Fields {
  const { [name]: own, ...others } = fields;
  if (rest.length === 0) return value === undefined ? others : { ...others, [name]: value };
  if (own === undefined && value === undefined) return fields;
  return { ...others, [name]: { mapValue: { fields: withValue(fieldsIn(own), rest, value) } } };
}

/** As a call without a body gives it; empty when it gives none. */
export function preconditionOf(query: URLSearchParams): Precondition | FakeReply {
  const exists = query.get('currentDocument.exists') ?? undefined;
  if (exists !== undefined && exists !== 'true' && exists !== 'false')
    return googleError(400, "Invalid value at 'current_document.exists' (TYPE_BOOL).");
  const updateTime = query.get('currentDocument.updateTime') ?? undefined;
  if (updateTime !== undefined && (exists !== undefined || epochMsOf(updateTime) === undefined))
    return googleError(400, "Invalid value at 'current_document' (oneof).");
  return {
    ...(exists !== undefined && { exists: exists === 'true' }),
    ...(updateTime !== undefined && { updateTime }),
  };
}

export function preconditionFailure(
  name: string,
  before: Document | undefined,
  { exists, updateTime }: Precondition = {},
): FakeReply | undefined {
  if (exists === false && before !== undefined) return googleError(409, `Document already exists: ${name}`);
  if ((exists === true || updateTime !== undefined) && before === undefined)
    return googleError(404, `No document to update: ${name}`);
  if (updateTime === undefined || epochMsOf(updateTime) === Math.floor(before!.updatedAtMs)) return undefined;
  const message = `The stored version of ${name} does not match the required base version.`;
  return googleError(400, message, undefined, 'FAILED_PRECONDITION');
}

/** Later than the update before, in the milliseconds that a client is told: one of two that are equal would pass as new. */
export function updateMs(before: Document | undefined, nowMs: number): number {
  return before === undefined ? nowMs : Math.max(nowMs, Math.floor(before.updatedAtMs) + 1);
}
