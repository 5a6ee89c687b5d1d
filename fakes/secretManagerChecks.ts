// What Secret Manager refuses in a request: the checks of secrets, payloads, filters and pages.

import { labelsProblem, unknownName } from './google.ts';
import { binaryOf, crc32c } from './googleBytes.ts';
import { isObject } from './service.ts';

const PAYLOAD_BYTES_MAX = 65_536;
const SECRET_FIELDS = ['replication', 'labels', 'annotations', 'etag', 'name', 'createTime'];
const ANNOTATION_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const ANNOTATIONS_BYTES_MAX = 16_384;

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
  const bytes = binaryOf(data);
  if (bytes === undefined) return "Invalid value at 'payload.data' (TYPE_BYTES): Base64 decoding failed.";
  if (bytes.length > PAYLOAD_BYTES_MAX) return 'The payload exceeds 64 KiB.';
  const checksum = String(crc32c(bytes));
  if (dataCrc32c !== undefined && String(dataCrc32c) !== checksum)
    return 'The checksum in SecretPayload.data_crc32c does not match the data.';
  return { data, crc32c: checksum, checked: dataCrc32c !== undefined };
}

/** Whether a resource is asked for, or the reason why the filter is refused. The fake covers `field:value` alone. */
export function filterOf(text: string | null, fields: RegExp): ((resource: object) => boolean) | string {
  if (text === null || text === '') return () => true;
  const [, field, value] = /^([\w.]+)\s*[:=]\s*"?([\w-]+)"?$/.exec(text) ?? [];
  if (field === undefined || !fields.test(field)) return `Invalid filter [${text}].`;
  const path = field.split('.');
  return resource => path.reduce<unknown>((at, name) => isObject(at) && at[name], resource) === value;
}
