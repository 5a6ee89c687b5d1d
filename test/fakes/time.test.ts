// Moments as clients write them, against the platform's own clock.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from '../../fakes/service.ts';
import { msOfTime } from '../../fakes/time.ts';

test('a moment that the fakes wrote is read as what it was, and so is one of the platform', () => {
  const moments = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(moments, ms => {
      expect(msOfTime(isoTime(ms))).toBe(ms);
      expect(msOfTime(new Date(ms).toISOString())).toBe(ms);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test.each([
  '2024-02-29T00:00:00Z',
  '2000-02-29T00:00:00Z',
  '2026-12-31T23:59:59.999Z',
  '1999-03-01T12:00:00.5Z',
])('%s is one', text => {
  expect(msOfTime(text)).toBe(Date.parse(text));
});

test.each([
  ...['', 'tomorrow', '2026-11-25', '2026-11-25T10:00:00', '2026-11-25T10:00:00+01:00'],
  ...[
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
  ],
  ...[1_780_000_000_000, null, undefined, ['2026-11-25T10:00:00Z']],
])('%j is no moment', value => {
  expect(msOfTime(value)).toBeUndefined();
});
