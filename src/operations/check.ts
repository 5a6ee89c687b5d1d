// One check of one company, and what it says.

import type { Company } from '../provisioning/company.ts';
import { type StepKind, step } from '../provisioning/plan.ts';
import { type Looked, look } from './look.ts';
import type { Operations } from './operations.ts';
import { CHECK_KINDS, type CheckKind } from './schedule.ts';

export type CheckRecord = {
  readonly company: string;
  readonly kind: CheckKind;
  readonly atMs: number;
  readonly tookMs: number;
  /**
   * unknown: the vendor's API could not be asked, which says nothing of the company. heldBack: it was not asked, since
   * others had to go first.
   */
  readonly state: 'healthy' | 'failed' | 'unknown' | 'heldBack';
  readonly reason: string;
};

/** What each check looks at, and how it shall be. */
export const LOOKS_AT: Readonly<Record<CheckKind, readonly [kind: StepKind, part?: string]>> = {
  service: ['health'],
  database: ['userAccess', 'open'],
  certificate: ['certificateRenewal'],
};

/** Checks and looks in the keys of their calls: behind the steps of provisioning, before those of changes. */
export const CHECK_PLACE = 900;

/** `turn`: a number of its own for each check of that kind. */
export async function check(
  operations: Operations,
  company: Company,
  kind: CheckKind,
  turn: number,
): Promise<CheckRecord> {
  const { clock } = operations.ports;
  const atMs = clock.nowMs();
  const place = CHECK_PLACE + CHECK_KINDS.indexOf(kind);
  const result = await look(operations, company, { step: step(...LOOKS_AT[kind]), place, turn });
  return { company: company.id, kind, atMs, tookMs: clock.nowMs() - atMs, ...verdictOn(kind, result) };
}

function verdictOn(kind: CheckKind, result: Looked): Pick<CheckRecord, 'state' | 'reason'> {
  switch (result.kind) {
    case 'heldBack':
      return { state: 'heldBack', reason: '' };
    case 'done':
      return { state: 'healthy', reason: '' };
    case 'pending':
      return { state: 'failed', reason: result.id === '' ? 'not ready' : `answered ${result.id}` };
    case 'absent':
    case 'exists':
      return { state: 'failed', reason: kind === 'certificate' ? 'it ends soon' : 'it is not there' };
    case 'broken':
    case 'rejected':
      return { state: 'failed', reason: result.reason };
    case 'throttled':
      return { state: 'unknown', reason: `the quota ${result.quota} is used up` };
    case 'transient':
    case 'unknown':
      // Of a service that does not answer its users nothing else needs to be known.
      return { state: kind === 'service' ? 'failed' : 'unknown', reason: result.reason };
  }
}
