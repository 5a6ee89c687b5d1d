// The sentences on traffic and cost that every renderer says.

import { count, duration, grouped, oneLine, requestCount, share, usd } from './format.ts';
import type { FleetReport, Report, WaitReport, WithTraffic } from './report.ts';

const WAITS_SHOWN = 3;

/** `636,402 requests, 53,033 a second in 12 s (0.33 % of the time), 10.06 % of them answered at the edge`. */
export function trafficText({ traffic, replications }: Report): string | null {
  if (traffic === null) return null;
  const { requests, requestsPerSecond, measuredMs, sampledShare, counts } = traffic;
  const mean = requests / replications.length;
  const each = replications.length === 1 ? '' : ' a replication';
  const sampled = sampledShare < 1 ? ` (${share(sampledShare)} of the time)` : '';
  // The counts hold the lead-ins too, where the requests here do not: of both, the share is the same.
  const hits =
    counts.sent === 0 ? '' : `, ${share(counts.edgeHits / counts.sent)} of them answered at the edge`;
  return `${requestCount(Math.round(mean))}${each}, ${count(rounded(requestsPerSecond))} a second in ${duration(measuredMs)}${sampled}${hits}`;
}

/** `us-west1 41.2 instances (at most 60), CPU 61 %; …`. */
export function fleetText({ fleet }: Report): string | null {
  if (fleet === null || fleet.length === 0) return null;
  const each = ({ region, instancesMean, instancesMax, cpuUtilisation }: FleetReport) =>
    `${oneLine(region)} ${count(rounded(instancesMean))} ${instancesMean === 1 ? 'instance' : 'instances'} (at most ${grouped(instancesMax)}), CPU ${share(cpuUtilisation)}`;
  return fleet.map(each).join('; ');
}

/** `verification pool basic 1.2 ms a request; …`: the three largest of those that anything waited for. */
export function slowestWaitsText({ traffic }: Report): string | null {
  if (traffic === null) return null;
  const waited = traffic.waits.filter(({ waitMs }) => waitMs > 0).slice(0, WAITS_SHOWN);
  if (waited.length === 0) return 'none: no request waited';
  return waited
    .map(({ name, waitMsPerRequest }) => `${oneLine(name)} ${duration(waitMsPerRequest)} a request`)
    .join('; ');
}

/** A queue that turned requests away has broken already; else the place where they waited longest will be the first. */
export function trafficBreaksFirst({ traffic, replications }: WithTraffic): string {
  const refusing = traffic.waits.filter(({ refusals }) => refusals > 0);
  const waiting = traffic.waits.filter(({ waitMs }) => waitMs > 0);
  const worst = worstOf(refusing, ({ refusals }) => refusals) ?? worstOf(waiting, ({ waitMs }) => waitMs);
  if (worst === undefined) return 'nothing: no request waited';
  const { name, waitMsPerRequest, refusals } = worst;
  const each = replications.length === 1 ? '' : ' a replication';
  const refused =
    refusals === 0 ? '' : `, ${count(refusals)} ${refusals === 1 ? 'refusal' : 'refusals'}${each}`;
  return `${oneLine(name)}: ${duration(waitMsPerRequest)} of waiting a request${refused}`;
}

function worstOf(waits: readonly WaitReport[], of: (wait: WaitReport) => number): WaitReport | undefined {
  return waits.reduce<WaitReport | undefined>((a, b) => (a && of(a) >= of(b) ? a : b), undefined);
}

/** `$77.9 a company and month (modelled): largest item …`. */
export function costText({ cost, companies }: Report): string | null {
  if (cost === null) return null;
  const largest = cost.lines.reduce<(typeof cost.lines)[number] | undefined>(
    (a, b) => (a && a.usdPerMonth >= b.usdPerMonth ? a : b),
    undefined,
  );
  const item =
    largest === undefined
      ? ''
      : `: largest item ${oneLine(largest.item)}, ${usd(largest.usdPerMonth / companies)} of it`;
  const { length } = cost.unpriced;
  const unpriced = length === 0 ? '' : `; ${length} ${length === 1 ? 'item' : 'items'} without a price`;
  return `${usd(cost.perCompanyUsdMonth)} a company and month (modelled)${item}${unpriced}`;
}

/** A mean of counts to three digits, a large one to its unit. */
const rounded = (value: number): number => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
