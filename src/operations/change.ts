// What can be done to a company once it is ready, as data, and its name in the journal.

/** Access of users, and of the company's own credentials. */
export type Access = 'open' | 'closed';

/** What mends a company; each is a short plan of its own (changePlan.ts). */
export const REMEDIES = [
  'restart',
  'service',
  'serviceSettings',
  'dnsRecord',
  'dnsTarget',
  'certificate',
  'renewal',
  'databaseUser',
  'databaseAccess',
] as const;
export type Remedy = (typeof REMEDIES)[number];

export type Change =
  | { readonly kind: 'level'; readonly level: string }
  | { readonly kind: 'suspension' }
  | { readonly kind: 'resumption' }
  | { readonly kind: 'retargeting' }
  | { readonly kind: 'decommissioning' }
  | { readonly kind: 'healing'; readonly remedy: Remedy };

/** `level DIAMOND`, `suspension`, `healing dnsRecord`: what the journal calls it. */
export function nameOf(change: Change): string {
  if (change.kind === 'level') return `level ${change.level}`;
  return change.kind === 'healing' ? `healing ${change.remedy}` : change.kind;
}

/** Of a name that `nameOf` gave. */
export function changeOf(name: string): Change {
  const [kind, rest = ''] = name.split(' ');
  switch (kind) {
    case 'level':
      return { kind, level: rest };
    case 'suspension':
    case 'resumption':
    case 'retargeting':
    case 'decommissioning':
      return { kind };
    case 'healing': {
      const remedy = REMEDIES.find(one => one === rest);
      if (remedy !== undefined) return { kind, remedy };
    }
  }
  throw new Error(`the journal names a change that there is not: ${name}`);
}
