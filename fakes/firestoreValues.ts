// How Firestore orders values: by type first, null before booleans before numbers and so on, then within the type.

import type { Fields, Value } from './firestoreChecks.ts';

const ORDER = [
  'nullValue',
  'booleanValue',
  'number',
  'timestampValue',
  'stringValue',
  'bytesValue',
  'referenceValue',
  'geoPointValue',
  'arrayValue',
  'mapValue',
];

/** Less than 0 when `a` comes first; 0 when they are equal, as an integer and the double of its value are. */
export function compareValues(a: Value, b: Value): number {
  const [typeA, typeB] = [a, b].map(typeOf);
  if (typeA !== typeB) return ORDER.indexOf(typeA) - ORDER.indexOf(typeB);
  return COMPARISONS[typeA](a, b);
}

function typeOf(value: Value): string {
  const [type] = Object.keys(value);
  return type === 'integerValue' || type === 'doubleValue' ? 'number' : type;
}

type Comparison = (a: Value, b: Value) => number;
const by =
  <T>(read: (value: Value) => T, compare: (x: T, y: T) => number): Comparison =>
  (a, b) =>
    compare(read(a), read(b));
const compareNumbers = (x: number, y: number) => (x < y ? -1 : x > y ? 1 : 0);

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  nullValue: () => 0,
  booleanValue: by(({ booleanValue }) => Number(booleanValue), compareNumbers),
  number: compareNumeric,
  timestampValue: by(({ timestampValue }) => timestampValue as string, compareTimes),
  stringValue: by(({ stringValue }) => stringValue as string, compareTexts),
  bytesValue: by(({ bytesValue }) => atob(bytesValue as string), compareTexts),
  referenceValue: by(
    ({ referenceValue }) => (referenceValue as string).split('/'),
    compareLists(compareTexts),
  ),
  geoPointValue: by(({ geoPointValue }) => coordinatesOf(geoPointValue), compareLists(compareNumbers)),
  arrayValue: by(
    ({ arrayValue }) => (arrayValue as { values?: Value[] }).values ?? [],
    (x, y) => compareLists(compareValues)(x, y),
  ),
  mapValue: by(({ mapValue }) => (mapValue as { fields?: Fields }).fields ?? {}, compareMaps),
};

/** NaN comes before every number. Integers beyond 53 bits are compared as integers. */
function compareNumeric(a: Value, b: Value): number {
  if (a.integerValue !== undefined && b.integerValue !== undefined) {
    const [x, y] = [a, b].map(value => BigInt(value.integerValue as string));
    return x < y ? -1 : x > y ? 1 : 0;
  }
  const [x, y] = [a, b].map(value => Number(value.integerValue ?? value.doubleValue));
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(y)) - Number(Number.isNaN(x));
  return compareNumbers(x, y);
}

/** By their bytes in UTF-8, which is the order of their code points. */
export function compareTexts(x: string, y: string): number {
  return compareLists(compareNumbers)([...x].map(codePointOf), [...y].map(codePointOf));
}

const codePointOf = (character: string) => character.codePointAt(0)!;

function compareLists<T>(compare: (x: T, y: T) => number): (x: readonly T[], y: readonly T[]) => number {
  return (x, y) => {
    for (let i = 0; i < x.length && i < y.length; i++) {
      const order = compare(x[i], y[i]);
      if (order !== 0) return order;
    }
    return x.length - y.length;
  };
}

function compareMaps(x: Fields, y: Fields): number {
  const entries = (fields: Fields) => Object.entries(fields).sort(([a], [b]) => compareTexts(a, b));
  return compareLists<[string, Value]>(
    ([nameA, valueA], [nameB, valueB]) => compareTexts(nameA, nameB) || compareValues(valueA, valueB),
  )(entries(x), entries(y));
}

function coordinatesOf(point: unknown): number[] {
  const { latitude = 0, longitude = 0 } = point as { latitude?: number; longitude?: number };
  return [latitude, longitude];
}

function compareTimes(x: string, y: string): number {
  return compareNumbers(epochMsOf(x) ?? 0, epochMsOf(y) ?? 0) || compareTexts(nanosOf(x), nanosOf(y));
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
/** Nine digits. */
export const nanosOf = (text: string) => (TIME.exec(text)?.[7] ?? '').padEnd(9, '0');

/** Whole milliseconds since the epoch, without the ambient Date; undefined when it is no time of RFC 3339. */
export function epochMsOf(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const offset =
    match[8] === undefined ? 0 : Number(`${match[8]}1`) * (Number(match[9]) * 60 + Number(match[10]));
  const minutes = (daysOf(year, month, day) * 24 + hour) * 60 + minute - offset;
  return (minutes * 60 + second) * 1000 + Number(nanosOf(text).slice(0, 3));
}

/** Civil date to days since the epoch: Hinnant's algorithm (2013). */
function daysOf(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}
