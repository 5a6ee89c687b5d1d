// What every KPI is, whatever measured it: its unit, the side of the target that is good, how a person calls it, and the
// headline KPIs that stand in every report. Scenarios are checked against this table too.

import type { KpiName, ScenarioKpi } from '../scenarios/scenario.ts';
import type { KpiReport } from './report.ts';

export type KpiShape = {
  readonly unit: KpiReport['unit'];
  /** Which side of the target is good. */
  readonly op: ScenarioKpi['target']['op'];
  readonly title: string;
};

export const KPI_SHAPES: Readonly<Record<KpiName, KpiShape>> = {
  responseTimeMsP95: { unit: 'ms', op: '<', title: 'response P95' },
  responseTimeMsP99WorstRegion: { unit: 'ms', op: '<', title: 'response P99, worst region' },
  provisioningMsP99: { unit: 'ms', op: '<', title: 'provisioning P99' },
  provisioningShareUnder60s: { unit: 'share', op: '>=', title: 'provisioned under 60 s' },
  errorRate: { unit: 'share', op: '<', title: 'errors' },
  servedShareWithinQuota: { unit: 'share', op: '>=', title: 'served within quota' },
  availability: { unit: 'share', op: '>=', title: 'availability' },
  costUsdPerCompanyMonth: { unit: 'usd', op: '<', title: 'cost a company, month' },
};

/** With the plan's targets. One that a scenario does not name is informative. */
export const HEADLINES: readonly ScenarioKpi[] = [
  { name: 'responseTimeMsP95', required: false, target: { op: '<', value: 500 } },
  { name: 'provisioningMsP99', required: false, target: { op: '<', value: 60_000 } },
  { name: 'errorRate', required: false, target: { op: '<', value: 0.001 } },
  { name: 'costUsdPerCompanyMonth', required: false, target: { op: '<', value: 50 } },
];

/** The scenario's own, then the headlines that it does not name. */
export function kpisWithHeadlines(kpis: readonly ScenarioKpi[]): ScenarioKpi[] {
  return [...kpis, ...HEADLINES.filter(({ name }) => !kpis.some(kpi => kpi.name === name))];
}
