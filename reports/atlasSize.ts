// The MongoDB Atlas cluster that a region needs, by one rule: the smallest tier that holds memory, connections and
// collections; where none does, as many M80s as the scarcest of the three asks for.

import { ATLAS_TIERS, type AtlasTier, type CostFacts } from './costFacts.ts';

export type AtlasNeeds = {
  /** For the records that must lie in memory, with what else a node's memory is for. */
  readonly memoryGiB: number;
  readonly connections: number;
  /** And indexes. */
  readonly collections: number;
};

/** More than one: shards of one cluster, or clusters of their own where the collections decide. */
export type AtlasSize = { readonly tier: AtlasTier; readonly replicaSets: number };

const LARGEST: AtlasTier = 'm80';

export function atlasSizeOf(needs: AtlasNeeds, facts: CostFacts): AtlasSize {
  const tier = ATLAS_TIERS.find(tier => replicaSetsOf(needs, tier, facts) <= 1);
  return tier === undefined
    ? { tier: LARGEST, replicaSets: replicaSetsOf(needs, LARGEST, facts) }
    : { tier, replicaSets: 1 };
}

function replicaSetsOf(
  { memoryGiB, connections, collections }: AtlasNeeds,
  tier: AtlasTier,
  facts: CostFacts,
) {
  return Math.ceil(
    Math.max(
      memoryGiB / facts[`quota.atlas.memory.${tier}`],
      connections / facts[`quota.atlas.connections.${tier}`],
      collections / facts[`quota.atlas.collections.${tier}`],
    ),
  );
}
