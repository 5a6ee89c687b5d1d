// The clouds' own request quotas, checked on a call's arrival, before its effect: a rate is a generic cell rate algorithm
// (GCRA, ITU-T I.371) that tolerates a call one interval early; a block lets so many calls through in a window and then,
// on the first too many, none at all for a while.

export type QuotaRule = RateRule | BlockRule;

type Counted = {
  /** The name that a refusal carries. */
  readonly name: string;
  /** Operations of the fakes that it counts together, such as `cloudRun.services.create`. */
  readonly operations: readonly string[];
  /** `all`: one count for the whole platform. `vendor`: one by project, region or zone, as the vendor counts. */
  readonly scope: 'all' | 'vendor';
};

export type RateRule = Counted & { readonly perMinute: number };

/** A window begins with the first call after the last window, or after the block, has ended. */
export type BlockRule = Counted & {
  readonly calls: number;
  readonly windowMs: number;
  readonly blockMs: number;
};

export type QuotaRefusal = {
  readonly quota: string;
  readonly retryAfterMs: number;
  /** Of a block: what was too much. */
  readonly window?: { readonly calls: number; readonly windowMs: number };
};

type Window = { endsAtMs: number; calls: number; blockedUntilMs: number };

/** Two sums of the same intervals may differ in their last bits; a microsecond is no early call. */
const ROUNDING_MS = 0.001;

export class Quotas {
  private readonly rules = new Map<string, QuotaRule[]>();
  /** The theoretical arrival time of the next call, by rule and scope. */
  private readonly nextAtMs = new Map<string, number>();
  private readonly windows = new Map<string, Window>();

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
      const key = keyOf(rule, scope);
      const refusal = 'perMinute' in rule ? this.tooEarly(rule, key, nowMs) : this.tooMany(rule, key, nowMs);
      if (refusal !== undefined) return refusal;
    }
    for (const rule of rules) {
      const key = keyOf(rule, scope);
      if ('perMinute' in rule)
        this.nextAtMs.set(key, Math.max(this.nextAtMs.get(key) ?? 0, nowMs) + 60_000 / rule.perMinute);
      else this.windowOf(rule, key, nowMs).calls++;
    }
    return undefined;
  }

  private tooEarly({ name, perMinute }: RateRule, key: string, nowMs: number): QuotaRefusal | undefined {
    const earlyMs = (this.nextAtMs.get(key) ?? 0) - 60_000 / perMinute - nowMs;
    return earlyMs > ROUNDING_MS ? { quota: name, retryAfterMs: earlyMs } : undefined;
  }

  /** The call that is too many begins the block; those that come during it make it no longer. */
  private tooMany(rule: BlockRule, key: string, nowMs: number): QuotaRefusal | undefined {
    const { name, calls, windowMs, blockMs } = rule;
    const window = this.windowOf(rule, key, nowMs);
    if (window.calls < calls) return undefined;
    if (window.blockedUntilMs === 0) {
      window.blockedUntilMs = nowMs + blockMs;
      window.endsAtMs = window.blockedUntilMs;
    }
    return { quota: name, retryAfterMs: window.blockedUntilMs - nowMs, window: { calls, windowMs } };
  }

  private windowOf({ windowMs }: BlockRule, key: string, nowMs: number): Window {
    let window = this.windows.get(key);
    if (window === undefined || nowMs >= window.endsAtMs)
      this.windows.set(key, (window = { endsAtMs: nowMs + windowMs, calls: 0, blockedUntilMs: 0 }));
    return window;
  }
}

function keyOf(rule: QuotaRule, scope: string): string {
  return rule.scope === 'all' ? rule.name : `${rule.name} ${scope}`;
}
