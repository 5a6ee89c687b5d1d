// The oracle of a rollout: what the ledger must hold when it is over. It knows nothing of the provisioner's plan or
// tables; its own list of what a company consists of stands below.

import { type LedgerEntry, liveResources } from './ledger.ts';

export type AuditedCompany = {
  readonly id: string;
  readonly configuration: 'basic' | 'advanced';
  /** Secrets that its industry's template asks for besides; 0 when absent. */
  readonly templateSecrets?: number;
  readonly outcome:
    | 'ready'
    | 'undone'
    | 'blocked'
    | 'noRoom'
    | 'unfinished'
    | 'suspended'
    | 'leaving'
    | 'decommissioned';
};

/** What of the plan decides what a company consists of. */
export type Plan = {
  readonly databaseOperationsPerCompany: number;
  readonly dns: 'record' | 'wildcard';
};

/** Live resources of a ready company, by kind; of a suspended one no version of a secret is enabled. */
function expectedOf(
  company: AuditedCompany,
  { databaseOperationsPerCompany, dns }: Plan,
): Readonly<Record<string, number>> {
  const secrets = (company.configuration === 'advanced' ? 4 : 2) + (company.templateSecrets ?? 0);
  return {
    secret: secrets,
    secretVersion: company.outcome === 'suspended' ? 0 : secrets,
    cryptoKey: 1,
    databaseRole: 1,
    databaseUser: 1,
    databaseIndex: databaseOperationsPerCompany - 3,
    document: 1,
    namespace: 1,
    service: 1,
    dnsRecord: dns === 'record' ? 1 : 0,
    certificate: dns === 'record' ? 1 : 0,
  };
}

/**
 * One sentence for each thing that is wrong: a resource made twice or without an owner, a secret with more than one
 * enabled version, a ready or suspended company that lacks something, a suspended one that something of can be used, an undone or
 * decommissioned one of which something is left, one without room for which anything was ever done.
 */
export function auditLedger(
  entries: readonly LedgerEntry[],
  companies: readonly AuditedCompany[],
  plan: Plan,
): string[] {
  const violations = [...createdTwice(entries), ...doneWithoutRoom(entries, companies)];
  const byCompany = new Map<string, LedgerEntry[]>();
  const known = new Set(companies.map(company => company.id));
  const versionsOf = new Map<string, number>();
  for (const resource of liveResources(entries)) {
    if (!known.has(resource.company)) {
      violations.push(`${resource.kind} ${resource.name} has no owner`);
      continue;
    }
    if (resource.kind === 'secretVersion') {
      // It is none that the company could use.
      if (resource.detail === 'DISABLED') continue;
      const secret = resource.name.slice(0, resource.name.lastIndexOf('/versions/'));
      versionsOf.set(secret, (versionsOf.get(secret) ?? 0) + 1);
    }
    const resources = byCompany.get(resource.company);
    if (resources === undefined) byCompany.set(resource.company, [resource]);
    else resources.push(resource);
  }
  for (const [secret, count] of versionsOf)
    if (count > 1) violations.push(`secret ${secret} has ${count} enabled versions`);
  for (const company of companies)
    violations.push(...wrongWith(company, byCompany.get(company.id) ?? [], plan));
  return violations;
}

function* createdTwice(entries: readonly LedgerEntry[]): Generator<string> {
  const live = new Set<string>();
  for (const { kind, name, effect } of entries) {
    const key = `${kind} ${name}`;
    if (effect === 'created' && live.has(key)) yield `${key} was created twice`;
    if (effect === 'created') live.add(key);
    if (effect === 'deleted') live.delete(key);
  }
}

/** One for which there was no room was never begun: not even something that is gone again may have been made. */
function* doneWithoutRoom(
  entries: readonly LedgerEntry[],
  companies: readonly AuditedCompany[],
): Generator<string> {
  const without = new Set(companies.filter(({ outcome }) => outcome === 'noRoom').map(({ id }) => id));
  for (const { company, kind, name, effect } of entries)
    if (without.has(company)) yield `there was no room for ${company}, but ${kind} ${name} was ${effect}`;
}

/**
 * Atlas has no call that drops an index; the one of a company that left indexes an empty collection. A key's name stays
 * at the vendor's for ever, but counts as gone once no version of it can decrypt.
 */
function wrongWith(company: AuditedCompany, live: readonly LedgerEntry[], plan: Plan): string[] {
  const { id, outcome } = company;
  if (outcome === 'undone' || outcome === 'decommissioned')
    return live
      .filter(({ kind }) => kind !== 'databaseIndex')
      .map(({ kind, name }) => `${id} was ${outcome}, but ${kind} ${name} is left`);
  const counts = new Map<string, number>();
  for (const { kind } of live) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const wrong = Object.entries(expectedOf(company, plan)).flatMap(([kind, expected]) => {
    const found = counts.get(kind) ?? 0;
    if (found > expected) return [`${id} has ${found} live resources of kind ${kind} instead of ${expected}`];
    if (found < expected && (outcome === 'ready' || outcome === 'suspended'))
      return [`${id} is ${outcome}, but has ${found} of kind ${kind} instead of ${expected}`];
    return [];
  });
  return outcome === 'suspended' ? [...wrong, ...usable(id, live)] : wrong;
}

/** What a suspended company could still use: its key, and its database by the role that is its own. */
function usable(id: string, live: readonly LedgerEntry[]): string[] {
  return live
    .filter(
      ({ kind, detail }) =>
        (kind === 'cryptoKey' && !detail.endsWith(' DISABLED')) ||
        (kind === 'databaseUser' && detail.includes(`company-${id}`)),
    )
    .map(({ kind, name }) => `${id} is suspended, but ${kind} ${name} can be used`);
}
