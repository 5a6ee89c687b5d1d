// What really happened: the append-only list of effects that only the fakes write. Oracles read this, never the
// system's own tables.

export type Effect = 'created' | 'changed' | 'deleted';

export type LedgerEntry = {
  readonly n: number;
  readonly atMs: number;
  readonly service: string;
  /** secret, secretVersion, cryptoKey, databaseRole, databaseUser, databaseIndex, document, namespace, service,
   * dnsRecord, certificate; besides what a company consists of project, cluster, compositeIndex, index, certificatePack,
   * apiToken, keyRing. */
  readonly kind: string;
  /** The vendor's full resource name. */
  readonly name: string;
  /** The company whose mark the payload carried; empty when it carried none. */
  readonly company: string;
  readonly effect: Effect;
  /** What the vendor's console would show of it: state, content. Never a secret. */
  readonly detail: string;
};

export class Ledger {
  readonly entries: LedgerEntry[] = [];

  write(entry: Omit<LedgerEntry, 'n'>): void {
    this.entries.push({ n: this.entries.length, ...entry });
  }
}

/** The resources that exist after `entries`, in the order of their creation, each with its last state. */
export function liveResources(entries: readonly LedgerEntry[]): LedgerEntry[] {
  const live = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    const key = `${entry.kind} ${entry.name}`;
    if (entry.effect === 'deleted') live.delete(key);
    else live.set(key, entry);
  }
  return [...live.values()];
}
