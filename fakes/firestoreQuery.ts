// Firestore's structured queries, as far as the fake covers them: one collection, equality filters, orders and a limit.
// As in reality, a query that no index serves is refused.

import { FIELD_PATH, type Fields, type Value, valueProblem } from './firestoreChecks.ts';
import type { IndexField } from './firestoreIndexes.ts';
import { compareTexts, compareValues } from './firestoreValues.ts';
import { googleError, unknownName } from './google.ts';
import { type FakeReply, isObject } from './service.ts';

type Direction = 'ASCENDING' | 'DESCENDING';
type Order = { readonly path: string; readonly direction: Direction };
export type Query = {
  readonly collection: string;
  readonly equal: readonly { readonly path: string; readonly value: Value }[];
  readonly orders: readonly Order[];
  readonly limit: number;
};
export type Found = { readonly name: string; readonly fields: Fields };

const NAME = '__name__';
const QUERY_FIELDS = ['from', 'where', 'orderBy', 'limit'];
const NOT_COVERED = ['select', 'startAt', 'endAt', 'offset', 'findNearest'];
const OPERATORS = [
  ...['LESS_THAN', 'LESS_THAN_OR_EQUAL', 'GREATER_THAN', 'GREATER_THAN_OR_EQUAL', 'NOT_EQUAL'],
  ...['ARRAY_CONTAINS', 'IN', 'ARRAY_CONTAINS_ANY', 'NOT_IN'],
];
const INT32_MAX = 2 ** 31 - 1;

const refused = (message: string) => googleError(400, message);
const notCovered = (what: string) =>
  googleError(501, `The fake does not cover ${what}.`, undefined, 'UNIMPLEMENTED');

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function queryOf(body: any): Query | FakeReply {
  const { structuredQuery } = body;
  const unknown = unknownName(body, ['structuredQuery'], 'run_query_request');
  if (unknown !== undefined) return refused(unknown);
  if (!isObject(structuredQuery)) return refused('structured_query must be provided.');
  const uncovered = NOT_COVERED.find(name => structuredQuery[name] !== undefined);
  if (uncovered !== undefined) return notCovered(`${uncovered} in a query`);
  const unknownIn = unknownName(structuredQuery, QUERY_FIELDS, 'structured_query');
  if (unknownIn !== undefined) return refused(unknownIn);
  const { from, where, orderBy = [], limit = INT32_MAX } = structuredQuery;
  const selector = Array.isArray(from) && from.length === 1 && isObject(from[0]) ? from[0] : undefined;
  if (typeof selector?.collectionId !== 'string' || !/^[^/]+$/.test(selector.collectionId))
    return refused('structured_query.from must be one collection.');
  const unknownFrom = unknownName(selector, ['collectionId', 'allDescendants'], 'structured_query.from');
  if (unknownFrom !== undefined) return refused(unknownFrom);
  if (selector.allDescendants === true) return notCovered('a query of a collection group');
  if (!Number.isInteger(limit) || (limit as number) < 0 || (limit as number) > INT32_MAX)
    return refused('limit is negative or no integer.');
  const filters = where === undefined ? [] : filtersOf(where);
  if ('status' in filters) return filters;
  const orders = ordersOf(orderBy);
  if ('status' in orders) return orders;
  return { collection: selector.collectionId, equal: filters, orders, limit: limit as number };
}

function filtersOf(filter: unknown): Query['equal'] | FakeReply {
  if (!isObject(filter) || Object.keys(filter).length !== 1) return refused('A filter must be of one kind.');
  const { fieldFilter, compositeFilter } = filter;
  if (filter.unaryFilter !== undefined) return notCovered('unary filters');
  if (isObject(fieldFilter)) return equalityOf(fieldFilter);
  if (!isObject(compositeFilter)) return refused(`Unknown filter ${Object.keys(filter)[0]}.`);
  const { op, filters, ...rest } = compositeFilter;
  if (op === 'OR') return notCovered('OR in a query');
  if (op !== 'AND' || !Array.isArray(filters) || filters.length === 0 || Object.keys(rest).length > 0)
    return refused('A composite filter must be AND of at least one filter.');
  const all: Query['equal'][number][] = [];
  for (const each of filters) {
    const parsed = filtersOf(each);
    if ('status' in parsed) return parsed;
    all.push(...parsed);
  }
  return all;
}

