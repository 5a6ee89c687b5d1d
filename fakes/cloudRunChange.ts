// What a change asks of a service's fields: the names that the vendor knows, the update mask, numbers of enumerations.

import { SCALING_FIELDS, SERVICE_FIELDS, SERVICE_SCALING_FIELDS, TEMPLATE_FIELDS } from './cloudRunChecks.ts';
import { LATEST, type Spec } from './cloudRunDeployment.ts';
import { unknownName } from './google.ts';
import { isObject } from './service.ts';

/** Fields that only the vendor sets, by their types: taken from whoever sends back what was given out, and ignored. */
const OUTPUT_FIELDS: Readonly<Record<string, string>> = {
  name: 'string',
  uid: 'string',
  etag: 'string',
  generation: 'string',
  observedGeneration: 'string',
  createTime: 'string',
  updateTime: 'string',
  deleteTime: 'string',
  expireTime: 'string',
  latestCreatedRevision: 'string',
  latestReadyRevision: 'string',
  uri: 'string',
  reconciling: 'boolean',
  terminalCondition: 'object',
  conditions: 'array',
  trafficStatuses: 'array',
  urls: 'array',
};

/** Names of the enumerations that a body may carry, by field; a client may send their numbers instead. */
const ENUMERATIONS: Readonly<Record<string, readonly string[]>> = {
  ingress: [
    'INGRESS_TRAFFIC_UNSPECIFIED',
    'INGRESS_TRAFFIC_ALL',
    'INGRESS_TRAFFIC_INTERNAL_ONLY',
    'INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER',
    'INGRESS_TRAFFIC_NONE',
  ],
  launchStage: ['LAUNCH_STAGE_UNSPECIFIED', 'EARLY_ACCESS', 'ALPHA', 'BETA', 'GA', 'DEPRECATED'],
  scalingMode: ['SCALING_MODE_UNSPECIFIED', 'AUTOMATIC', 'MANUAL'],
  type: [
    'TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION',
  ],
};

export type Given = { readonly spec: Spec; readonly etag: string | undefined };

/** What a body asks for, apart from what only the vendor sets; a text says why it is none. */
export function givenOf(body: Record<string, unknown>): Given | string {
  const problem = unknownName(body, [...SERVICE_FIELDS, ...Object.keys(OUTPUT_FIELDS)], 'service');
  if (problem !== undefined) return problem;
  const wrong = Object.entries(body).find(([name, value]) => {
    const type = OUTPUT_FIELDS[name];
    return type !== undefined && (Array.isArray(value) ? 'array' : typeof value) !== type;
  });
  if (wrong !== undefined) return `Invalid value at 'service.${wrong[0]}'.`;
  const own = Object.entries(body).filter(([name]) => !Object.hasOwn(OUTPUT_FIELDS, name));
  return { spec: withNames(Object.fromEntries(own)), etag: body.etag as string | undefined };
}

/** The same with names in place of the numbers of enumerations. Numbers that stand for none are left, and refused. */
// biome-ignore lint/suspicious/noExplicitAny: any JSON value
function withNames(value: any): any {
  if (Array.isArray(value)) return value.map(withNames);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const names = Object.hasOwn(ENUMERATIONS, name) ? ENUMERATIONS[name] : undefined;
      return [name, typeof item === 'number' ? (names?.[item] ?? item) : withNames(item)];
    }),
  );
}

/** The whole of `given` laid over `spec`: what must be sound whatever the mask takes of it. */
export function laidOver(spec: Spec, given: Spec): Spec {
  if (!isObject(spec) || !isObject(given)) return given;
  const all = { ...spec };
  for (const [name, value] of Object.entries(given)) all[name] = laidOver(spec[name], value);
  return all;
}

/** `spec` with the fields that the mask names as `given` has them; without a mask, `given` itself. A text refuses. */
export function changed(spec: Spec, given: Spec, mask: string): Spec | string {
  if (mask === '' || mask === '*') return given;
  let all = spec;
  for (const path of mask.split(',')) {
    const names = path.split('.').map(camelCase);
    const next = isKnown(names) ? withPath(all, given, names) : undefined;
    if (next === undefined) return `Invalid field mask path "${path}".`;
    all = next;
  }
  return all;
}

/** Fields of the messages inside a service that a path may go on to. It does not go into lists and maps. */
const INNER: Readonly<Record<string, readonly string[]>> = {
  template: TEMPLATE_FIELDS,
  'template.scaling': SCALING_FIELDS,
  scaling: SERVICE_SCALING_FIELDS,
};

function isKnown(names: readonly string[]): boolean {
  if (!SERVICE_FIELDS.includes(names[0])) return false;
  return names.slice(1).every((name, i) => INNER[names.slice(0, i + 1).join('.')]?.includes(name) ?? false);
}

function withPath(spec: Spec, given: Spec, [name, ...rest]: readonly string[]): Spec {
  const value = rest.length === 0 ? given?.[name] : withPath(spec[name] ?? {}, given?.[name], rest);
  const { [name]: _, ...others } = spec;
  return value === undefined ? others : { ...others, [name]: value };
}

/** A mask may be in the names of the protocol as well. */
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What the vendor fills in: a service that is sent back as it was given out asks for no change. */
export const withDefaults = ({ template, traffic, ...rest }: Spec): Spec => ({
  ingress: 'INGRESS_TRAFFIC_ALL',
  launchStage: 'GA',
  ...rest,
  template: { timeout: '300s', maxInstanceRequestConcurrency: 80, ...template },
  traffic: traffic === undefined || traffic.length === 0 ? [{ type: LATEST, percent: 100 }] : traffic,
});

/** By content, whatever the order of the names. */
export const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(name => [name, ordered(value[name])]),
  );
}
