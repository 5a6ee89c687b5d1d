// What Cloud Run checks of a service before it takes it: each field's type, range and fit, and no field unknown.

import { labelsProblem, unknownName } from './google.ts';
import { isObject } from './service.ts';

const IMAGE =
  /^[a-z0-9][a-z0-9._-]*(?::\d+)?(?:\/[a-z0-9][a-z0-9._-]*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;
/** Least and most MiB of memory by vCPU; parts of a vCPU are not covered. */
const MEMORY_MIB: Readonly<Record<string, readonly [number, number]>> = {
  1: [128, 4096],
  2: [128, 8192],
  4: [2048, 16_384],
  6: [4096, 24_576],
  8: [4096, 32_768],
};
/** The fields that the fake covers. */
const SERVICE_FIELDS = ['name', 'description', 'labels', 'ingress', 'invokerIamDisabled', 'template'];
const TEMPLATE_FIELDS = ['labels', 'containers', 'scaling', 'maxInstanceRequestConcurrency', 'timeout'];
const SCALING_FIELDS = ['minInstanceCount', 'maxInstanceCount'];
const CONTAINER_FIELDS = ['name', 'image', 'env', 'ports', 'resources'];
const RESOURCES_FIELDS = ['limits', 'cpuIdle', 'startupCpuBoost'];
const TIMEOUT_SECONDS_MAX = 3600;

/** The first rule of Cloud Run that a service breaks: the field and what is wrong with it. */
// biome-ignore lint/suspicious/noExplicitAny: the checks below are what gives it a shape
export function violationOf(service: any): readonly [field: string, description: string] | undefined {
  const { template } = service;
  const container = template?.containers?.[0];
  const { resources } = container ?? {};
  const limits = resources?.limits;
  const { minInstanceCount = 0, maxInstanceCount = 100 } = template?.scaling ?? {};
  const concurrency = template?.maxInstanceRequestConcurrency ?? 80;
  // `2` and `2000m` are the same.
  const vcpu = String(limits?.cpu ?? '1').replace(/^(\d)000m$/, '$1');
  const stringsOnly = Object.values(limits ?? {}).every(limit => typeof limit === 'string');
  const checks: [field: string, holds: boolean, description: string][] = [
    ['', isObject(template), 'must be an object.'],
    ['.containers', template?.containers?.length === 1 && isObject(container), 'must be one container.'],
    [
      '.containers[0].image',
      isImage(container?.image),
      'Expected an image path like [host/]repo-path[:tag].',
    ],
    ['.containers[0].resources', isOptional(resources) && isOptional(limits), 'must be an object.'],
    ['.containers[0].resources.limits', stringsOnly, 'must be strings.'],
    ['.containers[0].resources.limits.cpu', Object.hasOwn(MEMORY_MIB, vcpu), 'must be one of 1, 2, 4, 6, 8.'],
    ['.containers[0].resources.limits.memory', memoryFits(limits?.memory, vcpu), 'does not fit the cpu.'],
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
  const broken = checks.find(([, holds]) => !holds);
  if (broken !== undefined) return [`service.template${broken[0]}`, broken[2]];
  const problem =
    labelsProblem(service.labels) ??
    labelsProblem(template.labels) ??
    unknownName(service, SERVICE_FIELDS, 'service') ??
    unknownName(template, TEMPLATE_FIELDS, 'template') ??
    unknownName(template.scaling ?? {}, SCALING_FIELDS, 'scaling') ??
    unknownName(container, CONTAINER_FIELDS, 'containers[0]') ??
    unknownName(resources ?? {}, RESOURCES_FIELDS, 'resources') ??
    unknownName(limits ?? {}, ['cpu', 'memory'], 'limits');
  return problem === undefined ? undefined : ['service', problem];
}

const isOptional = (value: unknown) => value === undefined || isObject(value);
const isImage = (image: unknown) => typeof image === 'string' && IMAGE.test(image);
const isCount = (n: unknown, least: number, most: number) =>
  Number.isInteger(n) && Number(n) >= least && Number(n) <= most;

function memoryFits(memory: unknown, vcpu: string): boolean {
  if (!Object.hasOwn(MEMORY_MIB, vcpu)) return false;
  const [, amount, unit] = /^(\d{1,5})(Mi|Gi)$/.exec(String(memory ?? '512Mi')) ?? [];
  const mib = Number(amount) * (unit === 'Gi' ? 1024 : 1);
  const [least, most] = MEMORY_MIB[vcpu];
  return mib >= least && mib <= most;
}

function isTimeout(timeout: unknown): boolean {
  const [, seconds] = /^(\d{1,4}(?:\.\d{1,9})?)s$/.exec(String(timeout)) ?? [];
  return Number(seconds) >= 1 && Number(seconds) <= TIMEOUT_SECONDS_MAX;
}
