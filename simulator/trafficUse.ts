// What the traffic used in its measured time, and how often the same requests were counted on their way: differences
// between two looks at everything that counts, summed over the windows.

import type { Cloud } from '../fakes/cloud.ts';
import type { FleetMeasurement, TrafficMeasurement, WaitMeasurement } from '../reports/measurement.ts';
import type { FactValues } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { type ArrivalPlan, SLOT_MS } from '../scenarios/traffic.ts';
import type { Fleet } from './fleet.ts';
import type { PortUses } from './gatewayPorts.ts';
import type { Kernel } from './kernel.ts';
import type { Tally } from './tally.ts';
import type { TimeWindow } from './trafficTime.ts';
import type { UserCounts } from './trafficWindow.ts';

/** Everything in one window's world that counts. */
export type World = {
  readonly fleets: readonly Fleet[];
  readonly cloud: Cloud;
  readonly uses: PortUses;
  readonly users: UserCounts;
};

type Look = {
  readonly serviceBusyMs: number;
  readonly gatewayRequests: number;
  readonly serviceRequests: number;
  readonly cacheTrips: number;
  readonly recordReads: number;
  readonly audited: number;
  readonly egressBytes: number;
  /** By region. */
  readonly instanceMs: readonly number[];
  readonly busyMs: readonly number[];
};

type FleetSum = {
  instanceMs: number;
  busyMs: number;
  instancesMax: number;
  coldStarts: number;
  concurrencyMax: number;
};

export class TrafficUse {
  private readonly scenario: Scenario;
  private readonly facts: FactValues;
  private readonly plan: ArrivalPlan;
  private readonly used = {
    serviceBusyMs: 0,
    gatewayRequests: 0,
    serviceRequests: 0,
    cacheTrips: 0,
    recordReads: 0,
    audited: 0,
    egressBytes: 0,
  };
  private readonly fleets: readonly FleetSum[];
  private readonly waits = new Map<string, { -readonly [K in keyof WaitMeasurement]: WaitMeasurement[K] }>();
  private readonly counts = {
    due: 0,
    sent: 0,
    edgeHits: 0,
    handled: 0,
    answered: 0,
    forwarded: 0,
    ledger: 0,
    audited: 0,
  };
  private awaited = 0;

  constructor(scenario: Scenario, facts: FactValues, plan: ArrivalPlan) {
    this.scenario = scenario;
    this.facts = facts;
    this.plan = plan;
    this.fleets = plan.regions.map(() => ({
      instanceMs: 0,
      busyMs: 0,
      instancesMax: 0,
      coldStarts: 0,
      concurrencyMax: 0,
    }));
  }

  /** Looks when the measured time of the window begins and when it ends. */
  watch(kernel: Kernel, window: TimeWindow, world: World): void {
    let before: Look | undefined;
    const look = kernel.pure(() => {
      if (before === undefined) before = lookAt(world);
      else this.add(before, lookAt(world));
    });
    const originMs = kernel.nowMs - window.from * SLOT_MS;
    kernel.schedule(originMs + window.measuredFrom * SLOT_MS, look);
    kernel.schedule(originMs + window.until * SLOT_MS, look);
  }

  /** Once every request of the window has its answer. */
  endWindow({ fleets, cloud, uses, users }: World): void {
    const { counts } = this;
    this.awaited += uses.waits;
    counts.audited += uses.audited;
    counts.ledger += cloud.requests.total();
    // The users' counts go on from window to window.
    Object.assign(counts, { due: users.due, sent: users.sent, edgeHits: users.edgeHits });
    for (const [region, fleet] of fleets.entries()) {
      const sum = this.fleets[region];
      sum.instancesMax = Math.max(sum.instancesMax, fleet.instancesMax);
      sum.concurrencyMax = Math.max(sum.concurrencyMax, fleet.concurrencyMax);
      sum.coldStarts += fleet.coldStarts;
      for (const wait of [fleet.processorWaits, fleet.placeWaits]) this.addWait(wait);
      for (const gateway of fleet.gateways) {
        const { handled, answered, forwarded } = gateway.counts();
        counts.handled += handled;
        counts.answered += answered;
        counts.forwarded += forwarded;
        for (const wait of gateway.waits()) this.addWait({ ...wait, name: `verification pool ${wait.name}` });
      }
    }
  }

  measurement(tally: Tally, measuredMs: number): TrafficMeasurement {
    const { used, counts, plan, facts } = this;
    const { serviceBusyMs, audited, ...usage } = used;
    const instanceMs = this.fleets.reduce((sum, fleet) => sum + fleet.instanceMs, 0);
    return {
      measuredMs,
      sampledShare: measuredMs / (plan.slots * SLOT_MS),
      ...tally.figures(),
      fleets: this.fleets.map((fleet, region) => this.fleetOf(fleet, region, measuredMs)),
      waits: [...this.waits.values()],
      usage: {
        ...usage,
        gatewayInstanceSeconds: instanceMs / 1000,
        serviceInstanceSeconds: serviceBusyMs / 1000,
        auditBytes: audited * facts.get('bytes.audit-record').value,
      },
      counts,
      waitsPerRequest: counts.handled === 0 ? 0 : this.awaited / counts.handled,
      latenessMs: [],
      violations: [],
    };
  }

  private fleetOf(fleet: FleetSum, region: number, measuredMs: number): FleetMeasurement {
    const { instanceMs, busyMs, instancesMax, coldStarts, concurrencyMax } = fleet;
    return {
      region: this.plan.regions[region].name,
      instancesMean: instanceMs / measuredMs,
      instancesMax,
      coldStarts,
      cpuUtilisation: instanceMs === 0 ? 0 : busyMs / (instanceMs * this.scenario.platform.gateway.vcpu),
      concurrencyMax,
    };
  }

  private add(before: Look, after: Look): void {
    for (const name of Object.keys(this.used) as (keyof typeof this.used)[])
      this.used[name] += after[name] - before[name];
    for (const [region, sum] of this.fleets.entries()) {
      sum.instanceMs += after.instanceMs[region] - before.instanceMs[region];
      sum.busyMs += after.busyMs[region] - before.busyMs[region];
    }
  }

  private addWait({ name, calls, waitMs, refusals }: WaitMeasurement): void {
    let sum = this.waits.get(name);
    if (sum === undefined) this.waits.set(name, (sum = { name, calls: 0, waitMs: 0, refusals: 0 }));
    sum.calls += calls;
    sum.waitMs += waitMs;
    sum.refusals += refusals;
  }
}

function lookAt({ fleets, cloud, uses, users }: World): Look {
  const usage = fleets.map(fleet => fleet.usage());
  const gateways = fleets.flatMap(fleet => fleet.gateways);
  return {
    serviceBusyMs: cloud.companyUsage().reduce((sum, { busyMs }) => sum + busyMs, 0),
    gatewayRequests: gateways.reduce((sum, gateway) => sum + gateway.counts().handled, 0),
    serviceRequests: cloud.requests.total(),
    cacheTrips: uses.cacheTrips,
    recordReads: uses.recordReads,
    audited: uses.audited,
    egressBytes: users.egressBytes,
    instanceMs: usage.map(({ instanceMs }) => instanceMs),
    busyMs: usage.map(({ busyMs }) => busyMs),
  };
}
