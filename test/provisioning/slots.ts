// What tests of limits need: slots of one process, without a store's latency, and a company in its place.

import type { Slots } from '../../src/ports.ts';
import type { Placed } from '../../src/provisioning/admission.ts';

export function memorySlots(): Slots {
  const nextAtMs = new Map<string, number>();
  const nextOf = (limit: string) => nextAtMs.get(limit) ?? Number.NEGATIVE_INFINITY;
  return {
    take: async (limit, nowMs, intervalMs) => {
      const atMs = Math.max(nowMs, nextOf(limit));
      nextAtMs.set(limit, atMs + intervalMs);
      return atMs;
    },
    hold: async (limit, atMs) => void nextAtMs.set(limit, Math.max(atMs, nextOf(limit))),
  };
}

export const PLACED: Placed = {
  company: {
    index: 0,
    id: 'c00000',
    region: 'us-west1',
    ordinal: 0,
    level: 'ONYX',
    industry: 'retail',
    configuration: 'basic',
  },
  place: {
    zone: { id: 'z', domain: 'example.com' },
    googleProject: 'p',
    atlasProject: 'a',
    atlasCluster: 'c',
    pineconeHost: 'h',
  },
};
