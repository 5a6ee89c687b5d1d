// What the replications say about each KPI: value, interval, verdict and, without one, the reason. The scenario's own
// KPIs come first; the headlines that it does not name follow, for information.

import type { KpiName, ScenarioKpi } from '../scenarios/scenario.ts';
import { factValuesAt } from './guesses.ts';
import { KPI_SHAPES, kpisWithHeadlines } from './kpiShape.ts';
import { finiteOr, type KpiInput, type Measure } from './measure.ts';
import type { Replication } from './measurement.ts';
import type { KpiReport } from './report.ts';
import { PROVISIONED_SHARE, PROVISIONING_P99 } from './rolloutKpis.ts';
import {
  AVAILABILITY,
  COST,
  ERROR_RATE,
  RESPONSE_P95,
  RESPONSE_P99_WORST_REGION,
  SERVED_SHARE,
} from './trafficKpis.ts';
import { meets, type Target } from './verdict.ts';

const MEASURES: Readonly<Record<KpiName, Measure>> = {
  responseTimeMsP95: RESPONSE_P95,
  responseTimeMsP99WorstRegion: RESPONSE_P99_WORST_REGION,
  provisioningMsP99: PROVISIONING_P99,
  provisioningShareUnder60s: PROVISIONED_SHARE,
  errorRate: ERROR_RATE,
  servedShareWithinQuota: SERVED_SHARE,
  availability: AVAILABILITY,
  costUsdPerCompanyMonth: COST,
};

export function assessKpis(input: KpiInput): KpiReport[] {
  return kpisWithHeadlines(input.scenario.kpis).map(kpi => assessKpi(kpi, input));
}

/** The KPIs that one replication has the data for, by name. */
export function kpisOfReplication(
  input: KpiInput,
  replication: Replication,
): Record<string, number | 'infinite'> {
  const known = kpisWithHeadlines(input.scenario.kpis).filter(
    ({ name }) => MEASURES[name].lack([replication], input) === '',
  );
  return Object.fromEntries(
    known.map(({ name }) => [name, finiteOr(MEASURES[name].value(replication, input))]),
  );
}

function assessKpi({ name, target, required }: ScenarioKpi, input: KpiInput): KpiReport {
  const measure = MEASURES[name];
  const { unit } = KPI_SHAPES[name];
  const fixed = { name, unit, target, required, label: measure.label ?? input.label };
  const reason = whyNoData(measure, input);
  if (reason !== '') {
    const nothing = { value: null, sampling: null, inputs: null, survivesInputs: null } as const;
    return { ...fixed, ...nothing, verdict: 'NO_DATA', reason };
  }
  const values = input.replications.map(replication => measure.value(replication, input));
  const assessed = measure.assess(values, input, target);
  return { ...fixed, ...assessed, ...atTheEnds(measure, input, target, assessed.value) };
}

function whyNoData(measure: Measure, input: KpiInput): string {
  const { replications, label } = input;
  if (replications.length === 0) return 'no replication has finished';
  const lack = measure.lack(replications, input);
  if (lack !== '') return lack;
  const crosscheck = measure.isTraffic ? input.crosscheck : input.rolloutCrosscheck;
  const isVoid = label === 'simulated' && crosscheck?.verdict === 'FAIL';
  return isVoid ? 'the last crosscheck was out of tolerance' : '';
}

/** With all facts low and all facts high; prices are facts too. */
function atTheEnds(
  { value, lack }: Measure,
  input: KpiInput,
  target: Target,
  middle: KpiReport['value'],
): Pick<KpiReport, 'inputs' | 'survivesInputs'> {
  if (input.inputs === null || lack([input.inputs.low, input.inputs.high], input) !== '')
    return { inputs: null, survivesInputs: null };
  const ends = (['low', 'high'] as const).map(level =>
    value(input.inputs![level], { scenario: input.scenario, factValue: factValuesAt(level, input) }),
  );
  const side = meets(asNumber(middle!), target);
  return {
    inputs: { low: finiteOr(Math.min(...ends)), high: finiteOr(Math.max(...ends)) },
    survivesInputs: ends.every(end => meets(end, target) === side),
  };
}

const asNumber = (value: number | 'infinite'): number => (value === 'infinite' ? Infinity : value);
