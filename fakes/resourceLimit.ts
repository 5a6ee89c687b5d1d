// How many resources a vendor lets one project, organisation or index have. Such a limit stays reached until somebody
// raises it or deletes something, so its refusal is another than that of a rate. Checked only where the world says so.

import type { World } from './service.ts';

/** The limit that one more than `count` would exceed; undefined when there is room, or when nobody checks. */
export function limitReached(world: World, fact: string, count: number): number | undefined {
  if (!world.resourceQuotas) return undefined;
  const limit = world.valueOf(fact);
  return count >= limit ? limit : undefined;
}
