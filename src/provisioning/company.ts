// A company to provision, and the platform that it is put on. Names of resources are a function of the company alone,
// so that an unknown outcome can always be settled by asking for the name.

export type Company = {
  readonly index: number;
  /** `c00042`. */
  readonly id: string;
  readonly region: string;
  readonly level: string;
  readonly industry: string;
  readonly configuration: 'basic' | 'advanced';
};

export type Platform = {
  /** Companies live at `<id>.<domain>`. */
  readonly domain: string;
  readonly cloudflareZoneId: string;
  readonly googleProject: string;
  readonly regions: Readonly<
    Record<
      string,
      { readonly atlasProject: string; readonly atlasCluster: string; readonly pineconeHost: string }
    >
  >;
  /** What a company of an industry gets, by industry. */
  readonly templates: Readonly<Record<string, Template>>;
  /** By security level; what a level leaves out is as for every company. */
  readonly security?: {
    readonly levels: Readonly<
      Record<string, { readonly serviceInstances?: { readonly min: number; readonly max: number } }>
    >;
  };
};

/** An industry's configuration. */
export type Template = {
  /** Pre-built container image. */
  readonly image: string;
  /** Environment of the container, besides the company's id. */
  readonly env: Readonly<Record<string, string>>;
  /** Of one instance of the company's service. */
  readonly resources: { readonly vcpu: number; readonly memoryGiB: number };
  /** Secrets besides those that every company has. */
  readonly secrets: readonly string[];
  /** How long the company's data are kept. */
  readonly retentionDays: number;
  readonly compliance: {
    /** How long the company's audit trail is kept. */
    readonly auditRetentionDays: number;
    /** Standards that the company is held to, such as `HIPAA`. */
    readonly standards: readonly string[];
  };
};

export const hostnameOf = (company: Company, platform: Platform): string =>
  `${company.id}.${platform.domain}`;
