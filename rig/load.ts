// A scenario's traffic in real time: one gateway process a region, the fake clouds in a process of their own, and k6 as the
// users. Every place that a request passes is counted by itself. Nothing that was started outlives the run.

import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { adoptedConfig } from '../fakes/adopted.ts';
import type { Replication } from '../reports/measurement.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { UsedValue } from '../scenarios/facts.ts';
import { gatewayOptionsOf, KEY_ID } from '../scenarios/gatewayOptions.ts';
import type { LoadPlan } from '../scenarios/loadPlan.ts';
import { companiesOf, type PopulationCompany } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { type ArrivalPlan, arrivalPlanOf, arrivalsOfSlot, SLOT_MS } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';
import type { CompanyConfig } from '../src/ports.ts';
import { createTokenSigner, type TokenSigner } from '../src/runtime/tokens.ts';
import { type RequestsPage, readFacts, readRequests } from './fakesPages.ts';
import { startFakesProcess } from './fakesProcess.ts';
import {
  type GatewayFigures,
  type GatewayProcess,
  type GatewaySpec,
  startGatewayProcess,
} from './gatewayProcess.ts';
import { type LoadRun, runK6 } from './k6.ts';
import { loadPlanOf } from './loadPlan.ts';
import { trafficOfLoad } from './loadTraffic.ts';

export type LoadOptions = {
  readonly scenario: Scenario;
  /** Of the run; the rig draws like the first replication. */
  readonly seed: number;
  readonly factOverrides: Readonly<Record<string, number>>;
  /** False: nothing waits for anything, so that only processors make requests slow. */
  readonly delays: boolean;
  readonly k6: { readonly path: string };
  /** Fakes that run already, and what is registered there; else the run starts its own, with every company. */
  readonly platform?: { readonly fakesUrl: string; readonly records: readonly CompanyConfig[] };
  /** Where it differs from the scenario's. */
  readonly gatewayOptions?: Partial<GatewaySpec['options']>;
  /** Ends the run early: it then throws INTERRUPTED. */
  readonly signal?: AbortSignal;
  readonly onStage?: (stage: string) => void;
};

export type LoadResult = {
  /** Traffic alone. */
  readonly replication: Replication;
  /** What gateways and fakes drew from. */
  readonly facts: readonly UsedValue[];
  /** Each request, by its number in the schedule. */
  readonly run: LoadRun;
};

/** As counted at each place, before it is put together. */
export type Collected = {
  readonly plan: LoadPlan;
  readonly run: LoadRun;
  readonly gateways: readonly { readonly region: string; readonly figures: GatewayFigures }[];
  /** The fakes' pages before and after. */
  readonly before: RequestsPage;
  readonly after: RequestsPage;
  /** Lines in the audit files. */
  readonly audited: number;
  readonly facts: readonly UsedValue[];
};

/** Longer than any load that one machine takes. */
const TOKEN_MS = 86_400_000;
/** A call that its gateway gave up may still arrive. */
const QUIET_MS_MAX = 5000;
const LOOK_EVERY_MS = 50;
const LINE_END = 10;

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { seed, signal } = options;
  const folder = mkdtempSync(join(tmpdir(), 'sandtable load '));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const open: (() => Promise<unknown>)[] = [];
  try {
    const collected = await collect(options, folder, open);
    if (signal?.aborted) throw new SandtableError('INTERRUPTED', 'the load was stopped before it was over');
    const { facts } = collected;
    const replication: Replication = {
      index: 0,
      seed: replicationSeed(seed, 0),
      rollout: null,
      traffic: trafficOfLoad(collected),
      facts: facts.map(({ id }) => id),
      hash: '',
      events: 0,
    };
    return { replication, facts, run: collected.run };
  } finally {
    await Promise.allSettled(open.map(stop => stop()));
    process.off('exit', removeFolder);
    removeFolder();
  }
}

