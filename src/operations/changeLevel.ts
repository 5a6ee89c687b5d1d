// Gives a company another security level: its service's labels and instances, its document, and last of all its record.
// Its users' quota and verification pool are those of their tokens: they change as SallyPort issues the next ones.

import type { ChangeEnded } from './carryOut.ts';
import type { Operations } from './operations.ts';

/** `id`: the company's, such as `c00042`; `level`: one of the platform's. */
export function changeLevel(operations: Operations, id: string, level: string): Promise<ChangeEnded> {
  return operations.change(id, { kind: 'level', level });
}
