// What a plan comes to before anything is run: whether it fits what the vendors allow, and how long it takes at least.

import type { Rates } from './admission.ts';
import { type Bound, boundsOf } from './bounds.ts';
import { type Need, needsOf } from './capacity.ts';
import type { Company, Platform } from './company.ts';
import { stepsOf } from './provision.ts';
import type { VendorRates } from './vendorLimits.ts';

export type PlanArithmetic = { readonly needs: Need[]; readonly bounds: Bound[] };

type PlanOptions = {
  readonly companies: readonly Company[];
  readonly platform: Platform;
  readonly databaseOperationsPerCompany: number;
  readonly rates: Rates;
  readonly vendorRates: VendorRates;
  /** The time that the rollout has. */
  readonly deadlineMs: number;
};

/** `factValue`: of a limit or a price by its id in the catalogue. */
export function arithmeticOf(options: PlanOptions, factValue: (fact: string) => number): PlanArithmetic {
  const { companies, platform, rates, vendorRates, deadlineMs } = options;
  return {
    needs: needsOf(companies, platform, factValue, deadlineMs),
    bounds: boundsOf(companies, platform, company => stepsOf(options, company), { ...rates, ...vendorRates }),
  };
}
