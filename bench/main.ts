// `npm run bench`: the speeds that the project sets itself, each with its target beside it. Figures of this machine at
// this moment: compare ratios within one run, not two runs.

import { loadScenario } from '../cli/input.ts';
import type { Replication } from '../reports/measurement.ts';
import calibration from '../scenarios/calibration.json' with { type: 'json' };
import type { Scenario } from '../scenarios/scenario.ts';
import { createPool } from '../simulator/pool.ts';
import { bareHeap, hold, mm10Async, mm10Pure } from './kernel.ts';

const ROUNDS = 3;
const CUSTOMERS = 2_000_000;
const HOLDS = 3_000_000;

type Row = {
  readonly what: string;
  readonly figure: string;
  readonly target: string;
  readonly isMet: boolean;
};

/** Everything that a rollout can meet: the vendors' quotas, waves, two provisioners, and faults on 3 calls in 100. */
const STORM = [
  'provisioning.provisioners=2',
  `provisioning.waves=${JSON.stringify({
    steps: [
      { upTo: 17, dwell: '7d' },
      { upTo: 100, dwell: '21d' },
      { upTo: 1000, dwell: '28d' },
      { upTo: 10_000, dwell: '0s' },
    ],
    gate: { readyShareMin: 0.98, provisioningP99Max: '20m', healthyShareMin: 0.99, onFailure: 'pause' },
  })}`,
  `faults.rules=${JSON.stringify(
    [
      { operation: 'secretManager.*', verdict: 'refuse', status: 503 },
      { operation: 'atlas.*', verdict: 'loseAnswer' },
      { operation: 'cloudRun.*', verdict: 'loseRequest' },
      { operation: 'kms.*', verdict: 'twice' },
      { operation: 'pinecone.*', verdict: 'delayAnswer', delayMs: 20_000 },
      { operation: 'firestore.*', verdict: 'refuse', status: 429, retryAfterMs: 3000 },
      { operation: 'cloudRun.services.create', verdict: 'breakHalfway' },
      { operation: 'cloudRun.services.get', verdict: 'readStale', delayMs: 5000 },
    ].map(rule => ({ ...rule, share: 0.03 })),
  )}`,
  'run.deadline=90d',
];

/** The rollout runs first and alone, so that the process's peak memory is its. */
const rows = [...(await rolloutRows()), ...(await gatewayRows()), ...(await kernelRows())];
const width = (pick: (row: Row) => string) => Math.max(...rows.map(row => pick(row).length));
const [whatWidth, figureWidth] = [width(row => row.what), width(row => row.figure)];
for (const { what, figure, target, isMet } of rows)
  console.log(
    `${what.padEnd(whatWidth)}  ${figure.padStart(figureWidth)}   target ${target}   ${isMet ? 'met' : 'NOT MET'}`,
  );

async function rolloutRows(): Promise<Row[]> {
  const storm = await replicationOf(loadScenario('rollout-vendor', STORM));
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const plan = await replicationOf(loadScenario('rollout-10000'));
  return [
    atMost('rollout of 10,000 companies, one replication on one core', plan.seconds, 20, 's'),
    atMost('  calls to the clouds', callsOf(plan.replication), 400_000, ''),
    atMost('  kernel events', plan.replication.events, 2_000_000, ''),
    atMost('the same in waves, under vendors’ quotas, by two, with faults', storm.seconds, 20, 's'),
    atMost('  peak memory of the process', megabytes, 1024, 'MB'),
    atMost('  calls to the clouds', callsOf(storm.replication), 400_000, ''),
    atLeast(
      '  companies ready',
      storm.replication.rollout!.outcome.filter(each => each === 'ready').length / 1000,
      9.8,
      'k',
    ),
  ];
}

function callsOf({ rollout }: Replication): number {
  return rollout!.operations.reduce((sum, { calls }) => sum + calls, 0);
}

/** The peak hour's real gateway code and fakes at full size, one window of it. */
async function gatewayRows(): Promise<Row[]> {
  const { replication, seconds } = await replicationOf(
    loadScenario('peak-hour', ['traffic.sample.windows=1', 'traffic.sample.measured=10s']),
  );
  const { counts, waitsPerRequest } = replication.traffic!;
  const waits = waitsPerRequest.toFixed(1);
  return [
    atLeast(
      `gateway in virtual time, ${waits} waits a request, one core`,
      counts.due / seconds / 1000,
      150,
      'k requests/s',
    ),
  ];
}

async function replicationOf(scenario: Scenario): Promise<{ replication: Replication; seconds: number }> {
  const pool = createPool(1);
  const startedAt = performance.now();
  const [replication] = await pool.run(
    [
      {
        scenario,
        index: 0,
        seed: 42,
        factLevel: 'mid',
        factOverrides: {},
        everyEventEntering: false,
        calibration,
        asRig: false,
      },
    ],
    () => {},
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return { replication: replication!, seconds };
}

async function kernelRows(): Promise<Row[]> {
  const bare = await best(() => bareHeap(CUSTOMERS));
  const pure = await best(async () => (await mm10Pure(CUSTOMERS)).customersPerSecond);
  const async = await best(async () => (await mm10Async(CUSTOMERS)).customersPerSecond);
  const hold10k = await best(() => hold(10_000, HOLDS));
  const hold1M = await best(() => hold(1_000_000, HOLDS));
  // A customer of M/M/10 is two events.
  const eventRate = 2 * pure;
  return [
    atLeast('M/M/10, pure events', pure / 1e6, 3.5, 'M customers/s'),
    atLeast('  against a bare heap in this run', pure / bare, 3.5 / 5.3, '×'),
    atLeast('M/M/10, one async function a customer', async / 1e6, 1, 'M customers/s'),
    atLeast('  against a bare heap in this run', async / bare, 1 / 5.3, '×'),
    atMost('hold model, 10,000 pending: slower than M/M/10 by', eventRate / hold10k, 2, '×'),
    atMost('hold model, 1,000,000 pending: slower than M/M/10 by', eventRate / hold1M, 6, '×'),
  ];
}

/** The machine is shared: the best of a few rounds is the one least disturbed. */
async function best(measure: () => Promise<number> | number): Promise<number> {
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) most = Math.max(most, await measure());
  return most;
}

function atLeast(what: string, value: number, target: number, unit: string): Row {
  return {
    what,
    figure: `${digits(value)} ${unit}`,
    target: `≥ ${digits(target)} ${unit}`,
    isMet: value >= target,
  };
}

function atMost(what: string, value: number, target: number, unit: string): Row {
  return {
    what,
    figure: `${digits(value)} ${unit}`,
    target: `≤ ${digits(target)} ${unit}`,
    isMet: value <= target,
  };
}

function digits(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
