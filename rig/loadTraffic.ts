// What a load in real time measured, in the terms of the reports. `load.ts` collects the counts; here they are only put side
// by side, each from the place that counted it.

import type {
  FleetMeasurement,
  RequestCounts,
  TrafficMeasurement,
  UsageMeasurement,
  WaitMeasurement,
} from '../reports/measurement.ts';
import type { GatewayFigures } from './gatewayProcess.ts';
import type { Collected } from './load.ts';

export function trafficOfLoad({ run, gateways, before, after, audited }: Collected): TrafficMeasurement {
  const figures = gateways.map(gateway => gateway.figures);
  const edgeHits = sumOf(figures, ({ edgeHits }) => edgeHits);
  const handled = sumOf(figures, ({ counts }) => counts.handled);
  const counts: RequestCounts = {
    due: run.due,
    sent: run.sent,
    edgeHits,
    handled,
    answered: sumOf(figures, ({ counts }) => counts.answered),
    forwarded: sumOf(figures, ({ counts }) => counts.forwarded),
    ledger: after.total - before.total,
    audited,
  };
  return {
    measuredMs: run.measuredMs,
    sampledShare: 1,
    cells: run.cells,
    // What the edge answers counts towards no quota.
    withinQuota: edgeHits + sumOf(figures, ({ withinQuota }) => withinQuota),
    servedWithinQuota: edgeHits + sumOf(figures, ({ servedWithinQuota }) => servedWithinQuota),
    fleets: gateways.map(fleetOf),
    waits: waitsOf(figures),
    usage: usageOf(run.measuredMs, figures, counts, busyMs(after) - busyMs(before)),
    counts,
    waitsPerRequest: handled === 0 ? 0 : sumOf(figures, ({ portWaits }) => portWaits) / handled,
    latenessMs: run.latenessMs,
    violations: run.violations,
  };
}

const sumOf = (figures: readonly GatewayFigures[], figure: (gateway: GatewayFigures) => number): number =>
  figures.reduce((sum, gateway) => sum + figure(gateway), 0);

const busyMs = ({ usage }: Collected['after']): number => usage.reduce((sum, { busyMs }) => sum + busyMs, 0);

/** The rig's gateway is one process, whatever the scenario's fleet. */
function fleetOf({ region, figures }: Collected['gateways'][number]): FleetMeasurement {
  const { busyMs, spanMs, concurrencyMax } = figures;
  return {
    region,
    instancesMean: 1,
    instancesMax: 1,
    coldStarts: 0,
    cpuUtilisation: spanMs === 0 ? 0 : busyMs / spanMs,
    concurrencyMax,
  };
}

/** Pools of one name, over all gateways. */
function waitsOf(figures: readonly GatewayFigures[]): WaitMeasurement[] {
  const sums = new Map<string, WaitMeasurement>();
  for (const { name, calls, waitMs, refusals } of figures.flatMap(({ waits }) => waits)) {
    const sum = sums.get(name) ?? { name, calls: 0, waitMs: 0, refusals: 0 };
    sums.set(name, {
      name,
      calls: sum.calls + calls,
      waitMs: sum.waitMs + waitMs,
      refusals: sum.refusals + refusals,
    });
  }
  return [...sums.values()];
}

function usageOf(
  measuredMs: number,
  figures: readonly GatewayFigures[],
  { handled, forwarded }: RequestCounts,
  serviceBusyMs: number,
): UsageMeasurement {
  return {
    gatewayInstanceSeconds: (figures.length * measuredMs) / 1000,
    serviceInstanceSeconds: serviceBusyMs / 1000,
    gatewayRequests: handled,
    serviceRequests: forwarded,
    cacheTrips: sumOf(figures, ({ cacheTrips }) => cacheTrips),
    recordReads: sumOf(figures, ({ recordReads }) => recordReads),
    auditBytes: sumOf(figures, ({ auditBytes }) => auditBytes),
    egressBytes: sumOf(figures, ({ egressBytes }) => egressBytes),
  };
}