function equalityOf({ field, op, value, ...rest }: Record<string, unknown>): Query['equal'] | FakeReply {
  const unknown = unknownName(rest, [], 'field_filter');
  if (unknown !== undefined) return refused(unknown);
  const path = pathOf(field);
  if (path === undefined) return refused('Invalid property path in a filter.');
  if (OPERATORS.includes(op as string)) return notCovered(`the operator ${op}`);
  if (op !== 'EQUAL') return refused(`Invalid value at 'field_filter.op': ${op}`);
  const problem = path === NAME ? 'a filter by name is not covered.' : valueProblem(value, 1);
  return problem === undefined
    ? [{ path, value: value as Value }]
    : refused(`field_filter.value: ${problem}`);
}

function ordersOf(orderBy: unknown): Order[] | FakeReply {
  if (!Array.isArray(orderBy)) return refused('order_by must be an array.');
  const orders: Order[] = [];
  for (const order of orderBy) {
    const { field, direction = 'ASCENDING', ...rest } = isObject(order) ? order : {};
    const path = pathOf(field);
    if (path === undefined || Object.keys(rest).length > 0)
      return refused('Invalid property path in order_by.');
    if (direction !== 'ASCENDING' && direction !== 'DESCENDING')
      return refused(`Invalid value at 'order_by.direction': ${direction}`);
    if (orders.some(each => each.path === path)) return refused(`order_by cannot contain ${path} twice.`);
    orders.push({ path, direction });
  }
  return orders;
}

function pathOf(field: unknown): string | undefined {
  const path = isObject(field) && Object.keys(field).length === 1 ? field.fieldPath : undefined;
  return typeof path === 'string' && FIELD_PATH.test(path) ? path : undefined;
}

/**
 * Whether no index serves the query. Each field has an index of its own, and those of equality filters are merged; an
 * order by another field besides needs composite indexes that end in that order and together begin with every filter.
 */
export function indexNeeded({ equal, orders }: Query, indexes: readonly (readonly IndexField[])[]): boolean {
  const filtered = new Set(equal.map(({ path }) => path));
  const tail = orders.filter(({ path }) => !filtered.has(path) && path !== NAME);
  if (tail.length === 0 || (tail.length === 1 && filtered.size === 0)) return false;
  const covered = new Set<string>();
  let isServed = false;
  for (const index of indexes) {
    const fields = index.filter(({ fieldPath }) => fieldPath !== NAME);
    const head = fields.slice(0, fields.length - tail.length);
    if (head.length + tail.length !== fields.length || !ends(fields.slice(head.length), tail)) continue;
    if (!head.every(({ fieldPath, order }) => order !== undefined && filtered.has(fieldPath))) continue;
    isServed = true;
    for (const { fieldPath } of head) covered.add(fieldPath);
  }
  return !isServed || covered.size < filtered.size;
}

/** An index is read in both directions. */
function ends(fields: readonly IndexField[], tail: readonly Order[]): boolean {
  const same = (turned: boolean) =>
    fields.every(
      ({ fieldPath, order }, i) =>
        fieldPath === tail[i].path && order !== undefined && (order === tail[i].direction) !== turned,
    );
  return same(false) || same(true);
}

/** What it finds, in order. A document without a field that is filtered or ordered by is in no index of it. */
export function answerOf({ equal, orders, limit }: Query, all: readonly Found[]): Found[] {
  const fits = ({ fields }: Found) =>
    equal.every(({ path, value }) => {
      const own = valueAt(fields, path);
      return own !== undefined && compareValues(own, value) === 0;
    }) && orders.every(({ path }) => path === NAME || valueAt(fields, path) !== undefined);
  const compare = (a: Found, b: Found) => {
    for (const { path, direction } of orders) {
      const sign = direction === 'DESCENDING' ? -1 : 1;
      const order =
        path === NAME
          ? compareTexts(a.name, b.name)
          : compareValues(valueAt(a.fields, path)!, valueAt(b.fields, path)!);
      if (order !== 0) return sign * order;
    }
    // The name decides, in the direction of the last order.
    return (orders.at(-1)?.direction === 'DESCENDING' ? -1 : 1) * compareTexts(a.name, b.name);
  };
  return all.filter(fits).sort(compare).slice(0, limit);
}

function valueAt(fields: Fields, path: string): Value | undefined {
  let at: Fields | undefined = fields;
  let value: Value | undefined;
  for (const name of path.split('.')) {
    value = at !== undefined && Object.hasOwn(at, name) ? at[name] : undefined;
    at = (value?.mapValue as { fields?: Fields } | undefined)?.fields;
  }
  return value;
}
