// A scenario document: what happens, how much of it, and which KPIs decide. `scenario.schema.json` is the same shape
// for editors and for validation; a test holds the two together.

/** `90s`, `5m`, `24h`, `250ms`. */
export type Duration = string;

/**
 * refuse: the vendor answers `status` and has no effect. loseRequest: the call never arrives. loseAnswer: the effect
 * happens and the answer is lost. delayRequest: the call arrives `delayMs` later, perhaps after its caller gave up.
 * delayAnswer: the effect is in time and the answer comes `delayMs` later. twice: the call is executed again right after
 * the first time, as by a proxy that retries, and the second answer is dropped. slow: the vendor takes `times` as long.
 * refuseConnection: nobody takes the call, and the caller hears it. readStale: a read answers as of `delayMs` ago.
 * stick: the long operation that the call starts never ends, or `delayMs` later. breakHalfway: it ends in an error, and
 * what it has made stays. expireToken: credentials from before `fromMs` are refused. takeName: a creation hears that its
 * name is taken, though nothing is there to see. holdName: a deletion's name stays taken for `delayMs`. conflict: a write
 * hears that another was faster, and has no effect.
 */
export type FaultVerdict =
  | 'refuse'
  | 'loseRequest'
  | 'loseAnswer'
  | 'delayRequest'
  | 'delayAnswer'
  | 'twice'
  | 'slow'
  | 'refuseConnection'
  | 'readStale'
  | 'stick'
  | 'breakHalfway'
  | 'expireToken'
  | 'takeName'
  | 'holdName'
  | 'conflict';

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
  /** For the delays, `readStale` and `holdName`; for `stick`, which never ends without. */
  readonly delayMs?: number;
  /** For `slow`. */
  readonly times?: number;
  /** The window in which it hits, since the clouds' first call: from `fromMs`, 0 when absent, to before `untilMs`. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** The companies that it hits, by index; all when absent. */
  readonly companies?: readonly number[];
};

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
    /** AI agents over all companies, summing exactly. */
    readonly agents: number;
    /** Standard deviation of the logarithm of a company's agents; 0 gives every company as many. */
    readonly agentsSpread: number;
  };
  readonly platform: {
    /** Cloudflare zones. Companies live at `<id>.<domain>`, spread evenly over the zones, as over all lists below. */
    readonly zones: readonly { readonly id: string; readonly domain: string }[];
    /**
     * record: each company has a record and a certificate of its own. wildcard: one record and one certificate for all
     * names of a zone, made by the platform's set-up; the gateway behind them knows each company's service.
     */
    readonly dns: 'record' | 'wildcard';
    /** Of the companies' own certificates; Cloudflare chooses when absent. */
    readonly certificateAuthority?: 'google' | 'lets_encrypt';
    readonly googleProjects: readonly string[];
    readonly regions: Readonly<
      Record<
        string,
        {
          readonly atlas: readonly { readonly project: string; readonly cluster: string }[];
          readonly pineconeHost: string;
          /** Local time of its companies, hours ahead of UTC. */
          readonly utcOffsetHours: number;
        }
      >
    >;
    /** What a company of an industry gets, by industry. */
    readonly templates: Readonly<Record<string, IndustryTemplate>>;
    readonly gateway: GatewayFleet;
    readonly security: {
      /** By level. */
      readonly levels: Readonly<Record<string, SecurityLevel>>;
      /** SallyPort verifications under way at once and waiting, in one gateway process, by pool. */
      readonly verificationPools: Readonly<
        Record<string, { readonly size: number; readonly queueMax: number }>
      >;
      readonly circuitBreaker: {
        readonly failureThreshold: number;
        readonly resetTimeout: Duration;
        readonly monitoringWindow: Duration;
      };
    };
    /** Times to live: at the edge, and in each region's Redis. */
    readonly caching: {
      readonly edgeAssets: Duration;
      readonly edgeConfigs: Duration;
      readonly sessions: Duration;
      readonly configs: Duration;
    };
  };
  readonly provisioning: {
    /** Companies a batch: the plan's 10, 50, 200 or 500. Batches only order the queue. */
    readonly batchSize: 10 | 50 | 200 | 500;
    /** Provisioners that share the rollout, each working on batches of its own. */
    readonly provisioners: number;
    /** Companies that one provisioner has under way at once, at most. */
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
    /** Growth in steps, with a gate between two of them; all companies in one step when absent. */
    readonly waves?: ScenarioWaves;
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
    readonly rules: readonly FaultRule[];
  };
  /** Who asks for what, and when; absent where nothing is asked. */
  readonly traffic?: ScenarioTraffic;
  readonly kpis: readonly ScenarioKpi[];
  /** What production showed of the same thing, to hold the model against. */
  readonly observed?: {
    readonly provisioningMsMean: number;
    readonly companies: number;
    readonly source: string;
  };
  readonly run: {
    /** What a run does, in this order; traffic alone finds every company provisioned. */
    readonly phases: readonly Phase[];
    readonly seed: number;
    /** First round of independent replications; doubled while a required KPI is inconclusive. */
    readonly replications: number;
    readonly replicationsMax: number;
    /** The rollout is given up as unfinished after this long. */
    readonly deadline: Duration;
  };
};

