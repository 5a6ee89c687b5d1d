// How many requests a second Pinecone takes of one kind in one namespace. It counts by the second of its clock, so that a
// second's worth may come at once.

import { tooManyRequests } from './pineconeChecks.ts';
import type { FakeReply, World } from './service.ts';

export type Rated = 'Query' | 'Upsert' | 'Delete' | 'Update';
/** A refusal when the namespace has had its requests of that kind in this second. */
export type RateRefusal = (
  kind: Rated,
  host: string,
  namespace: string,
  nowMs: number,
) => FakeReply | undefined;

const SECOND_MS = 1000;

export function createRates(world: World): RateRefusal {
  const windows = new Map<string, { second: number; requests: number }>();
  return (kind, host, namespace, nowMs) => {
    if (!world.resourceQuotas) return undefined;
    const key = `${kind} ${host}/${namespace}`;
    const second = Math.floor(nowMs / SECOND_MS);
    const before = windows.get(key);
    const window = before?.second === second ? before : { second, requests: 0 };
    windows.set(key, window);
    if (window.requests < world.valueOf('quota.pinecone.requests')) {
      window.requests++;
      return undefined;
    }
    const quota = `${kind}RequestsPerSecondPerNamespace`;
    const retryAfterMs = (second + 1) * SECOND_MS - nowMs;
    return { ...tooManyRequests({ quota, retryAfterMs }), latency: 'lat.refusal', quota };
  };
}
