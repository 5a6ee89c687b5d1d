// `sandtable pilot`: the sign-off of a batch. It provisions over HTTP in real time, asks the provisioned companies through
// real gateways with k6, holds that against the same traffic in virtual time, and ends in one report and its exit code.

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import type { Asked } from '../reports/report.ts';
import { readHealth, setSpeed } from '../rig/fakesPages.ts';
import { startFakesProcess } from '../rig/fakesProcess.ts';
import { runLoad } from '../rig/load.ts';
import { expectBearable } from '../rig/loadLimits.ts';
import { expectEmpty, type PilotResult, runPilot } from '../rig/pilot.ts';
import { replicationSeed } from '../scenarios/draw.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { simulateAsRig, simulateRolloutAsRig } from './asRig.ts';
import { loadCalibration } from './calibration.ts';
import { findK6, interruptible, reportOf, say } from './emulated.ts';
import { scenarioHash } from './input.ts';
import { exitCodeOf, INTERRUPTED, openReportFolder, publish } from './output.ts';
import { createProgress } from './progress.ts';
import { rolloutReportOf } from './rolloutCrosscheck.ts';
import { expectOwn, openPilotStores, type PilotStores } from './stores.ts';

/** A rollout that did not get past a gate is signed off by no KPI. */
const STOPPED: readonly string[] = ['paused', 'rolledBack'];

export type PilotFlags = {
  /** Fakes that run already; else the pilot starts its own, and begins anew. */
  readonly fakes?: string;
  /** Of its own fakes, while it provisions. */
  readonly speed?: number;
  readonly fresh?: boolean;
  readonly afterPause?: 'resume' | 'rollBack';
  /** A MongoDB for journal and registry, in place of a file beside the report. */
  readonly stores?: string;
  readonly seed?: number;
  readonly reportDir?: string;
  readonly json?: boolean;
};

export async function pilot(scenario: Scenario, asked: Asked, flags: PilotFlags): Promise<number> {
  const seed = flags.seed ?? scenario.run.seed;
  if (flags.stores !== undefined) expectOwn(flags.stores);
  const hasTraffic = scenario.run.phases.includes('traffic');
  if (hasTraffic) expectBearable(scenario, seed);
  if (!scenario.run.phases.includes('rollout'))
    throw new SandtableError(
      'INPUT',
      `run.phases is ${JSON.stringify(scenario.run.phases)}; a pilot needs "rollout"; for traffic alone: sandtable load ${scenario.name}`,
    );
  if (flags.fakes !== undefined) return await pilotOn(flags.fakes, scenario, asked, { ...flags, seed });
  const own = await startFakesProcess({
    scenario,
    seed: replicationSeed(seed, 0),
    factOverrides: {},
    adopted: false,
    delays: true,
    speed: flags.speed ?? 1,
  });
  try {
    return await pilotOn(own.url, scenario, asked, { ...flags, seed, fresh: true });
  } finally {
    await own.stop();
  }
}

type Settled = PilotFlags & { readonly seed: number };

