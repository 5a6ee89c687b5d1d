// The plan's intervals, and that they never ask everybody at once.

import { describe, expect, it } from 'vitest';
import { type CheckKind, checksDue, dueAfterMs, slotOf } from '../../src/operations/schedule.ts';

const HOUR_MS = 3_600_000;

type Due = { readonly atMs: number; readonly company: number; readonly kind: CheckKind };

/** Every check of the first hours; each tenth company has the highest level. */
function dueIn(hours: number, companies: number): Due[] {
  const due: Due[] = [];
  for (let i = 0; dueAfterMs(i, companies) < hours * HOUR_MS; i++) {
    const slot = slotOf(i, companies);
    const level = slot.company % 10 === 0 ? 'DIAMOND' : 'ONYX';
    for (const kind of checksDue(slot, level))
      due.push({ atMs: dueAfterMs(i, companies), company: slot.company, kind });
  }
  return due;
}

const gapsOf = (due: readonly Due[]) => due.slice(1).map(({ atMs }, i) => Math.round(atMs - due[i].atMs));

describe('a company', () => {
  const due = dueIn(50, 40);
  const of = (company: number, kind: CheckKind) =>
    due.filter(one => one.company === company && one.kind === kind);

  it.each([
    ['of the highest level, its service', 10, 'service', 30_000],
    ['of another level, its service', 11, 'service', 60_000],
    ['of any level, its database', 10, 'database', 300_000],
    ['of any level, its database', 37, 'database', 300_000],
    ['of any level, its certificate', 11, 'certificate', 86_400_000],
  ] as const)('%s: %d, %s, is checked every %d ms', (_, company, kind, periodMs) => {
    const checks = of(company, kind);
    expect(checks.length).toBeGreaterThanOrEqual(2);
    expect(new Set(gapsOf(checks))).toEqual(new Set([periodMs]));
    expect(checks[0].atMs).toBeLessThan(periodMs);
  });
});

describe('ten thousand companies', () => {
  const due = dueIn(0.25, 10_000).filter(({ atMs }) => atMs >= 300_000);

  it.each([
    ['service', (1000 * 2 + 9000) / 60],
    ['database', 10_000 / 300],
  ] as const)('have their checks of the %s spread evenly: as many in every second', (kind, perSecond) => {
    const counts = new Map<number, number>();
    for (const one of due)
      if (one.kind === kind) {
        const second = Math.floor(one.atMs / 1000);
        counts.set(second, (counts.get(second) ?? 0) + 1);
      }
    const all = [...counts.values()];
    expect(all).toHaveLength(600);
    expect(Math.max(...all)).toBeLessThan(perSecond * 1.1 + 2);
    expect(Math.min(...all)).toBeGreaterThan(perSecond * 0.9 - 2);
  });
});

it('a late slot makes no other late: due times follow from the number alone', () => {
  expect(dueAfterMs(30_000_000, 10_000)).toBe(90_000_000);
});
