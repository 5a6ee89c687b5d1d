// Mends a company that is unhealthy: one diagnosis, one remedy, never two at once, and so many an hour. What that does
// not mend is an alert: somebody must look.

import { HEALINGS_PER_HOUR_MAX } from '../limits.ts';
import { diagnose } from './diagnosis.ts';
import type { Operations } from './operations.ts';
import type { CheckKind } from './schedule.ts';

export type HealRecord = {
  readonly company: string;
  readonly symptom: CheckKind;
  readonly atMs: number;
  /**
   * mended: the remedy was carried out. waiting: nothing to do yet. unclear: a vendor could not be asked.
   * busy: another change of it is under way. alert: no remedy is left, or the last one failed.
   */
  readonly outcome: 'mended' | 'waiting' | 'unclear' | 'busy' | 'alert';
  /** Empty when nothing was done. */
  readonly remedy: string;
  readonly cause: string;
};

const HOUR_MS = 3_600_000;

/** `turn`: a number of its own for each healing of the company. */
export async function heal(
  operations: Operations,
  id: string,
  symptom: CheckKind,
  turn: number,
): Promise<HealRecord> {
  const { clock } = operations.ports;
  const atMs = clock.nowMs();
  const ended = (outcome: HealRecord['outcome'], cause: string, remedy = ''): HealRecord => {
    return { company: id, symptom, atMs, outcome, remedy, cause };
  };
  const company = operations.serving(id);
  if (company === undefined || operations.isBusy(id)) return ended('busy', 'it is being changed');
  const diagnosis = await diagnose(operations, company, symptom, turn);
  const { cause } = diagnosis;
  if (diagnosis.kind !== 'remedy') return ended(diagnosis.kind === 'wait' ? 'waiting' : 'unclear', cause);
  const { remedy } = diagnosis;
  if (operations.healingsSince(id, clock.nowMs() - HOUR_MS) >= HEALINGS_PER_HOUR_MAX)
    return ended('alert', `${HEALINGS_PER_HOUR_MAX} healings in an hour have not helped: ${cause}`);
  const { state, reason } = await operations.change(id, { kind: 'healing', remedy });
  if (state === 'refused') return ended('busy', reason);
  return state === 'done' ? ended('mended', cause, remedy) : ended('alert', reason, remedy);
}
