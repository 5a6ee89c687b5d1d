// The fields of a Cloudflare DNS record, and what is wrong with them. Stricter than the vendor: a name outside of the
// zone is refused instead of completed, and a field that the fake does not know is refused instead of ignored.

import { failure, foreignField, isHostname, isIn, matches } from './cloudflareEnvelope.ts';
import type { FakeReply } from './service.ts';

export type Fields = {
  type: string;
  name: string;
  content: string;
  ttl: number;
  proxied: boolean;
  comment: string;
};

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
/** One of the eight groups of an IPv6 address. */
const GROUP = /^[0-9a-f]{1,4}$/i;
/** The shortest allowance of the vendor's plans. */
const COMMENT_LENGTH_MAX = 100;
const TTL_S = { automatic: 1, min: 60, max: 86_400 };
const NAMES = ['type', 'name', 'content', 'ttl', 'proxied', 'comment'];
export const DEFAULTS: Partial<Fields> = { ttl: TTL_S.automatic, proxied: false, comment: '' };

/** The fields that a client may set, as far as they are given. */
export function pick(body: Partial<Fields>): Fields {
  const { type, name, content, ttl, proxied, comment } = body;
  const given = Object.entries({ type, name, content, ttl, proxied, comment }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(given) as Fields;
}

export const foreignRecordField = (body: object): FakeReply | undefined => foreignField(body, NAMES);

export function invalidRecord(fields: Fields, domain: string): FakeReply | undefined {
  const { type, name, content, ttl, proxied, comment } = fields;
  // Since 2024-10-01 without the chain below a "DNS Validation Error". Source: Cloudflare, API deprecations.
  const invalid = (code: number, message: string) => failure(400, code, message);
  if (!['A', 'AAAA', 'CNAME'].includes(type))
    return failure(400, 1004, 'DNS Validation Error: the fake covers the types A, AAAA and CNAME.');
  if (!isRecordName(name, domain)) return invalid(9000, 'DNS name is invalid.');
  if (type === 'A' && !matches(IPV4, content))
    return invalid(9005, 'Content for A record must be a valid IPv4 address.');
  if (type === 'AAAA' && !isIpv6(content))
    return invalid(9006, 'Content for AAAA record must be a valid IPv6 address.');
  if (type === 'CNAME' && !isHostname(content)) return invalid(9007, 'Content for CNAME record is invalid.');
  if (type === 'CNAME' && content === name) return invalid(9039, 'CNAME content cannot reference itself.');
  const ttlFits = ttl === TTL_S.automatic || (Number.isInteger(ttl) && ttl >= TTL_S.min && ttl <= TTL_S.max);
  if (!ttlFits || (proxied && ttl !== TTL_S.automatic))
    return invalid(9021, 'Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.');
  if (typeof proxied !== 'boolean')
    return failure(400, 1004, 'DNS Validation Error: proxied must be a boolean.');
  if (typeof comment !== 'string' || comment.length > COMMENT_LENGTH_MAX)
    return failure(
      400,
      1004,
      `DNS Validation Error: comment must be a string of at most ${COMMENT_LENGTH_MAX} characters.`,
    );
  return undefined;
}

/** Two colons, once, stand for the groups of zeros that are left out (RFC 4291). */
function isIpv6(content: unknown): boolean {
  if (typeof content !== 'string') return false;
  const halves = content.split('::');
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')));
  const isWhole = halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length < 8;
  return isWhole && groups.every(group => GROUP.test(group));
}

/** A hostname of the zone, or a wildcard: an asterisk for the whole of the first label. */
function isRecordName(name: unknown, domain: string): boolean {
  if (typeof name !== 'string') return false;
  const rest = name.startsWith('*.') ? name.slice(2) : name;
  return isHostname(rest) && isIn(rest, domain);
}

/**
 * A CNAME stands alone at its name; two other records must differ. Assumed: 81058 is the vendor's code when every
 * setting is the same, 81057 when the record is and its settings are not.
 */
export function duplicateRecord(fields: Fields, others: readonly Fields[]): FakeReply | undefined {
  const { type, content, ttl, proxied } = fields;
  const same = others.find(other => other.type === type && other.content === content);
  if (same !== undefined)
    return same.ttl === ttl && same.proxied === proxied
      ? failure(400, 81058, 'An identical record already exists.')
      : failure(400, 81057, 'The record already exists.');
  if (type === 'CNAME' && others.length > 0)
    return failure(400, 81053, 'An A, AAAA, or CNAME record with that host already exists.');
  return others.some(other => other.type === 'CNAME')
    ? failure(400, 81054, 'A CNAME record with that host already exists.')
    : undefined;
}
