// How long a rollout takes at least: the calls of each limit, by what it is counted by, at its rate. Nothing goes wrong in
// it, nothing is asked twice, and all limits are used from the first moment on.

import type { Rates } from './admission.ts';
import { type Company, type Platform, placeOf } from './company.ts';
import type { LimiterName, Step } from './plan.ts';
import {
  burstOf,
  scopeOf,
  tollsOf,
  undisturbedCalls,
  type VendorLimitName,
  type VendorRates,
} from './vendorLimits.ts';

export type Bound = {
  readonly name: LimiterName | VendorLimitName;
  readonly perMinute: number;
  /** Of the project, region or zone with most of them; `all` for a limit of the whole rollout. */
  readonly scope: string;
  readonly calls: number;
  readonly boundMs: number;
};

type Count = { readonly name: Bound['name']; readonly scope: string; calls: number };

/** One a limit that has a rate, of the scope that takes longest. */
export function boundsOf(
  companies: readonly Company[],
  platform: Platform,
  planOf: (company: Company) => readonly Step[],
  rates: Rates & VendorRates,
): Bound[] {
  const counts = new Map<string, Count>();
  const add = (name: Bound['name'], scope: string, calls: number) => {
    if (rates[name] === null || calls === 0) return;
    const key = `${name} ${scope}`;
    const count = counts.get(key) ?? { name, scope, calls: 0 };
    count.calls += calls;
    counts.set(key, count);
  };
  for (const company of companies) {
    const place = placeOf(company, platform);
    for (const step of planOf(company)) {
      if (step.limiter !== undefined) add(step.limiter, 'all', 1);
      for (const toll of tollsOf(step.kind))
        add(toll.limit, scopeOf(toll.limit, company, place), undisturbedCalls(step.kind, toll));
    }
  }
  return [...Map.groupBy(counts.values(), ({ name }) => name).values()].map(own => {
    const { name, scope, calls } = own.reduce((most, each) => (each.calls > most.calls ? each : most));
    const perMinute = rates[name]!;
    // The first ones wait for nothing.
    const burst = burstOf(name, perMinute);
    return { name, perMinute, scope, calls, boundMs: (Math.max(0, calls - burst) * 60_000) / perMinute };
  });
}
