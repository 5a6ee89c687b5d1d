// The traffic in virtual time: the schedule's requests, the real gateway code on simulated instances, the companies'
// services behind it. All of the time in one world, or windows of it, each in a world of its own that begins as steady
// traffic leaves it.

import { adoptedConfig } from '../fakes/adopted.ts';
import { Cloud } from '../fakes/cloud.ts';
import { CompanyRecordsFake } from '../fakes/companyRecords.ts';
import { createDelays } from '../fakes/delays.ts';
import { Edge } from '../fakes/edge.ts';
import { cloudOptionsOf } from '../fakes/fromScenario.ts';
import { RedisFake } from '../fakes/redis.ts';
import type { TrafficMeasurement } from '../reports/measurement.ts';
import { ANSWERERS, type Answerer } from '../scenarios/calibration.ts';
import { logNormalOfMeanOne } from '../scenarios/distribution.ts';
import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FactValues } from '../scenarios/facts.ts';
import { gatewayOptionsOf } from '../scenarios/gatewayOptions.ts';
import { companiesOf, type PopulationCompany } from '../scenarios/population.ts';
import { durationMs, type GatewayFleet, REQUEST_KINDS, type Scenario } from '../scenarios/scenario.ts';
import { type ArrivalPlan, arrivalPlanOf, SLOT_MS, trafficOf } from '../scenarios/traffic.ts';
import { CredentialReader } from '../src/gateway/credential.ts';
import { createGateway, type Gateway } from '../src/gateway/gateway.ts';
import { keyWith } from '../src/gateway/key.ts';
import type { CompanyConfig } from '../src/ports.ts';
import { hostnameOf } from '../src/provisioning/company.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { Fleet } from './fleet.ts';
import { type PortUses, virtualGatewayPorts } from './gatewayPorts.ts';
import { initialStateOf } from './initialState.ts';
import { Kernel, VIRTUAL_START_MS } from './kernel.ts';
import { Network } from './network.ts';
import type { RunHooks, RunSpec } from './run.ts';
import { Tally } from './tally.ts';
import { Trace } from './trace.ts';
import { type TimeWindow, timeWindowsOf } from './trafficTime.ts';
import { TrafficUse } from './trafficUse.ts';
import { TrafficWindow, type UserCounts } from './trafficWindow.ts';

export type TrafficRun = {
  readonly traffic: TrafficMeasurement;
  readonly hash: string;
  readonly events: number;
};

/** What all windows of a run share. */
type Run = {
  readonly spec: RunSpec;
  readonly scenario: Scenario;
  readonly facts: FactValues;
  readonly plan: ArrivalPlan;
  readonly companies: readonly PopulationCompany[];
  readonly tally: Tally;
  readonly use: TrafficUse;
  readonly trace: Trace;
  readonly users: UserCounts;
  /** By the position in the queue. */
  readonly hosts: readonly string[];
  /** What the records say of the companies. */
  readonly configs: readonly CompanyConfig[];
  readonly credentials: Credentials;
  /** One for all processes, warm as those of a running system are. */
  readonly reader: CredentialReader;
  /** By kind. */
  readonly answerBytes: readonly number[];
};

/** As the rig runs it: one process a region. */
const RIG_FLEET: Partial<GatewayFleet> = { vcpu: 1, instancesMin: 1, instancesMax: 1 };
/** After its last arrival a window's answers come within the gateway's deadline; more is a leak. */
const DRAIN_MS_MAX = 600_000;
const LIVING = { alive: true };
/** Last place of the key that an instance is picked by. */
const PICK = 8;

/** Undefined when `poll`, which hears the share that is done, stopped it. Rejects with SIMULATION when it cannot go on. */
export async function simulateTraffic(
  spec: RunSpec,
  facts: FactValues,
  hooks: RunHooks,
): Promise<TrafficRun | undefined> {
  const scenario = spec.asRig ? asRig(spec.scenario) : spec.scenario;
  const plan = arrivalPlanOf(scenario, spec.seed);
  const companies = companiesOf(scenario);
  const run: Run = {
    spec,
    scenario,
    facts,
    plan,
    companies,
    tally: new Tally(scenario, companies),
    use: new TrafficUse(scenario, facts, plan),
    trace: new Trace(),
    users: { due: 0, sent: 0, edgeHits: 0, egressBytes: 0 },
    hosts: companies.map(company => hostnameOf(company, scenario.platform)),
    configs: companies.map(adoptedConfig),
    credentials: createCredentials(companies, VIRTUAL_START_MS),
    reader: new CredentialReader(),
    answerBytes: REQUEST_KINDS.map(kind =>
      kind === 'health' ? 0 : facts.get(`bytes.answer.${kind.replace('/', '-')}`).value,
    ),
  };
  const windows = timeWindowsOf(trafficOf(scenario).sample, plan.slots, spec.seed);
  let events = 0;
  for (const [n, window] of windows.entries()) {
    const share = hooks.poll && ((done: number) => hooks.poll!((n + done) / windows.length));
    const ended = await simulateWindow(run, window, share);
    if (ended === undefined) return undefined;
    events += ended;
  }
  const measuredMs = windows.reduce(
    (sum, { measuredFrom, until }) => sum + (until - measuredFrom) * SLOT_MS,
    0,
  );
  return {
    traffic: run.use.measurement(run.tally, measuredMs),
    hash: run.trace.hex(),
    events,
  };
}

