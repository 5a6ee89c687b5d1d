// From the traffic's own time to a month: each hour of the UTC day has so many times the load of the time that was
// measured, by the day's profile and the home regions' local time; every day of the month is the same.

import { companiesOf } from '../scenarios/population.ts';
import { durationMs, type Scenario } from '../scenarios/scenario.ts';
import { ratePerAgent, trafficOf } from '../scenarios/traffic.ts';

/** 365 / 12, rounded. */
export const DAYS_PER_MONTH = 30.4;
export const HOURS_PER_MONTH = DAYS_PER_MONTH * 24;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export type RegionMonth = {
  readonly name: string;
  readonly companies: number;
  readonly agents: number;
  /** Of the requests that are due in the traffic's time. */
  readonly share: number;
  /** Load of each hour of the UTC day as so many times the mean of the traffic's time. */
  readonly hours: readonly number[];
};

export type Month = {
  /** Home regions with companies, by name. */
  readonly regions: readonly RegionMonth[];
  /** Hours of the traffic's mean load that a month is worth; 0 where nothing was due in the traffic's time. */
  readonly trafficHours: number;
};

export function monthOf(scenario: Scenario): Month {
  const everyDay = { ...scenario, traffic: { ...trafficOf(scenario), events: [] } };
  const startMs = trafficOf(scenario).startHourUtc * HOUR_MS;
  const lengthMs = durationMs(trafficOf(scenario).duration);
  const regions = sizesOf(scenario).map(size => ({
    ...size,
    measured: size.agents * meanRate(scenario, size.name, 0, lengthMs),
    hourly: Array.from(
      { length: 24 },
      (_, hour) => size.agents * meanRate(everyDay, size.name, hour * HOUR_MS - startMs, HOUR_MS),
    ),
  }));
  const measured = sum(regions.map(region => region.measured));
  const day = sum(regions.flatMap(({ hourly }) => hourly));
  return {
    regions: regions.map(({ hourly, measured: own, ...size }) => ({
      ...size,
      share: ratio(own, measured),
      hours: hourly.map(rate => ratio(rate, own)),
    })),
    trafficHours: ratio(day, measured) * DAYS_PER_MONTH,
  };
}

function sizesOf(scenario: Scenario): { name: string; companies: number; agents: number }[] {
  const sizes = new Map<string, { name: string; companies: number; agents: number }>();
  for (const { region, agents } of companiesOf(scenario)) {
    const size = sizes.get(region) ?? { name: region, companies: 0, agents: 0 };
    size.companies++;
    size.agents += agents;
    sizes.set(region, size);
  }
  return [...sizes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Mean rate of one agent over a time, by the middle of its minutes: exact where the profile is linear. */
function meanRate(scenario: Scenario, region: string, fromMs: number, lengthMs: number): number {
  const steps = Math.ceil(lengthMs / MINUTE_MS);
  const stepMs = lengthMs / steps;
  const rates = Array.from({ length: steps }, (_, i) =>
    ratePerAgent(scenario, region, fromMs + (i + 0.5) * stepMs),
  );
  return sum(rates) / steps;
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
