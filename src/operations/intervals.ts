// How often each check can be made: as the plan says, or as often as the vendors' rates let it where that is less. Pure
// arithmetic over the companies and their places; the monitor keeps to it, and `watch` says so.

import { CHECKS_SHARE_MAX } from '../limits.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import { step } from '../provisioning/plan.ts';
import { scopeOf, tollsOf, type VendorLimitName, type VendorRates } from '../provisioning/vendorLimits.ts';
import { LOOKS_AT } from './check.ts';
import { CHECK_KINDS, type CheckKind, periodMsOf, type Stretches, stretchedMs } from './schedule.ts';

/** A check that calls a vendor, by the scope of its limit that is asked most. */
export type Interval = {
  readonly kind: CheckKind;
  readonly limit: VendorLimitName;
  /** Of the limit: a project, a token. */
  readonly scope: string;
  /** Calls that the plan's interval asks for, that the vendor allows there, and that the checks may take of these. */
  readonly askedPerMinute: number;
  readonly allowedPerMinute: number;
  readonly ownPerMinute: number;
  readonly planMs: number;
  /** The plan's where it can be kept. */
  readonly everyMs: number;
};

/** One for each check and limit that it counts towards; none of a limit that has no rate. */
export function intervalsOf(
  companies: readonly Company[],
  platform: Platform,
  rates: VendorRates,
): Interval[] {
  return CHECK_KINDS.flatMap(kind =>
    // Under a wildcard there is no certificate to check.
    kind === 'certificate' && platform.dns === 'wildcard'
      ? []
      : tollsOf(step(...LOOKS_AT[kind]).kind).flatMap(({ limit, find }) => {
          const allowedPerMinute = rates[limit];
          if (allowedPerMinute === null || find === 0) return [];
          const [scope, askedPerMinute] = mostAsked(companies, platform, kind, limit, find);
          const ownPerMinute = allowedPerMinute * CHECKS_SHARE_MAX;
          const planMs = periodMsOf(kind, '');
          const everyMs = stretchedMs(planMs, Math.max(1, askedPerMinute / ownPerMinute));
          return [{ kind, limit, scope, askedPerMinute, allowedPerMinute, ownPerMinute, planMs, everyMs }];
        }),
  );
}

/** By how much each check comes less often than the plan has it. */
export function stretchesOf(intervals: readonly Interval[]): Stretches {
  const stretchOf = (kind: CheckKind) =>
    Math.max(1, ...intervals.filter(one => one.kind === kind).map(({ everyMs, planMs }) => everyMs / planMs));
  return {
    service: stretchOf('service'),
    database: stretchOf('database'),
    certificate: stretchOf('certificate'),
  };
}

/** The scope with most of them, and its calls a minute. */
function mostAsked(
  companies: readonly Company[],
  platform: Platform,
  kind: CheckKind,
  limit: VendorLimitName,
  callsEach: number,
): readonly [scope: string, perMinute: number] {
  const asked = new Map<string, number>();
  for (const company of companies) {
    const scope = scopeOf(limit, company, placeOf(company, platform));
    const perMinute = (callsEach * 60_000) / periodMsOf(kind, company.level);
    asked.set(scope, (asked.get(scope) ?? 0) + perMinute);
  }
  return [...asked].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0] as const);
}
