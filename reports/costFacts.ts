// The entries of the catalogue that the bill reads: prices, allowances, limits of tiers, and sizes that nobody measured.
// `cost.ts` reads all of them for every bill, and the compiler lets no line name another.

/** Of MongoDB Atlas, the smallest first. */
export const ATLAS_TIERS = ['m10', 'm20', 'm30', 'm40', 'm50', 'm60', 'm80'] as const;
export type AtlasTier = (typeof ATLAS_TIERS)[number];

/** Capacity tiers of Memorystore Redis, each with the GiB that an instance of it has at most. */
export const REDIS_TIERS = [
  { name: 'm1', gibMax: 4 },
  { name: 'm2', gibMax: 10 },
  { name: 'm3', gibMax: 35 },
  { name: 'm4', gibMax: 100 },
  { name: 'm5', gibMax: Infinity },
] as const;

export const COST_FACTS = [
  'service.vcpu',
  'service.memory-gib',
  'service.starts-per-day',
  'lat.company-service.warm',
  'run.billing-step',
  'bytes.agent-record',
  'bytes.company-record',
  'bytes.session',
  'bytes.answer.config',
  'bytes.image',
  'redis.fill',
  'quota.redis.size',
  'atlas.hot-share',
  'atlas.cache-share',
  'atlas.connections-per-instance',
  'atlas.collections-per-company',
  ...ATLAS_TIERS.map(tier => `quota.atlas.memory.${tier}` as const),
  ...ATLAS_TIERS.map(tier => `quota.atlas.connections.${tier}` as const),
  ...ATLAS_TIERS.map(tier => `quota.atlas.collections.${tier}` as const),
  'firestore.reads-per-call',
  'firestore.writes-per-call',
  'firestore.bytes-per-agent',
  'pinecone.vectors-per-agent',
  'pinecone.bytes-per-vector',
  'pinecone.queries-per-tool-call',
  'pinecone.vectors-written-per-tool-call',
  'pinecone.read-units-per-gb',
  'pinecone.read-units-min',
  'pinecone.write-units-per-kb',
  'artifact.versions',
  'allowance.logging',
  'allowance.cloudflare.hostnames',
  'price.run.instance.cpu',
  'price.run.instance.memory',
  'price.run.request.cpu',
  'price.run.request.memory',
  'price.run.request.requests',
  'price.run.request.idle-cpu',
  'price.run.request.idle-memory',
  'price.secret.version',
  'price.secret.access',
  'price.kms.version',
  'price.kms.operation',
  'price.firestore.read',
  'price.firestore.write',
  'price.firestore.storage',
  ...ATLAS_TIERS.map(tier => `price.atlas.${tier}` as const),
  ...REDIS_TIERS.map(({ name }) => `price.redis.${name}` as const),
  'price.pinecone.storage',
  'price.pinecone.read',
  'price.pinecone.write',
  'price.pinecone.minimum',
  'price.cloudflare.plan',
  'price.cloudflare.hostname',
  'price.egress.to-1-tib',
  'price.egress.to-10-tib',
  'price.egress.above-10-tib',
  'price.logging',
  'price.artifact',
  'price.lb.rule',
] as const;

export type CostFact = (typeof COST_FACTS)[number];
export type PriceFact = Extract<CostFact, `price.${string}`>;
export type CostFacts = Readonly<Record<CostFact, number>>;

export function costFactsOf(factValue: (id: string) => number): CostFacts {
  return Object.fromEntries(COST_FACTS.map(id => [id, factValue(id)])) as CostFacts;
}
