// Takes the ambient world away from a simulation worker: while sealed, the clocks, timers, chance, network, settings
// and locale of the machine throw. A ban by name in our own code would miss what dependencies do.

const GLOBALS = [
  'Date',
  'Temporal',
  'Intl',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'crypto',
  'fetch',
  'WebSocket',
  'MessageChannel',
  'EventSource',
  'WeakRef',
  'FinalizationRegistry',
  'navigator',
  'localStorage',
  'sessionStorage',
  'BroadcastChannel',
  'PerformanceObserver',
];

type Owner = { readonly name: string; readonly object: object; readonly keys: readonly string[] };

const OWNERS: readonly Owner[] = [
  { name: 'globalThis', object: globalThis, keys: GLOBALS },
  { name: 'Math', object: Math, keys: ['random'] },
  {
    name: 'process',
    object: process,
    keys: [
      'env',
      'uptime',
      'hrtime',
      'memoryUsage',
      'cpuUsage',
      'argv',
      'cwd',
      'pid',
      'getBuiltinModule',
      'resourceUsage',
      'threadCpuUsage',
      'availableMemory',
      'ppid',
      'title',
      'report',
    ],
  },
  { name: 'AbortSignal', object: AbortSignal, keys: ['timeout'] },
  {
    name: 'String.prototype',
    object: String.prototype,
    keys: ['localeCompare', 'toLocaleUpperCase', 'toLocaleLowerCase'],
  },
  { name: 'Number.prototype', object: Number.prototype, keys: ['toLocaleString'] },
  { name: 'BigInt.prototype', object: BigInt.prototype, keys: ['toLocaleString'] },
  { name: 'Atomics', object: Atomics, keys: ['wait', 'waitAsync'] },
  { name: 'Array.prototype', object: Array.prototype, keys: ['toLocaleString'] },
];

/** Seals until the function that it returns is called. Touching a sealed name throws an Error that says which. */
export function seal(): () => void {
  // All are looked up before the first is taken away: Node makes some of them on first sight, with the help of others.
  const found = OWNERS.flatMap(({ name, object, keys }) =>
    keys.map(key => ({ name, object, key, before: Object.getOwnPropertyDescriptor(object, key) })),
  );
  for (const { name, object, key, before } of found) {
    if (before === undefined) continue;
    const refuse = () => {
      throw new Error(
        `${name}.${key} was used inside a simulation: time, chance and I/O come through the ports`,
      );
    };
    Object.defineProperty(object, key, { configurable: true, get: refuse, set: refuse });
  }
  return () => {
    for (const { object, key, before } of found)
      if (before !== undefined) Object.defineProperty(object, key, before);
  };
}

/** Every name that `seal` takes away and that this Node has, as `owner.key`. */
export function sealedNames(): string[] {
  return OWNERS.flatMap(({ name, object, keys }) =>
    keys.filter(key => Object.hasOwn(object, key)).map(key => `${name}.${key}`),
  );
}
