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
  /** Pre-built image by industry. */
  readonly images: Readonly<Record<string, string>>;
};

export const hostnameOf = (company: Company, platform: Platform): string =>
  `${company.id}.${platform.domain}`;
