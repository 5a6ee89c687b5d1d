// A scenario document: what happens, how much of it, and which KPIs decide. `scenario.schema.json` is the same shape
// for editors and for validation; a test holds the two together.

/** `90s`, `5m`, `24h`, `250ms`. */
export type Duration = string;

export type Scenario = {
  readonly $schema?: string;
  readonly name: string;
  readonly description: string;
  readonly population: {
    readonly companies: number;
    /** Companies by home region; they add up to `companies`. */
    readonly regions: Readonly<Record<string, number>>;
    /** Companies with the advanced configuration; the others have the basic one. */
    readonly advanced: number;
    /** Shares, 0 to 1, that add up to 1; by the names in LEVELS. */
    readonly levels: Readonly<Record<string, number>>;
    readonly industries: Readonly<Record<string, number>>;
  };
  readonly platform: {
    readonly domain: string;
    readonly cloudflareZoneId: string;
    readonly googleProject: string;
    readonly regions: Readonly<
      Record<
        string,
        { readonly atlasProject: string; readonly atlasCluster: string; readonly pineconeHost: string }
      >
    >;
    /** Pre-built container image by industry. */
    readonly images: Readonly<Record<string, string>>;
  };
  readonly provisioning: {
    /** Companies a batch: the plan's 10, 50, 200 or 500. Batches only order the queue. */
    readonly batchSize: 10 | 50 | 200 | 500;
    /** Companies under way at once, at most. */
    readonly concurrencyMax: number;
    /** A company is admitted while what is promised at every limiter takes at most this long. */
    readonly admissionBacklog: Duration;
    /** User, role and registry write; every one above 3 is an index. */
    readonly databaseOperationsPerCompany: number;
    /** The rollout's own limits; null for none. */
    readonly limits: {
      readonly dnsRecordWritesPerMinute: number | null;
      readonly cloudRunDeploysPerMinute: number | null;
      readonly databaseOperationsPerMinute: number | null;
    };
    /** What the fakes enforce: nothing, the limits above, or those and the vendors' request rates. */
    readonly quotas: 'none' | 'plan' | 'vendor';
  };
  /** Values that replace the catalogue's, by fact id. */
  readonly facts: Readonly<Record<string, number>>;
  readonly faults: {
    /** Quotas that only the clouds know of. */
    readonly quotas: readonly {
      readonly name: string;
      readonly operations: readonly string[];
      readonly perMinute: number;
    }[];
    readonly rules: readonly {
      readonly operation: string;
      readonly verdict: 'refuse' | 'loseRequest' | 'loseAnswer' | 'delayRequest' | 'delayAnswer';
      readonly share: number;
      readonly status?: number;
      readonly delayMs?: number;
      readonly companies?: readonly number[];
    }[];
  };
  readonly kpis: readonly ScenarioKpi[];
  /** What production showed of the same thing, to hold the model against. */
  readonly observed?: {
    readonly provisioningMsMean: number;
    readonly companies: number;
    readonly source: string;
  };
  readonly run: {
    readonly seed: number;
    /** First round of independent replications; doubled while a required KPI is inconclusive. */
    readonly replications: number;
    readonly replicationsMax: number;
    /** The rollout is given up as unfinished after this long. */
    readonly deadline: Duration;
  };
};

/** Security levels, the highest first: inside a batch they are provisioned in this order. */
export const LEVELS = ['DIAMOND', 'EMERALD', 'SAPPHIRE', 'OPAL', 'ONYX'] as const;

export type KpiName = 'provisioningMsP99' | 'provisioningShareUnder60s';

export type ScenarioKpi = {
  readonly name: KpiName;
  readonly required: boolean;
  readonly target: { readonly op: '<' | '>='; readonly value: number };
};

export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration that the schema has let through. */
export function durationMs(duration: Duration): number {
  const [, amount, unit] = DURATION_PATTERN.exec(duration) ?? [];
  if (amount === undefined) throw new Error(`not a duration: ${duration}`);
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
