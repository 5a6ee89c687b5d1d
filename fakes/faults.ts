// A fault is a rule with a verdict on one arrow of a call: arrive? → effect? → answer?

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FaultRule } from '../scenarios/scenario.ts';
import type { CallKey } from '../src/ports.ts';

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
