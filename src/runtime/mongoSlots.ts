// The slots of rates that several provisioners share, in MongoDB: a chain for each limit, a link for each slot. Links
// stay until the rollout is forgotten: an old number that was free again could be given to somebody who slept.

import type { Slots } from '../ports.ts';
import type { Chains } from './mongoChain.ts';

export type Slot = {
  /** Absent where a vendor has only said when to come back. */
  readonly atMs?: number;
  readonly nextAtMs: number;
};

export function slotsOf(chains: Chains<Slot>): Slots {
  return {
    take: async (limit, nowMs, intervalMs) => {
      const slot = await chains.add(limit, newest => {
        const atMs = Math.max(nowMs, newest?.nextAtMs ?? nowMs);
        return { atMs, nextAtMs: atMs + intervalMs };
      });
      return slot!.atMs!;
    },
    hold: async (limit, atMs) => {
      await chains.add(limit, newest =>
        newest !== undefined && newest.nextAtMs >= atMs ? undefined : { nextAtMs: atMs },
      );
    },
  };
}
