// Counter-based chance: a draw is a pure integer function of its key, so adding, deleting or retrying one call
// shifts no other draw. Only 32-bit integer operations, so Node and k6 agree to the bit.

/** Each use of chance has a purpose of its own; two purposes never share a draw. */
export const PURPOSE = {
  replication: 1,
  population: 2,
  networkArrival: 3,
  networkAnswer: 4,
  operation: 5,
  duration: 6,
  fault: 7,
  jitter: 8,
  secret: 9,
  store: 10,
  bench: 11,
  cache: 12,
  record: 13,
  verify: 14,
  userWay: 15,
  arrival: 16,
  arrivalCount: 17,
  initialState: 18,
} as const;

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  hash ^= Math.imul(k, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A uniform 32-bit unsigned integer for (seed, purpose, key). MurmurHash3's mixing (Appleby, public domain). */
export function drawUint32(seed: number, purpose: number, key: readonly number[]): number {
  let hash = mix(mix(0x9747b28c, seed), purpose);
  for (let i = 0; i < key.length; i++) hash = mix(hash, key[i]);
  return finish(hash ^ key.length);
}

/** The seed of one replication; the rig, which runs one, draws like the first. */
export function replicationSeed(seed: number, index: number): number {
  return drawUint32(seed, PURPOSE.replication, [index]);
}

/** Uniform in [0, 1) with 53 bits. */
export function drawUniform(seed: number, purpose: number, key: readonly number[]): number {
  let hash = mix(mix(0x9747b28c, seed), purpose);
  for (let i = 0; i < key.length; i++) hash = mix(hash, key[i]);
  const high = finish(hash ^ key.length) >>> 5;
  const low = finish(mix(hash, 0x5bd1e995)) >>> 6;
  return (high * 67108864 + low) / 9007199254740992;
}
