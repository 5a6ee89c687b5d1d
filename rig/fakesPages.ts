// What running fakes tell of themselves over HTTP, and how their time is set.

import type { CompanyUsage } from '../fakes/companyInstances.ts';
import type { LedgerEntry } from '../fakes/ledger.ts';
import type { RequestCount } from '../fakes/requestLedger.ts';
import type { OperationMeasurement } from '../reports/measurement.ts';
import type { UsedValue } from '../scenarios/facts.ts';
import { SandtableError } from '../src/errors.ts';
import { createTransport } from '../src/runtime/transport.ts';

export type Health = {
  /** Of this start of theirs. */
  readonly id: string;
  readonly nowMs: number;
  readonly speed: number;
  /** Entries in their ledger. */
  readonly effects: number;
};

export type LedgerPage = {
  readonly id: string;
  readonly entries: readonly LedgerEntry[];
  readonly operations: readonly OperationMeasurement[];
  readonly facts: readonly UsedValue[];
};

/** What reached the companies' services. */
export type RequestsPage = {
  readonly id: string;
  readonly total: number;
  readonly requests: readonly RequestCount[];
  readonly usage: readonly CompanyUsage[];
};

const LOOK_MS_MAX = 10_000;

/** Throws FAKES when none answer there, INPUT when it is no address of this machine. */
export const readHealth = (fakesUrl: string): Promise<Health> => ask(fakesUrl, 'GET', '/_health');
export const readLedger = (fakesUrl: string): Promise<LedgerPage> => ask(fakesUrl, 'GET', '/_ledger');
export const readRequests = (fakesUrl: string): Promise<RequestsPage> => ask(fakesUrl, 'GET', '/_requests');
export const readFacts = async (fakesUrl: string): Promise<readonly UsedValue[]> =>
  (await readLedger(fakesUrl)).facts;

/** Their clock goes on from where it is, so many times faster than real. */
export async function setSpeed(fakesUrl: string, speed: number): Promise<void> {
  await ask(fakesUrl, 'POST', '/_speed', JSON.stringify({ speed }));
}

async function ask<T>(fakesUrl: string, method: 'GET' | 'POST', path: string, body?: string): Promise<T> {
  const transport = createTransport({ fakesUrl, bodyBytesMax: Number.POSITIVE_INFINITY });
  try {
    const outcome = await transport.send({
      method,
      url: new URL(path, fakesUrl).href,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body !== undefined && { body: new TextEncoder().encode(body) }),
      deadlineAtMs: Date.now() + LOOK_MS_MAX,
      key: [-1],
    });
    if (outcome.kind === 'answered' && outcome.status === 200)
      return JSON.parse(new TextDecoder().decode(outcome.body));
    const reason = outcome.kind === 'answered' ? `status ${outcome.status}` : outcome.reason;
    throw new SandtableError(
      'FAKES',
      `no fakes answer at ${fakesUrl} (${reason}); start them with: sandtable fakes`,
    );
  } finally {
    await transport.close();
  }
}
