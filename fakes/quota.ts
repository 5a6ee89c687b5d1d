// The clouds' own request quotas, checked on a call's arrival, before its effect: a generic cell rate algorithm
// (GCRA, ITU-T I.371) that tolerates a call one interval early.

export type QuotaRule = {
  /** The name that a refusal carries. */
  readonly name: string;
  /** Operations of the fakes that it counts together, such as `cloudRun.services.create`. */
  readonly operations: readonly string[];
  readonly perMinute: number;
  /** `all`: one count for the whole platform. `vendor`: one by project, region or zone, as the vendor counts. */
  readonly scope: 'all' | 'vendor';
};

export type QuotaRefusal = { readonly quota: string; readonly retryAfterMs: number };

/** Two sums of the same intervals may differ in their last bits; a microsecond is no early call. */
const ROUNDING_MS = 0.001;

export class Quotas {
  private readonly rules = new Map<string, QuotaRule[]>();
  /** The theoretical arrival time of the next call, by rule and scope. */
  private readonly nextAtMs = new Map<string, number>();

  constructor(rules: readonly QuotaRule[]) {
    for (const rule of rules)
      for (const operation of rule.operations)
        this.rules.set(operation, [...(this.rules.get(operation) ?? []), rule]);
  }

  /** Refuses the call or counts it. `scope`: project, region or zone, whatever the vendor counts by. */
  check(operation: string, scope: string, nowMs: number): QuotaRefusal | undefined {
    const rules = this.rules.get(operation);
    if (rules === undefined) return undefined;
    for (const rule of rules) {
      const earlyMs = (this.nextAtMs.get(keyOf(rule, scope)) ?? 0) - 60_000 / rule.perMinute - nowMs;
      if (earlyMs > ROUNDING_MS) return { quota: rule.name, retryAfterMs: earlyMs };
    }
    for (const rule of rules) {
      const key = keyOf(rule, scope);
      this.nextAtMs.set(key, Math.max(this.nextAtMs.get(key) ?? 0, nowMs) + 60_000 / rule.perMinute);
    }
    return undefined;
  }
}

function keyOf(rule: QuotaRule, scope: string): string {
  return rule.scope === 'all' ? rule.name : `${rule.name} ${scope}`;
}
