// What became of a request, by what k6 saw of it. `load.ts` calls it; nothing of k6 is in it, so that tests can.

import type { Outcome } from '../loadPlan.ts';
import type { RequestKind } from '../scenario.ts';

export type Seen = {
  /** 0 when there was no whole answer. */
  readonly status: number;
  /** k6's own number for what went wrong, 0 for nothing. */
  readonly errorCode: number;
  /** Undefined when it was not kept. */
  readonly body: string | undefined;
};

/** Of k6's catalogue of errors: the request timed out. */
const REQUEST_TIMEOUT = 1050;

/** Every request of a schedule is a valid one, so anything but 2xx and the quota's 429 is an error. */
export function outcomeOf(kind: RequestKind, company: string, { status, errorCode, body }: Seen): Outcome {
  if (errorCode === REQUEST_TIMEOUT) return 'timeout';
  if (status === 0) return 'unreachable';
  if (status === 429) return 'refused';
  if (status < 200 || status > 299) return 'error';
  return kind === 'tools/call' && body?.includes(company) !== true ? 'foreign' : 'ok';
}

/** Only these answers are read; k6 throws the others' bodies away. */
export const isBodyKept = (kind: RequestKind): boolean => kind === 'tools/call';
