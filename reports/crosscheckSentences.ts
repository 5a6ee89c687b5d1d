// The sentences on how far a simulation agrees with its emulation, the same in every renderer.

import { CROSSCHECK_ROLLOUT_MS_MAX } from '../scenarios/rolloutOptions.ts';
import type { CrosscheckReport } from './crosscheckReport.ts';
import { count, duration, oneLine, share, signedShare } from './format.ts';
import type { Comparison } from './measurement.ts';
import { hasRollout, hasTraffic, type Report, type Summary, type WithRollout } from './report.ts';

/** The last crosscheck, or how to make one; with both phases, each by its name. */
export function crosscheckText(report: Report): string {
  const rollout = hasRollout(report) ? rolloutText(report) : null;
  const traffic = hasTraffic(report) ? trafficText(report) : null;
  if (rollout === null || traffic === null || rollout === traffic)
    return rollout ?? traffic ?? 'nothing was run';
  return `rollout: ${rollout}; traffic: ${traffic}`;
}

function trafficText({ crosscheck, scenario, label }: Report): string {
  return crosscheck === null ? noneYet(scenario) : quoted(crosscheck, label, 'traffic');
}

function rolloutText({ rolloutCrosscheck, rollout, scenario, label, speed }: WithRollout): string {
  if (rolloutCrosscheck !== null) return quoted(rolloutCrosscheck, label, 'the rollout');
  if (speed > 1) return `none at ×${speed}, where what local HTTP takes is multiplied: use --speed 1`;
  if (rollout.isResumed) return 'none: the clock ran on while the rollout was not worked on';
  // Between waves nothing can be hurried either.
  if (rollout.durationMs > CROSSCHECK_ROLLOUT_MS_MAX)
    return `none of this rollout, which over HTTP takes ${duration(rollout.durationMs)} as well; of the same code in small: sandtable crosscheck crosscheck-rollout`;
  return noneYet(scenario);
}

const noneYet = (scenario: string): string => `none yet: sandtable crosscheck ${oneLine(scenario)}`;

function quoted(crosscheck: CrosscheckReport, label: Report['label'], of: string): string {
  const isVoid = crosscheck.verdict === 'FAIL' && label === 'simulated';
  const why = {
    PASS: '',
    FAIL: isVoid ? `: the simulated verdicts on ${of} are void` : '',
    INCONCLUSIVE: ': its machine was too busy for it to say anything',
  }[crosscheck.verdict];
  return `${crosscheckSummary(crosscheck)}${why}`;
}

/** `PASS, 7 of 7 figures within tolerance, with delays; furthest off P95, +1.2 % (3 % allowed)`. */
export function crosscheckSummary({ verdict, rows, withDelays }: CrosscheckReport): string {
  const judged = rows.flatMap(({ tolerance, ...row }) => (tolerance === null ? [] : [{ ...row, tolerance }]));
  const within = judged.filter(row => row.within).length;
  const figures = `${within} of ${judged.length} figures within tolerance`;
  const delays = withDelays ? 'with delays' : 'without delays, by the processor alone';
  const furthest = judged.toSorted((a, b) => distance(b) - distance(a)).at(0);
  const largest =
    furthest === undefined
      ? ''
      : `; furthest off ${oneLine(furthest.figure)}, ${signedShare(furthest.deviation)} (${share(furthest.tolerance)} allowed)`;
  return `${verdict}, ${figures}, ${delays}${largest}`;
}

/** In tolerances. What must be equal, and is, is nearest of all. */
function distance({
  deviation,
  tolerance,
}: {
  readonly deviation: number;
  readonly tolerance: number;
}): number {
  if (deviation === 0) return 0;
  return tolerance === 0 ? Number.POSITIVE_INFINITY : Math.abs(deviation) / tolerance;
}

/** `85.3 s (emulated +0.1 %), provisioning P50 31 s (+0.4 %), P95 …`; null without one in virtual time beside it. */
export function simulatedRolloutText({ rollout }: Report): string | null {
  if (rollout === null || rollout.simulated === null) return null;
  const { simulated, durationMs, provisioningMs } = rollout;
  const beside = (expected: number, seen: number) =>
    expected === 0 ? duration(expected) : `${duration(expected)} (${signedShare(seen / expected - 1)})`;
  const at = (p: 'p50' | 'p95' | 'p99') => beside(simulated.provisioningMs[p], provisioningMs[p]);
  const times = (['p50', 'p95', 'p99'] satisfies (keyof Summary)[]).map(p => `P${p.slice(1)} ${at(p)}`);
  return `${beside(simulated.durationMs, durationMs)}; provisioning ${times.join(', ')}; in brackets the deviation of the emulated one`;
}

/** One side's figure of a row, in its unit. */
export function rowFigure(value: number, unit: Comparison['unit']): string {
  if (unit === 'ms') return duration(value);
  if (unit === 'share') return share(value);
  return unit === 'perSecond' ? `${count(value)}/s` : count(value);
}
