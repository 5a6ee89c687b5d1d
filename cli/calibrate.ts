// `sandtable calibrate`: what one request costs a gateway's processor on this machine, and what the rig adds to it at light
// load, as the document that simulated traffic is charged by.

import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { meanInterval } from '../reports/statistics.ts';
import { type DemandRun, measureDemand } from '../rig/calibrate.ts';
import { KIND_OF, measureRigTimes } from '../rig/overhead.ts';
import { ANSWERERS, type Answerer, type CalibratedMs, type Calibration } from '../scenarios/calibration.ts';
import { REQUEST_KINDS, type RequestKind, type Scenario } from '../scenarios/scenario.ts';
import { shownPath, writeDocument } from './document.ts';
import { findK6, interruptible, say } from './emulated.ts';
import { loadScenario } from './input.ts';
import { expectFile } from './output.ts';

export type CalibrateFlags = {
  /** Where the document goes. */
  readonly out?: string;
  /** Requests of one kind in one round; for a quick look. */
  readonly requests?: number;
};

const DEFAULT_OUT = join(fileURLToPath(new URL('../results/', import.meta.url)), 'calibration.json');
const REGION = 'us-central1';
const REQUESTS = 1500;
/** With each answerer, at light load: ten a second of them. */
const RIG_REQUESTS_MAX = 200;
const ROUNDS = 5;
const CONFIDENCE = 0.95;
/** Parsing, routing and verification come before the reply; nobody has measured where the cut is. */
const ARRIVAL_SHARE = 0.6;
/** Digits of a millisecond that are kept: a nanosecond is below any interval. */
const DECIMALS = 6;

export async function calibrate({ out, requests = REQUESTS }: CalibrateFlags): Promise<number> {
  if (out !== undefined) expectFile('--out', out);
  const path = resolve(out ?? DEFAULT_OUT);
  const k6 = await findK6();
  const [run, rigMs] = await interruptible(async signal => {
    const options = { scenario: oneRegion(), rounds: ROUNDS, signal, onStage: say };
    const demand = await measureDemand({ ...options, requests });
    const rigRequests = Math.min(requests, RIG_REQUESTS_MAX);
    return [demand, await measureRigTimes({ ...options, requests: rigRequests, k6 })] as const;
  });
  if (!run.isPinned)
    say('taskset cannot be used here: the gateway shared its core with others, so the figures are less sure');
  const calibration = calibrationOf(run, rigMs);
  writeDocument(path, calibration);
  process.stdout.write(`${textOf(calibration, shownPath(path))}\n`);
  return 0;
}

/** The pilot's companies, all in one region: one gateway is what is measured. */
function oneRegion(): Scenario {
  const scenario = loadScenario('pilot-100');
  const { population } = scenario;
  return { ...scenario, population: { ...population, regions: { [REGION]: population.companies } } };
}

function calibrationOf(
  { demandMs, isPinned }: DemandRun,
  rigMs: Readonly<Record<Answerer, readonly number[]>>,
): Calibration {
  const core = isPinned ? 'one gateway process on one core' : 'one gateway process, on no core of its own';
  const major = process.versions.node.split('.')[0];
  const demand = Object.fromEntries(
    REQUEST_KINDS.map(kind => [kind, calibratedMs(demandMs[kind])]),
  ) as Record<RequestKind, CalibratedMs>;
  // The gateway has no part in what the edge answers.
  const demandOf = (answerer: Answerer) => (answerer === 'edge' ? 0 : demand[KIND_OF[answerer]].ms);
  return {
    source: `emulated on loopback: autocannon and k6, ${core}, Node ${major}.x, ${cpus()[0]?.model.trim() || process.arch}`,
    asOf: new Date().toISOString().slice(0, 10),
    demand,
    arrivalShare: ARRIVAL_SHARE,
    rigOverheadMs: Object.fromEntries(
      ANSWERERS.map(each => [each, calibratedMs(rigMs[each].map(ms => ms - demandOf(each)))]),
    ) as Record<Answerer, CalibratedMs>,
  };
}

function calibratedMs(rounds: readonly number[]): CalibratedMs {
  const { low, high } = meanInterval(rounds, CONFIDENCE)!;
  // The t interval has its mean in the middle.
  const ms = Math.max(0, (low + high) / 2);
  return { ms: rounded(ms), low: rounded(Math.max(0, low)), high: rounded(high) };
}

const rounded = (ms: number): number => Number(ms.toFixed(DECIMALS));

function textOf({ source, demand, arrivalShare, rigOverheadMs }: Calibration, path: string): string {
  return [
    'One request on a gateway processor: milliseconds, with the 95 % interval of the mean (emulated)',
    '',
    ...REQUEST_KINDS.map(kind => row(kind, demand[kind])),
    '',
    'What it takes through the rig at light load beyond that, by who answers it',
    '',
    ...ANSWERERS.map(answerer => row(answerer, rigOverheadMs[answerer])),
    '',
    `Source         ${source}`,
    `Arrival share  ${arrivalShare} (assumed)`,
    `Written        ${path}`,
    `Use it         sandtable run peak-hour --calibration ${path}`,
  ].join('\n');
}

const row = (name: string, { ms, low, high }: CalibratedMs): string =>
  `${name.padEnd(12)}${figure(ms)}   ${figure(low)} – ${figure(high).trimStart()}`;
const figure = (ms: number): string => ms.toFixed(3).padStart(8);
