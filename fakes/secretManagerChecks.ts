// What Secret Manager refuses in a request: the checks of secrets, payloads, filters and pages.

import { labelsProblem, unknownName } from './google.ts';
import { isObject } from './service.ts';

const PAYLOAD_BYTES_MAX = 65_536;
const SECRET_FIELDS = ['replication', 'labels', 'annotations', 'etag', 'name', 'createTime'];
const ANNOTATION_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const ANNOTATIONS_BYTES_MAX = 16_384;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
/** Castagnoli's polynomial, its bits in reverse. */
const CRC32C = 0x82f63b78;

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function secretProblem(body: any): string | undefined {
  return (
    unknownName(body, SECRET_FIELDS, 'secret') ??
    replicationProblem(body.replication) ??
    labelsProblem(body.labels) ??
    annotationsProblem(body.annotations)
  );
}

/** The fields that a change is to have, or the reason why it is refused. */
export function maskOf(text: string | null): string[] | string {
  if (text === null || text === '') return 'update_mask must be provided.';
  const fields = text.split(',');
  const other = fields.find(field => field !== 'labels' && field !== 'annotations');
  return other === undefined ? fields : `Invalid update_mask: [${other}] cannot be updated.`;
}

function replicationProblem(replication: unknown): string | undefined {
  if (!isObject(replication)) return 'Secret.replication must be provided.';
  const unknown = unknownName(replication, ['automatic', 'userManaged'], 'secret.replication');
  if (unknown !== undefined) return unknown;
  const { automatic, userManaged } = replication;
  if ((automatic === undefined) === (userManaged === undefined))
    return 'Secret.replication must be provided: one of automatic and user_managed.';
  if (automatic !== undefined)
    return isObject(automatic)
      ? unknownName(automatic, [], 'secret.replication.automatic')
      : 'Secret.replication.automatic must be an object.';
  const { replicas, ...rest } = isObject(userManaged) ? userManaged : {};
  const other = unknownName(rest, [], 'secret.replication.user_managed');
  if (other !== undefined) return other;
  return Array.isArray(replicas) && replicas.length > 0 && replicas.every(hasLocation)
    ? undefined
    : 'Secret.replication.user_managed.replicas must be provided, each with its location.';
}

const hasLocation = (replica: unknown) =>
  isObject(replica) &&
  Object.keys(replica).length === 1 &&
  typeof replica.location === 'string' &&
  /^[a-z]+-[a-z]+\d+$/.test(replica.location);

function annotationsProblem(annotations: unknown): string | undefined {
  if (annotations === undefined) return undefined;
  if (!isObject(annotations)) return 'annotations must be an object.';
  for (const [key, value] of Object.entries(annotations))
    if (!ANNOTATION_KEY.test(key) || typeof value !== 'string') return `The annotation [${key}] is invalid.`;
  return JSON.stringify(annotations).length > ANNOTATIONS_BYTES_MAX
    ? 'The annotations exceed 16 KiB.'
    : undefined;
}

/** A payload as it is kept, its checksum beside it, or the reason why it is refused. */
export type Payload = { readonly data: string; readonly crc32c: string; readonly checked: boolean };

// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
export function payloadOf(body: any): Payload | string {
  const unknown =
    unknownName(body, ['payload'], 'add_secret_version_request') ??
    unknownName(body.payload ?? {}, ['data', 'dataCrc32c'], 'payload');
  if (unknown !== undefined) return unknown;
  const { data, dataCrc32c } = body.payload ?? {};
  if (typeof data !== 'string' || data === '') return 'SecretPayload.data must be provided.';
  const bytes = bytesOf(data);
  if (bytes === undefined) return "Invalid value at 'payload.data' (TYPE_BYTES): Base64 decoding failed.";
  if (bytes.length > PAYLOAD_BYTES_MAX) return 'The payload exceeds 64 KiB.';
  const crc32c = String(crc32cOf(bytes));
  if (dataCrc32c !== undefined && String(dataCrc32c) !== crc32c)
    return 'The checksum in SecretPayload.data_crc32c does not match the data.';
  return { data, crc32c, checked: dataCrc32c !== undefined };
}

/** One character a byte; undefined when it is not base64, of either alphabet, padded or not. */
function bytesOf(data: string): string | undefined {
  const digits = data.replace(/=+$/, '');
  if (!BASE64.test(data) || digits.length % 4 === 1) return undefined;
  return atob(digits.replaceAll('-', '+').replaceAll('_', '/'));
}

function crc32cOf(bytes: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Whether a resource is asked for, or the reason why the filter is refused. The fake covers `field:value` alone. */
export function filterOf(text: string | null, fields: RegExp): ((resource: object) => boolean) | string {
  if (text === null || text === '') return () => true;
  const [, field, value] = /^([\w.]+)\s*[:=]\s*"?([\w-]+)"?$/.exec(text) ?? [];
  if (field === undefined || !fields.test(field)) return `Invalid filter [${text}].`;
  const path = field.split('.');
  return resource => path.reduce<unknown>((at, name) => isObject(at) && at[name], resource) === value;
}
