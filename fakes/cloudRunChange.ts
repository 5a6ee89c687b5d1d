// What a change makes of a service's fields: the update mask, and what the vendor fills in.

import { SCALING_FIELDS, SERVICE_FIELDS, SERVICE_SCALING_FIELDS, TEMPLATE_FIELDS } from './cloudRunChecks.ts';
import { LATEST, type Spec } from './cloudRunDeployment.ts';
import { isObject } from './service.ts';

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

/** By content, whatever the order of the names; what is empty says the same as what is not there. */
export const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(bare(one)) === JSON.stringify(bare(other));

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(name => [name, bare(value[name])] as const)
      .filter(([, item]) => !isEmpty(item)),
  );
}

const isEmpty = (item: unknown) =>
  typeof item === 'object' && item !== null ? Object.keys(item).length === 0 : !item;
