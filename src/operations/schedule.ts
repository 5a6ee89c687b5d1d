// When which company is checked, as pure arithmetic. All companies are walked in laps of the shortest period, evenly
// spread over it, so that ten thousand are never asked at once:
//
//   slot i ─► company i mod n, in lap ⌊i / n⌋, due at i × 30 s / n ─► the checks that are due for it in that lap

import { CHECK_CERTIFICATE_MS, CHECK_CRITICAL_MS, CHECK_DATABASE_MS, CHECK_SERVICE_MS } from '../limits.ts';

/**
 * service: the company answers its users, under its own name. database: the user that it connects as is there and may do its work.
 * certificate: it is good, and will be for a while.
 */
export const CHECK_KINDS = ['service', 'database', 'certificate'] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];

/** The plan's critical services: those of the highest level. The gateways are asked by their load balancer. */
const CRITICAL_LEVEL = 'DIAMOND';

const LAP_MS = CHECK_CRITICAL_MS;

export function periodMsOf(kind: CheckKind, level: string): number {
  switch (kind) {
    case 'service':
      return level === CRITICAL_LEVEL ? CHECK_CRITICAL_MS : CHECK_SERVICE_MS;
    case 'database':
      return CHECK_DATABASE_MS;
    case 'certificate':
      return CHECK_CERTIFICATE_MS;
  }
}

/** How many times as rarely as the plan has it each check is made. */
export type Stretches = Readonly<Record<CheckKind, number>>;
export const AS_PLANNED: Stretches = { service: 1, database: 1, certificate: 1 };

/** In whole laps; what is a lap but for its last bits is one. */
export const stretchedMs = (periodMs: number, stretch: number): number =>
  Math.ceil((periodMs * stretch) / LAP_MS - 1e-9) * LAP_MS;

/** Milliseconds after the beginning. From the slot's number alone: a late one makes no other late. */
export function dueAfterMs(slot: number, companies: number): number {
  return (slot * LAP_MS) / companies;
}

export type Slot = { readonly company: number; readonly lap: number };

export function slotOf(slot: number, companies: number): Slot {
  return { company: slot % companies, lap: Math.floor(slot / companies) };
}

/**
 * Multiples of it, without their whole part, lie evenly in [0, 1), and so do those of every nth number: the companies of
 * one project, who are every nth of the queue, must not all be asked in the same lap.
 */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Checks of a longer period take turns by company, so that they are spread over it too. */
export function checksDue({ company, lap }: Slot, level: string, stretches = AS_PLANNED): CheckKind[] {
  return CHECK_KINDS.filter(kind => {
    const laps = stretchedMs(periodMsOf(kind, level), stretches[kind]) / LAP_MS;
    const turn = Math.floor(((company * GOLDEN) % 1) * laps);
    return (lap + turn) % laps === 0;
  });
}
