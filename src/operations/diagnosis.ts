// From a symptom to a remedy: looks at what may be the cause, from the service outwards, and at the first that is not
// as it should be. What cannot be seen is not mended.

import type { Company } from '../provisioning/company.ts';
import { type StepKind, step } from '../provisioning/plan.ts';
import type { Remedy } from './change.ts';
import { CHECK_PLACE } from './check.ts';
import { type Looked, look } from './look.ts';
import type { Operations } from './operations.ts';
import { CHECK_KINDS, type CheckKind } from './schedule.ts';

/** wait: what it lacks is on its way. unclear: somebody could not be asked. */
export type Diagnosis =
  | { readonly kind: 'remedy'; readonly remedy: Remedy; readonly cause: string }
  | { readonly kind: 'wait' | 'unclear'; readonly cause: string };

type Suspect = {
  /** And how it shall be. */
  readonly looksAt: readonly [kind: StepKind, part?: string];
  /** Only where each company has a name of its own. */
  readonly isOfName?: true;
  /** By what the look finds, where what is broken counts as rejected; a step that a kind is left out of can only be waited for. */
  readonly remedies: Partial<Record<'absent' | 'rejected', Remedy>>;
};

const SUSPECTS: Readonly<Record<CheckKind, readonly Suspect[]>> = {
  service: [
    { looksAt: ['service'], remedies: { absent: 'service', rejected: 'restart' } },
    { looksAt: ['serviceSettings', 'open'], remedies: { absent: 'serviceSettings' } },
    { looksAt: ['dnsRecord'], isOfName: true, remedies: { absent: 'dnsRecord', rejected: 'dnsTarget' } },
    { looksAt: ['dnsTarget'], isOfName: true, remedies: { absent: 'dnsTarget' } },
    { looksAt: ['certificate'], isOfName: true, remedies: { absent: 'certificate', rejected: 'renewal' } },
    { looksAt: ['propagation'], remedies: {} },
  ],
  database: [
    { looksAt: ['databaseRole'], remedies: { absent: 'databaseUser' } },
    { looksAt: ['databaseUser'], remedies: { absent: 'databaseUser' } },
    { looksAt: ['userAccess', 'open'], remedies: { absent: 'databaseAccess' } },
  ],
  certificate: [
    { looksAt: ['certificate'], isOfName: true, remedies: { absent: 'certificate', rejected: 'renewal' } },
    { looksAt: ['certificateRenewal'], isOfName: true, remedies: { absent: 'renewal', rejected: 'renewal' } },
  ],
};

/** All is as it should be, and still it fails: only a service can be helped, by starting anew. */
const INNOCENT: Readonly<Partial<Record<CheckKind, Remedy>>> = { service: 'restart' };

export async function diagnose(
  operations: Operations,
  company: Company,
  symptom: CheckKind,
  turn: number,
): Promise<Diagnosis> {
  const { dns } = operations.options.platform;
  for (const [i, suspect] of SUSPECTS[symptom].entries()) {
    if (suspect.isOfName && dns === 'wildcard') continue;
    const place = CHECK_PLACE + CHECK_KINDS.length + i;
    const found = await look(operations, company, { step: step(...suspect.looksAt), place, turn });
    const diagnosis = judge(suspect, found);
    if (diagnosis !== undefined) return diagnosis;
  }
  const remedy = INNOCENT[symptom];
  const cause = 'nothing else is wrong with it';
  return remedy === undefined ? { kind: 'wait', cause } : { kind: 'remedy', remedy, cause };
}

/** Undefined: it is innocent. */
export function judge({ looksAt: [kind], remedies }: Suspect, found: Looked): Diagnosis | undefined {
  switch (found.kind) {
    case 'done':
      return undefined;
    case 'absent':
    case 'broken':
    case 'rejected': {
      const cause = found.kind === 'absent' ? `there is no ${kind}` : found.reason;
      const remedy = remedies[found.kind === 'absent' ? 'absent' : 'rejected'];
      return remedy === undefined ? { kind: 'unclear', cause } : { kind: 'remedy', remedy, cause };
    }
    case 'pending':
    case 'exists':
      return { kind: 'wait', cause: `${kind} is not ready yet` };
    case 'throttled':
      return { kind: 'unclear', cause: `the quota ${found.quota} is used up` };
    case 'heldBack':
      return { kind: 'unclear', cause: `the limits of its vendor are taken: ${kind} was not asked for` };
    case 'transient':
    case 'unknown':
      return { kind: 'unclear', cause: found.reason };
  }
}
