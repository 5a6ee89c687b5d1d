// Waves: the rollout grows in steps, and between two of them stands a gate that reads how the last one went. Pure.

import type { Company } from './company.ts';
import type { CompanyProgress, WaveProgress } from './progress.ts';

/** What somebody decided about a rollout that is paused. */
export type AfterPause = 'resume' | 'rollBack' | undefined;

export type Wave = {
  /** Companies provisioned once the wave is over, all waves before it included. */
  readonly upTo: number;
  /** From its last company until its gate: what breaks only after a while must have had the time. */
  readonly dwellMs: number;
};

/** What the last wave must show before the next one begins. Shares are 0 to 1. */
export type Gate = {
  readonly readyShareMin: number;
  readonly provisioningMsP99Max: number;
  /** Of the companies that are ready, at the end of the dwell. */
  readonly healthyShareMin: number;
  /** pause: nothing more begins until somebody has decided. rollBack: the wave's companies are taken away again. */
  readonly onFailure: 'pause' | 'rollBack';
};

export type GateReading = {
  readonly readyShare: number;
  /** Of all companies; one that did not become ready, or was not even begun, counts as infinite. */
  readonly provisioningMsP99: number;
  readonly healthyShare: number;
};

/** What became of one wave; times are the clock's, -1 for what has not come. */
export type WaveState = {
  readonly upTo: number;
  readonly companies: number;
  openedAtMs: number;
  endedAtMs: number;
  decidedAtMs: number;
  outcome: 'open' | 'passed' | 'paused' | 'resumed' | 'rolledBack';
  reason: string;
  reading: GateReading | undefined;
};

/** In the journal. */
export const nameOfWave = (number: number): string => `wave ${number + 1}`;

/** Nothing is begun in a wave any more that was rolled back, or is paused until somebody resumes it. */
export const isStopped = (decision: WaveProgress | undefined, afterPause: AfterPause): boolean =>
  decision?.event === 'rolledBack' || (decision?.event === 'paused' && afterPause !== 'resume');

export type Batch = { readonly name: string; readonly companies: readonly Company[] };

/** A wave's companies in batches of `size`; the last is what is left. Names do not depend on other waves. */
export function batchesOf(companies: readonly Company[], size: number): Batch[] {
  return Array.from({ length: Math.ceil(companies.length / size) }, (_, n) => {
    const own = companies.slice(n * size, (n + 1) * size);
    return { name: `companies ${own[0].index} to ${own.at(-1)!.index}`, companies: own };
  });
}

type Ended = Pick<CompanyProgress, 'state' | 'admittedAtMs' | 'finishedAtMs'>;

/** `healthy`: of the companies that are ready. */
export function readingOf(ended: readonly Ended[], healthy: number): GateReading {
  const ready = ended.filter(({ state }) => state === 'ready');
  const times = ended
    .map(({ state, admittedAtMs, finishedAtMs }) =>
      state === 'ready' ? finishedAtMs - admittedAtMs : Number.POSITIVE_INFINITY,
    )
    .sort((a, b) => a - b);
  return {
    readyShare: ready.length / ended.length,
    provisioningMsP99: times[Math.ceil(times.length * 0.99) - 1],
    healthyShare: ready.length === 0 ? 1 : healthy / ready.length,
  };
}

/** Why the next wave must not begin; undefined when it may. */
export function failureOf(reading: GateReading, gate: Gate): string | undefined {
  const { readyShare, provisioningMsP99, healthyShare } = reading;
  const failures = [
    readyShare < gate.readyShareMin && `ready ${percent(readyShare)} of ${percent(gate.readyShareMin)}`,
    provisioningMsP99 > gate.provisioningMsP99Max &&
      `provisioning P99 ${seconds(provisioningMsP99)} of at most ${seconds(gate.provisioningMsP99Max)}`,
    healthyShare < gate.healthyShareMin &&
      `healthy ${percent(healthyShare)} of ${percent(gate.healthyShareMin)}`,
  ].filter(failure => failure !== false);
  return failures.length === 0 ? undefined : failures.join('; ');
}

const percent = (share: number): string => `${Math.floor(share * 1e4) / 100} %`;
const seconds = (ms: number): string => (Number.isFinite(ms) ? `${Math.ceil(ms / 100) / 10} s` : 'never');
