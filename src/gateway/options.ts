// How a gateway is set up: the plan's levels, pools and times, as plain numbers.

export type GatewayOptions = {
  /** Companies are asked for at `<id>.<domain>` of one of them. */
  readonly domains: readonly string[];
  /** By level. */
  readonly levels: Readonly<
    Record<string, { readonly requestsPerMinute: number; readonly verificationPool: string }>
  >;
  readonly verificationPools: Readonly<Record<string, { readonly size: number; readonly queueMax: number }>>;
  readonly circuitBreaker: {
    readonly failureThreshold: number;
    readonly resetTimeoutMs: number;
    readonly monitoringWindowMs: number;
  };
  readonly requestTimeoutMs: number;
  readonly sessionTtlMs: number;
  readonly configTtlMs: number;
  /** Ids of the keys that tokens may be signed with; a retired one is left out. */
  readonly keyIds: readonly string[];
  /** Ids (`jti`) of tokens that were taken back. */
  readonly revokedTokens: ReadonlySet<string>;
};
