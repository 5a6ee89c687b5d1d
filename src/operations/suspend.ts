// Suspends a company and resumes it: while it is suspended everything of it is kept, nobody is served and nothing of
// it can be used. Its users are answered 403 by the gateways, at the latest when these forget what they know of it
// (platform.caching.configs), and until then 404 by its service, which is closed at once.

import type { ChangeEnded } from './carryOut.ts';
import type { Operations } from './operations.ts';

/** `id`: the company's, such as `c00042`. */
export function suspend(operations: Operations, id: string): Promise<ChangeEnded> {
  return operations.change(id, { kind: 'suspension' });
}

/** Back to where it was, at the level that it had; done once it answers its users again. */
export function resume(operations: Operations, id: string): Promise<ChangeEnded> {
  return operations.change(id, { kind: 'resumption' });
}
