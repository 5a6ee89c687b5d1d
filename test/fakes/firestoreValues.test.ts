import { expect, test } from 'vitest';
import type { Value } from '../../fakes/firestoreChecks.ts';
import { compareValues, epochMsOf } from '../../fakes/firestoreValues.ts';

const list = (...values: Value[]): Value => ({ arrayValue: { values } });
const map = (fields: Record<string, Value>): Value => ({ mapValue: { fields } });
const number = (n: number): Value => ({ integerValue: String(n) });
const text = (stringValue: string): Value => ({ stringValue });

/** As the vendor documents the order of its types, and of the values within one. */
const IN_ORDER: readonly Value[] = [
  { nullValue: null },
  { booleanValue: false },
  { booleanValue: true },
  { doubleValue: 'NaN' },
  { doubleValue: '-Infinity' },
  number(-2),
  { doubleValue: 1.5 },
  number(2),
  // One apart, and equal as doubles.
  { integerValue: '9007199254740992' },
  { integerValue: '9007199254740993' },
  { doubleValue: 'Infinity' },
  { timestampValue: '2026-11-22T10:20:30Z' },
  { timestampValue: '2026-11-22T10:20:30.000000001Z' },
  { timestampValue: '2026-11-22T10:20:31+00:00' },
  { timestampValue: '2026-11-22T10:20:30-01:00' },
  text(''),
  text('a'),
  text('aa'),
  text('b'),
  // Its code point is the greater one, its first unit of UTF-16 the lesser.
  text('\uffff'),
  text('\u{10000}'),
  { bytesValue: 'AA==' },
  { bytesValue: '/w==' },
  { referenceValue: 'projects/p/databases/(default)/documents/a/b' },
  { referenceValue: 'projects/p/databases/(default)/documents/a/c' },
  { geoPointValue: { latitude: -1, longitude: 5 } },
  { geoPointValue: { longitude: -5 } },
  { geoPointValue: {} },
  list(),
  list(number(1)),
  list(number(1), number(0)),
  list(text('')),
  map({}),
  map({ a: number(1) }),
  map({ a: number(1), b: number(0) }),
  map({ a: number(2) }),
  map({ b: number(0) }),
];

test('values of every type are in one order', () => {
  for (const [i, a] of IN_ORDER.entries())
    for (const [j, b] of IN_ORDER.entries())
      expect(Math.sign(compareValues(a, b)), JSON.stringify([a, b])).toBe(Math.sign(i - j));
});

test('values that are written in two ways are equal', () => {
  expect(compareValues(number(3), { doubleValue: 3 })).toBe(0);
  const [here, there] = ['2026-11-22T12:20:30.5+02:00', '2026-11-22T10:20:30.500Z'];
  expect(compareValues({ timestampValue: here }, { timestampValue: there })).toBe(0);
  expect(compareValues(map({ a: number(1), b: text('') }), map({ b: text(''), a: number(1) }))).toBe(0);
});

test.each([
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '2000-02-29T12:00:00.5Z',
  '2026-11-22T10:20:30.123456789+05:30',
  '2100-03-01T00:00:00-11:59',
])('the time %s is that of the calendar', time => {
  expect(epochMsOf(time)).toBe(Date.parse(time.replace(/(\.\d{3})\d+/, '$1')));
});

test('what is no time is none', () => {
  expect(epochMsOf('yesterday')).toBeUndefined();
});
