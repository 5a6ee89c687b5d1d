// The mean of several replications' traffic, as if it were one run: what fleets, waits and cost are reported of.

import { mean } from 'simple-statistics';
import type { HistogramData } from './histogram.ts';
import type { FleetMeasurement, TrafficCell, TrafficMeasurement, WaitMeasurement } from './measurement.ts';

/** Of at least one; of one it is that one itself. */
export function meanTraffic(traffics: readonly TrafficMeasurement[]): TrafficMeasurement {
  if (traffics.length === 1) return traffics[0];
  const meanOf = (of: (traffic: TrafficMeasurement) => number) => mean(traffics.map(of));
  return {
    measuredMs: meanOf(({ measuredMs }) => measuredMs),
    sampledShare: meanOf(({ sampledShare }) => sampledShare),
    cells: meanCells(traffics),
    withinQuota: meanOf(({ withinQuota }) => withinQuota),
    servedWithinQuota: meanOf(({ servedWithinQuota }) => servedWithinQuota),
    fleets: meanFleets(traffics),
    waits: meanWaits(traffics),
    usage: meanFields(traffics.map(({ usage }) => usage)),
    counts: meanFields(traffics.map(({ counts }) => counts)),
    waitsPerRequest: meanOf(({ waitsPerRequest }) => waitsPerRequest),
    latenessMs: meanHistogram(
      traffics.map(({ latenessMs }) => latenessMs),
      traffics.length,
    ),
    violations: [...new Set(traffics.flatMap(({ violations }) => violations))],
  };
}

/** The cells of a replication that has no such requests count as zero. */
function meanCells(traffics: readonly TrafficMeasurement[]): TrafficCell[] {
  const groups = Map.groupBy(
    traffics.flatMap(({ cells }) => cells),
    ({ region, level, kind }) => JSON.stringify([region, level, kind]),
  );
  const n = traffics.length;
  return [...groups.values()].map(cells => ({
    region: cells[0].region,
    level: cells[0].level,
    kind: cells[0].kind,
    requests: sum(cells, ({ requests }) => requests) / n,
    errors: sum(cells, ({ errors }) => errors) / n,
    refused: sum(cells, ({ refused }) => refused) / n,
    responseMs: meanHistogram(
      cells.map(({ responseMs }) => responseMs),
      n,
    ),
  }));
}

/** The largest of any replication stays the largest. */
function meanFleets(traffics: readonly TrafficMeasurement[]): FleetMeasurement[] {
  const groups = Map.groupBy(
    traffics.flatMap(({ fleets }) => fleets),
    ({ region }) => region,
  );
  return [...groups.values()].map(fleets => {
    const meanOf = (of: (fleet: FleetMeasurement) => number) => sum(fleets, of) / traffics.length;
    return {
      region: fleets[0].region,
      instancesMean: meanOf(({ instancesMean }) => instancesMean),
      instancesMax: Math.max(...fleets.map(({ instancesMax }) => instancesMax)),
      coldStarts: meanOf(({ coldStarts }) => coldStarts),
      cpuUtilisation: meanOf(({ cpuUtilisation }) => cpuUtilisation),
      concurrencyMax: Math.max(...fleets.map(({ concurrencyMax }) => concurrencyMax)),
    };
  });
}

function meanWaits(traffics: readonly TrafficMeasurement[]): WaitMeasurement[] {
  const groups = Map.groupBy(
    traffics.flatMap(({ waits }) => waits),
    ({ name }) => name,
  );
  const n = traffics.length;
  return [...groups.values()].map(waits => ({
    name: waits[0].name,
    calls: sum(waits, ({ calls }) => calls) / n,
    waitMs: sum(waits, ({ waitMs }) => waitMs) / n,
    refusals: sum(waits, ({ refusals }) => refusals) / n,
  }));
}

function meanFields<T extends Readonly<Record<string, number>>>(all: readonly T[]): T {
  return Object.fromEntries(Object.keys(all[0]).map(name => [name, mean(all.map(each => each[name]))])) as T;
}

function meanHistogram(all: readonly HistogramData[], n: number): HistogramData {
  const counts = new Map<number, number>();
  for (const [ms, count] of all.flat()) counts.set(ms, (counts.get(ms) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b).map(([ms, count]) => [ms, count / n] as const);
}

export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
