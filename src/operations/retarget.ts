// Points a company's name at wherever its service is now, and ends once the resolver gives the name and the company
// answers under it. A service that is gone is made again first; its registry record gets the new address.

import type { ChangeEnded } from './carryOut.ts';
import type { Operations } from './operations.ts';

/** `id`: the company's, such as `c00042`. */
export function retarget(operations: Operations, id: string): Promise<ChangeEnded> {
  return operations.change(id, { kind: 'retargeting' });
}
