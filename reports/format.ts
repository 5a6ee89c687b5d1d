// Figures for people: three significant digits, a unit, and no locale.

import type { Interval, KpiReport } from './report.ts';

/** Where the next unit begins, once rounded to three digits. */
const UNITS = [
  { name: 'ms', ms: 1, below: 999.5 },
  { name: 's', ms: 1000, below: 119_950 },
  { name: 'min', ms: 60_000, below: 36_000_000 },
  { name: 'h', ms: 3_600_000, below: 345_600_000 },
  { name: 'd', ms: 86_400_000, below: Infinity },
] as const;

type Unit = (typeof UNITS)[number];

const unitOf = (ms: number): Unit => UNITS.find(unit => Math.abs(ms) < unit.below) ?? UNITS[4];

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

/** `1 request`, `53,033 requests`. */
export const requestCount = (requests: number): string =>
  `${count(requests)} ${requests === 1 ? 'request' : 'requests'}`;

/** A mean of counts: `10,000`, `3.4`. */
export const count = (value: number): string => (Number.isInteger(value) ? grouped(value) : digits(value));

const MINUTES_PER_WEEK = 7 * 24 * 60;

/** `60 a minute`, `50 a week`. */
export const rate = (perMinute: number): string =>
  perMinute < 1 ? `${count(perMinute * MINUTES_PER_WEEK)} a week` : `${grouped(perMinute)} a minute`;

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

/** Below this many percent two decimals would say too little, or nothing at all. */
const SMALL_PERCENT = 0.1;

function percent(value: number): string {
  const percents = value * 100;
  if (percents > 0 && percents < SMALL_PERCENT) return small(percents);
  const rounded = Math.round(value * 10_000) / 100;
  return String(value < 1 && rounded === 100 ? 99.99 : rounded);
}

/** Two significant digits, never as a power of ten: `0.02`, `0.0000015`. */
function small(value: number): string {
  const decimals = Math.min(1 - Math.floor(Math.log10(value)), 100);
  return value.toFixed(decimals).replace(/0+$/, '');
}

/** `$77.9`. */
export const usd = (value: number): string => `$${digits(value)}`;

/** `+3.1 %`. */
export const signedShare = (value: number): string =>
  `${value < 0 ? '−' : '+'}${digits(Math.abs(value) * 100)} %`;

/** A KPI's value; `–` without one. */
export function kpiFigure(value: KpiReport['value'], unit: KpiReport['unit']): string {
  if (value === null) return '–';
  if (value === 'infinite') return 'infinite';
  return { ms: duration, share, usd }[unit](value);
}

export function kpiRange(ends: KpiReport['inputs'], unit: KpiReport['unit']): string {
  if (ends === null) return '–';
  const { low, high } = ends;
  if (low === 'infinite' || high === 'infinite')
    return low === high ? 'infinite' : `${kpiFigure(low, unit)}–infinite`;
  if (unit === 'ms') return durationRange({ low, high });
  if (unit === 'usd') return `$${range(digits(low), digits(high))}`;
  return `${range(percent(low), percent(high))} %`;
}

export function kpiTarget({ target, unit }: KpiReport): string {
  return `${target.op === '<' ? '<' : '≥'} ${kpiFigure(target.value, unit)}`;
}

/** Text from outside, on one line: a vendor's message must not move the cursor. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');
