// The names of one zone as its own servers hold them, at once, and as resolvers see them, some time after each change.
// The most specific name answers; a wildcard answers on every level below its own, until a name that is there
// (RFC 4592):
//   x.b.example.com ─► itself? ─► *.b.example.com? ─► b.example.com there? then nothing ─► *.example.com? ─► nothing

/** A name as resolvers see it. */
export type Sight = {
  readonly type: string;
  readonly content: string;
  readonly proxied: boolean;
  /** The record that answered, when none has the name itself. */
  readonly wildcard?: string;
};

export type Shown = Sight & {
  readonly madeAtMs: number;
  goneAtMs: number;
  readonly fromMs: number;
  untilMs: number;
};

type Test = (shown: Shown) => boolean;

export type DnsNames = {
  /** Resolvers see it after `propagationMs`. */
  show(name: string, sight: Sight, nowMs: number, propagationMs: number): Shown;
  hide(shown: Shown, nowMs: number, propagationMs: number): void;
  /** What resolvers see. */
  seenAt(hostname: string, nowMs: number): Sight | undefined;
  /** What the zone's own servers hold. */
  heldAt(hostname: string, nowMs: number): Sight | undefined;
  /** When the last proxied record that could answer for it went; undefined when there never was one. */
  proxiedUntilMs(hostname: string): number | undefined;
};

export function dnsNames(domain: string): DnsNames {
  const byName = new Map<string, Shown[]>();
  /** The names below one that lies between a name and the domain: it is there too, though it may have no record. */
  const below = new Map<string, Set<string>>();

  const show = (name: string, sight: Sight, nowMs: number, propagationMs: number): Shown => {
    const fromMs = nowMs + propagationMs;
    const untilMs = Number.POSITIVE_INFINITY;
    const shown = { ...sight, madeAtMs: nowMs, goneAtMs: untilMs, fromMs, untilMs };
    byName.set(name, [...(byName.get(name) ?? []), shown]);
    for (const ancestor of ancestorsOf(name, domain).slice(0, -1))
      below.set(ancestor, (below.get(ancestor) ?? new Set()).add(name));
    return shown;
  };

  const hide = (shown: Shown, nowMs: number, propagationMs: number): void => {
    shown.goneAtMs = nowMs;
    shown.untilMs = nowMs + propagationMs;
  };

  const isThere = (name: string, test: Test): boolean =>
    (byName.get(name)?.some(test) ?? false) ||
    [...(below.get(name) ?? [])].some(deeper => byName.get(deeper)!.some(test));

  const lookUp = (hostname: string, test: Test): Sight | undefined => {
    const own = byName.get(hostname)?.findLast(test);
    if (own !== undefined) return own;
    if (isThere(hostname, test)) return undefined;
    for (const ancestor of ancestorsOf(hostname, domain)) {
      const wildcard = `*.${ancestor}`;
      const found = byName.get(wildcard)?.findLast(test);
      if (found !== undefined) return { ...found, wildcard };
      if (isThere(ancestor, test)) return undefined;
    }
    return undefined;
  };

  const proxiedUntilMs = (hostname: string): number | undefined => {
    const wildcards = ancestorsOf(hostname, domain).map(ancestor => `*.${ancestor}`);
    const proxied = [hostname, ...wildcards]
      .flatMap(name => byName.get(name) ?? [])
      .filter(shown => shown.proxied);
    return proxied.length === 0 ? undefined : Math.max(...proxied.map(({ goneAtMs }) => goneAtMs));
  };

  return {
    show,
    hide,
    seenAt: (hostname, nowMs) =>
      lookUp(hostname, ({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs),
    heldAt: (hostname, nowMs) =>
      lookUp(hostname, ({ madeAtMs, goneAtMs }) => madeAtMs <= nowMs && nowMs < goneAtMs),
    proxiedUntilMs,
  };
}

/** From the parent of a name up to the domain itself; none when the name does not lie below the domain. */
function ancestorsOf(name: string, domain: string): string[] {
  const ancestors: string[] = [];
  let rest = name;
  while (rest.endsWith(`.${domain}`)) {
    rest = rest.slice(rest.indexOf('.') + 1);
    ancestors.push(rest);
  }
  return ancestors;
}
