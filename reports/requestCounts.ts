// Whether the places that a request passes agree on how many there were. They count independently, so that a request
// which one of them lost, sent twice or made up shows; called by both runtimes and by the reports.

import type { RequestCounts, TrafficMeasurement } from './measurement.ts';

type Rule = {
  readonly agree: (counts: RequestCounts) => boolean;
  readonly text: (counts: RequestCounts) => string;
};

const RULES: readonly Rule[] = [
  {
    agree: ({ due, sent }) => due === sent,
    text: ({ due, sent }) => `${due} requests were due and ${sent} were sent`,
  },
  {
    agree: ({ sent, edgeHits, handled }) => sent === edgeHits + handled,
    text: ({ sent, edgeHits, handled }) =>
      `${sent} requests were sent; the edge answered ${edgeHits} of them and the gateways handled ${handled}, which makes ${edgeHits + handled}`,
  },
  {
    agree: ({ handled, answered }) => handled === answered,
    text: ({ handled, answered }) => `the gateways handled ${handled} requests and answered ${answered}`,
  },
  {
    agree: ({ forwarded, ledger }) => forwarded === ledger,
    text: ({ forwarded, ledger }) =>
      `the gateways forwarded ${forwarded} requests and the ledger has ${ledger}`,
  },
  {
    // A request that was turned away before its company was known for sure leaves no record.
    agree: ({ forwarded, audited, answered }) => forwarded <= audited && audited <= answered,
    text: ({ forwarded, audited, answered }) =>
      `the audit trails have ${audited} records; there must be one for each of the ${forwarded} forwarded requests, and at most one for each of the ${answered} answered`,
  },
];

/** One sentence a disagreement; empty when all counts agree. */
export function trafficViolations(counts: RequestCounts): string[] {
  return RULES.filter(({ agree }) => !agree(counts)).map(({ text }) => text(counts));
}

export type JudgedTraffic = {
  /** Counts that disagree: something is wrong with the platform or with the bench. */
  readonly wrong: readonly string[];
  /** What else makes the figures worthless. */
  readonly worthless: readonly string[];
};

/**
 * In real time a generator may not keep up and send less than was due: that run proves nothing, neither for the
 * platform nor against it. In virtual time nothing is ever late.
 */
export function judgedTraffic(
  { counts, violations }: Pick<TrafficMeasurement, 'counts' | 'violations'>,
  clock: 'virtual' | 'real',
): JudgedTraffic {
  const disagreements = trafficViolations(counts);
  const isDropped = clock === 'real' && counts.sent < counts.due;
  const wrong = isDropped ? trafficViolations({ ...counts, due: counts.sent }) : disagreements;
  const others = [...violations, ...disagreements].filter(text => !wrong.includes(text));
  return { wrong, worthless: [...new Set(others)] };
}
