// The edge in front of the gateways: a cache of assets and configs in every part of the world that users are in (one
// site each, assumed). A hit spares the gateways of the company's home region the request.

import type { RequestKind, UserRegion } from '../scenarios/scenario.ts';
import { BoundedMap } from './bounded.ts';

export type EdgeRequest = {
  readonly kind: RequestKind;
  readonly company: string;
  /** Of the asset; empty for a config. */
  readonly name: string;
  readonly userRegion: UserRegion;
  readonly homeRegion: string;
};

/** `ageMs`: since it was stored; undefined when that was before the run began. */
export type EdgeAnswer =
  | { readonly hit: true; readonly status: number; readonly ageMs: number | undefined }
  | { readonly hit: false };

/** As much of an answer as decides whether it may be kept. */
export type Storable = { readonly status: number; readonly cacheControl?: string | undefined };

/**
 * What was there already when a run begins in the middle of time, and stays to its end; asked until the run stores the
 * key itself, so it must always answer alike.
 */
export type EdgeInitial = {
  readonly cached: (userRegion: UserRegion, company: string, name: string) => boolean;
};

export type EdgeOptions = {
  readonly assetTtlMs: number;
  readonly configTtlMs: number;
  readonly initial?: EdgeInitial;
  /** At each site; the oldest go first. */
  readonly entriesMax?: number;
};

/** Requests that a cache could answer, and those that it did. */
export type EdgeCount = {
  readonly userRegion: UserRegion;
  readonly homeRegion: string;
  asked: number;
  hits: number;
};

type Entry = { readonly storedAtMs: number; readonly expiresAtMs: number };

/** Every asset and config of 10,000 companies is a tenth of it. */
const ENTRIES_MAX = 1_000_000;
const MISS: EdgeAnswer = { hit: false };
const OK = 200;

export class Edge {
  private readonly options: EdgeOptions;
  private readonly sites = new Map<UserRegion, BoundedMap<Entry>>();
  private readonly totals: EdgeCount[] = [];

  constructor(options: EdgeOptions) {
    this.options = options;
  }

  arrive(request: EdgeRequest, nowMs: number): EdgeAnswer {
    const { kind, company, name, userRegion } = request;
    if (!isCacheable(kind)) return MISS;
    const total = this.totalOf(request);
    total.asked++;
    const entry = this.siteOf(userRegion).get(keyOf(request));
    const isHit =
      entry === undefined
        ? this.options.initial?.cached(userRegion, company, name) === true
        : nowMs < entry.expiresAtMs;
    if (!isHit) return MISS;
    total.hits++;
    // Nothing but 200 is ever stored.
    return { hit: true, status: OK, ageMs: entry && nowMs - entry.storedAtMs };
  }

  /** An answer to `request` passes on its way to the user. Keeps it if it may be kept. */
  store(request: EdgeRequest, { status, cacheControl = '' }: Storable, nowMs: number): void {
    const { kind, userRegion } = request;
    if (!isCacheable(kind) || status !== OK || /\b(?:private|no-store)\b/.test(cacheControl)) return;
    const ttlMs = kind === 'asset' ? this.options.assetTtlMs : this.options.configTtlMs;
    this.siteOf(userRegion).set(keyOf(request), { storedAtMs: nowMs, expiresAtMs: nowMs + ttlMs });
  }

  counts(): EdgeCount[] {
    return this.totals.map(total => ({ ...total }));
  }

  private siteOf(userRegion: UserRegion): BoundedMap<Entry> {
    let site = this.sites.get(userRegion);
    if (site === undefined)
      this.sites.set(userRegion, (site = new BoundedMap(this.options.entriesMax ?? ENTRIES_MAX)));
    return site;
  }

  private totalOf({ userRegion, homeRegion }: EdgeRequest): EdgeCount {
    for (const total of this.totals)
      if (total.userRegion === userRegion && total.homeRegion === homeRegion) return total;
    const total = { userRegion, homeRegion, asked: 0, hits: 0 };
    this.totals.push(total);
    return total;
  }
}

const isCacheable = (kind: RequestKind): boolean => kind === 'asset' || kind === 'config';
const keyOf = ({ kind, company, name }: EdgeRequest): string => `${kind}/${company}/${name}`;
