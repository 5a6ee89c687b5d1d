// Google's gapic clients speak of enumerations by number, its other clients by name. Inside the fake they have names.

import { isObject } from './service.ts';

/** By field, in the order of their numbers. */
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
  state: [
    'STATE_UNSPECIFIED',
    'CONDITION_PENDING',
    'CONDITION_RECONCILING',
    'CONDITION_FAILED',
    'CONDITION_SUCCEEDED',
  ],
  type: [
    'TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION',
  ],
};

/** The query by which a client asks for numbers. */
export const asksForNumbers = (query: URLSearchParams): boolean =>
  query.get('$alt') === 'json;enum-encoding=int';

/** The same with names for numbers. A number that stands for none is left, and refused by who checks it. */
export const withNames = (value: unknown): unknown =>
  eachField(value, (names, item) => (typeof item === 'number' ? (names[item] ?? item) : undefined));

/** The same with numbers for names. */
export const withNumbers = (value: unknown): unknown =>
  eachField(value, (names, item) => {
    const number = names.indexOf(item as string);
    return number >= 0 ? number : undefined;
  });

type Translate = (names: readonly string[], item: unknown) => unknown;

function eachField(value: unknown, translate: Translate): unknown {
  if (Array.isArray(value)) return value.map(item => eachField(item, translate));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const names = Object.hasOwn(ENUMERATIONS, name) ? ENUMERATIONS[name] : undefined;
      return [name, (names && translate(names, item)) ?? eachField(item, translate)];
    }),
  );
}
