// A lease that is kept while its work goes on, and the fence that it is: once another provisioner has taken it, nothing
// that the old holder writes gets into the journal, and so nothing that it does has an intent.

import { LEASE_MS } from '../limits.ts';
import type { Clock, Journal, JournalEntry, Lease, Leases } from '../ports.ts';

type LeasePorts = { readonly clock: Clock; readonly journal: Journal; readonly leases: Leases };

/** Another provisioner has taken over what this one worked on. It ends the work here, and is no error. */
export class Superseded extends Error {}

export class Held {
  /** 1: nobody has worked under this lease before. */
  readonly epoch: number;
  private readonly ports: LeasePorts;
  private lease: Lease | undefined;
  private cancel: () => void = () => {};
  private extending: Promise<void> = Promise.resolve();

  private constructor(ports: LeasePorts, lease: Lease) {
    this.ports = ports;
    this.lease = lease;
    this.epoch = lease.epoch;
    this.keep();
  }

  /** Undefined while another holds it. */
  static async take(ports: LeasePorts, name: string, holder: string): Promise<Held | undefined> {
    const nowMs = ports.clock.nowMs();
    const lease = await ports.leases.take(name, holder, nowMs, nowMs + LEASE_MS);
    return lease && new Held(ports, lease);
  }

  /** Rejects with `Superseded` when the lease has been taken by another, and nothing was written. */
  readonly append = async (entries: readonly JournalEntry[]): Promise<void> => {
    const { lease } = this;
    if (lease === undefined || !(await this.ports.journal.append(entries, lease))) throw this.lost();
  };

  /** Rejects with `Superseded` unless the lease is still this provisioner's; asks the store only when it may have ended. */
  readonly check = async (): Promise<void> => {
    if (this.lease !== undefined && this.ports.clock.nowMs() < this.lease.untilMs) return;
    await this.extend();
    if (this.lease === undefined) throw this.lost();
  };

  async end(): Promise<void> {
    // An extension that lands after the end would hold it for nobody.
    await this.extending;
    this.cancel();
    const { lease } = this;
    this.lease = undefined;
    if (lease !== undefined) await this.ports.leases.end(lease);
  }

  /** Extends it when a third of it is over, so that two failures are borne. */
  private keep(): void {
    this.cancel = this.ports.clock.after(LEASE_MS / 3, () => {
      this.extending = this.extend().then(
        () => this.lease && this.keep(),
        // A store that cannot be written ends the rollout where it is next asked.
        () => {},
      );
    });
  }

  private async extend(): Promise<void> {
    const { lease } = this;
    if (lease === undefined) return;
    this.lease = await this.ports.leases.extend(lease, this.ports.clock.nowMs() + LEASE_MS);
  }

  private lost(): Superseded {
    this.cancel();
    this.lease = undefined;
    return new Superseded('another provisioner has taken it over');
  }
}
