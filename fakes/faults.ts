// A fault is a rule with a verdict on one arrow of a call: arrive? → effect? → answer?

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { CallKey } from '../src/ports.ts';

/**
 * refuse: the vendor answers `status` and has no effect. loseRequest: the call never arrives. loseAnswer: the effect
 * happens and the answer is lost. delay: the answer comes `delayMs` later.
 */
export type FaultVerdict = 'refuse' | 'loseRequest' | 'loseAnswer' | 'delay';

export type FaultRule = {
  /** An operation such as `cloudRun.services.create`; one ending in `*` covers all that start alike. */
  readonly operation: string;
  readonly verdict: FaultVerdict;
  /** Share of the calls that it hits, 0 to 1. */
  readonly share: number;
  /** For `refuse`. */
  readonly status?: number;
  /** For `delay`. */
  readonly delayMs?: number;
  /** The companies that it hits, by index; all when absent. */
  readonly companies?: readonly number[];
};

/** The first rule that hits this call. Each rule draws on its own, so taking one away shifts no other. */
export function judge(
  rules: readonly FaultRule[],
  operation: string,
  key: CallKey,
  seed: number,
): FaultRule | undefined {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    const covers = rule.operation.endsWith('*')
      ? operation.startsWith(rule.operation.slice(0, -1))
      : rule.operation === operation;
    if (!covers || (rule.companies !== undefined && !rule.companies.includes(key[0]))) continue;
    if (drawUniform(seed, PURPOSE.fault, [i, ...key]) < rule.share) return rule;
  }
  return undefined;
}
