// `sandtable fakes`: the fake clouds alone, for anyone's client, until it is stopped.

import { Cloud } from '../fakes/cloud.ts';
import { cloudOptionsOf, FAKES_TOKEN } from '../fakes/fromScenario.ts';
import { type FakesServer, startFakes } from '../fakes/server.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';

export type ServeFakesOptions = {
  readonly scenario: Scenario;
  readonly facts: FactValues;
  readonly port: number;
  readonly speed: number;
  readonly printEnv?: boolean;
  readonly out: (line: string) => void;
  /** Resolves when the fakes shall close. */
  readonly stopped: Promise<void>;
};

export async function serveFakes(options: ServeFakesOptions): Promise<void> {
  const { scenario, facts, port, speed, printEnv, out, stopped } = options;
  const cloud = new Cloud(cloudOptionsOf(scenario, facts, replicationSeed(scenario.run.seed, 0)));
  const server = await startFakes({ cloud, port, vendorPorts: true, speed, facts });
  try {
    const [project] = scenario.platform.googleProjects;
    const lines = printEnv ? envLines(server, project) : tableLines(server, scenario.name, speed);
    for (const line of lines) out(line);
    await stopped;
  } finally {
    await server.close();
  }
}

/** A service account of Atlas: any that is shaped as the vendor's are. */
const ATLAS_CLIENT_ID = `mdb_sa_id_${'0'.repeat(24)}`;
const ATLAS_ORG_ID = '0'.repeat(24);

/** For a shell to read from a file. Names that the vendors' own clients and tools read, where there are such. */
function envLines({ url, vendorUrls }: FakesServer, project: string): string[] {
  const env: Record<string, string> = {
    SANDTABLE_FAKES_URL: url,
    SANDTABLE_FAKES_TOKEN: FAKES_TOKEN,
    // Where Google's clients ask for a token when they are given none.
    GCE_METADATA_HOST: new URL(vendorUrls.metadataServer).host,
    CLOUDFLARE_BASE_URL: `${vendorUrls.cloudflare}/client/v4`,
    CLOUDFLARE_API_TOKEN: FAKES_TOKEN,
    GOOGLE_CLOUD_PROJECT: project,
    GOOGLE_OAUTH_ACCESS_TOKEN: FAKES_TOKEN,
    MONGODB_ATLAS_BASE_URL: `${vendorUrls.atlas}/`,
    MONGODB_ATLAS_CLIENT_ID: ATLAS_CLIENT_ID,
    MONGODB_ATLAS_CLIENT_SECRET: FAKES_TOKEN,
    MONGODB_ATLAS_ORG_ID: ATLAS_ORG_ID,
    PINECONE_API_KEY: FAKES_TOKEN,
    PINECONE_CONTROLLER_HOST: vendorUrls.pinecone,
    PINECONE_INDEX_HOST: vendorUrls.pinecone,
  };
  for (const [name, address] of Object.entries(vendorUrls)) env[`${constantCase(name)}_URL`] = address;
  return Object.entries(env).map(([name, value]) => `export ${name}=${value}`);
}

function tableLines({ url, vendorUrls }: FakesServer, scenario: string, speed: number): string[] {
  const width = Math.max(...Object.keys(vendorUrls).map(name => name.length));
  return [
    `fake clouds of ${scenario}, at ${speed} times the speed of the real ones; stop with Ctrl-C`,
    '',
    `  ${'all'.padEnd(width)}  ${url}   with the vendor's host in the header x-sandtable-host`,
    ...Object.entries(vendorUrls).map(([name, address]) => `  ${name.padEnd(width)}  ${address}`),
    '',
    `  token   ${FAKES_TOKEN}`,
    `  ledger  ${url}/_ledger`,
  ];
}

const constantCase = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase();
