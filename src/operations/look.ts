// One look at one thing of a company by somebody who need not look now: the monitor, the healer, `show`. It takes slots of
// the limiters that all calls to the vendors share, and its refusals hold all of them back. While they are behind it is
// not made. A company's own service is no vendor: nothing limits how often it is asked.

import { CHECK_DEADLINE_MS } from '../limits.ts';
import type { Company } from '../provisioning/company.ts';
import type { Step } from '../provisioning/plan.ts';
import type { CloudResult } from '../provisioning/verbs.ts';
import type { Operations } from './operations.ts';

/** heldBack: nobody was asked. */
export type Looked = CloudResult | { readonly kind: 'heldBack' };

export type Look = {
  /** What it looks at, and how that shall be. */
  readonly step: Step;
  /** [place, turn]: names the call among those of the company. */
  readonly place: number;
  readonly turn: number;
};

/** In the keys of calls, as in those of steps. */
const FIND = 1;

/** `idOf`: what the company's steps gave. */
export async function look(
  operations: Operations,
  company: Company,
  { step, place, turn }: Look,
  idOf: (stepId: string) => string = id => operations.idOf(company.id, id),
): Promise<Looked> {
  const { ports, generation, admission } = operations;
  const placed = operations.placed(company);
  const atMs = await admission.reserveSoon(step, placed);
  if (atMs === undefined) return { kind: 'heldBack' };
  const gate = admission.gateOf(step.kind, 'find');
  const hasTurn = (await gate?.enter()) ?? false;
  try {
    const waitMs = atMs - ports.clock.nowMs();
    if (waitMs > 0) await ports.clock.sleep(waitMs);
    const deadlineAtMs = ports.clock.nowMs() + CHECK_DEADLINE_MS;
    const key = [company.index, place, generation, FIND, turn];
    const found = await operations
      .verbsOf(company, step, idOf)
      .find({ key, deadlineAtMs }, idOf(step.id) || undefined);
    if (found.kind === 'throttled')
      await admission.refused(step, 'find', found.quota, found.retryAfterMs, placed);
    return found;
  } finally {
    if (hasTurn) gate!.leave();
  }
}
