// What journal, registry and, by asking each vendor once, the clouds say of a company. Changes nothing.

import type { CompanyRecord } from '../ports.ts';
import type { Company } from '../provisioning/company.ts';
import { step } from '../provisioning/plan.ts';
import { type CompanyProgress, progressOf } from '../provisioning/progress.ts';
import { stepsOf } from '../provisioning/provision.ts';
import { type History, historiesOf } from './history.ts';
import { type Looked, look } from './look.ts';
import type { Operations } from './operations.ts';

export type Seen = {
  /** Undefined: never admitted. */
  readonly progress: CompanyProgress | undefined;
  /** Undefined: never changed. */
  readonly history: History | undefined;
  readonly record: CompanyRecord | undefined;
  /** `done`: it is there, and as it shall be. */
  readonly steps: readonly {
    readonly id: string;
    readonly found: Looked['kind'];
    /** Of one that is not as it shall be, where the vendor says why. */
    readonly reason: string;
  }[];
};

/** In the keys of its calls: behind those of checks and diagnoses, before those of changes. */
const SHOW_PLACE = 950;

export async function showCompany(operations: Operations, company: Company): Promise<Seen> {
  const { ports, options } = operations;
  const { index, id } = company;
  const entries = await ports.journal.read({ from: index, to: index + 1 });
  const progress = progressOf(entries).companies.get(index);
  const history = historiesOf(entries).get(index);
  const now = { ...company, level: history?.level ?? company.level };
  const idOf = (stepId: string) => progress?.steps.get(stepId)?.id ?? '';
  const steps: Seen['steps'][number][] = [];
  const access = history?.life === 'suspended' ? 'closed' : 'open';
  // Of access only whether it is open can be asked.
  const looks = [...stepsOf(options, now), step('serviceSettings', access), step('userAccess', 'open')];
  for (const [turn, one] of progress === undefined ? [] : looks.entries()) {
    const found = await look(operations, now, { step: one, place: SHOW_PLACE, turn }, idOf);
    steps.push({ id: one.id, found: found.kind, reason: 'reason' in found ? found.reason : '' });
  }
  return { progress, history, record: await ports.registry.get(id), steps };
}
