// The plan of one company: its resources in the order in which they depend on each other. Pure data; the provisioner
// walks it forwards to make the company and backwards to undo it.

import type { Company, Platform } from './company.ts';

export type StepKind = MakingKind | ChangingKind;

/** What a company consists of. */
export type MakingKind =
  | 'secret'
  | 'secretVersion'
  | 'cryptoKey'
  | 'databaseRole'
  | 'databaseUser'
  | 'databaseIndex'
  | 'document'
  | 'namespace'
  | 'service'
  | 'dnsRecord'
  | 'certificate'
  | 'propagation'
  | 'health'
  | 'registration';

/** What a change of a company does to that; `part` says what it shall be. */
export type ChangingKind =
  | 'serviceSettings'
  | 'serviceRestart'
  | 'documentSettings'
  | 'recordSettings'
  | 'userAccess'
  | 'secretAccess'
  | 'keyAccess'
  | 'dnsTarget'
  | 'certificateRenewal';

/** The rollout's own limiters, by the plan's names. */
export type LimiterName = 'dnsRecordWrites' | 'cloudRunDeploys' | 'databaseOperations';

export type Step = {
  /** Unique in the plan: `secret:api-key`. The journal's key. */
  readonly id: string;
  readonly kind: StepKind;
  /** Which one, where a company has several: a secret's name, an index's number. */
  readonly part: string;
  readonly limiter?: LimiterName;
  /** The limit counts removals too. */
  readonly limitsRemoval?: true;
};

export const BASIC_SECRETS = ['database-password', 'api-key'];
/** Assumed: what the two advanced configurations have beyond the basic one. */
export const ADVANCED_SECRETS = ['signing-key', 'webhook-secret'];

/** User, role and registry write. */
const DATABASE_OPERATIONS_MIN = 3;

/** `templateSecrets`: what its industry's template has beyond them. */
export function planOf(
  company: Company,
  databaseOperationsPerCompany: number,
  dns: Platform['dns'] = 'record',
  templateSecrets: readonly string[] = [],
): Step[] {
  const secrets = [
    ...BASIC_SECRETS,
    ...(company.configuration === 'advanced' ? ADVANCED_SECRETS : []),
    ...templateSecrets,
  ];
  const indexes = Array.from({ length: databaseOperationsPerCompany - DATABASE_OPERATIONS_MIN }, (_, i) =>
    String(i),
  );
  return [
    ...secrets.flatMap(part => [step('secret', part), step('secretVersion', part)]),
    step('cryptoKey'),
    step('databaseRole', '', 'databaseOperations'),
    step('databaseUser', '', 'databaseOperations'),
    ...indexes.map(part => step('databaseIndex', part, 'databaseOperations')),
    step('document'),
    step('namespace'),
    step('service', '', 'cloudRunDeploys'),
    ...(dns === 'record' ? ownName() : []),
    step('propagation'),
    step('health'),
    step('registration', '', 'databaseOperations'),
  ];
}

/** A record and a certificate of the company's own. */
const ownName = (): Step[] => [
  { ...step('dnsRecord', '', 'dnsRecordWrites'), limitsRemoval: true },
  step('certificate'),
];

export function step(kind: StepKind, part = '', limiter?: LimiterName): Step {
  return { id: part === '' ? kind : `${kind}:${part}`, kind, part, ...(limiter && { limiter }) };
}

/** What a step of that id makes. */
export const kindOf = (stepId: string): StepKind => stepId.split(':')[0] as StepKind;
