// What a client's body says of a service, apart from what only the vendor sets and from what is not set at all.

import { SERVICE_FIELDS } from './cloudRunChecks.ts';
import type { Spec } from './cloudRunDeployment.ts';
import { withNames } from './cloudRunEnumerations.ts';
import { unknownName } from './google.ts';
import { isObject } from './service.ts';

const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';
const listOf = (isItem: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isItem);
/** Fields that only the vendor sets, by their types: taken from whoever sends back what was given out, and ignored. */
const OUTPUT_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isText,
  uid: isText,
  etag: isText,
  generation: isText,
  observedGeneration: isText,
  createTime: isText,
  updateTime: isText,
  deleteTime: isText,
  expireTime: isText,
  latestCreatedRevision: isText,
  latestReadyRevision: isText,
  uri: isText,
  reconciling: isFlag,
  terminalCondition: isObject,
  conditions: listOf(isObject),
  trafficStatuses: listOf(isObject),
  urls: listOf(isText),
};

export type Given = { readonly spec: Spec; readonly etag: string | undefined };

/** What a body asks for, apart from what only the vendor sets; a text says why it is none. */
export function givenOf(body: Record<string, unknown>): Given | string {
  const set = without(body, UNSET.service);
  const problem = unknownName(set, [...SERVICE_FIELDS, ...Object.keys(OUTPUT_FIELDS)], 'service');
  if (problem !== undefined) return problem;
  const wrong = Object.entries(set).find(([name, value]) => OUTPUT_FIELDS[name]?.(value) === false);
  if (wrong !== undefined) return `Invalid value at 'service.${wrong[0]}'.`;
  const own = Object.entries(set).filter(([name]) => !Object.hasOwn(OUTPUT_FIELDS, name));
  return { spec: withNames(withoutUnset(Object.fromEntries(own))), etag: set.etag as string | undefined };
}

/**
 * What a gapic client sends, by message, for a field that is not set, when it sends back what it got. The fake covers
 * few of these fields, and refuses another value of the others.
 */
const UNSET = {
  service: {
    description: '',
    creator: '',
    lastModifier: '',
    client: '',
    clientVersion: '',
    etag: '',
    defaultUriDisabled: false,
    iapEnabled: false,
    satisfiesPzs: false,
    threatDetectionEnabled: false,
  },
  template: {
    revision: '',
    serviceAccount: '',
    encryptionKey: '',
    executionEnvironment: 0,
    encryptionKeyRevocationAction: 0,
    sessionAffinity: false,
    healthCheckDisabled: false,
  },
  container: { name: '', workingDir: '', baseImageUri: '' },
  target: { revision: '', tag: '' },
} as const;

function without(message: unknown, unset: Readonly<Record<string, unknown>>): Spec {
  if (!isObject(message)) return message;
  return Object.fromEntries(
    Object.entries(message).filter(([name, value]) => !Object.hasOwn(unset, name) || value !== unset[name]),
  );
}

function withoutUnset(spec: Spec): Spec {
  const each = (list: unknown, unset: Readonly<Record<string, unknown>>) =>
    Array.isArray(list) ? list.map(message => without(message, unset)) : list;
  const template = without(spec.template, UNSET.template);
  const containers = each(template?.containers, UNSET.container);
  return {
    ...spec,
    ...(spec.traffic !== undefined && { traffic: each(spec.traffic, UNSET.target) }),
    ...(spec.template !== undefined && {
      template: containers === undefined ? template : { ...template, containers },
    }),
  };
}
