// A fault is a rule with a verdict on one arrow of a call: arrive? → effect? → answer?

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { CallKey } from '../src/ports.ts';

/**
 * refuse: the vendor answers `status` and has no effect. loseRequest: the call never arrives. loseAnswer: the effect
 * happens and the answer is lost. delayRequest: the call arrives `delayMs` later, perhaps after its caller gave up.
 * delayAnswer: the effect is in time and the answer comes `delayMs` later. twice: the call is executed again right after
 * the first time, as by a proxy that retries, and the second answer is dropped. slow: the vendor takes `times` as long.
 */
export type FaultVerdict =
  | 'refuse'
  | 'loseRequest'
  | 'loseAnswer'
  | 'delayRequest'
  | 'delayAnswer'
  | 'twice'
  | 'slow';

export type FaultRule = {
  /** An operation such as `cloudRun.services.create`; one ending in `*` covers all that start alike. */
  readonly operation: string;
  readonly verdict: FaultVerdict;
  /** Share of the calls that it hits, 0 to 1. */
  readonly share: number;
  /** For `refuse`. */
  readonly status?: number;
  /** For `refuse`: the header Retry-After, right or wrong, in whole seconds; none when absent. */
  readonly retryAfterMs?: number;
  /** For the delays. */
  readonly delayMs?: number;
  /** For `slow`. */
  readonly times?: number;
  /** The window in which it hits, since the clouds' first call: from `fromMs`, 0 when absent, to before `untilMs`. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** The companies that it hits, by index; all when absent. */
  readonly companies?: readonly number[];
};

/** The first rule that hits this call. A rule draws by what it is, so taking another away shifts nothing. */
export function judge(
  rules: readonly FaultRule[],
  operation: string,
  key: CallKey,
  seed: number,
  sinceFirstMs: number,
): FaultRule | undefined {
  return rules.find(rule => {
    const covers = rule.operation.endsWith('*')
      ? operation.startsWith(rule.operation.slice(0, -1))
      : rule.operation === operation;
    const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY } = rule;
    if (sinceFirstMs < fromMs || sinceFirstMs >= untilMs) return false;
    if (!covers || (rule.companies !== undefined && !rule.companies.includes(key[0]))) return false;
    return drawUniform(seed, PURPOSE.fault, [identityOf(rule), ...key]) < rule.share;
  });
}

/** FNV-1a of what makes two rules different ones. */
function identityOf({ operation, verdict }: FaultRule): number {
  let hash = 0x811c9dc5;
  for (const character of `${operation} ${verdict}`)
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash;
}
