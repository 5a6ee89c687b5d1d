// A company to provision, and its place on the platform. Names of resources are a function of the company and the
// platform alone, so that an unknown outcome can always be settled by asking for the name.

export type Company = {
  readonly index: number;
  /** `c00042`. */
  readonly id: string;
  readonly region: string;
  /** Position among the companies of its region, from 0. */
  readonly ordinal: number;
  readonly level: string;
  readonly industry: string;
  readonly configuration: 'basic' | 'advanced';
};

/** Where a list has several, the companies are spread evenly over them: a quota counts by each. */
export type Platform = {
  /** Companies live at `<id>.<domain>`. */
  readonly zones: readonly { readonly id: string; readonly domain: string }[];
  /**
   * record: each company has a record and a certificate of its own. wildcard: the platform's set-up has made one record
   * and one certificate for all names of a zone, and the gateway behind them knows each company's service.
   */
  readonly dns: 'record' | 'wildcard';
  /** Who issues the companies' own certificates; Cloudflare chooses when absent. */
  readonly certificateAuthority?: 'google' | 'lets_encrypt';
  readonly googleProjects: readonly string[];
  readonly regions: Readonly<
    Record<
      string,
      {
        readonly atlas: readonly { readonly project: string; readonly cluster: string }[];
        readonly pineconeHost: string;
      }
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

/** What holds a company's resources, apart from their names. */
export type Place = {
  readonly zone: { readonly id: string; readonly domain: string };
  readonly googleProject: string;
  readonly atlasProject: string;
  readonly atlasCluster: string;
  readonly pineconeHost: string;
};

export function placeOf({ index, ordinal, region }: Company, platform: Platform): Place {
  const { atlas, pineconeHost } = platform.regions[region];
  const { project, cluster } = turnOf(atlas, ordinal);
  return {
    zone: turnOf(platform.zones, index),
    googleProject: turnOf(platform.googleProjects, ordinal),
    atlasProject: project,
    atlasCluster: cluster,
    pineconeHost,
  };
}

export const hostnameOf = ({ id, index }: Company, { zones }: Platform): string =>
  `${id}.${turnOf(zones, index).domain}`;

const turnOf = <T>(list: readonly T[], n: number): T => list[n % list.length];