export type IndustryTemplate = {
  /** Pre-built container image. */
  readonly image: string;
  /** Environment of the container, besides the company's id. */
  readonly env: Readonly<Record<string, string>>;
  /** Of one instance of the company's service. */
  readonly resources: { readonly vcpu: number; readonly memoryGiB: number };
  /** Secrets besides those that every company has. */
  readonly secrets: readonly string[];
  readonly retentionDays: number;
  readonly compliance: { readonly auditRetentionDays: number; readonly standards: readonly string[] };
};

/** Security levels, the highest first: inside a batch they are provisioned in this order. */
export const LEVELS = ['DIAMOND', 'EMERALD', 'SAPPHIRE', 'OPAL', 'ONYX'] as const;

export type Phase = 'rollout' | 'traffic';

export type ScenarioWaves = {
  /** The last one is up to all companies. */
  readonly steps: readonly {
    /** Companies provisioned once the wave is over. */
    readonly upTo: number;
    /** From the wave's last company until its gate. */
    readonly dwell: Duration;
  }[];
  /** What a wave must show before the next one begins. Shares are 0 to 1. */
  readonly gate: {
    readonly readyShareMin: number;
    readonly provisioningP99Max: Duration;
    /** Of the ready companies, asked for their health at the end of the dwell. */
    readonly healthyShareMin: number;
    readonly onFailure: 'pause' | 'rollBack';
  };
};

/** A region's gateway: Cloud Run instances, each as many single-threaded processes as it has vCPU. */
export type GatewayFleet = {
  readonly vcpu: number;
  readonly memoryGiB: number;
  /** Requests that one instance has under way, at most. */
  readonly concurrencyMax: number;
  /** Instances of one region. */
  readonly instancesMin: number;
  readonly instancesMax: number;
  /** A request without an answer by then is a time-out. */
  readonly requestTimeout: Duration;
};

export type SecurityLevel = {
  /** Quota of one company. */
  readonly requestsPerMinute: number;
  /** By the names in `verificationPools`. */
  readonly verificationPool: string;
  /** Instances of a company's own service; none kept and 100 at most when absent. */
  readonly serviceInstances?: { readonly min: number; readonly max: number };
};

/** MCP over streamable HTTP, and what stands beside it. */
export const REQUEST_KINDS = ['initialize', 'tools/list', 'tools/call', 'asset', 'config', 'health'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Parts of the world that users are in. */
export const USER_REGIONS = ['us-west', 'us-central', 'us-east', 'south-america', 'europe', 'asia'] as const;
export type UserRegion = (typeof USER_REGIONS)[number];

export type ScenarioTraffic = {
  /** Hour of the day, UTC, at which it begins. */
  readonly startHourUtc: number;
  readonly duration: Duration;
  /** Requests of one agent in an hour at which the profile is 1. */
  readonly requestsPerAgentHour: number;
  /** Factor on that rate by local hour of the day, 24 of them; linear in between. */
  readonly profile: readonly number[];
  /** One more factor on all of it: a holiday, a quarter's end. */
  readonly season: number;
  /** Campaigns, launches, bursts: a factor on the rate for a time. */
  readonly events: readonly {
    /** Since the traffic's beginning. */
    readonly at: Duration;
    readonly duration: Duration;
    readonly factor: number;
    /** Home regions that it hits; all when absent. */
    readonly regions?: readonly string[];
  }[];
  /** Shares of the requests, 0 to 1, that add up to 1. */
  readonly kinds: Readonly<Record<RequestKind, number>>;
  /** Where the users of a home region's companies are: shares that add up to 1. */
  readonly users: Readonly<Record<string, Readonly<Partial<Record<UserRegion, number>>>>>;
  /**
   * Simulate so many windows of time, one at a random place in each of as many equal strata, at full size. Null: all
   * of the time.
   */
  readonly sample: {
    readonly windows: number;
    readonly leadIn: Duration;
    readonly measured: Duration;
  } | null;
};

export const KPI_NAMES = [
  'responseTimeMsP95',
  'responseTimeMsP99WorstRegion',
  'provisioningMsP99',
  'provisioningShareUnder60s',
  'errorRate',
  'servedShareWithinQuota',
  'availability',
  'costUsdPerCompanyMonth',
] as const;
export type KpiName = (typeof KPI_NAMES)[number];

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
