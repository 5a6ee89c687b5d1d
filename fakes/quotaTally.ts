// What the companies' quotas had room for, by the scenario and not by what the gateway believes, and how much of it was
// served. An oracle beside the gateway's code, the same in both clocks.

/** Requests of one company in one minute of the clock: those that its quota has room for, and those that were served. */
export type QuotaMinute = { readonly room: number; within: number; served: number };

const MINUTE_MS = 60_000;

export class QuotaTally {
  /** Requests a minute, by the company's position in the queue. */
  private readonly quotaOf: (company: number) => number;
  /** By minute since the epoch, then by the company's position in the queue. */
  private minutes = new Map<number, QuotaMinute[]>();
  private withinQuota = 0;
  private servedWithinQuota = 0;

  constructor(quotaOf: (company: number) => number) {
    this.quotaOf = quotaOf;
  }

  /**
   * A request of the company that counts towards its quota arrives; whoever answers it counts it as served in what this
   * returns. `before`: what was used of a minute before anything was counted here.
   */
  arrived(company: number, atMs: number, before: (minute: number) => number = () => 0): QuotaMinute {
    const minute = Math.floor(atMs / MINUTE_MS);
    let companies = this.minutes.get(minute);
    if (companies === undefined) this.minutes.set(minute, (companies = []));
    let entry = companies[company];
    if (entry === undefined) {
      const room = Math.max(0, this.quotaOf(company) - before(minute));
      companies[company] = entry = { room, within: 0, served: 0 };
    }
    if (entry.within < entry.room) entry.within++;
    return entry;
  }

  /** A request that no quota counts was answered: a health check, or one that the edge had the answer to. */
  free(isServed: boolean): void {
    this.withinQuota++;
    if (isServed) this.servedWithinQuota++;
  }

  /** Every request counted so far has its answer; what comes next is in a world, and so in minutes, of its own. */
  settle(): void {
    const { withinQuota, servedWithinQuota } = this.figures();
    this.withinQuota = withinQuota;
    this.servedWithinQuota = servedWithinQuota;
    this.minutes = new Map();
  }

  /** What a company was served beyond its quota is nobody's merit. */
  figures(): { readonly withinQuota: number; readonly servedWithinQuota: number } {
    let { withinQuota, servedWithinQuota } = this;
    // Not asked of a hole: a company that sent nothing in that minute.
    for (const companies of this.minutes.values())
      companies.forEach(({ within, served }) => {
        withinQuota += within;
        servedWithinQuota += Math.min(within, served);
      });
    return { withinQuota, servedWithinQuota };
  }
}
