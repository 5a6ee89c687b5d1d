// Figures for people: three significant digits, a unit, and no locale.

import type { Interval, KpiReport } from './report.ts';

/** Where the next unit begins, once rounded to three digits. */
const UNITS = [
  { name: 'ms', ms: 1, below: 999.5 },
  { name: 's', ms: 1000, below: 119_950 },
  { name: 'min', ms: 60_000, below: 36_000_000 },
  { name: 'h', ms: 3_600_000, below: Infinity },
] as const;

type Unit = (typeof UNITS)[number];

const unitOf = (ms: number): Unit => UNITS.find(unit => Math.abs(ms) < unit.below) ?? UNITS[3];

/** `48.1`, `167`, `0.042`. */
function digits(value: number): string {
  if (Math.abs(value) >= 100) return grouped(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** `10,000`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 company`, `10,000 companies`. */
export const companyCount = (companies: number): string =>
  `${grouped(companies)} ${companies === 1 ? 'company' : 'companies'}`;

/** A mean of counts: `10,000`, `3.4`. */
export const count = (value: number): string => (Number.isInteger(value) ? grouped(value) : digits(value));

/** `212 ms`, `48.1 s`, `167 min`, `12.5 h`. */
export const duration = (ms: number): string => durationScale(ms)(ms);

/** Every duration in the unit that suits the highest, as along an axis. */
export function durationScale(highestMs: number): (ms: number) => string {
  const unit = unitOf(highestMs);
  return ms => `${digits(ms / unit.ms)} ${unit.name}`;
}

/** `47.2–49.0 s`. */
export function durationRange({ low, high }: Interval): string {
  const unit = unitOf(high);
  return `${range(digits(low / unit.ms), digits(high / unit.ms))} ${unit.name}`;
}

/** One figure where both ends read the same. */
const range = (low: string, high: string): string => (low === high ? low : `${low}–${high}`);

/** `97.05 %`. Rounded down next to 100, so that no share below 1 reads as all. */
export const share = (value: number): string => `${percent(value)} %`;

function percent(value: number): string {
  const rounded = Math.round(value * 10_000) / 100;
  return String(value < 1 && rounded === 100 ? 99.99 : rounded);
}

/** `+3.1 %`. */
export const signedShare = (value: number): string =>
  `${value < 0 ? '−' : '+'}${digits(Math.abs(value) * 100)} %`;

/** A KPI's value; `–` without one. */
export function kpiFigure(value: KpiReport['value'], unit: KpiReport['unit']): string {
  if (value === null) return '–';
  if (value === 'infinite') return 'infinite';
  return unit === 'ms' ? duration(value) : share(value);
}

export function kpiRange(ends: KpiReport['inputs'], unit: KpiReport['unit']): string {
  if (ends === null) return '–';
  const { low, high } = ends;
  if (low === 'infinite' || high === 'infinite')
    return low === high ? 'infinite' : `${kpiFigure(low, unit)}–infinite`;
  return unit === 'ms' ? durationRange({ low, high }) : `${range(percent(low), percent(high))} %`;
}

export function kpiTarget({ target, unit }: KpiReport): string {
  return `${target.op === '<' ? '<' : '≥'} ${kpiFigure(target.value, unit)}`;
}

export const KPI_TITLES: Readonly<Record<KpiReport['name'], string>> = {
  provisioningMsP99: 'provisioning P99',
  provisioningShareUnder60s: 'provisioned under 60 s',
};

/** Text from outside, on one line: a vendor's message must not move the cursor. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');
