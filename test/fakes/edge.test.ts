// The edge's caches: what is kept, where, and for how long.

import { describe, expect, it } from 'vitest';
import { Edge, type EdgeOptions, type EdgeRequest } from '../../fakes/edge.ts';
import { REQUEST_KINDS, USER_REGIONS } from '../../scenarios/scenario.ts';
import { NOW_MS } from './fakeCall.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OK = { status: 200, cacheControl: 'public, max-age=86400' };
const MISS = { hit: false };

const edgeOf = (more: Partial<EdgeOptions> = {}) =>
  new Edge({ assetTtlMs: DAY_MS, configTtlMs: HOUR_MS, ...more });
const asset = (more: Partial<EdgeRequest> = {}): EdgeRequest => ({
  kind: 'asset',
  company: 'c00001',
  name: 'a1.js',
  userRegion: 'europe',
  homeRegion: 'europe-west1',
  ...more,
});
const config = (more: Partial<EdgeRequest> = {}) => asset({ kind: 'config', name: '', ...more });

describe('the edge', () => {
  it.each([
    ['an asset', asset(), DAY_MS],
    ['a config', config(), HOUR_MS],
  ])('keeps %s for its time', (_what, request, ttlMs) => {
    const edge = edgeOf();
    expect(edge.arrive(request, NOW_MS)).toEqual(MISS);
    edge.store(request, OK, NOW_MS);
    expect(edge.arrive(request, NOW_MS + ttlMs - 1)).toEqual({ hit: true, status: 200, ageMs: ttlMs - 1 });
    expect(edge.arrive(request, NOW_MS + ttlMs)).toEqual(MISS);
    edge.store(request, OK, NOW_MS + ttlMs);
    expect(edge.arrive(request, NOW_MS + ttlMs)).toEqual({ hit: true, status: 200, ageMs: 0 });
  });

  it.each<[string, Partial<EdgeRequest>]>([
    ['another company', { company: 'c00002' }],
    ['another asset', { name: 'a2.js' }],
    ['users elsewhere', { userRegion: 'asia' }],
    ['another kind of request', { kind: 'config' }],
  ])('has nothing for %s', (_what, more) => {
    const edge = edgeOf();
    edge.store(asset(), OK, NOW_MS);
    expect(edge.arrive(asset(more), NOW_MS)).toEqual(MISS);
    expect(edge.arrive(asset(), NOW_MS).hit).toBe(true);
  });

  it.each([
    ['an error', { status: 404, cacheControl: 'public' }],
    ['an answer for one user', { status: 200, cacheControl: 'private, max-age=60' }],
    ['an answer that must not be stored', { status: 200, cacheControl: 'no-store' }],
  ])('keeps no %s', (_what, answer) => {
    const edge = edgeOf();
    edge.store(asset(), answer, NOW_MS);
    expect(edge.arrive(asset(), NOW_MS)).toEqual(MISS);
  });

  it('keeps a good answer that says nothing of caches', () => {
    const edge = edgeOf();
    edge.store(config(), { status: 200 }, NOW_MS);
    expect(edge.arrive(config(), NOW_MS).hit).toBe(true);
  });

  it.each(REQUEST_KINDS.filter(kind => kind !== 'asset' && kind !== 'config'))('lets every %s pass', kind => {
    const edge = edgeOf({ initial: { cached: () => true } });
    edge.store(asset({ kind }), OK, NOW_MS);
    expect(edge.arrive(asset({ kind }), NOW_MS)).toEqual(MISS);
    expect(edge.counts()).toEqual([]);
  });

  it('makes room for newer ones, the oldest first, at each site', () => {
    const edge = edgeOf({ entriesMax: 2 });
    const names = ['a1.js', 'a2.js', 'a3.js'];
    for (const userRegion of USER_REGIONS)
      for (const name of names) edge.store(asset({ name, userRegion }), OK, NOW_MS);
    for (const userRegion of USER_REGIONS)
      expect(names.map(name => edge.arrive(asset({ name, userRegion }), NOW_MS).hit)).toEqual([
        false,
        true,
        true,
      ]);
  });

  it('counts what it was asked and what it answered, by users and home', () => {
    const edge = edgeOf();
    edge.store(asset(), OK, NOW_MS);
    for (const request of [asset(), asset(), config(), asset({ userRegion: 'asia' })])
      edge.arrive(request, NOW_MS);
    expect(edge.counts()).toEqual([
      { userRegion: 'europe', homeRegion: 'europe-west1', asked: 3, hits: 2 },
      { userRegion: 'asia', homeRegion: 'europe-west1', asked: 1, hits: 0 },
    ]);
  });
});

describe('a run that begins in the middle of time', () => {
  it('finds what was there, until something else is stored', () => {
    const cached = (...key: readonly unknown[]) => key.join(' ') === 'europe c00001 a1.js';
    const edge = edgeOf({ initial: { cached } });
    for (let n = 0; n < 3; n++) {
      expect(edge.arrive(asset(), NOW_MS + n)).toEqual({ hit: true, status: 200, ageMs: undefined });
      expect(edge.arrive(config(), NOW_MS + n)).toEqual(MISS);
    }
    edge.store(config(), OK, NOW_MS);
    expect(edge.arrive(config(), NOW_MS).hit).toBe(true);
  });
});