function asRig(scenario: Scenario): Scenario {
  const { platform } = scenario;
  return {
    ...scenario,
    platform: { ...platform, gateway: { ...platform.gateway, ...RIG_FLEET } },
    traffic: { ...trafficOf(scenario), sample: null },
  };
}

/** Only the rig has it: the platform's own delays are facts of the model. */
function overheadMsOf({ asRig, calibration }: RunSpec): Record<Answerer, number> {
  const msOf = (answerer: Answerer) => (asRig ? calibration.rigOverheadMs[answerer].ms : 0);
  return Object.fromEntries(ANSWERERS.map(each => [each, msOf(each)])) as Record<Answerer, number>;
}

/** Kernel events of the window; undefined when `poll` stopped it. */
async function simulateWindow(
  run: Run,
  window: TimeWindow,
  poll: ((done: number) => boolean) | undefined,
): Promise<number | undefined> {
  const { spec, scenario, facts, plan, companies, credentials } = run;
  const startMs = VIRTUAL_START_MS + window.from * SLOT_MS;
  const untilMs = VIRTUAL_START_MS + window.until * SLOT_MS;
  const kernel = new Kernel({
    startMs,
    deadlineMs: untilMs + DRAIN_MS_MAX,
    everyEventEntering: spec.everyEventEntering,
    ...(poll && { poll: (_events, nowMs) => poll(Math.min(1, (nowMs - startMs) / (untilMs - startMs))) }),
  });
  const idleMs = facts.get('run.idle').value;
  const initial = spec.asRig
    ? undefined
    : initialStateOf(scenario, companies, spec.seed, idleMs, VIRTUAL_START_MS, startMs);
  const cloud = new Cloud({
    ...cloudOptionsOf(scenario, facts, spec.seed),
    adopted: companies,
    warmAt: initial?.isWarm ?? (() => true),
  });
  const delays = createDelays(facts, spec.seed);
  const uses: PortUses = { waits: 0, cacheTrips: 0, recordReads: 0, audited: 0 };
  const records = new CompanyRecordsFake(run.configs);
  const transport = new Network(kernel, cloud, run.trace).transport(LIVING);
  const options = gatewayOptionsOf(scenario);
  const fleets = plan.regions.map((_, region) => {
    const redis = new RedisFake(initial && { initial: initial.redis, configOf: id => records.find(id) });
    const ports = virtualGatewayPorts({ kernel, delays, redis, records, credentials, transport, uses });
    return createFleet(run, kernel, window, region, () => createGateway(ports, options, run.reader));
  });
  const { caching } = scenario.platform;
  const trafficWindow = new TrafficWindow({
    kernel,
    plan,
    window,
    companies,
    hosts: run.hosts,
    calibration: spec.calibration,
    overheadMs: overheadMsOf(spec),
    credentials,
    delays,
    edge: new Edge({
      assetTtlMs: durationMs(caching.edgeAssets),
      configTtlMs: durationMs(caching.edgeConfigs),
      ...(initial && { initial: initial.edge }),
    }),
    fleets,
    tally: run.tally,
    trace: run.trace,
    counts: run.users,
    answerBytes: run.answerBytes,
    quotaUsed: initial?.quotaUsed ?? (() => 0),
  });
  const world = { fleets, cloud, uses, users: run.users };
  run.use.watch(kernel, window, world);
  trafficWindow.begin();
  if (!(await kernel.run())) return undefined;
  run.tally.quota.settle();
  run.use.endWindow(world);
  return kernel.events;
}

/** As many as the autoscaler would have brought up for the rate at which the window begins. */
function steadyInstances(
  { spec, scenario, plan }: Run,
  window: TimeWindow,
  region: number,
  cpuTarget: number,
): number {
  const { vcpu, instancesMin, instancesMax } = scenario.platform.gateway;
  const { kinds } = trafficOf(scenario);
  const demandMs = REQUEST_KINDS.reduce(
    (sum, kind) => sum + kinds[kind] * spec.calibration.demand[kind].ms,
    0,
  );
  const busy = (plan.regions[region].counts[window.from] * demandMs) / SLOT_MS;
  return Math.min(instancesMax, Math.max(instancesMin, Math.ceil(busy / (cpuTarget * vcpu))));
}

function createFleet(
  run: Run,
  kernel: Kernel,
  window: TimeWindow,
  region: number,
  create: () => Gateway,
): Fleet {
  const { spec, scenario, facts } = run;
  const { gateway } = scenario.platform;
  const cpuTarget = facts.get('run.autoscale.cpu-target').value;
  const cold = facts.get('run.cold.node');
  return new Fleet(kernel, {
    ...gateway,
    cpuTarget,
    instancesAtStart: spec.asRig ? 1 : steadyInstances(run, window, region, cpuTarget),
    periodMs: facts.get('run.autoscale.period').value,
    pendingMaxMs: facts.get('run.pending.max').value,
    idleMs: facts.get('run.idle').value,
    coldStartMs: instance =>
      cold.value *
      logNormalOfMeanOne(
        cold.spread,
        drawUniform(spec.seed, PURPOSE.duration, [region, window.from, instance]),
      ),
    createGateway: create,
    pick: key => drawUniform(spec.seed, PURPOSE.operation, keyWith(key, PICK)),
  });
}