async function pilotOn(fakesUrl: string, scenario: Scenario, asked: Asked, flags: Settled): Promise<number> {
  const { seed } = flags;
  const fakes = await readHealth(fakesUrl);
  if (flags.fresh) expectEmpty(fakes);
  const dir = openReportFolder(flags.reportDir, scenario);
  const opened = await openPilotStores(flags.stores, dir, flags.fresh);
  const { stores } = opened;
  const startedAtMs = Date.now();
  try {
    const rolledOut = await provision(fakesUrl, scenario, fakes, opened, dir, flags);
    const paused = rolledOut.replication.rollout?.waves.find(({ outcome }) => outcome === 'paused');
    if (paused !== undefined)
      say(
        `paused after ${paused.upTo} companies, ${paused.reason}; to go on, run the same command with --after-pause resume, or roll-back`,
      );
    const simulated = await simulateBeside(scenario, seed, rolledOut);
    const loaded =
      scenario.run.phases.includes('traffic') && paused === undefined
        ? await ask(fakesUrl, scenario, seed, stores)
        : undefined;
    const facts = [...rolledOut.facts, ...(loaded?.facts ?? [])];
    const replication = {
      ...rolledOut.replication,
      traffic: loaded?.traffic ?? null,
      facts: [...new Set(facts.map(({ id }) => id))],
    };
    const report = reportOf({
      scenario,
      asked,
      seed,
      startedAtMs,
      replication,
      facts,
      factOverrides: {},
      speed: rolledOut.speed,
      ...(loaded && { simulatedTraffic: loaded.simulated }),
      ...(simulated && { simulatedRollout: simulated }),
    });
    publish(report, [replication], dir, flags.json);
    const isStopped = report.rollout?.waves.some(({ outcome }) => STOPPED.includes(outcome));
    return isStopped ? exitCodeOf('FAIL') : exitCodeOf(report.verdict);
  } finally {
    await stores.close();
  }
}

async function provision(
  fakesUrl: string,
  scenario: Scenario,
  fakes: Awaited<ReturnType<typeof readHealth>>,
  { stores, where, holder }: PilotStores,
  dir: string,
  flags: Settled,
) {
  const progress = createProgress(`${scenario.name}: provisioning over HTTP`, 'companies');
  const log = openLog(join(dir, 'pilot.log'));
  const interrupt = () => {
    progress.end();
    say(
      flags.fakes === undefined
        ? 'interrupted; its fake clouds are gone with it: the next pilot begins anew'
        : `interrupted; the journal ${where} keeps what was done: run the same command again to go on`,
    );
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await runPilot({
      scenario,
      seed: flags.seed,
      fakesUrl,
      fakes,
      stores,
      holder,
      identity: `${scenarioHash(scenario)} ${flags.seed}`,
      log: line => log.info(line),
      afterPause: flags.afterPause,
      onProgress: progress.update,
    });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    progress.end();
  }
}

/**
 * The same rollout in virtual time. Undefined where the two cannot be held against each other: at a higher speed what local
 * HTTP takes is multiplied, and while nobody worked on it the clock of a resumed one ran on.
 */
async function simulateBeside(scenario: Scenario, seed: number, rolledOut: PilotResult) {
  const emulated = rolledOut.replication.rollout!;
  if (rolledOut.speed !== 1 || emulated.isResumed) return undefined;
  say('the same rollout in virtual time');
  // Fakes that were started by somebody else may have facts of their own.
  const theirs = rolledOut.facts.filter(({ overridden }) => overridden).map(({ id, value }) => [id, value]);
  const alike = { ...scenario, facts: { ...scenario.facts, ...Object.fromEntries(theirs) } };
  const rollout = await interruptible(signal => simulateRolloutAsRig(alike, seed, signal));
  return { rollout, crosscheck: rolloutReportOf(scenario, rollout, emulated, rolledOut.lateMs) };
}

/** Real load on what was provisioned, at real speed, and the same traffic in virtual time. */
async function ask(fakesUrl: string, scenario: Scenario, seed: number, stores: PilotStores['stores']) {
  const k6 = await findK6();
  await setSpeed(fakesUrl, 1);
  const records = (await stores.registry.list()).map(({ id, level, serviceUri }) => ({
    id,
    level,
    serviceUri,
  }));
  return await interruptible(async signal => {
    const { replication, facts } = await runLoad({
      scenario,
      seed,
      factOverrides: {},
      delays: true,
      k6,
      platform: { fakesUrl, records },
      signal,
      onStage: say,
    });
    say('the same traffic in virtual time');
    const { calibration } = loadCalibration();
    const [simulated] = await simulateAsRig(scenario, seed, calibration, [{}], signal);
    return { traffic: replication.traffic!, facts, simulated };
  });
}

function openLog(path: string): Logger {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new SandtableError(
      'INPUT',
      `the log ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  return pino({ base: null }, pino.destination({ dest: path, sync: false }));
}
