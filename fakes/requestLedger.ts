// Which requests reached the companies' own services, and what these answered: counters that only the services write,
// at the moment of the effect. What an edge, a front end or a fault turned away is not in it.

export type RequestCount = {
  readonly company: string;
  readonly operation: string;
  readonly status: number;
  requests: number;
};

export class RequestLedger {
  /** A company has few operations and statuses, so a short list is searched faster than a map. */
  private readonly counts = new Map<string, RequestCount[]>();
  private sum = 0;

  write(company: string, operation: string, status: number): void {
    this.sum++;
    let own = this.counts.get(company);
    if (own === undefined) this.counts.set(company, (own = []));
    for (const count of own)
      if (count.operation === operation && count.status === status) {
        count.requests++;
        return;
      }
    own.push({ company, operation, status, requests: 1 });
  }

  total(): number {
    return this.sum;
  }

  /** Requests by company. */
  byCompany(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const [company, own] of this.counts)
      sums.set(
        company,
        own.reduce((sum, { requests }) => sum + requests, 0),
      );
    return sums;
  }

  /** Every counter, in the order of company, operation and status: the same page whatever came first. */
  page(): RequestCount[] {
    return [...this.counts.values()]
      .flat()
      .map(count => ({ ...count }))
      .sort((a, b) => order(a.company, b.company) || order(a.operation, b.operation) || a.status - b.status);
  }
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
