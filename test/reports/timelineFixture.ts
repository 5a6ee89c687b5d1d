// Hand-made timelines for the report's tests.

import type { StepEnding, TimelineMeasurement } from '../../reports/measurement.ts';

export type Row = {
  readonly company: number;
  /** `secret:api-key`; its kind ends at the colon. */
  readonly step: string;
  readonly ending?: StepEnding;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly limiterMs?: number;
  readonly quotaMs?: number;
  readonly retryMs?: number;
  readonly pollMs?: number;
  readonly lostMs?: number;
};

const ENDINGS: readonly StepEnding[] = ['made', 'failed', 'removed', 'left', 'underWay'];

/** Rows in any order. */
export function timelineOf(unordered: readonly Row[]): TimelineMeasurement {
  const rows = unordered.toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const ids = [...new Set(rows.map(({ step }) => step))];
  return {
    steps: ids.map(id => ({ id, kind: id.split(':')[0] })),
    endings: ENDINGS,
    company: Uint32Array.from(rows, ({ company }) => company),
    step: Uint16Array.from(rows, ({ step }) => ids.indexOf(step)),
    ending: Uint8Array.from(rows, ({ ending = 'made' }) => ENDINGS.indexOf(ending)),
    beganAtMs: Float64Array.from(rows, ({ beganAtMs }) => beganAtMs),
    endedAtMs: Float64Array.from(rows, ({ endedAtMs }) => endedAtMs),
    limiterMs: Float32Array.from(rows, ({ limiterMs = 0 }) => limiterMs),
    quotaMs: Float32Array.from(rows, ({ quotaMs = 0 }) => quotaMs),
    retryMs: Float32Array.from(rows, ({ retryMs = 0 }) => retryMs),
    pollMs: Float32Array.from(rows, ({ pollMs = 0 }) => pollMs),
    lostMs: Float64Array.from(rows, ({ lostMs = 0 }) => lostMs),
  };
}

/** The rows of a company that takes `ms`: a secret, a service that waits for its limiter and to get ready, its health. */
export function usualRows(company: number, admittedAtMs: number, ms: number): Row[] {
  const at = (share: number) => admittedAtMs + share * ms;
  return [
    { company, step: 'secret:api-key', beganAtMs: at(0), endedAtMs: at(0.1) },
    {
      company,
      step: 'service',
      beganAtMs: at(0.1),
      endedAtMs: at(0.8),
      limiterMs: 0.2 * ms,
      pollMs: 0.3 * ms,
    },
    { company, step: 'health', beganAtMs: at(0.8), endedAtMs: at(1), retryMs: 0.05 * ms },
  ];
}
