// What a client may ask of a list of Cloudflare's DNS records: filters, all of which must hold, and an order.

import { failure, notCovered } from './cloudflareEnvelope.ts';
import type { Fields } from './dnsChecks.ts';
import type { FakeReply } from './service.ts';

type Test = (value: string, asked: string) => boolean;

/** By the ending of the parameter's name: `name`, `name.exact`, `name.contains`. The vendor ignores case. */
const TESTS: Readonly<Record<string, Test>> = {
  '': (value, asked) => value === asked,
  '.exact': (value, asked) => value === asked,
  '.contains': (value, asked) => value.includes(asked),
  '.startswith': (value, asked) => value.startsWith(asked),
  '.endswith': (value, asked) => value.endsWith(asked),
};
const TEXTS = ['name', 'content', 'comment'] as const;
const ORDERS = ['type', 'name', 'content', 'ttl', 'proxied'] as const;

/** Every parameter that `filtered` reads. */
export const RECORD_FILTERS: readonly string[] = [
  ...TEXTS.flatMap(field => Object.keys(TESTS).map(ending => field + ending)),
  ...['comment.present', 'comment.absent', 'type', 'proxied', 'order', 'direction', 'match'],
];

/** The records that fit, in the order asked for; in the order of their creation when none is. */
export function filtered<T extends Fields>(
  records: readonly T[],
  query: URLSearchParams,
): readonly T[] | FakeReply {
  const refusal = invalidQuery(query);
  if (refusal !== undefined) return refusal;
  const found = records.filter(record => fits(record, query));
  const order = query.get('order') as (typeof ORDERS)[number] | null;
  const sign = query.get('direction') === 'desc' ? -1 : 1;
  if (order === null) return sign === 1 ? found : found.reverse();
  return found.sort((one, other) => {
    const [a, b] = [one[order], other[order]];
    return a === b ? 0 : a < b ? -sign : sign;
  });
}

function fits(record: Fields, query: URLSearchParams): boolean {
  const text = (field: string, asked: string | null, test: Test) =>
    asked === null || test(field.toLowerCase(), asked.toLowerCase());
  return (
    TEXTS.every(field =>
      Object.entries(TESTS).every(([ending, test]) => text(record[field], query.get(field + ending), test)),
    ) &&
    (!query.has('comment.present') || record.comment !== '') &&
    (!query.has('comment.absent') || record.comment === '') &&
    (!query.has('type') || record.type === query.get('type')) &&
    (!query.has('proxied') || String(record.proxied) === query.get('proxied'))
  );
}

function invalidQuery(query: URLSearchParams): FakeReply | undefined {
  const oneOf = (name: string, values: readonly string[]) =>
    !query.has(name) || values.includes(query.get(name)!) ? undefined : name;
  const wrong =
    oneOf('order', ORDERS) ??
    oneOf('direction', ['asc', 'desc']) ??
    oneOf('proxied', ['true', 'false']) ??
    oneOf('match', ['all', 'any']);
  // It joins the filters by OR.
  if (query.get('match') === 'any') return notCovered('parameter match=any');
  return wrong === undefined
    ? undefined
    : failure(400, 1004, `Invalid ${wrong}: ${JSON.stringify(query.get(wrong))}.`);
}
