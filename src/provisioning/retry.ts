// When and whether to try again: exponential back-off with full jitter, under one budget for the whole rollout.

import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, RETRY_BUDGET_BURST, RETRY_BUDGET_SHARE } from '../limits.ts';
import type { CallKey, Chance } from '../ports.ts';

/** Tokens: every first try earns a share of one, every retry costs one. */
export class RetryBudget {
  private tokens = RETRY_BUDGET_BURST;

  earn(): void {
    this.tokens = Math.min(RETRY_BUDGET_BURST, this.tokens + RETRY_BUDGET_SHARE);
  }

  /** The wait before retry number `retry` (1, 2, …). Without budget it is the longest one, so that load falls. */
  backoffMs(chance: Chance, key: CallKey, retry: number): number {
    if (this.tokens < 1) return BACKOFF_CAP_MS;
    this.tokens--;
    return chance.uniform(key) * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** retry);
  }
}
