// What one request costs the gateway's processor, by kind: closed-loop load on the real gateway process, and its own CPU
// time divided by the requests that it answered. `sandtable calibrate` makes the calibration document of it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon, { type Request } from 'autocannon';
import { adoptedConfig } from '../fakes/adopted.ts';
import { gatewayOptionsOf, KEY_ID } from '../scenarios/gatewayOptions.ts';
import { companiesOf, type PopulationCompany } from '../scenarios/population.ts';
import { userCallOf } from '../scenarios/requests.ts';
import { REQUEST_KINDS, type RequestKind, type Scenario } from '../scenarios/scenario.ts';
import { TRAFFIC_KEY } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';
import { hostnameOf, type Platform } from '../src/provisioning/company.ts';
import { createTokenSigner } from '../src/runtime/tokens.ts';
import { startFakesProcess } from './fakesProcess.ts';
import { type GatewayProcess, type GatewaySpec, startGatewayProcess } from './gatewayProcess.ts';

export type DemandOptions = {
  /** Of one region. */
  readonly scenario: Scenario;
  /** Requests of one kind in one round. */
  readonly requests: number;
  readonly rounds: number;
  /** Ends it early: it then throws INTERRUPTED. */
  readonly signal?: AbortSignal;
  readonly onStage?: (stage: string) => void;
};

export type DemandRun = {
  /** Milliseconds of a processor for one request, one figure a round. */
  readonly demandMs: Readonly<Record<RequestKind, readonly number[]>>;
  /** Whether the gateway had one core to itself; false where the system cannot tie a process to one. */
  readonly isPinned: boolean;
};

type User = { readonly company: PopulationCompany; readonly agent: number; readonly token: string };

const CONNECTIONS = 8;
const GATEWAY_CORE = 0;
const FAKES_CORE = 1;
/** The first thousands of requests are run by code that is not compiled yet. */
const WARM_UP_ROUNDS = 2;
/** Of a company, so that sessions are known after the warm-up, as those of most requests are. */
const AGENTS = 4;
const TOKEN_MS = 3_600_000;
/** Beyond any load. */
const REQUESTS_PER_MINUTE = 1e9;
/** Of the whole machine: no round takes nearly as long. */
const TIMEOUT_S = 30;
const SAMPLE_EVERY_MS = 50;

/** The rounds of the kinds alternate: whatever drifts on the machine meets all of them. */
export async function measureDemand(options: DemandOptions): Promise<DemandRun> {
  const { scenario, requests, rounds, signal, onStage = () => {} } = options;
  const folder = mkdtempSync(join(tmpdir(), 'sandtable calibrate '));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const [own, others] = [wrapperFor(GATEWAY_CORE), wrapperFor(FAKES_CORE)];
  const companies = companiesOf(scenario);
  const signer = await createTokenSigner(KEY_ID);
  const users = await usersOf(companies, signer.sign);
  onStage('starting the fake clouds and one gateway');
  const spec = { scenario, seed: 0, factOverrides: {}, delays: false };
  const fakes = await startFakesProcess({ ...spec, adopted: true, speed: 1 }, others);
  let gateway: GatewayProcess | undefined;
  try {
    gateway = await startGatewayProcess(
      {
        ...spec,
        region: companies[0].region,
        options: withoutQuotas(scenario),
        fakesUrl: fakes.url,
        records: companies.map(adoptedConfig),
        keySet: signer.keySet,
        auditPath: join(folder, 'audit.ndjson'),
        firstRequestAtMs: null,
      },
      own,
    );
    const demandMs = Object.fromEntries(REQUEST_KINDS.map(kind => [kind, [] as number[]])) as Record<
      RequestKind,
      number[]
    >;
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      onStage(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
      for (const kind of REQUEST_KINDS) {
        if (signal?.aborted)
          throw new SandtableError('INTERRUPTED', 'the calibration was stopped before it was over');
        const ms = await roundOf(gateway, kind, requests, scenario.platform, users);
        if (round >= 0) demandMs[kind].push(ms);
      }
    }
    await gateway.stop();
    return { demandMs, isPinned: own.length > 0 };
  } finally {
    gateway?.kill();
    await fakes.stop().catch(() => {});
    process.off('exit', removeFolder);
    removeFolder();
  }
}

/** Milliseconds of a processor for one request of that kind. */
async function roundOf(
  gateway: GatewayProcess,
  kind: RequestKind,
  amount: number,
  platform: Platform,
  users: readonly User[],
): Promise<number> {
  let sent = 0;
  const before = await gateway.figures();
  const result = await autocannon({
    url: gateway.url,
    connections: CONNECTIONS,
    amount,
    timeout: TIMEOUT_S,
    // Ends are seen when it next looks, which is every second without this.
    sampleInt: SAMPLE_EVERY_MS,
    requests: [
      { setupRequest: (request: Request) => ({ ...request, ...callOf(kind, sent++, platform, users) }) },
    ],
  });
  const after = await gateway.figures();
  const answered = result['2xx'];
  if (answered !== amount || result.errors > 0)
    throw new Error(
      `${answered} of ${amount} requests of the kind ${kind} were answered with 2xx (by status: ${JSON.stringify(result.statusCodeStats)}; errors: ${result.errors}); a calibration needs all of them`,
    );
  return (after.cpuMs - before.cpuMs) / answered;
}

/** The `n`-th request as k6 would send it, but from no user's region: so no edge answers in the gateway's place. */
function callOf(kind: RequestKind, n: number, platform: Platform, users: readonly User[]): Request {
  const { company, agent, token } = users[n % users.length];
  const { method, path, headers, body } = userCallOf(kind, company.id, agent);
  return {
    method,
    path,
    headers: {
      ...headers,
      host: hostnameOf(company, platform),
      'x-sandtable-key': [company.index, TRAFFIC_KEY, 0, 0, n].join(','),
      ...(kind === 'health' ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body }),
  };
}

async function usersOf(
  companies: readonly PopulationCompany[],
  sign: Awaited<ReturnType<typeof createTokenSigner>>['sign'],
): Promise<User[]> {
  const expiresAtMs = Date.now() + TOKEN_MS;
  const users: User[] = [];
  for (const company of companies) {
    const { id, level } = company;
    const token = await sign({ company: id, level, expiresAtMs, id: `calibrate-${id}` });
    for (let agent = 0; agent < AGENTS; agent++) users.push({ company, agent, token });
  }
  return users;
}

/** Never reached: a refused request costs less than a served one. */
export function withoutQuotas(scenario: Scenario): GatewaySpec['options'] {
  const options = gatewayOptionsOf(scenario);
  const levels = Object.entries(options.levels).map(
    ([name, level]) => [name, { ...level, requestsPerMinute: REQUESTS_PER_MINUTE }] as const,
  );
  return { ...options, levels: Object.fromEntries(levels) };
}

/** Runs a program on one core; empty where that is not possible. */
function wrapperFor(core: number): string[] {
  const wrapper = ['taskset', '-c', String(core)];
  const [program, ...args] = [...wrapper, process.execPath, '--version'];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? wrapper : [];
}