/** What it starts and has not stopped itself is in `open`. */
async function collect(
  options: LoadOptions,
  folder: string,
  open: (() => Promise<unknown>)[],
): Promise<Collected> {
  const { scenario, factOverrides, delays, k6, platform, signal, onStage = () => {} } = options;
  const seed = replicationSeed(options.seed, 0);
  onStage('starting the fake clouds and the gateways');
  let fakesUrl = platform?.fakesUrl;
  if (fakesUrl === undefined) {
    const fakes = await startFakesProcess({ scenario, seed, factOverrides, adopted: true, delays, speed: 1 });
    open.push(fakes.stop);
    fakesUrl = fakes.url;
  }
  const companies = companiesOf(scenario);
  const signer = await createTokenSigner(KEY_ID);
  const tokens = await tokensOf(companies, signer);
  const before = await readRequests(fakesUrl);
  const arrivals = arrivalPlanOf(scenario, seed);
  const started: GatewayProcess[] = [];
  open.push(async () => started.forEach(gateway => void gateway.kill()));
  for (const [region, { name }] of arrivals.regions.entries())
    started.push(
      await startGatewayProcess({
        scenario,
        region: name,
        seed,
        factOverrides,
        delays,
        options: { ...gatewayOptionsOf(scenario), ...options.gatewayOptions },
        fakesUrl,
        records: platform?.records ?? companies.map(adoptedConfig),
        keySet: signer.keySet,
        auditPath: auditPathOf(folder, name),
        firstRequestAtMs: firstDueMs(arrivals, region),
      }),
    );
  const urls = Object.fromEntries(started.map(({ region, url }) => [region, url]));
  const plan = loadPlanOf({ scenario, seed, urls, tokenOf: ({ index }) => tokens[index] });
  onStage(`${plan.requests} requests over ${arrivals.slots} s`);
  const run = await runK6({ k6, plan, ...(signal && { signal }) });
  onStage('collecting');
  const gateways = await Promise.all(
    started.map(async gateway => ({ region: gateway.region, figures: await gateway.stop() })),
  );
  const audited = await linesIn(gateways.map(({ region }) => auditPathOf(folder, region)));
  const forwarded = gateways.reduce((sum, { figures }) => sum + figures.counts.forwarded, 0);
  const after = await quietRequests(fakesUrl, before.total + forwarded);
  const facts = merged([await readFacts(fakesUrl), ...gateways.map(({ figures }) => figures.facts)]);
  return { plan, run, gateways, before, after, audited, facts };
}

const auditPathOf = (folder: string, region: string): string => join(folder, `audit-${region}.ndjson`);

/** One a company, by its position in the queue; none runs out before the load is over. */
async function tokensOf(companies: readonly PopulationCompany[], signer: TokenSigner): Promise<string[]> {
  const expiresAtMs = Date.now() + TOKEN_MS;
  const tokens: string[] = [];
  for (const { id, level } of companies)
    tokens.push(await signer.sign({ company: id, level, expiresAtMs, id: `load-${id}` }));
  return tokens;
}

/** When the region's first request is due; null when none is. */
function firstDueMs(plan: ArrivalPlan, region: number): number | null {
  const slot = plan.regions[region].counts.findIndex(count => count > 0);
  return slot < 0 ? null : slot * SLOT_MS + arrivalsOfSlot(plan, region, slot).offsetUs[0] / 1000;
}

/** Counted in the files themselves, whatever the gateways believe. */
async function linesIn(paths: readonly string[]): Promise<number> {
  let lines = 0;
  for (const path of paths)
    for await (const chunk of createReadStream(path))
      for (const byte of chunk) if (byte === LINE_END) lines++;
  return lines;
}

/** Once the fakes have heard of as many requests as were sent to them, or when that takes too long. */
async function quietRequests(fakesUrl: string, expected: number): Promise<RequestsPage> {
  const deadlineAt = performance.now() + QUIET_MS_MAX;
  for (;;) {
    const page = await readRequests(fakesUrl);
    if (page.total >= expected || performance.now() > deadlineAt) return page;
    await delay(LOOK_EVERY_MS);
  }
}

function merged(lists: readonly (readonly UsedValue[])[]): UsedValue[] {
  return [...new Map(lists.flat().map(fact => [fact.id, fact])).values()];
}
