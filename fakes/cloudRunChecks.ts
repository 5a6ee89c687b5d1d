// What Cloud Run checks of a service before it takes it: each field's type, range and fit, and no field unknown.

import { BY_REVISION, LATEST } from './cloudRunDeployment.ts';
import { labelsProblem, unknownName } from './google.ts';
import { isObject } from './service.ts';

const IMAGE =
  /^[a-z0-9][a-z0-9._-]*(?::\d+)?(?:\/[a-z0-9][a-z0-9._-]*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;
/** What stands before the first slash is a host when it has a dot or a port; Cloud Run takes images from these alone. */
const HOST = /^([^/]*[.:][^/]*)\//;
const IMAGE_HOST = /^(?:(?:[a-z]+\.)?gcr\.io|(?:[a-z0-9-]+-)?docker\.pkg\.dev|docker\.io)$/;
const IMAGE_EXPECTED =
  'Expected an image path like [host/]repo-path[:tag and/or @digest], where host is one of [region.]gcr.io, [region-]docker.pkg.dev or docker.io';
/** Least and most MiB of memory by vCPU; parts of a vCPU are not covered. */
const MEMORY_MIB: Readonly<Record<string, readonly [number, number]>> = {
  1: [128, 4096],
  2: [128, 8192],
  4: [2048, 16_384],
  6: [4096, 24_576],
  8: [4096, 32_768],
};
/** The fields that the fake covers and a service's owner sets. */
export const SERVICE_FIELDS: readonly string[] = [
  'description',
  'labels',
  'annotations',
  'ingress',
  'invokerIamDisabled',
  'launchStage',
  'scaling',
  'template',
  'traffic',
];
export const SERVICE_SCALING_FIELDS: readonly string[] = [
  'minInstanceCount',
  'maxInstanceCount',
  'scalingMode',
  'manualInstanceCount',
];
export const TEMPLATE_FIELDS: readonly string[] = [
  'revision',
  'labels',
  'annotations',
  'containers',
  'scaling',
  'maxInstanceRequestConcurrency',
  'timeout',
];
export const SCALING_FIELDS: readonly string[] = ['minInstanceCount', 'maxInstanceCount'];
const INGRESSES = ['ALL', 'INTERNAL_ONLY', 'INTERNAL_LOAD_BALANCER', 'NONE'].map(
  name => `INGRESS_TRAFFIC_${name}`,
);
const CONTAINER_FIELDS = ['name', 'image', 'env', 'ports', 'resources'];
const RESOURCES_FIELDS = ['limits', 'cpuIdle', 'startupCpuBoost'];
const TIMEOUT_SECONDS_MAX = 3600;
const DESCRIPTION_CHARACTERS_MAX = 512;
const ENV_MAX = 1000;
const ENV_VALUE_CHARACTERS_MAX = 32_768;
/** Annotations and labels of the vendor's own are fields in this version of the API. */
const VENDORS_OWN = /^(?:[^/]*\.)?(?:run|cloud)\.googleapis\.com\/|^(?:serving|autoscaling)\.knative\.dev\//;
const ANNOTATION_KEY =
  /^(?:[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const REVISION_ID = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

type Violation = readonly [field: string, description: string];
type Check = readonly [field: string, holds: boolean, description: string];

/** The first rule of Cloud Run that a service breaks: the field and what is wrong with it. */
// biome-ignore lint/suspicious/noExplicitAny: the checks below are what gives it a shape
export function violationOf(service: any): Violation | undefined {
  const { template } = service;
  return (
    broken('service.template', templateChecks(template)) ??
    broken('service', serviceChecks(service)) ??
    trafficViolation(service.traffic) ??
    unknownFields(service)
  );
}

/** A revision is the service's by its name too. `service`: it is sound. */
export function revisionViolation(id: string, { template }: { template: { revision?: string } }) {
  const { revision } = template;
  if (revision === undefined || revision.startsWith(`${id}-`)) return undefined;
  const at = 'service.template.revision';
  return [at, `must be prefixed by the name of the service with a trailing -: ${id}-.`] as const;
}

const broken = (at: string, checks: readonly Check[]): Violation | undefined => {
  const check = checks.find(([, holds]) => !holds);
  return check === undefined ? undefined : [`${at}${check[0]}`, check[2]];
};

// biome-ignore lint/suspicious/noExplicitAny: a client's body
function templateChecks(template: any): Check[] {
  const container = template?.containers?.[0];
  const { resources, env, ports, name } = container ?? {};
  const limits = resources?.limits;
  const { minInstanceCount = 0, maxInstanceCount = 100 } = template?.scaling ?? {};
  const concurrency = template?.maxInstanceRequestConcurrency ?? 80;
  const vcpu = vcpuOf(template);
  const stringsOnly = Object.values(limits ?? {}).every(limit => typeof limit === 'string');
  const at = '.containers[0]';
  return [
    ['', isObject(template), 'must be an object.'],
    ['.revision', isOptionalMatch(template?.revision, REVISION_ID), 'is not a valid revision name.'],
    ['.annotations', areAnnotations(template?.annotations), 'must be texts under names of your own.'],
    ['.containers', isList(template?.containers, 1) && isObject(container), 'must be one container.'],
    [`${at}.name`, isOptionalMatch(name, REVISION_ID), 'is not a valid name.'],
    [`${at}.image`, isImage(container?.image), IMAGE_EXPECTED],
    [`${at}.env`, isEnvironment(env), 'must be names, none twice, each with its text.'],
    [`${at}.ports`, arePorts(ports), 'must be one port.'],
    [`${at}.resources`, isOptional(resources) && isOptional(limits), 'must be an object.'],
    [`${at}.resources.cpu_idle`, isFlag(resources?.cpuIdle), 'must be a boolean.'],
    [`${at}.resources.startup_cpu_boost`, isFlag(resources?.startupCpuBoost), 'must be a boolean.'],
    [`${at}.resources.limits`, stringsOnly, 'must be strings.'],
    [`${at}.resources.limits.cpu`, Object.hasOwn(MEMORY_MIB, vcpu), 'must be one of 1, 2, 4, 6, 8.'],
    [`${at}.resources.limits.memory`, memoryFits(limits?.memory, vcpu), 'does not fit the cpu.'],
    ['.scaling', isOptional(template?.scaling), 'must be an object.'],
    ['.scaling.max_instance_count', isCount(maxInstanceCount, 1, Infinity), 'must be a positive integer.'],
    [
      '.scaling.min_instance_count',
      isCount(minInstanceCount, 0, maxInstanceCount),
      'must be 0 to the maximum.',
    ],
    ['.max_instance_request_concurrency', isCount(concurrency, 1, 1000), 'must be 1 to 1000.'],
    ['.timeout', isTimeout(template?.timeout ?? '300s'), 'must be 1s to 3600s.'],
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: a client's body
function serviceChecks({ description = '', annotations, ingress, launchStage, ...service }: any): Check[] {
  const { scaling, invokerIamDisabled } = service;
  const { minInstanceCount = 0, maxInstanceCount = Infinity, manualInstanceCount = 0 } = scaling ?? {};
  const isText = typeof description === 'string' && description.length <= DESCRIPTION_CHARACTERS_MAX;
  const isMaximum = maxInstanceCount === Infinity || isCount(maxInstanceCount, 1, Infinity);
  return [
    ['.description', isText, 'must be 512 characters at most.'],
    ['.annotations', areAnnotations(annotations), 'must be texts under names of your own.'],
    ['.ingress', isOneOf(ingress, INGRESSES), 'is not an ingress setting.'],
    ['.launch_stage', isOneOf(launchStage, ['ALPHA', 'BETA', 'GA']), 'is not supported.'],
    ['.invoker_iam_disabled', isFlag(invokerIamDisabled), 'must be a boolean.'],
    ['.scaling', isOptional(scaling), 'must be an object.'],
    ['.scaling.scaling_mode', isOneOf(scaling?.scalingMode, ['AUTOMATIC', 'MANUAL']), 'is not a mode.'],
    ['.scaling.manual_instance_count', isCount(manualInstanceCount, 0, Infinity), 'must be 0 or more.'],
    ['.scaling.max_instance_count', isMaximum, 'must be a positive integer.'],
    [
      '.scaling.min_instance_count',
      isCount(minInstanceCount, 0, maxInstanceCount),
      'must be 0 to the maximum.',
    ],
  ];
}

/** Whether the revisions are there is seen later, by who carries the change out. */
function trafficViolation(traffic: unknown): Violation | undefined {
  const at = 'service.traffic';
  if (traffic === undefined) return undefined;
  if (!Array.isArray(traffic)) return [at, 'must be a list.'];
  let sum = 0;
  for (const target of traffic) {
    if (!isObject(target)) return [at, 'must be a list of targets.'];
    const unknown = unknownName(target, ['type', 'revision', 'percent'], at);
    if (unknown !== undefined) return [at, unknown];
    const { type, revision, percent = 0 } = target;
    if (!isCount(percent, 0, 100)) return [`${at}.percent`, 'must be 0 to 100.'];
    if (type !== LATEST && type !== BY_REVISION) return [`${at}.type`, 'must be specified.'];
    const isNamed = typeof revision === 'string' && REVISION_ID.test(revision);
    if (type === BY_REVISION ? !isNamed : revision !== undefined)
      return [`${at}.revision`, 'must be a revision where the type says so, and only there.'];
    sum += Number(percent);
  }
  return traffic.length === 0 || sum === 100 ? undefined : [at, 'The percents must sum to 100.'];
}

// biome-ignore lint/suspicious/noExplicitAny: its shape is checked by now
function unknownFields({ template, scaling, ...service }: any): Violation | undefined {
  const container = template.containers[0];
  const { resources = {} } = container;
  const problem =
    labelsProblem(service.labels) ??
    labelsProblem(template.labels) ??
    unknownName(service, SERVICE_FIELDS, 'service') ??
    unknownName(scaling ?? {}, SERVICE_SCALING_FIELDS, 'service.scaling') ??
    unknownName(template, TEMPLATE_FIELDS, 'template') ??
    unknownName(template.scaling ?? {}, SCALING_FIELDS, 'scaling') ??
    unknownName(container, CONTAINER_FIELDS, 'containers[0]') ??
    unknownName(resources, RESOURCES_FIELDS, 'resources') ??
    unknownName(resources.limits ?? {}, ['cpu', 'memory'], 'limits');
  return problem === undefined ? undefined : ['service', problem];
}

/** vCPU of an instance, as the keys of the table above: `2` and `2000m` are the same. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body
export const vcpuOf = (template: any): string =>
  String(template?.containers?.[0]?.resources?.limits?.cpu ?? '1').replace(/^(\d)000m$/, '$1');

/** MiB of an instance. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body
export const memoryMibOf = (template: any): number =>
  mibOf(template?.containers?.[0]?.resources?.limits?.memory);

const isOptional = (value: unknown) => value === undefined || isObject(value);
const isFlag = (value: unknown) => value === undefined || typeof value === 'boolean';
const isOneOf = (value: unknown, names: readonly string[]) =>
  value === undefined || names.includes(value as string);
const isOptionalMatch = (value: unknown, pattern: RegExp) =>
  value === undefined || (typeof value === 'string' && pattern.test(value));
const isList = (value: unknown, length: number) => Array.isArray(value) && value.length === length;
const isImage = (image: unknown) =>
  typeof image === 'string' && IMAGE.test(image) && IMAGE_HOST.test(HOST.exec(image)?.[1] ?? 'docker.io');
const isCount = (n: unknown, least: number, most: number) =>
  Number.isInteger(n) && Number(n) >= least && Number(n) <= most;

function areAnnotations(annotations: unknown): boolean {
  if (annotations === undefined) return true;
  if (!isObject(annotations)) return false;
  return Object.entries(annotations).every(
    ([key, value]) => ANNOTATION_KEY.test(key) && !VENDORS_OWN.test(key) && typeof value === 'string',
  );
}

function isEnvironment(env: unknown): boolean {
  if (env === undefined) return true;
  if (!Array.isArray(env) || env.length > ENV_MAX) return false;
  const names = env.map(each => each?.name);
  return new Set(names).size === names.length && env.every(isVariable);
}

/** The names of the container's contract are the vendor's to set. */
const RESERVED = ['PORT', 'K_SERVICE', 'K_REVISION', 'K_CONFIGURATION'];

function isVariable(variable: unknown): boolean {
  if (!isObject(variable) || !Object.keys(variable).every(name => name === 'name' || name === 'value'))
    return false;
  const { name, value = '' } = variable;
  if (typeof value !== 'string' || value.length > ENV_VALUE_CHARACTERS_MAX) return false;
  return typeof name === 'string' && /^[A-Za-z_][\w.-]*$/.test(name) && !RESERVED.includes(name);
}

function arePorts(ports: unknown): boolean {
  if (ports === undefined) return true;
  if (!Array.isArray(ports) || ports.length !== 1 || !isObject(ports[0])) return false;
  const { containerPort, name = 'http1', ...rest } = ports[0];
  const isKnown = (name === 'http1' || name === 'h2c') && Object.keys(rest).length === 0;
  return isKnown && isCount(containerPort, 1, 65_535);
}

function memoryFits(memory: unknown, vcpu: string): boolean {
  if (!Object.hasOwn(MEMORY_MIB, vcpu)) return false;
  const mib = mibOf(memory);
  const [least, most] = MEMORY_MIB[vcpu];
  return mib >= least && mib <= most;
}

/** NaN when it is no amount. */
function mibOf(memory: unknown): number {
  const [, amount, unit] = /^(\d{1,5})(Mi|Gi)$/.exec(String(memory ?? '512Mi')) ?? [];
  return Number(amount) * (unit === 'Gi' ? 1024 : 1);
}

function isTimeout(timeout: unknown): boolean {
  if (typeof timeout !== 'string') return false;
  const [, seconds] = /^(\d{1,4}(?:\.\d{1,9})?)s$/.exec(timeout) ?? [];
  return Number(seconds) >= 1 && Number(seconds) <= TIMEOUT_SECONDS_MAX;
}
