// What Cloudflare's v4 API says alike everywhere: the envelope, its errors, pages, and the checks of names and ids.

import { type FakeReply, isObject } from './service.ts';

export const ID = /^[0-9a-f]{32}$/;
const HOSTNAME = /^(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

/** How many items a page has when the client names no number, and which numbers it may name. */
export type PageSizes = { readonly usual: number; readonly min: number; readonly max: number };

/** The vendor's for DNS records; other collections have their own. */
const RECORD_PAGES: PageSizes = { usual: 100, min: 1, max: 5_000_000 };

/** One page of a list; a parameter that is not in `covered` is refused, lest it be taken for granted. */
export function page(
  items: readonly object[],
  query: URLSearchParams,
  covered: readonly string[],
  { usual, min, max }: PageSizes = RECORD_PAGES,
): FakeReply {
  const foreign = [...query.keys()].find(name => ![...covered, 'page', 'per_page'].includes(name));
  if (foreign !== undefined) return notCovered(`parameter ${foreign}`);
  const number = Number(query.get('page') ?? 1);
  const size = Number(query.get('per_page') ?? usual);
  const fits = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!fits(number, 1, Number.MAX_SAFE_INTEGER) || !fits(size, min, max))
    return failure(400, 1004, 'Invalid page or per_page.');
  const result = items.slice((number - 1) * size, number * size);
  const total_pages = Math.ceil(items.length / size);
  return success(result, {
    page: number,
    per_page: size,
    count: result.length,
    total_count: items.length,
    total_pages,
  });
}

export function success(result: unknown, info?: object, messages: readonly object[] = []): FakeReply {
  return {
    status: 200,
    body: { success: true, errors: [], messages, result, ...(info && { result_info: info }) },
  };
}

export function failure(status: number, code: number, message: string, chain?: readonly object[]): FakeReply {
  const errors = [{ code, message, ...(chain && { error_chain: chain }) }];
  return { status, body: { success: false, errors, messages: [], result: null } };
}

export function noRoute(path: string): FakeReply {
  return failure(
    404,
    7003,
    `Could not route to /client/v4/${path}, perhaps your object identifier is invalid?`,
  );
}

/** What the vendor may know and the fake does not: it is refused, so that no test leans on its being ignored. */
export const notCovered = (what: string): FakeReply =>
  failure(501, 7000, `the fake does not cover the ${what}`);

/** The first name in `body` that is not in `known`, refused. */
export function foreignField(body: object, known: readonly string[]): FakeReply | undefined {
  const foreign = Object.keys(body).find(name => !known.includes(name));
  return foreign === undefined ? undefined : notCovered(`field ${foreign}`);
}

export const matches = (pattern: RegExp, value: unknown) => typeof value === 'string' && pattern.test(value);
export const isHostname = (value: unknown): value is string => matches(HOSTNAME, value);
export const isIn = (name: string, domain: string) => name === domain || name.endsWith(`.${domain}`);
export const isStrings = (value: unknown) =>
  isObject(value) && Object.values(value).every(item => typeof item === 'string');
/** A refusal that a function handed back in place of what it was asked for. */
export const isReply = (value: object): value is FakeReply => 'status' in value && 'body' in value;
