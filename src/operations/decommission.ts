// Takes a company off the platform: its plan backwards, until nothing of it is left anywhere but what no vendor's call
// can take away (the ring's key without a version that could decrypt, an Atlas index over an empty collection).

import type { ChangeEnded } from './carryOut.ts';
import type { Operations } from './operations.ts';

/** `id`: the company's, such as `c00042`. Asked for again, it goes on; of a company that is gone it is done at once. */
export function decommission(operations: Operations, id: string): Promise<ChangeEnded> {
  return operations.change(id, { kind: 'decommissioning' });
}
