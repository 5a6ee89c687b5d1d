// The report's sections on traffic: response times by region, level and kind, waits, fleets and the request counts.

import { Histogram } from './histogram.ts';
import { meanTraffic, sum } from './meanTraffic.ts';
import type { RequestCounts, TrafficCell, TrafficMeasurement } from './measurement.ts';
import type { FleetReport, KindReport, Report, ResponseReport, TrafficReport, WaitReport } from './report.ts';
import { judgedTraffic } from './requestCounts.ts';
import { responsesOf } from './trafficKpis.ts';

/** Null where no traffic was run. `simulated`: the same traffic in virtual time, beside an emulated run. */
export function trafficReportOf(
  traffics: readonly TrafficMeasurement[],
  simulated: TrafficMeasurement | undefined,
  clock: Report['clock'],
): TrafficReport | null {
  if (traffics.length === 0) return null;
  const cells = traffics.flatMap(traffic => traffic.cells);
  const middle = meanTraffic(traffics);
  const judged = traffics.map(traffic => judgedTraffic(traffic, clock));
  return {
    ...responseReport(cells),
    measuredMs: middle.measuredMs,
    requestsPerSecond: perSecond(middle),
    sampledShare: middle.sampledShare,
    withinQuota: sum(traffics, ({ withinQuota }) => withinQuota),
    servedWithinQuota: sum(traffics, ({ servedWithinQuota }) => servedWithinQuota),
    cells: grouped(cells, ({ region, level, kind }) => JSON.stringify([region, level, kind])).map(group => ({
      region: group[0].region,
      level: group[0].level,
      kind: group[0].kind,
      ...responseReport(group),
    })),
    regions: grouped(cells, ({ region }) => region).map(group => ({
      region: group[0].region,
      ...responseReport(group),
      quantilesMs: percentiles(responsesOf(group)),
    })),
    kinds: kindReports(cells),
    simulatedKinds: simulated === undefined ? null : kindReports(simulated.cells),
    waits: waitReports(middle),
    waitsPerRequest: middle.waitsPerRequest,
    counts: totalCounts(traffics),
    latenessMs: latenessOf(traffics),
    countViolations: distinct(judged.flatMap(({ wrong }) => wrong)),
    worthless: distinct(judged.flatMap(({ worthless }) => worthless)),
  };
}

export function fleetReportOf(traffics: readonly TrafficMeasurement[]): FleetReport[] | null {
  return traffics.length === 0 ? null : [...meanTraffic(traffics).fleets];
}

function perSecond({ cells, measuredMs }: TrafficMeasurement): number {
  return measuredMs === 0 ? 0 : (sum(cells, ({ requests }) => requests) / measuredMs) * 1000;
}

function kindReports(cells: readonly TrafficCell[]): KindReport[] {
  return grouped(cells, ({ kind }) => kind).map(group => ({ kind: group[0].kind, ...responseReport(group) }));
}

function responseReport(cells: readonly TrafficCell[]): ResponseReport {
  const responses = responsesOf(cells);
  const at = (p: number) => (responses.count === 0 ? 0 : responses.quantile(p));
  return {
    requests: sum(cells, ({ requests }) => requests),
    errors: sum(cells, ({ errors }) => errors),
    refused: sum(cells, ({ refused }) => refused),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
  };
}

function percentiles(responses: Histogram): number[] {
  if (responses.count === 0) return [];
  return Array.from({ length: 101 }, (_, percent) => responses.quantile(percent / 100));
}

function waitReports({ waits, cells }: TrafficMeasurement): WaitReport[] {
  const requests = sum(cells, cell => cell.requests);
  return waits
    .map(wait => ({ ...wait, waitMsPerRequest: requests === 0 ? 0 : wait.waitMs / requests }))
    .sort((a, b) => b.waitMs - a.waitMs);
}

function totalCounts(traffics: readonly TrafficMeasurement[]): RequestCounts {
  const total = (of: (counts: RequestCounts) => number) => sum(traffics, ({ counts }) => of(counts));
  return {
    due: total(({ due }) => due),
    sent: total(({ sent }) => sent),
    edgeHits: total(({ edgeHits }) => edgeHits),
    handled: total(({ handled }) => handled),
    answered: total(({ answered }) => answered),
    forwarded: total(({ forwarded }) => forwarded),
    ledger: total(({ ledger }) => ledger),
    audited: total(({ audited }) => audited),
  };
}

function latenessOf(traffics: readonly TrafficMeasurement[]): TrafficReport['latenessMs'] {
  const all = new Histogram();
  for (const { latenessMs } of traffics) all.merge(Histogram.of(latenessMs));
  return all.count === 0 ? null : { p50: all.quantile(0.5), p99: all.quantile(0.99) };
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)];

/** In the order of first appearance. */
const grouped = <T>(items: readonly T[], keyOf: (item: T) => string): T[][] => [
  ...Map.groupBy(items, keyOf).values(),
];
