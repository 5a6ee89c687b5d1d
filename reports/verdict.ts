// From figures to a verdict: one KPI's interval against its target, and the run's worst required KPI.

import type { Interval, KpiReport, Verdict } from './report.ts';

/** From best to worst. Knowing nothing is worse than knowing too little; both leave with the same exit code. */
const ORDER: readonly Verdict[] = ['PASS', 'INCONCLUSIVE', 'NO_DATA', 'FAIL'];

export type Target = KpiReport['target'];

export const meets = (value: number, { op, value: target }: Target): boolean =>
  op === '<' ? value < target : value >= target;

/** PASS: the whole interval meets the target. FAIL: none of it does. */
export function verdictOfInterval({ low, high }: Interval, target: Target): Verdict {
  if (meets(low, target) && meets(high, target)) return 'PASS';
  return meets(low, target) || meets(high, target) ? 'INCONCLUSIVE' : 'FAIL';
}

/** The worst required one. A run that requires nothing has proved nothing: NO_DATA. */
export function verdictOf(kpis: readonly KpiReport[]): Verdict {
  const required = kpis.filter(kpi => kpi.required).map(kpi => ORDER.indexOf(kpi.verdict));
  return required.length === 0 ? 'NO_DATA' : ORDER[Math.max(...required)];
}
