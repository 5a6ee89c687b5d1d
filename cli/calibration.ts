// The calibration that simulated traffic is charged by: the project's own, or any file. Whatever cannot be used ends in
// one INPUT error that lists every problem, a line each; the commands show it and exit with 2.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ErrorObject } from 'ajv';
import { ANSWERERS, type Calibration } from '../scenarios/calibration.ts';
import { REQUEST_KINDS } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { hashOf } from './input.ts';
import { nearest, show } from './words.ts';

const DEFAULT = fileURLToPath(new URL('../scenarios/calibration.json', import.meta.url));

export type LoadedCalibration = {
  readonly calibration: Calibration;
  /** SHA-256 of what it says, whatever the order of its keys. */
  readonly hash: string;
};

/** Throws INPUT when the file is not there or is no calibration. */
export function loadCalibration(path?: string): LoadedCalibration {
  const label = path ?? 'scenarios/calibration.json';
  const document = parse(readText(path ?? DEFAULT, label), label);
  const problems = problemsOf(document);
  if (problems.length > 0) throw wrong(problems.map(problem => `${label}: ${problem}`));
  return { calibration: document as Calibration, hash: hashOf(document as object) };
}

function readText(file: string, label: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong([`the calibration ${label} cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
}

function parse(text: string, label: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong([`${label} is not JSON: ${(error as Error).message}`]);
  }
}

/** A request that keeps a processor busy for longer than this is a slip of the unit. */
const DEMAND_MS_MAX = 10_000;

const MS = { type: 'number', minimum: 0, maximum: DEMAND_MS_MAX };
const TEXT = { type: 'string', minLength: 1 };
const objectOf = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});
const CALIBRATED_MS = objectOf({ ms: MS, low: MS, high: MS });

const validate = new Ajv({ allErrors: true, verbose: true }).compile(
  objectOf({
    source: TEXT,
    asOf: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
    demand: objectOf(Object.fromEntries(REQUEST_KINDS.map(kind => [kind, CALIBRATED_MS]))),
    arrivalShare: { type: 'number', minimum: 0, maximum: 1 },
    rigOverheadMs: objectOf(Object.fromEntries(ANSWERERS.map(answerer => [answerer, CALIBRATED_MS]))),
  }),
);

/** One sentence a problem; empty when the document is a calibration. */
function problemsOf(document: unknown): string[] {
  if (!validate(document)) return [...new Set((validate.errors ?? []).map(sentenceOf))];
  const { demand, rigOverheadMs } = document as Calibration;
  return Object.entries({ demand, rigOverheadMs }).flatMap(([field, figures]) =>
    Object.entries(figures).flatMap(([name, { low, ms, high }]) =>
      low <= ms && ms <= high
        ? []
        : [`${field}.${name} has low ${low}, ms ${ms} and high ${high}; they must rise in this order`],
    ),
  );
}

function sentenceOf({ keyword, instancePath, params, parentSchema, data }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  const prefix = path === '' ? '' : `${path}.`;
  if (keyword === 'required') return `${prefix}${params.missingProperty} is missing`;
  if (keyword === 'additionalProperties') {
    const names = Object.keys((parentSchema as { properties: object }).properties);
    return `${prefix}${params.additionalProperty} is not known${nearest(params.additionalProperty, names, prefix)}`;
  }
  return `${path || 'the document'} is ${show(data)}; it must be ${allowed(parentSchema as Allowed)}`;
}

type Allowed = {
  readonly type: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
};

function allowed({ type, pattern, minimum, maximum }: Allowed): string {
  if (type === 'object') return 'an object';
  if (pattern !== undefined) return 'a date such as "2026-11-25"';
  if (type === 'string') return 'a text, not empty';
  return `a number, ${minimum} to ${maximum}`;
}

const wrong = (problems: readonly string[]) => new SandtableError('INPUT', problems.join('\n'));
